package orbctl

import (
	"context"
	"strings"

	"orbstack-mcp/orbctl/runner"
	"orbstack-mcp/orbctl/untrusted"
)

// Pick finds a machine of a listing by its name or ID. Otherwise it is
// MachineNotFound with the names there are.
func Pick(machines []Machine, name string) (Machine, error) {
	for _, m := range machines {
		if m.Name == name || m.ID != "" && strings.EqualFold(m.ID, name) {
			return m, nil
		}
	}
	missing := &Error{Kind: MachineNotFound, Op: runner.OpList, Machine: untrusted.Line(name)}
	missing.offer(machines)
	return Machine{}, missing
}

// RequireDefault is the name of OrbStack's default machine: one run. Without one
// it is MachineNotFound with an empty Machine and the names there are.
func (c *Client) RequireDefault(ctx context.Context) (string, error) {
	name, err := c.DefaultMachine(ctx)
	if err == nil && name == "" {
		err = c.withNames(ctx, &Error{Kind: MachineNotFound, Op: runner.OpDefault})
	}
	return name, err
}
