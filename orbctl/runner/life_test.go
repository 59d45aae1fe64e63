package runner_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/internal/beside"
	"orbstack-mcp/orbctl/runner"
)

var list = runner.Call{Op: runner.OpList}

// checker is a *testing.T, *testing.F or *rapid.T.
type checker interface {
	require.TestingT
	Helper()
}

// asAny is errors.As for any of several targets.
func asAny(err error, targets ...any) bool {
	return slices.ContainsFunc(targets, func(t any) bool { return errors.As(err, t) })
}

// patience is the deadline of children that have to get ready before it comes,
// also on a machine that is busy with other things.
const patience = 3 * time.Second

func within(d time.Duration) runner.Call {
	call := list
	call.Deadline = d
	return call
}

func TestRunReturnsWhatWasPrintedAndTheExitCode(t *testing.T) {
	w := newWorld(t, map[string]acts{"list": {Out: "\x1b[1m[]\x1b[0m\n", Err: "a\u202ewarning\r\n", Exit: 7}})
	res, err := w.runner(t).Run(t.Context(), list)
	require.NoError(t, err, "an exit code is for the caller to judge")
	assert.Equal(t, "[]\n", res.Stdout)
	assert.Equal(t, "awarning\n", res.Stderr)
	assert.Equal(t, 7, res.Exit)
	assert.Empty(t, res.Signal)
	assert.False(t, res.TimedOut || res.Killed || res.Held || res.Stuck)
	assert.Equal(t, []string{"orbctl", "list", "-f", "json"}, res.Argv)
	assert.EqualValues(t, 2, res.Text.Escapes)
	assert.EqualValues(t, 1, res.Text.Invisible)
	assert.Positive(t, res.Took)
	assert.Equal(t, [][]string{{"list", "-f", "json"}}, w.calls(t, ""))
}

func TestThreat06_ChildSeesNothingOfOurs(t *testing.T) {
	t.Setenv("SECRET_TOKEN", "canary")
	t.Setenv("ORBENV", "SECRET_TOKEN")
	w := newWorld(t, map[string]acts{"list": {Do: "environment"}, "version": {Do: "stdin"}, "default": {Do: "where"}})
	r := w.runner(t, func(o *runner.Options) {
		o.Getenv = func(name string) string {
			return map[string]string{"USER": "ann", "PATH": "/evil", "TMPDIR": "/var/folders/x", "LANG": "de_DE", "HTTPS_PROXY": "http://p"}[name]
		}
	})
	res, err := r.Run(t.Context(), list)
	require.NoError(t, err)
	want := []string{
		"HOME=" + w.home, "USER=ann", "LOGNAME=ann", "PATH=/usr/bin:/bin:/usr/sbin:/sbin", "TMPDIR=/var/folders/x", "LANG=C.UTF-8", "NO_COLOR=1", "TERM=dumb",
	}
	assert.Equal(t, want, strings.Split(strings.TrimSpace(res.Stdout), "\n"))

	res, err = r.Run(t.Context(), runner.Call{Op: runner.OpVersion})
	require.NoError(t, err)
	assert.Equal(t, "0 <nil>\n", res.Stdout, "stdin is empty")

	res, err = r.Run(t.Context(), runner.Call{Op: runner.OpDefault})
	require.NoError(t, err)
	assert.Equal(t, "/ orbctl true\n", res.Stdout, "in /, under the name orbctl, in a group of its own")
}

func TestChildThatIgnoresTermIsKilledAtItsDeadline(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]acts{"list": {Do: "ignore-term"}})
	res, err := w.runner(t).Run(t.Context(), within(patience))
	var late *runner.TimeoutError
	require.ErrorAs(t, err, &late)
	assert.Equal(t, runner.OpList, late.Op)
	assert.Equal(t, patience, late.After)
	assert.Equal(t, "orbctl list did not end within 3s and was stopped", err.Error())
	assert.True(t, res.TimedOut)
	assert.True(t, res.Killed)
	assert.Equal(t, "SIGKILL", res.Signal)
	assert.Equal(t, -1, res.Exit)
	assert.Equal(t, "ready\n", res.Stdout, "what was printed by then is there")
	assert.Zero(t, w.survivors(t))
}

