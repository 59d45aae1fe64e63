package e2e

import (
	"fmt"
	"strings"
	"testing"

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
		{"a folder with a space in its name", args{"command": "mkdir -p \"/tmp/a b\"; cd \"/tmp/a b\"; pwd"}, 0, "/tmp/a b\n", "", "ana"},
		{"work in that folder", args{"command": "pwd", "workdir": "/tmp/a b"}, 0, "/tmp/a b\n", "", "ana"},
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

// A command that writes without end is ended, in the machine too, and its beginning
// and its end are the result.
func TestACommandThatWritesWithoutEndIsEnded(t *testing.T) {
	needsProc(t)
	t.Parallel()
	for _, stream := range []string{"stdout", "stderr"} {
		t.Run(stream, func(t *testing.T) {
			t.Parallel()
			s := open(t, execWorld, eras[0])
			r := s.call(t, "vm_exec", args{"machine": "box", "command": "sleep 4190 & echo out; echo err >&2; exec >&" + map[string]string{"stdout": "1", "stderr": "2"}[stream] + "; while :; do echo line of many, and each as long as this one is so that it does not take for ever; done"})
			require.False(t, r.IsError, r.Text)
			assert.Nil(t, r.at("exit_code"))
			assert.Contains(t, r.at("note"), "The command printed more than 16 MiB on "+stream+" and was ended for that")
			assert.Greater(t, r.at("omitted_bytes"), 16e6)
			for _, kept := range []string{"stdout", "stderr"} {
				assert.True(t, strings.HasPrefix(r.at(kept).(string), kept[3:]+"\n"), "%.100s", r.at(kept))
			}
			until(t, "the end of what it had started", func() bool { return !s.sleeping(4190) })
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
// the Mac's files are in it: what counts is what is there. The restart takes them away.
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

			answers = decline // of what is asked from here on
			r = s.call(t, "vm_restart", args{"machines": []string{"web"}})
			require.False(t, r.IsError, r.Text)
			asked := len(s.asked())
			r = s.call(t, "vm_exec", args{"machine": "web", "command": "echo contained"})
			assert.Equal(t, "contained\n", r.at("stdout"), r.Text)
			assert.Len(t, s.asked(), asked, "since the restart nobody has to be asked")
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
