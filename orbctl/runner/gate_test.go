package runner_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/orbctl/runner"
)

func TestThreat18_NothingRunsWhileOrbStackDoesNot(t *testing.T) {
	for word, status := range map[string]runner.Status{"Stopped\n": runner.Stopped, "Starting\n": runner.Starting} {
		t.Run(string(status), func(t *testing.T) {
			w := newWorld(t, map[string]acts{"status": {Out: word, Exit: 1}})
			r := w.runner(t)
			for _, tc := range goodCalls {
				_, err := r.Run(t.Context(), tc.call)
				var gated *runner.GateError
				switch tc.call.Op {
				case runner.OpStatus, runner.OpVersion, runner.OpHelp:
					require.NoError(t, err, tc.want)
				default:
					require.ErrorAs(t, err, &gated, tc.want)
					assert.Equal(t, status, gated.Status)
					assert.Contains(t, err.Error(), "OrbStack is "+string(status))
				}
			}
			for _, argv := range w.calls(t, "") {
				assert.Contains(t, []string{"version", "create"}, argv[0])
			}
		})
	}
}

func TestThreat17_NothingRunsInAMachineThatItWouldBoot(t *testing.T) {
	w := newWorld(t, nil)
	r := w.runner(t)
	for _, state := range []string{"", "stopped", "Running", "starting", "running "} {
		for class, call := range map[runner.Class]runner.Call{runner.Probe: probe("web", ""), runner.Exec: command("web", "", "id")} {
			call.State = state
			_, err := r.Run(t.Context(), call)
			var refused *runner.RefusedError
			require.ErrorAs(t, err, &refused, "%q", state)
			assert.Equal(t, class, refused.Class)
		}
	}
	bare := probe("web", "")
	bare.Script = runner.Call{}.Script
	_, err := r.Run(t.Context(), bare)
	var refused *runner.RefusedError
	require.ErrorAs(t, err, &refused)
	assert.Empty(t, w.events(t))
}

func TestClassesHaveNames(t *testing.T) {
	for class, name := range map[runner.Class]string{
		runner.Read: "read", runner.Probe: "probe", runner.Add: "add", runner.Change: "change", runner.Destroy: "destroy", runner.Exec: "exec", 9: "unknown", -1: "unknown",
	} {
		assert.Equal(t, name, class.String())
	}
}

func TestReadStatus(t *testing.T) {
	banner, err := os.ReadFile("../testdata/update-banner.txt")
	require.NoError(t, err)
	sandbox := errors.New("not from here")
	for _, tc := range []struct {
		name    string
		res     runner.Result
		blocked error
		want    runner.Status
	}{
		{"running", runner.Result{Stdout: "Running\n"}, sandbox, runner.Running},
		{"the word wins over the exit code", runner.Result{Stdout: "Running\n", Exit: 1}, nil, runner.Running},
		{"a banner before the word", runner.Result{Stdout: string(banner) + "Stopped\n", Exit: 1}, nil, runner.Stopped},
		{"a banner on stderr", runner.Result{Stdout: "running", Stderr: string(banner)}, nil, runner.Running},
		{"starting", runner.Result{Stdout: "Starting\n", Exit: 2}, nil, runner.Starting},
		{"stopped", runner.Result{Stdout: "Stopped\n", Exit: 1}, nil, runner.Stopped},
		{"silent, exit 0", runner.Result{}, nil, runner.Running},
		{"silent, exit 1", runner.Result{Exit: 1}, nil, runner.Stopped},
		{"silent but for a banner, exit 2", runner.Result{Exit: 2, Stderr: string(banner)}, nil, runner.Starting},
		{"stopped, as far as a sandbox lets see", runner.Result{Stdout: "Stopped\n", Exit: 1}, sandbox, runner.Unreachable},
		{"silent in a sandbox", runner.Result{Exit: 1}, sandbox, runner.Unreachable},
		{"EPERM", runner.Result{Stdout: "Stopped\n", Stderr: "dial unix: connect: operation not permitted\n", Exit: 1}, nil, runner.Unreachable},
		{"EACCES", runner.Result{Stderr: "open: Permission denied\n", Exit: 1}, nil, runner.Unreachable},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, detail, err := runner.ReadStatus(tc.res, tc.blocked)
			require.NoError(t, err)
			assert.Equal(t, tc.want, got)
			assert.Equal(t, got == runner.Unreachable, detail != "")
		})
	}
	for _, res := range []runner.Result{
		{Stdout: "Hibernating\n"},
		{Stdout: "Not running\n", Exit: 1},
		{Stderr: "panic: HOME is not set\ngoroutine 1\n", Exit: 2},
		{Exit: 3},
		{Signal: "SIGSEGV", Exit: -1},
		{Stdout: strings.Repeat("é", 3000)},
	} {
		_, _, err := runner.ReadStatus(res, nil)
		var unknown *runner.StatusError
		require.ErrorAs(t, err, &unknown, "%+v", res)
		assert.LessOrEqual(t, len(unknown.Text), 2048)
		assert.True(t, strings.HasPrefix(res.Stdout+res.Stderr, unknown.Text))
		assert.NotContains(t, err.Error(), "Hibernating", "what orbctl wrote is no text of ours")
		assert.Equal(t, res.Signal != "", strings.Contains(err.Error(), "SIGSEGV"))
	}
}

