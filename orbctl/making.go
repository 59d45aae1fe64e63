package orbctl

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"orbstack-mcp/orbctl/runner"
)

// anyAddress stands for an address that is there.
var anyAddress = netip.IPv4Unspecified()

// A Made is a machine that was not there before.
type Made struct {
	Machine   MachineInfo
	NoAddress bool  // it runs, and has no address yet
	Complaint error // orbctl failed or was late, and yet the machine is there
}

// A Plan of a machine that is to be. Its values are checked where the command
// line is built.
type Plan struct {
	runner.Create
	Name      string
	UserData  string           // cloud-init user data, as text: what runs as root at the first boot
	Clearance runner.Clearance // why user data may run there
}

// Create makes a machine and waits for its address. What this orbctl lacks is
// UnsupportedVersion, before anything is made; a distribution that it refuses is
// InvalidArgument with those that are known. When orbctl is late or dies, what is
// there decides (docs/orbctl-contract.md §1.8): one create in a hundred hangs
// though its machine is there (§5, Times).
func (c *Client) Create(ctx context.Context, plan Plan) (Made, error) {
	if err := c.canCreate(ctx, plan); err != nil {
		return Made{}, err
	}
	spec := plan.Create
	if plan.UserData != "" {
		file, remove, err := userDataFile(plan.UserData)
		if err != nil {
			return Made{}, err
		}
		defer remove()
		spec.UserData = file
	}
	call := runner.Call{Op: runner.OpCreate, NewName: plan.Name, Create: &spec, Clearance: plan.Clearance, Deadline: createPatience}
	made, err := c.make(ctx, call, nil)
	if err != nil {
		return Made{}, unknownDistro(err, plan.Distro)
	}
	if !isUp(made.Machine) {
		made.Machine, err = c.until(ctx, plan.Name, patience, isUp)
		if err != nil {
			return Made{}, err
		}
		made.NoAddress = !isUp(made.Machine)
	}
	return made, nil
}

// createPatience is longer than any create that was seen to end by itself
// (docs/orbctl-contract.md §5, Times: 30 to 180 s).
const createPatience = 5 * time.Minute

// canCreate checks a plan against the orbctl that runs.
func (c *Client) canCreate(ctx context.Context, plan Plan) error {
	known, err := c.Capabilities(ctx)
	if err != nil {
		return err
	}
	for _, f := range []struct { // the newest first: whoever updates for one is not refused for another
		wanted  bool
		feature Feature
	}{
		{plan.CPUs != "" || plan.Memory != "" || plan.Disk != "", MachineLimits},
		{plan.IsolateNetwork, NetworkIsolation},
		{len(plan.Mounts) > 0, MachineMounts},
		{plan.Isolated, Isolation},
	} {
		if f.wanted {
			if err := known.Require(f.feature); err != nil {
				return err
			}
		}
	}
	if plan.User == "root" && known.Has(MachineLimits) { // broken since 2.2.0 (docs/orbctl-contract.md §2, run)
		return invalid("user", "root", "cannot be root: OrbStack 2.2 fails to make such a machine. Leave it out; commands can run as root in any machine")
	}
	return nil
}

// userDataFile is the text as a private file, for orbctl takes no other.
func userDataFile(text string) (path string, remove func(), err error) {
	dir, err := os.MkdirTemp("", "orbstack-mcp-")
	if err != nil {
		return "", nil, &Error{Kind: Internal, Op: runner.OpCreate, Err: fmt.Errorf("make a file for user_data: %w", err)}
	}
	remove = func() { _ = os.RemoveAll(dir) }
	path = filepath.Join(dir, "user-data")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		remove()
		return "", nil, &Error{Kind: Internal, Op: runner.OpCreate, Err: fmt.Errorf("write user_data into a file: %w", err)}
	}
	if behind, err := filepath.EvalSymlinks(path); err == nil { // macOS's /tmp is a link
		path = behind
	}
	return path, remove, nil
}

// Clone makes a copy of a machine, which is stopped. The source pauses for a
// moment (docs/orbctl-contract.md §2). An interrupted clone goes on (§1.8).
func (c *Client) Clone(ctx context.Context, name, newName string) (Made, error) {
	return c.make(ctx, runner.Call{Op: runner.OpClone, Machine: name, NewName: newName}, func(c *Client) error {
		_, err := c.Machine(ctx, name)
		return err
	})
}

// make runs a call that makes a machine called NewName: list before, then the
// call, then info. first is done under the same locks; nil is nothing.
func (c *Client) make(ctx context.Context, call runner.Call, first func(*Client) error) (Made, error) {
	var out Made
	err := c.holding(ctx, func(c *Client) error {
		if first != nil {
			if err := first(c); err != nil {
				return err
			}
		}
		all, err := c.Machines(ctx)
		if err != nil {
			return err
		}
		for _, m := range all {
			if m.Name == call.NewName {
				return &Error{Kind: MachineExists, Op: call.Op, Machine: call.NewName}
			}
		}
		if c.managed != nil {
			if err := c.managed.Begin(call.NewName); err != nil {
				no := notOurs(call.Op, "")
				no.Machine, no.Why, no.Err = call.NewName, err.Error(), err
				return no
			}
		}
		_, failed := c.run(ctx, call)
		if failed != nil && (!worthALook(failed) || isKind(failed, MachineExists)) {
			return failed
		}
		// Nobody who keeps to the locks can have made it in between.
		if out.Machine, err = c.Machine(ctx, call.NewName); err != nil {
			return firstOf(failed, err)
		}
		out.Complaint = failed
		if c.managed != nil && out.Machine.ID != "" {
			if err := c.managed.Made(out.Machine.ID); err != nil && out.Complaint == nil { // Begin has it still, for an hour
				out.Complaint = err
			}
		}
		return nil
	}, call)
	if err != nil {
		return Made{}, err
	}
	return out, nil
}

