package orbctl

import (
	"context"
	"errors"
	"time"

	"orbstack-mcp/orbctl/runner"
)

// A StateChange is what became of a machine that was to run or to stop.
type StateChange struct {
	Before, After MachineInfo
	Changed       bool
	NoAddress     bool  // it runs, and has no address yet
	Complaint     error // orbctl failed or was late, and yet the machine is as it was wanted
}

// patience is how long a machine may take to get where it was sent once orbctl has
// returned: stop may return early, and an address comes late
// (docs/orbctl-contract.md §1.9).
const patience = 45 * time.Second

// Start starts a machine and waits for its address: info, start, and info until
// it is there. One that runs is left alone. It never starts OrbStack: the gate of
// the runner is in front of it.
func (c *Client) Start(ctx context.Context, name string) (StateChange, error) {
	call := runner.Call{Op: runner.OpStart, Machine: name}
	return c.bring(ctx, call, func(before MachineInfo) (bool, error) { return before.State == Running, nil }, isUp)
}

// Stop stops a machine and waits until it has stopped. One that is stopped is left
// alone. With force the machine is not asked, and what it had not written is lost.
// agree sees the machine before, and its error ends it there; nil asks nobody.
func (c *Client) Stop(ctx context.Context, name string, force bool, agree func(MachineInfo) error) (StateChange, error) {
	call := runner.Call{Op: runner.OpStop, Machine: name}
	if force {
		call.Op = runner.OpForceStop
	}
	return c.bring(ctx, call, func(before MachineInfo) (bool, error) {
		if before.State == Stopped || agree == nil {
			return before.State == Stopped, nil
		}
		return false, agree(before)
	}, func(m MachineInfo) bool { return m.State == Stopped })
}

// Restart restarts a machine that runs and waits for its address. One that does
// not run is MachineNotRunning. When orbctl failed, that the machine runs does not
// show that it was restarted: it is an error.
func (c *Client) Restart(ctx context.Context, name string) (StateChange, error) {
	call := runner.Call{Op: runner.OpRestart, Machine: name}
	done, err := c.bring(ctx, call, func(before MachineInfo) (bool, error) {
		if before.State == Running {
			return false, nil
		}
		return false, &Error{Kind: MachineNotRunning, Op: call.Op, Machine: name, State: before.State}
	}, isUp)
	if err = firstOf(err, done.Complaint); err != nil {
		return StateChange{}, err
	}
	return done, nil
}

func isUp(m MachineInfo) bool { return m.State == Running && hasAddress(m) }

func hasAddress(m MachineInfo) bool { return m.IP4.IsValid() || m.IP6.IsValid() }

// bring runs a call unless it is already so, and then looks until the machine is
// where it was sent. Nobody else changes the machine in between. What orbctl
// said counts less than what is there afterwards.
func (c *Client) bring(ctx context.Context, call runner.Call, already func(MachineInfo) (bool, error), there func(MachineInfo) bool) (StateChange, error) {
	var out StateChange
	err := c.holding(ctx, func(c *Client) error {
		var err error
		if out.Before, err = c.Machine(ctx, call.Machine); err != nil {
			return err
		}
		out.After = out.Before
		if err := c.mine(call.Op, out.Before.Machine); err != nil {
			return err
		}
		if so, err := already(out.Before); so || err != nil {
			return err
		}
		_, failed := c.run(ctx, call)
		wait := patience
		if failed != nil {
			if ctx.Err() != nil {
				return failed
			}
			wait = 0 // for one look
			if mayHaveWorked(failed) {
				wait = patience / 3
			}
		}
		if out.After, err = c.until(ctx, call.Machine, wait, there); err != nil {
			return firstOf(failed, err)
		}
		// Running without an address is running.
		out.NoAddress = !there(out.After) && out.After.State == Running && there(addressed(out.After))
		if !there(out.After) && (!out.NoAddress || failed != nil) {
			return firstOf(failed, &Error{Kind: Timeout, Op: call.Op, Machine: call.Machine, State: out.After.State, After: wait, MayFinish: true})
		}
		out.Changed, out.Complaint = true, failed
		return nil
	}, call)
	if err != nil {
		return StateChange{}, err
	}
	return out, nil
}

// addressed is m as it would be with an address.
func addressed(m MachineInfo) MachineInfo {
	m.IP4 = anyAddress
	return m
}

// worthALook reports a run that ended badly, by itself or not: what is there
// afterwards says more than how it ended.
func worthALook(failed error) bool {
	e, ok := errors.AsType[*Error](failed)
	return ok && (e.MayFinish || e.Exit != 0)
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// until looks at a machine until it is there or the time is over; that it is not
// there by then is no error. The looks come closer together at first.
func (c *Client) until(ctx context.Context, name string, limit time.Duration, there func(MachineInfo) bool) (MachineInfo, error) {
	const first, most = 100 * time.Millisecond, time.Second
	end := time.Now().Add(limit)
	for pause := first; ; pause = min(2*pause, most) {
		m, err := c.Machine(ctx, name)
		if err != nil || there(m) {
			return m, err
		}
		if !time.Now().Add(pause).Before(end) {
			return m, nil
		}
		if !wait(ctx, pause) {
			return m, ended(ctx, runner.Call{Op: runner.OpInfo, Machine: name}, runner.Result{}, context.Cause(ctx))
		}
	}
}
