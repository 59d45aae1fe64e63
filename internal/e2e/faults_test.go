package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/orbctl/guest"
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
	// promised is what a result of that kind says beyond says.
	promised map[string]func(r result) bool
	// runs are the verbs of orbctl that it may wait for, one after the other, each with
	// status before it; probe is the limit of the script that it runs.
	runs  []string
	probe time.Duration
}

// deadlines are those of the runner; that of run is the probe's limit and a margin.
var deadlines = map[string]time.Duration{
	"status": 10 * time.Second, "version": 10 * time.Second, "list": 10 * time.Second, "info": 10 * time.Second,
	"config": 10 * time.Second, "default": 10 * time.Second, "logs": 15 * time.Second, "run": 5 * time.Second,
}

// bound is the longest that a call may take, whatever orbctl does: every run with
// what it takes to end it, and what a busy computer takes to start them.
func (c toolCall) bound() time.Duration {
	const ending, busy = 4 * time.Second, 10 * time.Second
	all := deadlines["status"] + ending + c.probe + busy
	for _, verb := range c.runs {
		all += deadlines[verb] + ending
	}
	return all
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

const noDefault = "nothing is what default prints where there is none (docs/orbctl-contract.md §2)"

// lacks reports a result that says so of a part, in these words.
func lacks(part, why string) func(r result) bool {
	return func(r result) bool {
		list, _ := r.at("missing").([]any)
		return slices.ContainsFunc(list, func(m any) bool {
			gap, _ := m.(map[string]any)
			text, _ := gap["why"].(string)
			return gap["part"] == part && strings.Contains(text, why)
		})
	}
}

// brokenLog is what is promised of a log that orbctl does not print well. Whatever
// it prints is the log (docs/orbctl-contract.md §7): a flood is one too.
func brokenLog(empty, end, characters string) map[string]func(r result) bool {
	return map[string]func(r result) bool{
		"empty":     lacks(empty, "cannot be told whether the log is empty"),
		"truncated": lacks(end, "in the middle of a line"),
		"garbage":   lacks(characters, "are no text"),
		"huge":      func(r result) bool { return strings.Contains(r.Text, "all work and no play") },
	}
}

// toolCalls are about the machine web of brokenWorld.
func toolCalls() []toolCall {
	return []toolCall{
		{name: "vm_list", tool: "vm_list", runs: []string{"list", "info"}, args: args{}, says: func(r result) bool {
			return len(r.Structured["machines"].([]any)) == 2 && (r.at("machines", 0, "ipv4") != nil || r.at("machines", 0, "missing") != nil)
		}},
		{name: "vm_network_details", tool: "vm_network_details", runs: []string{"info", "run"}, probe: 10 * time.Second, args: args{"machine": "web"}, says: func(r result) bool {
			return r.at("ipv4") == "192.168.139.10" && (long(r, "interfaces") || partial(r))
		}},
		{name: "vm_network_details of the default machine", tool: "vm_network_details", runs: []string{"default", "info", "run"}, probe: 10 * time.Second, args: args{}, says: func(r result) bool {
			return r.at("machine") == "web" && r.at("ipv4") == "192.168.139.10"
		}, also: map[string]string{"empty": "machine_not_found"}}, // default names none
		{name: "vm_test_connectivity", tool: "vm_test_connectivity", runs: []string{"list", "run"}, probe: guest.MaxConnectivity, args: args{"machine": "web", "target": "192.168.139.10:80", "count": 1}, says: func(r result) bool {
			return r.at("verdict") == "ok" && long(r, "results") || partial(r)
		}},
		{name: "vm_test_connectivity from the Mac", tool: "vm_test_connectivity", runs: []string{"list"}, probe: guest.MaxConnectivity, args: args{"target": "web:80", "count": 1, "from": "mac"}, says: func(r result) bool {
			return r.at("verdict") == "ok" && long(r, "results") || partial(r)
		}},
		{name: "vm_dns_lookup", tool: "vm_dns_lookup", runs: []string{"list", "run"}, probe: 25 * time.Second, args: args{"machine": "web", "hostname": "web.orb.local"}, says: func(r result) bool {
			return long(r, "in_machine", "records") || partial(r)
		}},
		{name: "orbstack_config_get key", tool: "orbstack_config_get", runs: []string{"config", "config"}, args: args{"key": "memory_mib"}, says: func(r result) bool {
			return r.at("settings", 0, "value") == "16384"
		}},
		{name: "orbstack_config_get all", tool: "orbstack_config_get", runs: []string{"config", "list"}, args: args{}, says: func(r result) bool { return setting(r, "memory_mib") == "16384" }},
		{name: "orbstack_config_set", tool: "orbstack_config_set", runs: []string{"config", "config", "config", "config", "config"}, args: args{"key": "rosetta", "value": "false"}, says: func(r result) bool {
			return r.at("after") == "false" && r.at("changed") == true
		}},
		{name: "vm_username_set", tool: "vm_username_set", runs: []string{"info", "run", "config", "config", "config"}, probe: 10 * time.Second, args: args{"machine": "web", "username": "root"}, says: func(r result) bool {
			return r.at("after") == "root" || r.at("warning") != nil
		}},
		{name: "vm_limits_set", tool: "vm_limits_set", runs: []string{"info", "run", "version", "config", "config", "config"}, probe: 20 * time.Second, args: args{"machine": "web", "cpus": "1"}, says: func(r result) bool {
			return r.at("limits", 0, "after") == "1" && r.at("changed") == true || r.at("limits", 0, "warning") != nil
		}},
		{name: "vm_network_map", tool: "vm_network_map", runs: []string{"list", "info", "run"}, probe: guest.MaxConnectivity, args: args{}, says: func(r result) bool {
			return long(r, "machines")
		}},
		{name: "vm_logs", tool: "vm_logs", runs: []string{"logs", "list"}, args: args{"machine": "web"}, says: func(r result) bool {
			return long(r, "lines") && strings.Contains(r.Text, "Booting Linux") || partial(r) || r.at("lines_cut") != 0.0
		}, promised: brokenLog("lines", "the end", "characters")},
		{name: "vm_logs journal", tool: "vm_logs", runs: []string{"info", "run"}, probe: 15 * time.Second, args: args{"machine": "web", "source": "journal"}, says: partial},
		{name: "vm_status_detailed", tool: "vm_status_detailed", runs: []string{"info", "run", "logs"}, probe: 20 * time.Second, args: args{"machine": "web", "log_lines": 0}, says: func(r result) bool {
			return r.at("machine") == "web" && (r.at("kernel") != nil || partial(r))
		}},
		{name: "vm_status_detailed with a log", promised: brokenLog("log", "log", "log"), tool: "vm_status_detailed", runs: []string{"info", "run", "logs"}, probe: 20 * time.Second, args: args{"machine": "web"}, says: func(r result) bool {
			return r.at("machine") == "web" && (r.at("kernel") != nil && long(r, "log") || partial(r))
		}},
		{name: "orbstack_status", tool: "orbstack_status", runs: []string{"version", "default", "list"}, args: args{}, says: func(r result) bool {
			return r.at("state") == "running" && (r.at("machines", "running") == 2.0 && r.at("default_machine") == "web" || partial(r))
		}, taken: map[string]string{"empty": noDefault}},
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
	promises   bool     // the calls get as far as what promised is about
	without    []string // kinds of which the first breakage shows as much, and that cost much
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
		{name: "info", argv: "^info", calls: func(c toolCall) bool {
			return slices.Contains([]string{"vm_list", "vm_network_details", "vm_username_set", "vm_limits_set", "vm_network_map", "vm_logs journal", "vm_status_detailed"}, c.name)
		}, without: []string{"huge", "crash"}},
		// No tool runs two of these, so that each breaks alone.
		{name: "default, logs or config", argv: "^(default|logs|config)", calls: func(c toolCall) bool {
			return slices.Contains([]string{
				"vm_network_details of the default machine", "orbstack_status", "vm_logs", "vm_status_detailed with a log",
				"orbstack_config_get key", "orbstack_config_get all", "orbstack_config_set", "vm_username_set", "vm_limits_set",
			}, c.name)
		}, promises: true, without: []string{"crash"}},
	} {
		for i, kind := range kinds {
			if slices.Contains(b.without, kind) {
				continue
			}
			for _, e := range turn(i) {
				for part, calls := range b.parts(kind) {
					t.Run(fmt.Sprintf("%s %s %s %d", e, b.name, kind, part), func(t *testing.T) {
						t.Parallel()
						b.breaks(t, open(t, brokenWorld(kind, b.argv), e), kind, calls)
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
func (b breakage) breaks(t *testing.T, s *session, kind string, calls []toolCall) {
	t.Helper()
	answers := make([]<-chan message, len(calls))
	began, limit := time.Now(), time.Duration(0)
	for i, c := range calls {
		_, answers[i] = s.start("tools/call", args{"name": c.tool, "arguments": c.args})
	}
	for i, c := range calls {
		m := s.wait(t, answers[i])
		limit = max(limit, c.bound()) // an answer may have waited for the one before it to be read
		assert.Less(t, time.Since(began), limit, c.name)
		require.Nil(t, m.Error, c.name)
		r := s.result(t, c.tool, m)
		switch {
		case r.IsError:
			assert.NotEqual(t, "delay", kind, "%s: a slow orbctl is no error: %s", c.name, r.Text)
			assert.Contains(t, append(typed, c.also[kind]), r.code(), "%s: %s", c.name, r.Text)
		case c.taken[kind] == "":
			assert.True(t, c.says(r), "%s: %s", c.name, r.Text)
			if promised := c.promised[kind]; promised != nil && b.promises {
				assert.True(t, promised(r), "%s: %s", c.name, r.Text)
			}
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
	all := breakage{name: "status", argv: "^status", calls: func(c toolCall) bool { return c.tool != "orbstack_status" }}
	for i, kind := range kinds {
		e := eras[i%2]
		// An exit code of 0 without a word is Running (docs/orbctl-contract.md §2).
		works := kind == "delay" || kind == "empty"
		for part, calls := range all.parts(kind) {
			t.Run(fmt.Sprintf("%s %s %d", e, kind, part), func(t *testing.T) {
				t.Parallel()
				s := open(t, brokenWorld(kind, all.argv), e)
				as := kind
				if works {
					as = "delay" // no call may fail
				}
				for i := range calls { // nothing else is broken that could excuse a call
					calls[i].also, calls[i].taken = nil, nil
					if !works {
						calls[i].says = func(result) bool { return false }
					}
				}
				all.breaks(t, s, as, calls)
				brokenStatus(t, s, works)
			})
		}
	}
}

func brokenStatus(t *testing.T, s *session, works bool) {
	t.Helper()
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
