package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/tools"
)

// everyWorld has something for each tool to do; off is stopped, and keep is what a
// machine can be rolled back to.
const everyWorld = `
default: web
config: {cpu: "2"}
machines:
  - {name: web, ip4: 192.168.139.10, users: [root, ana, eve], listeners: [{kind: tcp, port: 80}]}
  - {name: box, rootfs: busybox, default_username: root}
  - {name: off, state: stopped}
  - {name: keep, state: stopped}
`

// An everyCall is a tool with arguments that work in everyWorld, whatever the
// others have done before it, and what it does.
type everyCall struct {
	tool    string
	args    args
	says    map[string]any // fields of the result, by their paths
	changes []string       // of what is stored
	runs    []string       // of orbctl, beside those that look
	needs   string         // the first version that has it; "": all have
}

// everyTool is one call for each tool. folder is a folder of the Mac that is
// allowed, and job the handle of a job that runs.
func everyTool(folder, job string) []everyCall {
	path := func(name string) string { return filepath.Join(folder, name) }
	machines := func(names ...string) args { return args{"machines": names} }
	return []everyCall{
		{tool: "vm_network_details", args: args{"machine": "web"}, says: map[string]any{"ipv4": "192.168.139.10"}, runs: []string{"run -m web -w / network"}},
		{tool: "vm_test_connectivity", args: args{"machine": "web", "target": "192.168.139.10:80", "count": 1}, says: map[string]any{"verdict": "ok"}, runs: []string{"run -m web -w / connectivity"}},
		{tool: "vm_dns_lookup", args: args{"machine": "web", "hostname": "web.orb.local", "from": "machine"}, says: map[string]any{"in_machine.status": "NOERROR"}, runs: []string{"run -m web -w / dns"}},
		{tool: "vm_network_map", args: machines("web", "box"), says: map[string]any{"cells.0.verdict": "ok"}, runs: []string{"run -m box -w / netmap", "run -m web -w / netmap"}},
		{tool: "orbstack_config_get", args: args{"key": "machine.web.username"}, says: map[string]any{"settings.0.value": "ana"}},
		{tool: "orbstack_config_set", args: args{"key": "machine.web.username", "value": "root"}, says: map[string]any{"before": "ana", "after": "root"}, changes: []string{"web default_username: ana → root"}, runs: []string{"config set machine.web.username root", "run -m web -w / users"}},
		{tool: "vm_username_set", args: args{"machine": "web", "username": "eve"}, says: map[string]any{"before": "root", "after": "eve"}, changes: []string{"web default_username: root → eve"}, runs: []string{"config set machine.web.username eve", "run -m web -w / users"}},
		{tool: "vm_limits_set", args: args{"machine": "web", "cpus": "1"}, says: map[string]any{"limits.0.after": "1"}, changes: []string{"web cpu_limit: 0 → 1"}, runs: []string{"config set machine.web.cpu 1", "run -m web -w / status"}, needs: "2.2.0"},
		{tool: "orbstack_status", args: args{}, says: map[string]any{"state": "running"}},
		{tool: "vm_status_detailed", args: args{"machine": "web"}, says: map[string]any{"machine": "web"}, runs: []string{"run -m web -w / status"}},
		{tool: "vm_logs", args: args{"machine": "web", "source": "journal"}, says: map[string]any{"machine": "web"}, runs: []string{"run -m web -u root -w / journal"}},
		{tool: "vm_list", args: args{}, says: map[string]any{"machines.0.name": "web"}},
		{tool: "vm_create", args: args{"name": "new", "distro": "debian"}, says: map[string]any{"machine.name": "new", "machine.state": "running"}, changes: []string{"+new"}, runs: []string{"create debian new"}},
		{tool: "vm_clone", args: args{"machine": "off", "new_name": "copy"}, says: map[string]any{"machine.name": "copy", "machine.state": "stopped"}, changes: []string{"+copy"}, runs: []string{"clone off copy"}},
		{tool: "vm_restart", args: machines("box"), says: map[string]any{"machines.0.changed": true}, runs: []string{"restart box"}},
		{tool: "vm_exec", args: args{"machine": "web", "command": "id -un", "user": "ana"}, says: map[string]any{"stdout": "ana\n"}, runs: []string{"run -m web -u ana -w / exec"}},
		{tool: "vm_push", args: args{"machine": "web", "source": path("file"), "destination": "/tmp/pushed"}, says: map[string]any{"path": "/tmp/pushed"}, runs: []string{"run -m web -w / put"}},
		{tool: "vm_pull", args: args{"machine": "web", "source": "/etc/passwd", "destination": path("pulled")}, says: map[string]any{"path": path("pulled")}, runs: []string{"run -m web -w / get"}},
		{tool: "vm_copy", args: args{"from_machine": "web", "source": "/etc/passwd", "to_machine": "box", "destination": "/tmp/copied"}, says: map[string]any{"path": "/tmp/copied"}, runs: []string{"run -m box -w / put", "run -m web -w / get"}},
		{tool: "vm_export", args: args{"machine": "web", "path": path("web.tar.zst")}, says: map[string]any{"path": path("web.tar.zst")}, runs: []string{"export web "}},
		{tool: "vm_import", args: args{"path": path("archive"), "name": "imported"}, says: map[string]any{"machine.name": "imported", "machine.state": "stopped"}, changes: []string{"+imported"}, runs: []string{"import "}},
		{tool: "vm_checkpoint", args: args{"machine": "off", "label": "one"}, says: map[string]any{"checkpoint": "off-cp-one"}, changes: []string{"+off-cp-one"}, runs: []string{"clone off off-cp-one"}},
		{tool: "vm_rollback", args: args{"machine": "off", "checkpoint": "keep"}, says: map[string]any{"state": "stopped"}, changes: []string{"off id: ", "off ip4: "}, runs: []string{"clone keep off", "delete -f off-before-rollback", "rename off off-before-rollback"}},
		{tool: "vm_start", args: machines("keep"), says: map[string]any{"machines.0.changed": true}, changes: []string{"keep state: stopped → running"}, runs: []string{"start keep"}},
		{tool: "vm_stop", args: machines("box"), says: map[string]any{"machines.0.changed": true}, changes: []string{"box state: running → stopped"}, runs: []string{"stop box"}},
		{tool: "vm_rename", args: args{"machine": "off", "new_name": "other"}, says: map[string]any{"after": "other"}, changes: []string{"+other", "-off"}, runs: []string{"rename off other"}},
		{tool: "vm_default_set", args: args{"machine": "box"}, says: map[string]any{"after": "box"}, changes: []string{"default: web → box"}, runs: []string{"default box"}},
		{tool: "vm_delete", args: args{"machine": "keep"}, says: map[string]any{"deleted": true}, changes: []string{"-keep"}, runs: []string{"delete -f keep"}},
		{tool: "vm_sandbox_create", args: args{"name": "cage"}, says: map[string]any{"sound": true}, changes: []string{"+cage"}, runs: []string{"create --cpus 2 --memory 4G --disk 20G --isolated --isolate-network ubuntu cage", "run -m cage -w / posture"}, needs: "2.2.0"},
		{tool: "vm_job", args: args{"job": job, "wait_seconds": 0}, says: map[string]any{"state": "running"}},
		{tool: "vm_job_cancel", args: args{"job": job}, says: map[string]any{"state": "cancelled"}, runs: []string{"run -m busy -u root -w / cancel"}},
	}
}

