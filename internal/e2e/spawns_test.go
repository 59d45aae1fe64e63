package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const spawnWorld = `
default: web
config: {cpu: "2", rosetta: "true", new.key: "1"}
machines:
  - {name: web, ip4: 192.168.139.10, listeners: [{kind: tcp, port: 80}], users: [root, ana, eve]}
  - {name: db}
  - {name: legacy, state: stopped}
`

// A spawnCase is a call and what it runs of orbctl, without status.
type spawnCase struct {
	name, tool string
	args       args
	runs       []string
}

const (
	runDefault = "default"
	runList    = "list -f json"
	infoWeb    = "info web -f json"
	infoLegacy = "info legacy -f json"
	infoOther  = "info other -f json"
	probeWeb   = "run -m web -w / "
)

// spawnCases are the hard numbers of the plan: a run costs a Mac some 20 ms and
// a lane's place.
func spawnCases() []spawnCase {
	return []spawnCase{
		{"list", "vm_list", args{}, []string{runList, infoWeb, "info db -f json", infoLegacy}},
		{"list, narrowed", "vm_list", args{"name_contains": "we"}, []string{runList, infoWeb}},
		{"list of none", "vm_list", args{"name_contains": "nothing"}, []string{runList}},
		{"network", "vm_network_details", args{"machine": "web"}, []string{infoWeb, probeWeb + "network"}},
		{"network of a stopped one", "vm_network_details", args{"machine": "legacy"}, []string{infoLegacy}},
		{"network, default", "vm_network_details", args{}, []string{runDefault, infoWeb, probeWeb + "network"}},
		{"test", "vm_test_connectivity", args{"machine": "web", "target": "192.168.139.10:80", "count": 1}, []string{runList, probeWeb + "connectivity"}},
		{"test of a machine", "vm_test_connectivity", args{"machine": "web", "target": "db", "count": 1}, []string{runList, probeWeb + "connectivity"}},
		{"test, default", "vm_test_connectivity", args{"target": "db", "count": 1}, []string{runDefault, runList, probeWeb + "connectivity"}},
		{"test from the Mac", "vm_test_connectivity", args{"target": "web:80", "count": 1, "from": "mac"}, []string{runList, infoWeb}},
		{"lookup", "vm_dns_lookup", args{"machine": "web", "hostname": "db.orb.local"}, []string{runList, probeWeb + "dns"}},
		{"lookup, default", "vm_dns_lookup", args{"hostname": "db.orb.local"}, []string{runDefault, runList, probeWeb + "dns"}},
		{"lookup on the Mac", "vm_dns_lookup", args{"hostname": "db.example", "from": "mac"}, nil},
		{"lookup of a machine on the Mac", "vm_dns_lookup", args{"hostname": "db.orb.local", "from": "mac"}, []string{runList}},
		{"get", "orbstack_config_get", args{"key": "cpu"}, []string{"config get cpu"}},
		{"get of a machine", "orbstack_config_get", args{"key": "machine.web.username"}, []string{"config get machine.web.username"}},
		{"get of a new key", "orbstack_config_get", args{"key": "new.key"}, []string{"config show"}},
		{"get all", "orbstack_config_get", args{}, []string{"config show", runList}},
		{"set", "orbstack_config_set", args{"key": "rosetta", "value": "false"}, []string{"config get rosetta", "config set rosetta false", "config get rosetta"}},
		{"set again", "orbstack_config_set", args{"key": "rosetta", "value": "false"}, []string{"config get rosetta"}},
		{"set, dry", "orbstack_config_set", args{"key": "rosetta", "value": "true", "dry_run": true}, []string{"config get rosetta"}},
		{"set of a machine", "orbstack_config_set", args{"key": "machine.db.memory_mib", "value": "512"}, []string{"info db -f json", "config set machine.db.memory_mib 512", "config get machine.db.memory_mib"}},
		{"user", "vm_username_set", args{"machine": "web", "username": "eve"}, []string{infoWeb, probeWeb + "users", "config set machine.web.username eve", "config get machine.web.username"}},
		{"user again", "vm_username_set", args{"machine": "web", "username": "eve"}, []string{infoWeb, probeWeb + "users"}},
		{"user of a stopped one", "vm_username_set", args{"machine": "legacy", "username": "eve"}, []string{infoLegacy, "config set machine.legacy.username eve", "config get machine.legacy.username"}},
		{"limits", "vm_limits_set", args{"machine": "web", "cpus": "1", "memory": "512M"}, []string{infoWeb, "config set machine.web.cpu 1", "config get machine.web.cpu", "config set machine.web.memory_mib 512", "config get machine.web.memory_mib", probeWeb + "status"}},
		{"limits again", "vm_limits_set", args{"machine": "web", "cpus": "1"}, []string{infoWeb, probeWeb + "status"}},
		{"limits of a stopped one", "vm_limits_set", args{"machine": "legacy", "cpus": "1"}, []string{infoLegacy, "config set machine.legacy.cpu 1", "config get machine.legacy.cpu"}},
		{"map", "vm_network_map", args{}, []string{runList, infoWeb, "info db -f json", probeWeb + "netmap", "run -m db -w / netmap"}},
		{"map of one", "vm_network_map", args{"machines": []string{"web", "legacy"}}, []string{runList, infoWeb}},
		{"logs", "vm_logs", args{"machine": "legacy"}, []string{"logs legacy"}},
		{"logs, all of them", "vm_logs", args{"machine": "web", "source": "machine-verbose"}, []string{"logs web -a"}},
		{"logs, default", "vm_logs", args{}, []string{runDefault, "logs web"}},
		{"journal", "vm_logs", args{"machine": "web", "source": "journal"}, []string{infoWeb, "run -m web -u root -w / journal"}},
		{"status", "vm_status_detailed", args{"machine": "web"}, []string{infoWeb, probeWeb + "status", "logs web"}},
		{"status without a log", "vm_status_detailed", args{"machine": "web", "log_lines": 0}, []string{infoWeb, probeWeb + "status"}},
		{"status of a stopped one", "vm_status_detailed", args{"machine": "legacy"}, []string{infoLegacy, "logs legacy"}},
		{"status, default", "vm_status_detailed", args{}, []string{runDefault, infoWeb, probeWeb + "status", "logs web"}},
		{"orbstack", "orbstack_status", args{}, []string{runList, runDefault}},
		{"no such machine", "vm_network_details", args{"machine": "nope"}, []string{"info nope -f json", runList}},
		{"clone", "vm_clone", args{"machine": "legacy", "new_name": "copy"}, []string{infoLegacy, runList, "clone legacy copy", "info copy -f json"}},
		{"rename", "vm_rename", args{"machine": "copy", "new_name": "other"}, []string{runList, "info copy -f json", "rename copy other", infoOther}},
		{"start", "vm_start", args{"machines": []string{"other"}}, []string{infoOther, "start other", infoOther}},
		{"start again", "vm_start", args{"machines": []string{"other"}}, []string{infoOther}},
		{"restart", "vm_restart", args{"machines": []string{"other"}}, []string{infoOther, "restart other", infoOther}},
		{"stop", "vm_stop", args{"machines": []string{"other"}}, []string{infoOther, "stop other", infoOther}},
		{"stop again", "vm_stop", args{"machines": []string{"other"}}, []string{infoOther}},
		{"force again", "vm_stop", args{"machines": []string{"other"}, "force": true}, []string{infoOther, infoOther}},
		{"default", "vm_default_set", args{"machine": "other"}, []string{infoOther, runDefault, "default other", runDefault}},
		{"default again", "vm_default_set", args{"machine": "other"}, []string{infoOther, runDefault}},
		{"delete, asked first", "vm_delete", args{"machine": "other"}, []string{infoOther, infoOther, "delete -f other", runList}},
		{"create", "vm_create", args{"name": "new", "distro": "debian", "isolated": true}, []string{runList, "create --isolated --isolate-network debian new", "info new -f json", "info new -f json", "run -m new -w / posture"}}, // the second since it was made in between
		{"create, taken", "vm_create", args{"name": "new", "distro": "debian"}, []string{runList}},
		{"exec", "vm_exec", args{"machine": "new", "command": "true"}, []string{"info new -f json", "run -m new -w / exec"}},
		{"exec, asked first", "vm_exec", args{"machine": "web", "command": "true"}, []string{infoWeb, infoWeb, infoWeb, "run -m web -w / exec"}}, // the last one for what a person has agreed to
		{"no such job", "vm_job", args{"job": "job_nothing"}, nil},
		{"no such job to end", "vm_job_cancel", args{"job": "job_nothing"}, nil},
	}
}

