package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/internal/orbsim"
)

// both runs a test with real machines and with words only.
func both(t *testing.T, f func(t *testing.T, flags ...string)) {
	t.Run("level 1 or 2", func(t *testing.T) { needWorld(t); f(t) })
	t.Run("level 4", func(t *testing.T) { f(t, "--level", "4") })
}

func TestCommandRunsInTheWorld(t *testing.T) {
	both(t, func(t *testing.T, flags ...string) {
		r := inWorld(t, "base", "$O run -m web hostname; cat; pwd; exit 42", flags...)
		here, err := os.Getwd()
		require.NoError(t, err)
		assert.Equal(t, "web\n"+here+"\n", r.out)
		assert.Equal(t, 42, r.exit)
	})
}

func TestCommandInheritsStdinDirectly(t *testing.T) {
	both(t, func(t *testing.T, flags ...string) {
		cmd := inWorldCommand(t, "empty", "cat", flags...)
		cmd.Stdin = strings.NewReader(strings.Repeat("x", 1<<20))
		assert.Len(t, finish(t, cmd).out, 1<<20)
	})
}

func TestCommandThatIsNotThere(t *testing.T) {
	both(t, func(t *testing.T, flags ...string) {
		r := orbsimRun(t, append(append([]string{"run"}, flags...), "empty", "--", "no-such-command")...)
		assert.Equal(t, 127, r.exit)
		assert.Contains(t, r.err, "no-such-command: command not found")
		r = orbsimRun(t, append(append([]string{"run"}, flags...), "empty", "--", "/etc/passwd")...)
		assert.Equal(t, 126, r.exit)
	})
}

func TestOwnErrorsAre125(t *testing.T) {
	for args, want := range map[string]string{
		"run":                     "which world?",
		"run base":                "which command?",
		"run nope -- true":        "no built-in world and no file is named \"nope\"; built-in worlds: base, demo,",
		"run --frob base -- true": "unknown flag: --frob",
		"up base extra":           "up takes no command",
		"worlds nope":             "no built-in world",
		"check /nonexistent":      "no such file",
		"run --level 2 base -- x": "level 2 can't be asked for",
		"state --home /none":      "no simulator answers below /none",
		"__inside":                "orbsim's own verb",
		"__sweep":                 "orbsim's own verb",
		"run --record /none/x --level 4 base -- true": "open the record",
		"run --state /none/x --level 4 base -- true":  "write the state",
	} {
		r := orbsimRun(t, strings.Fields(args)...)
		assert.Equal(t, 125, r.exit, args)
		assert.Contains(t, r.err, want, args)
	}
}

func TestEnvironmentOfTheCommand(t *testing.T) {
	both(t, func(t *testing.T, flags ...string) {
		r := inWorld(t, "empty", `echo "$HOME"; echo "$O"; test -x "$O" && test -x "$HOME/.orbstack/bin/orb" && stat -c %a "$HOME/.orbstack/run/sconrpc.sock"; env | grep ^ORBSIM_; true`, flags...)
		lines := strings.Split(r.out, "\n")
		require.Len(t, lines, 4, r)
		assert.Equal(t, lines[0]+"/.orbstack/bin/orbctl", lines[1])
		assert.Equal(t, "600", lines[2])
		assert.NoDirExists(t, lines[0], "gone with the world")
	})
}

func TestRecordAndStates(t *testing.T) {
	both(t, func(t *testing.T, flags ...string) {
		dir := t.TempDir()
		files := append(slices.Clone(flags), "--record", dir+"/r", "--state", dir+"/after", "--state-before", dir+"/before", "--state-files")
		r := inWorld(t, "base", "$O stop web; $O run -m dev true", files...)
		require.Zero(t, r.exit, r.err)
		state := func(name string) (s orbsim.State) {
			b, err := os.ReadFile(filepath.Join(dir, name))
			require.NoError(t, err)
			require.NoError(t, json.Unmarshal(b, &s))
			return s
		}
		before, after := state("before"), state("after")
		assert.Equal(t, "running", before.Machines[2].State)
		assert.Equal(t, "stopped", after.Machines[2].State)
		passwd := after.Machines[0].Files["/etc/passwd"]
		require.NotNil(t, passwd)
		assert.Contains(t, *passwd, "\nana:")
		b, err := os.ReadFile(filepath.Join(dir, "r"))
		require.NoError(t, err)
		lines := strings.Split(strings.TrimSpace(string(b)), "\n")
		require.Len(t, lines, 4)
		assert.Contains(t, lines[1], `"effects":["halt web"]`)
		assert.Contains(t, lines[2], `"argv":["run","-m","dev","true"]`)
	})
}

func TestSignalsGoToTheCommand(t *testing.T) {
	both(t, func(t *testing.T, flags ...string) {
		for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
			cmd := inWorldCommand(t, "empty", `trap "echo caught; exit 9" TERM INT; echo ready; while :; do sleep 0.02; done`, flags...)
			out, err := cmd.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			lines := bufio.NewScanner(out)
			require.True(t, lines.Scan())
			require.NoError(t, cmd.Process.Signal(s))
			require.True(t, lines.Scan())
			assert.Equal(t, "caught", lines.Text())
			require.Error(t, cmd.Wait())
			assert.Equal(t, 9, cmd.ProcessState.ExitCode())
		}
	})
}

