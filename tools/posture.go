package tools

import (
	"context"

	"orbstack-mcp/orbctl"
)

// A posture is one thing that an isolated machine should not be able to do, and
// what became of trying it from inside.
type posture struct {
	Check  string `json:"check"`
	Holds  string `json:"holds" jsonschema_description:"yes, no, or unknown when it could not be tried."`
	Detail string `json:"detail,omitempty"`
}

// probePosture tries the walls of an isolated machine. That they cannot be tried is
// said, and is no reason to call the machine isolated or not.
func probePosture(ctx context.Context, c *Call, m orbctl.MachineInfo) []posture {
	report, _, err := c.Orb.Posture(ctx, m)
	if err != nil {
		return []posture{{Check: "all", Holds: "unknown", Detail: explain(err).Message}}
	}
	all := make([]posture, 0, len(report.Checks))
	for _, check := range report.Checks {
		all = append(all, posture{Check: check.Name, Holds: check.Holds.String(), Detail: check.Detail})
	}
	return all
}
