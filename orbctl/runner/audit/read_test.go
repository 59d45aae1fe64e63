package audit_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/orbctl/runner/audit"
)

func start(id string) string {
	return fmt.Sprintf(`{"v":1,"id":%q,"at":"2026-11-25T10:00:00.000Z","event":"start","op":"list","decision":"allow"}`+"\n", id)
}

func end(id, outcome string) string {
	return fmt.Sprintf(`{"v":1,"id":%q,"at":"2026-11-25T10:00:01.000Z","event":"end","exit":0,"outcome":%q}`+"\n", id, outcome)
}

func TestStartsAndEndsAreJoined(t *testing.T) {
	h, err := audit.Parse([]byte(start("a") + start("b") + end("a", "ok") + strings.ReplaceAll(start("c"), "start", "refused") + end("z", "ok")))
	require.NoError(t, err)
	require.Len(t, h.Entries, 3)
	assert.Equal(t, audit.OK, h.Entries[0].End.Outcome)
	assert.Nil(t, h.Entries[1].End, "it still runs")
	assert.Nil(t, h.Entries[2].End)
	assert.Equal(t, 1, h.Startless)
	assert.Zero(t, h.Unreadable)
}

func TestDamagedLinesAreCounted(t *testing.T) {
	for name, damage := range map[string]string{
		"no JSON":             "hello\n",
		"half a line":         start("x")[:40] + "\n",
		"zeros":               strings.Repeat("\x00", 4096) + "\n",
		"another version":     strings.Replace(start("x"), `"v":1`, `"v":2`, 1),
		"no version":          strings.Replace(start("x"), `"v":1,`, ``, 1),
		"no id":               start(""),
		"an unknown event":    strings.Replace(start("x"), "start", "begin", 1),
		"another type":        strings.Replace(start("x"), `"list"`, `7`, 1),
		"another type, end":   strings.Replace(end("a", "ok"), `"exit":0`, `"exit":"0"`, 1),
		"a time that is none": strings.Replace(start("x"), "2026-11-25T", "yesterday ", 1),
		"too long":            `{"v":1,"id":"` + strings.Repeat("x", 3<<20) + "\"}\n",
	} {
		t.Run(name, func(t *testing.T) {
			h, err := audit.Parse([]byte(start("a") + damage + end("a", "ok")))
			require.NoError(t, err)
			assert.Equal(t, 1, h.Unreadable)
			require.Len(t, h.Entries, 1)
			assert.NotNil(t, h.Entries[0].End, "what stands behind it is read")

			h, err = audit.Parse([]byte(start("a") + strings.TrimSuffix(damage, "\n")))
			require.NoError(t, err)
			assert.Equal(t, 1, h.Unreadable, "at the end of the file")
		})
	}
}

func TestRotatedFilesAreReadInOrder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	for name, text := range map[string]string{"": start("d"), ".1": start("c") + end("a", "ok"), ".3": start("a")} { // .2 is gone
		require.NoError(t, os.WriteFile(path+name, []byte(text), 0o600))
	}
	h := read(t, path)
	var ids []string
	for _, e := range h.Entries {
		ids = append(ids, e.ID)
	}
	assert.Equal(t, []string{"a", "c", "d"}, ids)
	assert.NotNil(t, h.Entries[0].End, "its end is in another file")
}

func TestNoLogIsAnError(t *testing.T) {
	_, err := audit.Read(t.Context(), filepath.Join(t.TempDir(), "audit.jsonl"))
	require.ErrorIs(t, err, fs.ErrNotExist)

	path := filepath.Join(t.TempDir(), "audit.jsonl")
	require.NoError(t, syscall.Mkfifo(path, 0o600))
	_, err = audit.Read(t.Context(), path)
	require.EqualError(t, err, "is no regular file")

	l, _ := newLog(t)
	f, err := os.Open(l.Path() + ".lock")
	require.NoError(t, err)
	defer f.Close()
	require.NoError(t, syscall.Flock(int(f.Fd()), syscall.LOCK_EX))
	_, err = audit.Read(t.Context(), l.Path())
	require.ErrorContains(t, err, "is locked by another server")
}

func TestReadingLeavesNoTrace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	require.NoError(t, os.WriteFile(path, []byte(start("a")), 0o400))
	assert.Len(t, read(t, path).Entries, 1)
	_, err := os.Stat(path + ".lock")
	assert.True(t, errors.Is(err, fs.ErrNotExist))
}

func TestASettingConcernsItsMachine(t *testing.T) {
	change := func(key string) audit.Entry {
		return audit.Entry{Start: audit.Start{Argv: []string{"orbctl", "config", "set", key, "1"}}}
	}
	assert.True(t, change("machine.web.cpu").Concerns("web"))
	assert.False(t, change("machine.web.1.cpu").Concerns("web"))
	assert.True(t, change("machine.web.1.cpu").Concerns("web.1"))
	assert.False(t, change("cpu").Concerns("web"))
	assert.True(t, audit.Entry{Start: audit.Start{Machine: "web"}}.Concerns("web"))
	clone := audit.Entry{Start: audit.Start{Machine: "web", NewName: "copy"}}
	assert.True(t, clone.Concerns("web"))
	assert.True(t, clone.Concerns("copy"), "it was made by that")
	assert.False(t, clone.Concerns("db"))
}

// Every line that is not blank is an entry, an end or counted.
func FuzzRead(f *testing.F) {
	f.Add(start("a") + end("a", "ok") + "x\n\n" + end("b", "ok"))
	f.Add(start("a")[:30])
	f.Add("{\"v\":1,\"id\":\"a\",\"event\":\"end\"}\n{\"v\":1,\"id\":\"a\",\"event\":\"refused\"}")
	f.Fuzz(func(t *testing.T, text string) {
		h, err := audit.Parse([]byte(text))
		require.NoError(t, err)
		lines := 0
		for line := range strings.SplitSeq(text, "\n") {
			if strings.TrimSpace(line) != "" {
				lines++
			}
		}
		records := h.Unreadable + h.Startless + len(h.Entries)
		for _, e := range h.Entries {
			if e.End != nil {
				records++
			}
			again, err := e.JSON()
			require.NoError(t, err)
			assert.Equal(t, 1, strings.Count(string(again), "\n"))
		}
		assert.Equal(t, lines, records)
	})
}
