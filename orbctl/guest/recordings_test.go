package guest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Recordings are what scripts printed in the world of the tests, kept so that the
// parsers meet them on every host; others.txt has the words of tools that are not
// there, from their sources and documentation. testdata/reach and testdata/dns
// hold them by the host's set of tools, one file each, in the form
//
//	=== NAME
//	{the query as JSON}
//	the transcript
//
// and what the parser makes of it in the .golden beside. GUEST_GOLDEN=write
// writes the goldens, and in the world the recordings: GUEST_TEST_SET names the
// file, GUEST_TEST_PATH is a folder with tools to put first,
// GUEST_TEST_ONLY a pattern of the cases, such as /cases/http_nc.
type recordings struct {
	mu    sync.Mutex
	texts map[string]string
}

func (r *recordings) add(name string, query any, out string) {
	text, err := json.Marshal(query)
	if err != nil {
		panic(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.texts == nil {
		r.texts = map[string]string{}
	}
	r.texts[name] = string(text) + "\n" + out
}

func (r *recordings) write(t *testing.T, kind string) {
	t.Helper()
	set := os.Getenv("GUEST_TEST_SET")
	if os.Getenv("GUEST_GOLDEN") != "write" || set == "" {
		return
	}
	require.NoError(t, os.MkdirAll(filepath.Join("testdata", kind), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join("testdata", kind, set+".txt"), []byte(joinEntries(r.texts)), 0o644))
}

func joinEntries(texts map[string]string) string {
	var b strings.Builder
	names := make([]string, 0, len(texts))
	for name := range texts {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		b.WriteString("=== " + name + "\n" + strings.TrimRight(texts[name], "\n") + "\n")
	}
	return b.String()
}

func splitEntries(tb testing.TB, file string) map[string]string {
	tb.Helper()
	text, err := os.ReadFile(file)
	require.NoError(tb, err)
	out := map[string]string{}
	for entry := range strings.SplitSeq("\n"+string(text), "\n=== ") {
		if name, body, ok := strings.Cut(entry, "\n"); ok && name != "" {
			out[name] = body
		}
	}
	return out
}

// eachRecording hands every recording of a kind to parse and compares what it
// makes of it with the golden.
func eachRecording(t *testing.T, kind string, parse func(t *testing.T, query []byte, transcript Transcript) any) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", kind, "*.txt"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		golden := strings.TrimSuffix(file, ".txt") + ".golden"
		want, got := map[string]string{}, map[string]string{}
		if os.Getenv("GUEST_GOLDEN") != "write" {
			want = splitEntries(t, golden)
		}
		for name, body := range splitEntries(t, file) {
			t.Run(filepath.Base(file)+"/"+name, func(t *testing.T) {
				query, out, _ := strings.Cut(body, "\n")
				text, err := json.MarshalIndent(parse(t, []byte(query), ParseTranscript(goldenMark, out)), "", "  ")
				require.NoError(t, err)
				got[name] = string(text)
				if os.Getenv("GUEST_GOLDEN") != "write" {
					require.Contains(t, want, name)
					assert.JSONEq(t, want[name], got[name])
				}
			})
		}
		if os.Getenv("GUEST_GOLDEN") == "write" {
			require.NoError(t, os.WriteFile(golden, []byte(joinEntries(got)), 0o644))
		}
	}
}
