package audit_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/orbctl/runner/audit"
)

var call = audit.Call{
	Tool: "vm_list", Op: "info", Class: "read", Machine: "web", Argv: []string{"orbctl", "info", "web", "-f", "json"}, Rule: "policy: class read", Sandbox: "none",
}

// The lines are an interface: others read the file with jq.
func TestRecordsAreTheseLines(t *testing.T) {
	l, told := newLog(t)
	id, err := l.Start(t.Context(), call)
	require.NoError(t, err)
	require.NoError(t, l.End(t.Context(), audit.End{ID: id, Exit: -1, Signal: "SIGKILL", MS: 12, StdoutBytes: 3, StderrBytes: 4, Outcome: audit.Timeout}))
	require.NoError(t, l.Refuse(t.Context(), audit.Call{Op: "config-set", Class: "change", Rule: "policy: the server runs read-only"}))
	assert.Empty(t, told.String())
	assert.NoError(t, l.Err())

	text, err := os.ReadFile(l.Path())
	require.NoError(t, err)
	lines := strings.SplitAfter(strings.TrimSuffix(string(text), "\n"), "\n")
	require.Len(t, lines, 3)
	at := `"at":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"`
	server := fmt.Sprintf(`"server":\{"pid":%d,"version":"1\.2\.3"\}`, os.Getpid())
	assert.Regexp(t, `^\{"v":1,"id":"`+id+`",`+at+`,"event":"start",`+server+`,"tool":"vm_list","op":"info","class":"read","machine":"web",`+
		`"argv":\["orbctl","info","web","-f","json"\],"argv_sha256":"`+
		// printf 'orbctl\0info\0web\0-f\0json' | sha256sum
		`29df7d178a1d5659944dfb63fad8d5dff7ec3bcf4fb3c7ec3b6ae1fff03ba639`+
		`","decision":"allow","rule":"policy: class read","sandbox":"none"\}\n$`, lines[0])
	assert.Regexp(t, `^\{"v":1,"id":"`+id+`",`+at+`,"event":"end","exit":-1,"signal":"SIGKILL","ms":12,"stdout_bytes":3,"stderr_bytes":4,"outcome":"timeout"\}\n$`, lines[1])
	assert.Regexp(t, `^\{"v":1,"id":"[0-9a-f]{16}",`+at+`,"event":"refused",`+server+`,"op":"config-set","class":"change","decision":"refuse","rule":"policy: the server runs read-only"\}$`, lines[2])
}

func TestLinesAreASCIIWhateverANameHolds(t *testing.T) {
	const nasty = "a\u009b31m\u202eé🙂\x1b\x7f\u2028\xff\nb"
	text, err := audit.Line(audit.Start{Machine: nasty})
	require.NoError(t, err)
	for _, b := range text[:len(text)-1] {
		require.True(t, b >= 0x20 && b < 0x7f, "%q", text)
	}
	var back audit.Start
	require.NoError(t, json.Unmarshal(text, &back))
	assert.Equal(t, strings.ToValidUTF8(nasty, "\ufffd"), back.Machine)
}

func TestFolderAndFileAreTheUsersAlone(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0))
	l, told := newLog(t)
	require.NoError(t, l.Err())
	for path, mode := range map[string]fs.FileMode{
		filepath.Dir(l.Path()): 0o700 | fs.ModeDir, l.Path(): 0o600, l.Path() + ".lock": 0o600,
	} {
		info, err := os.Stat(path)
		require.NoError(t, err)
		assert.Equal(t, mode, info.Mode(), path)
	}
	assert.Empty(t, told.String())
}

func TestAFileThatOthersMayReadIsMended(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	require.NoError(t, os.WriteFile(path, []byte("{}\n"), 0o600))
	require.NoError(t, os.Chmod(path, 0o644))
	var told strings.Builder
	l := audit.Open(path, audit.Options{Log: slog.New(slog.NewTextHandler(&told, nil))})
	defer l.Close()
	require.NoError(t, l.Err())
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, fs.FileMode(0o600), info.Mode())
	assert.Contains(t, told.String(), "others could read or write the audit log")
	assert.Contains(t, told.String(), path)
}