func TestChildMayEndInGoodOrderAtItsDeadline(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]acts{"list": {Do: "on-term"}})
	res, err := w.runner(t).Run(t.Context(), within(patience))
	var late *runner.TimeoutError
	require.ErrorAs(t, err, &late)
	assert.True(t, res.TimedOut)
	assert.False(t, res.Killed)
	assert.Equal(t, 3, res.Exit)
	assert.Equal(t, "asked to end\n", res.Stdout)
	assert.Zero(t, w.survivors(t))
}

func TestChildrenThatNeverEnd(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"dribble", "close-all", "linger"} {
		t.Run(kind, func(t *testing.T) {
			w := newWorld(t, map[string]acts{"list": {Do: kind}})
			res, err := w.runner(t).Run(t.Context(), within(patience))
			var late *runner.TimeoutError
			require.ErrorAs(t, err, &late)
			assert.Equal(t, "SIGTERM", res.Signal)
			assert.Equal(t, kind == "dribble", strings.HasPrefix(res.Stdout, "..."))
			assert.Zero(t, w.survivors(t))
		})
	}
}

func TestGrandchildWithThePipeDiesWithItsGroup(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]acts{"list": {Do: "grandchild", Exit: 4}})
	res, err := w.runner(t).Run(t.Context(), list)
	require.NoError(t, err)
	assert.Equal(t, 4, res.Exit)
	assert.False(t, res.Held)
	assert.Equal(t, "grandchild started\n", res.Stdout)
	assert.Less(t, res.Took, 20*time.Second, "the grandchild would have lived a minute")
	assert.Len(t, w.pids(t), 1)
	assert.Zero(t, w.survivors(t))
}

// Without the operating system's sandbox, which forbids to fork, one that leaves
// the group lives on. The call does not wait for it, and says that it is there.
func TestDaemonThatLeftTheGroupSurvivesAndIsReported(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]acts{"list": {Do: "setsid"}})
	res, err := w.runner(t).Run(t.Context(), list)
	require.NoError(t, err)
	assert.True(t, res.Held)
	assert.Equal(t, "grandchild started\n", res.Stdout)
	assert.Less(t, res.Took, 20*time.Second)
	require.Len(t, w.pids(t), 1)
	assert.True(t, alive(w.pids(t)[0]), "under the sandbox it could not have been started (threat_linux_test.go)")
	require.NoError(t, syscall.Kill(w.pids(t)[0], syscall.SIGKILL))
}

func TestDeathByASignalIsNoError(t *testing.T) {
	w := newWorld(t, map[string]acts{"list": {Do: "signal"}})
	res, err := w.runner(t).Run(t.Context(), list)
	require.NoError(t, err)
	assert.True(t, res.Signal == "SIGABRT" || res.Exit == 2, "Go may turn SIGABRT into its own crash: %q %d", res.Signal, res.Exit)
}

func TestFloodEndsAWholeCapture(t *testing.T) {
	w := newWorld(t, map[string]acts{"list": {Do: "flood 1073741824"}, "version": {Do: "flood-stderr 1073741824"}})
	r := w.runner(t)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	res, err := r.Run(t.Context(), list)
	runtime.ReadMemStats(&after)
	var flood *runner.OutputError
	require.ErrorAs(t, err, &flood)
	assert.Equal(t, "stdout", flood.Stream)
	assert.EqualValues(t, 4<<20, flood.Limit)
	assert.Equal(t, "orbctl list printed more than 4194304 bytes on stdout and was stopped", err.Error())
	assert.Len(t, res.Stdout, 4<<20)
	assert.Equal(t, "SIGKILL", res.Signal)
	assert.True(t, res.Killed)
	assert.False(t, res.TimedOut)
	assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(32<<20))

	_, err = r.Run(t.Context(), runner.Call{Op: runner.OpVersion})
	require.ErrorAs(t, err, &flood)
	assert.Equal(t, "stderr", flood.Stream)
}

