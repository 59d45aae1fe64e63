package orbsim

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func packed(t *testing.T, path string) *bytes.Buffer {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	require.NoError(t, pack(w, path))
	require.NoError(t, w.Close())
	return &b
}

func TestPackedFolderComesBackTheSame(t *testing.T) {
	dir := t.TempDir()
	source := filepath.Join(dir, "d")
	require.NoError(t, os.MkdirAll(filepath.Join(source, "sub"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(source, "sub", "f"), []byte("\x00\xff"), 0o640))
	require.NoError(t, os.Symlink("sub/f", filepath.Join(source, "link")))

	existing := filepath.Join(dir, "existing")
	require.NoError(t, os.Mkdir(existing, 0o755))
	require.NoError(t, unpackTo(packed(t, source), "d", existing, false))
	fresh := filepath.Join(dir, "fresh")
	require.NoError(t, unpackTo(packed(t, source), "d", fresh, false))
	for _, root := range []string{filepath.Join(existing, "d"), fresh} {
		b, err := os.ReadFile(filepath.Join(root, "link"))
		require.NoError(t, err)
		assert.Equal(t, "\x00\xff", string(b))
		info, err := os.Stat(filepath.Join(root, "sub", "f"))
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o640), info.Mode().Perm())
	}
}

func TestPlacesThatDoNotExistAreCpsWords(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "f")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	assert.EqualError(t, unpackTo(packed(t, file), "f", dir+"/none", true), "cp: target '"+dir+"/none': No such file or directory")
	assert.ErrorContains(t, unpackTo(packed(t, file), "f", dir+"/none/g", false), "cp: cannot create '"+dir+"/none/g'")
	assert.Error(t, pack(tar.NewWriter(&bytes.Buffer{}), dir+"/none"))
}

func TestNoEntryLeavesItsFolder(t *testing.T) {
	dir := t.TempDir()
	target := filepath.Join(dir, "in")
	require.NoError(t, os.Mkdir(target, 0o755))
	for _, h := range []tar.Header{
		{Name: "f/../../out", Typeflag: tar.TypeReg, Size: 1, Mode: 0o644},
		{Name: "../out", Typeflag: tar.TypeReg, Size: 1, Mode: 0o644},
		{Name: "/out", Typeflag: tar.TypeReg, Size: 1, Mode: 0o644},
	} {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		require.NoError(t, w.WriteHeader(&h))
		_, err := w.Write([]byte("x"))
		require.NoError(t, err)
		require.NoError(t, w.Close())
		_ = unpackTo(&b, "f", target, false) // refused or kept inside
		assert.NoFileExists(t, filepath.Join(dir, "out"), h.Name)
		assert.NoFileExists(t, "/out", h.Name)
	}
	var b bytes.Buffer // a link out, and then a file through it
	w := tar.NewWriter(&b)
	require.NoError(t, w.WriteHeader(&tar.Header{Name: "f", Typeflag: tar.TypeSymlink, Linkname: dir}))
	require.NoError(t, w.WriteHeader(&tar.Header{Name: "f/out", Typeflag: tar.TypeReg, Mode: 0o644}))
	require.NoError(t, w.Close())
	assert.Error(t, unpackTo(&b, "f", target, false))
	assert.NoFileExists(t, filepath.Join(dir, "out"))
}

func TestSizes(t *testing.T) {
	for in, want := range map[string]int64{"": 0, "4G": 4096, "512M": 512, "512MiB": 512, "1t": 1 << 20, "1048576": 1, "2gb": 2048} {
		got, err := size(in, 1<<20)
		require.NoError(t, err, in)
		assert.Equal(t, want, got, in)
	}
	for _, in := range []string{"x", "-1G", "G", "1.5G", "99999999999999T"} {
		_, err := size(in, 1)
		assert.Error(t, err, in)
	}
}
