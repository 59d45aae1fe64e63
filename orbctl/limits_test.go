package orbctl_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"orbstack-mcp/orbctl"
	"orbstack-mcp/orbctl/runner"
)

const (
	helpOf22 = "  -a, --arch string\n      --memory string\n  -u, --user string\n"
	helpOf20 = "  -a, --arch string\n  -u, --user string\n"
)

// limited is `info web` with those limits and that much disk in use.
func limited(state, limits string) string {
	return `{"record":{"id":"01K2G8TY5GM9C3CN95KCB4ZG8B","name":"web","config":{"default_username":"ana"` + limits + `},"state":"` + state + `"},"disk_size":1073741824}`
}

// looks are the runs before the first set.
func looks(state, limits string) []step {
	return []step{
		prints(runner.OpVersion, "Version: 2.2.3 (2020300)\n"), prints(runner.OpHelp, helpOf22),
		prints(runner.OpInfo, limited(state, limits)),
	}
}

func set(value string) []step {
	return []step{prints(runner.OpConfigSet, ""), prints(runner.OpConfigGet, value+"\n")}
}

func steps(all ...[]step) (flat []step) {
	for _, s := range all {
		flat = append(flat, s...)
	}
	return flat
}

// sets are the settings that were set, in their order.
func (f *fake) sets() []string {
	var all []string
	for _, call := range f.calls {
		if call.Op == runner.OpConfigSet {
			all = append(all, strings.Join(call.Args, " "))
		}
	}
	return all
}

func TestLimitsAreSetInTheUnitsOfTheSettings(t *testing.T) {
	c, f := expect(t, steps(looks("running", `,"cpu_limit":4`), set("2"), set("1536"), set("0"),
		[]step{answers(section{"cgroup v2 own", "cpu.max 200000 100000\nmemory.max max"})})...)
	change, err := c.SetLimits(t.Context(), "web", orbctl.LimitsWanted{CPUs: " 2 ", Memory: "1.5g", Disk: "64GiB"})
	require.NoError(t, err)
	assert.Equal(t, []string{"machine.web.cpu 2", "machine.web.memory_mib 1536", "machine.web.disk_bytes 68719476736"}, f.sets())
	require.Len(t, change.Limits, 3)
	assert.Equal(t, "4", change.Limits[0].Before.Value)
	assert.True(t, change.Limits[0].Stored)
	assert.False(t, change.Limits[2].Stored, "orbctl stored another value")
	require.NotNil(t, change.InForce.CPUs)
	assert.InDelta(t, 2, *change.InForce.CPUs, 0)
	require.NotNil(t, change.InForce.Memory)
	assert.Zero(t, *change.InForce.Memory)
}

func TestAStoppedMachineIsNotAskedWhatIsInForce(t *testing.T) {
	c, f := expect(t, steps(looks("stopped", `,"memory_limit_mib":512`), set("0"))...)
	change, err := c.SetLimits(t.Context(), "web", orbctl.LimitsWanted{CPUs: "unlimited", Memory: "Unlimited"})
	require.NoError(t, err)
	assert.Equal(t, []string{"machine.web.memory_mib 0"}, f.sets(), "no limit is what it had")
	assert.False(t, change.Limits[0].Changed)
	assert.True(t, change.Limits[1].Changed)
	assert.Nil(t, change.InForce.CPUs)
}

