package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// slowWorld has an orbctl that takes its time for what makes machines, and one
// that never ends.
const slowWorld = `
machines:
  - {name: web}
  - {name: db, state: stopped}
faults:
  - {argv: "^create .* slow[a-z]*$", kind: delay, delay: 1200ms}
  - {argv: "^clone db slow", kind: delay, delay: 1200ms}
  - {argv: "^create .* never$", kind: hang}
  - {argv: "^create .* broken$", kind: error, delay: 1200ms}
  - {argv: "^clone db never", kind: hang, work: true}
`

// What makes machines goes on as a job when it takes long, and says in the end
// what it would have said at once.
func TestMakingAMachineBecomesAJob(t *testing.T) {
	t.Parallel()
	for _, e := range eras {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			s := open(t, slowWorld, e, "--job-after", "200ms", "--toolsets", "default,sandbox")
			begin := func(tool string, a args) string {
				r := s.call(t, tool, a)
				require.False(t, r.IsError, r.Text)
				assert.Nil(t, r.at("machine"), "nothing is made yet: %s", r.Text)
				handle, _ := r.at("job").(string)
				require.NotEmpty(t, handle, r.Text)
				return handle
			}
			handle := begin("vm_create", args{"name": "slow", "distro": "debian"})
			r := s.call(t, "vm_job", args{"job": handle, "wait_seconds": 0})
			assert.Equal(t, "running", r.at("state"), r.Text)
			assert.Equal(t, "OrbStack is making slow", r.at("progress"))
			r = s.call(t, "vm_job", args{"job": handle, "wait_seconds": 45})
			assert.Equal(t, "done", r.at("state"), r.Text)
			assert.Equal(t, "slow", r.at("result", "machine", "name"))
			assert.Equal(t, "running", r.at("result", "machine", "state"))

			handle = begin("vm_clone", args{"machine": "db", "new_name": "slow2"})
			r = s.call(t, "vm_job", args{"job": handle, "wait_seconds": 45})
			assert.Equal(t, "slow2", r.at("result", "machine", "name"), r.Text)

			handle = begin("vm_create", args{"name": "broken", "distro": "debian"})
			r = s.call(t, "vm_job", args{"job": handle, "wait_seconds": 45})
			require.False(t, r.IsError, "that the job failed is what was asked for: %s", r.Text)
			assert.Equal(t, "failed", r.at("state"), r.Text)
			assert.Equal(t, "orbctl_failed", r.at("error", "code"))
			assert.Nil(t, r.at("result"))

			r = s.call(t, "vm_sandbox_create", args{"name": "slowbox"})
			require.False(t, r.IsError, r.Text)
			assert.NotEmpty(t, r.at("job"), r.Text)
			assert.NotContains(t, r.Structured, "sound", "nobody has looked yet")
			assert.NotContains(t, r.Structured, "posture")
			r = s.call(t, "vm_job", args{"job": r.at("job"), "wait_seconds": 45})
			assert.Contains(t, r.at("result"), "sound", r.Text)

			// While it is made, nobody else makes one of that name.
			handle = begin("vm_create", args{"name": "never", "distro": "debian"})
			r = s.call(t, "vm_job_cancel", args{"job": handle})
			assert.Equal(t, "cancelled", r.at("state"), r.Text)
			assert.Contains(t, r.at("note"), "vm_list")
			r = s.call(t, "vm_job", args{"job": handle, "wait_seconds": 0})
			assert.Equal(t, "cancelled", r.at("state"))
			assert.Equal(t, "cancelled", r.at("error", "code"))
			r = s.call(t, "vm_clone", args{"machine": "db", "new_name": "after"})
			require.False(t, r.IsError, "its locks are free again: %s", r.Text)
		})
	}
}

// A server that is killed while a machine is made: nothing half-done is called
// done by the next one, and what there is can be seen.
func TestAServerThatIsKilledWhileItMakesAMachine(t *testing.T) {
	needsProc(t)
	t.Parallel()
	for _, e := range turnOf(t) {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			s := openTwice(t, slowWorld, e, "--job-after", "200ms")
			var handles []string
			for tool, a := range map[string]args{
				"vm_create": {"name": "never", "distro": "debian"},
				"vm_clone":  {"machine": "db", "new_name": "never2"},
			} {
				r := s.call(t, tool, a)
				handle, _ := r.at("job").(string)
				require.NotEmpty(t, handle, r.Text)
				handles = append(handles, handle)
			}
			s.awaitCall(t, "create debian never")
			until(t, "the clone", func() bool { return s.now(t)["never2 id"] != "" })
			s.killServer(t)
			for _, handle := range handles {
				r := s.call(t, "vm_job", args{"job": handle})
				assert.Equal(t, "lost", r.at("state"), r.Text)
				assert.Nil(t, r.at("result"))
			}
			r := s.call(t, "vm_default_set", args{"machine": "never2"})
			require.False(t, r.IsError, "no lock is left behind: %s", r.Text)
			r = s.call(t, "vm_list", args{"name_contains": "never"})
			require.False(t, r.IsError, r.Text)
			assert.Len(t, r.at("machines"), 1, "the clone is there, the create did nothing: %s", r.Text)
		})
	}
}

// The end of a server ends its jobs, and leaves no note that would call them lost.
func TestTheEndOfAServerEndsItsJobs(t *testing.T) {
	needsProc(t)
	t.Parallel()
	for _, e := range eras {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			script := `"$@"; find "$HOME" -path '*jobs*' -name '*.json' >"$0/notes"`
			s := openWith(t, slowWorld, e, nil, "sh", "-c", script, dir, bin.server, "--job-after", "200ms")
			r := s.call(t, "vm_create", args{"name": "never", "distro": "debian"})
			require.NotNil(t, r.at("job"), r.Text)
			s.close()
			left, err := os.ReadFile(filepath.Join(dir, "notes"))
			require.NoError(t, err)
			assert.Empty(t, strings.TrimSpace(string(left)))
		})
	}
}
