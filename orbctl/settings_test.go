package orbctl_test

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/orbctl"
	"orbstack-mcp/orbctl/runner"
)

func TestConfigGetIsOneRun(t *testing.T) {
	c, f := expect(t, prints(runner.OpConfigGet, "11\n"))
	s, err := c.ConfigGet(t.Context(), " cpu ")
	require.NoError(t, err)
	assert.True(t, s.Known)
	assert.Equal(t, "11", s.Setting.Value)
	assert.Equal(t, orbctl.IntValue, s.Type)
	assert.Equal(t, []string{"cpu"}, f.calls[0].Args)
}

func TestAKeyThatNobodyKnowsIsReadIfOrbctlListsIt(t *testing.T) {
	c, _ := expect(t, prints(runner.OpConfigShow, "cpu: 11\nnew.thing: 5\n"))
	s, err := c.ConfigGet(t.Context(), "new.thing")
	require.NoError(t, err)
	assert.False(t, s.Known)
	assert.Equal(t, "new.thing", s.Name)
	assert.Equal(t, "5", s.Setting.Value)

	c, _ = expect(t, prints(runner.OpConfigShow, "cpu: 11\nnew.thing: 5\n"))
	_, err = c.ConfigGet(t.Context(), "new.thin")
	e := failure(t, err, orbctl.InvalidArgument)
	assert.Equal(t, "new.thin", e.Key)
	assert.Contains(t, e.Nearest, "new.thing")

	c, _ = expect(t, step{op: runner.OpConfigShow, err: &runner.GateError{Status: runner.Stopped}})
	_, err = c.ConfigGet(t.Context(), "new.thing")
	failure(t, err, orbctl.OrbStackNotRunning)
}

func TestAKeyOfAMachineThatCannotBeIsNotAskedFor(t *testing.T) {
	c, _ := expect(t)
	_, err := c.ConfigGet(t.Context(), "machine.-x.cpu")
	assert.Equal(t, "key", failure(t, err, orbctl.InvalidArgument).Problems[0].Field)
}

func TestSettingsAreTheCatalogueWithWhatIsStored(t *testing.T) {
	c, _ := expect(t,
		prints(runner.OpConfigShow, sample(t, "config-show.txt")+"machine.docker.cpu: 2\nmachine.web.colour: blue\nnew.thing: 5\n"),
		prints(runner.OpList, sample(t, "list.v2.0.json")))
	settings, machinesErr, err := c.Settings(t.Context(), "")
	require.NoError(t, err)
	require.NoError(t, machinesErr)

	byName := map[string]orbctl.KnownSetting{}
	for _, s := range settings {
		byName[s.Name] = s
	}
	assert.Len(t, byName, len(settings), "no key is there twice")
	assert.Equal(t, "11", byName["cpu"].Setting.Value)
	assert.True(t, byName["data_dir"].Known)
	assert.False(t, byName["data_dir"].Setting.Set)
	assert.Equal(t, "data_dir", byName["data_dir"].Setting.Key)

	assert.Equal(t, "web", byName["machine.web.username"].Machine)
	assert.False(t, byName["machine.web.username"].Stale)
	assert.True(t, byName["machine.gone.username"].Stale)
	assert.False(t, byName["machine.docker.cpu"].Stale, "docker is in no list and never gone")
	assert.False(t, byName["machine.web.colour"].Known)
	assert.False(t, byName["new.thing"].Known)
	assert.Equal(t, "5", byName["new.thing"].Setting.Value)
}

func TestSettingsCanBeNarrowed(t *testing.T) {
	for prefix, want := range map[string][]string{
		"network":      {"network.subnet4", "network_proxy", "network.proxy.exclude", "network.https", "network_bridge"},
		"machine.web.": {"machine.web.username"},
		"nothing":      {},
	} {
		c, _ := expect(t, prints(runner.OpConfigShow, sample(t, "config-show.txt")), prints(runner.OpList, sample(t, "list.v2.0.json")))
		settings, _, err := c.Settings(t.Context(), prefix)
		require.NoError(t, err)
		names := []string{}
		for _, s := range settings {
			names = append(names, s.Name)
		}
		assert.Equal(t, want, names)
	}
}

