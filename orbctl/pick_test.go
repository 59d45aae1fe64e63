package orbctl_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/orbctl"
	"orbstack-mcp/orbctl/runner"
)

func TestPickFindsByNameOrID(t *testing.T) {
	machines, err := orbctl.ParseList(sample(t, "list.v2.0.json"), "")
	require.NoError(t, err)
	for _, name := range []string{"db", "01K2G8VMTK5YKJRYVRT367C4B9", "01k2g8vmtk5ykjryvrt367c4b9"} {
		m, err := orbctl.Pick(machines, name)
		require.NoError(t, err)
		assert.Equal(t, "db", m.Name)
	}

	_, err = orbctl.Pick(machines, "rooter")
	e := failure(t, err, orbctl.MachineNotFound)
	assert.Equal(t, []string{"web", "db", "router"}, e.Have)
	assert.Equal(t, []string{"router"}, e.Nearest)

	_, err = orbctl.Pick([]orbctl.Machine{{Name: "old"}}, "")
	assert.Equal(t, []string{"old"}, failure(t, err, orbctl.MachineNotFound).Have, "a machine without an ID has no ID of that name")
}

func TestRequireDefault(t *testing.T) {
	c, _ := expect(t, prints(runner.OpDefault, "web\n"))
	name, err := c.RequireDefault(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "web", name)

	c, _ = expect(t, prints(runner.OpDefault, "none\n"), prints(runner.OpList, sample(t, "list.v2.2.json")))
	_, err = c.RequireDefault(t.Context())
	assert.Equal(t, []string{"dc-a"}, failure(t, err, orbctl.MachineNotFound).Have)
}
