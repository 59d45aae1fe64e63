package folders

import (
	"crypto/rand"
	"io/fs"
	"os"
	"path/filepath"
)

// A Stage is a private folder in which another program makes a file, which then
// gets its name beneath the same allowed folder.
type Stage struct {
	File string // that the program is to make, absolute, no link in it
	Path string // that it gets

	root     *os.Root
	path     string // as asked for
	rel, dir string
}

// Stage makes the private folder. It lies in the allowed folder itself and not
// deeper, so that no link on the way to it can be swapped in. The error is a
// *PathError. Commit or Discard ends it.
func (a *Allowed) Stage(path, name string) (*Stage, error) {
	root, rel, err := a.in(path)
	if err != nil {
		return nil, err
	}
	if info, err := root.Stat(rel); err == nil && info.IsDir() {
		rel = filepath.Join(rel, name)
	}
	t := Target{root: root, path: path, rel: rel}
	err = t.free()
	if err == nil {
		_, err = root.Stat(filepath.Dir(rel))
	}
	s := &Stage{root: root, path: path, rel: rel, dir: ".orbstack-mcp-" + rand.Text(), Path: filepath.Join(root.Name(), rel)}
	if err == nil {
		err = root.Mkdir(s.dir, 0o700)
	}
	if err != nil {
		_ = root.Close()
		return nil, inWords(path, err)
	}
	s.File = filepath.Join(root.Name(), s.dir, "file")
	return s, nil
}

// Commit gives the file that was made its name, if that is still free. Nothing
// else is left then, whatever the error.
func (s *Stage) Commit() (size int64, mode fs.FileMode, err error) {
	defer s.Discard()
	made := filepath.Join(s.dir, "file")
	f, err := s.root.OpenFile(made, os.O_RDONLY, 0)
	if err != nil {
		return 0, 0, inWords(s.path, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = notRegular(s.path, info.Mode())
	}
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = s.root.Link(made, s.rel) // fails if the name was taken meanwhile
	}
	if err != nil {
		return 0, 0, inWords(s.path, err)
	}
	return info.Size(), info.Mode().Perm(), nil
}

// Discard leaves nothing behind. After Commit, and a second time, it does nothing.
func (s *Stage) Discard() {
	if s.root == nil {
		return
	}
	_ = s.root.RemoveAll(s.dir) // what cannot be removed is the user's own folder's business
	_ = s.root.Close()
	s.root = nil
}
