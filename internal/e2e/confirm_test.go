package e2e

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const confirmWorld = `
default: web
config: {cpu: "2"}
machines:
  - {name: web, distro: "ubuntu:noble", disk_size: 2500000000}
  - {name: box, isolated: true}
  - {name: db, state: stopped, distro: "debian:bookworm", disk_size: 1500000000, id: 01K2G8TY5GM9C3CN95KCB4ZG8B}
  - {name: back, state: stopped}
`

// A grave call is one that a person has to agree to.
type graveCall struct {
	name, tool string
	args       args
	plan       []string // what the person has to read
	runs       []string // what reaches orbctl after a yes, and never before: how it begins
}

// folder is one of everyFolder.
func graveCalls(folder string) []graveCall {
	return []graveCall{
		{"exec where the Mac is in reach", "vm_exec", args{"machine": "web", "command": "echo hello; rm -rf \u202e/x\u200b"}, []string{`"web"`, `echo hello; rm -rf \u202e/x\u200b`, "ana", "not isolated"}, []string{"run -m web -w / exec"}},
		{"a file where the Mac is in reach", "vm_push", args{"machine": "web", "source": folder + "/file", "destination": "/tmp/pushed"}, []string{`"web"`, folder + "/file", "/tmp/pushed", "not isolated"}, []string{"run -m web -w / put"}},
		{"a copy to where the Mac is in reach", "vm_copy", args{"from_machine": "box", "source": "/etc/passwd", "to_machine": "web", "destination": "/tmp/copied"}, []string{`"box"`, "/etc/passwd", `"web"`, "/tmp/copied", "not isolated"}, []string{"run -m box -w / get", "run -m web -w / put"}},
		{"stop by force", "vm_stop", args{"machines": []string{"web"}, "force": true}, []string{`"web"`, "ubuntu:noble", "2.5 GB", "lost"}, []string{"stop -f web"}},
		{"a wall of a machine", "orbstack_config_set", args{"key": "machine.box.isolated", "value": "false"}, []string{"machine.box.isolated", "from true to false", "wall"}, []string{"config set machine.box.isolated false"}},
		{"a wall of OrbStack", "orbstack_config_set", args{"key": "network_proxy", "value": "http://proxy.example:3128"}, []string{"network_proxy", "http://proxy.example:3128"}, []string{"config set network_proxy http://proxy.example:3128"}},
		{"what runs at the first start", "vm_create", args{"name": "new", "distro": "ubuntu", "user_data": "#cloud-config\nruncmd: [reboot]\n"}, []string{`"new"`, "runcmd: [reboot]", "as root", "not be isolated"}, []string{"create --user-data"}},
		{"delete", "vm_delete", args{"machine": "db"}, []string{`"db"`, "debian:bookworm", "1.5 GB", "01K2G8TY5GM9C3CN95KCB4ZG8B", "stopped", "cannot be undone"}, []string{"delete -f db"}},
		{"an archive that nobody has looked into", "vm_import", args{"path": folder + "/archive", "name": "imported"}, []string{`"imported"`, folder + "/archive", "nobody knows"}, []string{"import "}},
		{"a machine for its checkpoint", "vm_rollback", args{"machine": "back", "checkpoint": "box"}, []string{`"back"`, `"box"`, "stopped", "ID "}, []string{"rename back ", "clone box back", "delete -f back-"}},
	}
}

// grave are the calls of orbctl so far that change or execute something.
func (s *session) grave() []string {
	return slices.DeleteFunc(s.reached(), func(c string) bool {
		verb, _, _ := strings.Cut(withoutHelp(c), " ")
		return !slices.Contains([]string{"run", "create", "clone", "start", "stop", "restart", "rename", "delete", "export", "import"}, verb) &&
			!strings.HasPrefix(c, "config set") && !strings.HasPrefix(c, "default ")
	})
}