// Both streams of a command have the same cap, whoever takes them: no more is read
// of a command that writes without end.
func TestFloodEndsACommandOnEitherStream(t *testing.T) {
	for stream, do := range map[string]string{"stdout": "flood 1073741824", "stderr": "flood-stderr 1073741824"} {
		for name, out := range map[string]*counter{"kept": nil, "passed on": {}} {
			t.Run(stream+" "+name, func(t *testing.T) {
				w := newWorld(t, map[string]acts{"run": {Do: do}})
				call := as(runner.OpExec, probe("web", "", "60", "/x"))
				if out != nil {
					call.Stdout, call.Stderr = out, out
				}
				res, err := w.runner(t).Run(t.Context(), call)
				var flood *runner.OutputError
				require.ErrorAs(t, err, &flood)
				assert.Equal(t, stream, flood.Stream)
				assert.EqualValues(t, 16<<20, flood.Limit)
				assert.True(t, res.Killed)
				if out != nil {
					assert.EqualValues(t, 16<<20, out.n)
				}
				assert.LessOrEqual(t, len(res.Stdout)+len(res.Stderr), 33<<10)
				assert.Zero(t, w.survivors(t))
			})
		}
	}
}

func TestExactlyTheLimitIsNoFlood(t *testing.T) {
	w := newWorld(t, map[string]acts{"list": {Do: "flood 4194304"}, "default": {Do: "flood 4194305"}})
	r := w.runner(t)
	res, err := r.Run(t.Context(), list)
	require.NoError(t, err)
	assert.Len(t, res.Stdout, 4<<20)
	_, err = r.Run(t.Context(), runner.Call{Op: runner.OpDefault})
	var flood *runner.OutputError
	require.ErrorAs(t, err, &flood)
}

func TestLongStderrAndLogsKeepTheirEnds(t *testing.T) {
	w := newWorld(t, map[string]acts{"logs": {Do: "flood 1000000", Err: strings.Repeat("e", 40000)}})
	res, err := w.runner(t).Run(t.Context(), runner.Call{Op: runner.OpLogs, Machine: "web"})
	require.NoError(t, err)
	assert.Contains(t, res.Stdout, "bytes omitted")
	assert.Contains(t, res.Stderr, "[… 7232 bytes omitted …]")
	assert.EqualValues(t, 1000000-32<<10+7232, res.Omitted)
	assert.EqualValues(t, 1040000, res.Text.Bytes)
}

type counter struct {
	n    int64
	fail error
}

func (c *counter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return len(p), c.fail
}

func TestWriterGetsAllOfALog(t *testing.T) {
	const size = 128 << 20
	w := newWorld(t, map[string]acts{"logs": {Do: "flood 134217728"}})
	out := &counter{}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	res, err := w.runner(t).Run(t.Context(), runner.Call{Op: runner.OpLogs, Machine: "web", Stdout: out, Deadline: time.Minute})
	runtime.ReadMemStats(&after)
	require.NoError(t, err)
	assert.EqualValues(t, size, out.n)
	assert.EqualValues(t, size, res.Text.Bytes)
	assert.Empty(t, res.Stdout)
	assert.Zero(t, res.Omitted)
	assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(8<<20))
}

func TestWriterThatFailsEndsTheCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]acts{"logs": {Do: "dribble"}})
	gone := errors.New("nobody reads this any more")
	_, err := w.runner(t).Run(t.Context(), runner.Call{Op: runner.OpLogs, Machine: "web", Stdout: &counter{fail: gone}})
	require.ErrorIs(t, err, gone)
	assert.Zero(t, w.survivors(t))
}

