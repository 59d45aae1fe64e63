package e2e

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/orbctl"
)

// stale are the keys that a listing marks as those of machines that are gone.
func stale(r result) []string {
	var keys []string
	list, _ := r.at("settings").([]any)
	for i := range list {
		if r.at("settings", i, "stale") == true {
			keys = append(keys, r.at("settings", i, "key").(string))
		}
	}
	return keys
}

func TestTheCatalogueIsShownWithWhatIsStored(t *testing.T) {
	t.Parallel()
	for _, e := range turnOf(t) {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			s := open(t, configWorld, e)
			r := s.call(t, "orbstack_config_get", args{})
			require.False(t, r.IsError, r.Text)
			for _, k := range orbctl.Catalogue() {
				if k.Scope == orbctl.OrbStackScope {
					assert.NotNil(t, setting(r, k.Pattern), "%s, set or not", k.Pattern)
				}
			}
			assert.Equal(t, "2048", setting(r, "memory_mib"))
			assert.Equal(t, "some value", setting(r, "future.key"))
			assert.Equal(t, []string{"machine.gone.username", "machine.gone.with.dots.username"}, stale(r))

			r = s.call(t, "orbstack_config_get", args{"prefix": "machine.a.b.c."})
			require.False(t, r.IsError, r.Text)
			assert.Len(t, r.at("settings"), 1)
			assert.Equal(t, "machine.a.b.c.username", r.at("settings", 0, "key"))
			assert.Equal(t, "account that commands and shells in the machine run as when no user is named", r.at("settings", 0, "does"))

			r = s.call(t, "orbstack_config_get", args{"prefix": "nothing."})
			require.False(t, r.IsError, r.Text)
			assert.Empty(t, r.at("settings"))
			assert.NotEmpty(t, r.at("note"), "an empty list says why")

			// One that is known to nobody, as far as it is known.
			r = s.call(t, "orbstack_config_get", args{"key": "future.key"})
			require.False(t, r.IsError, r.Text)
			assert.Equal(t, "some value", r.at("settings", 0, "value"))
			assert.Equal(t, false, r.at("settings", 0, "known"))
			// One that is not set.
			r = s.call(t, "orbstack_config_get", args{"key": "network_bridge"})
			require.False(t, r.IsError, r.Text)
			assert.Equal(t, false, r.at("settings", 0, "set"))
		})
	}
}

// A key by itself and a listing tell the same, also of what is not set.
func TestAKeyAndAListingTellTheSame(t *testing.T) {
	t.Parallel()
	const world = `
config: {cpu: "2", k8s.expose_services: "true"}
machines: [{name: web, limits: {memory_mib: 512}}]
`
	for _, e := range turnOf(t) {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			s := open(t, world, e)
			for key, want := range map[string]string{
				"rosetta": "", "k8s.enable": "", "network.subnet4": "", "memory_mib": "", "data_dir": "", "cpu": "2", "k8s.expose_services": "true",
				"machine.web.memory_mib": "512", "machine.web.username": "ana",
			} {
				one := s.call(t, "orbstack_config_get", args{"key": key})
				require.False(t, one.IsError, one.Text)
				all := s.call(t, "orbstack_config_get", args{"prefix": key})
				require.False(t, all.IsError, all.Text)
				assert.Equal(t, one.at("settings", 0), all.at("settings", 0), key)
				assert.Equal(t, want, one.at("settings", 0, "value"), key)
				assert.Equal(t, want != "", one.at("settings", 0, "set"), key)
				assert.Equal(t, strings.HasPrefix(key, "machine."), one.at("note") != nil, "whether a machine is gone was not looked at")
			}
			r := s.call(t, "orbstack_config_get", args{"key": "machine.web.cpu"})
			require.False(t, r.IsError, r.Text)
			assert.Equal(t, "0", r.at("settings", 0, "value"))
			assert.Equal(t, false, r.at("settings", 0, "set"), "no limit is none that is set")
			for prefix, listed := range map[string]int{"": 24, "machine.": 2, "machine.web.": 2, "machine.nope.": 0} {
				r = s.call(t, "orbstack_config_get", args{"prefix": prefix})
				require.False(t, r.IsError, r.Text)
				assert.Len(t, r.at("settings"), listed, prefix)
				assert.Contains(t, r.at("note"), "Of machines only the keys that are set are listed; as far as this OrbStack has them there are machine.NAME. with username, cpu,")
			}
			r = s.call(t, "orbstack_config_set", args{"key": "rosetta", "value": "true", "dry_run": true})
			require.False(t, r.IsError, r.Text)
			assert.Equal(t, "", r.at("before"), "it was not set")
		})
	}
}

