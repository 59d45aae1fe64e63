package orbctl_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/orbctl"
	"orbstack-mcp/orbctl/runner"
)

func TestConfigSetIsGetSetGet(t *testing.T) {
	c, f := expect(t,
		prints(runner.OpConfigGet, "4\n"),
		prints(runner.OpConfigSet, ""),
		prints(runner.OpConfigGet, "8\n"))
	change, err := c.ConfigSet(t.Context(), "cpu", " 8 ", nil)
	require.NoError(t, err)
	assert.Equal(t, []string{"cpu", "8"}, f.calls[1].Args)
	assert.Equal(t, "4", change.Before.Value)
	assert.Equal(t, "8", change.Value)
	assert.Equal(t, "8", change.After.Value)
	assert.True(t, change.Changed)
	assert.True(t, change.Stored)
	assert.Equal(t, orbctl.Restart{Needed: orbctl.Yes, Evidence: orbctl.Inferred}, change.Restart)
	assert.Equal(t, orbctl.Undo{Known: true, Value: "4"}, change.Undo)
}

func TestTheRestartHintCounts(t *testing.T) {
	hint := sample(t, "config-set.restart-hint.txt")
	for _, res := range []runner.Result{{Stdout: hint}, {Stderr: hint}} {
		c, _ := expect(t,
			prints(runner.OpConfigGet, "false\n"),
			step{op: runner.OpConfigSet, res: res},
			prints(runner.OpConfigGet, "true\n"))
		change, err := c.ConfigSet(t.Context(), "data_allow_backup", "on", nil)
		require.NoError(t, err)
		assert.Equal(t, orbctl.Restart{Needed: orbctl.Yes, Evidence: orbctl.Seen}, change.Restart)
	}
}

func TestAValueThatIsStoredAlreadyIsNotSet(t *testing.T) {
	for key, stored := range map[string]string{"rosetta": "true", "k8s.enable": "yes", "network.proxy.exclude": "true, x"} {
		c, _ := expect(t, prints(runner.OpConfigGet, stored+"\n"))
		value := "true"
		if key == "network.proxy.exclude" {
			value = "true,x"
		}
		change, err := c.ConfigSet(t.Context(), key, value, nil)
		require.NoError(t, err)
		assert.False(t, change.Changed)
		assert.False(t, change.LowersWall, "nothing changes, so nobody is asked")
		assert.True(t, change.Stored)
	}
}

func TestAWrongValueCostsNoRun(t *testing.T) {
	c, _ := expect(t)
	_, err := c.ConfigSet(t.Context(), "cpu", "64", nil)
	failure(t, err, orbctl.InvalidArgument)
}

func TestAPlanChangesNothingAndSaysWhoHasToAgree(t *testing.T) {
	c, _ := expect(t, prints(runner.OpConfigGet, "false\n"))
	plan, err := c.PlanConfig(t.Context(), "ssh.expose_port", "yes")
	require.NoError(t, err)
	assert.True(t, plan.Changes)
	assert.True(t, plan.LowersWall)
	assert.NotEmpty(t, plan.WallReason)
	assert.Equal(t, "true", plan.Value)
}

func TestAKeyThatNobodyKnows(t *testing.T) {
	show := prints(runner.OpConfigShow, "new.thing: 5\n")
	c, _ := expect(t, show, prints(runner.OpConfigSet, ""), prints(runner.OpConfigGet, "6\n"))
	plan, err := c.PlanConfig(t.Context(), "new.thing", "6")
	require.NoError(t, err)
	assert.False(t, plan.Known)
	assert.True(t, plan.LowersWall, "nobody knows what it does")
	assert.Empty(t, plan.WallReason)
	change, err := c.ApplyConfig(t.Context(), plan)
	require.NoError(t, err)
	assert.True(t, change.Changed)
	assert.Equal(t, orbctl.Undo{Known: true, Value: "5"}, change.Undo)

	c, _ = expect(t, show)
	plan, err = c.PlanConfig(t.Context(), "new.thing", "5")
	require.NoError(t, err)
	assert.False(t, plan.Changes || plan.LowersWall)

	c, _ = expect(t, show)
	_, err = c.PlanConfig(t.Context(), "old.thing", "6")
	failure(t, err, orbctl.InvalidArgument)

	c, _ = expect(t)
	_, err = c.PlanConfig(t.Context(), "new.thing", "-6")
	assert.Equal(t, "new.thing", failure(t, err, orbctl.InvalidArgument).Key)
}