// A breaking is a reader, a writer and a closer that breaks down.
type breaking struct{}

func (breaking) Read([]byte) (int, error)  { panic("the sink broke") }
func (breaking) Write([]byte) (int, error) { panic("the sink broke") }

// closeBreaks breaks down when the stream has ended.
type closeBreaks struct{ bytes.Buffer }

func (*closeBreaks) Close() error { panic("the sink broke") }

// What passes the streams on runs in goroutines of the runner's, where a panic of
// the caller's reader or writer would end the server.
func TestACallersStreamThatBreaksDownFailsTheCallOnly(t *testing.T) {
	exec := as(runner.OpExec, probe("web", "", "60", "/x"))
	for name, test := range map[string]struct {
		call runner.Call
		does acts
	}{
		"stdout":          {runner.Call{Op: runner.OpLogs, Machine: "web", Stdout: breaking{}}, acts{Do: "dribble"}},
		"stderr":          {runner.Call{Op: runner.OpLogs, Machine: "web", Stderr: breaking{}}, acts{Do: "linger", Err: "text\n"}},
		"end of stderr":   {runner.Call{Op: runner.OpLogs, Machine: "web", Stderr: &closeBreaks{}}, acts{Err: "text\n"}},
		"raw":             {get(breaking{}, nil), acts{Do: "raw"}},
		"stdin":           {func() runner.Call { exec.Stdin = breaking{}; return exec }(), acts{Do: "linger"}},
		"what comes last": {runner.Call{Op: runner.OpLogs, Machine: "web", Stdout: breaking{}}, acts{Out: "\r"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, map[string]acts{"run": test.does, "logs": test.does})
			var log bytes.Buffer
			_, err := w.runner(t, func(o *runner.Options) { o.Log = slog.New(slog.NewTextHandler(&log, nil)) }).Run(t.Context(), test.call)
			var broke *beside.PanicError
			require.ErrorAs(t, err, &broke)
			assert.NotContains(t, err.Error(), "the sink broke", "it may hold anything")
			assert.Contains(t, log.String(), "the sink broke")
			assert.Contains(t, log.String(), "life_test.go", "the stack of where it was")
			assert.Zero(t, w.survivors(t))
		})
	}
}

func TestCancelEndsTheChildAndGivesItsCause(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]acts{"list": {Do: "ignore-term"}})
	why := errors.New("the client said so")
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		for len(w.pids(t)) == 0 && ctx.Err() == nil {
			runtime.Gosched()
		}
		cancel(why)
	}()
	res, err := w.runner(t).Run(ctx, list)
	require.ErrorIs(t, err, why)
	assert.Contains(t, err.Error(), "orbctl list was not finished")
	assert.False(t, res.TimedOut)
	assert.True(t, res.Killed)
	assert.Equal(t, "SIGKILL", res.Signal)
	assert.Zero(t, w.survivors(t))
}

func TestNothingIsStartedForAContextThatIsOver(t *testing.T) {
	w := newWorld(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := w.runner(t).Run(ctx, list)
	require.ErrorIs(t, err, context.Canceled)
	_, err = w.runner(t).Status(ctx)
	require.ErrorIs(t, err, context.Canceled)
	assert.Empty(t, w.events(t))
}

func TestProgramThatCannotBeStarted(t *testing.T) {
	w := newWorld(t, nil)
	path := w.home + "/orbctl"
	require.NoError(t, os.WriteFile(path, []byte("no program"), 0o700))
	r := w.runner(t, func(o *runner.Options) { o.Orbctl = path })
	_, err := r.Run(t.Context(), runner.Call{Op: runner.OpVersion})
	var start *runner.StartError
	require.ErrorAs(t, err, &start)
	assert.Contains(t, err.Error(), "cannot start "+path)
	require.ErrorIs(t, err, syscall.ENOEXEC)
}