// fails reports a case whose call ends in an error.
func (c spawnCase) fails() bool {
	return strings.HasPrefix(c.name, "no such") || c.name == "create, taken"
}

func TestEveryToolRunsNoMoreOfOrbctlThanItHasTo(t *testing.T) {
	t.Parallel()
	for _, e := range eras {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			s := openAsking(t, spawnWorld, e, always(accept))
			for _, method := range []string{"tools/list", "ping", "resources/list", "prompts/list"} {
				s.request(t, method, args{})
			}
			if e == modern {
				m := s.request(t, "server/discover", args{})
				require.Nil(t, m.Error)
			}
			m := s.request(t, "tools/list", args{})
			require.Nil(t, m.Error)
			require.Empty(t, s.reached(), "nothing is run before the first call")

			first := s.call(t, "orbstack_status", args{})
			require.False(t, first.IsError, first.Text)
			calls, _ := s.spawns(0)
			assert.Equal(t, []string{"version", "create --help", runList, runDefault}, calls, "what orbctl can do is asked once")

			tools := map[string]bool{}
			for _, c := range spawnCases() {
				tools[c.tool] = true
				mark := len(s.reached())
				r := s.call(t, c.tool, c.args)
				assert.Equal(t, c.fails(), r.IsError, "%s: %s", c.name, r.Text)
				calls, _ := s.spawns(mark)
				if c.tool == "vm_list" || c.tool == "vm_network_map" { // info and probes run side by side
					assert.ElementsMatch(t, c.runs, calls, c.name)
				} else {
					assert.Equal(t, c.runs, calls, c.name)
				}
				for _, call := range calls {
					assert.NotContains(t, call, "--help", "%s: asked once in the life of the server", c.name)
				}
			}
			assert.Len(t, tools, len(s.tools(t)), "every tool is counted")
			assertStatusAge(t, s)
		})
	}
}