// On 2.0.x `config get` prints the whole listing (docs/orbctl-contract.md §4).
func TestAnOldListingIsReadForTheOneKey(t *testing.T) {
	t.Parallel()
	for _, e := range turnOf(t) {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			s := open(t, "old", e)
			for key, want := range map[string]string{
				"memory_mib": "16384", "network.subnet4": "198.19.248.0/23", "machine.web.username": "ubuntu", "machine.gone.username": "invalid-user",
				"network_proxy": "", // it is in no listing: not set
			} {
				r := s.call(t, "orbstack_config_get", args{"key": key})
				require.False(t, r.IsError, r.Text)
				assert.Equal(t, want, r.at("settings", 0, "value"), key)
				assert.Equal(t, want != "", r.at("settings", 0, "set"), key)
			}
			r := s.call(t, "orbstack_config_get", args{"prefix": "machine."})
			require.False(t, r.IsError, r.Text)
			assert.Equal(t, []string{"machine.gone.username"}, stale(r))
			r = s.call(t, "orbstack_config_set", args{"key": "memory_mib", "value": "1024"})
			require.False(t, r.IsError, r.Text)
			assert.Equal(t, "1024", r.at("after"), "read back out of the listing")
		})
	}
}

// What nobody knows may do anything: it is a wall. That it is so already is no change.
func TestAKeyThatNobodyKnowsNeedsAPerson(t *testing.T) {
	t.Parallel()
	for _, e := range turnOf(t) {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			s := open(t, configWorld, e)
			r := s.call(t, "orbstack_config_set", args{"key": "future.key", "value": "another"})
			assert.Equal(t, "confirmation_unavailable", r.code(), r.Text)
			assert.Contains(t, r.Text, "nobody knows what this key does")
			r = s.call(t, "orbstack_config_set", args{"key": "future.key", "value": "some value"})
			require.False(t, r.IsError, r.Text)
			assert.Equal(t, false, r.at("changed"))
			for _, key := range []string{"futuer.key", "machine.web.nothing", "machine.gone.mounts2"} {
				r = s.call(t, "orbstack_config_set", args{"key": key, "value": "1"})
				assert.Equal(t, "invalid_argument", r.code(), r.Text)
			}
			assert.Empty(t, s.changesOf(0))
		})
	}
}

func TestAMachinesUser(t *testing.T) {
	t.Parallel()
	for _, e := range turnOf(t) {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			s := open(t, configWorld, e)
			byName := func(machine, user string) result {
				return s.call(t, "vm_username_set", args{"machine": machine, "username": user})
			}
			byKey := func(machine, user string) result {
				return s.call(t, "orbstack_config_set", args{"key": "machine." + machine + ".username", "value": user})
			}
			for name, set := range map[string]func(machine, user string) result{"vm_username_set": byName, "orbstack_config_set": byKey} {
				for _, machine := range []string{"web", "a.b.c"} {
					mark := len(s.reached())
					r := set(machine, "evee")
					assert.Equal(t, "guest_user_missing", r.code(), "%s: %s", name, r.Text)
					assert.Equal(t, []any{"root", "ana", "eve"}, r.at("error", "details", "users"))
					assert.Equal(t, []any{"eve"}, r.at("error", "details", "nearest"))
					assert.Empty(t, s.changesOf(mark))

					for _, user := range []string{"eve", "ana"} {
						r = set(machine, user)
						require.False(t, r.IsError, r.Text)
						assert.Equal(t, user, r.at("after"))
						assert.Equal(t, true, r.at("changed"))
						assert.Contains(t, r.at("undo"), "again")
						assert.Nil(t, r.at("warning"), "the machine has this user")
					}
					assert.Equal(t, []string{"config set machine." + machine + ".username eve", "config set machine." + machine + ".username ana"}, s.changesOf(mark))
				}
				// Nobody can ask a stopped machine, and nobody starts it.
				r := set("box", "whoever")
				require.False(t, r.IsError, r.Text)
				assert.Contains(t, r.at("warning"), "does not run")
				r = set("box", "ana")
				require.False(t, r.IsError, r.Text)
				// machine.cpu.username is a machine named cpu.
				r = set("cpu", "ana")
				require.False(t, r.IsError, r.Text)
				assert.Equal(t, false, r.at("changed"), "it is so already")
			}
			r := byName("box", "eve")
			assert.Equal(t, false, r.at("checked"))
			r = byName("web", "eve")
			assert.Equal(t, true, r.at("checked"))
			for _, call := range s.reached() {
				assert.NotContains(t, call, "run -m box", "a stopped machine is not woken")
			}
		})
	}
}

