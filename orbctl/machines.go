package orbctl

import (
	"context"
	"errors"
	"slices"
	"strings"

	"orbstack-mcp/orbctl/runner"
	"orbstack-mcp/orbctl/untrusted"
)

// Machines lists the machines of OrbStack, without addresses and disk sizes:
// one run of orbctl. Docker and Kubernetes are not among them.
func (c *Client) Machines(ctx context.Context) ([]Machine, error) {
	return read(ctx, c, runner.Call{Op: runner.OpList}, func(res runner.Result) ([]Machine, error) {
		all, err := ParseList(res.Stdout, res.Stderr)
		return slices.DeleteFunc(all, func(m Machine) bool { return !c.knows(m.Name) }), err
	})
}

// knows reports whether this Client is for the machine of that name.
func (c *Client) knows(name string) bool {
	return len(c.machines) == 0 || slices.Contains(c.machines, name)
}

// isEmptyInstallation is the one failure of `list` that may mean no machines: its
// exit code is not known (docs/orbctl-contract.md §5).
func isEmptyInstallation(call runner.Call, res runner.Result) bool {
	return call.Op == runner.OpList && res.Signal == "" && strings.TrimSpace(res.Stdout) == "" && saysNoMachines(res.Stderr)
}

// Machine reads one machine by its name: one run. If there is no such
// machine, a second one lists those there are for the error; Have is nil in it
// when that failed.
func (c *Client) Machine(ctx context.Context, name string) (MachineInfo, error) {
	if !c.knows(name) {
		return MachineInfo{}, c.withNames(ctx, &Error{Kind: MachineNotFound, Op: runner.OpInfo, Machine: untrusted.Line(name)})
	}
	call := runner.Call{Op: runner.OpInfo, Machine: name}
	edition := c.runner.Edition(name)
	info, err := read(ctx, c, call, func(res runner.Result) (MachineInfo, error) {
		return ParseInfo(res.Stdout)
	})
	info.edition = edition
	return info, c.withNames(ctx, err)
}

// DefaultMachine is the name of OrbStack's default machine, "" when there is
// none: one run. For a Client of one machine it is that one, and of several none.
func (c *Client) DefaultMachine(ctx context.Context) (string, error) {
	switch len(c.machines) {
	case 0:
	case 1:
		return c.machines[0], nil
	default:
		return "", nil
	}
	return read(ctx, c, runner.Call{Op: runner.OpDefault}, func(res runner.Result) (string, error) {
		return ParseDefault(res.Stdout)
	})
}

// MachineOrDefault reads the machine of that name, or OrbStack's default machine
// if the name is "": one run, or two. Without a default machine it is
// MachineNotFound with an empty Machine.
func (c *Client) MachineOrDefault(ctx context.Context, name string) (MachineInfo, error) {
	if name == "" {
		var err error
		if name, err = c.RequireDefault(ctx); err != nil {
			return MachineInfo{}, err
		}
	}
	return c.Machine(ctx, name)
}

// withNames adds to MachineNotFound what there is instead.
func (c *Client) withNames(ctx context.Context, err error) error {
	missing, ok := errors.AsType[*Error](err)
	if !ok || missing.Kind != MachineNotFound {
		return err
	}
	machines, listErr := c.Machines(ctx)
	if listErr != nil {
		return err
	}
	missing.offer(machines)
	return missing
}

// offer fills in what there is instead of a machine that was not found.
func (e *Error) offer(machines []Machine) {
	e.Have = make([]string, 0, len(machines))
	for _, m := range machines {
		e.Have = append(e.Have, m.Name)
	}
	e.Nearest = Nearest(e.Machine, e.Have)
}
