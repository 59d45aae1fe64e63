package runner_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/orbctl/runner"
	"orbstack-mcp/orbctl/runner/audit"
)

// audited is a runner with an audit log, and that log.
func (w world) audited(tb testing.TB, change ...func(*runner.Options)) (*runner.Runner, *audit.Log) {
	tb.Helper()
	log := audit.Open(filepath.Join(w.home, "audit.jsonl"), audit.Options{Version: "test", Log: slog.New(slog.DiscardHandler)})
	tb.Cleanup(log.Close)
	require.NoError(tb, log.Err())
	return w.runner(tb, append(change, func(o *runner.Options) { o.Audit = log })...), log
}

// entries are the calls that the audit log has.
func entries(t *testing.T, log *audit.Log) []audit.Entry {
	t.Helper()
	h, err := audit.Read(t.Context(), log.Path())
	require.NoError(t, err)
	assert.Zero(t, h.Unreadable)
	assert.Zero(t, h.Startless)
	return h.Entries
}

func TestEveryCallIsRecordedWithItsEnd(t *testing.T) {
	w := newWorld(t, map[string]acts{"info": {Out: "\x1b[1m{}\x1b[0m\n", Err: "hm\n", Exit: 7}})
	r, log := w.audited(t)
	ctx := runner.WithTool(t.Context(), "vm_status_detailed")
	_, err := r.Run(ctx, runner.Call{Op: runner.OpInfo, Machine: "web"})
	require.NoError(t, err)

	all := entries(t, log)
	require.Len(t, all, 1, "the gate's own status is not what was asked for")
	got := all[0]
	assert.Equal(t, audit.Server{PID: os.Getpid(), Version: "test"}, got.Server)
	assert.Len(t, got.ArgvSHA256, 64)
	require.NotNil(t, got.End)
	assert.False(t, got.End.At.Before(got.At.Time))
	assert.GreaterOrEqual(t, got.End.MS, int64(0))
	want := audit.Start{
		V: 1, ID: got.ID, At: got.At, Event: audit.Started, Server: got.Server, Tool: "vm_status_detailed", Op: "info", Class: "read", Machine: "web",
		Argv: []string{"orbctl", "info", "web", "-f", "json"}, ArgvSHA256: got.ArgvSHA256, Decision: audit.Allow, Rule: "policy: class read", Sandbox: "none",
	}
	assert.Equal(t, want, got.Start)
	assert.Equal(t, audit.End{
		V: 1, ID: got.ID, At: got.End.At, Event: audit.Ended, Exit: 7, MS: got.End.MS, StdoutBytes: 11, StderrBytes: 3, Outcome: audit.OK,
	}, *got.End)
}

// Whoever looks for all that was done about a machine has to find what made it, too,
// what gave it its name, its settings and that it became the default one; of what
// was refused as well.
func TestARecordNamesTheMachinesThatItIsAbout(t *testing.T) {
	w := newWorld(t, nil)
	for name, change := range map[string]func(*runner.Options){
		"allowed": func(*runner.Options) {},
		"refused": func(o *runner.Options) { o.ReadOnly = true },
	} {
		t.Run(name, func(t *testing.T) {
			r, log := w.audited(t, change)
			calls := []struct {
				call             runner.Call
				machine, newName string
			}{
				{runner.Call{Op: runner.OpCreate, NewName: "new", Create: &runner.Create{Distro: "ubuntu"}}, "", "new"},
				{runner.Call{Op: runner.OpClone, Machine: "web", NewName: "new"}, "web", "new"},
				{runner.Call{Op: runner.OpRename, Machine: "web", NewName: "new"}, "web", "new"},
				{runner.Call{Op: runner.OpImport, File: "/tmp/x", NewName: "new"}, "", "new"},
				{runner.Call{Op: runner.OpDefaultSet, Args: []string{"web"}}, "web", ""},
				{runner.Call{Op: runner.OpDefaultSet, Args: []string{"none"}}, "", ""},
				{runner.Call{Op: runner.OpConfigSet, Args: []string{"machine.web.cpu", "1"}}, "web", ""},
				{runner.Call{Op: runner.OpConfigSet, Args: []string{"cpu", "1"}}, "", ""},
			}
			before := len(entries(t, log))
			for _, c := range calls {
				_, err := r.Run(t.Context(), c.call)
				assert.Equal(t, name == "refused", err != nil, "%s: %v", c.call.Op, err)
			}
			for i, got := range entries(t, log)[before:] {
				assert.Equal(t, []string{string(calls[i].call.Op), calls[i].machine, calls[i].newName}, []string{got.Op, got.Machine, got.NewName})
			}
		})
	}
}

