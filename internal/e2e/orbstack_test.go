package e2e

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// orbstackAnswer is a result of orbstack_status.
type orbstackAnswer struct {
	State, Problem, Version, Update string
	WhatToDo                        string `json:"what_to_do"`
	Default                         string `json:"default_machine"`
	Machines                        map[string]int
	Mac                             struct {
		CPUs     int
		Memory   int64 `json:"memory_bytes"`
		DiskFree int64 `json:"disk_free_bytes"`
	}
	Server struct {
		Version, Sandbox string
		ReadOnly         bool `json:"read_only"`
		Off              []struct {
			Tool, Flag string
			TurnOn     string `json:"turn_on"`
		}
	}
	Missing gaps
}

// An orbstackCase is a state in which OrbStack can be.
type orbstackCase struct {
	name, world string
	server      []string                    // flags
	command     func(t *testing.T) []string // instead of the server and its flags
	state       string
	problem     string // words of it
	advice      string
	version     string
	machines    map[string]int
	missing     string // a part of it
}

var orbstackCases = []orbstackCase{
	{name: "running", world: "base", state: "running", version: "2.2.3", machines: map[string]int{"running": 3, "stopped": 1}},
	{name: "old", world: "old", state: "running", version: "2.0.4", machines: map[string]int{"running": 2, "stopped": 1}},
	{name: "without machines", world: "empty", state: "running", version: "2.2.3", machines: map[string]int{}},
	{name: "an open word for a state", world: "extends: empty\nmachines: [{name: odd, state: frozen}]\n", state: "running", version: "2.2.3", machines: map[string]int{"frozen": 1}},
	{name: "down", world: "down", state: "stopped", problem: "not running", advice: "Ask the user to open the OrbStack app", version: "2.2.3"},
	{name: "starting", world: "extends: base\nstatus: starting\n", state: "starting", problem: "is starting", advice: "Wait a few seconds", version: "2.2.3"},
	{name: "orbctl missing", world: "base", server: []string{"--orbctl", "/nonexistent"}, state: "orbctl_missing", problem: "/nonexistent", advice: "--orbctl", missing: "version"},
	{name: "unreachable", world: "base", command: asNobody, state: "unreachable", problem: "hidden from this process", advice: "sandbox"},
	{
		name: "list fails", world: "extends: base\nfaults: [{argv: '^list', stderr: '[-32098] no'}]\n", state: "running", version: "2.2.3",
		missing: "machines",
	},
	{name: "default fails", world: "extends: base\nfaults: [{argv: '^default', stderr: '[-32098] no'}]\n", state: "running", version: "2.2.3", machines: map[string]int{"running": 3, "stopped": 1}, missing: "default_machine"},
	{name: "half a default", world: "extends: base\nfaults: [{argv: '^default', kind: truncated}]\n", state: "running", version: "2.2.3", machines: map[string]int{"running": 3, "stopped": 1}, missing: "default_machine"},
	{name: "a default in no list", world: "extends: base\nfaults: [{argv: '^default', kind: garbage, stdout: \"we\\n\"}]\n", state: "running", version: "2.2.3", machines: map[string]int{"running": 3, "stopped": 1}, missing: "default_machine"},
	{name: "status fails", world: "extends: base\nfaults: [{argv: '^status', kind: garbage}]\n", state: "unknown", problem: "orbctl status", advice: "Ask the user to look at the OrbStack app", version: "2.2.3"},
	{name: "status hangs", world: "extends: base\nfaults: [{argv: '^status', kind: hang}]\n", state: "unknown", problem: "orbctl status", advice: "Ask the user to look at the OrbStack app", version: "2.2.3"},
	{name: "version fails", world: "extends: base\nfaults: [{argv: '^version', kind: garbage}]\n", state: "running", machines: map[string]int{"running": 3, "stopped": 1}, missing: "version"},
}

// Whatever is wrong with OrbStack is an answer here, never an error.
func TestOrbStackStatusAnswersInEveryState(t *testing.T) {
	inBothEras(t, func(t *testing.T, e era) {
		for i, c := range orbstackCases {
			if !slices.Contains(turn(i), e) {
				continue
			}
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				command := append([]string{bin.server}, c.server...)
				if c.command != nil {
					command = c.command(t)
				}
				s := openWith(t, c.world, e, nil, command...)
				got := decode[orbstackAnswer](t, s.call(t, "orbstack_status", args{}))
				assert.Equal(t, c.state, got.State)
				assert.Contains(t, got.Problem, c.problem)
				assert.Equal(t, c.problem == "", got.Problem == "", got.Problem)
				assert.Contains(t, got.WhatToDo, c.advice)
				assert.Equal(t, c.machines, got.Machines, "no machine is not the same as not known")
				if c.version != "" {
					assert.Equal(t, c.version, got.Version)
				}
				if c.missing != "" {
					assert.NotEmpty(t, got.Missing.why(c.missing), "%s is missing: %v", c.missing, got.Missing)
				}
				assert.Equal(t, "unknown", got.Update, "silence proves nothing")
				assert.Positive(t, got.Mac.CPUs)
				assert.Positive(t, got.Mac.Memory)
				assert.NotEmpty(t, got.Server.Version)
				assert.NotNil(t, got.Server.Off)
				for _, call := range s.reached() {
					assert.Contains(t, []string{"version", "create --help", "status", "list -f json", "default"}, call, "nothing that could start OrbStack or change it")
				}
			})
		}
	})
}

