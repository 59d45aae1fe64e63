package orbctl

import (
	"context"
	"errors"

	"orbstack-mcp/orbctl/runner"
)

// A RolledBack machine is a fresh clone of its checkpoint, under the same name.
type RolledBack struct {
	Before, After, Checkpoint MachineInfo
	// Aside is the name of the machine as it was, if it could not be deleted in the
	// end, and Complaint says why.
	Aside     string
	Complaint error
}

// asideSuffix is what the machine is called while its successor is made.
const asideSuffix = "-before-rollback"

// Rollback puts a clone of a checkpoint in a machine's place: stop, rename aside,
// clone, start if it ran, delete what is aside. Until the clone is there the machine
// as it was can be had back, and is given its name back when the clone fails. agree
// sees both before anything is done.
func (c *Client) Rollback(ctx context.Context, name, checkpoint string, agree func(machine, checkpoint MachineInfo) error) (RolledBack, error) {
	aside := name + asideSuffix
	if why := badMachineName(aside); why != "" {
		return RolledBack{}, invalid("machine", name, "is too long for a rollback, which needs "+asideSuffix+" behind it for a moment")
	}
	var out RolledBack
	err := c.holding(ctx, func(c *Client) error {
		var err error
		if out.Before, err = c.Machine(ctx, name); err != nil {
			return err
		}
		if out.Checkpoint, err = c.Machine(ctx, checkpoint); err != nil {
			return err
		}
		if name == checkpoint {
			return invalid("checkpoint", checkpoint, "is the machine itself")
		}
		if err := c.mine(runner.OpDelete, out.Before.Machine); err != nil {
			return err
		}
		if err := agree(out.Before, out.Checkpoint); err != nil {
			return err
		}
		return c.replace(ctx, &out, aside)
	}, runner.Call{Op: runner.OpRename, Machine: name, NewName: aside}, runner.Call{Op: runner.OpClone, Machine: checkpoint, NewName: name}, runner.Call{Op: runner.OpDefaultSet, Args: []string{name}})
	if err != nil {
		return RolledBack{}, err
	}
	return out, nil
}

// replace is Rollback once all have agreed.
func (c *Client) replace(ctx context.Context, out *RolledBack, aside string) error {
	name := out.Before.Name
	byDefault, err := c.DefaultMachine(ctx)
	if err != nil {
		return err
	}
	if _, err := c.Stop(ctx, name, false, nil); err != nil {
		return err
	}
	back := context.WithoutCancel(ctx) // nobody may be left with neither: not even if the call is over
	if _, err := c.Rename(ctx, name, aside); err != nil {
		if out.Before.State == Running {
			if _, again := c.Start(back, name); again != nil {
				return errors.Join(err, again)
			}
		}
		return err
	}
	made, err := c.Clone(ctx, out.Checkpoint.Name, name)
	if err != nil {
		if _, again := c.Rename(back, aside, name); again != nil {
			return errors.Join(&Error{Kind: OrbctlFailed, Op: runner.OpClone, Machine: name, MayFinish: true, Why: "the clone failed, and the machine as it was is called " + aside + " now"}, err, again)
		}
		if out.Before.State == Running {
			if _, again := c.Start(back, name); again != nil {
				return errors.Join(err, again)
			}
		}
		return err
	}
	out.After = made.Machine
	var failed error
	if byDefault == name && len(c.machines) == 0 {
		_, failed = c.setDefault(ctx, name) // as it was
	}
	if out.Before.State == Running {
		up, err := c.Start(ctx, name)
		if err == nil {
			out.After = up.After
		}
		failed = firstOf(failed, err)
	}
	if _, err := c.Delete(ctx, aside, func(MachineInfo) error { return nil }); err != nil {
		out.Aside, failed = aside, firstOf(failed, err)
	}
	out.Complaint = failed
	return nil
}
