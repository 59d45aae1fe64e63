package guest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// an execCase is a command and what becomes of it.
type execCase struct {
	command             Command
	stdin               string
	stdout, stderr      string // MARK's line left out
	exit                int
	late, nodir, hidden bool // hidden: without setsid
}

func TestACommandIsAsIfItWereAlone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]execCase{
		"output and status": {command: Command{Text: "echo out; echo err >&2; exit 3"}, stdout: "out\n", stderr: "err\n", exit: 3},
		"lines":             {command: Command{Text: "for i in 1 2\ndo\techo $i\ndone"}, stdout: "1\n2\n"},
		"input":             {command: Command{Text: "cat; echo end"}, stdin: "a\x00b\n", stdout: "a\x00b\nend\n"},
		"no input":          {command: Command{Text: "cat | wc -c | tr -d ' '"}, stdout: "0\n"},
		"environment":       {command: Command{Text: `echo "$A|$B_2|${LC_ALL-none}"`, Env: []string{"A=x y", "B_2=$HOME;`id`"}}, stdout: "x y|$HOME;`id`|none\n"},
		"variables of ours": {
			command: Command{Text: `echo "$limit $dir $job $set $mark $0 $# $1"; pwd`, Dir: "/usr", Env: []string{"limit=1", "dir=/tmp", "job=2", "set=3", "mark=4", "guard=5", "rc=6", "cut=7", "count=0"}},
			stdout:  "1 /tmp 2 3 4 sh 0 \n/usr\n",
		},
		"a shell's own":     {command: Command{Text: `echo "ran, $A"`, Env: []string{"UID=1000", "A=x", "PPID=1", "SHELLOPTS=x"}}, stdout: "ran, x\n"},
		"another path":      {command: Command{Text: "echo $PATH; /bin/sleep 0; exit 5", Env: []string{"PATH=/nowhere"}}, stdout: "/nowhere\n", exit: 5},
		"a folder":          {command: Command{Text: "pwd", Dir: "/usr"}, stdout: "/usr\n"},
		"home":              {command: Command{Text: "pwd"}, stdout: "/tmp\n"},
		"no such folder":    {command: Command{Text: "pwd", Dir: "/nonexistent"}, exit: 126, nodir: true},
		"no such command":   {command: Command{Text: "nosuchcommand 2>/dev/null"}, exit: 127},
		"death by a signal": {command: Command{Text: "kill -9 $$"}, exit: 137},
		"quotes stay":       {command: Command{Text: `printf '%s\n' "a'b" 'c"d'`}, stdout: "a'b\nc\"d\n"},
		"late":              {command: Command{Text: "echo begun; sleep 60", Limit: time.Second}, stdout: "begun\n", exit: 124, late: true},
		"late, unwilling":   {command: Command{Text: "trap '' TERM; echo begun; sleep 60; sleep 60", Limit: time.Second}, stdout: "begun\n", exit: 124, late: true},
		"without setsid":    {command: Command{Text: "cat; exit 4"}, stdin: "x", stdout: "x", exit: 4, hidden: true},
	} {
		t.Run(name, func(t *testing.T) { eachShell(t, c) })
	}
}

func eachShell(t *testing.T, c execCase) {
	t.Helper()
	if c.command.Limit == 0 {
		c.command.Limit = 30 * time.Second
	}
	script, args, _, err := Exec(c.command)
	require.NoError(t, err)
	for name, shell := range factsShells {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			argv := append(append([]string{}, shell...), script.Argv(goldenMark, args...)[1:]...)
			cmd := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
			bin := t.TempDir() // this shell is sh here
			require.NoError(t, os.Symlink(needed(t, shell[0]), filepath.Join(bin, "sh")))
			cmd.Env = []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "HOME=/tmp", "LC_ALL=C"}
			if c.hidden {
				argv[len(shell)+1] = strings.Replace(script.text, "if have setsid", "if false", 1)
				cmd.Args = argv
			}
			var stdout, stderr bytes.Buffer
			cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(c.stdin), &stdout, &stderr
			err := cmd.Run()
			var exit *exec.ExitError
			if !errors.As(err, &exit) {
				require.NoError(t, err)
			}
			out, began := strings.CutPrefix(stdout.String(), string(goldenMark)+" output\n")
			assert.Equal(t, c.stdout, out)
			assert.Equal(t, !c.nodir, began)
			assert.Equal(t, c.exit, cmd.ProcessState.ExitCode())
			assert.Equal(t, c.late, strings.Contains(stderr.String(), string(goldenMark)+" late\n"))
			assert.Equal(t, c.nodir, strings.Contains(stderr.String(), string(goldenMark)+" nodir\n"))
			if !c.late && !c.nodir {
				assert.Equal(t, string(goldenMark)+" began\n"+c.stderr, stderr.String())
			}
		})
	}
}

