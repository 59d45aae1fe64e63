package orbctl_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/orbctl"
	"orbstack-mcp/orbctl/runner"
)

const webID, otherID = "01K2G8TY5GM9C3CN95KCB4ZG8B", "01K2G8TY5GM9C3CN95KCB4ZG8C"

// looks is a run of info that finds a machine as it is told.
func looksAt(name, id, state, ip4 string) step {
	return prints(runner.OpInfo, fmt.Sprintf(`{"record":{"id":%q,"name":%q,"image":{"distro":"ubuntu","version":"noble","arch":"arm64"},"config":{"default_username":"ana"},"state":%q},"disk_size":1,"ip4":%q}`, id, name, state, ip4))
}

func up(name string) step      { return looksAt(name, webID, "running", "192.168.139.9") }
func naked(name string) step   { return looksAt(name, webID, "running", "") }
func stopped(name string) step { return looksAt(name, webID, "stopped", "") }

// lists is a run of list that finds machines of these names.
func lists(names ...string) step {
	out := "["
	for i, name := range names {
		if i > 0 {
			out += ","
		}
		out += fmt.Sprintf(`{"id":%q,"name":%q,"image":{"distro":"ubuntu"},"config":{},"state":"running"}`, webID, name)
	}
	return prints(runner.OpList, out+"]")
}

func gone(name string) step { return fails(runner.OpInfo, 1, "[-32098] machine not found: '"+name+"'") }

func late(op runner.Op) step {
	return step{op: op, err: &runner.TimeoutError{Op: op, After: time.Minute}}
}

func does(op runner.Op) step { return prints(op, "") }

func always(s step, n int) []step {
	all := make([]step, n)
	for i := range all {
		all[i] = s
	}
	return all
}

// A changeCase is the runs of a change of state, and what is said of it.
type changeCase struct {
	steps     []step
	kind      orbctl.Kind // of the error, "" for none
	changed   bool
	noAddress bool
	complains orbctl.Kind
	took      time.Duration // at most
}