func TestNoFolderAndNoSocketAreNoSandbox(t *testing.T) {
	home := t.TempDir()
	require.NoError(t, runner.Blocked(t.Context(), home))
	require.NoError(t, os.MkdirAll(filepath.Join(home, ".orbstack", "run"), 0o700))
	require.NoError(t, runner.Blocked(t.Context(), home))
}

func TestStatusIsAskedOnceInTwoSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int64
		g := runner.NewTestGate(func(context.Context) (runner.Status, error) {
			asked.Add(1)
			time.Sleep(100 * time.Millisecond)
			return runner.Running, nil
		})
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				s, err := g.Check(t.Context())
				assert.NoError(t, err)
				assert.Equal(t, runner.Running, s)
			})
		}
		all.Wait()
		assert.EqualValues(t, 1, asked.Load(), "they share one answer")
		time.Sleep(runner.StatusAge - time.Millisecond)
		_, _ = g.Check(t.Context())
		assert.EqualValues(t, 1, asked.Load())
		time.Sleep(time.Millisecond)
		_, _ = g.Check(t.Context())
		assert.EqualValues(t, 2, asked.Load())
	})
}

func TestAFailedStatusHoldsToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		g := runner.NewTestGate(func(context.Context) (runner.Status, error) {
			asked++
			return "", &runner.StatusError{Exit: 9}
		})
		for range 3 {
			_, err := g.Check(t.Context())
			var unknown *runner.StatusError
			require.ErrorAs(t, err, &unknown)
		}
		assert.Equal(t, 1, asked, "or a hanging status would be asked by one call after the other")
	})
}

func TestACancelledAskerLeavesTheTurnToTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := runner.NewTestGate(func(ctx context.Context) (runner.Status, error) {
			select {
			case <-ctx.Done():
				return "", ctx.Err()
			case <-time.After(time.Second):
				return runner.Running, nil
			}
		})
		ctx, cancel := context.WithCancel(t.Context())
		first := make(chan error, 1)
		go func() { _, err := g.Check(ctx); first <- err }()
		synctest.Wait()
		second := make(chan error, 1)
		go func() { _, err := g.Check(t.Context()); second <- err }()
		impatient, giveUp := context.WithCancel(t.Context())
		third := make(chan error, 1)
		go func() { _, err := g.Check(impatient); third <- err }()
		synctest.Wait()
		giveUp()
		require.ErrorIs(t, <-third, context.Canceled, "waiting for the turn can be cancelled")
		cancel()
		require.ErrorIs(t, <-first, context.Canceled)
		require.NoError(t, <-second)
	})
}

func TestStatusThroughTheRunner(t *testing.T) {
	w := newWorld(t, map[string]acts{"status": {Do: "briefly", Out: "Running\n"}})
	r := w.runner(t)
	var all sync.WaitGroup
	for range 40 {
		all.Go(func() {
			s, err := r.Status(t.Context())
			assert.NoError(t, err)
			assert.Equal(t, runner.Running, s)
		})
	}
	all.Wait()
	assert.Len(t, w.calls(t, "status"), 1)
}

func TestAStatusThatIsNotUnderstoodIsTheErrorOfTheCall(t *testing.T) {
	w := newWorld(t, map[string]acts{"status": {Out: "\x1b[1mHibernating\x1b[0m\n"}})
	r := w.runner(t)
	_, err := r.Run(t.Context(), list)
	var unknown *runner.StatusError
	require.ErrorAs(t, err, &unknown)
	assert.Equal(t, "Hibernating", unknown.Text)
	_, err = r.Status(t.Context())
	require.ErrorAs(t, err, &unknown)
	assert.Empty(t, w.calls(t, ""))
}
