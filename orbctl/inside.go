package orbctl

import (
	"context"
	"errors"
	"slices"

	"orbstack-mcp/orbctl/runner"
)

// looks is how often a machine that changes each time is looked at.
const looks = 3

// inside starts a call in a machine that ran when m was read. `run` boots a stopped
// machine (docs/orbctl-contract.md §1.5), and a name passes from one machine to
// another: if one of us has changed it since, while the call waited for its turn,
// say, it is read once more.
func (c *Client) inside(ctx context.Context, m MachineInfo, call runner.Call) (runner.Result, error) {
	for look := 1; ; look++ {
		if m.State != Running {
			return runner.Result{}, &Error{Kind: MachineNotRunning, Op: call.Op, Machine: m.Name, State: m.State}
		}
		call.State, call.Seen = m.State, m.edition
		res, err := c.start(ctx, call)
		if _, stale := errors.AsType[*runner.StaleError](err); !stale || look == looks {
			return res, err
		}
		if m, err = c.again(ctx, call.Op, m); err != nil {
			return runner.Result{}, err
		}
	}
}

// again reads a machine once more. It is MachineChanged if that is another one, and
// for an operation that changes something also if its walls are not those that
// whoever agreed to it has seen.
func (c *Client) again(ctx context.Context, op runner.Op, m MachineInfo) (MachineInfo, error) {
	now, err := c.Machine(ctx, m.Name)
	if err != nil {
		return MachineInfo{}, err
	}
	if now.ID != m.ID || op.Changes() && !now.sameWalls(m.Machine) {
		return MachineInfo{}, &Error{Kind: MachineChanged, Op: op, Machine: m.Name, WantID: m.ID, HaveID: now.ID}
	}
	return now, nil
}

func (m Machine) sameWalls(before Machine) bool {
	a, b := m.Config, before.Config
	return a.Isolated == b.Isolated && a.IsolateNetwork == b.IsolateNetwork && a.ForwardSSHAgent == b.ForwardSSHAgent && slices.Equal(a.Mounts, b.Mounts)
}
