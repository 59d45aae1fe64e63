package folders_test

import (
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/orbctl/folders"
)

// world is a home folder with an allowed folder and a secret beside it.
func world(t *testing.T) (home string, a *folders.Allowed) {
	t.Helper()
	home, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(filepath.Join(home, "open/dir"), 0o700))
	write(t, filepath.Join(home, "secret"), "secret")
	write(t, filepath.Join(home, "open/file"), "text")
	for name, to := range map[string]string{"out": "../secret", "far": "/etc/passwd", "in": "file", "outdir": "..", "dangling": "none"} {
		require.NoError(t, os.Symlink(to, filepath.Join(home, "open", name)))
	}
	require.NoError(t, os.Symlink("open", filepath.Join(home, "link")))
	require.NoError(t, syscall.Mkfifo(filepath.Join(home, "open/fifo"), 0o600))
	a, err = folders.Open(home, []string{"~/link"})
	require.NoError(t, err)
	return home, a
}

func write(t *testing.T, path, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, []byte(text), 0o640))
}

func reason(t *testing.T, err error) folders.Reason {
	t.Helper()
	var e *folders.PathError
	require.ErrorAs(t, err, &e)
	assert.NotEmpty(t, e.Why)
	return e.Kind
}

func TestWhatMayBeRead(t *testing.T) {
	home, a := world(t)
	for _, path := range []string{"~/link/file", home + "/open/file", home + "/link/in", "~/open/dir/../file"} {
		f, err := a.Read(path)
		require.NoError(t, err, path)
		text, err := io.ReadAll(f)
		require.NoError(t, err)
		assert.Equal(t, "text", string(text))
		assert.EqualValues(t, 0o640, f.Mode)
		require.NoError(t, f.Close())
	}
	for path, want := range map[string]folders.Reason{
		"": folders.Invalid, "file": folders.Invalid, "~/link/a\nb": folders.Invalid, "~/link/\xff": folders.Invalid,
		"~/secret": folders.NotAllowed, "~/open/../secret": folders.NotAllowed, "/etc/passwd": folders.NotAllowed, home + "/openness": folders.NotAllowed,
		"~/link/out": folders.NotAllowed, "~/link/far": folders.NotAllowed, "~/link/outdir/secret": folders.NotAllowed,
		"~/link/fifo": folders.Unusable, "~/link/dir": folders.Unusable, "~/link": folders.Unusable, "~/link/none": folders.Unusable, "~/link/dangling": folders.Unusable,
	} {
		_, err := a.Read(path)
		require.Error(t, err, path)
		assert.Equal(t, want, reason(t, err), "%s: %v", path, err)
	}
}

func TestNoFolderAllowsNothing(t *testing.T) {
	a, err := folders.Open("/", nil)
	require.NoError(t, err)
	_, err = a.Read("/etc/passwd")
	assert.Equal(t, folders.NotAllowed, reason(t, err))
	for _, path := range []string{"relative", "/nonexistent", "/etc/passwd"} {
		_, err := folders.Open("/", []string{path})
		require.Error(t, err)
	}
}

func TestAFileThatChangesWhileItIsRead(t *testing.T) {
	home, a := world(t)
	f, err := a.Read("~/open/file")
	require.NoError(t, err)
	defer f.Close()
	write(t, filepath.Join(home, "open/file"), "text and more")
	text, err := io.ReadAll(f)
	require.NoError(t, err)
	assert.Equal(t, "text", string(text), "no more than was there")
	f, err = a.Read("~/open/file")
	require.NoError(t, err)
	defer f.Close()
	require.NoError(t, os.Truncate(filepath.Join(home, "open/file"), 2))
	_, err = io.ReadAll(f)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

func names(t *testing.T, dir string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

func TestAFileIsThereWhenItIsWhole(t *testing.T) {
	home, a := world(t)
	before := names(t, home+"/open")
	f, err := a.Create("~/link/new", "n", 0o755, false)
	require.NoError(t, err)
	_, err = f.Write([]byte("whole"))
	require.NoError(t, err)
	assert.NoFileExists(t, home+"/open/new")
	require.NoError(t, f.Commit())
	f.Discard()
	text, err := os.ReadFile(home + "/open/new")
	require.NoError(t, err)
	assert.Equal(t, "whole", string(text))
	info, err := os.Stat(home + "/open/new")
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o755), info.Mode())
	require.NoError(t, os.Remove(home+"/open/new"))

	f, err = a.Create("~/link/dir", "n", 0o600, false)
	require.NoError(t, err)
	assert.Equal(t, home+"/open/dir/n", f.Path)
	f.Discard()
	assert.Empty(t, names(t, home+"/open/dir"))

	for _, overwrite := range []bool{false, true} {
		f, err = a.Create("~/link/late", "n", 0o600, overwrite)
		require.NoError(t, err)
		write(t, home+"/open/late", "somebody was faster")
		err = f.Commit()
		if overwrite {
			require.NoError(t, err)
		} else {
			assert.Equal(t, folders.Exists, reason(t, err))
			require.NoError(t, os.Remove(home+"/open/late"))
		}
	}
	require.NoError(t, os.Remove(home+"/open/late"))

	f, err = a.Create("~/link/out", "n", 0o600, true)
	require.NoError(t, err)
	require.NoError(t, f.Commit())
	text, err = os.ReadFile(home + "/secret")
	require.NoError(t, err)
	assert.Equal(t, "secret", string(text), "the link was replaced, and not what it pointed to")
	assert.Equal(t, before, names(t, home+"/open"), "nothing else is left")
}

func TestWhatMayNotBeWritten(t *testing.T) {
	home, a := world(t)
	before := names(t, home+"/open")
	for path, want := range map[string]folders.Reason{
		"~/new": folders.NotAllowed, "~/link/outdir/new": folders.NotAllowed, "~/link/../new": folders.NotAllowed, "~/link/a\nb": folders.Invalid,
		"~/link/file": folders.Exists, "~/link/dangling": folders.Exists, "~/link/fifo": folders.Unusable, "~/link/none/x": folders.Unusable, "~/link/file/x": folders.Unusable,
	} {
		_, err := a.Create(path, "n", 0o600, path == "~/link/fifo")
		require.Error(t, err, path)
		assert.Equal(t, want, reason(t, err), "%s: %v", path, err)
	}
	_, err := a.Create("~/link/dir", "../x", 0o600, false)
	assert.Equal(t, folders.Invalid, reason(t, err))
	assert.Equal(t, before, names(t, home+"/open"))
}

// A link that is swapped in for a folder between look and open leads nowhere.
func TestAFolderThatBecomesALinkGainsNothing(t *testing.T) {
	home, a := world(t)
	f, err := a.Create("~/link/dir/x", "n", 0o600, false)
	require.NoError(t, err)
	require.NoError(t, os.Rename(home+"/open/dir", home+"/open/was"))
	require.NoError(t, os.Symlink("..", home+"/open/dir"))
	_, err = f.Write([]byte("x"))
	require.NoError(t, err)
	require.Error(t, f.Commit())
	require.NoError(t, os.Symlink("../..", home+"/open/was/up"))
	assert.NoFileExists(t, home+"/x")
}
