package runner

import (
	"context"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"orbstack-mcp/orbctl/runner/confine"
)

// Build is the policy and the command line of a call, as Run makes it.
func Build(call Call) ([]string, error) {
	row, ok := table[call.Op]
	if !ok {
		return nil, &RefusedError{Op: call.Op, Class: Exec, Why: "there is no such operation"}
	}
	if err := row.allow(call, false, ExecAll, nil); err != nil {
		return nil, err
	}
	return row.build(call)
}

// Ops are the operations of the table, in the order of their names.
func Ops() []Op {
	ops := slices.Sorted(maps.Keys(table))
	return slices.DeleteFunc(ops, func(o Op) bool { return strings.HasPrefix(string(o), "test-") })
}

// ClassOf is the class of an operation of the table.
func ClassOf(op Op) Class { return table[op].class }

// RunWatched runs a program as a child and shows each signal to its group before
// it is sent.
func RunWatched(ctx context.Context, path string, argv, env []string, deadline time.Duration, look func(pgid int, sig unix.Signal)) error {
	kill := func(pgid int, sig unix.Signal) { look(pgid, sig); killGroup(pgid, sig) }
	start := func(c confine.Command) (*os.Process, error) {
		return confine.Outside("a test").Start(confine.Profile{}, c)
	}
	c := child{program: path, argv: argv, env: env, start: start, deadline: deadline, output: newCapture(Call{Op: OpList}, whole), kill: kill}
	_, err := c.run(ctx)
	return err
}

// A TestGate is the gate with an answer of the test's.
type TestGate struct{ g *gate }

// NewTestGate asks ask.
func NewTestGate(ask func(context.Context) (Status, error)) TestGate {
	return TestGate{newGate(func(ctx context.Context) standing {
		s, err := ask(ctx)
		return standing{status: s, err: err}
	})}
}

// Check is what Run does before it starts anything.
func (g TestGate) Check(ctx context.Context) (Status, error) {
	s := g.g.check(ctx)
	return s.status, s.err
}

// ReadStatus understands the result of status.
func ReadStatus(res Result, blocked error) (Status, string, error) {
	s := readStatus(res, func() error { return blocked })
	return s.status, s.detail, s.err
}

// Names for the tests of this package.
var (
	Blocked     = blocked
	Trusted     = trusted
	Environment = environment
	UsualPlaces = usualPlaces
	CloseOnExec = closeOnExec
	Outcome     = outcome
	Tool        = toolOf
)

// EnvOrbctl names the environment variable that says which orbctl to use.
const EnvOrbctl = envOrbctl

// NewLane is a lane for the tests.
func NewLane() (enter func(context.Context) error, leave func(), waiting func() int64) {
	l := newLane()
	enter = func(ctx context.Context) error { return l.enter(ctx, 1) }
	return enter, func() { l.leave(1) }, l.waiting.Load
}

// StatusAge is how long an answer of status holds.
const StatusAge time.Duration = statusAge

// TestLocks are locks for the tests.
type TestLocks struct{ l *locks }

// NewLocks are the locks of one server.
func NewLocks(folder string) TestLocks { return TestLocks{newLocks(folder)} }

// Take takes what Run takes for a call.
func (t TestLocks) Take(ctx context.Context, call Call) (func(), error) {
	row := table[call.Op]
	deadline := row.deadline
	if call.Deadline > 0 {
		deadline = call.Deadline
	}
	names, how := row.lock(call, deadline)
	return t.l.take(ctx, names, how)
}

// Folder is where their files are.
func (t TestLocks) Folder() string { return t.l.folder }

// Used is how many names somebody holds or waits for.
func (t TestLocks) Used() int { return len(t.l.used) }

// LeftOver are the groups that a reaper would kill.
var LeftOver = leftOver

// ReaperPID is the reaper's process, or 0.
func (r *Runner) ReaperPID() int {
	r.reaper.mu.Lock()
	defer r.reaper.mu.Unlock()
	if r.reaper.process == nil {
		return 0
	}
	return r.reaper.process.Process.Pid
}

// Watch and Forget tell the reaper of a group.
func (r *Runner) Watch(pgid int) { _ = r.reaper.watch(pgid) }

// Forget tells the reaper that a group is gone.
func (r *Runner) Forget(pgid int) { r.reaper.forget(pgid) }

// Cue calls once when the word has come, in whatever pieces.
func Cue(word string, call func()) func([]byte) {
	return (&cue{word: []byte(word), call: call}).hear
}
