package orbctl_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"orbstack-mcp/orbctl"
)

// contractKeys reads the table of docs/orbctl-contract.md §4: key → its row.
func contractKeys(t *testing.T) map[string]string {
	t.Helper()
	raw, err := os.ReadFile("../docs/orbctl-contract.md")
	require.NoError(t, err)
	text := strings.ReplaceAll(string(raw), `\|`, "or")
	_, table, ok := strings.Cut(text, "| Key | Type |")
	require.True(t, ok)
	table, _, ok = strings.Cut(table, "\n\n")
	require.True(t, ok)
	keys := map[string]string{}
	for line := range strings.Lines(table) {
		cells := strings.Split(line, "|")
		if len(cells) < 4 {
			continue
		}
		prefix := ""
		for _, name := range regexp.MustCompile(`[,/] ?`).Split(cells[1], -1) {
			name = strings.TrimSpace(name)
			if strings.HasPrefix(name, ".") {
				name = prefix + name
			}
			if strings.HasPrefix(name, "machine.NAME.") {
				prefix = "machine.NAME"
			}
			if regexp.MustCompile(`^[a-z]`).MatchString(name) {
				keys[name] = line
			}
		}
	}
	return keys
}

func TestTheCatalogueIsTheTableOfTheContract(t *testing.T) {
	want := contractKeys(t)
	require.Greater(t, len(want), 25)
	got := map[string]bool{}
	for _, k := range orbctl.Catalogue() {
		assert.False(t, got[k.Pattern], "%s is there twice", k.Pattern)
		got[k.Pattern] = true
		row, ok := want[k.Pattern]
		if !assert.True(t, ok, "%s is not in the contract", k.Pattern) {
			continue
		}
		cells := strings.Split(row, "|")
		restart := strings.TrimSpace(cells[4])
		switch {
		case strings.HasPrefix(restart, "yes"):
			assert.Equal(t, orbctl.Yes, k.Restart.Needed, k.Pattern)
		case strings.HasPrefix(restart, "no"):
			assert.Equal(t, orbctl.No, k.Restart.Needed, k.Pattern)
		default:
			assert.Equal(t, orbctl.Unclear, k.Restart.Needed, k.Pattern)
		}
		if k.Default.Value != "" && k.Default.Evidence != orbctl.Inferred {
			assert.Contains(t, cells[3], k.Default.Value, k.Pattern)
		}
	}
	for name := range want {
		assert.True(t, got[name], "%s is missing", name)
	}
}

func TestEveryKeyIsDescribed(t *testing.T) {
	for _, k := range orbctl.Catalogue() {
		assert.NotEmpty(t, k.Does, k.Pattern)
		directed := k.Up + k.Down
		assert.NotEqual(t, k.Breaks == "", directed == "", "%s has a text, or one for a direction", k.Pattern)
		assert.Equal(t, k.Type == orbctl.BoolValue || k.Unit != "", directed != "", "%s: what is more or less has directions", k.Pattern)
		assert.NotContains(t, k.Does+k.Breaks+directed+k.Wall.Reason, "\n")
		assert.NotEmpty(t, k.Restart.Evidence, k.Pattern)
		assert.NotEmpty(t, k.Default.Evidence, k.Pattern)
		assert.Equal(t, k.Wall.Lowered == orbctl.NeverLowers, k.Wall.Reason == "", k.Pattern)
		assert.Equal(t, k.Scope == orbctl.MachineScope, strings.HasPrefix(k.Pattern, "machine.NAME."), k.Pattern)
		entry, ok := orbctl.Lookup(k.Pattern)
		require.True(t, ok)
		assert.Equal(t, k, entry.Key)
		if k.Default.Value != "" {
			checked, err := entry.Check(k.Default.Value, mac)
			require.NoError(t, err, k.Pattern)
			assert.Equal(t, k.Default.Value, checked)
		}
	}
}

// A warning against the opposite of what is done is none.
func TestARiskIsOfTheDirectionOfTheChange(t *testing.T) {
	for _, tt := range []struct{ key, before, after, says string }{
		{"machine.web.isolated", "false", "true", "no longer sees the Mac's files"},
		{"machine.web.isolated", "true", "false", ""}, // its wall says it
		{"machine.web.forward_ssh_agent", "false", "true", ""},
		{"machine.web.forward_ssh_agent", "true", "false", "keys of their own"},
		{"ssh.expose_port", "false", "true", ""},
		{"ssh.expose_port", "true", "off", "from this Mac only"},
		{"rosetta", "false", "true", ""},
		{"rosetta", "", "false", "are slow or do not run"},
		{"k8s.enable", "false", "true", "all the time"},
		{"k8s.enable", "true", "false", ""},
		{"memory_mib", "2048", "1024", "too little ends"},
		{"memory_mib", "2048", "4096", "too much leaves the Mac short"},
		{"memory_mib", "", "4096", "too little ends processes in machines and containers; too much"},
		{"cpu", "2", "4", ""},
		{"machine.web.cpu", "2", "0", ""},
		{"machine.web.cpu", "", "2", "too few"},
		{"machine.web.cpu", "0", "2", "too few"},
		{"network.subnet4", "10.0.0.0/16", "10.1.0.0/16", "a VPN uses too"},
		{"data_dir", "", "/x", "if the folder does not hold the data that is used now"},
		{"machine.web.http_port", "0", "8080", "if nothing in the machine listens on that port, http://web.orb.local"},
		{"machine.a.b.https_port", "0", "8443", "if nothing in the machine listens on that port, https://a.b.orb.local"},
	} {
		entry, ok := orbctl.Lookup(tt.key)
		require.True(t, ok, tt.key)
		if got := entry.Risk(tt.before, tt.after); tt.says == "" {
			assert.Empty(t, got, "%s from %q to %q", tt.key, tt.before, tt.after)
		} else {
			assert.Contains(t, got, tt.says, "%s from %q to %q", tt.key, tt.before, tt.after)
		}
	}
}

