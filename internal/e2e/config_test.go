package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/orbctl"
)

const configWorld = `
default: web
config:
  cpu: "2"
  memory_mib: "2048"
  rosetta: "true"
  network.subnet4: 192.168.138.0/23
  machines.expose_ports_to_lan: "false"
  machine.gone.username: ana
  machine.gone.with.dots.username: ana
  future.key: some value
machines:
  - {name: web, users: [root, ana, eve]}
  - {name: box, state: stopped, isolated: true}
  - {name: a.b.c, users: [root, ana, eve]}
  - {name: cpu, state: stopped}
`

// sampleValue is a value that a key takes on any Mac, and another one.
func sampleValue(k orbctl.Key) (one, other string) {
	switch k.Type {
	case orbctl.BoolValue:
		return "true", "false"
	case orbctl.CIDRValue:
		return "192.168.138.0/23", "10.20.0.0/16"
	case orbctl.HostnameValue:
		return "orbstack", "my-node"
	case orbctl.UsernameValue:
		return "ana", "eve"
	case orbctl.ProxyValue:
		return "auto", "none"
	case orbctl.ListValue:
		return "a.example,b.example", "c.example"
	case orbctl.PathValue:
		return "/Volumes/x", "/Volumes/y"
	case orbctl.MountsValue:
		return "/Users/ana", "/Users/ana:/mnt"
	case orbctl.IntValue:
		low := max(k.Min, 1)
		if strings.HasSuffix(k.Pattern, ".disk_bytes") {
			low = 4 << 30 // more than the machine has on its disk
		}
		if k.Bound != orbctl.MacCPUs {
			return strconv.FormatInt(low, 10), strconv.FormatInt(low+1, 10)
		}
		return "1", "2"
	}
	return "", ""
}

// keyFor is a key of the catalogue for a machine that is stopped, so that no
// account is asked for.
func keyFor(k orbctl.Key) string { return strings.ReplaceAll(k.Pattern, "NAME", "box") }

// changesOf are the `config set` that reached orbctl since mark.
func (s *session) changesOf(mark int) []string {
	return slices.DeleteFunc(slices.Clone(s.reached()[mark:]), func(c string) bool {
		return !strings.HasPrefix(c, "config set") && !strings.HasPrefix(c, "config add") && !strings.HasPrefix(c, "config remove")
	})
}

// Every key that needs nobody's consent is set, read back and set back; every
// value that lowers a wall is refused, in the direction that lowers it only.
func TestEveryKeyOfTheCatalogue(t *testing.T) {
	t.Parallel()
	for _, e := range eras {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			s := open(t, configWorld, e)
			for i, k := range orbctl.Catalogue() {
				if !slices.Contains(turn(i), e) {
					continue
				}
				one, other := sampleValue(k)
				require.NotEmpty(t, one, k.Pattern)
				for _, value := range []string{one, other, one} {
					setsOrRefuses(t, s, k, value)
				}
			}
		})
	}
}

func setsOrRefuses(t *testing.T, s *session, k orbctl.Key, value string) {
	t.Helper()
	key := keyFor(k)
	mark := len(s.reached())
	r := s.call(t, "orbstack_config_set", args{"key": key, "value": value})
	if r.code() == "invalid_argument" && k.Bound == orbctl.MacCPUs {
		return // a computer with one core has no other value
	}
	changes := s.changesOf(mark)
	reason, lowers := k.LowersWall(value)
	if r.IsError {
		assert.True(t, lowers, "%s %s: %s", key, value, r.Text)
		assert.Equal(t, "confirmation_unavailable", r.code(), r.Text)
		assert.Contains(t, r.Text, reason)
		assert.Contains(t, r.Text, "Nothing was changed")
		assert.Empty(t, changes, "%s: it was refused", key)
		return
	}
	assert.Equal(t, value, r.at("after"), r.Text)
	assert.Equal(t, r.at("before") != r.at("after"), r.at("changed"), r.Text)
	if r.at("changed") == false {
		assert.Empty(t, changes, "%s: it is so already", key)
		assert.Nil(t, r.at("undo"))
	} else {
		assert.False(t, lowers, "%s %s lowers a wall", key, value)
		assert.Equal(t, []string{"config set " + key + " " + value}, changes)
		assert.NotEmpty(t, r.at("undo"))
		if before, _ := r.at("before").(string); before != "" {
			assert.Equal(t, "Set "+key+" to "+before+" again.", r.at("undo"))
		}
	}
	restart, _ := r.at("restart_required").(string)
	switch {
	case r.at("changed") == false && k.Restart.Needed != orbctl.No:
		assert.Equal(t, "unknown", restart, "%s: an earlier change may wait", key)
	case k.Restart.Needed != orbctl.Unclear || restart != "yes": // orbctl may have said so itself
		assert.Equal(t, string(k.Restart.Needed), restart, key)
	}
	assert.Equal(t, k.Restart.Needed != orbctl.No, r.at("restart") != nil, "what a restart means is said where one may be needed")
	if r.at("changed") == false && r.at("restart") != nil {
		assert.Contains(t, r.at("restart"), "an earlier change of it may still wait")
	}
	assert.Equal(t, string(k.Scope), r.at("scope"), key)

	g := s.call(t, "orbstack_config_get", args{"key": key})
	require.False(t, g.IsError, g.Text)
	assert.Equal(t, value, g.at("settings", 0, "value"), g.Text)
	assert.Equal(t, string(k.Type), g.at("settings", 0, "type"))
	assert.Equal(t, string(k.Scope), g.at("settings", 0, "scope"))
	assert.Equal(t, true, g.at("settings", 0, "known"))
	assert.Equal(t, true, g.at("settings", 0, "set"))
}

