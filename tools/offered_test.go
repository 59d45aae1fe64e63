package tools

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/orbctl/runner"
)

// policies are servers that offer less than all.
var policies = map[string]Policy{
	"--read-only":              {ReadOnly: true, Exec: runner.ExecIsolated},
	"--exec off":               {Exec: runner.ExecOff},
	"--machine":                {Machines: []string{"web"}, Exec: runner.ExecIsolated},
	"--exclude-tools":          {Exclude: []string{"vm_list", "orbstack_status", "orbstack_config_get", "vm_start", "vm_dns_lookup"}, Exec: runner.ExecIsolated},
	"--read-only, a few tools": {ReadOnly: true, Exclude: []string{"vm_list", "orbstack_status"}},
}

// The words of every error that a client was seen to reach name no tool that the
// server does not offer, and always say something.
func TestNoHintNamesAToolThatIsNotOffered(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../internal/e2e/testdata/errors/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	hints := []string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		hints = append(hints, strings.Split(string(text), "\n")...)
	}
	for name, p := range policies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, hint := range hints {
				fits := p.fit(hint)
				assert.Empty(t, p.lacks(fits), fits)
				assert.Equal(t, strings.TrimSpace(hint) == "", strings.TrimSpace(fits) == "", "%q became %q", hint, fits)
			}
			assert.Empty(t, p.lacks(instructions(Options{Policy: p})))
		})
	}
	everything := Policy{Exec: runner.ExecAll, Toolsets: []string{"all"}, AllowPaths: []string{"/tmp"}}
	for _, hint := range hints {
		assert.Equal(t, hint, everything.fit(hint), "where all is offered, nothing is said otherwise")
	}
}

// What replaces a tool has to be sensible for that tool.
func TestAHintAsksTheUserWhereAToolIsNotOffered(t *testing.T) {
	t.Parallel()
	p := policies["--read-only"]
	for hint, want := range map[string]string{
		"If it should run, vm_start starts it.":                           "If it should run, ask the user to start it.",
		"OrbStack has no machines. vm_create makes one.":                  "OrbStack has no machines. If one is wanted, ask the user to make it.",
		"Raise it with vm_limits_set, after asking the user.":             "Ask the user to raise it.",
		"vm_list shows them with their states.":                           "vm_list shows them with their states.",
		"It is stopped; vm_start starts it.":                              "It is stopped. If it should run, ask the user to start it.",
		"Wait for one with vm_job, or end one with vm_job_cancel.":        "Tell the user: this server was started without the tool that would help.",
		"Its vm_cpus and vm_load are fields and no tools. Look at these.": "Its vm_cpus and vm_load are fields and no tools. Look at these.",
	} {
		assert.Equal(t, want, p.fit(hint))
	}
	p = Policy{Tools: []string{"orbstack_config_set"}}
	for hint, want := range map[string]string{
		"vm_list shows them with their states.":                                                        "Ask the user which machine is meant.",
		"It may have been done: look with vm_list or in the machine before you try again.":             "It may have been done. Ask the user what became of it.",
		"The change may still have been made: look with orbstack_config_get or vm_list before trying.": "The change may still have been made. Ask the user what became of it.",
		"Only stopping OrbStack applies it; vm_restart does not. Ask when it suits.":                   "Only stopping OrbStack applies it. Ask when it suits.",
		"It may hold at once. vm_limits_set, given the same limit, shows it.":                          "It may hold at once.",
		"a cannot resolve the name of b: vm_dns_lookup there says more.":                               "a cannot resolve the name of b.",
		"Only OrbStack's DNS knows it, so look with vm_network_details whether another is asked.":      "Only OrbStack's DNS knows it.",
	} {
		assert.Equal(t, want, p.fit(hint))
	}
}

// Every fallback is for a tool that there is.
func TestWhatIsSaidInsteadIsForToolsThatThereAre(t *testing.T) {
	t.Parallel()
	for _, other := range instead {
		for _, name := range aToolsName.FindAllString(other.sends, -1) {
			assert.Contains(t, toolNames(), name)
		}
		assert.Regexp(t, aToolsName, other.sends)
		assert.NotRegexp(t, aToolsName, other.says)
	}
}

func toolNames() []string {
	var names []string
	for _, t := range All() {
		names = append(names, t.Name)
	}
	return names
}
