package orbsim

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"orbstack-mcp/internal/orbsim/worldfile"
)

// keyKind is how loosely a value is checked: the texts for a bad one are
// [unknown] (docs/orbctl-contract.md §4), so these are the simulator's own.
type keyKind string

const (
	kindInt    keyKind = "an integer"
	kindBool   keyKind = "true or false"
	kindCIDR   keyKind = "a network such as 192.168.138.0/23"
	kindString keyKind = "text"
	kindList   keyKind = "a list"
)

type setting struct {
	key     string
	kind    keyKind
	restart bool // config set prints the restart hint
}

// settings is the table of docs/orbctl-contract.md §4, in the order of the
// fragments of testdata/config-show.txt. Machine keys stand after rosetta.
var settings = []setting{
	{"cpu", kindInt, true},
	{"memory_mib", kindInt, true},
	{"network.subnet4", kindCIDR, true},
	{"rosetta", kindBool, true},
	{"machine.", "", false}, // where machine.NAME.KEY is listed
	{"machines.forward_ports", kindBool, false},
	{"machines.expose_ports_to_lan", kindBool, false},
	{"k8s.enable", kindBool, true},
	{"k8s.expose_services", kindBool, true},
	{"data_allow_backup", kindBool, false},
	{"data_dir", kindString, true},
	{"docker.set_context", kindBool, false},
	{"docker.expose_ports_to_lan", kindBool, false},
	{"docker.node_name", kindString, false},
	{"mount_hide_shared", kindBool, false},
	{"network_proxy", kindString, false},
	{"network.proxy.exclude", kindList, false},
	{"network.https", kindBool, false},
	{"network_bridge", kindBool, false},
	{"ssh.expose_port", kindBool, false},
	{"setup.use_admin", kindBool, false},
	{"app.start_at_login", kindBool, false},
	{"power.pause_in_sleep", kindBool, false},
}

func settingOf(key string) (setting, bool) {
	i := slices.IndexFunc(settings, func(s setting) bool { return s.key == key })
	if i < 0 || strings.HasSuffix(key, ".") {
		return setting{}, false
	}
	return settings[i], true
}

// check tells whether a value fits its kind; an empty one unsets a text or list.
func (k keyKind) check(value string) bool {
	switch k {
	case kindInt:
		n, err := strconv.ParseInt(value, 10, 64)
		return err == nil && n >= 0
	case kindBool:
		return value == "true" || value == "false"
	case kindCIDR:
		_, err := netip.ParsePrefix(value)
		return err == nil
	default:
		return !strings.ContainsAny(value, "\n\x00")
	}
}

// machineSetting is a machine.NAME.KEY, bound to the field of the machine that it is.
type machineSetting struct {
	kind  keyKind
	since string // the OrbStack that has it first
	get   func(*worldfile.Machine) string
	set   func(*worldfile.Machine, string)
}

var machineSettings = map[string]machineSetting{
	"username": {
		kindString, "2.0.0",
		func(m *worldfile.Machine) string { return m.DefaultUsername },
		func(m *worldfile.Machine, v string) { m.DefaultUsername = v },
	},
	"isolated": {
		kindBool, "2.1.0",
		func(m *worldfile.Machine) string { return strconv.FormatBool(m.Isolated) },
		func(m *worldfile.Machine, v string) { m.Isolated = v == "true" },
	},
	"isolate_network": {
		kindBool, "2.2.0",
		func(m *worldfile.Machine) string { return strconv.FormatBool(m.IsolateNetwork) },
		func(m *worldfile.Machine, v string) { m.IsolateNetwork = v == "true" },
	},
	"forward_ssh_agent": {
		kindBool, "2.2.0",
		func(m *worldfile.Machine) string { return strconv.FormatBool(m.ForwardSSHAgent) },
		func(m *worldfile.Machine, v string) { m.ForwardSSHAgent = v == "true" },
	},
	"http_port": {
		kindInt, "2.2.0",
		func(m *worldfile.Machine) string { return strconv.Itoa(m.HTTPPort) },
		func(m *worldfile.Machine, v string) { m.HTTPPort, _ = strconv.Atoi(v) },
	},
	"https_port": {
		kindInt, "2.2.0",
		func(m *worldfile.Machine) string { return strconv.Itoa(m.HTTPSPort) },
		func(m *worldfile.Machine, v string) { m.HTTPSPort, _ = strconv.Atoi(v) },
	},
	"cpu": {
		kindInt, "2.2.0",
		func(m *worldfile.Machine) string { return strconv.Itoa(m.Limits.CPU) },
		func(m *worldfile.Machine, v string) { m.Limits.CPU, _ = strconv.Atoi(v) },
	},
	"memory_mib": {
		kindInt, "2.2.0",
		func(m *worldfile.Machine) string { return strconv.FormatInt(m.Limits.MemoryMiB, 10) },
		func(m *worldfile.Machine, v string) { m.Limits.MemoryMiB, _ = strconv.ParseInt(v, 10, 64) },
	},
	"disk_bytes": {
		kindInt, "2.2.0",
		func(m *worldfile.Machine) string { return strconv.FormatInt(m.Limits.DiskBytes, 10) },
		func(m *worldfile.Machine, v string) { m.Limits.DiskBytes, _ = strconv.ParseInt(v, 10, 64) },
	},
	"mounts": {
		kindList, "2.2.0",
		func(m *worldfile.Machine) string { return strings.Join(m.Mounts, ",") },
		func(m *worldfile.Machine, v string) { m.Mounts = splitList(v) },
	},
}

