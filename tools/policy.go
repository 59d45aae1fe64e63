package tools

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"orbstack-mcp/orbctl/runner"
)

// A Policy is what the user lets a server do, as given on its command line. It is
// kept three times: what it refuses is not listed, is refused when called by name,
// and what of it concerns orbctl is refused by the runner again.
type Policy struct {
	ReadOnly      bool              // only tools that read
	Toolsets      []string          // families, or "default" and "all"; empty: default, or none if Tools are given
	Tools         []string          // tools beside those
	Exclude       []string          // tools that are not offered whatever else is said
	Machines      []string          // the only machines the server is for; empty: all
	Exec          runner.ExecPolicy // where commands may run
	Confirm       ConfirmPolicy     // what happens where a person has to agree
	ConfirmWithin time.Duration     // how long a person has for an answer
	AllowPaths    []string          // folders of the Mac that files may be read from and written to
}

// Words for Policy.Toolsets that are no family.
const (
	defaultToolsets = "default"
	allToolsets     = "all"
)

// optIn are the families that are offered only when asked for, or when the folder
// that they need is allowed.
var optIn = []Family{Sandbox}

// Toolsets are the words that Policy.Toolsets may hold.
func Toolsets() []string {
	all := []string{defaultToolsets, allToolsets}
	for _, t := range All() {
		if name := string(t.Family); !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return all
}

// Check finds names that do not exist.
func (p Policy) Check() error {
	var names []string
	for _, t := range All() {
		names = append(names, t.Name)
	}
	for _, c := range []struct {
		flag        string
		given, have []string
	}{
		{"--toolsets", p.Toolsets, Toolsets()},
		{"--tools", p.Tools, names},
		{"--exclude-tools", p.Exclude, names},
	} {
		for _, name := range c.given {
			if !slices.Contains(c.have, name) {
				return fmt.Errorf("%s: there is no %q; there are: %s", c.flag, name, strings.Join(c.have, ", "))
			}
		}
	}
	return nil
}

// selected reports whether the user chose the tool, or its family.
func (p Policy) selected(t Tool) bool {
	sets := p.Toolsets
	if len(sets) == 0 && len(p.Tools) == 0 {
		sets = []string{defaultToolsets}
	}
	byDefault := !slices.Contains(optIn, t.Family)
	return slices.Contains(p.Tools, t.Name) ||
		slices.Contains(sets, string(t.Family)) ||
		slices.Contains(sets, allToolsets) ||
		slices.Contains(sets, defaultToolsets) && byDefault
}

// onlyTheUser is the hint of what a flag refuses.
const onlyTheUser = "Only the user can change that, when the server is started; nothing in a conversation can."

// Offers reports whether a server with this policy lists the tool.
func (p Policy) Offers(t Tool) bool { return p.refuse(t) == nil }

// with is the toolsets that were chosen and one more, for --toolsets.
func (p Policy) with(f Family) string {
	sets := p.Toolsets
	if len(sets) == 0 && len(p.Tools) == 0 {
		sets = []string{defaultToolsets}
	}
	return strings.Join(append(slices.Clone(sets), string(f)), ",")
}

// opens is a refusal that the user can end by starting the server with that flag.
func opens(flag string, f *failure) *failure {
	f.Details.turnOn = flag
	f.Hint = "The user can turn it on with " + flag + ". " + f.Hint
	return f
}

// refuse says why a row is not offered, or nil. A refused tool is not listed;
// called by name, it answers with this.
func (p Policy) refuse(t Tool) *failure {
	no := func(flag, message, hint string) *failure {
		return &failure{Code: notAllowed, Message: t.Name + message, Hint: hint, Details: details{Flag: flag}}
	}
	switch {
	case p.ReadOnly && t.Effect != Reads:
		return no("--read-only", " changes something, and this server was started with --read-only.",
			"Tell the user what you wanted to change. Only a restart of the server without --read-only allows it.")
	case slices.Contains(p.Exclude, t.Name):
		return no("--exclude-tools", " was taken out by --exclude-tools.", onlyTheUser)
	case t.Family == Jobs:
		return p.refuseJobs(t)
	case !p.selected(t):
		return opens("--toolsets "+p.with(t.Family), no("--toolsets", " is in the toolset "+string(t.Family)+", which is off.", onlyTheUser))
	case len(p.Machines) > 0 && t.Beyond:
		return no("--machine", " is about more than one machine, and this server was started for "+strings.Join(p.Machines, ", ")+" only.", onlyTheUser)
	case t.NeedsFolder && len(p.AllowPaths) == 0:
		return opens("--allow-path FOLDER", no("--allow-path", " needs a folder of the Mac that this server may use, and none is allowed.", onlyTheUser))
	case t.Runs && (p.Exec == runner.ExecOff || p.Exec == ""):
		return opens("--exec isolated", no("--exec", " runs commands in machines, and this server was started with --exec off.", onlyTheUser))
	}
	return nil
}

// refuseJobs offers jobs with any tool that may turn into one. That there is none
// is due to what refuses the first of them.
func (p Policy) refuseJobs(t Tool) *failure {
	var why *failure
	for _, other := range All() {
		if !other.Long {
			continue
		}
		refusal := p.refuse(other)
		if refusal == nil {
			return nil
		}
		if why == nil {
			why = refusal
		}
	}
	f := &failure{
		Code: notAllowed, Message: t.Name + " has nothing to look at: no tool that takes long is offered.",
		Hint: onlyTheUser, Details: details{Flag: why.Details.Flag},
	}
	if why.Details.turnOn != "" {
		return opens(why.Details.turnOn, f)
	}
	return f
}