// assertStatusAge: an answer of status is good for two seconds.
func assertStatusAge(t *testing.T, s *session) {
	t.Helper()
	var last time.Time
	n := 0
	for _, r := range s.records() {
		if r.Event != "start" || brief(r.Argv) != "status" {
			continue
		}
		n++
		// Its age counts from its end, which is later than its start.
		assert.GreaterOrEqual(t, r.Time.Sub(last), 2*time.Second, "status was asked twice in two seconds")
		last = r.Time
	}
	assert.NotZero(t, n)
}

// A flight of calls at once asks once.
func TestCallsAtOnceShareOneStatus(t *testing.T) {
	t.Parallel()
	for _, e := range turnOf(t) {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			s := open(t, spawnWorld, e)
			var answers []<-chan message
			for range 12 {
				_, a := s.start("tools/call", args{"name": "orbstack_config_get", "arguments": args{"key": "cpu"}})
				answers = append(answers, a)
			}
			for _, a := range answers {
				m := s.wait(t, a)
				require.Nil(t, m.Error)
			}
			calls, _ := s.spawns(0)
			assert.Len(t, calls, 12)
			assertStatusAge(t, s)
			assert.Equal(t, "status", s.reached()[0])
		})
	}
}

// What costs a run more than usual, and why.
func TestTheRunsOfRareCases(t *testing.T) {
	t.Parallel()
	const world = `
dns: [{name: db.orb.local, rcode: NXDOMAIN}]
machines:
  - {name: web, users: [root, ana, eve], files: {/etc/hosts: "192.168.139.15 ghosty.orb.local\n"}}
  - {name: db}
  - {name: ghosty, ip4: 192.168.139.15, default_username: ghost, users: [root], files: {/etc/passwd: "root:x:0:0:root:/root:/bin/sh\nbob:x:1000:1000:bob:/home/bob:/bin/sh\n"}}
`
	const infoGhosty = "info ghosty -f json"
	cases := []spawnCase{
		// The name of another machine does not resolve, or is set by hand: its address is asked for, and tried if it is another (ADR 4).
		{"test of a machine whose name is in a hosts file", "vm_test_connectivity", args{"machine": "web", "target": "ghosty", "count": 1}, []string{runList, probeWeb + "connectivity", infoGhosty}},
		{"test of a machine whose name does not resolve", "vm_test_connectivity", args{"machine": "web", "target": "db", "count": 1}, []string{runList, probeWeb + "connectivity", "info db -f json", probeWeb + "connectivity"}},
		{"user by its key", "orbstack_config_set", args{"key": "machine.web.username", "value": "eve"}, []string{infoWeb, probeWeb + "users", "config set machine.web.username eve", "config get machine.web.username"}},
		{"user by its key, dry", "orbstack_config_set", args{"key": "machine.web.username", "value": "ana", "dry_run": true}, []string{infoWeb, probeWeb + "users"}},
		// orb run does not take a user that the machine does not have: the probe is root's then.
		{"network, with a default user that is missing", "vm_network_details", args{"machine": "ghosty"}, []string{infoGhosty, "run -m ghosty -w / network", "run -m ghosty -u root -w / network"}},
		{"user, with a default user that is missing", "vm_username_set", args{"machine": "ghosty", "username": "bob"}, []string{infoGhosty, "run -m ghosty -w / users", "run -m ghosty -u root -w / users", "config set machine.ghosty.username bob", "config get machine.ghosty.username"}},
	}
	for _, e := range turnOf(t) {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			s := open(t, world, e)
			s.call(t, "orbstack_status", args{})
			for _, c := range cases {
				mark := len(s.reached())
				r := s.call(t, c.tool, c.args)
				assert.False(t, r.IsError, "%s: %s", c.name, r.Text)
				calls, _ := s.spawns(mark)
				assert.Equal(t, c.runs, calls, c.name)
			}
		})
	}
}

// Beyond 20 machines only their names are told, and nobody is asked one by one.
func TestAListOfManyIsOneRun(t *testing.T) {
	t.Parallel()
	for i, n := range []int{20, 21, 24} {
		e := eras[i%2]
		t.Run(fmt.Sprintf("%s %d", e, n), func(t *testing.T) {
			t.Parallel()
			var machines strings.Builder
			for i := range n {
				fmt.Fprintf(&machines, "  - {name: m%02d, state: stopped}\n", i)
			}
			s := open(t, "machines:\n"+machines.String(), e)
			r := s.call(t, "vm_list", args{})
			require.False(t, r.IsError, r.Text)
			assert.Len(t, r.at("machines"), n)
			calls, _ := s.spawns(0)
			if n == 20 {
				assert.Len(t, calls, 1+20)
				return
			}
			assert.Equal(t, []string{runList}, calls)

			mark := len(s.reached())
			r = s.call(t, "vm_list", args{"name_contains": "m1"})
			require.False(t, r.IsError, r.Text)
			calls, _ = s.spawns(mark)
			assert.Len(t, calls, 1+10)
		})
	}
}