func TestWhatBecomesOfAChangeOfState(t *testing.T) {
	start := func(ctx context.Context, c *orbctl.Client) (orbctl.StateChange, error) { return c.Start(ctx, "web") }
	stop := func(ctx context.Context, c *orbctl.Client) (orbctl.StateChange, error) {
		return c.Stop(ctx, "web", false, nil)
	}
	restart := func(ctx context.Context, c *orbctl.Client) (orbctl.StateChange, error) { return c.Restart(ctx, "web") }
	for name, c := range map[string]struct {
		change func(context.Context, *orbctl.Client) (orbctl.StateChange, error)
		changeCase
	}{
		"start":                           {start, changeCase{steps: []step{stopped("web"), does(runner.OpStart), up("web")}, changed: true}},
		"start of what runs":              {start, changeCase{steps: []step{up("web")}}},
		"start of what runs, no address":  {start, changeCase{steps: []step{naked("web")}}},
		"a late address":                  {start, changeCase{steps: []step{stopped("web"), does(runner.OpStart), naked("web"), naked("web"), naked("web"), up("web")}, changed: true, took: time.Second}},
		"an address that never comes":     {start, changeCase{steps: append([]step{stopped("web"), does(runner.OpStart)}, always(naked("web"), 48)...), changed: true, noAddress: true, took: 45 * time.Second}},
		"start that did nothing":          {start, changeCase{steps: append([]step{stopped("web"), does(runner.OpStart)}, always(stopped("web"), 48)...), kind: orbctl.Timeout, took: 45 * time.Second}},
		"start fails":                     {start, changeCase{steps: []step{stopped("web"), fails(runner.OpStart, 1, "no"), stopped("web")}, kind: orbctl.OrbctlFailed}},
		"start fails, and it runs":        {start, changeCase{steps: []step{stopped("web"), fails(runner.OpStart, 1, "no"), up("web")}, changed: true, complains: orbctl.OrbctlFailed}},
		"start is late, and it runs soon": {start, changeCase{steps: []step{stopped("web"), late(runner.OpStart), stopped("web"), naked("web"), up("web")}, changed: true, complains: orbctl.Timeout, took: time.Second}},
		"start is late, and stays so":     {start, changeCase{steps: append([]step{stopped("web"), late(runner.OpStart)}, always(stopped("web"), 18)...), kind: orbctl.Timeout, took: 15 * time.Second}},
		"nobody is there":                 {start, changeCase{steps: []step{gone("web"), lists("db")}, kind: orbctl.MachineNotFound}},
		"it vanishes":                     {start, changeCase{steps: []step{stopped("web"), does(runner.OpStart), gone("web"), lists("db")}, kind: orbctl.MachineNotFound}},
		"stop":                            {stop, changeCase{steps: []step{up("web"), does(runner.OpStop), stopped("web")}, changed: true}},
		"stop of what is stopped":         {stop, changeCase{steps: []step{stopped("web")}}},
		"stop that returns early":         {stop, changeCase{steps: []step{up("web"), does(runner.OpStop), up("web"), looksAt("web", webID, "stopping", ""), stopped("web")}, changed: true, took: time.Second}},
		"stop that never ends":            {stop, changeCase{steps: append([]step{up("web"), does(runner.OpStop)}, always(up("web"), 48)...), kind: orbctl.Timeout, took: 45 * time.Second}},
		"restart":                         {restart, changeCase{steps: []step{up("web"), does(runner.OpRestart), naked("web"), up("web")}, changed: true, took: time.Second}},
		"restart of what is stopped":      {restart, changeCase{steps: []step{stopped("web")}, kind: orbctl.MachineNotRunning}},
		"restart fails":                   {restart, changeCase{steps: []step{up("web"), fails(runner.OpRestart, 1, "no"), up("web")}, kind: orbctl.OrbctlFailed}},
		"restart is late":                 {restart, changeCase{steps: []step{up("web"), late(runner.OpRestart), up("web")}, kind: orbctl.Timeout}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, _ := expect(t, c.steps...)
				began := time.Now()
				done, err := c.change(t.Context(), client)
				assert.LessOrEqual(t, time.Since(began), c.took)
				if c.kind != "" {
					failure(t, err, c.kind)
					assert.Zero(t, done, "an error is no result")
					return
				}
				require.NoError(t, err)
				assert.Equal(t, c.changed, done.Changed)
				assert.Equal(t, c.noAddress, done.NoAddress)
				if c.complains != "" {
					failure(t, done.Complaint, c.complains)
				} else {
					assert.NoError(t, done.Complaint)
				}
			})
		})
	}
}

// The end of the call ends the wait, and is no error of OrbStack's.
func TestAWaitEndsWithItsCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, _ := expect(t, append([]step{stopped("web"), does(runner.OpStart)}, always(stopped("web"), 5)...)...)
		why := errors.New("the client changed its mind")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(2*time.Second, func() { cancel(why) })
		_, err := client.Start(ctx, "web")
		require.ErrorIs(t, err, why)
	})
}

// Who is to agree to a stop sees the machine, and a no ends it there.
func TestAStopByForceIsAgreedTo(t *testing.T) {
	no := errors.New("no")
	client, _ := expect(t, up("web"))
	_, err := client.Stop(t.Context(), "web", true, func(m orbctl.MachineInfo) error {
		assert.Equal(t, webID, m.ID)
		return no
	})
	require.ErrorIs(t, err, no)

	client, _ = expect(t, up("web"), does(runner.OpForceStop), stopped("web"))
	done, err := client.Stop(t.Context(), "web", true, func(orbctl.MachineInfo) error { return nil })
	require.NoError(t, err)
	assert.True(t, done.Changed)

	client, _ = expect(t, stopped("web"))
	_, err = client.Stop(t.Context(), "web", true, func(orbctl.MachineInfo) error { return no })
	require.NoError(t, err, "there is nothing to agree to")
}
