package tools

import (
	"context"
	"strings"

	"orbstack-mcp/orbctl"
)

// sourceMachine finds the machine that is asked, and all others for what the
// target may be: one run of orbctl, and one more without a name.
func sourceMachine(ctx context.Context, c *Call, name string) ([]orbctl.Machine, orbctl.MachineInfo, error) {
	if name == "" {
		var err error
		if name, err = c.Orb.RequireDefault(ctx); err != nil {
			return nil, orbctl.MachineInfo{}, err
		}
	}
	machines, err := c.Orb.Machines(ctx)
	if err != nil {
		return nil, orbctl.MachineInfo{}, err
	}
	m, err := orbctl.Pick(machines, name)
	if err != nil {
		return nil, orbctl.MachineInfo{}, err
	}
	return machines, orbctl.MachineInfo{Machine: m}, nil
}

// namedMachine finds the machine that a host is a name of: NAME, NAME.orb.local,
// or a name below that, which OrbStack gives to the machine too. A machine's name may
// have dots: who is named exactly comes first, and then the longest name.
func namedMachine(machines []orbctl.Machine, host string) *orbctl.Machine {
	label, local := strings.CutSuffix(strings.ToLower(host), ".orb.local")
	var found *orbctl.Machine
	for i, m := range machines {
		name := strings.ToLower(m.Name)
		if label == name {
			return &machines[i]
		}
		if local && strings.HasSuffix(label, "."+name) && (found == nil || len(m.Name) > len(found.Name)) {
			found = &machines[i]
		}
	}
	return found
}

// localNameOf is the name that a machine is tested by: the one below orb.local that was
// asked for, its own or one below that, else its own.
func localNameOf(host string, m orbctl.Machine) string {
	if belowOrbLocal(host) {
		return host
	}
	return orbctl.LocalName(m.Name)
}

func targetMachineOf(m orbctl.Machine) *targetMachine {
	return &targetMachine{Name: m.Name, State: m.State, Isolated: m.Config.Isolated, IsolateNetwork: m.Config.IsolateNetwork}
}