func TestOddFilesAreRefused(t *testing.T) {
	for _, tc := range []struct {
		name, want string
		make       func(t *testing.T, path string) string
	}{
		{"a link to a file of the user's", "is a symbolic link", func(t *testing.T, path string) string {
			require.NoError(t, os.WriteFile(path+".real", nil, 0o600))
			require.NoError(t, os.Symlink(path+".real", path))
			return path
		}},
		{"a link that leads nowhere", "is a symbolic link", func(t *testing.T, path string) string {
			require.NoError(t, os.Symlink(path+".real", path))
			return path
		}},
		{"a link for a lock", "has a lock file that is a symbolic link", func(t *testing.T, path string) string {
			require.NoError(t, os.Symlink(path+".real", path+".lock"))
			return path
		}},
		{"a FIFO that nobody reads", "is no regular file", func(t *testing.T, path string) string {
			require.NoError(t, syscall.Mkfifo(path, 0o600))
			return path
		}},
		{"a folder", "is a directory", func(t *testing.T, path string) string {
			require.NoError(t, os.Mkdir(path, 0o700))
			return path
		}},
		{"a relative path", "is not an absolute path", func(*testing.T, string) string { return "audit.jsonl" }},
		{"a file for a folder", "cannot be made: not a directory", func(t *testing.T, path string) string {
			require.NoError(t, os.WriteFile(path, nil, 0o600))
			return filepath.Join(path, "audit.jsonl")
		}},
		{"a folder that everybody can write to", "to which everybody can write", func(t *testing.T, path string) string {
			require.NoError(t, os.Chmod(filepath.Dir(path), 0o777))
			return path
		}},
		{"somebody else's file", "belongs to somebody else", func(t *testing.T, path string) string {
			require.NoError(t, os.WriteFile(path, nil, 0o666))
			mayChown(t, path)
			return path
		}},
		{"somebody else's folder", "which belongs to somebody else", func(t *testing.T, path string) string {
			mayChown(t, filepath.Dir(path))
			return path
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := tc.make(t, filepath.Join(t.TempDir(), "audit.jsonl"))
			var told strings.Builder
			l := audit.Open(path, audit.Options{Log: slog.New(slog.NewTextHandler(&told, nil))})
			defer l.Close()
			require.ErrorContains(t, l.Err(), tc.want)
			for range 3 {
				_, err := l.Start(t.Context(), call)
				require.ErrorContains(t, err, tc.want)
			}
			assert.Equal(t, 1, strings.Count(told.String(), "\n"), "it is told once: %s", told.String())
			if target, err := os.Stat(path + ".real"); err == nil {
				assert.Zero(t, target.Size(), "nothing went through the link")
			}
		})
	}
}

// mayChown gives a file to somebody else, which only root can.
func mayChown(t *testing.T, path string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file away")
	}
	require.NoError(t, os.Chown(path, 65534, 65534))
}

func TestAFileThatIsMovedAwayIsMadeAnew(t *testing.T) {
	l, _ := newLog(t)
	for name, away := range map[string]func() error{
		"the file":   func() error { return os.Rename(l.Path(), l.Path()+".mine") },
		"the lock":   func() error { return os.Remove(l.Path() + ".lock") },
		"the folder": func() error { return os.RemoveAll(filepath.Dir(l.Path())) },
	} {
		_, err := l.Start(t.Context(), call)
		require.NoError(t, err)
		require.NoError(t, away(), name)
		id, err := l.Start(t.Context(), call)
		require.NoError(t, err, name)
		entries := read(t, l.Path()).Entries
		assert.Equal(t, id, entries[len(entries)-1].ID, name)
	}
}

