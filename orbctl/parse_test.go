package orbctl_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/orbctl"
)

// Every sample of docs/orbctl-contract.md, with and without the update banner
// before it, is read to the same golden value.
func TestParsersReadEverySample(t *testing.T) {
	list := func(text string) (any, error) { return orbctl.ParseList(text, "") }
	info := func(text string) (any, error) { return orbctl.ParseInfo(text) }
	show := func(text string) (any, error) { return orbctl.ParseConfigShow(text) }
	version := func(text string) (any, error) { return orbctl.ParseVersion(text) }
	for name, parse := range map[string]func(string) (any, error){
		"list.v2.0.json":                list,
		"list.v2.2.json":                list,
		"info.v2.0.running.json":        info,
		"info.v2.2.running.limits.json": info,
		"info.v2.2.stopped.json":        info,
		"config-show.txt":               show,
		"version.txt":                   version,
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parse(sample(t, name))
			require.NoError(t, err)
			assertGolden(t, name+".golden", got)

			behindBanner, err := parse(sample(t, "update-banner.txt") + sample(t, name))
			require.NoError(t, err)
			assert.Equal(t, got, behindBanner)
		})
	}
}

func assertGolden(t *testing.T, name string, got any) {
	t.Helper()
	text, err := json.MarshalIndent(got, "", "  ")
	require.NoError(t, err)
	path := filepath.Join("testdata", "golden", name)
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o750))
		require.NoError(t, os.WriteFile(path, append(text, '\n'), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), string(text)+"\n")
}

func TestParseList(t *testing.T) {
	help := sample(t, "no-machines.stderr.txt")
	tests := map[string]struct {
		stdout, stderr string
		names          []string
		why            string // of the error
	}{
		"no machines are an empty list":             {stdout: "[]\n", names: []string{}},
		"the help text stands for no machines":      {stderr: help, names: []string{}},
		"the help text behind a banner":             {stderr: sample(t, "update-banner.txt") + help, names: []string{}},
		"null is not no machines":                   {stdout: "null\n", why: "it printed null, not a list"},
		"null is not no machines, even with help":   {stdout: "null\n", stderr: help, why: "it printed null, not a list"},
		"nothing is not no machines":                {why: "it printed nothing, not even an empty list"},
		"nothing but an error is not no machines":   {stderr: "dial unix: refused", why: "it printed nothing, not even an empty list"},
		"half the help text is not no machines":     {stderr: "To create a Linux machine:", why: "it printed nothing, not even an empty list"},
		"a cut list":                                {stdout: `[{"name":"web","state":"running"},{"na`, why: "its JSON ends in the middle"},
		"garbage":                                   {stdout: "Segmentation fault\n", why: "its output is not JSON"},
		"text behind the list":                      {stdout: "[] oops", why: "its output is not JSON"},
		"an object":                                 {stdout: `{"name":"web"}`, why: "its JSON has another shape than known"},
		"a machine without a name":                  {stdout: `[{"state":"running"}]`, why: "its JSON has another shape than known"},
		"a machine without a state":                 {stdout: `[{"name":"web"}]`, why: "its JSON has another shape than known"},
		"a null among the machines":                 {stdout: `[null]`, why: "its JSON has another shape than known"},
		"unknown fields and states are passed over": {stdout: `[{"name":"web","state":"frozen","new":{"a":[1]},"config":{"x":1}}]`, names: []string{"web"}},
		"a null config":                             {stdout: `[{"name":"web","state":"running","config":null,"image":null}]`, names: []string{"web"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			machines, err := orbctl.ParseList(tt.stdout, tt.stderr)
			if tt.why != "" {
				e := failure(t, err, orbctl.OrbctlFailed)
				assert.True(t, e.Unreadable)
				assert.Equal(t, tt.why, e.Why)
				assert.Nil(t, machines)
				return
			}
			require.NoError(t, err)
			names := []string{}
			for _, m := range machines {
				names = append(names, m.Name)
			}
			assert.Equal(t, tt.names, names)
		})
	}
}

func TestParseErrorsCarryTheRawText(t *testing.T) {
	_, err := orbctl.ParseList("\x1b[31mpanic on a terminal\x1b[0m", "")
	assert.Equal(t, "panic on a terminal", failure(t, err, orbctl.OrbctlFailed).Raw)
	assert.NotContains(t, err.Error(), "terminal", "text from outside is fenced by whoever shows it")

	_, err = orbctl.ParseList("", "dial unix: refused")
	assert.Equal(t, "dial unix: refused", failure(t, err, orbctl.OrbctlFailed).Raw)

	_, err = orbctl.ParseConfigShow("network_proxy: http://me:hunter2@proxy:3128\nthis is no setting\n")
	assert.NotContains(t, failure(t, err, orbctl.OrbctlFailed).Raw, "hunter2")
}

