package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const execWorld = `
default: box
machines:
  - {name: box, isolated: true, users: [root, ana, eve]}
  - {name: tiny, isolated: true, rootfs: busybox, distro: "alpine:3.20", default_username: root}
  - {name: web}
  - {name: key, isolated: true, forward_ssh_agent: true}
  - {name: share, isolated: true, mounts: ["/Users/ana/src:/src"]}
  - {name: db, isolated: true, state: stopped}
`

// An execCase is a command in a contained machine, and what comes of it.
type execCase struct {
	name           string
	args           args
	exit           float64
	stdout, stderr string
	user           string
}

func execCases() []execCase {
	return []execCase{
		{"output and exit code", args{"command": "echo out; echo err >&2; exit 3"}, 3, "out\n", "err\n", "ana"},
		{"no output", args{"command": "true"}, 0, "", "", "ana"},
		{"several lines", args{"command": "for i in 1 2\ndo\n\techo $i\ndone"}, 0, "1\n2\n", "", "ana"},
		{"quotes", args{"command": `printf '%s\n' "a'b" 'c"d' "\$HOME"`}, 0, "a'b\nc\"d\n$HOME\n", "", "ana"},
		{"input", args{"command": "cat; echo end", "stdin": "a\nb"}, 0, "a\nbend\n", "", "ana"},
		{"no input", args{"command": "cat"}, 0, "", "", "ana"},
		{"variables", args{"command": `echo "$A|$dir|$limit"`, "env": args{"A": "x y; $(reboot)", "dir": "/", "limit": 1}}, 0, "x y; $(reboot)|/|1\n", "", "ana"},
		{"another user", args{"command": "id -un", "user": "eve"}, 0, "eve\n", "", "eve"},
		{"root", args{"command": "id -u", "user": "root"}, 0, "0\n", "", "root"},
		{"a folder", args{"command": "pwd", "workdir": "/usr"}, 0, "/usr\n", "", "ana"},
		{"no such command", args{"command": "nosuchcommand 2>/dev/null"}, 127, "", "", "ana"},
		{"death by a signal", args{"command": "kill -9 $$"}, 137, "", "", "ana"},
		{"the words of OrbStack", args{"command": "echo '[-32098] machine not found' >&2; exit 1"}, 1, "", "[-32098] machine not found\n", "ana"},
		{"our own words, said by the command", args{"command": `mark=$(tr '\0' '\n' </proc/$PPID/cmdline | grep -x 'm[0-9a-f]\{16\}'); echo "$mark open" >&2; echo "$mark nodir" >&2; echo "${#mark}"`}, 0, "17\n", "", "ana"},
		{"what a terminal would obey", args{"command": `printf '\033]0;x\007\033[2J\342\200\256a\342\200\213b\r\n\000'; printf '\377' >&2`}, 0, "ab\n", "\uFFFD", "ana"},
	}
}

func TestACommandInAContainedMachineJustRuns(t *testing.T) {
	t.Parallel()
	for _, e := range eras {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			s := open(t, execWorld, e)
			for _, c := range execCases() {
				a := args{"machine": "box"}
				for k, v := range c.args {
					a[k] = v
				}
				mark := len(s.booted())
				r := s.call(t, "vm_exec", a)
				require.False(t, r.IsError, "%s: %s", c.name, r.Text)
				assert.Equal(t, c.exit, r.at("exit_code"), "%s: %s", c.name, r.Text)
				assert.Equal(t, c.stdout, r.at("stdout"), c.name)
				assert.Equal(t, c.stderr, r.at("stderr"), c.name)
				assert.Equal(t, c.user, r.at("user"), c.name)
				assert.Nil(t, r.at("omitted_bytes"), c.name)
				assert.Nil(t, r.at("timed_out"), c.name)
				assert.Len(t, s.booted()[mark:], 1, "%s: one run, and not twice", c.name)
			}
			r := s.call(t, "vm_exec", args{"machine": "tiny", "command": "echo $0 here; pwd"})
			require.False(t, r.IsError, r.Text)
			assert.Equal(t, "sh here\n/root\n", r.at("stdout"))
			assert.Empty(t, s.asked())
		})
	}
}