func TestOrbStackStatusNamesTheDefaultMachine(t *testing.T) {
	inBothEras(t, func(t *testing.T, e era) {
		assert.Equal(t, "dev", decode[orbstackAnswer](t, open(t, "base", e).call(t, "orbstack_status", args{})).Default)
		none := decode[orbstackAnswer](t, open(t, "extends: base\ndefault: none\n", e).call(t, "orbstack_status", args{}))
		assert.Empty(t, none.Default)
		assert.Empty(t, none.Missing, "that there is none is known")
	})
}

// What is off, and the flag that decides it.
func TestOrbStackStatusSaysWhatTheServerMayNot(t *testing.T) {
	inBothEras(t, func(t *testing.T, e era) {
		s := open(t, "base", e, "--read-only")
		got := decode[orbstackAnswer](t, s.call(t, "orbstack_status", args{}))
		assert.True(t, got.Server.ReadOnly)
		var off []string
		for _, row := range got.Server.Off {
			assert.Equal(t, "--read-only", row.Flag)
			assert.Empty(t, row.TurnOn, "it has to go")
			off = append(off, row.Tool)
		}
		assert.ElementsMatch(t, append(slices.Collect(maps.Keys(changers)), "vm_job"), off)
		var listed struct{ Tools []struct{ Name string } }
		require.NoError(t, json.Unmarshal(s.request(t, "tools/list", args{}).Result, &listed))
		for _, tool := range listed.Tools {
			assert.NotContains(t, off, tool.Name, "what is off is not listed")
		}
		open := decode[orbstackAnswer](t, open(t, "base", e).call(t, "orbstack_status", args{}))
		assert.False(t, open.Server.ReadOnly)
		flags := map[string]int{}
		for _, row := range open.Server.Off {
			flags[row.Flag]++
			assert.Contains(t, []string{"--allow-path FOLDER", "--toolsets default,sandbox"}, row.TurnOn)
		}
		assert.Equal(t, map[string]int{"--allow-path": 5, "--toolsets": 3}, flags, "files and sandboxes are for who asks for them")
	})
}

// The update banner before any answer of orbctl, on either stream, changes no
// answer but that of orbstack_status about updates.
func TestAnUpdateBannerChangesNoAnswer(t *testing.T) {
	folder := t.TempDir()
	calls := []struct {
		tool string
		args args
	}{
		{"vm_list", args{"name_contains": "db"}},
		{"vm_network_details", args{"machine": "web"}},
		{"vm_test_connectivity", args{"machine": "web", "target": "db:5432", "count": 1}},
		{"vm_dns_lookup", args{"machine": "web", "hostname": "git.corp.example"}},
		{"orbstack_config_get", args{}},
		{"orbstack_config_get", args{"key": "memory_mib"}},
		{"vm_logs", args{"machine": "web"}},
		{"vm_logs", args{"machine": "web", "source": "journal"}},
		{"vm_logs", args{"machine": "nobody"}},
		{"vm_status_detailed", args{"machine": "legacy"}},
		{"vm_status_detailed", args{"machine": "db"}},
		{"vm_username_set", args{"machine": "db", "username": "postgres"}},
		{"orbstack_config_set", args{"key": "memory_mib", "value": "6144"}},
		{"orbstack_config_get", args{"key": "memory_mib"}},
		{"vm_exec", args{"machine": "web", "command": "echo out; echo err >&2; echo text >/tmp/file"}},
		{"vm_copy", args{"from_machine": "web", "source": "/tmp/file", "to_machine": "db", "destination": "/tmp/copy"}},
		{"vm_pull", args{"machine": "db", "source": "/tmp/copy", "destination": folder, "overwrite": true}},
	}
	inOneEra(t, func(t *testing.T, e era) {
		answers := func(t *testing.T, banner string) (all []string, update string) {
			s := open(t, "extends: demo\nbanner: "+banner+"\n", e, "--exec", "all", "--allow-path", folder)
			for _, c := range calls {
				r := s.call(t, c.tool, c.args)
				assert.Equal(t, c.args["machine"] == "nobody", r.IsError, r.Text)
				assert.NotContains(t, string(r.Raw), "update available", "%s shows the banner", c.tool)
				all = append(all, c.tool+" "+steady(r))
			}
			return all, decode[orbstackAnswer](t, s.call(t, "orbstack_status", args{})).Update
		}
		plain, update := answers(t, "never")
		assert.Equal(t, "unknown", update)
		for _, banner := range []string{"stdout", "stderr"} {
			t.Run(banner, func(t *testing.T) {
				with, update := answers(t, banner)
				assert.Equal(t, "yes", update)
				assert.Equal(t, plain, with)
			})
		}
	})
}

// steady is a result without what differs from one moment to the next.
func steady(r result) string {
	var v map[string]any
	if json.Unmarshal(r.Raw, &v) != nil {
		return string(r.Raw)
	}
	drop(v)
	b, _ := json.Marshal(v) //nolint:errchkjson // it was JSON a moment ago
	return string(b)
}

// passing are the fields that differ from one moment to the next.
var passing = []string{"ms", "min_ms", "avg_ms", "max_ms", "started_at", "uptime_seconds", "vm_uptime_seconds", "vm_load", "memory", "cpu", "root_filesystem", "largest_processes", "vm_memory_available_bytes", "process_count", "seconds"}

func drop(v any) {
	switch v := v.(type) {
	case map[string]any:
		for k, inner := range v {
			if slices.Contains(passing, k) || strings.HasPrefix(k, "resolved") {
				delete(v, k)
			} else {
				drop(inner)
			}
		}
	case []any:
		for _, inner := range v {
			drop(inner)
		}
	}
}
