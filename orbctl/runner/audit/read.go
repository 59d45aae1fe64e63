package audit

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// maxLine is longer than any line that this package writes.
const maxLine = 1 << 20

// An Entry is a call: its start, and its end if there is one.
type Entry struct {
	Start
	End *End `json:"end,omitempty"`
}

// Concerns reports whether the call was about a machine: it ran for it, made it or
// gave it its name, or was for a setting of its (docs/orbctl-contract.md §4).
func (e Entry) Concerns(machine string) bool {
	if e.Machine == machine || e.NewName == machine {
		return true
	}
	for _, word := range e.Argv {
		if field, ok := strings.CutPrefix(word, "machine."+machine+"."); ok && !strings.Contains(field, ".") {
			return true
		}
	}
	return false
}

// JSON is the entry as one line of ASCII.
func (e Entry) JSON() ([]byte, error) { return line(e) }

// A History is what an audit log holds. Its texts may have come from outside:
// clean them before a terminal sees them.
type History struct {
	Entries    []Entry // the oldest first
	Unreadable int     // lines that are none of ours, or only half of one
	Startless  int     // ends whose start has been rotated away
}

// Read reads the log at path and what was rotated away from it. While it opens
// the files, servers wait. That there is no log at all is an fs.ErrNotExist; like
// that of [Log.Err], the text of an error goes behind the path.
func Read(ctx context.Context, path string) (History, error) {
	files, err := openAll(ctx, path)
	defer func() {
		for _, f := range files {
			_ = f.Close()
		}
	}()
	if err != nil {
		return History{}, err
	}
	if len(files) == 0 {
		return History{}, fmt.Errorf("is missing, so nothing was recorded in it (%w)", fs.ErrNotExist)
	}
	j := joiner{open: map[string]int{}}
	for _, f := range files {
		if err := j.read(io.NewSectionReader(f, 0, f.size)); err != nil {
			return History{}, fmt.Errorf("cannot be read: %w", bare(err))
		}
	}
	return j.history, nil
}

// A part is one of the files, and how long it was while nobody wrote: what comes
// later may be half a line.
type part struct {
	*os.File
	size int64
}

// openAll opens what there is, the oldest first.
func openAll(ctx context.Context, path string) ([]part, error) {
	lock, err := openToRead(lockName(path))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("has a lock file that %w", err)
	}
	if err == nil {
		defer lock.Close() // which also releases it
		if err := hold(ctx, lock.File); err != nil {
			return nil, err
		}
	}
	var files []part
	for n := keep; n >= 0; n-- {
		name := path
		if n > 0 {
			name = rotatedName(path, n)
		}
		f, err := openToRead(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return files, err
		}
		files = append(files, f)
	}
	return files, nil
}

func openToRead(path string) (part, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0) //nolint:gosec // the user chose the path
	if err != nil {
		return part{}, fmt.Errorf("cannot be opened: %w", bare(err))
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		_ = f.Close()
		return part{}, errors.New("is no regular file")
	}
	return part{f, info.Size()}, nil
}

// A joiner puts ends to their starts.
type joiner struct {
	history History
	open    map[string]int // by id: the entry that has no end yet
}

func (j *joiner) read(r io.Reader) error {
	lines := bufio.NewReaderSize(r, maxLine)
	for {
		text, err := lines.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			j.history.Unreadable++
			err = skipLine(lines)
		} else {
			j.line(text)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// skipLine reads to the end of a line that is too long.
func skipLine(lines *bufio.Reader) error {
	for {
		_, err := lines.ReadSlice('\n')
		if !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}

func (j *joiner) line(text []byte) {
	if len(strings.TrimSpace(string(text))) == 0 {
		return // it ended half a line
	}
	var kind struct {
		V     int    `json:"v"`
		ID    string `json:"id"`
		Event Event  `json:"event"`
	}
	if json.Unmarshal(text, &kind) != nil || kind.V != format || kind.ID == "" || !j.record(kind.Event, text) {
		j.history.Unreadable++
	}
}

// record takes a line of our format, and reports whether it could.
func (j *joiner) record(event Event, text []byte) bool {
	switch event {
	case Started, Refused:
		var s Start
		if json.Unmarshal(text, &s) != nil {
			return false
		}
		if event == Started {
			j.open[s.ID] = len(j.history.Entries)
		}
		j.history.Entries = append(j.history.Entries, Entry{Start: s})
	case Ended:
		var e End
		if json.Unmarshal(text, &e) != nil {
			return false
		}
		i, ok := j.open[e.ID]
		if !ok {
			j.history.Startless++
			return true
		}
		j.history.Entries[i].End = &e
		delete(j.open, e.ID)
	default:
		return false
	}
	return true
}