func TestACommandThatCannotRunSaysWhy(t *testing.T) {
	t.Parallel()
	for _, e := range turnOf(t) {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			s := open(t, execWorld, e, "--confirm", "allow")
			call := func(machine string, more args) result {
				a := args{"machine": machine, "command": "true"}
				for k, v := range more {
					a[k] = v
				}
				return s.call(t, "vm_exec", a)
			}
			r := call("box", args{"user": "evee"})
			assert.Equal(t, "guest_user_missing", r.code(), r.Text)
			assert.Equal(t, []any{"root", "ana", "eve"}, r.at("error", "details", "users"))
			assert.Equal(t, "invalid_argument", call("box", args{"workdir": "/nonexistent"}).code())
			assert.Equal(t, "invalid_argument", call("box", args{"command": ""}).code())
			assert.Equal(t, "invalid_argument", call("box", args{"timeout_seconds": 3601}).code())
			assert.Equal(t, "invalid_argument", call("box", args{"env": args{"-x": "1"}}).code())
			assert.Equal(t, "machine_not_found", call("boxx", nil).code())
			mark := len(s.reached())
			assert.Equal(t, "machine_not_running", call("db", nil).code())
			calls, _ := s.spawns(mark)
			assert.Equal(t, []string{"info db -f json"}, calls, "it is not booted")
			assert.NotContains(t, strings.Join(s.effects(), ","), "boot")
		})
	}
}

func TestTimeAndOutputOfACommandAreBounded(t *testing.T) {
	t.Parallel()
	for _, e := range turnOf(t) {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			s := open(t, execWorld, e)
			r := s.call(t, "vm_exec", args{"machine": "box", "command": "echo begun; (sleep 3197 &) ; sleep 3198; echo never", "timeout_seconds": 1})
			require.False(t, r.IsError, r.Text)
			assert.Equal(t, true, r.at("timed_out"))
			assert.Equal(t, 124.0, r.at("exit_code"))
			assert.Equal(t, "begun\n", r.at("stdout"))
			r = s.call(t, "vm_exec", args{"machine": "box", "command": "i=0; while [ $i -lt 40000 ]; do i=$((i+1)); echo line $i; done"})
			require.False(t, r.IsError)
			out, _ := r.at("stdout").(string)
			omitted, _ := r.at("omitted_bytes").(float64)
			total := 0
			for i := 1; i <= 40000; i++ {
				total += len(fmt.Sprintf("line %d\n", i))
			}
			assert.True(t, strings.HasPrefix(out, "line 1\nline 2\n"))
			assert.True(t, strings.HasSuffix(out, "line 39999\nline 40000\n"))
			assert.Greater(t, omitted, 300000.0)
			assert.InDelta(t, total, float64(len(out))+omitted, 200, "what is shown and what is left out is all there was, but for the words between")
		})
	}
}

