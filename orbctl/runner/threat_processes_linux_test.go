package runner_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/internal/fakeorbctl"
	"orbstack-mcp/orbctl/runner"
	"orbstack-mcp/orbctl/runner/confine"
)

func TestThreat07_DescriptorLeaks(t *testing.T) {
	w := hostileWorld(t, "fds")
	r := confined(t, w)
	file := filepath.Join(w.home, "leak")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for range 3 { // as a client hands them down, and nobody has called CloseInherited
		fd, err := syscall.Open(file, syscall.O_RDONLY, 0)
		require.NoError(t, err)
		defer syscall.Close(fd)
	}
	res, err := r.Run(t.Context(), version)
	require.NoError(t, err)
	assert.Regexp(t, `\A0 1 2 HOME=\S+ USER=\S+ LOGNAME=\S+ PATH=\S+ TMPDIR=\S+ LANG=\S+ NO_COLOR=1 TERM=dumb\n\z`, res.Stdout, "three files and eight names")
	assert.Equal(t, []string{"orbctl", "version"}, res.Argv)
	assert.Equal(t, "landlock and seccomp", res.Sandbox)
	assert.Zero(t, w.left(t))
}

func TestThreat08_AChildThatNeverEnds(t *testing.T) {
	for _, kind := range []string{"sleep", "ignterm", "dribble", "closeall"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := hostileWorld(t, kind)
			call := version
			call.Deadline = 500 * time.Millisecond
			res, err := confined(t, w).Run(t.Context(), call)
			var late *runner.TimeoutError
			require.ErrorAs(t, err, &late)
			assert.True(t, res.TimedOut)
			assert.False(t, res.Held || res.Stuck)
			assert.Zero(t, w.left(t))
		})
	}
}

// The last column is what the same child leaves behind without the sandbox: a
// test that finds nobody has to be one that could.
func TestThreat09_Grandchildren(t *testing.T) {
	for _, c := range []struct {
		kind string
		ends bool // by itself, inside the sandbox
		left int
	}{
		{"pipeholder", true, 0},
		{"daemon", true, 1},
		{"daemon2", true, 1},
		{"daemonmid", true, 1},
		{"daemonlive", false, 1},
	} {
		t.Run(c.kind, func(t *testing.T) {
			t.Parallel()
			w := hostileWorld(t, c.kind)
			out, res, err := untilItSpeaks(t, confined(t, w), !c.ends)
			wantRefused(t, outcomes(t, out))
			if c.ends {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, context.Canceled)
			}
			assert.False(t, res.Stuck)
			assert.Zero(t, w.left(t))

			w = hostileWorld(t, c.kind)
			_, _, _ = untilItSpeaks(t, w.runner(t), !c.ends)
			assert.Equal(t, c.left, w.left(t), "without a sandbox")
		})
	}
}

// untilItSpeaks runs a child, and if stop says so cancels it when it has said
// something.
func untilItSpeaks(tb testing.TB, r *runner.Runner, stop bool) (string, runner.Result, error) {
	tb.Helper()
	ctx, cancel := context.WithCancel(tb.Context())
	defer cancel()
	var out strings.Builder
	call := runner.Call{Op: runner.OpVersion, Deadline: 25 * time.Second, Stdout: writerFunc(func(p []byte) (int, error) {
		if stop {
			cancel()
		}
		return out.Write(p)
	})}
	res, err := r.Run(ctx, call)
	return out.String(), res, err
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestThreat09_NoWayToMakeAProcess(t *testing.T) {
	w := hostileWorld(t, "forks")
	res, err := confined(t, w).Run(t.Context(), version)
	require.NoError(t, err)
	tries := outcomes(t, res.Stdout)
	require.Len(t, tries, len(fakeorbctl.ForkCalls()))
	wantRefused(t, tries)
	assert.Zero(t, w.left(t))
}

func TestThreat09_ThreadsAreNoProcesses(t *testing.T) {
	w := hostileWorld(t, "allowed")
	res, err := confined(t, w).Run(t.Context(), version)
	require.NoError(t, err)
	assert.Equal(t, "read its folder: done\nlist its folder: done\nwrite /dev/null: done\nthreads: done\nlimits 0 0\n", res.Stdout)
	assert.Empty(t, res.Stderr)
}

func TestThreat10_ForkBomb(t *testing.T) {
	for _, c := range []struct {
		sandbox  confine.Mode
		min, max int
	}{
		{confine.Require, 1, 1},
		{confine.Off, 2, 31},
	} {
		t.Run(string(c.sandbox), func(t *testing.T) {
			w := hostileWorld(t, "bomb")
			r := w.runner(t, func(o *runner.Options) { o.Sandbox = c.sandbox })
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			var peak atomic.Int64
			watched := make(chan struct{})
			go func() { // until the bomb has had the time to go off
				defer close(watched)
				defer stop()
				for seen := 0; seen < 20 && ctx.Err() == nil; time.Sleep(10 * time.Millisecond) {
					n := int64(len(w.living(t)))
					peak.Store(max(peak.Load(), n))
					if n > 0 {
						seen++
					}
				}
			}()
			_, err := r.Run(ctx, runner.Call{Op: runner.OpVersion, Deadline: 20 * time.Second})
			require.ErrorIs(t, err, context.Canceled)
			<-watched
			assert.GreaterOrEqual(t, peak.Load(), int64(c.min))
			assert.LessOrEqual(t, peak.Load(), int64(c.max))
			assert.Zero(t, w.left(t), "they all are of one group")
		})
	}
}

func TestThreat19_TheServerDies(t *testing.T) {
	for _, c := range []struct{ kind, at string }{
		{"sleep", "orbctl"},
		{"ignterm", "orbctl"},
		{"daemonlive", "orbctl"},
		{"undying", fakeorbctl.Tried},
		{"otheruser", fakeorbctl.Tried},
		{"sleep", ""}, // as soon as there is a child, which may still be on its way into the sandbox
	} {
		t.Run(c.kind+" "+c.at, func(t *testing.T) {
			t.Parallel()
			w := hostileWorld(t, c.kind)
			server := exec.CommandContext(t.Context(), plainProgram())
			server.Args, server.Env = []string{"server", string(confine.Require)}, w.serverEnv()
			require.NoError(t, server.Start())
			require.Eventually(t, func() bool {
				living := w.living(t)
				if len(living) == 0 {
					return false
				}
				name, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(living[0]), "comm"))
				return strings.HasPrefix(commandLine(living[0]), c.at) || strings.TrimSpace(string(name)) == c.at
			}, 20*time.Second, time.Millisecond)
			require.NoError(t, server.Process.Kill())
			_ = server.Wait()
			assert.Zero(t, w.left(t))
		})
	}
}