// machineKeyOrder is how a machine's keys are listed; only username always is.
var machineKeyOrder = []string{
	"username", "isolated", "isolate_network", "forward_ssh_agent", "http_port", "https_port", "cpu", "memory_mib", "disk_bytes", "mounts",
}

// splitMachineKey takes machine.NAME.KEY apart; a NAME may hold dots, a KEY does not.
func splitMachineKey(key string) (name, field string, ok bool) {
	rest, ok := strings.CutPrefix(key, "machine.")
	if !ok {
		return "", "", false
	}
	i := strings.LastIndexByte(rest, '.')
	if i < 1 {
		return "", "", false
	}
	return rest[:i], rest[i+1:], true
}

func splitList(v string) []string {
	if v == "" {
		return nil
	}
	return strings.Split(v, ",")
}

type keyValue struct{ key, value string }

// listing is what config show prints: what is stored, and what machines have
// set. The caller holds d.mu.
func (d *Daemon) listing() []keyValue {
	left := maps.Clone(d.config)
	var out []keyValue
	for _, s := range settings {
		if s.key == "machine." {
			out = append(out, d.machineListing(left)...)
			continue
		}
		if v, ok := left[s.key]; ok {
			out = append(out, keyValue{s.key, v})
			delete(left, s.key)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(left)) {
		out = append(out, keyValue{k, left[k]})
	}
	return out
}

func (d *Daemon) machineListing(left map[string]string) []keyValue {
	var out []keyValue
	for _, m := range d.machines {
		for _, field := range machineKeyOrder {
			s, key := machineSettings[field], "machine."+m.spec.Name+"."+field
			v := s.get(&m.spec)
			delete(left, key) // of an earlier machine of this name: what exists has its own
			if !d.has(s.since) || (field != "username" && (v == "0" || v == "false" || v == "")) {
				continue
			}
			out = append(out, keyValue{key, v})
		}
	}
	for _, k := range slices.Sorted(maps.Keys(left)) { // keys of machines that are gone
		if strings.HasPrefix(k, "machine.") {
			out = append(out, keyValue{k, left[k]})
			delete(left, k)
		}
	}
	return out
}

// get is the value of one key; false for a key that does not exist. The caller
// holds d.mu.
func (d *Daemon) get(key string) (string, bool) {
	if name, field, ok := splitMachineKey(key); ok {
		if s, ok := machineSettings[field]; ok && d.has(s.since) {
			if m := d.byName(name); m != nil {
				return s.get(&m.spec), true
			}
		}
	}
	if v, ok := d.config[key]; ok {
		return v, true
	}
	_, ok := settingOf(key) // unset is empty, whatever the default (docs/orbctl-contract.md §4)
	return "", ok
}

// set stores a value and says whether OrbStack wants a restart for it. The
// caller holds d.mu.
func (d *Daemon) set(key, value string) (restart bool, err error) {
	if name, field, ok := splitMachineKey(key); ok {
		s, ok := machineSettings[field]
		if !ok || !d.has(s.since) {
			return false, fail(1, "[-32098] unknown config key: '%s'", key)
		}
		if !s.kind.check(value) {
			return false, fail(1, "[-32098] invalid value for '%s': '%s' is not %s", key, value, s.kind)
		}
		m := d.byName(name)
		if m == nil {
			return false, fail(1, "[-32098] machine not found: '%s'", name)
		}
		s.set(&m.spec, value)
		return false, nil
	}
	s, ok := settingOf(key)
	if _, stored := d.config[key]; !ok && !stored {
		return false, fail(1, "[-32098] unknown config key: '%s'", key)
	}
	if ok && !s.kind.check(value) {
		return false, fail(1, "[-32098] invalid value for '%s': '%s' is not %s", key, value, s.kind)
	}
	d.config[key] = value
	return s.restart, nil
}

// exitError ends a command with a text on stderr, as it stands, and an exit code.
type exitError struct {
	code int
	text string // "" prints nothing
}

func (e *exitError) Error() string { return e.text }

func fail(code int, format string, args ...any) error {
	return &exitError{code: code, text: fmt.Sprintf(format, args...)}
}
