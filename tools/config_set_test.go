package tools

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"orbstack-mcp/orbctl"
)

// Beside an answer of unknown no word claims to know, and a machine's setting never
// sends anybody to stop all of OrbStack.
func TestWhenASettingAppliesIsSaidAsFarAsItIsKnown(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]struct{ needed, has, hasNot string }{
		"memory_mib":               {"yes", "Only stopping and starting OrbStack applies it", "not known"},
		"docker.set_context":       {"no", "", "restart"},
		"network_proxy":            {"unknown", "It is not known when it applies", "Only stopping"},
		"machine.web.cpu":          {"unknown", limitHolds, "stopping"},
		"machine.web.memory_mib":   {"unknown", limitHolds, "stopping"},
		"machine.web.isolated":     {"unknown", "after a restart of the machine", "OrbStack"},
		"machine.web.username":     {"no", "", "restart"},
		"machine.web.http_port":    {"unknown", "It is not known when it applies", "OrbStack"},
		"network.unheard.of.by.us": {"unknown", "It is not known when it applies", "Only stopping"},
	} {
		t.Run(key, func(t *testing.T) {
			t.Parallel()
			entry, known := orbctl.Lookup(key)
			if !known {
				entry = orbctl.Entry{Name: key, Key: orbctl.Key{Restart: orbctl.Restart{Needed: orbctl.Unclear}}}
			}
			out := configOut(orbctl.ConfigChange{ConfigPlan: orbctl.ConfigPlan{Entry: entry, Changes: true}, Restart: entry.Restart, Changed: true, Stored: true})
			assert.Equal(t, want.needed, out.RestartRequired)
			assert.Contains(t, out.Restart, want.has)
			assert.NotContains(t, out.Restart, want.hasNot)
			assert.Equal(t, want.needed == "no", out.Restart == "")
		})
	}
}

// What is stored already may wait for a restart still, and nobody can see that.
func TestOfWhatChangesNothingNobodyKnowsWhetherItWaits(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]string{"memory_mib": "unknown", "network_proxy": "unknown", "machine.web.cpu": "unknown", "docker.set_context": "no"} {
		entry, _ := orbctl.Lookup(key)
		out := configOut(orbctl.ConfigChange{ConfigPlan: orbctl.ConfigPlan{Entry: entry}, Restart: entry.Restart, Stored: true})
		assert.Equal(t, want, out.RestartRequired, key)
		assert.Equal(t, want == "no", out.Restart == "", key)
	}
}
