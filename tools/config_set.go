package tools

import (
	"context"
	"fmt"
	"strings"

	"orbstack-mcp/orbctl"
)

func configSet() Tool {
	return Do(Tool{
		Name: "orbstack_config_set", Title: "Change a setting of OrbStack",
		Family: Config, Effect: Changes, Idempotent: true,
		Doc: "Changes one setting and reads it back. Use when somebody wants OrbStack to have more memory or CPUs, or another setting. " +
			"cpu and memory_mib are shared by all machines. Never restarts OrbStack; says whether a restart is needed. Try dry_run first if unsure; for a machine's user use vm_username_set.",
	}, writeConfig)
}

type configSetIn struct {
	Key    string `json:"key" jsonschema_description:"As orbstack_config_get names it."`
	Value  string `json:"value" jsonschema_description:"24 GB of memory is memory_mib 24576."`
	DryRun bool   `json:"dry_run,omitempty" jsonschema_description:"Check everything, change nothing."`
}

type configSetOut struct {
	Key             string `json:"key"`
	Before          string `json:"before" jsonschema_description:"Empty: it was not set."`
	After           string `json:"after" jsonschema_description:"As read back; with dry_run, as it would be."`
	Changed         bool   `json:"changed"`
	DryRun          bool   `json:"dry_run"`
	RestartRequired string `json:"restart_required" jsonschema_description:"Whether OrbStack has to restart to apply it: yes, no, unknown."`
	Restart         string `json:"restart,omitempty" jsonschema_description:"When it applies, and what that stops."`
	Scope           string `json:"scope,omitempty"`
	Undo            string `json:"undo,omitempty"`
	Warning         string `json:"warning,omitempty"`
}

func writeConfig(ctx context.Context, c *Call, in configSetIn) (configSetOut, error) {
	if in.DryRun {
		plan, err := c.Orb.PlanConfig(ctx, in.Key, in.Value)
		if err != nil {
			return configSetOut{}, err
		}
		out := configOut(orbctl.ConfigChange{ConfigPlan: plan, Restart: plan.Restart, After: orbctl.Setting{Value: plan.Value}, Stored: true})
		out.Changed, out.DryRun, out.Undo = false, true, ""
		if plan.LowersWall {
			out.Warning = strings.TrimSpace("A person has to agree to this change, since it lowers a wall: " + wallOf(plan) + ". " + out.Warning)
		}
		return out, nil
	}
	change, err := c.Orb.ConfigSet(ctx, in.Key, in.Value, c.keepsWalls)
	if err != nil {
		return configSetOut{}, err
	}
	return configOut(change), nil
}

// keepsWalls lets a plan pass that lowers no wall, or that a person has agreed to.
func (c *Call) keepsWalls(plan orbctl.ConfigPlan) error {
	if !plan.LowersWall || !plan.Changes {
		return nil
	}
	q := Question{
		Plan: fmt.Sprintf("Set %s from %s to %s. This lowers a wall: %s.", plan.Name, orElse(plan.Before.Value, "its default"), orElse(plan.Value, "nothing"),
			wallOf(plan)),
		Instead: "It can be done in OrbStack's own settings.",
	}
	if plan.Info != nil {
		q.About = plan.Info.ID
	}
	return c.Confirm(q)
}

// wallOf is what gets through when a plan lowers a wall.
func wallOf(plan orbctl.ConfigPlan) string {
	return orElse(plan.WallReason, "nobody knows what this key does")
}

// restartMeans is for a setting that OrbStack has to be restarted for.
const restartMeans = "Only stopping and starting OrbStack applies it, which stops every machine and container; vm_restart and orbctl restart do not. This server never does that: ask the user when it suits."

func configOut(c orbctl.ConfigChange) configSetOut {
	out := configSetOut{
		Key: c.Name, Before: c.Before.Value, After: c.After.Value, Changed: c.Changed,
		RestartRequired: string(c.Restart.Needed), Scope: string(c.Scope), Undo: undo(c), Warning: warning(c),
	}
	means := restartMeans
	if c.Restart.Needed == orbctl.Unclear {
		means = applies(c.Key)
	}
	switch {
	case c.Restart.Needed == orbctl.No:
	case !c.Changes:
		out.RestartRequired, out.Restart = string(orbctl.Unclear), "This changes nothing; an earlier change of it may still wait. "+means
	default:
		out.Restart = means
	}
	return out
}

// applies says what is known of when a setting applies that may need a restart.
func applies(k orbctl.Key) string {
	switch {
	case k.Feature == orbctl.MachineLimits:
		return "The limit " + limitHolds + " vm_limits_set, given the same limit, shows what the machine has."
	case k.Scope == orbctl.MachineScope:
		return "It is not known when it applies: at once, or after a restart of the machine. Ask the user before restarting it."
	}
	return "It is not known when it applies: at once, or only when OrbStack is stopped and started, which stops every machine and container. " +
		"This server never does that: if it shows no effect, ask the user."
}

func undo(c orbctl.ConfigChange) string {
	switch {
	case !c.Changed:
		return ""
	case c.Undo.Refused != "":
		return fmt.Sprintf("It was %s, and that cannot be set again: the value %s.", c.Undo.Value, c.Undo.Refused)
	case c.Undo.Known && c.Undo.Default:
		return fmt.Sprintf("It was not set before; %s is the default: set it to that.", c.Undo.Value)
	case c.Undo.Known:
		return fmt.Sprintf("Set %s to %s again.", c.Name, c.Undo.Value)
	case c.Before.Redacted:
		return "Set it to the value it had; a part of that is secret and known to the user."
	}
	return "It was not set before, and no command unsets a single key: the user can, in OrbStack's settings."
}

// warning says what is not as asked, and else what the change may bring.
func warning(c orbctl.ConfigChange) string {
	switch {
	case c.Unverified != nil:
		return "orbctl took the value, but it could not be read back: " + explain(c.Unverified).Message
	case !c.Stored && c.Changed:
		return "OrbStack stored another value than was asked for: after shows it."
	case !c.Stored:
		return "orbctl took the value without a word, but the old one is still stored: nothing was changed."
	case c.Users != nil && !c.Users.Checked:
		return "The machine does not run, so nobody could ask it whether it has this user."
	}
	return c.Risk()
}
