package runner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"orbstack-mcp/internal/beside"
	"orbstack-mcp/orbctl/runner/confine"
)

const (
	pipeSize  = 1 << 20                // the most that a pipe holds (pipe(7))
	grace     = 2 * time.Second        // between TERM and KILL, and after KILL
	drainTime = 250 * time.Millisecond // for output that is still on its way when the child has ended
)

// A child is a process to be: what it is given, and how long it has.
type child struct {
	program  string // the orbctl that it is to be, for errors
	argv     []string
	env      []string
	start    func(confine.Command) (*os.Process, error) // in a sandbox or in none
	stdin    io.Reader                                  // nil: nothing
	deadline time.Duration
	output   *capture
	reaper   *reaper                         // nil: none
	kill     func(pgid int, sig unix.Signal) // killGroup, but for a test that looks on
}

// An ending is how it went.
type ending struct {
	exit                          int
	signal                        string
	timedOut, killed, held, stuck bool
	failed                        error // the capture could take no more: *OutputError, the caller's writer, or its *beside.PanicError
	cancelled                     bool
	unwatched                     error // there was no reaper, where one is needed
	took                          time.Duration
}

// run starts the child and stays with it to its end. The error is a *StartError.
//
// The order at the end is what makes it safe (docs/security.md, threats 9, 20). The
// exit is noticed without reaping, so that the process group keeps its number
// while it is killed; only then the leader is reaped; and only then what is left
// in the pipes is read, with a deadline, for somebody who left the group may
// hold them open for ever.
func (c child) run(ctx context.Context) (ending, error) {
	pipes, err := openPipes(c.stdin != nil)
	if err != nil {
		return ending{}, &StartError{Path: c.program, Err: err}
	}
	defer pipes.closeOurEnds()
	began := time.Now()
	process, life, err := c.fork(pipes.forChild())
	pipes.closeChildEnds()
	if err != nil {
		return ending{}, &StartError{Path: c.program, Err: err}
	}

	unwatched := c.reaper.watch(process.Pid)
	full := make(chan error, 4)
	fed := make(chan struct{})
	go func() { defer close(fed); orFull(full, func() { feed(pipes.stdinW, c.stdin, full) }) }()
	drained := [2]chan bool{make(chan bool, 1), make(chan bool, 1)}
	go func() {
		held := false
		orFull(full, func() { held = pump(pipes.stdout, c.output.stdout, full) })
		drained[0] <- held
	}()
	go func() {
		held := false
		orFull(full, func() { held = pump(pipes.stderr, c.output.stderr, full) })
		orFull(full, c.output.stderr.end)
		drained[1] <- held
	}()

	e := c.await(ctx, process.Pid, life.over, full)
	if e.stuck {
		go func() { <-life.over; c.reaper.forget(process.Pid); reap(process) }()
	} else {
		c.kill(process.Pid, unix.SIGKILL) // whoever the leader left behind in its group
		c.reaper.forget(process.Pid)
		e.exit, e.signal = reap(process)
	}

	_ = pipes.stdinW.SetWriteDeadline(time.Now()) // who is gone reads no more
	<-fed
	until := time.Now().Add(drainTime)
	_ = pipes.stdout.SetReadDeadline(until) // pipes of os.Pipe have deadlines
	_ = pipes.stderr.SetReadDeadline(until)
	for i := range drained {
		if held := <-drained[i]; held {
			e.held = true
		}
	}
	if e.failed == nil {
		select {
		case e.failed = <-full:
		default:
		}
	}
	e.took, e.unwatched = time.Since(began), unwatched
	if !e.stuck && life.err != nil {
		return e, &StartError{Path: c.program, Err: fmt.Errorf("it was ended, because its end could not be watched for: %w", life.err)}
	}
	return e, nil
}

// await returns when the leader has ended, or when nothing could end it.
func (c child) await(ctx context.Context, pid int, exited <-chan struct{}, full <-chan error) (e ending) {
	deadline := time.NewTimer(c.deadline)
	defer deadline.Stop()
	select {
	case <-exited:
		return e
	case e.failed = <-full:
	case <-ctx.Done():
		e.cancelled = true
	case <-deadline.C:
		e.timedOut = true
	}
	if over(exited) { // both at once: it did end by itself
		e.cancelled, e.timedOut = false, false
		return e
	}
	e.exit = -1
	if e.failed == nil { // who floods is not asked politely
		c.kill(pid, unix.SIGTERM)
		if within(grace, exited) {
			return e
		}
	}
	e.killed = true
	c.kill(pid, unix.SIGKILL)
	e.stuck = !within(grace, exited)
	return e
}

// A life is over when the child has ended, or when that can't be told: err.
type life struct {
	over chan struct{}
	err  error // set before over is closed
}

