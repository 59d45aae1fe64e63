package folders_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"orbstack-mcp/orbctl/folders"
)

func TestWhatIsCovered(t *testing.T) {
	home, a := world(t)
	require.NoError(t, os.Mkdir(filepath.Join(home, "openness"), 0o700))
	for folder, want := range map[string]bool{
		"~/open": true, "~/link": true, home + "/open/dir": true, "~/link/dir/..": true,
		"~": false, "/": false, "": false, "open": false,
		"~/openness":    false, // the same beginning, and another folder
		"~/link/outdir": false, // a link that leads out
		"~/open/..":     false,
		"~/open/none":   false, // cannot be looked at
		"~/open/a\nb":   false,
	} {
		assert.Equal(t, want, a.Covers(folder), folder)
	}
	none, err := folders.Open(home, nil)
	require.NoError(t, err)
	assert.False(t, none.Covers(home))
}

// Whatever the path: what is read lies in the allowed folder, and a file that
// cannot be begun leaves nothing.
func TestNoPathLeadsOut(t *testing.T) {
	home, a := world(t)
	start := everything(t, home)
	rapid.Check(t, func(t *rapid.T) {
		part := rapid.SampledFrom([]string{"..", ".", "", "~", "open", "link", "dir", "file", "secret", "out", "far", "in", "outdir", "dangling", "fifo", "none", "-x", "a b"})
		path := rapid.SampledFrom([]string{"", "/", "~/", home + "/", home + "/open/", "~/link/"}).Draw(t, "start") +
			strings.Join(rapid.SliceOfN(part, 0, 6).Draw(t, "parts"), "/")
		if f, err := a.Read(path); err == nil {
			text := make([]byte, 10)
			n, _ := f.Read(text)
			if err := f.Close(); err != nil {
				t.Fatalf("%q: %v", path, err)
			}
			if got := string(text[:n]); got != "text" {
				t.Fatalf("%q was read: %q", path, got)
			}
		}
		target, err := a.Create(path, "new", 0o600, true)
		if err != nil {
			return
		}
		inside, err := filepath.Rel(filepath.Join(home, "open"), target.Path)
		target.Discard()
		if err != nil || !filepath.IsLocal(inside) {
			t.Fatalf("%q would be written to %q", path, target.Path)
		}
	})
	assert.Equal(t, start, everything(t, home), "no part of a file is left, and none is gone")
}

// everything is every name beneath a folder.
func everything(t *testing.T, folder string) []string {
	t.Helper()
	var all []string
	require.NoError(t, filepath.WalkDir(folder, func(path string, _ os.DirEntry, err error) error {
		all = append(all, path)
		return err
	}))
	return all
}