// Whatever the answer is, if it is no yes, nothing has happened, nothing happens
// later, and each kind of no has a code of its own.
func TestNothingHappensWithoutAYes(t *testing.T) {
	t.Parallel()
	for _, no := range []struct {
		name           string
		person         person
		legacy, modern string // the code
		flags          []string
	}{
		{"declines", always(decline), "confirmation_declined", "confirmation_declined", nil},
		{"closes the question", always(closes), "confirmation_declined", "confirmation_declined", nil},
		{"never answers", always(silence), "confirmation_expired", "confirmation_declined", []string{"--confirm-timeout", "1s"}},
		{"is not to be had", nil, "confirmation_unavailable", "confirmation_unavailable", nil},
		{"is hidden by the client", always(refusal), "confirmation_unavailable", "confirmation_declined", nil},
		{"is late", always(accept), "confirmation_expired", "confirmation_expired", []string{"--confirm-timeout", "1ns"}},
		{"is not asked", always(accept), "not_allowed", "not_allowed", []string{"--confirm", "deny"}},
	} {
		for _, e := range eras {
			t.Run(string(e)+" "+no.name, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				before, after := filepath.Join(dir, "before"), filepath.Join(dir, "after")
				folder := everyFolder(t)
				flags := append(everyFlag(folder), no.flags...)
				if e == modern && no.legacy != no.modern {
					flags = everyFlag(folder) // there the server waits for nobody
				}
				s := openTo(t, confirmWorld, e, no.person, []string{"--state-before", before, "--state", after}, append([]string{bin.server}, flags...)...)
				code := map[era]string{legacy: no.legacy, modern: no.modern}[e]
				for _, c := range graveCalls(folder) {
					r := s.call(t, c.tool, c.args)
					assert.Equal(t, code, r.code(), "%s: %s", c.name, r.Text)
					assert.NotContains(t, r.Text, "orbctl", "no hint tells a model how to do it by itself")
					assert.Contains(t, r.Text, "Nothing was changed", c.name)
				}
				assert.Empty(t, s.grave())
				if code == "not_allowed" {
					assert.Empty(t, s.asked())
				}
				s.close()
				assert.Equal(t, readState(t, before), readState(t, after))
			})
		}
	}
}

// After a yes just that is done, once, and the person has read what it is.
func TestAYesDoesJustThat(t *testing.T) {
	t.Parallel()
	for _, e := range eras {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			var s *session
			early := make(chan string, 100)
			folder := everyFolder(t)
			s = openAsking(t, confirmWorld, e, func(string) string {
				for _, call := range s.grave() {
					early <- call
				}
				return accept
			}, everyFlag(folder)...)
			var want []string
			for i, c := range graveCalls(folder) {
				r := s.call(t, c.tool, c.args)
				require.False(t, r.IsError, "%s: %s", c.name, r.Text)
				plans := s.asked()
				require.Len(t, plans, i+1, c.name)
				for _, words := range c.plan {
					assert.Contains(t, plans[i], words, c.name)
				}
				assertHarmless(t, plans[i])
				for range len(want) {
					<-early
				}
				assert.Empty(t, early, "%s: it was begun before the yes", c.name)
				want = append(want, c.runs...)
			}
			got := s.grave()
			require.Len(t, got, len(want), "%q", got)
			for i := range want {
				assert.True(t, strings.HasPrefix(got[i], want[i]), "%q is not %q", got[i], want[i])
			}
		})
	}
}

// Who has agreed to everything when starting the server is asked nothing.
func TestConfirmAllowAsksNobody(t *testing.T) {
	t.Parallel()
	for _, e := range eras {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			folder := everyFolder(t)
			s := open(t, confirmWorld, e, append(everyFlag(folder), "--confirm", "allow")...)
			want := 0
			for _, c := range graveCalls(folder) {
				r := s.call(t, c.tool, c.args)
				require.False(t, r.IsError, "%s: %s", c.name, r.Text)
				want += len(c.runs)
			}
			assert.Len(t, s.grave(), want)
		})
	}
}

// No argument is a yes.
func TestAModelCannotAgree(t *testing.T) {
	t.Parallel()
	for _, e := range eras {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			s := open(t, confirmWorld, e)
			for _, name := range []string{"confirm", "confirmed", "agreement", "requestState", "yes", "force"} {
				r := s.call(t, "vm_delete", args{"machine": "db", name: true})
				assert.Equal(t, "invalid_argument", r.code(), r.Text)
			}
			m := s.request(t, "tools/call", args{"name": "vm_delete", "arguments": args{"machine": "db"}, "inputResponses": args{"agreement": answerOf(accept)}})
			require.Nil(t, m.Error)
			assert.Contains(t, []string{"confirmation_expired", "confirmation_unavailable"}, s.result(t, "vm_delete", m).code())
			assert.Empty(t, s.grave())
		})
	}
}

