package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// kinds are all ways in which orbsim breaks a call; the one that takes long first.
var kinds = []string{"hang", "error", "delay", "garbage", "huge", "truncated", "crash", "empty"}

// typed are the codes that say that orbctl is broken, and not the caller.
var typed = []string{"orbctl_failed", "output_limit", "timeout"}

// A toolCall is a tool with arguments that work, and what a true answer has.
type toolCall struct {
	name, tool string
	args       args
	// says is whether a result tells what is there, or that it could not be had.
	says func(r result) bool
	// also are further codes that are true in that kind of world.
	also map[string]string
	// taken are kinds whose output cannot be told from a good one, and why.
	taken map[string]string
}

// partial reports a result that admits that something is missing.
func partial(r result) bool {
	list, _ := r.at("missing").([]any)
	return len(list) > 0 || r.at("complete") == false
}

func long(r result, path ...any) bool {
	list, _ := r.at(path...).([]any)
	return len(list) > 0
}

const anyLog = "whatever logs prints is the log (docs/orbctl-contract.md §7)"

// toolCalls are about the machine web of brokenWorld.
func toolCalls() []toolCall {
	return []toolCall{
		{name: "vm_list", tool: "vm_list", args: args{}, says: func(r result) bool {
			return len(r.Structured["machines"].([]any)) == 2 && (r.at("machines", 0, "ipv4") != nil || r.at("machines", 0, "missing") != nil)
		}},
		{name: "vm_network_details", tool: "vm_network_details", args: args{"machine": "web"}, says: func(r result) bool {
			return r.at("ipv4") == "192.168.139.10" && (long(r, "interfaces") || partial(r))
		}},
		{name: "vm_network_details of the default machine", tool: "vm_network_details", args: args{}, says: func(r result) bool {
			return r.at("machine") == "web" && r.at("ipv4") == "192.168.139.10"
		}, also: map[string]string{"empty": "machine_not_found"}}, // default names none
		{name: "vm_test_connectivity", tool: "vm_test_connectivity", args: args{"machine": "web", "target": "192.168.139.10:80", "count": 1}, says: func(r result) bool {
			return r.at("verdict") == "ok" && long(r, "results") || partial(r)
		}},
		{name: "vm_test_connectivity from the Mac", tool: "vm_test_connectivity", args: args{"target": "web:80", "count": 1, "from": "mac"}, says: func(r result) bool {
			return r.at("verdict") == "ok" && long(r, "results") || partial(r)
		}},
		{name: "vm_dns_lookup", tool: "vm_dns_lookup", args: args{"machine": "web", "hostname": "web.orb.local"}, says: func(r result) bool {
			return long(r, "in_machine", "records") || partial(r)
		}},
		{name: "orbstack_config_get key", tool: "orbstack_config_get", args: args{"key": "memory_mib"}, says: func(r result) bool {
			return r.at("settings", 0, "value") == "16384"
		}},
		{name: "orbstack_config_get all", tool: "orbstack_config_get", args: args{}, says: func(r result) bool { return setting(r, "memory_mib") == "16384" }},
		{name: "orbstack_config_set", tool: "orbstack_config_set", args: args{"key": "rosetta", "value": "false"}, says: func(r result) bool {
			return r.at("after") == "false" && r.at("changed") == true
		}},
		{name: "vm_username_set", tool: "vm_username_set", args: args{"machine": "web", "username": "root"}, says: func(r result) bool {
			return r.at("after") == "root"
		}},
		{name: "vm_limits_set", tool: "vm_limits_set", args: args{"machine": "web", "cpus": "1"}, says: func(r result) bool {
			return r.at("limits", 0, "after") == "1" && r.at("changed") == true
		}},
		{name: "vm_network_map", tool: "vm_network_map", args: args{}, says: func(r result) bool {
			return long(r, "machines")
		}},
		{name: "vm_logs", tool: "vm_logs", args: args{"machine": "web"}, says: func(r result) bool {
			return long(r, "lines") && strings.Contains(r.Text, "Booting Linux") || partial(r)
		}, taken: map[string]string{"garbage": anyLog, "truncated": anyLog, "empty": anyLog, "huge": anyLog}},
		{name: "vm_logs journal", tool: "vm_logs", args: args{"machine": "web", "source": "journal"}, says: partial},
		{name: "vm_status_detailed", tool: "vm_status_detailed", args: args{"machine": "web", "log_lines": 0}, says: func(r result) bool {
			return r.at("machine") == "web" && (r.at("kernel") != nil || partial(r))
		}},
		{name: "orbstack_status", tool: "orbstack_status", args: args{}, says: func(r result) bool {
			return r.at("state") == "running" && (r.at("machines", "running") == 2.0 && r.at("default_machine") == "web" || partial(r))
		}},
	}
}

// setting is the value of a key in the catalogue.
func setting(r result, key string) any {
	list, _ := r.at("settings").([]any)
	for i := range list {
		if r.at("settings", i, "key") == key {
			return r.at("settings", i, "value")
		}
	}
	return nil
}

// brokenWorld breaks what matches argv in one way.
func brokenWorld(kind, argv string) string {
	return fmt.Sprintf(`
default: web
config: {cpu: "2", memory_mib: "16384", rosetta: "true"}
machines:
  - {name: web, ip4: 192.168.139.10, listeners: [{kind: http, port: 80}]}
  - {name: db, ip4: 192.168.139.11}
faults:
  - {argv: '%s', kind: %s, delay: %s}
`, argv, kind, map[bool]string{true: "300ms", false: "0s"}[kind == "delay"])
}