func TestParsersCleanNames(t *testing.T) {
	machines, err := orbctl.ParseList(`[{"name":"we\u001b[31mb\nIgnore\u202e all","state":"run\u200bning","config":{"mounts":[{"source":"/a\tb","destination":"/c"}]}}]`, "")
	require.NoError(t, err)
	assert.Equal(t, "web Ignore all", machines[0].Name)
	assert.Equal(t, "running", machines[0].State)
	assert.Equal(t, []orbctl.Mount{{Source: "/a b", Destination: "/c"}}, machines[0].Config.Mounts)
}

func TestParseInfo(t *testing.T) {
	t.Run("a flat record is understood", func(t *testing.T) {
		info, err := orbctl.ParseInfo(`{"id":"X","name":"web","state":"running","disk_size":5,"ip4":"192.168.139.4"}`)
		require.NoError(t, err)
		assert.Equal(t, "web", info.Name)
		assert.Equal(t, int64(5), info.DiskSize)
		assert.Equal(t, "192.168.139.4", info.IP4.String())
		assert.False(t, info.IP6.IsValid())
	})
	for name, text := range map[string]string{
		"nothing":         "",
		"null":            "null",
		"garbage":         "machine: web",
		"cut":             `{"record":{"name":"web","sta`,
		"no name":         `{"record":{"state":"running"}}`,
		"a bad address":   `{"record":{"name":"web","state":"running"},"ip4":"soon"}`,
		"an address of 6": `{"record":{"name":"web","state":"running"},"ip4":"::1"}`,
		"a zone":          `{"record":{"name":"web","state":"running"},"ip6":"fe80::1%eth0"}`,
	} {
		t.Run(name+" is an error", func(t *testing.T) {
			_, err := orbctl.ParseInfo(text)
			failure(t, err, orbctl.OrbctlFailed)
		})
	}
}

func TestParseVersion(t *testing.T) {
	for text, want := range map[string]string{
		"Version: 2.0.4 (2000400)\n":                    "2.0.4",
		"Version: 2.3.0-rc1 (2030000)\nCommit: 0e182b5": "2.3.0-rc1",
		"v2.2.3\n": "2.2.3",
		"Version: 2.2.1 (2020100)\nSomething: else\n": "2.2.1",
	} {
		v, err := orbctl.ParseVersion(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, v.String())
	}
	for _, text := range []string{"", "Version:", "Version: two", "panic: $HOME is not defined", "see 2.2.1 for that"} {
		_, err := orbctl.ParseVersion(text)
		failure(t, err, orbctl.OrbctlFailed)
	}
	assert.Equal(t, "unknown", orbctl.Version{}.String())
}

func TestVersionsCompareByNumber(t *testing.T) {
	parse := func(text string) orbctl.Version {
		v, err := orbctl.ParseVersion(text)
		require.NoError(t, err)
		return v
	}
	ascending := []string{"1.11.3", "2.0.4", "2.2.0-beta1", "2.2.0-rc1", "2.2.0", "2.2.3", "2.10.0", "3.0.0"}
	for i, a := range ascending {
		for j, b := range ascending {
			got := parse(a).Compare(parse(b))
			switch {
			case i < j:
				assert.Negative(t, got, "%s %s", a, b)
			case i > j:
				assert.Positive(t, got, "%s %s", a, b)
			default:
				assert.Zero(t, got)
			}
		}
	}
}

func TestParseConfigGet(t *testing.T) {
	listing := sample(t, "config-show.txt")
	tests := map[string]struct {
		key, stdout, value string
		unset, bad         bool
	}{
		"the bare value":                           {key: "cpu", stdout: "11\n", value: "11"},
		"the bare value without a newline":         {key: "cpu", stdout: "11", value: "11"},
		"a key: value line":                        {key: "cpu", stdout: "cpu: 11\n", value: "11"},
		"the whole listing (2.0.x)":                {key: "rosetta", stdout: listing, value: "true"},
		"a machine's key in the listing":           {key: "machine.web.username", stdout: listing, value: "ubuntu"},
		"a value with colons":                      {key: "network_proxy", stdout: "socks5://127.0.0.1:1080\n", value: "socks5://127.0.0.1:1080"},
		"nothing is unset":                         {key: "data_dir", stdout: "\n", unset: true},
		"a key with nothing behind it is unset":    {key: "data_dir", stdout: "cpu: 11\ndata_dir:\n", unset: true},
		"a whole listing without the key is unset": {key: "data_dir", stdout: listing, unset: true},
		"a listing that was cut is an error":       {key: "data_dir", stdout: listing[:len(listing)-20], bad: true},
		"one that was cut within a value is too":   {key: "data_dir", stdout: listing[:len(listing)-2], bad: true},
		"several lines are an error":               {key: "data_dir", stdout: "one\ntwo\n", bad: true},
		"lines of no known key are an error":       {key: "data_dir", stdout: "usage: orb\nflags: none\n", bad: true},
		"a longer key is another key":              {key: "network", stdout: "network.https: true\nfoo bar\n", bad: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s, err := orbctl.ParseConfigGet(tt.key, tt.stdout)
			if tt.bad {
				assert.Equal(t, tt.key, failure(t, err, orbctl.OrbctlFailed).Key)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tt.key, s.Key)
			assert.Equal(t, tt.value, s.Value)
			assert.Equal(t, !tt.unset, s.Set)
		})
	}
}

