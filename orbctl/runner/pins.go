package runner

import (
	"slices"

	"orbstack-mcp/orbctl/untrusted"
)

// pins are the machines that a server is for; none is no restriction.
type pins []string

// allow refuses what is about another machine, or about all of OrbStack. What the
// tools show of others they take from list, which has no machine.
func (p pins) allow(call Call, class Class) error {
	if len(p) == 0 {
		return nil
	}
	refuse := func(why string) error { return &RefusedError{Op: call.Op, Class: class, Why: why, Flag: "--machine"} }
	about := []string{call.Machine, call.NewName}
	switch call.Op {
	case OpConfigSet:
		name, ok := keyOf(call)
		if !ok {
			return refuse("the server is for some machines only, and this setting is not theirs alone")
		}
		about = append(about, name)
	case OpDefaultSet:
		return refuse("the server is for some machines only, and the default machine is everybody's")
	}
	for _, name := range about {
		if name != "" && !slices.Contains(p, name) {
			return refuse("the server is not for the machine " + untrusted.Line(name))
		}
	}
	return nil
}

// keyOf is the machine whose setting a call of config-set changes.
func keyOf(call Call) (machine string, ok bool) {
	if len(call.Args) == 0 {
		return "", false
	}
	return machineOfKey(call.Args[0])
}
