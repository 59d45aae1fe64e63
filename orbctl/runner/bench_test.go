package runner_test

import (
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orbstack-mcp/orbctl/runner"
	"orbstack-mcp/orbctl/runner/confine"
)

// BenchmarkCall compares calls, without and with the operating system's sandbox,
// with a bare spawn of the same program, turn by turn, so that the noise of the
// machine hits all alike.
func BenchmarkCall(b *testing.B) {
	truth, err := filepath.EvalSymlinks("/usr/bin/true")
	require.NoError(b, err)
	runnerWith := func(mode confine.Mode) *runner.Runner {
		r := runner.New(runner.Options{Orbctl: truth, Home: b.TempDir(), Sandbox: mode})
		_, err := r.Sandbox()
		require.NoError(b, err)
		return r
	}
	call := func(r *runner.Runner) func() error {
		return func() error {
			_, err := r.Run(b.Context(), runner.Call{Op: runner.OpVersion})
			return err
		}
	}
	ways := []struct {
		name  string
		run   func() error
		times []time.Duration
	}{
		{name: "bare", run: func() error { return exec.CommandContext(b.Context(), truth).Run() }},
		{name: "call", run: call(runnerWith(confine.Off))},
		{name: "confined", run: call(runnerWith(confine.Require))},
	}
	for b.Loop() {
		for i := range ways {
			began := time.Now()
			err := ways[i].run()
			ways[i].times = append(ways[i].times, time.Since(began))
			require.NoError(b, err)
		}
	}
	for _, w := range ways {
		slices.Sort(w.times)
		b.ReportMetric(float64(w.times[len(w.times)/2].Microseconds()), w.name+"-median-µs")
		b.ReportMetric(float64(w.times[len(w.times)*95/100].Microseconds()), w.name+"-p95-µs")
	}
}
