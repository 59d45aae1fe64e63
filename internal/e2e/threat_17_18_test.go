package e2e

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// effects are what all calls of orbctl changed so far.
func (s *session) effects() []string {
	s.t.Helper()
	all := []string{}
	for _, r := range s.records() {
		all = append(all, r.Effects...)
	}
	return all
}

// callEveryTool makes every call of the table of spawns, with a machine of that
// name where one is named, and reports the tools.
func (s *session) callEveryTool(t *testing.T, machine string, which func(tool string) bool) map[string]bool {
	t.Helper()
	called := map[string]bool{}
	for _, c := range spawnCases() {
		if !which(c.tool) {
			continue
		}
		a := args{}
		for k, v := range c.args {
			a[k] = v
		}
		if a["machine"] != nil && machine != "" {
			a["machine"] = machine
		}
		called[c.tool] = true
		s.call(t, c.tool, a) // an error or not: what counts is what it did
	}
	return called
}

// Looking wakes nobody: neither OrbStack nor a machine.
func TestThreat17_LookingStartsNothing(t *testing.T) {
	t.Parallel()
	for name, world := range map[string]struct{ yaml, machine string }{
		"OrbStack is stopped": {"status: stopped\n" + spawnWorld, ""},
		"the machine is":      {strings.Replace(spawnWorld, "default: web", "default: legacy", 1), "legacy"},
	} {
		t.Run(name, func(t *testing.T) {
			inOneEra(t, func(t *testing.T, e era) {
				s := open(t, world.yaml, e)
				called := s.callEveryTool(t, world.machine, func(tool string) bool { return !isChanger(tool) })
				reads := slices.DeleteFunc(s.tools(t), func(tool listedTool) bool { return isChanger(tool.Name) })
				assert.Len(t, called, len(reads), "every tool that reads")
				require.NotEmpty(t, s.reached())
				assert.Empty(t, s.effects())
				for _, call := range s.booted() {
					assert.NotContains(t, call, "legacy")
				}
			})
		})
	}
}

// While OrbStack does not run, nothing reaches orbctl that could start it, not
// from a tool that changes something either: a VM that were started so would
// inherit the limits of this server's children, and end with them.
func TestThreat18_NothingThatCouldStartOrbStackIsRun(t *testing.T) {
	t.Parallel()
	for _, status := range []string{"stopped", "starting"} {
		t.Run(status, func(t *testing.T) {
			inOneEra(t, func(t *testing.T, e era) {
				s := open(t, "status: "+status+"\n"+spawnWorld, e)
				called := s.callEveryTool(t, "", func(string) bool { return true })
				assert.Len(t, called, len(s.tools(t)), "every tool")
				require.NotEmpty(t, s.reached())
				for _, call := range s.reached() {
					assert.Contains(t, []string{"status", "version", "create --help"}, call)
				}
				assert.Empty(t, s.effects())
			})
		})
	}
}
