// Package managed remembers which machines this program has made, by ID, for
// servers that may change no others. The file is shared by all servers of a user;
// a crash at any moment loses no machine from it.
package managed

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// A File is the record: lines of JSON, only ever added to. One that a crash has
// cut is passed over.
type File struct{ path string }

// line is one entry: that a machine of that name is about to be made, or that one
// of that ID was.
type line struct {
	Name  string    `json:"name,omitempty"`
	Began time.Time `json:"began,omitzero"`
	ID    string    `json:"id,omitempty"`
}

// Open makes the folder if need be, and makes sure that the file can be written:
// a machine that is made and not remembered could never be deleted again.
func Open(path string) (*File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("the record of managed machines cannot be kept: %w", err)
	}
	f := &File{path}
	return f, f.add(nil)
}

// Begin notes that a machine of that name is about to be made. If the server dies
// before Made, a machine of that name that is no older than this counts as made.
func (f *File) Begin(name string) error {
	return f.add(&line{Name: name, Began: time.Now().UTC()})
}

// Made notes a machine that was made.
func (f *File) Made(id string) error { return f.add(&line{ID: id}) }

// slack is how much the Mac's clock and that of a machine's ID may differ.
const slack = 2 * time.Second

// Has reports whether the machine was made by this program. created is the time in
// its ID.
func (f *File) Has(id, name string, created time.Time) (bool, error) {
	text, err := os.ReadFile(f.path)
	if err != nil {
		return false, fmt.Errorf("the record of managed machines cannot be read: %w", err)
	}
	for raw := range bytes.Lines(text) {
		var l line
		if json.Unmarshal(raw, &l) != nil {
			continue
		}
		switch {
		case id != "" && l.ID == id:
			return true, nil
		case l.Name != "" && l.Name == name && !created.IsZero() && !created.Before(l.Began.Add(-slack)) && created.Before(l.Began.Add(time.Hour)):
			return true, nil
		}
	}
	return false, nil
}

// add appends a line, on a line of its own whatever a crash has left, and has it on
// the disk before it returns.
func (f *File) add(l *line) error {
	file, err := os.OpenFile(f.path, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("the record of managed machines cannot be written: %w", err)
	}
	defer file.Close()
	if l == nil {
		return nil
	}
	text, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("encode a managed machine: %w", err)
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX); err != nil {
		return fmt.Errorf("the record of managed machines cannot be locked: %w", err)
	}
	if cut, err := isCut(file); err != nil {
		return err
	} else if cut {
		text = append([]byte("\n"), text...)
	}
	_, err = file.Write(append(text, '\n'))
	if err = errors.Join(err, file.Sync()); err != nil {
		return fmt.Errorf("the record of managed machines cannot be written: %w", err)
	}
	return nil
}

// isCut reports whether the last line of the file was cut.
func isCut(file *os.File) (cut bool, err error) {
	var last [1]byte
	switch size, err := file.Seek(0, io.SeekEnd); {
	case err != nil:
		return false, fmt.Errorf("the record of managed machines cannot be read: %w", err)
	case size == 0:
		return false, nil
	default:
		if _, err := file.ReadAt(last[:], size-1); err != nil {
			return false, fmt.Errorf("the record of managed machines cannot be read: %w", err)
		}
	}
	return last[0] != '\n', nil
}
