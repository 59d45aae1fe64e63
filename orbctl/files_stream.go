package orbctl

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"strconv"
	"strings"

	"orbstack-mcp/orbctl/guest"
	"orbstack-mcp/orbctl/runner"
)

// counted tells of what is read.
type counted struct {
	from        io.Reader
	done, total int64
	progress    Progress
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.done += int64(n)
	if c.progress != nil && n > 0 {
		c.progress(c.done, c.total)
	}
	return n, err
}

// An arrival takes the bytes of a file that comes out of a machine. Its size and
// mode come on the other stream, and the first bytes wait for them.
type arrival struct {
	open     func(size int64, mode fs.FileMode) (io.Writer, error) // called once
	progress Progress

	ctx   context.Context //nolint:containedctx // an io.Writer has no other way to stop waiting
	notes fileNotes
	to    io.Writer
	done  int64
	size  int64
	mode  fs.FileMode
	err   error // the first one; also that of open and of the writer
}

// grew: more came than was announced.
func grew() error {
	return &Error{Kind: OrbctlFailed, Op: runner.OpGet, Why: "the file grew while it was read, so nothing of it was kept"}
}

func (a *arrival) begin(ctx context.Context, mark string) {
	a.ctx = ctx
	a.notes = fileNotes{noteLines: noteLines{mark: mark}, known: make(chan struct{}), over: make(chan struct{})}
}

// opened waits for the announcement and opens what the bytes go to, if so many
// more may come.
func (a *arrival) opened(more int64) error {
	if a.to != nil || a.err != nil {
		return a.err
	}
	select {
	case <-a.notes.known:
	case <-a.notes.over:
		select {
		case <-a.notes.known:
		default:
			return errors.New("the machine sent something before it said that there is a file")
		}
	case <-a.ctx.Done():
		return context.Cause(a.ctx)
	}
	a.size, a.mode = a.notes.size, a.notes.mode
	if more > a.size { // an empty file would be whole without them
		a.err = grew()
		return a.err
	}
	a.to, a.err = a.open(a.size, a.mode)
	return a.err
}

func (a *arrival) Write(p []byte) (int, error) {
	if a.ctx.Err() != nil {
		return 0, context.Cause(a.ctx)
	}
	if err := a.opened(int64(len(p))); err != nil {
		return 0, err
	}
	if a.done+int64(len(p)) > a.size {
		a.err = grew()
		return 0, a.err
	}
	n, err := a.to.Write(p)
	a.done += int64(n)
	if err != nil {
		a.err = err
		return n, err
	}
	if a.progress != nil {
		a.progress(a.done, a.size)
	}
	return n, nil
}

// finish makes sure that all has come; of an empty file nothing did.
func (a *arrival) finish() error {
	if err := a.opened(0); err != nil {
		return err
	}
	if a.done != a.size {
		return &Error{Kind: OrbctlFailed, Op: runner.OpGet, Why: "not all bytes came out of the machine, so nothing of the file was kept"}
	}
	return nil
}

// fileNotes are the notes of a get, of which the first one is waited for.
type fileNotes struct {
	noteLines
	known, over chan struct{}
	told        bool
	size        int64
	mode        fs.FileMode
}

// Write never fails.
func (n *fileNotes) Write(p []byte) (int, error) {
	_, _ = n.noteLines.Write(p)
	if !n.told && len(n.notes) > 0 {
		words := strings.SplitN(n.notes[0], " ", 4)
		if words[0] == guest.FileThere && len(words) == 4 {
			size, badSize := strconv.ParseInt(words[1], 10, 64)
			mode, badMode := strconv.ParseUint(words[2], 8, 32)
			if badSize == nil && badMode == nil && size >= 0 {
				n.told, n.size, n.mode = true, size, fs.FileMode(mode).Perm()
				close(n.known)
			}
		}
	}
	return len(p), nil
}

// Close says that no more notes come.
func (n *fileNotes) Close() error { close(n.over); return nil }

// last is the first word of the last note, and what stands behind it.
func (n *noteLines) last() (what, rest string) {
	if len(n.notes) == 0 {
		return "", ""
	}
	what, rest, _ = strings.Cut(n.notes[len(n.notes)-1], " ")
	return what, rest
}
