//go:build linux

package namespaces

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/internal/orbsim/worldfile"
)

func TestRunReportsExitsAsAShellDoes(t *testing.T) {
	w := openWorld(t, worldfile.World{})
	m := boot(t, w, worldfile.Machine{Name: "a", Files: map[string]string{"/opt/data": "no program\n", "/opt/script": "#!/bin/sh\nexit 9\n"}})
	for name, c := range map[string]struct {
		argv   []string
		exit   int
		stderr string
	}{
		"a code":          {[]string{"sh", "-c", "exit 42"}, 42, ""},
		"a signal":        {[]string{"sh", "-c", "kill -TERM $$"}, 143, ""},
		"a kill":          {[]string{"sh", "-c", "kill -9 $$"}, 137, ""},
		"not found":       {[]string{"no-such-command"}, 127, "no-such-command: command not found\n"},
		"no such path":    {[]string{"/no/such"}, 127, "/no/such: command not found\n"},
		"not executable":  {[]string{"/opt/data"}, 126, "/opt/data: permission denied\n"},
		"a folder":        {[]string{"/opt"}, 126, "/opt: permission denied\n"},
		"a script":        {[]string{"/opt/script"}, 9, ""},
		"relative to dir": {[]string{"./script"}, 9, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := run(t, m, Command{Argv: c.argv, Dir: "/opt", User: "root"})
			assert.Equal(t, c.exit, r.Exit)
			assert.Equal(t, c.stderr, r.Err)
		})
	}
	_, err := m.Run(t.Context(), Command{Argv: []string{"true"}, Dir: "/no/such"})
	require.ErrorContains(t, err, "has no folder /no/such")
	_, err = m.Run(t.Context(), Command{})
	require.ErrorContains(t, err, "no command")
}

func TestRunPassesDescriptorsAndEnvironment(t *testing.T) {
	w := openWorld(t, worldfile.World{})
	m := boot(t, w, worldfile.Machine{Name: "a", DefaultUsername: "ana"})
	in, err := inMemory("stdin", []byte("line\x00with\xffbytes"))
	require.NoError(t, err)
	defer in.Close()
	r := run(t, m, Command{Argv: []string{"sh", "-c", "cat; echo problem >&2"}, Stdin: in})
	assert.Equal(t, "line\x00with\xffbytes", r.Out)
	assert.Equal(t, "problem\n", r.Err)

	env := run(t, m, Command{Argv: []string{"env"}, Env: []string{"A=1", "LANG=de_DE"}}).Out
	for _, line := range []string{"A=1", "LANG=de_DE", "HOME=/home/ana", "USER=ana", "LOGNAME=ana", "PATH=" + guestPath} {
		assert.Contains(t, strings.Split(env, "\n"), line)
	}
	assert.NotContains(t, env, worldEnv, "nothing of the world's own environment")
	assert.Equal(t, "0022\n", sh(t, m, "umask").Out)
	assert.Empty(t, sh(t, m, "cat").Out, "no stdin is /dev/null")
	assert.Equal(t, "0 1 2 3\n", sh(t, m, "echo $(ls /proc/self/fd)").Out, "no other descriptor leaks in (3 is ls's own)")
}

func TestClientGoingAwayDoesNotEndTheCommand(t *testing.T) {
	w := openWorld(t, worldfile.World{})
	m := boot(t, w, worldfile.Machine{Name: "a"})
	ctx, cancel := context.WithCancelCause(t.Context())
	started, startedW, err := os.Pipe()
	require.NoError(t, err)
	defer started.Close()
	var wait sync.WaitGroup
	wait.Go(func() {
		_, err := m.Run(ctx, Command{Argv: []string{"sh", "-c", "echo; while ! test -e /tmp/go; do sleep 0.02; done; echo done >/tmp/done"}, User: "root", Stdout: startedW})
		assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
	})
	_, err = started.Read(make([]byte, 1))
	require.NoError(t, err)
	cancel(os.ErrDeadlineExceeded)
	wait.Wait()
	require.NoError(t, startedW.Close())
	assert.NotZero(t, sh(t, m, "test -e /tmp/done").Exit)
	assert.Zero(t, sh(t, m, "touch /tmp/go; for i in $(seq 500); do test -e /tmp/done && exit 0; sleep 0.02; done; exit 1").Exit)
}

