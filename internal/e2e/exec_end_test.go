package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sleeping reports whether a `sleep N` runs anywhere below the session: a command
// of a guest.
func (s *session) sleeping(seconds int) bool {
	for pid := range descendants(s.cmd.Process.Pid) {
		words, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if string(words) == fmt.Sprintf("sleep\x00%d\x00", seconds) {
			return true
		}
	}
	return false
}

// gone is how soon a guest's process has to be gone.
const gone = 3 * time.Second

// endsSoon asserts that the guest's process ends when told to.
func (s *session) endsSoon(t *testing.T, seconds int, end func()) {
	t.Helper()
	until(t, "the command", func() bool { return s.sleeping(seconds) })
	began := time.Now()
	end()
	until(t, "its end", func() bool { return !s.sleeping(seconds) })
	if time.Since(began) > gone {
		t.Logf("the command's process was gone after %s, and should be after %s", time.Since(began), gone)
	}
}

// Killing orbctl does not end what it started in a machine: whoever cancels ends
// that as well, and all that it has started.
func TestThreat24_ACancelledCommandIsEndedInTheMachine(t *testing.T) {
	needsProc(t)
	t.Parallel()
	for i, e := range eras {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			seconds := 4200 + i
			command := fmt.Sprintf("trap '' TERM; sleep %d & sleep %d; wait", seconds, seconds)
			t.Run("by notifications/cancelled", func(t *testing.T) {
				s := open(t, execWorld, e)
				id, _ := s.start("tools/call", args{"name": "vm_exec", "arguments": args{"machine": "box", "command": command}})
				s.endsSoon(t, seconds, func() {
					s.forget(id)
					s.send(args{"jsonrpc": "2.0", "method": "notifications/cancelled", "params": args{"requestId": id}})
				})
			})
			t.Run("by vm_job_cancel", func(t *testing.T) {
				s := open(t, execWorld, e, "--job-after", "300ms")
				r := s.call(t, "vm_exec", args{"machine": "box", "command": "echo begun; " + command})
				require.False(t, r.IsError, r.Text)
				handle := r.at("job")
				require.NotNil(t, handle, r.Text)
				s.endsSoon(t, seconds, func() {
					r = s.call(t, "vm_job_cancel", args{"job": handle})
					assert.Equal(t, "cancelled", r.at("state"), r.Text)
				})
				r = s.call(t, "vm_job", args{"job": handle, "wait_seconds": 0})
				assert.Equal(t, "cancelled", r.at("state"), r.Text)
				assert.Equal(t, "begun\n", r.at("output"))
				r = s.call(t, "vm_job_cancel", args{"job": handle})
				assert.Equal(t, "cancelled", r.at("state"), "again, and it is no other: %s", r.Text)
			})
			t.Run("by the end of the server", func(t *testing.T) {
				done := filepath.Join(t.TempDir(), "done")
				s := openWith(t, execWorld, e, nil, "sh", "-c", hold, done, bin.server, "--job-after", "300ms")
				t.Cleanup(func() { require.NoError(t, os.WriteFile(done, nil, 0o600)) })
				r := s.call(t, "vm_exec", args{"machine": "box", "command": command})
				require.NotNil(t, r.at("job"), r.Text)
				s.endsSoon(t, seconds, func() { require.NoError(t, s.stdin.Close()) })
			})
		})
	}
}

