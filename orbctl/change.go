package orbctl

import (
	"context"
	"errors"
	"strings"

	"orbstack-mcp/orbctl/runner"
	"orbstack-mcp/orbctl/untrusted"
)

// A ConfigChange is a plan and what became of it.
type ConfigChange struct {
	ConfigPlan
	After   Setting // read back; zero when Unverified
	Changed bool    // After differs from Before
	Stored  bool    // After is the value that was asked for
	// Unverified is why After could not be read though orbctl took the value.
	Unverified error
	// Restart is the catalogue's, or Yes and Seen when orbctl said so itself. It
	// holds without a change too: a value that was stored already may wait for it.
	Restart Restart
	Undo    Undo
}

// An Undo is how a change can be taken back.
type Undo struct {
	Known   bool   // false: the key was not set, and no command unsets a single key; or its value is secret
	Value   string // what to set
	Default bool   // Value is the default: the key will be set to it, where it was not set before
	Refused string // not "": Value was set, and Check refuses it here, with these words
}

// ApplyConfig makes the planned change: two runs, set and get. If the plan changes
// nothing, it runs nothing. If orbctl was too late or was cut off, what is stored
// decides: a value that arrived is a success (docs/orbctl-contract.md §1.8).
//
// It asks nobody: whether a person has agreed to a plan that lowers a wall, and
// whether the machine is the same still, is up to the caller.
func (c *Client) ApplyConfig(ctx context.Context, plan ConfigPlan) (ConfigChange, error) {
	change := ConfigChange{ConfigPlan: plan, Restart: plan.Restart}
	if !plan.Changes {
		change.After, change.Stored = plan.Before, true
		return change, nil
	}
	res, err := c.run(ctx, runner.Call{Op: runner.OpConfigSet, Args: []string{plan.Name, plan.raw}})
	if err != nil && !mayHaveWorked(err) {
		return ConfigChange{}, withKey(err, plan.Name)
	}
	after, getErr := c.stored(ctx, plan.Name)
	change.Stored = getErr == nil && plan.same(after.raw, plan.raw)
	if err != nil && !change.Stored {
		return ConfigChange{}, withKey(err, plan.Name)
	}
	change.After, change.Unverified = after, getErr
	change.Changed = getErr != nil || !plan.same(plan.Before.raw, after.raw)
	if saysRestart(res) {
		change.Restart = Restart{Yes, Seen}
	}
	change.Undo = plan.undo(c.mac)
	return change, nil
}

// ConfigSet plans and applies a change: three runs, get, set and get; for a key of
// a machine info, set and get. Nobody else changes the same in between, no other
// server either. agree sees the plan before anything is changed, and its error
// ends it there; nil is for changes that need nobody's consent.
func (c *Client) ConfigSet(ctx context.Context, key, value string, agree func(ConfigPlan) error) (ConfigChange, error) {
	key = strings.TrimSpace(key)
	var change ConfigChange
	err := c.holding(ctx, func(c *Client) error {
		plan, err := c.PlanConfig(ctx, key, value)
		if err == nil {
			err = c.mineToSet(plan)
		}
		if err == nil && agree != nil {
			err = agree(plan)
		}
		if err != nil {
			return err
		}
		change, err = c.ApplyConfig(ctx, plan)
		return err
	}, runner.Call{Op: runner.OpConfigSet, Args: []string{key, value}})
	return change, err
}

// mineToSet is NotAllowed for a setting of a machine that this Client may not
// change, or of all of OrbStack.
func (c *Client) mineToSet(plan ConfigPlan) error {
	switch {
	case c.managed == nil:
		return nil
	case plan.Info == nil:
		no := notOurs(runner.OpConfigSet, "this setting is not one of a single machine")
		no.Key = plan.Name
		return no
	}
	return c.mine(runner.OpConfigSet, plan.Info.Machine)
}

// SetUsername sets the default user of a machine: four runs, info, a probe of the
// accounts if the machine runs, set and get; no set and get of one that is stored
// already. A running machine without that
// account is GuestUserMissing with the accounts there are, and nothing is
// changed. That of a stopped machine is set unchecked, and Users says so.
func (c *Client) SetUsername(ctx context.Context, machine, user string) (ConfigChange, error) {
	if why := badMachineName(machine); why != "" {
		return ConfigChange{}, invalid("machine", untrusted.Line(machine), why)
	}
	change, err := c.ConfigSet(ctx, MachineKey(machine, "username"), user, nil)
	if e, ok := errors.AsType[*Error](err); ok {
		for i := range e.Problems {
			e.Problems[i].Field = "username"
		}
	}
	return change, err
}

func (p ConfigPlan) undo(mac Mac) Undo {
	switch {
	case p.Before.Redacted:
		return Undo{}
	case p.Before.Value != "": // 0 counts as not set, and can be set all the same
		if why := p.refuses(p.Before.Value, mac); why != "" {
			return Undo{Value: p.Before.Value, Refused: why}
		}
		return Undo{Known: true, Value: p.Before.Value}
	case p.Default.Value != "":
		return Undo{Known: true, Value: p.Default.Value, Default: true}
	}
	return Undo{}
}

// refuses is why a value that is stored could not be set, or "".
func (p ConfigPlan) refuses(stored string, mac Mac) string {
	_, err := p.Check(stored, mac)
	if e, ok := errors.AsType[*Error](err); ok && len(e.Problems) > 0 {
		return e.Problems[0].Why
	}
	return ""
}

// saysRestart finds OrbStack's hint (testdata/config-set.restart-hint.txt) on
// either stream.
func saysRestart(res runner.Result) bool {
	const hint = "Restart OrbStack"
	return strings.Contains(res.Stdout, hint) || strings.Contains(res.Stderr, hint)
}

// mayHaveWorked reports an end that says nothing of what became of the work.
func mayHaveWorked(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.MayFinish
}

// withKey adds the setting to an error.
func withKey(err error, key string) error {
	if e, ok := errors.AsType[*Error](err); ok {
		e.Key = key
	}
	return err
}
