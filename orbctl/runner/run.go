package runner

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"orbstack-mcp/internal/beside"
	"orbstack-mcp/orbctl/runner/audit"
	"orbstack-mcp/orbctl/runner/confine"
)

// Options say how a Runner runs.
type Options struct {
	Orbctl   string                   // path of orbctl; "": $ORBSTACK_MCP_ORBCTL, else the usual places
	Home     string                   // "": $HOME, else the user's
	ReadOnly bool                     // refuse whatever could change something
	Exec     ExecPolicy               // where a user's command may run
	Machines []string                 // the only machines that anything may be done about; none: all
	Locks    string                   // folder of the lock files that all servers of the user share; "": locks are this Runner's own
	Getenv   func(name string) string // nil: os.Getenv. Read by New only
	Reaper   string                   // program that ends the children of a server that died: see NeedsReaper, ReapVerb; "": none
	Log      *slog.Logger             // gets what a person should know and no call fails for; nil: nobody
	Audit    *audit.Log               // records every call of Run; nil: nothing is recorded, and nothing refused for it
	Sandbox  confine.Mode             // of the operating system, around orbctl; "": off
}

// A Runner runs operations of orbctl. It may be used by many goroutines at once.
type Runner struct {
	readOnly  bool
	exec      ExecPolicy
	pins      pins
	locks     *locks
	home      string
	env       []string
	binary    Binary
	binaryErr error
	lanes     [2]*lane // by laneName
	gate      *gate
	audit     *audit.Log // nil: off
	reaper    *reaper
	log       *slog.Logger

	sandbox    *confine.Sandbox
	sandboxErr error
}

// New finds orbctl, fixes what children get to see, and tries the sandbox with a
// child or two that are not orbctl. It never fails: that there is no orbctl, or
// no sandbox where one is required, is the error of every call.
func New(o Options) *Runner {
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	home := homeDir(o.Home, o.Getenv)
	r := &Runner{
		readOnly: o.ReadOnly,
		exec:     o.Exec,
		pins:     o.Machines,
		locks:    newLocks(o.Locks),
		home:     home,
		env:      environment(home, o.Getenv),
		lanes:    [2]*lane{short: newLane(), long: newLane()},
		audit:    o.Audit,
		reaper:   newReaper(o.Reaper),
		log:      o.Log,
	}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	r.binary, r.binaryErr = findBinary(o, home)
	if r.binaryErr == nil && home == "" {
		// orbctl panics without HOME, even for version (docs/orbctl-contract.md §1.10).
		r.binaryErr = &StartError{Path: r.binary.Path, Err: errors.New("the user's home folder is not known; set HOME")}
	}
	r.sandbox, r.sandboxErr = confine.Outside("there is no orbctl to confine"), nil
	if r.binaryErr == nil {
		r.sandbox, r.sandboxErr = confine.New(o.Sandbox, home, r.binary.Real)
	}
	r.gate = newGate(r.askStatus)
	return r
}

// Close lets the reaper go, which no child may need any more. A Runner may be used
// again afterwards.
func (r *Runner) Close() { r.reaper.close() }

// Binary is the orbctl that is used, or the error of every call: a *BinaryError, or
// a *StartError if the user's home folder is not known.
func (r *Runner) Binary() (Binary, error) { return r.binary, r.binaryErr }

// Sandbox is what confines orbctl. The error is a *confine.UnavailableError: one is
// required that cannot be had, and every call fails.
func (r *Runner) Sandbox() (confine.Level, error) { return r.sandbox.Level(), r.sandboxErr }

// usable is the error of every call, if there is one.
func (r *Runner) usable() error {
	if r.binaryErr != nil {
		return r.binaryErr
	}
	if r.sandboxErr != nil {
		return &StartError{Path: r.binary.Real, Err: r.sandboxErr}
	}
	return nil
}

// Status is whether OrbStack runs, at most two seconds old. It never starts it.
// An answer that is not understood is a *StatusError.
func (r *Runner) Status(ctx context.Context) (Status, error) {
	if err := r.usable(); err != nil {
		return "", err
	}
	s, ok := r.gate.known()
	if !ok {
		if err := r.lanes[short].enter(ctx, 1); err != nil {
			return "", stopped(ctx, OpStatus, err)
		}
		defer r.lanes[short].leave(1)
		s = r.gate.check(ctx)
	}
	return s.status, stopped(ctx, OpStatus, s.err)
}

