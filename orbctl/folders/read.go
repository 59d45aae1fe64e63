package folders

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// A Source is a file that is read.
type Source struct {
	Size int64       // when it was opened; no more than that is read
	Mode fs.FileMode // permission bits
	Path string      // beneath the allowed folder, behind that folder's own links
	file *os.File
	left int64
}

// Read opens a regular file. The error is a *PathError.
func (a *Allowed) Read(path string) (*Source, error) {
	root, rel, err := a.in(path)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	// Without O_NONBLOCK, to open a FIFO would wait for who writes into it.
	f, err := root.OpenFile(rel, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, told(path, err)
	}
	info, err := f.Stat()
	if err != nil {
		_ = f.Close()
		return nil, told(path, err)
	}
	if !info.Mode().IsRegular() {
		_ = f.Close()
		return nil, notRegular(path, info.Mode())
	}
	return &Source{Size: info.Size(), Mode: info.Mode().Perm(), Path: filepath.Join(root.Name(), rel), file: f, left: info.Size()}, nil
}

// Read reads what the file held when it was opened. One that got shorter is
// io.ErrUnexpectedEOF.
func (s *Source) Read(p []byte) (int, error) {
	if s.left == 0 {
		return 0, io.EOF
	}
	n, err := s.file.Read(p[:min(int64(len(p)), s.left)])
	s.left -= int64(n)
	if err == io.EOF && s.left > 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// Real is the path of the file behind all links, for a program that has to open it
// itself. It still names the file that was opened.
func (s *Source) Real() (string, error) {
	path, err := filepath.EvalSymlinks(s.Path)
	if err != nil {
		return "", told(s.Path, err)
	}
	now, err := os.Lstat(path)
	if err != nil {
		return "", told(s.Path, err)
	}
	was, err := s.file.Stat()
	if err != nil {
		return "", told(s.Path, err)
	}
	if !os.SameFile(now, was) {
		return "", &PathError{Path: s.Path, Why: "became another file meanwhile", Kind: Unusable}
	}
	return path, nil
}

// Close closes the file.
func (s *Source) Close() error { return s.file.Close() }

func notRegular(path string, mode fs.FileMode) error {
	what := "a device"
	switch {
	case mode.IsDir():
		what = "a folder"
	case mode&fs.ModeNamedPipe != 0:
		what = "a FIFO"
	case mode&fs.ModeSocket != 0:
		what = "a socket"
	}
	return &PathError{Path: path, Why: "is " + what + ", and not a regular file", Kind: Unusable}
}
