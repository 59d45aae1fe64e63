package orbctl

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"orbstack-mcp/orbctl/guest"
	"orbstack-mcp/orbctl/runner"
	"orbstack-mcp/orbctl/untrusted"
)

// LimitsWanted is what a machine's limits shall be, as people write them: "2",
// "4G", "512M", "unlimited". "" leaves a limit as it is.
type LimitsWanted struct{ CPUs, Memory, Disk string }

// A LimitChange is what became of one limit.
type LimitChange struct {
	Limit string // cpus, memory or disk
	ConfigChange
	Unit Unit // of Before.Value and After.Value
}

// LimitsChange is what became of LimitsWanted.
type LimitsChange struct {
	Machine MachineInfo   // before the change
	Limits  []LimitChange // those that were asked for: cpus, memory, disk
	// InForce is what the machine's cgroup shows after the change; it is zero for
	// a machine that does not run, and where Unseen says why nobody could look.
	InForce guest.InForce
	Unseen  error
}

// A LimitsError is a change of several limits that failed on the way.
type LimitsError struct {
	Failed    string   // the limit that could not be set
	Unsure    bool     // it may have been set all the same
	PutBack   []string // limits that were set and have their value of before again
	StillNew  []string // limits that were set and could not be put back
	PutBackBy error    // why they could not
	Untouched []string // limits that were never set
	Err       error    // why Failed failed
}

// Error names limits only.
func (e *LimitsError) Error() string {
	return fmt.Sprintf("limit %s: %v; put back: %q, not put back: %q, untouched: %q", e.Failed, e.Err, e.PutBack, e.StillNew, e.Untouched)
}

// Unwrap gives the error of the limit that failed.
func (e *LimitsError) Unwrap() error { return e.Err }

// SetLimits sets the limits of a machine: a run of info, two for each limit that
// changes, and one to see what is in force if the machine runs. All values are
// checked before the first is set, and nobody else changes the machine's limits in
// between. If one fails on the way, those before it are put back, and the error is
// a *LimitsError.
func (c *Client) SetLimits(ctx context.Context, machine string, wanted LimitsWanted) (LimitsChange, error) {
	plans, err := c.checkLimits(machine, wanted)
	if err != nil {
		return LimitsChange{}, err
	}
	calls := make([]runner.Call, 0, len(plans))
	for _, p := range plans {
		calls = append(calls, runner.Call{Op: runner.OpConfigSet, Args: []string{p.Name, p.raw}})
	}
	var change LimitsChange
	err = c.holding(ctx, func(c *Client) error {
		if change.Machine, err = c.machineOf(ctx, plans[0].Entry); err != nil {
			return err
		}
		if err := c.mine(runner.OpConfigSet, change.Machine.Machine); err != nil {
			return err
		}
		for i := range plans {
			if err := c.planFor(ctx, &plans[i].ConfigPlan, change.Machine); err != nil {
				return asArgument(err, plans[i].limit.name)
			}
			plans[i].Changes = !plans[i].same(plans[i].Before.raw, plans[i].raw)
		}
		if change.Limits, err = c.applyLimits(ctx, plans); err != nil {
			return err
		}
		change.InForce, change.Unseen = c.inForce(ctx, change.Machine)
		return nil
	}, calls...)
	return change, err
}

// A limitPlan is a plan for one limit.
type limitPlan struct {
	ConfigPlan
	limit limit
}

// checkLimits reads the values: no run. The error has all that is wrong with them.
func (c *Client) checkLimits(machine string, wanted LimitsWanted) ([]limitPlan, error) {
	plans, problems := c.readLimits(machine, wanted)
	if why := badMachineName(machine); why != "" {
		problems = slices.Insert(problems, 0, Problem{Field: "machine", Value: untrusted.Line(machine), Why: why})
	}
	switch {
	case len(problems) > 0:
		return nil, &Error{Kind: InvalidArgument, Problems: problems}
	case len(plans) == 0:
		return nil, invalid("cpus", "", "or memory or disk is needed: none of them was given")
	}
	return plans, nil
}

