package runner_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/orbctl/runner"
)

func TestAServerForSomeMachinesTouchesNoOther(t *testing.T) {
	w := newWorld(t, nil)
	r := w.runner(t, func(o *runner.Options) { o.Machines, o.Exec = []string{"web"}, runner.ExecAll })
	for _, call := range []runner.Call{
		{Op: runner.OpInfo, Machine: "db"},
		{Op: runner.OpLogs, Machine: "db"},
		probe("db", ""),
		command("db", "", "id"),
		{Op: runner.OpDelete, Machine: "db"},
		{Op: runner.OpRename, Machine: "web", NewName: "www"},
		{Op: runner.OpClone, Machine: "web", NewName: "copy"},
		{Op: runner.OpCreate, NewName: "new", Create: &runner.Create{Distro: "ubuntu"}},
		{Op: runner.OpDefaultSet, Args: []string{"web"}},
		{Op: runner.OpConfigSet, Args: []string{"cpu", "4"}},
		{Op: runner.OpConfigSet, Args: []string{"machine.db.cpu", "4"}},
	} {
		_, err := r.Run(t.Context(), call)
		var refused *runner.RefusedError
		require.ErrorAs(t, err, &refused, "%s %s", call.Op, call.Args)
	}
	assert.Empty(t, w.events(t), "not even status was asked")
	for _, call := range []runner.Call{{Op: runner.OpInfo, Machine: "web"}, {Op: runner.OpStart, Machine: "web"}, {Op: runner.OpConfigSet, Args: []string{"machine.web.cpu", "4"}}} {
		_, err := r.Run(t.Context(), call)
		assert.NoError(t, err)
	}
}

// cloud-init does in a new machine what its user data says, as root.
func TestUserDataIsHeldToTheExecPolicy(t *testing.T) {
	for _, tc := range []struct {
		policy    runner.ExecPolicy
		clearance runner.Clearance
		runs      bool
	}{
		{runner.ExecOff, runner.Approved, false},
		{runner.ExecIsolated, "", false},
		{runner.ExecIsolated, runner.Contained, true},
		{runner.ExecIsolated, runner.Approved, true},
		{runner.ExecAll, "", true},
	} {
		w := newWorld(t, nil)
		call := created(runner.Create{Distro: "ubuntu", UserData: "/tmp/data"})
		call.Clearance = tc.clearance
		_, err := w.runner(t, func(o *runner.Options) { o.Exec = tc.policy }).Run(t.Context(), call)
		assert.Equal(t, tc.runs, err == nil, "%s %s: %v", tc.policy, tc.clearance, err)
	}
}
