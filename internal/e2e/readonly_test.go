package e2e

import (
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// changers are the tools that change something, and whether they only add.
var changers = map[string]struct{ adds bool }{
	"orbstack_config_set": {},
	"vm_username_set":     {},
	"vm_limits_set":       {},
	"vm_create":           {adds: true},
	"vm_clone":            {adds: true},
	"vm_start":            {},
	"vm_stop":             {},
	"vm_restart":          {},
	"vm_rename":           {},
	"vm_delete":           {},
	"vm_default_set":      {},
	"vm_exec":             {},
	"vm_job_cancel":       {},
	"vm_export":           {adds: true},
	"vm_import":           {adds: true},
	"vm_push":             {},
	"vm_pull":             {},
	"vm_copy":             {},
	"vm_sandbox_create":   {adds: true},
	"vm_checkpoint":       {adds: true},
	"vm_rollback":         {},
}

// isChanger reports a tool that changes something.
func isChanger(tool string) bool {
	_, ok := changers[tool]
	return ok
}

type listedTool struct {
	Name        string `json:"name"`
	Annotations struct {
		ReadOnly    bool `json:"readOnlyHint"`
		Destructive bool `json:"destructiveHint"`
	} `json:"annotations"`
}

func (s *session) tools(t *testing.T) []listedTool {
	t.Helper()
	m := s.request(t, "tools/list", args{})
	require.Nil(t, m.Error)
	var list struct {
		Tools []listedTool `json:"tools"`
	}
	require.NoError(t, json.Unmarshal(m.Result, &list))
	return list.Tools
}

// With --read-only nothing that changes is offered, and nothing that changes is
// done; everything else is as it was.
func TestThreat04_NothingChangesWithReadOnly(t *testing.T) {
	t.Parallel()
	for _, e := range eras {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			before, after := filepath.Join(dir, "before"), filepath.Join(dir, "after")
			s := openWith(t, spawnWorld, e, []string{"--state-before", before, "--state", after}, bin.server, "--read-only")
			for _, tool := range s.tools(t) {
				assert.True(t, tool.Annotations.ReadOnly, "%s is offered", tool.Name)
				assert.False(t, isChanger(tool.Name), "%s is offered", tool.Name)
			}
			for tool := range changers {
				r := s.call(t, tool, args{"machine": "web"})
				assert.Equal(t, "not_allowed", r.code(), r.Text)
				assert.Equal(t, "--read-only", r.at("error", "details", "flag"))
				r = s.call(t, tool, args{"dry_run": true})
				assert.Equal(t, "not_allowed", r.code(), r.Text)
			}
			require.Empty(t, s.reached(), "a refusal asks nobody")

			used := map[string]bool{}
			for _, c := range spawnCases() {
				if !isChanger(c.tool) && c.tool != "vm_job" && !c.fails() {
					used[c.tool] = true
					r := s.call(t, c.tool, c.args)
					assert.False(t, r.IsError, "%s: %s", c.name, r.Text)
				}
			}
			assert.Len(t, used, len(s.tools(t)), "every tool that is offered works")
			r := s.call(t, "orbstack_status", args{})
			assert.Equal(t, true, r.at("server", "read_only"))
			off, _ := r.at("server", "off").([]any)
			assert.Len(t, off, len(changers)+1, "and vm_job, which has nothing to look at")
			for i := range off {
				assert.Equal(t, "--read-only", r.at("server", "off", i, "flag"))
			}
			for _, call := range s.reached() {
				assert.NotRegexp(t, `^(config (set|add|remove|reset)|start|stop|restart|create|delete|clone|rename|push|import|export|default .)`, withoutHelp(call))
			}
			s.close()
			assert.Equal(t, readState(t, before), readState(t, after))
		})
	}
}

// withoutHelp is a call that does something.
func withoutHelp(call string) string {
	if call == "create --help" {
		return ""
	}
	return call
}

// Without the flag everything is offered, and the hints tell the two apart.
func TestEveryToolSaysWhetherItChanges(t *testing.T) {
	t.Parallel()
	for _, e := range eras {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			s := open(t, one, e, "--toolsets", "all", "--allow-path", t.TempDir())
			list := s.tools(t)
			assert.Len(t, list, len(inputs(t)), "there is one golden file for each")
			for _, tool := range list {
				assert.Equal(t, !isChanger(tool.Name), tool.Annotations.ReadOnly, tool.Name)
				assert.Equal(t, isChanger(tool.Name) && !changers[tool.Name].adds, tool.Annotations.Destructive, "%s: of what changes, only what adds is not destructive", tool.Name)
			}
			r := s.call(t, "orbstack_status", args{})
			assert.Empty(t, r.at("server", "off"))
		})
	}
}
