package main

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/tools"
)

// The presets of docs/policy.md are command lines that work.
func TestEveryPresetOfTheDocsStarts(t *testing.T) {
	text, err := os.ReadFile("../../docs/policy.md")
	require.NoError(t, err)
	presets := 0
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if len(words) == 0 || words[0] != "orbstack-mcp" {
			continue
		}
		presets++
		_, errOut, err := runWith(t, t.TempDir(), words[1:]...)
		assert.NoError(t, err, "%s%s", line, errOut)
	}
	assert.Equal(t, 3, presets)
	for _, set := range tools.Toolsets() {
		assert.Contains(t, string(text), "`"+set+"`", "a toolset that the page leaves out")
	}
}

func TestAFlagThatMeansNothingSaysWhatThereIs(t *testing.T) {
	for _, tc := range []struct{ args, want string }{
		{"--toolsets networks", `--toolsets: there is no "networks"; there are: default, all, network`},
		{"--tools vm_lst", `--tools: there is no "vm_lst"; there are: vm_network_details`},
		{"--exclude-tools vm_lst", `--exclude-tools: there is no "vm_lst"`},
		{"--exec some", `--exec: "some" is none of off, isolated, all`},
		{"--confirm never", `--confirm: "never" is none of ask, deny, allow`},
		{"--confirm-timeout 0s", "longer than nothing"},
		{"--machine docker", "--machine: machine must not be docker"},
		{"--machine -x", "--machine: machine must be letters"},
	} {
		_, _, err := runWith(t, t.TempDir(), strings.Fields(tc.args)...)
		assert.ErrorContains(t, err, tc.want, tc.args)
	}
}
