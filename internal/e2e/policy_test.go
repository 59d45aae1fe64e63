package e2e

import (
	"os/exec"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// names are the tools that are listed.
func (s *session) names(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, tool := range s.tools(t) {
		all = append(all, tool.Name)
	}
	return all
}

const policyWorld = `
default: db
machines:
  - {name: web, isolated: true}
  - {name: db}
  - {name: secret-project, state: stopped}
`

// What the flags take out is not listed, and called by name it is refused before
// anybody is asked anything.
func TestWhatIsNotOfferedIsRefusedByName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name       string
		flags      []string
		has, hasNo []string
		flag       string
	}{
		{"a toolset", []string{"--toolsets", "network,config"}, []string{"vm_dns_lookup", "vm_username_set"}, []string{"vm_list", "vm_delete", "vm_exec", "vm_job"}, "--toolsets"},
		{"two tools", []string{"--tools", "vm_list,vm_start"}, []string{"vm_list", "vm_start"}, []string{"vm_stop", "vm_create", "vm_job"}, "--toolsets"},
		{"all but two", []string{"--exclude-tools", "vm_delete,vm_exec"}, []string{"vm_list", "vm_create", "vm_job"}, []string{"vm_delete", "vm_exec"}, "--exclude-tools"},
		{"reading, whatever else", []string{"--read-only", "--toolsets", "all", "--tools", "vm_delete"}, []string{"vm_list", "vm_logs"}, []string{"vm_delete", "vm_create", "vm_exec", "vm_job_cancel", "orbstack_config_set"}, "--read-only"},
		{"one machine", []string{"--machine", "web"}, []string{"vm_list", "vm_start", "vm_delete", "vm_exec"}, []string{"vm_create", "vm_clone", "vm_rename", "vm_default_set"}, "--machine"},
		{"no commands", []string{"--exec", "off"}, []string{"vm_create"}, []string{"vm_exec"}, "--exec"},
	} {
		for _, e := range eras {
			t.Run(string(e)+" "+c.name, func(t *testing.T) {
				t.Parallel()
				s := openAsking(t, policyWorld, e, always(accept), c.flags...)
				names := s.names(t)
				assert.Subset(t, names, c.has)
				for _, tool := range c.hasNo {
					assert.NotContains(t, names, tool)
					for _, a := range []args{{}, {"machine": "web"}, {"machine": "web", "command": "true"}} {
						r := s.call(t, tool, a)
						assert.Equal(t, "not_allowed", r.code(), "%s: %s", tool, r.Text)
						assert.Equal(t, c.flag, r.at("error", "details", "flag"), tool)
					}
				}
				assert.Empty(t, s.reached())
				assert.Empty(t, s.asked())
			})
		}
	}
}

// No sentence of a result sends to a tool that the server does not offer.
func TestASentenceSendsOnlyToWhatIsOffered(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		flags     []string
		tool      string
		args      args
		at        string
		says, not string
	}{
		{[]string{"--read-only"}, "vm_test_connectivity", args{"target": "secret-project"}, "meaning", "If it should run, ask the user to start it.", "vm_start"},
		{[]string{"--tools", "orbstack_config_set"}, "orbstack_config_set", args{"key": "memory_mib", "value": "2048", "dry_run": true}, "restart", "ask the user when it suits", "vm_restart"},
		{[]string{"--tools", "orbstack_config_set"}, "orbstack_config_set", args{"key": "machine.web.cpu", "value": "1", "dry_run": true}, "restart", "OrbStack does not say which.", "vm_limits_set"},
	} {
		for _, e := range turnOf(t) {
			s := openAsking(t, policyWorld, e, always(accept), c.flags...)
			r := s.call(t, c.tool, c.args)
			require.False(t, r.IsError, r.Text)
			assert.Contains(t, r.at(c.at), c.says)
			assert.NotContains(t, r.Text, c.not)
		}
	}
}