func TestWrongLimitsCostNoRun(t *testing.T) {
	for name, c := range map[string]struct {
		machine string
		wanted  orbctl.LimitsWanted
		why     map[string]string // argument → what is said
	}{
		"none":              {"web", orbctl.LimitsWanted{}, map[string]string{"cpus": "none of them was given"}},
		"no number":         {"web", orbctl.LimitsWanted{CPUs: "two"}, map[string]string{"cpus": "whole number of cores"}},
		"half a core":       {"web", orbctl.LimitsWanted{CPUs: "1.5"}, map[string]string{"cpus": "whole number of cores"}},
		"more than the Mac": {"web", orbctl.LimitsWanted{CPUs: "9", Memory: "17G"}, map[string]string{"cpus": "1 to 8 (the cpus of the Mac)", "memory": "64M to 16G (the memory of the Mac)"}},
		"no unit":           {"web", orbctl.LimitsWanted{Memory: "4", Disk: "64"}, map[string]string{"memory": "needs a unit", "disk": "needs a unit"}},
		"too small":         {"web", orbctl.LimitsWanted{Memory: "1M", Disk: "1M"}, map[string]string{"memory": "64M to 16G", "disk": "at least 256M"}},
		"no whole MiB":      {"web", orbctl.LimitsWanted{Memory: "100.0001M"}, map[string]string{"memory": "whole number of MiB"}},
		"negative":          {"web", orbctl.LimitsWanted{CPUs: "-1", Memory: "-4G"}, map[string]string{"cpus": "1 to 8", "memory": "must be a size"}},
		"beyond all":        {"web", orbctl.LimitsWanted{Disk: "999999999999999999T"}, map[string]string{"disk": "more than any computer has"}},
		"an option":         {"--all", orbctl.LimitsWanted{CPUs: "--all"}, map[string]string{"machine": "", "cpus": "whole number"}},
	} {
		t.Run(name, func(t *testing.T) {
			client, _ := expect(t)
			_, err := client.SetLimits(t.Context(), c.machine, c.wanted)
			e := failure(t, err, orbctl.InvalidArgument)
			got := map[string]string{}
			for _, p := range e.Problems {
				got[p.Field] = p.Why
			}
			assert.Len(t, got, len(c.why))
			for field, why := range c.why {
				assert.Contains(t, got[field], why)
			}
		})
	}
}

func TestADiskLimitBelowWhatIsInUseChangesNothing(t *testing.T) {
	c, f := expect(t, looks("running", "")...)
	_, err := c.SetLimits(t.Context(), "web", orbctl.LimitsWanted{CPUs: "2", Disk: "1023M"})
	e := failure(t, err, orbctl.InvalidArgument)
	require.Len(t, e.Problems, 1)
	assert.Equal(t, "disk", e.Problems[0].Field)
	assert.Contains(t, e.Problems[0].Why, "1073741824 bytes")
	assert.Empty(t, f.sets())

	c, f = expect(t, append(looks("running", "")[:2], prints(runner.OpInfo, strings.Replace(limited("running", ""), `,"disk_size":1073741824`, "", 1)))...)
	_, err = c.SetLimits(t.Context(), "web", orbctl.LimitsWanted{Disk: "64G"})
	assert.Contains(t, failure(t, err, orbctl.InvalidArgument).Problems[0].Why, "does not say how much")
	assert.Empty(t, f.sets())
}

func TestLimitsBefore22AreRefused(t *testing.T) {
	c, f := expect(t, prints(runner.OpVersion, "Version: 2.1.2 (2010200)\n"), prints(runner.OpHelp, helpOf20))
	_, err := c.SetLimits(t.Context(), "web", orbctl.LimitsWanted{CPUs: "2"})
	assert.Equal(t, "2.2.0", failure(t, err, orbctl.UnsupportedVersion).Needs)
	assert.Empty(t, f.sets())
}

func TestIfOneLimitFailsTheOthersArePutBack(t *testing.T) {
	refused := fails(runner.OpConfigSet, 1, "[-32098] the moon is in the way")
	all := orbctl.LimitsWanted{CPUs: "2", Memory: "1G", Disk: "64G"}

	c, f := expect(t, steps(looks("running", `,"cpu_limit":4`), set("2"), []step{refused}, set("4"))...)
	_, err := c.SetLimits(t.Context(), "web", all)
	half, ok := errors.AsType[*orbctl.LimitsError](err)
	require.True(t, ok, "%v", err)
	failure(t, err, orbctl.OrbctlFailed)
	assert.Equal(t, []string{"machine.web.cpu 2", "machine.web.memory_mib 1024", "machine.web.cpu 4"}, f.sets())
	assert.Equal(t, []string{"cpus"}, half.PutBack)
	assert.Equal(t, []string{"disk"}, half.Untouched)
	assert.Equal(t, "memory", half.Failed)
	assert.Empty(t, half.StillNew)
	assert.False(t, half.Unsure)

	// One that was not set before gets no limit again; and if that fails, it is said.
	c, f = expect(t, steps(looks("running", ""), set("2"), []step{refused, refused})...)
	_, err = c.SetLimits(t.Context(), "web", all)
	half, ok = errors.AsType[*orbctl.LimitsError](err)
	require.True(t, ok)
	assert.Equal(t, "machine.web.cpu 0", f.sets()[2])
	assert.Equal(t, []string{"cpus"}, half.StillNew)
	require.Error(t, half.PutBackBy)
	assert.Empty(t, half.PutBack)
}