func TestHalfALineOfAnotherIsNotContinued(t *testing.T) {
	l, _ := newLog(t)
	f, err := os.OpenFile(l.Path(), os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString(`{"v":1,"id":"ab`)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	for range 2 {
		_, err = l.Start(t.Context(), call)
		require.NoError(t, err)
	}
	h := read(t, l.Path())
	assert.Len(t, h.Entries, 2)
	assert.Equal(t, 1, h.Unreadable)
}

func TestALogRotatesAndKeepsThree(t *testing.T) {
	l, _ := newLog(t)
	text, err := audit.Line(audit.Start{})
	require.NoError(t, err)
	l.RotateAt(int64(len(text)))
	var ids []string
	for range 6 {
		id, err := l.Start(t.Context(), call)
		require.NoError(t, err)
		ids = append(ids, id)
	}
	files, err := filepath.Glob(l.Path() + "*")
	require.NoError(t, err)
	for i, file := range files {
		files[i] = strings.TrimPrefix(file, l.Path())
		info, err := os.Stat(file)
		require.NoError(t, err)
		assert.Equal(t, fs.FileMode(0o600), info.Mode(), file)
	}
	assert.ElementsMatch(t, []string{"", ".1", ".2", ".3", ".lock"}, files)
	var kept []string
	for _, e := range read(t, l.Path()).Entries {
		kept = append(kept, e.ID)
	}
	assert.Equal(t, ids[2:], kept)
}

// Three servers, eight goroutines each, with rotations between: no line is lost
// and none is torn.
func TestServersShareOneLog(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	var wait []func() error
	for _, name := range []string{"one", "two", "three"} {
		c := self(t, "appender", path, name)
		require.NoError(t, c.Start())
		wait = append(wait, c.Wait)
	}
	for _, w := range wait {
		require.NoError(t, w())
	}
	_, err := os.Stat(path + ".1")
	require.NoError(t, err, "it was rotated")
	_, err = os.Stat(path + ".3")
	require.ErrorIs(t, err, fs.ErrNotExist, "and nothing was rotated away")

	h := read(t, path)
	assert.Zero(t, h.Unreadable)
	assert.Zero(t, h.Startless)
	got := map[string]int{}
	for _, e := range h.Entries {
		assert.NotNil(t, e.End)
		got[strings.Join(append([]string{e.Tool}, e.Argv[2:4]...), " ")]++
	}
	assert.Len(t, got, 3*writers*each)
	for what, times := range got {
		assert.Equal(t, 1, times, what)
	}
}

func TestAFullDiskTakesNoHalfLine(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	c := self(t, "full", path)
	out, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	var got []verdict
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var v verdict
		require.NoError(t, json.Unmarshal(lines.Bytes(), &v), lines.Text())
		got = append(got, v)
	}
	require.NoError(t, c.Wait())
	require.Len(t, got, 4)
	assert.True(t, got[0].Wrote)
	assert.False(t, got[1].Wrote, "room for 20 bytes")
	assert.Regexp(t, `^took only 20 of \d+ bytes`, strings.TrimPrefix(got[1].Error, "cannot be written: "))
	assert.Equal(t, got[0].Size, got[1].Size, "what went in was taken back")
	assert.False(t, got[2].Wrote, "no room at all")
	assert.True(t, got[2].NoRoom, got[2].Error)
	assert.True(t, got[3].Wrote, "there is room again")
	h := read(t, path)
	assert.Zero(t, h.Unreadable)
	assert.Len(t, h.Entries, 2)
}

func TestALockThatIsHeldIsNotWaitedForForever(t *testing.T) {
	t.Parallel()
	l, told := newLog(t)
	f, err := os.Open(l.Path() + ".lock")
	require.NoError(t, err)
	require.NoError(t, syscall.Flock(int(f.Fd()), syscall.LOCK_EX))

	gone := errors.New("the client is gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(gone)
	_, err = l.Start(ctx, call)
	require.ErrorIs(t, err, gone)
	require.NoError(t, l.Err(), "that is no fault of the log")

	_, err = l.Start(t.Context(), call)
	require.EqualError(t, err, "is locked by another server for more than 2s")
	assert.Contains(t, told.String(), "the audit log cannot be written")

	require.NoError(t, f.Close())
	_, err = l.Start(t.Context(), call)
	require.NoError(t, err)
	assert.Contains(t, told.String(), "is written again")
}

func TestAnEndIsWrittenThoughTheCallerIsGone(t *testing.T) {
	l, _ := newLog(t)
	ctx, cancel := context.WithCancel(t.Context())
	id, err := l.Start(ctx, call)
	require.NoError(t, err)
	cancel()
	require.NoError(t, l.End(ctx, audit.End{ID: id, Outcome: audit.Cancelled}))
	assert.Equal(t, audit.Cancelled, read(t, l.Path()).Entries[0].End.Outcome)
}

func TestAClosedLogTakesNothing(t *testing.T) {
	l, _ := newLog(t)
	l.Close()
	_, err := l.Start(t.Context(), call)
	require.EqualError(t, err, "was closed")
}

// BenchmarkPair is what the audit log costs a call.
func BenchmarkPair(b *testing.B) {
	l, _ := newLog(b)
	for b.Loop() {
		id, err := l.Start(b.Context(), call)
		require.NoError(b, err)
		require.NoError(b, l.End(b.Context(), audit.End{ID: id, Outcome: audit.OK}))
	}
}
