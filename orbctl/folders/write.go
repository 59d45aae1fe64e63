package folders

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// A Target is a file that is being written. It has its name only after Commit.
type Target struct {
	Path string // beneath the allowed folder, behind that folder's own links

	root      *os.Root
	path      string // as asked for
	rel, part string
	overwrite bool
	file      *os.File
}

// Create begins a file, under another name in the folder that it is to be in; a
// path that is a folder means the file of that name in it. A file that is there
// already is replaced only with overwrite; a link is, and not what it points to.
// The error is a *PathError. Commit or Discard ends it.
func (a *Allowed) Create(path, name string, mode fs.FileMode, overwrite bool) (*Target, error) {
	root, rel, err := a.in(path)
	if err != nil {
		return nil, err
	}
	t, err := begin(root, path, rel, name, mode, overwrite)
	if err != nil {
		_ = root.Close()
	}
	return t, err
}

func begin(root *os.Root, path, rel, name string, mode fs.FileMode, overwrite bool) (*Target, error) {
	if info, err := root.Stat(rel); err == nil && info.IsDir() {
		if filepath.Base(name) != name || !filepath.IsLocal(name) || name == "." {
			return nil, &PathError{Path: path, Why: "is a folder, and the file has no name that could be used in it", Kind: Invalid}
		}
		rel = filepath.Join(rel, name)
	}
	t := &Target{root: root, path: path, rel: rel, overwrite: overwrite, Path: filepath.Join(root.Name(), rel)}
	if err := t.free(); err != nil {
		return nil, err
	}
	t.part = filepath.Join(filepath.Dir(rel), ".orbstack-mcp-"+rand.Text())
	var err error
	if t.file, err = root.OpenFile(t.part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600); err != nil {
		return nil, told(path, err)
	}
	if err := t.file.Chmod(mode.Perm()); err != nil {
		t.Discard()
		return nil, told(path, err)
	}
	return t, nil
}

// free says whether the name may be taken.
func (t *Target) free() error {
	info, err := t.root.Lstat(t.rel)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return told(t.path, err)
	case info.Mode().Type()&^fs.ModeSymlink != 0:
		return notRegular(t.path, info.Mode())
	case !t.overwrite:
		return told(t.path, fs.ErrExist)
	}
	return nil
}

// Write appends. The error is a *PathError.
func (t *Target) Write(p []byte) (int, error) {
	n, err := t.file.Write(p)
	if err != nil {
		err = told(t.path, err)
	}
	return n, err
}

// Commit gives the file its name, when all of it is on the disk. Whatever the
// error, which is a *PathError, nothing of it is left then.
func (t *Target) Commit() error {
	err := t.file.Sync()
	if err == nil {
		err = t.free()
	}
	switch {
	case err != nil:
	case t.overwrite:
		err = t.root.Rename(t.part, t.rel)
	default:
		err = t.root.Link(t.part, t.rel) // fails if the name was taken meanwhile
	}
	t.Discard()
	return inWords(t.path, err)
}

// Discard leaves nothing behind of a file that was not committed. After Commit,
// and a second time, it does nothing.
func (t *Target) Discard() {
	if t.file == nil {
		return
	}
	_ = t.file.Close()
	_ = t.root.Remove(t.part) // after a rename it is gone
	_ = t.root.Close()
	t.file = nil
}
