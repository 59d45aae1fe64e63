package tools

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"orbstack-mcp/orbctl"
)

func limitsSet() Tool {
	return Do(Tool{
		Name: "vm_limits_set", Title: "Limit a machine's CPUs, memory and disk",
		Family: Config, Effect: Changes, Idempotent: true,
		Doc: "Changes how many CPUs, how much memory and disk one machine may use, all or nothing, and says whether it holds at once. " +
			"Use when a machine takes too much from the others, runs out of memory, or its disk quota is full. " +
			"Needs OrbStack 2.2; what all machines share is orbstack_config_set with cpu or memory_mib.",
	}, setLimits)
}

type limitsIn struct {
	Machine string `json:"machine" jsonschema_description:"Machine name."`
	CPUs    string `json:"cpus,omitempty" jsonschema_description:"Cores, such as 2, or unlimited."`
	Memory  string `json:"memory,omitempty" jsonschema_description:"4G, 512M or unlimited."`
	Disk    string `json:"disk,omitempty" jsonschema_description:"64G or unlimited; not below what is in use."`
}

type limitsOut struct {
	Machine string        `json:"machine"`
	State   string        `json:"state"`
	Changed bool          `json:"changed" jsonschema_description:"Whether any of them changed."`
	Limits  []limitResult `json:"limits" jsonschema_description:"One for each that was given."`
	Note    string        `json:"note,omitempty"`
}

type limitResult struct {
	Limit   string `json:"limit" jsonschema_description:"cpus, memory or disk."`
	Before  string `json:"before"`
	After   string `json:"after" jsonschema_description:"As read back."`
	Changed bool   `json:"changed"`
	InForce string `json:"in_force" jsonschema_description:"live: the machine's cgroup shows it. after_restart: it shows another one still. at_start: the machine does not run. unknown: nothing shows it."`
	Seen    string `json:"seen,omitempty" jsonschema_description:"What the machine's cgroup shows."`
	Warning string `json:"warning,omitempty"`
}

// When a limit holds.
const (
	live         = "live"
	afterRestart = "after_restart"
	atStart      = "at_start"
	unknown      = "unknown"
)

// limitHolds is all that is known of when a limit holds that nothing shows.
const limitHolds = "may hold at once or after a restart of the machine: OrbStack does not say which."

func setLimits(ctx context.Context, c *Call, in limitsIn) (limitsOut, error) {
	change, err := c.Orb.SetLimits(ctx, in.Machine, orbctl.LimitsWanted{CPUs: in.CPUs, Memory: in.Memory, Disk: in.Disk})
	if err != nil {
		return limitsOut{}, err
	}
	out := limitsOut{Machine: change.Machine.Name, State: change.Machine.State, Limits: []limitResult{}}
	for _, l := range change.Limits {
		r := limitOf(l, change)
		out.Changed = out.Changed || r.Changed
		out.Limits = append(out.Limits, r)
	}
	out.Note = limitsNote(out.Limits, change)
	return out, nil
}

func limitOf(l orbctl.LimitChange, change orbctl.LimitsChange) limitResult {
	r := limitResult{
		Limit: l.Limit, Before: limitText(l.Before.Value, l.Unit), After: limitText(l.After.Value, l.Unit), Changed: l.Changed,
		InForce: unknown,
	}
	if l.Unverified != nil || !l.Stored {
		r.Warning = warning(l.ConfigChange)
		if l.Unverified != nil {
			r.After = unknown
		}
		return r
	}
	if change.Machine.State != orbctl.Running {
		r.InForce = atStart
		return r
	}
	seen, ok := seenLimit(l, change)
	if !ok {
		return r
	}
	r.Seen, r.InForce = seen, afterRestart
	if seen == r.After {
		r.InForce = live
	}
	return r
}

// seenLimit is what the machine's cgroup shows of a limit, in the form of the
// stored one. A cgroup says nothing of the disk.
func seenLimit(l orbctl.LimitChange, change orbctl.LimitsChange) (string, bool) {
	cpus, memory := change.InForce.CPUs, change.InForce.Memory
	switch {
	case l.Limit == "cpus" && cpus != nil && *cpus == 0:
		return orbctl.LimitText(0, 0), true
	case l.Limit == "cpus" && cpus != nil:
		return strconv.FormatFloat(*cpus, 'f', -1, 64), true
	case l.Limit == "memory" && memory != nil:
		return orbctl.LimitText(*memory, 1), true
	}
	return "", false
}

// limitText is a stored value as people write it; one that is not set is no limit.
func limitText(stored string, unit orbctl.Unit) string {
	if stored == "" {
		stored = "0"
	}
	n, err := strconv.ParseInt(stored, 10, 64)
	if err != nil {
		return stored
	}
	return orbctl.LimitText(n, unit)
}

// limitsNote says what the words of in_force leave open.
func limitsNote(limits []limitResult, change orbctl.LimitsChange) string {
	has := func(inForce string) bool {
		for _, l := range limits {
			if l.InForce == inForce && l.Warning == "" {
				return true
			}
		}
		return false
	}
	var notes []string
	if change.Unseen != nil {
		notes = append(notes, "The machine could not be asked what is in force: "+explain(change.Unseen).Message)
	} else if has(unknown) {
		notes = append(notes, "What no cgroup file of the machine shows "+limitHolds)
	}
	if has(afterRestart) {
		notes = append(notes, "The machine still runs with the limit of before; ask the user when a restart of this machine suits.")
	}
	return strings.Join(notes, " ")
}

// wordsOfLimits says exactly what was changed and what was not, behind why the
// limit that failed did.
func wordsOfLimits(e *orbctl.LimitsError) *failure {
	f := *explain(e.Err)
	said := []string{fmt.Sprintf("The limit %s was not set.", e.Failed)}
	if e.Unsure {
		said[0] = fmt.Sprintf("Whether the limit %s was set is not known.", e.Failed)
	}
	if len(e.PutBack) > 0 {
		said = append(said, "Set and put back to what it was: "+strings.Join(e.PutBack, ", ")+".")
	}
	if len(e.StillNew) > 0 {
		said = append(said, "Changed, and could not be put back: "+strings.Join(e.StillNew, ", ")+" ("+string(explain(e.PutBackBy).Code)+").")
	}
	if len(e.Untouched) > 0 {
		said = append(said, "Not touched: "+strings.Join(e.Untouched, ", ")+".")
	}
	if len(e.StillNew) == 0 && !e.Unsure {
		said = append(said, "So nothing has changed.")
	}
	f.Message += " " + strings.Join(said, " ")
	f.Hint = "vm_list shows the limits of each machine. " + f.Hint
	return &f
}