// What was stored may be more than the Mac has: nobody is sent back to it.
func TestAValueThatIsRefusedIsNoWayBack(t *testing.T) {
	t.Parallel()
	s := open(t, "config: {cpu: \"100000\"}\nmachines: []\n", turnOf(t)[0])
	r := s.call(t, "orbstack_config_set", args{"key": "cpu", "value": "1"})
	require.False(t, r.IsError, r.Text)
	assert.Contains(t, r.at("undo"), "It was 100000, and that cannot be set again: the value must be 1 to")
}

// A dry run checks everything, shows what would be, and changes nothing.
func TestADryRunChangesNothing(t *testing.T) {
	t.Parallel()
	for _, e := range turnOf(t) {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			before, after := filepath.Join(dir, "before"), filepath.Join(dir, "after")
			s := openWith(t, configWorld, e, []string{"--state-before", before, "--state", after}, bin.server)
			for _, k := range orbctl.Catalogue() {
				one, other := sampleValue(k)
				for _, value := range []string{one, other} {
					r := s.call(t, "orbstack_config_set", args{"key": keyFor(k), "value": value, "dry_run": true})
					if r.IsError {
						assert.Contains(t, []string{"invalid_argument"}, r.code(), r.Text)
						continue
					}
					assert.Equal(t, true, r.at("dry_run"))
					assert.Equal(t, false, r.at("changed"))
					assert.Equal(t, value, r.at("after"), "as it would be")
					assert.Nil(t, r.at("undo"))
					assert.NotContains(t, r.Text, "still stored", "nothing was tried")
					if reason, lowers := k.LowersWall(value); lowers && r.at("before") != value {
						assert.Contains(t, r.at("warning"), "A person has to agree to this change, since it lowers a wall: "+reason+".")
					}
				}
			}
			r := s.call(t, "orbstack_config_set", args{"key": "machine.web.username", "value": "nobody-here", "dry_run": true})
			assert.Equal(t, "guest_user_missing", r.code(), "a dry run finds what the change would find")
			assert.Empty(t, s.changesOf(0))
			s.close()
			x, y := readState(t, before), readState(t, after)
			assert.Equal(t, x, y)
			assert.NotEmpty(t, x)
		})
	}
}

func readState(t *testing.T, file string) map[string]any {
	t.Helper()
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	var state map[string]any
	require.NoError(t, json.Unmarshal(b, &state))
	return state
}

func TestRestartsAndUndo(t *testing.T) {
	t.Parallel()
	for _, e := range turnOf(t) {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			s := open(t, configWorld, e)
			r := s.call(t, "orbstack_config_set", args{"key": "memory_mib", "value": "1024"})
			require.False(t, r.IsError, r.Text)
			assert.Equal(t, "yes", r.at("restart_required"))
			assert.Contains(t, r.at("restart"), "stops every machine")
			assert.Contains(t, r.at("restart"), "orbctl restart do not")
			assert.Equal(t, "too little ends processes in machines and containers", r.at("warning"), "and nothing of too much")
			assert.Equal(t, "Set memory_mib to 2048 again.", r.at("undo"))

			r = s.call(t, "orbstack_config_set", args{"key": "docker.set_context", "value": "no"})
			require.False(t, r.IsError, r.Text)
			assert.Equal(t, "false", r.at("after"), "no is false")
			assert.Equal(t, "no", r.at("restart_required"))

			// Not set before, so nothing can be set back but the default.
			r = s.call(t, "orbstack_config_set", args{"key": "power.pause_in_sleep", "value": "true"})
			require.False(t, r.IsError, r.Text)
			assert.Equal(t, "", r.at("before"))
			assert.Contains(t, r.at("undo"), "no command unsets a single key")

			// Nothing here restarts, starts or stops OrbStack.
			for _, call := range s.reached() {
				assert.NotRegexp(t, `^(start|stop|restart|shutdown|update|reset)`, call)
			}
		})
	}
}
