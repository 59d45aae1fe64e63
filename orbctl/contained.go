package orbctl

import (
	"context"
	"fmt"

	"orbstack-mcp/orbctl/guest"
)

// Exposure is why a machine is not contained as far as OrbStack's own record of
// it says: whoever runs a command in it may reach the Mac. Nothing is returned for
// one that is. Its last word has the machine itself (see Exec): a probe in the same
// call looks for the Mac's files.
//
// A machine is contained when it is isolated, mounts no folder of the Mac but those
// that allowed lets through, and forwards no SSH agent.
func (m Machine) Exposure(allowed func(folder string) bool) []string {
	var why []string
	if !m.Config.Isolated {
		why = append(why, "it is not isolated, so its commands can read and change the Mac's files and run programs there")
	}
	for _, mount := range m.Config.Mounts {
		if !allowed(mount.Source) {
			why = append(why, fmt.Sprintf("it mounts the Mac's folder %s", mount.Source))
		}
	}
	if m.Config.ForwardSSHAgent {
		why = append(why, "it can use the Mac user's SSH keys through the forwarded agent")
	}
	return why
}

// Posture tries from inside a machine what an isolated one should not be able to do.
func (c *Client) Posture(ctx context.Context, m MachineInfo) (guest.PostureReport, ProbeMeta, error) {
	script, args, limit := guest.Posture()
	return ask(ctx, c, m, script, args, limit, guest.ParsePosture)
}