// The command's time is kept in the machine: its client's death ends neither it
// nor the watch over it, and at the limit all that it started is gone.
func TestThreat24_ACommandEndsAtItsLimitThoughItsClientIsGone(t *testing.T) {
	t.Parallel()
	for name, shell := range factsShells {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			needed(t, shell[0])
			pids := filepath.Join(t.TempDir(), "pids")
			text := `trap '' TERM; echo $$ >>"$F"; (trap '' TERM; echo started >&2; exec sleep 300) & echo $! >>"$F"; wait; sleep 300`
			script, args, _, err := Exec(Command{Text: text, Env: []string{"F=" + pids}, Limit: 2 * time.Second})
			require.NoError(t, err)
			argv := append(append([]string{}, shell...), script.Argv(goldenMark, args...)[1:]...)
			// The client: it hands the script to the machine and is killed.
			client := exec.CommandContext(t.Context(), "sh", append([]string{"-c", `"$@" </dev/null >/dev/null 2>&1 & echo $!; exec sleep 300`, "client"}, argv...)...)
			client.Env = []string{"PATH=" + os.Getenv("PATH")}
			require.NoError(t, client.Start())
			var all []string
			require.Eventually(t, func() bool {
				b, _ := os.ReadFile(pids)
				all = strings.Fields(string(b))
				return len(all) == 2
			}, 20*time.Second, 5*time.Millisecond)
			require.NoError(t, client.Process.Kill())
			_ = client.Wait()
			assert.Eventually(t, func() bool {
				for _, pid := range all {
					if stat, err := os.ReadFile("/proc/" + pid + "/stat"); err == nil && !strings.Contains(string(stat), ") Z ") {
						return false
					}
				}
				return true
			}, 30*time.Second, 10*time.Millisecond, "the command lives on")
		})
	}
}

// Cancel ends the session of the command that has the mark, and no other.
func TestCancelEndsOneCommandAndAllItStarted(t *testing.T) {
	t.Parallel()
	for name, shell := range factsShells {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			needed(t, shell[0])
			start := func(mark Mark, text string) (pids func() []string) {
				file := filepath.Join(t.TempDir(), "pids")
				script, args, _, err := Exec(Command{Text: text, Env: []string{"F=" + file}, Limit: time.Minute})
				require.NoError(t, err)
				argv := append(append([]string{}, shell...), script.Argv(mark, args...)[1:]...)
				cmd := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
				cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
				require.NoError(t, cmd.Start())
				t.Cleanup(func() { _ = cmd.Wait() })
				pids = func() []string { b, _ := os.ReadFile(file); return strings.Fields(string(b)) }
				require.Eventually(t, func() bool { return len(pids()) == 2 }, 20*time.Second, 5*time.Millisecond)
				return pids
			}
			const unwilling = `trap '' TERM; echo $$ >>"$F"; (trap '' TERM; exec sleep 300) & echo $! >>"$F"; wait; sleep 300`
			mark, other := NewMark(), NewMark()
			ended := start(mark, unwilling+"\norbstack-mcp-exec\norbstack-mcp-exec\n") // words of a command name nothing
			spared := start(other, `echo $$ >>"$F"; sleep 300 & echo $! >>"$F"; wait`+"\norbstack-mcp-exec\n"+string(NewMark()))
			cancel := func(mark Mark) (found, left int) {
				script, args, _ := Cancel(mark)
				own := NewMark()
				argv := append(append([]string{}, shell...), script.Argv(own, args...)[1:]...)
				out, err := exec.CommandContext(t.Context(), argv[0], argv[1:]...).Output()
				require.NoError(t, err)
				section, ok := ParseTranscript(own, string(out)).Find("cancel")
				require.True(t, ok, "%s", out)
				_, err = fmt.Sscan(section.Text, &found, &left)
				require.NoError(t, err, "%s", out)
				return found, left
			}
			found, left := cancel(mark)
			assert.Positive(t, found)
			assert.Zero(t, left)
			alive := func(pids []string) (n int) {
				for _, pid := range pids {
					if stat, err := os.ReadFile("/proc/" + pid + "/stat"); err == nil && !strings.Contains(string(stat), ") Z ") {
						n++
					}
				}
				return n
			}
			assert.Zero(t, alive(ended()))
			assert.Equal(t, 2, alive(spared()), "another command was hit")
			found, _ = cancel(mark)
			assert.Zero(t, found, "it is gone")
			found, _ = cancel(other)
			assert.Positive(t, found)
		})
	}
}