func TestASetThatCameTooLateIsLookedAt(t *testing.T) {
	late := step{op: runner.OpConfigSet, err: &runner.TimeoutError{Op: runner.OpConfigSet}}
	c, _ := expect(t, prints(runner.OpConfigGet, "4\n"), late, prints(runner.OpConfigGet, "8\n"))
	change, err := c.ConfigSet(t.Context(), "cpu", "8", nil)
	require.NoError(t, err)
	assert.True(t, change.Changed && change.Stored)

	c, _ = expect(t, prints(runner.OpConfigGet, "4\n"), late, prints(runner.OpConfigGet, "4\n"))
	_, err = c.ConfigSet(t.Context(), "cpu", "8", nil)
	e := failure(t, err, orbctl.Timeout)
	assert.True(t, e.MayFinish)
	assert.Equal(t, "cpu", e.Key)
}

func TestASetIsNeverRepeated(t *testing.T) {
	c, _ := expect(t, prints(runner.OpConfigGet, "4\n"), fails(runner.OpConfigSet, 1, "no such key: cpu"))
	_, err := c.ConfigSet(t.Context(), "cpu", "8", nil)
	e := failure(t, err, orbctl.OrbctlFailed)
	assert.Equal(t, "cpu", e.Key)
	assert.Equal(t, "no such key: cpu", e.Raw)
}

func TestAChangeThatCannotBeReadBackSaysSo(t *testing.T) {
	c, _ := expect(t, prints(runner.OpConfigGet, "4\n"), prints(runner.OpConfigSet, ""), step{op: runner.OpConfigGet, err: &runner.BusyError{}})
	change, err := c.ConfigSet(t.Context(), "cpu", "8", nil)
	require.NoError(t, err)
	failure(t, change.Unverified, orbctl.Busy)
	assert.False(t, change.Stored)
	assert.True(t, change.Changed)
}

func TestAValueThatOrbStackDidNotTake(t *testing.T) {
	c, _ := expect(t, prints(runner.OpConfigGet, "4\n"), prints(runner.OpConfigSet, ""), prints(runner.OpConfigGet, "4\n"))
	change, err := c.ConfigSet(t.Context(), "cpu", "8", nil)
	require.NoError(t, err)
	assert.False(t, change.Changed)
	assert.False(t, change.Stored)
}

func TestUndoOfAKeyThatWasNotSet(t *testing.T) {
	set := func(key, value, after string) orbctl.Undo {
		c, _ := expect(t, prints(runner.OpConfigGet, "\n"), prints(runner.OpConfigSet, ""), prints(runner.OpConfigGet, after+"\n"))
		change, err := c.ConfigSet(t.Context(), key, value, nil)
		require.NoError(t, err)
		return change.Undo
	}
	assert.Equal(t, orbctl.Undo{Known: true, Value: "auto", Default: true}, set("network_proxy", "none", "none"))
	assert.Equal(t, orbctl.Undo{}, set("data_dir", "/x", "/x"))
}

func TestNobodyIsSentBackToAValueThatIsRefused(t *testing.T) {
	c, _ := expect(t, prints(runner.OpConfigGet, "64\n"), prints(runner.OpConfigSet, ""), prints(runner.OpConfigGet, "2\n"))
	change, err := c.ConfigSet(t.Context(), "cpu", "2", nil)
	require.NoError(t, err)
	assert.False(t, change.Undo.Known)
	assert.Equal(t, "64", change.Undo.Value)
	assert.Contains(t, change.Undo.Refused, "must be 1 to")
}

func TestAPasswordInAProxyReachesOrbctlAndNobodyElse(t *testing.T) {
	c, f := expect(t,
		prints(runner.OpConfigGet, "http://old:hunter1@proxy:1\n"),
		step{op: runner.OpConfigSet},
		prints(runner.OpConfigGet, "http://me:hunter2@proxy:2\n"))
	change, err := c.ConfigSet(t.Context(), "network_proxy", "http://me:hunter2@proxy:2", nil)
	require.NoError(t, err)
	assert.Equal(t, "http://me:hunter2@proxy:2", f.calls[1].Args[1])
	assert.Equal(t, "http://xxxxx@proxy:1", change.Before.Value)
	assert.Equal(t, "http://xxxxx@proxy:2", change.Value)
	assert.Equal(t, "http://xxxxx@proxy:2", change.After.Value)
	assert.True(t, change.Stored && change.Changed)
	assert.Equal(t, orbctl.Undo{}, change.Undo, "the old value can't be shown, so it can't be set again")

	c, _ = expect(t, prints(runner.OpConfigGet, "\n"), fails(runner.OpConfigSet, 1, "bad proxy 'http://me:hunter2@proxy:2'"))
	_, err = c.ConfigSet(t.Context(), "network_proxy", "http://me:hunter2@proxy:2", nil)
	assert.Equal(t, "bad proxy 'http://xxxxx@proxy:2'", failure(t, err, orbctl.OrbctlFailed).Raw)
}