func TestNothingIsLeftAfterKillMinusNine(t *testing.T) {
	both(t, func(t *testing.T, flags ...string) {
		mark := fmt.Sprintf("31536000.%d", time.Now().UnixNano())
		cmd := inWorldCommand(t, "base", `echo "$HOME"; $O run -m dev sleep 1 & exec sleep `+mark, flags...)
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		lines := bufio.NewScanner(out)
		require.True(t, lines.Scan())
		home := lines.Text()
		require.Eventually(t, func() bool { return processWith(mark) }, 10*time.Second, 5*time.Millisecond)
		require.NoError(t, cmd.Process.Kill())
		_ = cmd.Wait()
		assert.Eventually(t, func() bool { return !processWith(mark) }, 10*time.Second, 5*time.Millisecond, "the command lives on")
		assert.Eventually(t, func() bool { _, err := os.Stat(home); return err != nil }, 10*time.Second, 5*time.Millisecond, "the home is still there")
	})
}

func TestNothingIsLeftWhenTheCommandEnds(t *testing.T) {
	both(t, func(t *testing.T, flags ...string) {
		mark := fmt.Sprintf("31536000.%d", time.Now().UnixNano())
		script := `for i in 1 2; do setsid sh -c 'sleep "$1" & exec setsid sleep "$1"' sh ` + mark + ` </dev/null >/dev/null 2>&1 & done
until [ "$(pgrep -xcf "sleep ` + mark + `")" = 4 ]; do sleep 0.01; done
echo four`
		r := inWorld(t, "empty", script, flags...)
		assert.Equal(t, "four\n", r.out, r.err)
		assert.Zero(t, r.exit)
		assert.False(t, processWith(mark), "they had left the process group")
	})
}

// processWith says whether a process has mark as a word of its command line.
func processWith(mark string) bool {
	entries, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return false
	}
	for _, e := range entries {
		if b, err := os.ReadFile(e); err == nil && strings.HasSuffix(strings.TrimRight(string(b), "\x00"), "\x00"+mark) {
			return true
		}
	}
	return false
}

func TestUpStaysUntilASignal(t *testing.T) {
	both(t, func(t *testing.T, flags ...string) {
		cmd := orbsimCommand(t, append([]string{"up", "base"}, flags...)...)
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		var home string
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if _, rest, ok := strings.Cut(lines.Text(), "export HOME="); ok {
				home, _, _ = strings.Cut(rest, " ")
			}
			if strings.Contains(lines.Text(), "orbsim run WORLD") {
				break
			}
		}
		r := orbsimRun(t, "state", "--home", home)
		assert.Contains(t, r.out, `"name":"dev"`, r.err)
		require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
		require.NoError(t, cmd.Wait(), "an orderly end")
		assert.NoDirExists(t, home)
	})
}

func TestHomeThatWasNamedIsKept(t *testing.T) {
	home, err := os.MkdirTemp("", "h")
	require.NoError(t, err)
	defer os.RemoveAll(home)
	both(t, func(t *testing.T, flags ...string) {
		r := inWorld(t, "empty", "echo $HOME; $O status", append(flags, "--home", home)...)
		assert.Equal(t, home+"\nRunning\n", r.out, r.err)
		assert.DirExists(t, home+"/.orbstack/bin")
	})
}

func TestDoctorFindsWhatAnOrdinaryUsersPathDoesNotName(t *testing.T) {
	if _, err := os.Stat("/usr/sbin/nft"); err != nil {
		t.Skip(err)
	}
	cmd := orbsimCommand(t, "doctor", "--require", "4")
	cmd.Env = append(cmd.Env, "PATH=/usr/bin:/bin")
	assert.NotContains(t, finish(t, cmd).out, "nftables")
}

func TestVerbsThatOnlyLook(t *testing.T) {
	r := orbsimRun(t, "worlds")
	assert.Contains(t, r.out, "old    OrbStack 2.0.4, running, 3 machines\n")
	source := orbsimRun(t, "worlds", "demo")
	assert.Contains(t, source.out, "name: sandbox")
	file := filepath.Join(t.TempDir(), "demo.yaml")
	require.NoError(t, os.WriteFile(file, []byte(source.out), 0o600))
	assert.Contains(t, orbsimRun(t, "check", file).out, "7 machines")
	require.NoError(t, os.WriteFile(file, []byte("version: 9\nmachines: [{name: a_b}]"), 0o600))
	r = orbsimRun(t, "check", file)
	assert.Equal(t, 125, r.exit)
	assert.Contains(t, r.err, "2 problems")
	r = orbsimRun(t, "doctor", "--require", "4")
	assert.Zero(t, r.exit)
	assert.Regexp(t, `^level [1-4] of 4: `, r.out)
	r = orbsimRun(t, "doctor", "--require", "0")
	assert.Equal(t, 1, r.exit)
	assert.Contains(t, r.err, "level 0 or better is required")
	assert.Contains(t, orbsimRun(t, "--help").out, "Available Commands:")
}