func TestACallThatIsCutOffLeavesNoHalfOfItself(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cutOff := step{op: runner.OpConfigSet, err: context.Canceled, also: func(context.Context, runner.Call, *runner.Result) { cancel() }}
	c, f := expect(t, steps(looks("running", ""), set("2"), []step{cutOff, prints(runner.OpConfigGet, "1024\n")}, set("0"), set("0"))...)
	_, err := c.SetLimits(ctx, "web", orbctl.LimitsWanted{CPUs: "2", Memory: "1G"})
	half, ok := errors.AsType[*orbctl.LimitsError](err)
	require.True(t, ok, "%v", err)
	require.ErrorIs(t, err, context.Canceled)
	assert.True(t, half.Unsure)
	assert.Equal(t, []string{"memory", "cpus"}, half.PutBack)
	assert.Equal(t, []string{"machine.web.memory_mib 0", "machine.web.cpu 0"}, f.sets()[2:])
}

func TestALimitThatIsShownIsOneThatIsTaken(t *testing.T) {
	mac := orbctl.Mac{}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(256<<20, 1<<50).Draw(t, "bytes")
		r := &oneInfo{}
		c := orbctl.New(r, mac)
		_, err := c.SetLimits(context.Background(), "web", orbctl.LimitsWanted{Disk: orbctl.LimitText(n, 1)})
		require.NoError(t, err)
		require.Equal(t, orbctl.LimitText(n, 1), orbctl.LimitText(r.disk, 1))
		require.Equal(t, n, r.disk)
	})
}

// oneInfo is an orbctl with a stopped machine whose disk limit is kept.
type oneInfo struct{ disk int64 }

func (r *oneInfo) Run(_ context.Context, call runner.Call) (runner.Result, error) {
	switch call.Op {
	case runner.OpVersion:
		return runner.Result{Stdout: "Version: 2.2.3 (2020300)\n"}, nil
	case runner.OpHelp:
		return runner.Result{Stdout: helpOf22}, nil
	case runner.OpInfo:
		return runner.Result{Stdout: strings.Replace(limited("stopped", ""), `1073741824`, "1", 1)}, nil
	case runner.OpConfigSet:
		_, err := fmt.Sscan(call.Args[1], &r.disk)
		return runner.Result{}, err
	}
	return runner.Result{Stdout: fmt.Sprintln(r.disk)}, nil
}

func (*oneInfo) Status(context.Context) (runner.Status, error) { return runner.Running, nil }

func (*oneInfo) Edition(string) runner.Edition { return "" }

func (*oneInfo) Hold(context.Context, ...runner.Call) (*runner.Hold, error) { return nil, nil }

func (r *oneInfo) Places(context.Context, int) (*runner.Places, error) { return nil, nil }

// One truth of what a limit may be: for a machine that is there and for a new one.
func TestLimitFlagsAreReadAsSetLimitsDoes(t *testing.T) {
	client, _ := expect(t)
	flags, err := client.LimitFlags(orbctl.LimitsWanted{CPUs: "2", Memory: "1 GiB", Disk: "24 GB"})
	require.NoError(t, err)
	assert.Equal(t, orbctl.LimitsWanted{CPUs: "2", Memory: "1G", Disk: "24G"}, flags)
	flags, err = client.LimitFlags(orbctl.LimitsWanted{CPUs: "Unlimited", Memory: "1536m"})
	require.NoError(t, err)
	assert.Equal(t, orbctl.LimitsWanted{Memory: "1536M"}, flags, "no limit is no flag")

	_, err = client.LimitFlags(orbctl.LimitsWanted{CPUs: "99", Memory: "999G", Disk: "64"})
	e := failure(t, err, orbctl.InvalidArgument)
	require.Len(t, e.Problems, 3)
	assert.Contains(t, e.Problems[0].Why, "1 to 8 (the cpus of the Mac)")
	assert.Contains(t, e.Problems[1].Why, "64M to 16G (the memory of the Mac)")
	assert.Contains(t, e.Problems[2].Why, "needs a unit")
}