// Run runs one operation and returns when its process has ended. An exit code
// other than 0 is no error. Errors: *RefusedError, *InvalidError, *BinaryError,
// *BusyError, *LockError, *StaleError, *GateError, *StatusError and *AuditError before there was a
// process, with an empty Result; *TimeoutError, *OutputError, *StartError and the
// cause of a cancelled ctx, with an empty Result if there was none yet (the gate's own
// status may be what was late), else beside one that says how far it came; an error of
// a reader or writer of the Call, or a *beside.PanicError of it, beside such a Result.
func (r *Runner) Run(ctx context.Context, call Call) (Result, error) {
	row, ok := table[call.Op]
	if !ok {
		err := &RefusedError{Op: call.Op, Class: Exec, Why: "there is no such operation"}
		return Result{}, r.refused(ctx, call, Exec, nil, err)
	}
	if err := row.allow(call, r.readOnly, r.exec, r.pins); err != nil {
		return Result{}, r.refused(ctx, call, row.class, nil, err)
	}
	argv, err := row.build(call)
	if err != nil {
		return Result{}, r.refused(ctx, call, row.class, nil, err)
	}
	if err := r.usable(); err != nil {
		return Result{}, err
	}
	deadline := row.deadline
	if call.Deadline > 0 {
		deadline = call.Deadline
	}
	// First the lock, then the place: whoever waits for a lock takes nobody's place.
	names, how := row.lock(call, deadline)
	release := func() {}
	if !call.Under.covers(names, how) {
		if release, err = r.locks.take(ctx, names, how); err != nil {
			return Result{}, stopped(ctx, call.Op, r.unlocked(ctx, err))
		}
		release = sync.OnceFunc(release)
	}
	defer release()
	if lane := r.lanes[row.laneFor(deadline)]; call.In == nil || lane != call.In.lane {
		if err := lane.enter(ctx, 1); err != nil {
			return Result{}, stopped(ctx, call.Op, err)
		}
		defer lane.leave(1)
	}
	// The gate comes behind the queue, so that its answer is not stale when the
	// child starts. It asks on this call's place.
	if !row.ungated {
		if err := r.pass(ctx); err != nil {
			return Result{}, r.refused(ctx, call, row.class, argv, stopped(ctx, call.Op, err))
		}
	}
	if err := r.current(row, call); err != nil {
		return Result{}, err
	}
	id, err := r.begin(ctx, call, row.class, argv)
	if err != nil {
		return Result{}, err
	}
	var begun *cue
	if how == passing { // what the script prints is marked: it runs, in a machine that runs
		begun = &cue{word: []byte(call.Mark), call: release}
	}
	res, err := r.launch(ctx, call, row, argv, deadline, begun)
	r.end(ctx, id, res, err)
	return res, err
}

// pass refuses what might start OrbStack (docs/orbctl-contract.md §1.6).
func (r *Runner) pass(ctx context.Context) error {
	s := r.gate.check(ctx)
	if s.err != nil {
		return s.err
	}
	if s.status != Running {
		return &GateError{Status: s.status, Detail: s.detail}
	}
	return nil
}

// askStatus runs status, on a place that the caller has taken.
func (r *Runner) askStatus(ctx context.Context) standing {
	call, row := Call{Op: OpStatus}, table[OpStatus]
	argv, err := row.build(call)
	if err != nil {
		return standing{err: err}
	}
	res, err := r.launch(ctx, call, row, argv, row.deadline, nil)
	if err != nil {
		return standing{err: err}
	}
	return readStatus(res, func() error { return blocked(ctx, r.home) })
}

// launch is one child from start to end; its stdout gives the cue, if there is one.
func (r *Runner) launch(ctx context.Context, call Call, row row, argv []string, deadline time.Duration, begun *cue) (Result, error) {
	capture := newCapture(call, row.stdout)
	capture.stdout.cue = begun
	argv = withName(argv)
	profile := row.profile(call)
	profile.Deadline = deadline
	c := child{
		program: r.binary.Real, argv: argv, env: r.env, stdin: call.Stdin,
		start:    func(c confine.Command) (*os.Process, error) { return r.sandbox.Start(profile, c) },
		deadline: deadline, output: capture, reaper: r.reaper, kill: killGroup,
	}
	e, err := c.run(ctx)
	if err != nil && e.took == 0 { // there was no process
		return Result{}, err
	}
	if e.unwatched != nil {
		r.log.Warn("a child ran without a reaper", "error", e.unwatched)
	}
	res := Result{
		Exit: e.exit, Signal: e.signal, TimedOut: e.timedOut, Killed: e.killed,
		Held: e.held, Stuck: e.stuck, Took: e.took, Argv: argv, Sandbox: r.sandbox.Level().Name,
	}
	var unwritten error
	if broke := beside.Caught(func() { unwritten = capture.fill(&res) }); broke != nil {
		unwritten = broke
	}
	if e.failed == nil {
		e.failed = unwritten
	}
	if broke, ok := errors.AsType[*beside.PanicError](e.failed); ok {
		r.log.Error("what takes the output of orbctl broke down", "op", call.Op, "cause", broke.Value, "stack", string(broke.Stack))
	}
	if failed := r.sandbox.Failed(res.Exit, res.Stderr); err == nil && failed != nil {
		return Result{}, &StartError{Path: r.binary.Real, Err: failed}
	}
	switch {
	case err != nil:
		return res, err
	case e.cancelled:
		return res, stopped(ctx, call.Op, context.Cause(ctx))
	case e.timedOut:
		return res, &TimeoutError{Op: call.Op, After: deadline}
	}
	var flood *OutputError
	if e.failed != nil && !errors.As(e.failed, &flood) {
		return res, fmt.Errorf("orbctl %s: its output could not be passed on: %w", call.Op, e.failed)
	}
	return res, e.failed
}

// withName is a command line with the name of the program. The name is fixed:
// under the name orb, the same binary runs unknown words as commands in a machine
// (docs/orbctl-contract.md §1.1).
func withName(argv []string) []string { return append([]string{"orbctl"}, argv...) }

// stopped says which operation it was that ctx has stopped. An error that has
// another reason says that itself.
func stopped(ctx context.Context, op Op, err error) error {
	if cause := context.Cause(ctx); cause != nil && errors.Is(err, cause) {
		return fmt.Errorf("orbctl %s was not finished: %w", op, cause)
	}
	return err
}