func TestSettingsHidePasswords(t *testing.T) {
	for stored, shown := range map[string]string{
		"http://me:hunter2@proxy:3128":     "http://xxxxx@proxy:3128",
		"socks5://token@proxy":             "socks5://xxxxx@proxy",
		"http://me:hunt%er2/@proxy:3128":   "http://xxxxx@proxy:3128",
		"http://me:hunter2@bad host:31xx8": "http://xxxxx@bad host:31xx8",
		"http://me:hun@ter/2@proxy:3128":   "http://xxxxx@proxy:3128",
		"http://me/hunter2@proxy":          "http://xxxxx@proxy", // it could be a path, and is hidden in doubt
	} {
		s, err := orbctl.ParseConfigGet("network_proxy", stored+"\n")
		require.NoError(t, err)
		assert.Equal(t, shown, s.Value)
		assert.True(t, s.Redacted)
	}
	s, err := orbctl.ParseConfigGet("network_proxy", "http://proxy:3128/x\n")
	require.NoError(t, err)
	assert.False(t, s.Redacted)
}

func TestParseConfigShowRefusesWhatIsNoListing(t *testing.T) {
	for _, text := range []string{"", "\n \n", "no colon here\n", "cpu: 1\nbad key: 2\n", "cpu: 1\nmemory_mib: 163"} {
		_, err := orbctl.ParseConfigShow(text)
		failure(t, err, orbctl.OrbctlFailed)
	}
}

func TestParseDefault(t *testing.T) {
	for text, want := range map[string]string{"web\n": "web", "": "", "\n": "", "none\n": "", sample(t, "update-banner.txt") + "db.a\n": "db.a"} {
		got, err := orbctl.ParseDefault(text)
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
	for _, text := range []string{"two words\n", "web\ndb\n", "we"} {
		_, err := orbctl.ParseDefault(text)
		failure(t, err, orbctl.OrbctlFailed)
	}
}

func TestStripBanner(t *testing.T) {
	banner := sample(t, "update-banner.txt")
	tests := map[string]struct {
		text, rest string
		seen       bool
	}{
		"alone":                {banner, "", true},
		"before output":        {banner + "Running\n", "Running\n", true},
		"behind a warning":     {"careful\n" + banner + "Running\n", "careful\nRunning\n", true},
		"behind output":        {"Running\n" + banner, "Running\n", true},
		"none":                 {"Running\n", "Running\n", false},
		"words without a box":  {"OrbStack update available!\n", "OrbStack update available!\n", false},
		"another box":          {"╭──╮\n│ x│\n╰──╯\nOrbStack update available\n", "╭──╮\n│ x│\n╰──╯\nOrbStack update available\n", false},
		"a box that never end": {"╭──╮\n│ OrbStack update available! │\n", "╭──╮\n│ OrbStack update available! │\n", false},
		"an edge by itself":    {"╭\n│ OrbStack update available! │\n╰\n", "╭\n│ OrbStack update available! │\n╰\n", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			rest, seen := orbctl.StripBanner(tt.text)
			assert.Equal(t, tt.rest, rest)
			assert.Equal(t, tt.seen, seen)
		})
	}
}

func TestCreatedAtIsReadFromTheID(t *testing.T) {
	at, ok := orbctl.Machine{ID: "01K2G8TY5GM9C3CN95KCB4ZG8B"}.CreatedAt()
	require.True(t, ok)
	assert.Equal(t, "2025-08-12T23:11:22Z", at.Format("2006-01-02T15:04:05Z07:00"))
	for _, id := range []string{"", "web", "81K2G8TY5GM9C3CN95KCB4ZG8B", "01K2G8TY5GM9C3CN95KCB4ZG8U", "00000000000000000000000000", "01K2G8TY5GM9C3CN95KCB4ZG8BX"} {
		_, ok := orbctl.Machine{ID: id}.CreatedAt()
		assert.False(t, ok, id)
	}
}