// In the modern era the yes travels with a state that counts once, for the same
// call of the same server.
func TestAModernYesCountsOnceAndForOneCall(t *testing.T) {
	t.Parallel()
	s := openAsking(t, confirmWorld, modern, always(accept))
	other := openAsking(t, confirmWorld, modern, always(accept))
	deleteDB := args{"machine": "db"}
	ask := func(s *session) string { return s.question(t, "vm_delete", deleteDB).State }
	altered := func(state string) string {
		middle := len(state) / 2
		swap := "A"
		if state[middle] == 'A' {
			swap = "B"
		}
		return state[:middle] + swap + state[middle+1:]
	}
	used := ask(s)
	require.Equal(t, "confirmation_declined", s.replied(t, "vm_delete", deleteDB, used, decline).code())
	for name, c := range map[string]struct {
		tool  string
		args  args
		state string
	}{
		"used for a no":   {"vm_delete", deleteDB, used},
		"altered":         {"vm_delete", deleteDB, altered(ask(s))},
		"cut":             {"vm_delete", deleteDB, ask(s)[:20]},
		"longer":          {"vm_delete", deleteDB, ask(s) + "AAAA"},
		"made up":         {"vm_delete", deleteDB, "yes"},
		"none":            {"vm_delete", deleteDB, ""},
		"another server":  {"vm_delete", deleteDB, ask(other)},
		"other arguments": {"vm_delete", args{"machine": "web"}, ask(s)},
		"another tool":    {"vm_stop", args{"machines": []string{"web"}, "force": true}, ask(s)},
	} {
		r := s.replied(t, c.tool, c.args, c.state, accept)
		assert.Equal(t, "confirmation_expired", r.code(), "%s: %s", name, r.Text)
		// Whatever was tried with it, a state is used up by it.
		if c.state != "" {
			r = s.replied(t, c.tool, c.args, c.state, accept)
			assert.Equal(t, "confirmation_expired", r.code(), "%s: %s", name, r.Text)
		}
	}
	assert.Empty(t, s.grave())

	state := ask(s)
	r := s.replied(t, "vm_delete", deleteDB, state, accept)
	require.False(t, r.IsError, r.Text)
	s.call(t, "vm_create", args{"name": "db", "distro": "debian"})
	r = s.replied(t, "vm_delete", deleteDB, state, accept)
	assert.Equal(t, "confirmation_expired", r.code(), "replayed: %s", r.Text)
	assert.Equal(t, []string{"delete -f db", "create debian db"}, s.grave())
	assert.Empty(t, other.grave())
}

// A yes is for the machine that the person was asked about, whatever bears its
// name when the answer comes.
func TestAMachineThatChangedUnderTheQuestionIsLeftAlone(t *testing.T) {
	t.Parallel()
	for _, e := range eras {
		folder := everyFolder(t)
		for _, c := range graveCalls(folder) {
			name, _ := c.args["machine"].(string)
			isolated := false
			switch c.name {
			case "a copy to where the Mac is in reach":
				name = "web"
			case "stop by force":
				name = "web"
			case "a wall of a machine":
				name, isolated = "box", true
			}
			if name == "" {
				continue
			}
			t.Run(string(e)+" "+c.name, func(t *testing.T) {
				t.Parallel()
				var s *session
				s = openAsking(t, confirmWorld, e, func(string) string {
					r := s.call(t, "vm_rename", args{"machine": name, "new_name": "old"})
					assert.False(t, r.IsError, r.Text)
					r = s.call(t, "vm_create", args{"name": name, "distro": "ubuntu", "isolated": isolated, "isolate_network": false})
					assert.False(t, r.IsError, r.Text)
					return accept
				}, everyFlag(folder)...)
				r := s.call(t, c.tool, c.args)
				assert.Equal(t, "machine_changed", r.code(), r.Text)
				got := slices.DeleteFunc(s.grave(), func(c string) bool { return strings.HasSuffix(c, " posture") })
				require.Len(t, got, 2, "%q", got)
				assert.Equal(t, "rename "+name+" old", got[0])
				assert.Regexp(t, "^create .*ubuntu "+name+"$", got[1])
			})
		}
	}
}

// A yes to a question whose call is over is void, and the client is told that
// nobody waits for its user any more.
func TestAYesAfterTheEndOfItsCallIsVoid(t *testing.T) {
	t.Parallel()
	s := openAsking(t, confirmWorld, legacy, always(silence))
	id, _ := s.start("tools/call", args{"name": "vm_delete", "arguments": args{"machine": "db"}})
	until(t, "the question", func() bool { return len(s.asked()) == 1 })
	s.forget(id)
	s.send(args{"jsonrpc": "2.0", "method": "notifications/cancelled", "params": args{"requestId": id}})
	until(t, "the end of the question", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return slices.ContainsFunc(s.notes, func(m message) bool { return m.Method == "notifications/cancelled" })
	})
	s.send(args{"jsonrpc": "2.0", "id": "server-1", "result": answerOf(accept)})
	r := s.call(t, "vm_list", args{})
	require.False(t, r.IsError, r.Text)
	assert.Equal(t, 4.0, r.at("total"))
	assert.Empty(t, s.grave())
}
