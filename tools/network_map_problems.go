package tools

import (
	"fmt"
	"slices"
	"strings"

	"orbstack-mcp/orbctl"
	"orbstack-mcp/orbctl/guest"
)

// A mapFault is the same thing wrong with several ways of a map.
type mapFault struct {
	kind    faultKind
	machine string // whose fault it is: where it shows in all ways
	verdict guest.Verdict
	way     string // "" where it is one for every method
	by      string // address or name where only that is wrong, else ""
}

// A faultKind is where the cause lies.
type faultKind int

const (
	offNetwork faultKind = iota // on purpose
	ofSource                    // the machine that asks
	ofTarget                    // the machine that is asked for
)

// mapProblems has one sentence for each fault, in the order of the machines.
func mapProblems(all orbctl.NetworkMap, out networkMapOut) []string {
	problems := []string{}
	off, install := map[string]bool{}, map[string]string{}
	for i, m := range out.Machines {
		off[m.Name], install[m.Name] = m.IsolateNetwork, all.Rows[i].Install
		if m.Error != nil {
			problems = append(problems, fmt.Sprintf("%s could not be asked what it reaches (%s): %s", plainName(m.Name), m.Error.Code, m.Error.Message))
		}
		if m.State != orbctl.Running {
			problems = append(problems, fmt.Sprintf("%s is %s, so it was not tested.", plainName(m.Name), m.State))
		}
	}
	faults, others := out.faults(off)
	for _, f := range faults {
		problems = append(problems, f.sentence(others[f], install[f.machine]))
	}
	return problems
}

// faults groups the ways that do not work; others are the machines at the other end.
func (o networkMapOut) faults(off map[string]bool) ([]mapFault, map[mapFault][]string) {
	var faults []mapFault
	others := map[mapFault][]string{}
	works := map[mapCell]bool{} // without verdict and time
	for _, c := range o.Cells {
		if !c.bad() {
			works[c.wayOnly()] = true
		}
	}
	for _, c := range o.Cells {
		if !c.bad() {
			continue
		}
		f, other := c.fault(off), plainName(c.To)
		if f.machine == c.To {
			other = plainName(c.From)
		}
		if f.kind == ofTarget && works[c.twin()] {
			f.by = c.By
		}
		if _, known := others[f]; !known {
			faults = append(faults, f)
		}
		if !slices.Contains(others[f], other) {
			others[f] = append(others[f], other)
		}
	}
	return faults, others
}

// wayOnly is a cell before its answer.
func (c mapCell) wayOnly() mapCell {
	c.Verdict, c.MS = "", 0
	return c
}

// twin is the same way by name in place of by address, and the other way round.
func (c mapCell) twin() mapCell {
	other := guest.ByName
	if c.By == guest.ByName {
		other = guest.ByAddress
	}
	c.By = other
	return c.wayOnly()
}

// fault says whose fault it is that a way does not work, as far as a verdict tells.
func (c mapCell) fault(off map[string]bool) mapFault {
	v := guest.Verdict(c.Verdict)
	switch {
	case off[c.From]:
		return mapFault{kind: offNetwork, machine: c.From}
	case off[c.To]:
		return mapFault{kind: offNetwork, machine: c.To}
	case v == guest.DNSFailed, v == guest.NoRoute, v == unknown:
		return mapFault{kind: ofSource, machine: c.From, verdict: v}
	case v == guest.NoTool:
		return mapFault{kind: ofSource, machine: c.From, verdict: v, way: c.Method}
	}
	return mapFault{kind: ofTarget, machine: c.To, verdict: v, way: c.way()}
}

// sentence says it in words of ours; others are at the other end.
func (f mapFault) sentence(others []string, install string) string {
	who := strings.Join(others, ", ")
	f.machine = plainName(f.machine)
	switch f.verdict {
	case "":
		return fmt.Sprintf("%s is kept off the network on purpose (isolate_network): ways between it and %s do not work.", f.machine, who)
	case guest.DNSFailed:
		return fmt.Sprintf("%s cannot resolve the name of %s: vm_dns_lookup there says more.", f.machine, who)
	case guest.NoRoute:
		return fmt.Sprintf("%s has no route to %s: vm_network_details of it shows its gateway.", f.machine, who)
	case guest.NoTool:
		how := ""
		if install != "" {
			how = " To install one: " + install + ". Ask the user first, since that changes the machine."
		}
		return fmt.Sprintf("%s has nothing to test %s with.%s", f.machine, f.way, how)
	case unknown:
		return fmt.Sprintf("What %s said of its ways to %s was cut: nothing is known of them. Try again.", f.machine, who)
	}
	only := ""
	if f.by != "" {
		only = " by " + f.by + " only"
	}
	return fmt.Sprintf("%s to %s%s: %s from %s.%s", upper(f.way), f.machine, only, f.verdict, who, f.cause())
}

// cause is what a verdict about the target mostly comes from.
func (f mapFault) cause() string {
	switch f.verdict {
	case guest.Refused:
		return " No service listens there, or on 127.0.0.1 only."
	case guest.Timeout:
		return " A firewall drops it, or the machine hangs."
	case guest.Unreachable:
		return " A firewall rejects it, or nobody answers for the address."
	}
	return ""
}