// everyFlag offers all tools.
func everyFlag(folder string) []string { return []string{"--toolsets", "all", "--allow-path", folder} }

// everyFolder is a folder of the Mac with a file and an archive.
func everyFolder(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o755)) // a server of another user looks into it as well
	require.NoError(t, os.WriteFile(filepath.Join(dir, "file"), []byte("text\n"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "archive"), []byte(`{"orbsim":"settings","machine":{"Distro":"debian:bookworm"}}`), 0o644))
	return dir
}

func TestThereIsACallForEveryTool(t *testing.T) {
	t.Parallel()
	var have, want []string
	for _, c := range everyTool("/", "") {
		have = append(have, c.tool)
	}
	for _, tool := range tools.All() {
		want = append(want, tool.Name)
	}
	assert.ElementsMatch(t, want, have)
}

// whole is what a tool answers in the end, also where that has become a job.
func (s *session) whole(t *testing.T, c everyCall) result {
	t.Helper()
	r := s.call(t, c.tool, c.args)
	handle := r.at("job")
	if handle == nil || handle == c.args["job"] {
		return r
	}
	require.Empty(t, r.code(), c.tool)
	job := s.call(t, "vm_job", args{"job": handle, "wait_seconds": 45})
	require.False(t, job.IsError, job.Text)
	out, _ := job.at("result").(map[string]any)
	if failure := job.at("error"); failure != nil {
		out = map[string]any{"error": failure}
	}
	text, err := json.Marshal(out)
	require.NoError(t, err)
	return result{IsError: job.at("error") != nil, Text: string(text), Structured: out, Raw: text}
}