// Newlines and tabs may be in a command; what may not is named, with the argument
// that it is in.
func TestAControlCharacterIsNamedWithItsArgument(t *testing.T) {
	for want, c := range map[string]Command{
		`command "echo a echo b" cannot be used: it holds a carriage return (\r); end its lines with \n alone, and let printf in the machine make any other`: {Text: "echo a\r\necho b\r\n"},
		`" cannot be used: it holds a NUL (\0) and an escape (\x1b); end`:                                                                                    {Text: "a\x00\x1b[2J"},
		`" cannot be used: it holds the control character U+0001 and the control character U+0002 and the control character U+0003 and 2 more; end`:          {Text: "\x01\x02\x03\x04\x05"},
		`env "TOKEN" cannot be used: its value holds a carriage return (\r); of control characters it may have newlines and tabs`:                            {Text: "id", Env: []string{"A=\n\tb", "TOKEN=secret\r"}},
		`env "TOKEN" cannot be used: its value is no UTF-8`:                                                                                                  {Text: "id", Env: []string{"TOKEN=\xff"}},
		`workdir "/a b" cannot be used: it has a newline or another control character in it`:                                                                 {Text: "id", Dir: "/a\nb"},
	} {
		c.Limit = time.Second
		_, _, _, err := Exec(c)
		require.ErrorContains(t, err, want)
		assert.NotContains(t, err.Error(), "secret")
	}
	_, _, _, err := Exec(Command{Text: "for i in 1\ndo\n\techo é\ndone", Env: []string{"A=\n\t=é"}, Dir: "/a b/'c'", Limit: time.Second})
	require.NoError(t, err)
}

func TestWhatIsNoCommandSaysWhy(t *testing.T) {
	good := Command{Text: "id", Limit: time.Second}
	for field, change := range map[string]func(*Command){
		"command":          func(c *Command) { c.Text = " \n" },
		"command ":         func(c *Command) { c.Text = "--all" },
		"command  ":        func(c *Command) { c.Text = "\xff" },
		"workdir":          func(c *Command) { c.Dir = "tmp" },
		"workdir ":         func(c *Command) { c.Dir = "/a\nb" },
		"env":              func(c *Command) { c.Env = []string{"A"} },
		"env ":             func(c *Command) { c.Env = []string{"1A=x"} },
		"env  ":            func(c *Command) { c.Env = []string{"A B=x"} },
		"timeout_seconds":  func(c *Command) { c.Limit = 0 },
		"timeout_seconds ": func(c *Command) { c.Limit = 2 * time.Hour },
	} {
		c := good
		change(&c)
		_, _, _, err := Exec(c)
		var bad *TargetError
		require.ErrorAs(t, err, &bad, field)
		assert.Equal(t, strings.TrimSpace(field), bad.Field)
	}
	_, args, limit, err := Exec(good)
	require.NoError(t, err)
	assert.Equal(t, []string{"1", "-", "anywhere", "-", "id"}, args)
	assert.Greater(t, limit, time.Second)
}
