package orbctl_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/orbctl"
	"orbstack-mcp/orbctl/runner"
)

func TestAReadThatFailedForNoKnownReasonIsRepeatedTwice(t *testing.T) {
	for name, bad := range map[string]step{
		"an unknown error": fails(runner.OpList, 1, "[-32000] another orbctl runs"),
		"a panic":          fails(runner.OpList, 2, goPanic),
		"null":             prints(runner.OpList, "null\n"),
		"nothing":          prints(runner.OpList, ""),
		"a cut list":       prints(runner.OpList, `[{"name":"we`),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, _ := expect(t, bad, bad, prints(runner.OpList, sample(t, "list.v2.2.json")))
				machines, err := c.Machines(t.Context())
				require.NoError(t, err)
				assert.Len(t, machines, 1)
			})
			synctest.Test(t, func(t *testing.T) {
				c, _ := expect(t, bad, bad, bad)
				machines, err := c.Machines(t.Context())
				failure(t, err, orbctl.OrbctlFailed)
				assert.Nil(t, machines, "a failure is never an empty list")
			})
		})
	}
}

func TestThePauseBeforeARepeatEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		c, _ := expect(t, fails(runner.OpList, 1, "odd"))
		began := time.Now()
		_, err := c.Machines(ctx)
		assert.Equal(t, "odd", failure(t, err, orbctl.OrbctlFailed).Raw)
		assert.Equal(t, 100*time.Millisecond, time.Since(began))
	})
}

func TestAnEmptyInstallationIsAnEmptyListWhateverTheExitCode(t *testing.T) {
	for _, exit := range []int{0, 1} {
		c, _ := expect(t, fails(runner.OpList, exit, sample(t, "no-machines.stderr.txt")))
		machines, err := c.Machines(t.Context())
		require.NoError(t, err)
		assert.Equal(t, []orbctl.Machine{}, machines)
	}
}

func TestMachine(t *testing.T) {
	c, f := expect(t, prints(runner.OpInfo, sample(t, "info.v2.0.running.json")))
	info, err := c.Machine(t.Context(), "web")
	require.NoError(t, err)
	assert.Equal(t, "web", info.Name)
	assert.Equal(t, []runner.Call{{Op: runner.OpInfo, Machine: "web"}}, f.calls)
}

func TestAnUnknownMachineNamesTheOthers(t *testing.T) {
	c, _ := expect(t,
		fails(runner.OpInfo, 1, "[-32098] machine not found: 'wbe'\n"),
		prints(runner.OpList, sample(t, "list.v2.0.json")))
	_, err := c.Machine(t.Context(), "wbe")
	e := failure(t, err, orbctl.MachineNotFound)
	assert.Equal(t, "wbe", e.Machine)
	assert.Equal(t, []string{"web", "db", "router"}, e.Have)
	assert.Equal(t, []string{"web"}, e.Nearest)
}

func TestAnUnknownMachineWithoutAListSaysNothingAboutTheOthers(t *testing.T) {
	c, _ := expect(t,
		fails(runner.OpInfo, 1, "[-32098] machine not found: 'wbe'\n"),
		step{op: runner.OpList, err: &runner.BusyError{}})
	_, err := c.Machine(t.Context(), "wbe")
	assert.Nil(t, failure(t, err, orbctl.MachineNotFound).Have)
}

func TestMachineOrDefault(t *testing.T) {
	t.Run("named: one run", func(t *testing.T) {
		c, _ := expect(t, prints(runner.OpInfo, sample(t, "info.v2.0.running.json")))
		info, err := c.MachineOrDefault(t.Context(), "web")
		require.NoError(t, err)
		assert.Equal(t, "web", info.Name)
	})
	t.Run("default: two runs", func(t *testing.T) {
		c, f := expect(t, prints(runner.OpDefault, "web\n"), prints(runner.OpInfo, sample(t, "info.v2.0.running.json")))
		info, err := c.MachineOrDefault(t.Context(), "")
		require.NoError(t, err)
		assert.Equal(t, "web", info.Name)
		assert.Equal(t, "web", f.calls[1].Machine)
	})
	t.Run("no default: the names there are", func(t *testing.T) {
		c, _ := expect(t, prints(runner.OpDefault, "\n"), prints(runner.OpList, sample(t, "list.v2.2.json")))
		_, err := c.MachineOrDefault(t.Context(), "")
		e := failure(t, err, orbctl.MachineNotFound)
		assert.Empty(t, e.Machine)
		assert.Equal(t, []string{"dc-a"}, e.Have)
	})
	t.Run("default unreadable", func(t *testing.T) {
		c, _ := expect(t, step{op: runner.OpDefault, err: &runner.BusyError{}})
		_, err := c.MachineOrDefault(t.Context(), "")
		failure(t, err, orbctl.Busy)
	})
}