func TestKillOnCancelEndsTheWholeSession(t *testing.T) {
	w := openWorld(t, worldfile.World{})
	m := boot(t, w, worldfile.Machine{Name: "a"})
	ctx, cancel := context.WithCancel(t.Context())
	started, startedW, err := os.Pipe()
	require.NoError(t, err)
	defer started.Close()
	var wait sync.WaitGroup
	wait.Go(func() {
		exit, err := m.Run(ctx, Command{Argv: []string{"sh", "-c", "echo; sleep 600; true"}, Stdout: startedW, KillOnCancel: true})
		assert.ErrorIs(t, err, context.Canceled)
		assert.Equal(t, 137, exit)
	})
	_, err = started.Read(make([]byte, 1))
	require.NoError(t, err)
	cancel()
	wait.Wait()
	require.NoError(t, startedW.Close())
	assert.Zero(t, sh(t, m, "for i in $(seq 500); do pgrep sleep >/dev/null || exit 0; sleep 0.02; done; exit 1").Exit)
}

func TestOrphansAreReaped(t *testing.T) {
	w := openWorld(t, worldfile.World{})
	m := boot(t, w, worldfile.Machine{Name: "a"})
	assert.Zero(t, sh(t, m, "for i in 1 2 3; do (sleep 0.01 &) ; done").Exit)
	assert.Zero(t, sh(t, m, "for i in $(seq 500); do ps -e -o stat | grep -q Z || exit 0; sleep 0.02; done; ps -ef; exit 1").Exit)
}

func TestHaltEndsRunningCommands(t *testing.T) {
	w := openWorld(t, worldfile.World{})
	m := boot(t, w, worldfile.Machine{Name: "a"})
	started, startedW, err := os.Pipe()
	require.NoError(t, err)
	defer started.Close()
	var wait sync.WaitGroup
	wait.Go(func() {
		exit, err := m.Run(t.Context(), Command{Argv: []string{"sh", "-c", "trap '' TERM INT HUP; echo; sleep 600; sleep 600"}, Stdout: startedW})
		assert.NoError(t, err)
		assert.Equal(t, 137, exit)
	})
	_, err = started.Read(make([]byte, 1))
	require.NoError(t, err)
	began := time.Now()
	halt(t, m)
	wait.Wait()
	t.Logf("halt took %v", time.Since(began))
	require.NoError(t, startedW.Close())
}

func TestRunRacesHaltWithoutStrangeErrors(t *testing.T) {
	w := openWorld(t, worldfile.World{})
	for range 10 {
		m := boot(t, w, worldfile.Machine{Name: "a"})
		var wait sync.WaitGroup
		for range 4 {
			wait.Go(func() {
				for m.Running() {
					exit, err := m.Run(t.Context(), Command{Argv: []string{"true"}})
					if err != nil {
						assert.ErrorContains(t, err, "machine a is not running")
					} else {
						assert.Contains(t, []int{0, 137}, exit)
					}
				}
			})
		}
		halt(t, m)
		wait.Wait()
	}
}

func TestNoThreadOfTheWorldStaysInAMachine(t *testing.T) {
	w := openWorld(t, worldfile.World{})
	m := boot(t, w, worldfile.Machine{Name: "a"})
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for range 25 {
				_, err := m.Run(t.Context(), Command{Argv: []string{"true"}})
				assert.NoError(t, err)
			}
		})
	}
	wait.Wait()
	own, err := os.Readlink("/proc/thread-self/ns/mnt")
	require.NoError(t, err)
	group, err := os.ReadFile("/proc/thread-self/cgroup")
	require.NoError(t, err)
	require.Eventually(t, func() bool { // threads take a moment to end
		threads, _ := filepath.Glob("/proc/self/task/*")
		for _, thread := range threads {
			ns, errNS := os.Readlink(filepath.Join(thread, "ns/mnt"))
			g, errGroup := os.ReadFile(filepath.Join(thread, "cgroup"))
			if errNS == nil && ns != own || errGroup == nil && string(g) != string(group) {
				return false
			}
		}
		return true
	}, 5*time.Second, 10*time.Millisecond)
}