func isKind(err error, kind Kind) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Kind == kind
}

// A Renamed machine is the same one under another name.
type Renamed struct {
	Before, After MachineInfo
	Changed       bool
	Complaint     error // orbctl failed or was late, and yet it is renamed
}

// Rename gives a machine another name. Its ID stays (docs/orbctl-contract.md §2).
func (c *Client) Rename(ctx context.Context, name, newName string) (Renamed, error) {
	var out Renamed
	call := runner.Call{Op: runner.OpRename, Machine: name, NewName: newName}
	err := c.holding(ctx, func(c *Client) error {
		all, err := c.Machines(ctx)
		if err != nil {
			return err
		}
		if out.Before, err = c.Machine(ctx, name); err != nil {
			return err
		}
		if err := c.mine(call.Op, out.Before.Machine); err != nil {
			return err
		}
		if name == newName {
			out.After = out.Before
			return nil
		}
		for _, m := range all {
			if m.Name == newName {
				return &Error{Kind: MachineExists, Op: call.Op, Machine: newName}
			}
		}
		_, failed := c.run(ctx, call)
		if failed != nil && !worthALook(failed) {
			return failed
		}
		if out.After, err = c.Machine(ctx, newName); err != nil {
			return firstOf(failed, err)
		}
		if out.After.ID != out.Before.ID {
			return firstOf(failed, &Error{Kind: MachineChanged, Op: call.Op, Machine: newName, WantID: out.Before.ID, HaveID: out.After.ID})
		}
		out.Changed, out.Complaint = true, failed
		return nil
	}, call)
	if err != nil {
		return Renamed{}, err
	}
	return out, nil
}

// Delete deletes a machine and everything in it: info, delete, list. agree sees
// the machine before, and its error ends it there. It is deleted by name, since
// by ID orbctl breaks down (docs/orbctl-contract.md §1.4); that the name is still
// that machine's is up to agree, which is asked under the lock.
func (c *Client) Delete(ctx context.Context, name string, agree func(MachineInfo) error) (MachineInfo, error) {
	var gone MachineInfo
	call := runner.Call{Op: runner.OpDelete, Machine: name}
	err := c.holding(ctx, func(c *Client) error {
		m, err := c.Machine(ctx, name)
		if err != nil {
			return err
		}
		if m.Builtin {
			return invalid("machine", name, "is a part of OrbStack and no machine of the user's")
		}
		if err := c.mine(call.Op, m.Machine); err != nil {
			return err
		}
		if err := agree(m); err != nil {
			return err
		}
		_, failed := c.run(ctx, call)
		if failed != nil && !worthALook(failed) {
			return failed
		}
		all, err := c.Machines(ctx)
		if err != nil { // it is not known: a failed list is never "gone"
			return errors.Join(&Error{Kind: OrbctlFailed, Op: call.Op, Machine: name, MayFinish: true, Why: "it could not be seen whether the machine is gone"}, err)
		}
		for _, there := range all {
			if there.Name == name && there.ID == m.ID {
				return firstOf(failed, &Error{Kind: OrbctlFailed, Op: call.Op, Machine: name, MayFinish: true, Why: "the machine is still there"})
			}
		}
		gone = m
		return nil
	}, call)
	return gone, err
}

// A DefaultChange is another default machine; "" is none.
type DefaultChange struct {
	Before, After string
	Changed       bool
}

// SetDefault makes a machine the default one, or none with "none". It is a setting
// of all of OrbStack, and so not for a Client that changes only its own machines.
func (c *Client) SetDefault(ctx context.Context, name string) (DefaultChange, error) {
	if c.managed != nil {
		return DefaultChange{}, notOurs(runner.OpDefaultSet, "which machine is the default one is a setting of all of OrbStack")
	}
	return c.setDefault(ctx, name)
}

func (c *Client) setDefault(ctx context.Context, name string) (DefaultChange, error) {
	var out DefaultChange
	call := runner.Call{Op: runner.OpDefaultSet, Args: []string{name}}
	err := c.holding(ctx, func(c *Client) error {
		var err error
		wanted := ""
		if name != "none" {
			if _, err = c.Machine(ctx, name); err != nil {
				return err
			}
			wanted = name
		}
		if out.Before, err = c.DefaultMachine(ctx); err != nil {
			return err
		}
		if out.After = out.Before; out.Before == wanted {
			return nil
		}
		_, failed := c.run(ctx, call)
		if failed != nil && !worthALook(failed) {
			return failed
		}
		if out.After, err = c.DefaultMachine(ctx); err != nil {
			return firstOf(failed, err)
		}
		out.Changed = out.After != out.Before
		if out.After != wanted {
			return firstOf(failed, &Error{Kind: OrbctlFailed, Op: call.Op, Machine: name, Why: "the default machine is another one still"})
		}
		return nil
	}, call)
	if err != nil {
		return DefaultChange{}, err
	}
	return out, nil
}