func limits(t *testing.T) step {
	return prints(runner.OpInfo, sample(t, "info.v2.2.running.limits.json"))
}

func capable(t *testing.T) []step {
	return []step{prints(runner.OpVersion, sample(t, "version.txt")), prints(runner.OpHelp, help221)}
}

func TestAMachinesKeyIsReadWithInfoSetAndReadBack(t *testing.T) {
	c, f := expect(t, append(capable(t), limits(t), prints(runner.OpConfigSet, ""), prints(runner.OpConfigGet, "4\n"))...)
	change, err := c.ConfigSet(t.Context(), "machine.dc-a.cpu", "4", nil)
	require.NoError(t, err)
	assert.Equal(t, "2", change.Before.Value)
	assert.Equal(t, "4", change.After.Value)
	assert.Equal(t, "01M1M7N61KT3MYNC8KGX55MSGN", change.Info.ID)
	assert.Equal(t, []string{"machine.dc-a.cpu", "4"}, f.calls[3].Args)
}

// Every field of a machine is read from info as `config get` would print it, so
// that the value that is there already is known as such.
func TestEveryFieldOfAMachineIsKnownFromInfo(t *testing.T) {
	steps := capable(t)
	stored := map[string]string{
		"username": "dev", "cpu": "2", "memory_mib": "2048", "disk_bytes": "21474836480",
		"isolated": "false", "isolate_network": "false", "forward_ssh_agent": "true", "mounts": "/a:/b,/c:/d",
	}
	const info = `{"record":{"id":"X","name":"dc-a","state":"stopped","config":{"forward_ssh_agent":true,"default_username":"dev",
		"http_port":8080,"https_port":8443,"memory_limit_mib":2048,"cpu_limit":2,"disk_limit_bytes":21474836480,
		"mounts":[{"source":"/a","destination":"/b"},{"source":"/c","destination":"/d"}]}}}`
	stored["http_port"], stored["https_port"] = "8080", "8443"
	for range stored {
		steps = append(steps, prints(runner.OpInfo, info))
	}
	c, _ := expect(t, steps...)
	_, err := c.Capabilities(t.Context())
	require.NoError(t, err)
	for field, value := range stored {
		plan, err := c.PlanConfig(t.Context(), orbctl.MachineKey("dc-a", field), value)
		require.NoError(t, err)
		assert.Equal(t, value, plan.Before.Value, field)
		assert.False(t, plan.Changes, field)
	}
}

func TestASettingThatAnOldOrbStackDoesNotHaveIsRefused(t *testing.T) {
	for key, value := range map[string]string{
		"machine.web.memory_mib": "2048", "machine.web.isolate_network": "true", "machine.web.http_port": "8080", "machine.web.https_port": "8443",
	} {
		c, _ := expect(t, prints(runner.OpVersion, "Version: 2.0.4 (2000400)\n"), prints(runner.OpHelp, help204))
		_, err := c.ConfigSet(t.Context(), key, value, nil)
		e := failure(t, err, orbctl.UnsupportedVersion)
		assert.Equal(t, "2.2.0", e.Needs)
		assert.Equal(t, "2.0.4", e.Running.String())
		assert.Equal(t, key, e.Key)
		_, err = c.PlanConfig(t.Context(), key, value)
		failure(t, err, orbctl.UnsupportedVersion)
	}

	c, _ := expect(t, step{op: runner.OpVersion, err: &runner.BinaryError{}})
	_, err := c.ConfigSet(t.Context(), "machine.web.memory_mib", "2048", nil)
	failure(t, err, orbctl.OrbctlNotFound)
}

func TestAKeyOfAMachineThatIsNotThere(t *testing.T) {
	c, _ := expect(t, append(capable(t),
		fails(runner.OpInfo, 1, "[-32098] machine not found: 'dc-b'"),
		prints(runner.OpList, sample(t, "list.v2.2.json")))...)
	_, err := c.ConfigSet(t.Context(), "machine.dc-b.cpu", "1", nil)
	e := failure(t, err, orbctl.MachineNotFound)
	assert.Equal(t, []string{"dc-a"}, e.Nearest)
	assert.Equal(t, "machine.dc-b.cpu", e.Key)
}