// Every tool works on every version that there is to tell apart, and what it needs
// a newer one for is refused with that version before anything is changed; orbctl's
// record and what is stored show just that. All that takes long is a job at once.
func TestEveryToolWorksOnEveryVersion(t *testing.T) {
	t.Parallel()
	for i, version := range slices.Concat(old, mid, last) {
		in := turn(i)
		if slices.Contains(last, version) {
			in = eras
		}
		for _, e := range in {
			t.Run(string(e)+" "+version, func(t *testing.T) {
				t.Parallel()
				folder := everyFolder(t)
				s := openAsking(t, "version: "+version+"\n"+everyWorld+"  - {name: busy, rootfs: busybox, default_username: root}\n", e, always(accept), append(everyFlag(folder), "--job-after", "1ns")...)
				r := s.call(t, "vm_exec", args{"machine": "busy", "command": "sleep 4230", "timeout_seconds": 3600})
				handle, _ := r.at("job").(string)
				require.NotEmpty(t, handle, r.Text)
				s.awaitCall(t, "run -m busy -w / exec")
				asks := map[string]bool{}
				for _, c := range graveCalls(folder) {
					asks[c.tool] = true
				}
				before := s.now(t)
				for _, c := range everyTool(folder, handle) {
					mark, asked := len(s.grave()), len(s.asked())
					r := s.whole(t, c)
					if !asks[c.tool] {
						assert.Len(t, s.asked(), asked, "%s asks a person, and no test of answers knows", c.tool)
					}
					now := s.now(t)
					if version < c.needs {
						assert.Equal(t, "unsupported_version", r.code(), "%s: %s", c.tool, r.Text)
						assert.Equal(t, c.needs, r.at("error", "details", "needs"), r.Text)
						assert.Empty(t, changes(before, now), c.tool)
						assert.Empty(t, s.grave()[mark:], c.tool)
						continue
					}
					require.Empty(t, r.code(), "%s: %s", c.tool, r.Text)
					for path, want := range c.says {
						assert.Equal(t, want, r.at(steps(path)...), "%s: %s in %s", c.tool, path, r.Text)
					}
					assertBegin(t, c.tool, c.changes, changes(before, now))
					assertBegin(t, c.tool, c.runs, s.grave()[mark:])
					before = now
				}
			})
		}
	}
}

// assertBegin: there is just that, in whatever order, and each begins so. What stands
// behind may be another each time.
func assertBegin(t *testing.T, tool string, want, got []string) {
	t.Helper()
	want, got = slices.Sorted(slices.Values(want)), slices.Sorted(slices.Values(got))
	if assert.Len(t, got, len(want), "%s: %q", tool, got) {
		for i := range want {
			assert.True(t, strings.HasPrefix(got[i], want[i]), "%s: %q does not begin with %q", tool, got[i], want[i])
		}
	}
}
