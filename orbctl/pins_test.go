package orbctl_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/orbctl"
	"orbstack-mcp/orbctl/runner"
)

func TestAClientOfSomeMachinesKnowsNoOthers(t *testing.T) {
	both := lists("web", "db")
	f := &fake{t: t, steps: []step{both, both}, status: runner.Running}
	c := orbctl.New(f, mac, "web")
	all, err := c.Machines(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 1)
	_, err = c.Machine(t.Context(), "db")
	assert.Equal(t, []string{"web"}, failure(t, err, orbctl.MachineNotFound).Have)
	name, err := c.DefaultMachine(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "web", name, "the only one is the default")
	assert.Empty(t, f.steps)
}
