package e2e

import (
	"maps"
	"strconv"
	"strings"

	"orbstack-mcp/internal/orbsim"
)

// A model is OrbStack as one operation after the other makes it.
type model struct {
	machines map[string]modelMachine // by name
	fallback string                  // the default machine, or none
	config   map[string]string
}

type modelMachine struct {
	ID      string // "": a clone's, which nobody can know
	Running bool
	User    string
	Port    int
}

// modelOf is the model in a state of orbsim's. A setting that names a machine is
// the machine's.
func modelOf(s orbsim.State) model {
	m := model{machines: map[string]modelMachine{}, fallback: s.Default, config: maps.Clone(s.Config)}
	maps.DeleteFunc(m.config, func(key, _ string) bool { return strings.HasPrefix(key, "machine.") })
	for _, x := range s.Machines {
		m.machines[x.Name] = modelMachine{ID: x.ID, Running: x.State == "running", User: x.DefaultUsername, Port: x.HTTPPort}
	}
	return m
}

// apply does one command line and says with which exit code it must end. A run
// boots its machine; what its script ends with is not the model's business, so
// that of a run is -1.
func (m *model) apply(argv []string) (exit int) {
	last := argv[len(argv)-1]
	switch argv[0] {
	case "start", "restart":
		return m.edit(last, func(x *modelMachine) { x.Running = true })
	case "stop":
		return m.edit(last, func(x *modelMachine) { x.Running = false })
	case "delete":
		if _, there := m.machines[last]; !there {
			return 1
		}
		delete(m.machines, last)
		if m.fallback == last {
			m.fallback = "none"
		}
	case "rename":
		return m.rename(argv[1], argv[2])
	case "clone":
		from, there := m.machines[argv[1]]
		if _, taken := m.machines[argv[2]]; taken || !there {
			return 1
		}
		m.machines[argv[2]] = modelMachine{User: from.User, Port: from.Port}
	case "default":
		if _, there := m.machines[last]; !there && last != "none" {
			return 1
		}
		m.fallback = last
	case "config":
		return m.set(argv[2], argv[3])
	case "run":
		m.edit(argv[2], func(x *modelMachine) { x.Running = true })
		return -1
	}
	return 0
}

func (m *model) edit(name string, f func(*modelMachine)) (exit int) {
	x, there := m.machines[name]
	if !there {
		return 1
	}
	f(&x)
	m.machines[name] = x
	return 0
}

func (m *model) rename(from, to string) (exit int) {
	x, there := m.machines[from]
	if _, taken := m.machines[to]; taken || !there {
		return 1
	}
	delete(m.machines, from)
	m.machines[to] = x
	if m.fallback == from {
		m.fallback = to
	}
	return 0
}

func (m *model) set(key, value string) (exit int) {
	name, field, of := machineKey(key)
	if !of {
		m.config[key] = value
		return 0
	}
	return m.edit(name, func(x *modelMachine) {
		switch field {
		case "username":
			x.User = value
		case "http_port":
			x.Port, _ = strconv.Atoi(value)
		}
	})
}

// machineKey takes machine.NAME.FIELD apart.
func machineKey(key string) (name, field string, ok bool) {
	words := strings.Split(key, ".")
	if len(words) != 3 || words[0] != "machine" {
		return "", "", false
	}
	return words[1], words[2], true
}

// touches says what a command line changes, or only looks into (shared). Two that
// touch the same must not overlap, unless both only look. Nothing at all is
// touched by what asks OrbStack alone.
func touches(argv []string) (what []string, shared bool) {
	switch argv[0] {
	case "start", "restart", "stop", "delete":
		return argv[len(argv)-1:], false
	case "rename", "clone":
		return argv[1:3], false
	case "default":
		switch {
		case len(argv) == 1:
			return nil, false
		case argv[1] == "none":
			return []string{"OrbStack"}, false
		}
		return []string{"OrbStack", argv[1]}, false
	case "config":
		if argv[1] != "set" {
			return nil, false
		}
		if name, _, of := machineKey(argv[2]); of {
			return []string{name}, false
		}
		return []string{"OrbStack"}, false
	case "run":
		return argv[2:3], true
	}
	return nil, false
}
