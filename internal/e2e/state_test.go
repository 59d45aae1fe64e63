package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"orbstack-mcp/internal/orbsim"
)

// now is OrbStack as it stands: what is stored, one line for each fact. What a
// machine has in common with no other stands below its name.
func (s *session) now(t *testing.T) map[string]string {
	t.Helper()
	var home string // in the world, which has mounts of its own
	for _, kv := range s.records()[0].Env {
		if value, ok := strings.CutPrefix(kv, "HOME="); ok {
			home = value
		}
	}
	b, err := orbsim.ReadState(fmt.Sprintf("/proc/%d/root%s", s.server(t), home), false)
	require.NoError(t, err)
	var state struct {
		Default  string
		Config   map[string]string
		Machines []map[string]any
		MacUses  []any `json:"mac_uses"`
	}
	require.NoError(t, json.Unmarshal(b, &state))
	facts := map[string]string{"default": state.Default, "mac_uses": fmt.Sprint(len(state.MacUses))}
	for key, value := range state.Config {
		if !strings.HasPrefix(key, "machine.") { // those are fields of their machines
			facts["config "+key] = value
		}
	}
	for _, m := range state.Machines {
		for field, value := range m {
			facts[fmt.Sprint(m["name"])+" "+field] = fmt.Sprint(value)
		}
	}
	return facts
}

// changes are what is different now: +NAME and -NAME for a machine that came or
// went, "NAME FIELD: OLD → NEW" for what changed.
func changes(before, now map[string]string) []string {
	var all []string
	name := func(key string) (string, bool) { return strings.CutSuffix(key, " id") }
	for key := range now {
		if machine, ok := name(key); ok && before[key] == "" {
			all = append(all, "+"+machine)
		}
	}
	for key, old := range before {
		machine, _, _ := strings.Cut(key, " ")
		switch value, there := now[key]; {
		case there && value != old:
			all = append(all, key+": "+old+" → "+value)
		case !there && strings.HasSuffix(key, " id"):
			all = append(all, "-"+machine)
		case !there && now[machine+" id"] != "":
			all = append(all, key+": gone")
		}
	}
	for _, key := range slices.Collect(maps.Keys(now)) {
		machine, _, _ := strings.Cut(key, " ")
		if _, there := before[key]; !there && (before[machine+" id"] != "" || machine == "config") {
			all = append(all, key+": new")
		}
	}
	slices.Sort(all)
	return all
}