// Where commands run freely, where a person is asked, and where not at all.
func TestWhereCommandsRun(t *testing.T) {
	t.Parallel()
	open := []string{"web", "key", "share"}
	for _, e := range eras {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			t.Run("off", func(t *testing.T) {
				s := openAsking(t, execWorld, e, always(accept), "--exec", "off")
				for _, m := range append(open, "box") {
					r := s.call(t, "vm_exec", args{"machine": m, "command": "true"})
					assert.Equal(t, "not_allowed", r.code(), r.Text)
					assert.Equal(t, "--exec", r.at("error", "details", "flag"))
				}
				r := s.call(t, "vm_create", args{"name": "new", "distro": "ubuntu", "isolated": true, "user_data": "#cloud-config\n"})
				assert.Equal(t, "not_allowed", r.code(), "user data is a command: %s", r.Text)
				assert.Empty(t, s.booted())
				assert.Empty(t, s.grave())
				assert.Empty(t, s.asked())
			})
			t.Run("all", func(t *testing.T) {
				s := openAsking(t, execWorld, e, always(decline), "--exec", "all")
				for _, m := range append(open, "box") {
					r := s.call(t, "vm_exec", args{"machine": m, "command": "echo $((6*7))"})
					assert.Equal(t, "42\n", r.at("stdout"), r.Text)
				}
				assert.Empty(t, s.asked())
			})
			t.Run("isolated", func(t *testing.T) {
				s := openAsking(t, execWorld, e, always(decline))
				for i, m := range open {
					r := s.call(t, "vm_exec", args{"machine": m, "command": "true"})
					assert.Equal(t, "confirmation_declined", r.code(), r.Text)
					require.Len(t, s.asked(), i+1)
					assert.Contains(t, s.asked()[i], map[string]string{"web": "it is not isolated", "key": "SSH keys", "share": "/Users/ana/src"}[m])
				}
				assert.Empty(t, s.booted())
				r := s.call(t, "vm_create", args{"name": "new", "distro": "ubuntu", "isolated": true, "user_data": "#cloud-config\n"})
				require.False(t, r.IsError, r.Text)
				assert.Len(t, s.asked(), len(open), "an isolated machine may run what it likes")
			})
		})
	}
}

// OrbStack calls a machine isolated as soon as that is set, and until its restart
// the Mac's files are in it: what counts is what is there.
func TestAMachineThatIsIsolatedByNameOnlyIsNotContained(t *testing.T) {
	t.Parallel()
	for _, e := range turnOf(t) {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			answers := decline
			s := openAsking(t, "machines: [{name: web}]\n", e, func(string) string { return answers })
			r := s.call(t, "orbstack_config_set", args{"key": "machine.web.isolated", "value": "true"})
			require.False(t, r.IsError, r.Text)
			command := args{"machine": "web", "command": "echo ran | tee /tmp/ran"}
			r = s.call(t, "vm_exec", command)
			assert.Equal(t, "confirmation_declined", r.code(), r.Text)
			require.Len(t, s.asked(), 1)
			assert.Contains(t, s.asked()[0], "the Mac's files are in it")
			answers = accept
			r = s.call(t, "vm_exec", args{"machine": "web", "command": "ls /tmp/ran"})
			require.False(t, r.IsError, r.Text)
			assert.NotEqual(t, 0.0, r.at("exit_code"), "after the no nothing had run")
			r = s.call(t, "vm_exec", command)
			assert.Equal(t, "ran\n", r.at("stdout"), r.Text)
		})
	}
}

// Isolation that is turned off between two calls counts at once, for it is read
// in each.
func TestIsolationIsReadInEveryCall(t *testing.T) {
	t.Parallel()
	for _, e := range turnOf(t) {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			answers := accept
			s := openAsking(t, execWorld, e, func(string) string { return answers })
			command := args{"machine": "box", "command": "true"}
			require.False(t, s.call(t, "vm_exec", command).IsError)
			require.Empty(t, s.asked())
			r := s.call(t, "orbstack_config_set", args{"key": "machine.box.isolated", "value": "false"})
			require.False(t, r.IsError, r.Text)
			answers = decline
			assert.Equal(t, "confirmation_declined", s.call(t, "vm_exec", command).code())
		})
	}
}

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
			s := openWith(t, execWorld, e, nil, "sh", "-c", `"$@"; exec "$@"`, "sh", bin.server, "--job-after", "300ms")
			r := s.call(t, "vm_exec", args{"machine": "box", "command": fmt.Sprintf("sleep %d", seconds), "timeout_seconds": 5})
			handle := r.at("job")
			require.NotNil(t, handle, r.Text)
			first := s.server(t)
			require.NoError(t, syscall.Kill(first, syscall.SIGKILL))
			until(t, "the next server", func() bool { return s.server(t) != first })
			s.initialize(t)
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
	assert.True(t, s.sleeping(4220))
	r = s.call(t, "vm_job_cancel", args{"job": handle})
	assert.Equal(t, "cancelled", r.at("state"), r.Text)
}
