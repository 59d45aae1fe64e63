package audit

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"time"
)

// Options say who writes.
type Options struct {
	Version string       // of the server
	Log     *slog.Logger // is told when the audit log fails and when it works again; never nil
}

// A Log is an audit log that records are written to. It may be used by many
// goroutines, and its file by many servers.
type Log struct {
	path   string
	server Server
	log    *slog.Logger
	limit  int64

	turn   chan struct{} // a lock that a caller can stop waiting for; what follows is behind it
	file   *file         // nil: to be opened
	broken error
	closed bool
}

// Open opens the log at an absolute path, and makes it and its folder if they
// are missing. It never fails: what is wrong is the result of [Log.Err] and the
// error of each record, which tries again. Close ends it.
func Open(path string, o Options) *Log {
	l := &Log{
		path: path, server: Server{PID: os.Getpid(), Version: o.Version}, log: o.Log,
		limit: rotateAt, turn: make(chan struct{}, 1),
	}
	l.note(l.open())
	return l
}

// Path is where the log is.
func (l *Log) Path() string { return l.path }

// Err is why the last record could not be written, or why the log could not be
// opened; nil if all is well. Its text goes behind the path: "is a symbolic
// link, which is not followed".
func (l *Log) Err() error {
	l.turn <- struct{}{}
	defer l.leave()
	return l.broken
}

// Close waits for a record that is being written, and closes the file.
func (l *Log) Close() {
	l.turn <- struct{}{}
	defer l.leave()
	l.drop()
	l.closed = true
}

// Start records a call that is about to run and returns its id. Its error is why
// there is no record, in the words of [Log.Err], or the cause of a ctx that ended.
func (l *Log) Start(ctx context.Context, c Call) (id string, err error) {
	r := newStart(c, l.server, Started, Allow)
	return r.ID, l.write(ctx, r)
}

// Refuse records a call that will not run.
func (l *Log) Refuse(ctx context.Context, c Call) error {
	return l.write(ctx, newStart(c, l.server, Refused, Refuse))
}

// End records the end of the call e.ID, even if ctx has ended. V, At and Event
// are filled in.
func (l *Log) End(ctx context.Context, e End) error {
	e.V, e.At, e.Event = format, now(), Ended
	return l.write(context.WithoutCancel(ctx), e)
}

func (l *Log) write(ctx context.Context, record any) error {
	text, err := line(record)
	if err != nil {
		return err
	}
	if err := l.enter(ctx); err != nil {
		return err
	}
	defer l.leave()
	err = l.append(ctx, text)
	if err == nil || ctx.Err() == nil { // a caller that is gone says nothing about the file
		l.note(err)
	}
	return err
}

func (l *Log) enter(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errLocked)
	defer cancel()
	select {
	case l.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (l *Log) leave() { <-l.turn }

func (l *Log) append(ctx context.Context, text []byte) error {
	for until := time.Now().Add(patience); ; {
		if l.closed {
			return errors.New("was closed")
		}
		if l.file == nil {
			if err := l.open(); err != nil {
				return err
			}
		}
		err := hold(ctx, l.file.lock)
		if err != nil {
			return err
		}
		moved, err := l.appendHeld(text)
		l.file.release()
		if !moved {
			return err
		}
		l.drop() // somebody took it away or rotated it; the name now belongs to another file
		if time.Now().After(until) {
			return errors.New("is moved away again and again")
		}
	}
}

func (l *Log) appendHeld(text []byte) (moved bool, err error) {
	size, moved, err := l.file.state()
	if moved || err != nil {
		return moved, err
	}
	if size > 0 && size+int64(len(text)) > l.limit {
		if err := l.file.rotate(); err != nil {
			return false, err
		}
		size = 0
	}
	return false, l.file.append(text, size)
}

func (l *Log) open() error {
	f, mended, err := openFile(l.path)
	if err != nil {
		return err
	}
	if mended {
		l.log.Warn("others could read or write the audit log; now its mode is 0600", "path", l.path)
	}
	l.file = f
	return nil
}

func (l *Log) drop() {
	if l.file != nil {
		l.file.close()
		l.file = nil
	}
}

// note tells the log of the server once when records begin to fail, and once
// when they are written again.
func (l *Log) note(err error) {
	switch {
	case err != nil && l.broken == nil:
		l.log.Warn("the audit log cannot be written: what deletes or executes is refused until it can", "path", l.path, "error", err)
	case err == nil && l.broken != nil:
		l.log.Warn("the audit log is written again; what was read meanwhile is not in it", "path", l.path)
	}
	l.broken = err
}