// LimitFlags are limits as `create` takes them, read and bounded as SetLimits does:
// "4096 MB" is "4G", and no limit is "". No run; InvalidArgument has all that is
// wrong.
func (c *Client) LimitFlags(wanted LimitsWanted) (LimitsWanted, error) {
	plans, problems := c.readLimits("NAME", wanted)
	if len(problems) > 0 {
		return LimitsWanted{}, &Error{Kind: InvalidArgument, Problems: problems}
	}
	var flags LimitsWanted
	for _, p := range plans {
		n, _ := strconv.ParseInt(p.raw, 10, 64) // a checked value
		if n > 0 {
			*p.limit.of(&flags) = LimitText(n, p.limit.unit)
		}
	}
	return flags, nil
}

func (c *Client) readLimits(machine string, wanted LimitsWanted) (plans []limitPlan, problems []Problem) {
	for _, l := range limits() {
		text := *l.of(&wanted)
		if text == "" {
			continue
		}
		entry, _ := Lookup(MachineKey("NAME", l.field))
		entry.Name, entry.Machine = MachineKey(machine, l.field), machine
		raw, why := l.parse(text, entry, c.mac)
		if why != "" {
			problems = append(problems, Problem{Field: l.name, Value: untrusted.Line(text), Why: why})
			continue
		}
		plans = append(plans, limitPlan{ConfigPlan{Entry: entry, Known: true, Value: raw, raw: raw}, l})
	}
	return plans, problems
}

// asArgument names the argument that an error is about in place of the setting's value.
func asArgument(err error, name string) error {
	if e, ok := errors.AsType[*Error](err); ok {
		for i := range e.Problems {
			e.Problems[i].Field = name
		}
	}
	return err
}

// applyLimits sets one limit after the other; the first that fails ends it, and
// what was set before is put back.
func (c *Client) applyLimits(ctx context.Context, plans []limitPlan) ([]LimitChange, error) {
	var done []LimitChange
	for i, p := range plans {
		change, err := c.ApplyConfig(ctx, p.ConfigPlan)
		if err == nil {
			done = append(done, LimitChange{Limit: p.limit.name, ConfigChange: change, Unit: p.limit.unit})
			continue
		}
		failed := &LimitsError{Failed: p.limit.name, Unsure: !isDefinite(err), Err: err}
		for _, left := range plans[i+1:] {
			failed.Untouched = append(failed.Untouched, left.limit.name)
		}
		if change, arrived := c.arrived(ctx, p, err); arrived {
			done = append(done, change)
		}
		c.putBack(ctx, done, failed)
		return nil, failed
	}
	return done, nil
}

// arrived looks whether a set that was cut off has done its work.
func (c *Client) arrived(ctx context.Context, p limitPlan, err error) (LimitChange, bool) {
	if isDefinite(err) {
		return LimitChange{}, false
	}
	after, getErr := c.stored(context.WithoutCancel(ctx), p.Name)
	change := LimitChange{Limit: p.limit.name, Unit: p.limit.unit, ConfigChange: ConfigChange{ConfigPlan: p.ConfigPlan, After: after, Changed: true}}
	return change, getErr == nil && p.same(after.raw, p.raw)
}

// isDefinite reports whether an error of a set means that nothing was set.
func isDefinite(err error) bool {
	_, ok := errors.AsType[*Error](err)
	return ok && !mayHaveWorked(err)
}

// putBack undoes what was done, the last first. It is not cut off when the call
// is: half of a change is worse than a late answer, and each run has its deadline.
func (c *Client) putBack(ctx context.Context, done []LimitChange, failed *LimitsError) {
	ctx = context.WithoutCancel(ctx)
	for _, d := range slices.Backward(done) {
		if !d.Changed {
			continue
		}
		back := d.ConfigPlan
		back.raw, back.Changes = orZero(d.Before.raw), true
		back.Value, back.Before = back.raw, d.After
		change, err := c.ApplyConfig(ctx, back)
		if err == nil && !change.Stored {
			err = orOther(change.Unverified, errors.New("orbctl took the value and stored another"))
		}
		if err != nil {
			failed.StillNew = append(failed.StillNew, d.Limit)
			failed.PutBackBy = err
			continue
		}
		failed.PutBack = append(failed.PutBack, d.Limit)
	}
}

// orZero is the stored value, or what stands for no limit.
func orZero(raw string) string {
	if raw == "" {
		return "0"
	}
	return raw
}

func orOther(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

// inForce looks at the cgroup of a machine that runs: one run.
func (c *Client) inForce(ctx context.Context, m MachineInfo) (guest.InForce, error) {
	if m.State != Running {
		return guest.InForce{}, nil
	}
	report, _, err := c.StatusFacts(ctx, m, guest.StatusQuery{})
	return report.InForce, err
}