// A server for one machine knows no other: not to change, not to look at, not by
// name, and not where a list is given for help.
func TestAServerForOneMachineKnowsNoOther(t *testing.T) {
	t.Parallel()
	for _, e := range turnOf(t) {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			s := openAsking(t, policyWorld, e, always(accept), "--machine", "web", "--exec", "all")
			var said string
			for _, c := range []struct {
				tool string
				args args
			}{
				{"vm_start", args{"machines": []string{"db"}}},
				{"vm_stop", args{"machines": []string{"db"}, "force": true}},
				{"vm_restart", args{"machines": []string{"db"}}},
				{"vm_delete", args{"machine": "db"}},
				{"vm_exec", args{"machine": "db", "command": "true"}},
				{"vm_logs", args{"machine": "db"}},
				{"vm_network_details", args{"machine": "db"}},
				{"vm_status_detailed", args{"machine": "db"}},
				{"vm_username_set", args{"machine": "db", "username": "root"}},
				{"vm_dns_lookup", args{"machine": "db", "hostname": "x.example", "from": "machine"}},
				{"vm_test_connectivity", args{"machine": "db", "target": "web"}},
				{"orbstack_config_set", args{"key": "machine.db.username", "value": "root"}},
				{"orbstack_config_set", args{"key": "rosetta", "value": "false"}},
				{"orbstack_config_get", args{"key": "machine.db.username"}},
				{"vm_delete", args{"machine": "nope"}},
			} {
				r := s.call(t, c.tool, c.args)
				assert.True(t, r.IsError, "%s %v: %s", c.tool, c.args, r.Text)
				assert.Contains(t, []string{"machine_not_found", "not_allowed"}, r.code(), "%s %v: %s", c.tool, c.args, r.Text)
				said += r.Text
			}
			assert.Empty(t, s.grave())
			assert.Empty(t, s.asked())
			for _, call := range s.reached() {
				assert.NotContains(t, call, "db")
			}

			r := s.call(t, "vm_list", args{})
			require.False(t, r.IsError, r.Text)
			assert.Equal(t, 1.0, r.at("total"))
			said += r.Text
			r = s.call(t, "orbstack_status", args{})
			require.False(t, r.IsError, r.Text)
			assert.Equal(t, "web", r.at("default_machine"), "the only one there is for it")
			said += r.Text
			r = s.call(t, "vm_status_detailed", args{"log_lines": 0})
			require.False(t, r.IsError, r.Text)
			assert.Equal(t, "web", r.at("machine"))
			r = s.call(t, "orbstack_config_get", args{})
			require.False(t, r.IsError, r.Text)
			said += r.Text
			assert.Equal(t, "ana", setting(r, "machine.web.username"))
			assert.Nil(t, setting(r, "machine.db.username"))
			assert.Empty(t, stale(r))
			for _, uri := range []string{"orbstack://machines", "orbstack://machines/secret-project", "orbstack://config"} {
				said += string(s.request(t, "resources/read", args{"uri": uri}).Result)
			}
			m := s.request(t, "completion/complete", args{"ref": args{"type": "ref/resource", "uri": "orbstack://machines/{machine}"}, "argument": args{"name": "machine", "value": ""}})
			said += string(m.Result)
			assert.NotContains(t, said, "secret-project")

			r = s.call(t, "vm_exec", args{"machine": "web", "command": "echo 42"})
			require.False(t, r.IsError, r.Text)
			r = s.call(t, "vm_restart", args{"machines": []string{"web"}})
			require.False(t, r.IsError, r.Text)
			r = s.call(t, "orbstack_config_set", args{"key": "machine.web.http_port", "value": "8080"})
			require.False(t, r.IsError, r.Text)
			assert.Equal(t, []string{"run -m web -w / exec", "restart web", "config set machine.web.http_port 8080"},
				slices.DeleteFunc(s.grave(), func(c string) bool { return c == "run -m web -w / status" }))
		})
	}
}

// A server that was started with words it does not know does not start: it could
// be less careful than its user thinks.
func TestAFlagThatIsNotUnderstoodEndsTheServer(t *testing.T) {
	t.Parallel()
	for _, flags := range [][]string{
		{"--toolsets", "net"},
		{"--tools", "vm_lst"},
		{"--exclude-tools", "vm_delet"},
		{"--machine", "--all"},
		{"--machine", ""},
		{"--machine", "../web"},
		{"--exec", "none"},
		{"--exec", ""},
		{"--confirm", "yes"},
		{"--confirm-timeout", "0s"},
		{"--confirm-timeout", "-1s"},
		{"--job-after", "0"},
		{"--read-only=maybe"},
		{"--unknown"},
		{"word"},
	} {
		out, err := exec.CommandContext(t.Context(), bin.server, append([]string{"--audit-log", "off"}, flags...)...).CombinedOutput()
		var exit *exec.ExitError
		require.ErrorAs(t, err, &exit, "%q: %s", flags, out)
		assert.NotEmpty(t, out, "%q", flags)
		assert.NotContains(t, string(out), "goroutine", "%q", flags)
	}
}