// A breakage is where orbctl breaks, and the calls that get there.
type breakage struct {
	name, argv string
	calls      func(c toolCall) bool
}

// Whatever part of orbctl breaks, and in whatever way: every tool ends, and gives
// an error with a code of its own or what is true, and never says that there is
// nothing where it only could not look.
func TestThreat27_ABrokenOrbctlIsNeverAnEmptySuccess(t *testing.T) {
	t.Parallel()
	for _, b := range []breakage{
		{name: "first", argv: "^(list|info|default|config|logs|run)", calls: func(toolCall) bool { return true }},
		{name: "guest", argv: "^run", calls: func(c toolCall) bool { return c.args["machine"] != nil && c.name != "vm_logs" }},
		{name: "list", argv: "^list", calls: func(c toolCall) bool {
			return slices.Contains([]string{"vm_list", "orbstack_config_get all", "orbstack_status"}, c.name)
		}},
		{name: "config get", argv: "^config get", calls: func(c toolCall) bool {
			return slices.Contains([]string{"orbstack_config_get key", "orbstack_config_set"}, c.name)
		}},
	} {
		for i, kind := range kinds {
			for _, e := range turn(i) {
				for part, calls := range b.parts(kind) {
					t.Run(fmt.Sprintf("%s %s %s %d", e, b.name, kind, part), func(t *testing.T) {
						t.Parallel()
						breaks(t, open(t, brokenWorld(kind, b.argv), e), kind, calls)
					})
				}
			}
		}
	}
}

// parts are the calls, made at once by one client; but those that hang would
// wait for each other's places.
func (b breakage) parts(kind string) [][]toolCall {
	var all []toolCall
	for _, c := range toolCalls() {
		if b.calls(c) {
			all = append(all, c)
		}
	}
	if kind != "hang" {
		return [][]toolCall{all}
	}
	return slices.Collect(slices.Chunk(all, 4))
}

// breaks makes the calls in a world that breaks them.
func breaks(t *testing.T, s *session, kind string, calls []toolCall) {
	t.Helper()
	answers := make([]<-chan message, len(calls))
	for i, c := range calls {
		_, answers[i] = s.start("tools/call", args{"name": c.tool, "arguments": c.args})
	}
	for i, c := range calls {
		m := s.wait(t, answers[i])
		require.Nil(t, m.Error, c.name)
		r := s.result(t, c.tool, m)
		switch {
		case r.IsError:
			assert.NotEqual(t, "delay", kind, "%s: a slow orbctl is no error: %s", c.name, r.Text)
			assert.Contains(t, append(typed, c.also[kind]), r.code(), "%s: %s", c.name, r.Text)
		case c.taken[kind] == "":
			assert.True(t, c.says(r), "%s: %s", c.name, r.Text)
		}
	}
	changes := map[string]int{}
	for _, call := range s.reached() {
		if strings.HasPrefix(call, "config set ") {
			changes[call]++
		}
	}
	for call, times := range changes {
		assert.Equal(t, 1, times, "a change is never repeated: %s", call)
	}
}

// Status is what every call asks first.
func TestThreat27_ABrokenStatusIsNeverAnEmptySuccess(t *testing.T) {
	t.Parallel()
	for i, kind := range kinds {
		e := eras[i%2]
		t.Run(string(e)+" "+kind, func(t *testing.T) {
			t.Parallel()
			s := open(t, brokenWorld(kind, "^status"), e)
			// An exit code of 0 without a word is Running (docs/orbctl-contract.md §2).
			works := kind == "delay" || kind == "empty"
			for _, c := range toolCalls() {
				if c.tool != "vm_list" && c.tool != "orbstack_config_set" {
					continue
				}
				r := s.call(t, c.tool, c.args)
				require.Equal(t, works, !r.IsError, r.Text)
				if works {
					assert.True(t, c.says(r), r.Text)
				} else {
					assert.Contains(t, typed, r.code(), r.Text)
				}
			}
			r := s.call(t, "orbstack_status", args{})
			require.False(t, r.IsError, "it works when OrbStack does not: %s", r.Text)
			if works {
				assert.Equal(t, "running", r.at("state"))
				return
			}
			assert.Equal(t, "unknown", r.at("state"))
			assert.NotEmpty(t, r.at("problem"))
			assert.NotEmpty(t, r.at("what_to_do"))
			for _, call := range s.reached() {
				assert.NotRegexp(t, "^(list|info|run|logs|default|config)", call, "nothing is run while it is not known whether that would start OrbStack")
			}
		})
	}
}

// An orbctl that cannot say what it can do is not one that cannot do it.
func TestThreat27_ABrokenHelpIsNotAnOldVersion(t *testing.T) {
	t.Parallel()
	for i, kind := range kinds {
		e := eras[i%2]
		t.Run(string(e)+" "+kind, func(t *testing.T) {
			t.Parallel()
			s := open(t, brokenWorld(kind, "^(version|create)"), e)
			r := s.call(t, "orbstack_config_set", args{"key": "machine.db.memory_mib", "value": "512"})
			if kind == "delay" {
				require.False(t, r.IsError, r.Text)
				assert.Equal(t, "512", r.at("after"))
				return
			}
			require.True(t, r.IsError)
			assert.Contains(t, typed, r.code(), r.Text)
			r = s.call(t, "orbstack_status", args{})
			require.False(t, r.IsError, r.Text)
			assert.Equal(t, "running", r.at("state"))
			assert.Equal(t, "version", r.at("missing", 0, "part"))
			assert.NotContains(t, s.reached(), "config set machine.db.memory_mib 512")
		})
	}
}
