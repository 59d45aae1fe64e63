package orbctl_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/orbctl"
	"orbstack-mcp/orbctl/guest"
	"orbstack-mcp/orbctl/runner"
)

func machineInfo(id, state, config string) step {
	return prints(runner.OpInfo, fmt.Sprintf(`{"record":{"id":%q,"name":"web","image":{},"config":{"default_username":"ada"%s},"state":%q}}`, id, config, state))
}

func stale(op runner.Op) step { return step{op: op, err: &runner.StaleError{Machine: "web"}} }

func answer() step { return answers(section{"passwd", passwd}) }

func asWeb() step { return machineInfo(webID, "running", "") }

// Somebody has changed the machine between the look at it and its turn.
func TestAMachineThatWasChangedIsLookedAtAgain(t *testing.T) {
	for name, tt := range map[string]struct {
		then []step
		kind orbctl.Kind // "": it answers
	}{
		"it is as it was":         {[]step{asWeb(), answer()}, ""},
		"it was set otherwise":    {[]step{machineInfo(webID, "running", `,"isolated":true`), answer()}, ""},
		"it was stopped":          {[]step{machineInfo(webID, "stopped", "")}, orbctl.MachineNotRunning},
		"it has another's name":   {[]step{machineInfo(otherID, "running", "")}, orbctl.MachineChanged},
		"it is gone":              {[]step{gone("web"), lists("db")}, orbctl.MachineNotFound},
		"and again, and again":    {[]step{asWeb(), stale(runner.OpProbe), asWeb(), stale(runner.OpProbe)}, orbctl.Busy},
		"twice, and then no more": {[]step{asWeb(), stale(runner.OpProbe), asWeb(), answer()}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c, f := expect(t, append([]step{asWeb(), stale(runner.OpProbe)}, tt.then...)...)
			m, err := c.Machine(t.Context(), "web")
			require.NoError(t, err)
			_, _, err = c.Users(t.Context(), m, "")
			if tt.kind != "" {
				failure(t, err, tt.kind)
				return
			}
			require.NoError(t, err)
			last := f.calls[len(f.calls)-1]
			assert.Equal(t, runner.Edition(fmt.Sprint(len(f.calls)-2)), last.Seen, "that before the last look")
		})
	}
}

// What a person has agreed to is for one machine and its walls, however long the
// question stood.
func TestACommandThatWasAgreedToRunsInThatMachineOnly(t *testing.T) {
	for name, tt := range map[string]struct {
		now  step
		kind orbctl.Kind
	}{
		"another machine":   {machineInfo(otherID, "running", ""), orbctl.MachineChanged},
		"it was stopped":    {machineInfo(webID, "stopped", ""), orbctl.MachineNotRunning},
		"it was opened":     {machineInfo(webID, "running", `,"isolated":false,"forward_ssh_agent":true`), orbctl.MachineChanged},
		"it cannot be read": {late(runner.OpInfo), orbctl.Timeout},
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := expect(t, asWeb(), tt.now)
			m, err := c.Machine(t.Context(), "web")
			require.NoError(t, err)
			_, err = c.Exec(t.Context(), m, orbctl.Command{Command: guest.Command{Text: "id"}, Clearance: runner.Approved})
			failure(t, err, tt.kind)
		})
	}
}