// fork starts the process. The thread that forks stays until the child has ended,
// because Linux sends the parent-death signal when that thread goes; it spends the
// time waiting for the exit.
func (c child) fork(files [3]*os.File) (*os.Process, *life, error) {
	type forked struct {
		process *os.Process
		err     error
	}
	started := make(chan forked, 1)
	l := &life{over: make(chan struct{})}
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		p, err := c.start(confine.Command{Path: c.program, Argv: c.argv, Env: c.env, Files: files, DiesWithUs: c.reaper.none()})
		started <- forked{p, err}
		if err == nil {
			l.err = awaitExit(p.Pid)
		}
		close(l.over)
	}()
	f := <-started
	return f.process, l, f.err
}

// uninterrupted repeats a system call that a signal broke off.
func uninterrupted(call func() error) error {
	for {
		if err := call(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// reap collects the exit status of a child that has ended.
func reap(p *os.Process) (exit int, signal string) {
	state, err := p.Wait()
	if err != nil { // somebody else reaped it: nothing in this program does
		return -1, ""
	}
	if ws, ok := state.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return -1, unix.SignalName(ws.Signal())
	}
	return state.ExitCode(), ""
}

// killGroup signals a process group whose leader has not been reaped. That there
// is nobody left is no error, and neither is EPERM, with which macOS says that
// only zombies are.
func killGroup(pgid int, sig unix.Signal) { _ = unix.Kill(-pgid, sig) }

// orFull runs what passes a stream on. What it calls is the caller's: if that
// panics, the run has failed, like one whose output cannot be passed on.
func orFull(full chan<- error, pass func()) {
	if err := beside.Caught(pass); err != nil {
		full <- err
	}
}

// pump reads r to its end. It reports whether somebody still held the other side
// when the deadline came. What the stream cannot take goes to full.
func pump(r *os.File, s *stream, full chan<- error) (held bool) {
	buf := make([]byte, 32<<10)
	behind := int64(-1) // raw bytes that came when the deadline was over: a slow reader loses nothing that was in the pipe
	for {
		n, err := r.Read(buf)
		if _, failed := s.Write(buf[:n]); failed != nil {
			full <- failed
			return false
		}
		late := errors.Is(err, os.ErrDeadlineExceeded)
		switch {
		case late && s.raw != nil && behind < 0:
			behind = 0
			_ = r.SetReadDeadline(time.Now().Add(drainTime))
		case err != nil:
			return late
		case behind >= 0:
			if behind += int64(n); behind < pipeSize {
				_ = r.SetReadDeadline(time.Now().Add(drainTime))
			}
		}
	}
}

// feed writes what a child reads, and ends it with the source. A source that
// fails ends the child, which would take the end of a part for the end of it all;
// that the child wants no more is its own business.
func feed(w *os.File, source io.Reader, full chan<- error) {
	if source == nil {
		return
	}
	defer w.Close()
	buf := make([]byte, 64<<10)
	for {
		n, err := source.Read(buf)
		if _, gone := w.Write(buf[:n]); gone != nil || errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			full <- fmt.Errorf("its input could not be read: %w", err)
			return
		}
	}
}

func over(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}

func within(d time.Duration, done <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return over(done)
	}
}

// pipes are the child's three files and our ends of them.
type pipes struct {
	stdin, stdoutW, stderrW *os.File
	stdinW, stdout, stderr  *os.File // stdinW is nil where there is no input
}

func openPipes(input bool) (p pipes, err error) {
	defer func() {
		if err != nil {
			p.closeChildEnds()
			p.closeOurEnds()
		}
	}()
	if input {
		p.stdin, p.stdinW, err = os.Pipe()
	} else {
		p.stdin, err = os.Open(os.DevNull)
	}
	if err != nil {
		return p, fmt.Errorf("no input: %w", err)
	}
	if p.stdout, p.stdoutW, err = os.Pipe(); err != nil {
		return p, fmt.Errorf("no pipe for stdout: %w", err)
	}
	if p.stderr, p.stderrW, err = os.Pipe(); err != nil {
		return p, fmt.Errorf("no pipe for stderr: %w", err)
	}
	return p, nil
}

func (p pipes) forChild() [3]*os.File { return [3]*os.File{p.stdin, p.stdoutW, p.stderrW} }

func (p pipes) closeChildEnds() { closeAll(p.stdin, p.stdoutW, p.stderrW) }

func (p pipes) closeOurEnds() { closeAll(p.stdinW, p.stdout, p.stderr) }

func closeAll(files ...*os.File) {
	for _, f := range files {
		_ = f.Close() // a nil *os.File only returns an error
	}
}