// The user that is stored may be missing in the machine all the same: to set it
// again changes nothing, and is no success.
func TestAStoredUserIsAskedForToo(t *testing.T) {
	t.Parallel()
	const world = `
machines:
  - {name: web, default_username: ghost, users: [root], files: {/etc/passwd: "root:x:0:0:root:/root:/bin/sh\nbob:x:1000:1000:bob:/home/bob:/bin/sh\n"}}
  - {name: box, state: stopped, default_username: ghost}
`
	for _, e := range turnOf(t) {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			s := open(t, world, e)
			for _, c := range []struct {
				tool string
				args args
			}{
				{"vm_username_set", args{"machine": "web", "username": "ghost"}},
				{"orbstack_config_set", args{"key": "machine.web.username", "value": "ghost"}},
				{"orbstack_config_set", args{"key": "machine.web.username", "value": "ghost", "dry_run": true}},
			} {
				r := s.call(t, c.tool, c.args)
				assert.Equal(t, "guest_user_missing", r.code(), "%s: %s", c.tool, r.Text)
				assert.Equal(t, []any{"root", "bob"}, r.at("error", "details", "users"))
			}
			r := s.call(t, "vm_username_set", args{"machine": "box", "username": "ghost"})
			require.False(t, r.IsError, r.Text)
			assert.Equal(t, false, r.at("changed"))
			assert.Equal(t, false, r.at("checked"), "nobody could be asked")
			assert.Contains(t, r.at("warning"), "does not run")
			assert.Empty(t, s.changesOf(0))
		})
	}
}

// A password of a proxy is stored in OrbStack's settings; no answer and no log
// line of ours holds it, whatever goes wrong.
func TestAPasswordStaysWithOrbStack(t *testing.T) {
	t.Parallel()
	const secret = "s3c/ret@x"
	parts := []string{"s3c", "ret@x"}
	proxy := "http://ana:" + secret + "@proxy.example:3128"
	world := func(fault string) string {
		return "config: {network_proxy: '" + proxy + "', new.proxy: '" + proxy + "'}\nmachines: [{name: web}]\n" + fault
	}
	for name, fault := range map[string]string{
		"well":         "",
		"get fails":    "faults: [{argv: '^config get', stderr: 'cannot use " + proxy + " today'}]\n",
		"show garbled": "faults: [{argv: '^config show', kind: garbage, stdout: \"network_proxy " + proxy + "\\nwhat\\n\"}]\n",
		"get garbled":  "faults: [{argv: '^config get', kind: garbage, stdout: \"x\\nnetwork_proxy=" + proxy + "\\n\"}]\n",
		"list garbled": "faults: [{argv: '^(list|info)', kind: garbage, stdout: '{\"proxy\":\"" + proxy + "\"'}]\n",
	} {
		for _, e := range turnOf(t) {
			t.Run(string(e)+" "+name, func(t *testing.T) {
				t.Parallel()
				s := open(t, world(fault), e, "--log-level", "debug")
				var said strings.Builder
				for _, c := range []struct {
					tool string
					args args
				}{
					{"orbstack_config_get", args{"key": "network_proxy"}},
					{"orbstack_config_get", args{"key": "new.proxy"}},
					{"orbstack_config_get", args{}},
					{"orbstack_config_get", args{"prefix": "net"}},
					{"orbstack_config_set", args{"key": "network_proxy", "value": proxy}},
					{"orbstack_config_set", args{"key": "network_proxy", "value": "auto"}},
					{"orbstack_config_set", args{"key": "network_proxy", "value": "https://ana:" + secret + "@other.example", "dry_run": true}},
					{"orbstack_config_set", args{"key": "network_proxy", "value": "ftp://ana:" + secret + "@other.example"}},
					{"orbstack_config_set", args{"key": "network_proxy", "value": "http://ana:" + secret + "@other.example:99999/x"}},
					{"orbstack_config_set", args{"key": "network.proxy.exclude", "value": proxy + " x"}},
					{"orbstack_config_set", args{"key": "machine.web.mounts", "value": proxy}},
					{"orbstack_config_set", args{"key": "new.proxy", "value": "https://ana:" + secret + "@other.example"}},
					{"vm_list", args{}},
					{"vm_network_details", args{"machine": "web"}},
				} {
					r := s.call(t, c.tool, c.args)
					said.WriteString(r.Text + "\n" + string(r.Raw) + "\n")
				}
				if name == "well" {
					assert.Contains(t, said.String(), "xxxxx@proxy.example:3128", "the rest of it is shown")
				}
				said.WriteString(s.stderr.String())
				for _, part := range parts {
					assert.NotContains(t, said.String(), part)
				}
				assert.Empty(t, s.changesOf(0))
			})
		}
	}
}