func TestWithoutAListNothingIsCalledStale(t *testing.T) {
	c, _ := expect(t, prints(runner.OpConfigShow, sample(t, "config-show.txt")), step{op: runner.OpList, err: &runner.BusyError{}})
	settings, machinesErr, err := c.Settings(t.Context(), "machine.")
	require.NoError(t, err)
	failure(t, machinesErr, orbctl.Busy)
	require.Len(t, settings, 3)
	for _, s := range settings {
		assert.False(t, s.Stale)
	}

	c, _ = expect(t, step{op: runner.OpConfigShow, err: &runner.BusyError{}})
	_, _, err = c.Settings(t.Context(), "")
	failure(t, err, orbctl.Busy)
}

func TestASettingIsReadAgainWhenItCouldNotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := expect(t, prints(runner.OpConfigGet, "two\nlines\n"), prints(runner.OpConfigGet, "11\n"))
		s, err := c.ConfigGet(t.Context(), "cpu")
		require.NoError(t, err)
		assert.Equal(t, "11", s.Setting.Value)
	})
}

func TestAKeyThatThisVersionDoesNotHaveSaysSo(t *testing.T) {
	old := []step{prints(runner.OpVersion, "Version: 2.0.4 (2000400)\n"), prints(runner.OpHelp, help204)}
	for name, steps := range map[string][]step{
		"refused":    append([]step{fails(runner.OpConfigGet, 1, "no such key"), fails(runner.OpConfigGet, 1, "no such key"), fails(runner.OpConfigGet, 1, "no such key"), prints(runner.OpInfo, sample(t, "info.v2.0.running.json"))}, old...),
		"not listed": append([]step{prints(runner.OpConfigGet, sample(t, "config-show.txt"))}, old...),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, _ := expect(t, steps...)
				_, err := c.ConfigGet(t.Context(), "machine.web.cpu")
				e := failure(t, err, orbctl.UnsupportedVersion)
				assert.Equal(t, "machine.web.cpu", e.Key)
				assert.Equal(t, "2.2.0", e.Needs)
			})
		})
	}
	c, _ := expect(t, append([]step{prints(runner.OpConfigGet, "0\n")}, capable(t)...)...)
	s, err := c.ConfigGet(t.Context(), "machine.web.cpu")
	require.NoError(t, err)
	assert.Equal(t, "0", s.Setting.Value)
	assert.False(t, s.Setting.Set, "0 is no limit")
}

// Half a value looks like a whole one, and nothing at all like a key that is not
// set: what ends without a newline is looked for in the listing of all.
func TestASettingThatMayBeCutIsLookedUpInTheListing(t *testing.T) {
	const listing = "cpu: 11\nmemory_mib: 16384\nrosetta: true\n"
	for name, tt := range map[string]struct {
		key, printed, show string
		value              string
		bad                bool
	}{
		"half a value":                         {key: "memory_mib", printed: "163", show: listing, value: "16384"},
		"a whole value without a newline":      {key: "cpu", printed: "11", show: listing, value: "11"},
		"nothing":                              {key: "rosetta", show: listing, value: "true"},
		"nothing of a key that is not set":     {key: "data_dir", show: listing},
		"half a value, and no key in the list": {key: "network_proxy", printed: "au", show: listing, bad: true},
		"half a listing, as 2.0.x prints it":   {key: "memory_mib", printed: "cpu: 11\nmemory_mib: 163", show: listing, value: "16384"},
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := expect(t, prints(runner.OpConfigGet, tt.printed), prints(runner.OpConfigShow, tt.show))
			s, err := c.ConfigGet(t.Context(), tt.key)
			if tt.bad {
				assert.Equal(t, tt.key, failure(t, err, orbctl.OrbctlFailed).Key)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tt.value, s.Setting.Value)
			assert.Equal(t, tt.value != "", s.Setting.Set)
		})
	}
	c, _ := expect(t, prints(runner.OpConfigGet, "163"), step{op: runner.OpConfigShow, err: &runner.BusyError{}})
	_, err := c.ConfigGet(t.Context(), "memory_mib")
	failure(t, err, orbctl.Busy)
}

func TestAValueOfAnotherTypeIsNotRead(t *testing.T) {
	for key, printed := range map[string]string{"rosetta": "tr", "memory_mib": "16 GB", "cpu": "-1", "network.subnet4": "192.168.138.0"} {
		synctest.Test(t, func(t *testing.T) {
			odd := prints(runner.OpConfigGet, printed+"\n")
			c, _ := expect(t, odd, odd, odd)
			_, err := c.ConfigGet(t.Context(), key)
			e := failure(t, err, orbctl.OrbctlFailed)
			assert.Equal(t, key, e.Key)
			assert.Equal(t, printed, e.Raw)
		})
	}
}