func TestStatus(t *testing.T) {
	c, f := expect(t)
	f.status = runner.Starting
	status, err := c.Status(t.Context())
	require.NoError(t, err)
	assert.Equal(t, runner.Starting, status)

	f.statusErr = &runner.StatusError{Exit: 9, Text: "whatever"}
	_, err = c.Status(t.Context())
	assert.Equal(t, "whatever", failure(t, err, orbctl.OrbctlFailed).Raw)
}

func TestAnUpdateBannerIsRememberedFromEitherStream(t *testing.T) {
	banner, version := sample(t, "update-banner.txt"), sample(t, "version.txt")
	for want, res := range map[orbctl.Update]runner.Result{
		orbctl.UpdateSeenOnStdout: {Stdout: banner + version},
		orbctl.UpdateSeenOnStderr: {Stdout: version, Stderr: banner},
		orbctl.UpdateUnknown:      {Stdout: version},
	} {
		c, _ := expect(t, step{op: runner.OpVersion, res: res}, prints(runner.OpVersion, version))
		v, err := c.Version(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "2.2.1", v.String())
		assert.Equal(t, want, c.Update())
		assert.Equal(t, want != orbctl.UpdateUnknown, c.Update().Seen())

		_, err = c.Version(t.Context())
		require.NoError(t, err)
		assert.Equal(t, want, c.Update(), "a later run without a banner takes nothing back")
	}
}

const help204 = `Create a new Linux machine.

Usage:
  orbctl create DISTRO[:VERSION] [NAME] [flags]

Flags:
  -a, --arch string        Override the default architecture
  -h, --help               help for create
  -p, --set-password       Set a password for the default user
  -u, --user string        Username for the default user
`

const help221 = help204 + `      --cpus int           CPU limit
      --disk string        Disk limit
      --forward-ssh-agent  Forward the SSH agent
      --isolate-network    Isolate the network
      --isolated           Isolate the machine
      --memory string      Memory limit
      --mount strings      Mounts
`

func TestCapabilitiesFollowTheHelpOfTheOrbctlThatRuns(t *testing.T) {
	all := []orbctl.Feature{orbctl.Isolation, orbctl.MachineLimits, orbctl.NetworkIsolation, orbctl.MachineMounts, orbctl.AgentForwarding, orbctl.WebPorts}

	c, f := expect(t, prints(runner.OpVersion, "Version: 2.0.4 (2000400)\n"), prints(runner.OpHelp, help204))
	old, err := c.Capabilities(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{"create"}, f.calls[1].Args)
	for _, feature := range all {
		assert.False(t, old.Has(feature), feature)
	}
	e := failure(t, old.Require(orbctl.MachineLimits), orbctl.UnsupportedVersion)
	assert.Equal(t, "2.2.0", e.Needs)
	assert.Equal(t, "2.0.4", e.Running.String())
	assert.Equal(t, "2.1.0", failure(t, old.Require(orbctl.Isolation), orbctl.UnsupportedVersion).Needs)

	_, err = c.Capabilities(t.Context()) // no run: asked once
	require.NoError(t, err)

	c, _ = expect(t, prints(runner.OpVersion, sample(t, "version.txt")), prints(runner.OpHelp, help221))
	now, err := c.Capabilities(t.Context())
	require.NoError(t, err)
	for _, feature := range all {
		require.NoError(t, now.Require(feature))
	}
}

func TestCapabilitiesAreAskedAgainAfterAFailure(t *testing.T) {
	busy := &runner.BusyError{}
	c, _ := expect(t,
		step{op: runner.OpVersion, err: busy},
		prints(runner.OpVersion, sample(t, "version.txt")), step{op: runner.OpHelp, err: busy},
		prints(runner.OpVersion, sample(t, "version.txt")), prints(runner.OpHelp, help221))
	for range 2 {
		_, err := c.Capabilities(t.Context())
		failure(t, err, orbctl.Busy)
	}
	_, err := c.Capabilities(t.Context())
	require.NoError(t, err)
}

func TestATextThatIsNotTheHelpIsNoAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		odd := prints(runner.OpHelp, "no help today\n")
		c, _ := expect(t, prints(runner.OpVersion, sample(t, "version.txt")), odd, odd, odd)
		_, err := c.Capabilities(t.Context())
		assert.Equal(t, "no help today", failure(t, err, orbctl.OrbctlFailed).Raw)
	})
}

func TestCapabilitiesAreAskedByOneForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := func(ctx context.Context, _ runner.Call, _ *runner.Result) { time.Sleep(time.Second) }
		version, help := prints(runner.OpVersion, sample(t, "version.txt")), prints(runner.OpHelp, help221)
		version.also = slow
		c, _ := expect(t, version, help)

		var good atomic.Int32
		var callers sync.WaitGroup
		for range 20 {
			callers.Go(func() {
				if _, err := c.Capabilities(t.Context()); err == nil {
					good.Add(1)
				}
			})
		}
		impatient, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		callers.Go(func() {
			time.Sleep(time.Millisecond)
			_, err := c.Capabilities(impatient)
			assert.ErrorIs(t, err, context.DeadlineExceeded)
		})
		callers.Wait()
		assert.Equal(t, int32(20), good.Load())
	})
}
