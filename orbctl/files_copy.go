package orbctl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"

	"orbstack-mcp/internal/beside"
	"orbstack-mcp/orbctl/guest"
	"orbstack-mcp/orbctl/runner"
)

// A CopyError says which side of a copy failed.
type CopyError struct {
	Side string // source or destination
	Err  error
}

func (e *CopyError) Error() string { return fmt.Sprintf("the %s of the copy: %v", e.Side, e.Err) }

// Unwrap is what failed there.
func (e *CopyError) Unwrap() error { return e.Err }

// Copy passes a file from one machine to another, or to another place in the same
// one, through this process and without a file between: two infos and two runs at
// once, under locks and on places that were taken together, the locks first. When one side fails, the other is
// ended, and the destination keeps what it had. The error of a side is a *CopyError
// around an *Error; the rest is as with Push.
func (c *Client) Copy(ctx context.Context, from, to Place, overwrite bool, progress Progress) (Transfer, error) {
	source, err := c.running(ctx, runner.OpGet, from)
	if err != nil {
		return Transfer{}, &CopyError{"source", err}
	}
	target, err := c.running(ctx, runner.OpPut, to)
	if err != nil {
		return Transfer{}, &CopyError{"destination", err}
	}
	var done Transfer
	err = c.holding(ctx, func(c *Client) error {
		places, err := c.runner.Places(ctx, 2)
		if err != nil {
			return ended(ctx, runner.Call{Op: runner.OpPut, Machine: to.Machine}, runner.Result{}, err)
		}
		defer places.Release()
		done, err = c.pass(ctx, source, target, from, to, overwrite, progress, places)
		return err
	}, runner.Call{Op: runner.OpPut, Machine: target.Name}, runner.Call{Op: runner.OpGet, Machine: source.Name})
	return done, err
}

// pass is the two runs of a copy.
func (c *Client) pass(ctx context.Context, source, target MachineInfo, from, to Place, overwrite bool, progress Progress, places *runner.Places) (Transfer, error) {
	type result struct {
		transfer Transfer
		err      error
	}
	var written chan result
	var putting beside.Group
	r, w := io.Pipe()
	held := &allButLast{to: w}
	out := &arrival{progress: progress, open: func(size int64, mode fs.FileMode) (io.Writer, error) {
		written = make(chan result, 1)
		putting.Go(func() {
			defer func() { _ = r.CloseWithError(io.ErrClosedPipe) }() // ends the source, if it is not done
			p := guest.Putting{Name: path.Base(from.Path), Size: size, Mode: uint32(mode), Overwrite: overwrite}
			transfer, err := c.put(ctx, target, to, p, r, places)
			written <- result{transfer, err}
		})
		return held, nil
	}}
	_, readErr := c.get(ctx, source, from, out, places)
	if readErr == nil {
		readErr = held.release()
	}
	_ = w.CloseWithError(readErr) // nil is the good end
	if written == nil {
		return Transfer{}, sideError(ctx, "source", readErr)
	}
	putting.Wait()
	put := <-written
	switch {
	case readErr == nil && put.err == nil:
		return put.transfer, nil
	case readErr != nil && !errors.Is(readErr, io.ErrClosedPipe):
		return Transfer{}, sideError(ctx, "source", readErr)
	}
	return Transfer{}, sideError(ctx, "destination", put.err)
}

// allButLast keeps the last byte back, without which the destination is not whole:
// a source that turns out to be torn behind its last byte leaves nothing there.
type allButLast struct {
	to   io.Writer
	last []byte
}

func (a *allButLast) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if err := a.release(); err != nil {
		return 0, err
	}
	a.last = append(a.last[:0], p[len(p)-1])
	if _, err := a.to.Write(p[:len(p)-1]); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (a *allButLast) release() error {
	if len(a.last) == 0 {
		return nil
	}
	_, err := a.to.Write(a.last)
	a.last = a.last[:0]
	return err
}

// sideError is err, with its side unless nobody waits for the answer any more.
func sideError(ctx context.Context, side string, err error) error {
	if ctx.Err() != nil {
		return err
	}
	return &CopyError{side, err}
}