func TestSetUsername(t *testing.T) {
	running, stopped := prints(runner.OpInfo, sample(t, "info.v2.0.running.json")), prints(runner.OpInfo, sample(t, "info.v2.2.stopped.json"))

	t.Run("of a running machine that has the account", func(t *testing.T) {
		c, f := expect(t, running, answers(section{"passwd", passwd}), prints(runner.OpConfigSet, ""), prints(runner.OpConfigGet, "deploy\n"))
		change, err := c.SetUsername(t.Context(), "web", "deploy")
		require.NoError(t, err)
		assert.Equal(t, "ubuntu", change.Before.Value)
		assert.Equal(t, "deploy", change.After.Value)
		assert.True(t, change.Users.Checked)
		assert.Equal(t, []string{"root", "ubuntu", "deploy"}, change.Users.Users)
		assert.Equal(t, []string{"machine.web.username", "deploy"}, f.calls[2].Args)
	})
	t.Run("of a running machine without the account nothing is changed", func(t *testing.T) {
		c, _ := expect(t, running, answers(section{"passwd", passwd}))
		_, err := c.SetUsername(t.Context(), "web", "deplyo")
		e := failure(t, err, orbctl.GuestUserMissing)
		assert.Equal(t, "deplyo", e.User)
		assert.Equal(t, "web", e.Machine)
		assert.Equal(t, []string{"root", "ubuntu", "deploy"}, e.Have)
		assert.Equal(t, []string{"deploy"}, e.Nearest)
	})
	t.Run("of a machine whose present user is missing too", func(t *testing.T) {
		c, _ := expect(t, running, fails(runner.OpProbe, 1, "user: unknown user ubuntu"),
			answers(section{"passwd", passwd}), prints(runner.OpConfigSet, ""), prints(runner.OpConfigGet, "deploy\n"))
		change, err := c.SetUsername(t.Context(), "web", "deploy")
		require.NoError(t, err)
		assert.True(t, change.Users.Probe.FellBack)
	})
	t.Run("of a machine that can't be asked nothing is changed", func(t *testing.T) {
		c, _ := expect(t, running, cut(section{"passwd", "root:x:0:0::/:/bin/sh"}))
		_, err := c.SetUsername(t.Context(), "web", "deploy")
		assert.Equal(t, "deploy", failure(t, err, orbctl.OrbctlFailed).User)

		c, _ = expect(t, running, step{op: runner.OpProbe, err: &runner.BusyError{}})
		_, err = c.SetUsername(t.Context(), "web", "deploy")
		failure(t, err, orbctl.Busy)
	})
	t.Run("of a stopped machine it is set unchecked", func(t *testing.T) {
		c, _ := expect(t, stopped, prints(runner.OpConfigSet, ""), prints(runner.OpConfigGet, "deploy\n"))
		change, err := c.SetUsername(t.Context(), "ubuntu", "deploy")
		require.NoError(t, err)
		assert.True(t, change.Changed)
		assert.False(t, change.Users.Checked)
		assert.Equal(t, orbctl.Stopped, change.Info.State)
	})
	t.Run("that is set already", func(t *testing.T) {
		c, _ := expect(t, running, answers(section{"passwd", passwd}))
		change, err := c.SetUsername(t.Context(), "web", "ubuntu")
		require.NoError(t, err)
		assert.False(t, change.Changed)
		assert.True(t, change.Users.Checked)
	})
	t.Run("that is set already and missing in the machine", func(t *testing.T) {
		c, _ := expect(t, running, fails(runner.OpProbe, 1, "user: unknown user ubuntu"), answers(section{"passwd", strings.ReplaceAll(passwd, "ubuntu", "ana")}))
		_, err := c.SetUsername(t.Context(), "web", "ubuntu")
		assert.Equal(t, []string{"root", "ana", "deploy"}, failure(t, err, orbctl.GuestUserMissing).Have)
	})
	t.Run("that is set already in a stopped machine", func(t *testing.T) {
		c, _ := expect(t, stopped)
		change, err := c.SetUsername(t.Context(), "ubuntu", "dev")
		require.NoError(t, err)
		assert.False(t, change.Changed || change.Users.Checked)
	})
	t.Run("with words that cannot be names costs no run", func(t *testing.T) {
		c, _ := expect(t)
		_, err := c.SetUsername(t.Context(), "", "deploy")
		assert.Equal(t, "machine", failure(t, err, orbctl.InvalidArgument).Problems[0].Field)
		_, err = c.SetUsername(t.Context(), "web", "two words")
		assert.Equal(t, "username", failure(t, err, orbctl.InvalidArgument).Problems[0].Field)
	})
	t.Run("config set takes the same path", func(t *testing.T) {
		c, _ := expect(t, running, answers(section{"passwd", passwd}))
		_, err := c.ConfigSet(t.Context(), "machine.web.username", "nobody-here", nil)
		failure(t, err, orbctl.GuestUserMissing)
	})
}

func TestACancelledSetIsNoErrorOfOrbStack(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c, _ := expect(t, prints(runner.OpConfigGet, "4\n"),
		step{op: runner.OpConfigSet, err: context.Canceled, also: func(context.Context, runner.Call, *runner.Result) { cancel() }})
	_, err := c.ConfigSet(ctx, "cpu", "8", nil)
	require.ErrorIs(t, err, context.Canceled)
}