// A call that takes long is answered with a job, which goes on and can be read by
// offset to its end.
func TestALongCommandBecomesAJob(t *testing.T) {
	t.Parallel()
	for _, e := range eras {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			s := open(t, execWorld, e, "--job-after", "300ms")
			r := s.call(t, "vm_exec", args{"machine": "box", "command": "echo one; until [ -e /tmp/go ]; do sleep 0.05; done; printf 'tw\\033[2Jo\\n'; echo err >&2; exit 4"})
			require.False(t, r.IsError, r.Text)
			handle := r.at("job")
			require.NotNil(t, handle, r.Text)
			assert.Contains(t, r.at("note"), "vm_job")

			until(t, "its first words", func() bool {
				r = s.call(t, "vm_job", args{"job": handle, "wait_seconds": 0})
				return r.at("output") != nil
			})
			assert.Equal(t, "running", r.at("state"))
			assert.Equal(t, "vm_exec", r.at("tool"))
			assert.Equal(t, "box", r.at("machine"))
			assert.Equal(t, "one\n", r.at("output"))
			offset := r.at("next_offset")
			assert.Equal(t, 4.0, offset)
			require.False(t, s.call(t, "vm_exec", args{"machine": "box", "command": "touch /tmp/go"}).IsError)

			r = s.call(t, "vm_job", args{"job": handle, "offset": offset, "wait_seconds": 45})
			require.False(t, r.IsError, r.Text)
			assert.Equal(t, "done", r.at("state"), r.Text)
			assert.ElementsMatch(t, []string{"two", "err"}, strings.Fields(r.at("output").(string)))
			assert.Equal(t, 4.0, r.at("result", "exit_code"))
			assert.Equal(t, "one\ntwo\n", r.at("result", "stdout"))
			assert.Equal(t, "err\n", r.at("result", "stderr"))
			r = s.call(t, "vm_job", args{"job": handle})
			assert.Equal(t, "done", r.at("state"), "as often as one likes")
			r = s.call(t, "vm_job_cancel", args{"job": handle})
			assert.Equal(t, "done", r.at("state"))
			assert.Contains(t, r.at("note"), "over before")
		})
	}
}

// A server that is killed leaves no job that could be taken for done, not for the
// next server of the same user either.
func TestAJobOfAKilledServerIsLost(t *testing.T) {
	needsProc(t)
	t.Parallel()
	for i, e := range eras {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			seconds := 4210 + i
			s := openTwice(t, execWorld, e, "--job-after", "300ms")
			r := s.call(t, "vm_exec", args{"machine": "box", "command": fmt.Sprintf("sleep %d", seconds), "timeout_seconds": 5})
			handle := r.at("job")
			require.NotNil(t, handle, r.Text)
			s.killServer(t)
			for range 2 {
				r = s.call(t, "vm_job", args{"job": handle})
				require.False(t, r.IsError, r.Text)
				assert.Equal(t, "lost", r.at("state"), r.Text)
				assert.Equal(t, "vm_exec", r.at("tool"))
				assert.Contains(t, r.at("note"), "died")
				assert.Nil(t, r.at("result"))
			}
			r = s.call(t, "vm_job_cancel", args{"job": handle})
			assert.Equal(t, "lost", r.at("state"), r.Text)
			// Nobody is there to end the command, but its own limit is.
			until(t, "the command's end", func() bool { return !s.sleeping(seconds) })
		})
	}
}

// Another server of the same user says so, and does not end it.
func TestAJobOfAnotherServerIsElsewhere(t *testing.T) {
	needsProc(t)
	t.Parallel()
	dir := t.TempDir()
	// The second server speaks to nobody but the file that it is given.
	script := `mkfifo "$0/in"; "$1" <"$0/in" >"$0/out" & exec "$@"`
	s := openWith(t, execWorld, modern, nil, "sh", "-c", script, dir, bin.server, "--job-after", "300ms")
	r := s.call(t, "vm_exec", args{"machine": "box", "command": "sleep 4220"})
	handle := fmt.Sprint(r.at("job"))
	require.Contains(t, handle, "job_", r.Text)
	call := strings.Join(strings.Split(oneShot(legacy), "\n")[:2], "\n") + "\n" +
		`{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"vm_job","arguments":{"job":"` + handle + `"}}}` + "\n" +
		`{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"vm_job_cancel","arguments":{"job":"` + handle + `"}}}` + "\n"
	in, err := os.OpenFile(filepath.Join(dir, "in"), os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = in.WriteString(call)
	require.NoError(t, err)
	var said string
	until(t, "both answers", func() bool {
		b, _ := os.ReadFile(filepath.Join(dir, "out"))
		said = string(b)
		return strings.Count(said, "\n") == 3
	})
	require.NoError(t, in.Close())
	assert.Equal(t, 2, strings.Count(said, `"state":"elsewhere"`), said)
	until(t, "the command, which may not have come to its sleep", func() bool { return s.sleeping(4220) })
	r = s.call(t, "vm_job_cancel", args{"job": handle})
	assert.Equal(t, "cancelled", r.at("state"), r.Text)
}
