package tools

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"orbstack-mcp/orbctl"
)

// What to do next depends on how the machine is, and on which there are.
func TestAMachineThatCannotBeAskedHasItsOwnNextStep(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		err           orbctl.Error
		message, hint string
	}{
		"stopped":  {orbctl.Error{Kind: orbctl.MachineNotRunning, Machine: "web", State: "stopped"}, `The machine "web" is stopped, and this tool starts none.`, "If it should run, vm_start starts it."},
		"unknown":  {orbctl.Error{Kind: orbctl.MachineNotRunning, Machine: "web"}, `The machine "web" is not running, and this tool starts none.`, "If it should run, vm_start starts it."},
		"starting": {orbctl.Error{Kind: orbctl.MachineNotRunning, Machine: "web", State: "starting"}, `The machine "web" is starting and cannot be asked yet.`, "Call again in a moment."},
		"none named, none there": {
			orbctl.Error{Kind: orbctl.MachineNotFound, Have: []string{}},
			"No machine was named, and OrbStack has none yet.", "If the user wants one, vm_create makes it.",
		},
		"none named, some there": {
			orbctl.Error{Kind: orbctl.MachineNotFound, Have: []string{"web", "db"}},
			"No machine was named, and OrbStack names no default machine.", "Name one with the argument machine. There are: web, db.",
		},
		"none named, and no list": {
			orbctl.Error{Kind: orbctl.MachineNotFound},
			"No machine was named, and OrbStack names no default machine.", "Name one with the argument machine. vm_list shows which there are.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := explain(&tt.err)
			assert.Equal(t, []string{tt.message, tt.hint}, []string{f.Message, f.Hint})
			assert.Equal(t, tt.err.Kind == orbctl.MachineNotRunning, f.Retryable)
		})
	}
}