func TestOutcomesAreTold(t *testing.T) {
	for name, tc := range map[string]struct {
		does acts
		call runner.Call
		want audit.Outcome
		sig  string
	}{
		"an exit code":      {acts{Exit: 3}, list, audit.OK, ""},
		"its deadline":      {acts{Do: "linger"}, within(50 * time.Millisecond), audit.Timeout, "SIGTERM"},
		"a signal":          {acts{Do: "sigkill"}, list, audit.Killed, "SIGKILL"},
		"a flood":           {acts{Do: "flood 5000000"}, list, audit.OutputLimit, "SIGKILL"},
		"a broken listener": {acts{Do: "flood 5000000"}, runner.Call{Op: runner.OpList, Stdout: broken{}}, audit.Killed, "SIGKILL"},
	} {
		t.Run(name, func(t *testing.T) {
			r, log := newWorld(t, map[string]acts{"list": tc.does}).audited(t)
			_, _ = r.Run(t.Context(), tc.call)
			all := entries(t, log)
			require.Len(t, all, 1)
			require.NotNil(t, all[0].End)
			assert.Equal(t, tc.want, all[0].End.Outcome)
			assert.Equal(t, tc.sig, all[0].End.Signal)
		})
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("nobody listens") }

func TestACancelledCallHasItsEnd(t *testing.T) {
	w := newWorld(t, map[string]acts{"list": {Do: "linger"}})
	r, log := w.audited(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { _, err := r.Run(ctx, list); done <- err }()
	require.Eventually(t, func() bool { return len(w.pids(t)) == 1 }, 20*time.Second, 5*time.Millisecond)
	all := entries(t, log)
	require.Len(t, all, 1, "the start stands there while it runs")
	assert.Nil(t, all[0].End)
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
	assert.Equal(t, audit.Cancelled, entries(t, log)[0].End.Outcome)
}

func TestADeadlineOfTheCallersIsATimeoutToo(t *testing.T) {
	late, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	assert.Equal(t, audit.Timeout, runner.Outcome(late, runner.Result{Signal: "SIGTERM"}, context.Cause(late)))
	assert.Equal(t, audit.OK, runner.Outcome(late, runner.Result{}, nil), "it ended before")
}

func TestAProcessThatCannotStartIsRecorded(t *testing.T) {
	w := newWorld(t, nil)
	odd := filepath.Join(w.home, "orbctl")
	require.NoError(t, os.WriteFile(odd, []byte("no program"), 0o700))
	r, log := w.audited(t, func(o *runner.Options) { o.Orbctl = odd })
	_, err := r.Run(t.Context(), runner.Call{Op: runner.OpVersion})
	var start *runner.StartError
	require.ErrorAs(t, err, &start)
	end := entries(t, log)[0].End
	assert.Equal(t, audit.NotStarted, end.Outcome)
	assert.Equal(t, -1, end.Exit)
}

func TestRefusalsAreRecordedWithTheirRule(t *testing.T) {
	w := newWorld(t, map[string]acts{"status": {Out: "Stopped\n", Exit: 1}})
	r, log := w.audited(t, func(o *runner.Options) { o.ReadOnly = true })
	stopped := probe("web", "")
	stopped.State = "stopped"
	for _, tc := range []struct {
		call        runner.Call
		class, rule string
	}{
		{runner.Call{Op: runner.OpConfigSet, Args: []string{"cpu", "4"}}, "change", "policy: the server runs read-only"},
		{command("web", "", "id"), "exec", "policy: the server runs read-only"},
		{runner.Call{Op: "reset"}, "exec", "policy: there is no such operation"},
		{stopped, "probe", "policy: the machine is not running, and orbctl run would boot it"},
		{runner.Call{Op: runner.OpInfo, Machine: "--all"}, "read", "argv: machine must be letters, digits, '-' and '.', and begin with a letter or a digit"},
		{list, "read", "gate: OrbStack is stopped"},
	} {
		_, err := r.Run(t.Context(), tc.call)
		require.Error(t, err)
		all := entries(t, log)
		got := all[len(all)-1]
		assert.Equal(t, audit.Refused, got.Event)
		assert.Equal(t, audit.Refuse, got.Decision)
		assert.Equal(t, tc.rule, got.Rule)
		assert.Equal(t, tc.class, got.Class)
		assert.Equal(t, string(tc.call.Op), got.Op)
		assert.Equal(t, tc.call.Machine, got.Machine)
		assert.Nil(t, got.End)
	}
	assert.Len(t, entries(t, log), 6)
	assert.Empty(t, w.calls(t, ""))
}

func TestWithoutAnAuditLogNothingIsRefused(t *testing.T) {
	w := newWorld(t, nil)
	r := w.runner(t, func(o *runner.Options) { o.Exec = runner.ExecAll })
	for _, call := range []runner.Call{named(runner.OpDelete, "web"), command("web", "", "id")} {
		_, err := r.Run(t.Context(), lookedAt(r, call))
		require.NoError(t, err)
	}
	assert.Len(t, w.calls(t, ""), 2)
}

func TestAContextWithoutAToolHasNone(t *testing.T) {
	assert.Empty(t, runner.Tool(t.Context()))
	assert.Equal(t, "vm_list", runner.Tool(runner.WithTool(t.Context(), "vm_list")))
}