func TestKeysThatLowerAWallNeedAPerson(t *testing.T) {
	tests := []struct {
		key, value string
		lowers     bool
	}{
		{"machine.web.isolated", "false", true},
		{"machine.web.isolated", "true", false},
		{"machine.web.isolate_network", "false", true},
		{"machine.web.isolate_network", "true", false},
		{"machine.web.forward_ssh_agent", "true", true},
		{"machine.web.forward_ssh_agent", "false", false},
		{"machine.web.mounts", "/Users/me", true},
		{"machines.expose_ports_to_lan", "true", true},
		{"machines.expose_ports_to_lan", "false", false},
		{"docker.expose_ports_to_lan", "true", true},
		{"k8s.expose_services", "true", true},
		{"ssh.expose_port", "true", true},
		{"ssh.expose_port", "false", false},
		{"network_proxy", "none", true},
		{"network.proxy.exclude", "localhost", true},
		{"data_dir", "/Volumes/x", true},
		{"setup.use_admin", "true", true},
		{"setup.use_admin", "false", true},
		{"cpu", "4", false},
		{"machine.web.username", "root", false},
		{"machines.forward_ports", "true", false},
	}
	for _, tt := range tests {
		entry, ok := orbctl.Lookup(tt.key)
		require.True(t, ok, tt.key)
		reason, lowers := entry.LowersWall(tt.value)
		assert.Equal(t, tt.lowers, lowers, "%s=%s", tt.key, tt.value)
		assert.Equal(t, tt.lowers, reason != "")
	}
}

// The names that TOOLS gives for keys that lower a wall, against the whole
// catalogue: a new key of that kind can't be forgotten.
func TestNoKeyOfThatKindIsForgotten(t *testing.T) {
	kind := regexp.MustCompile(`(^|[._])(isolated|isolate_network|mounts|forward_ssh_agent|expose_\w+|network_proxy|data_dir)$|^setup\.`)
	for _, k := range orbctl.Catalogue() {
		if kind.MatchString(k.Pattern) {
			assert.NotEqual(t, orbctl.NeverLowers, k.Wall.Lowered, k.Pattern)
		}
	}
}

func TestAMachineKeyIsReadFromBothEnds(t *testing.T) {
	for key, want := range map[string][2]string{
		"machine.web.cpu":              {"web", "cpu"},
		"machine.a.b.c.memory_mib":     {"a.b.c", "memory_mib"},
		"machine.cpu.cpu":              {"cpu", "cpu"},
		"machine.machine.web.username": {"machine.web", "username"},
	} {
		machine, field, ok := orbctl.SplitMachineKey(key)
		require.True(t, ok, key)
		assert.Equal(t, want, [2]string{machine, field})
		entry, known := orbctl.Lookup(key)
		require.True(t, known)
		assert.Equal(t, want[0], entry.Machine)
		assert.Equal(t, key, entry.Name)
	}
	for _, key := range []string{"", "machine", "machine.", "machine.cpu", "machine..cpu", "machine.web.", "machines.forward_ports", "cpu"} {
		_, _, ok := orbctl.SplitMachineKey(key)
		assert.False(t, ok, key)
	}
	_, known := orbctl.Lookup("machine.web.colour")
	assert.False(t, known)
}

func TestEveryMachineNameSurvivesItsKeys(t *testing.T) {
	var fields []string
	for _, k := range orbctl.Catalogue() {
		if k.Scope == orbctl.MachineScope {
			fields = append(fields, k.Field)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[A-Za-z0-9][A-Za-z0-9.-]{0,62}`).Draw(t, "name")
		field := rapid.SampledFrom(fields).Draw(t, "field")
		machine, got, ok := orbctl.SplitMachineKey(orbctl.MachineKey(name, field))
		if !ok || machine != name || got != field {
			t.Fatalf("%q %q became %q %q %v", name, field, machine, got, ok)
		}
		entry, known := orbctl.Lookup(orbctl.MachineKey(name, field))
		if !known || entry.Machine != name || entry.Field != field {
			t.Fatalf("looked up %+v", entry)
		}
	})
}

func TestNearestKeys(t *testing.T) {
	for key, want := range map[string]string{
		"CPU":                   "cpu",
		"memory":                "memory_mib",
		"network.proxy":         "network_proxy",
		"subnet4":               "network.subnet4",
		"machine.web.memory":    "machine.web.memory_mib",
		"machine.a.b.usrename":  "machine.a.b.username",
		"machines.forward_port": "machines.forward_ports",
	} {
		assert.Contains(t, orbctl.NearestKeys(key), want, key)
	}
	assert.Empty(t, orbctl.NearestKeys("zzzzzzzzzzzz"))
	for _, key := range []string{"memory", "username", "mounts", "machine.memory"} {
		assert.NotContains(t, strings.Join(orbctl.NearestKeys(key), " "), "NAME", "%s: no key has that name", key)
	}
}

func TestNearest(t *testing.T) {
	names := []string{"web", "db", "router", "web-staging", "dc-a"}
	for word, want := range map[string][]string{
		"wbe":     {"web"},
		"WEB":     {"web", "web-staging"},
		"ruoter":  {"router"},
		"staging": {"web-staging"},
		"dba":     {"db"},
		"xyz":     nil,
		"":        nil,
	} {
		assert.Equal(t, want, orbctl.Nearest(word, names), word)
	}
	assert.Len(t, orbctl.Nearest("web", []string{"web1", "web2", "web3", "web4"}), 3)
	assert.Empty(t, orbctl.Nearest(strings.Repeat("w", 10000), names))
}
