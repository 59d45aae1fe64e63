package runner_test

import (
	"maps"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/orbctl/runner"
)

func withReaper(t *testing.T) func(*runner.Options) {
	t.Helper()
	self := plainProgram()
	return func(o *runner.Options) { o.Reaper = self }
}

// Numbers that kill(2) takes for "all" or "my own group" are no groups.
func TestTheReaperKnowsWhoIsLeft(t *testing.T) {
	for text, want := range map[string][]int{
		"":                                   nil,
		"+700\n+701\n-700\n":                 {701},
		"+700\n-700\n+700\n":                 {700},
		"-700\n":                             nil,
		"+0\n+1\n+-1\n--1\n+\n-\n\nx\n12\n":  nil,
		"+99999999999999999999\n+702":        {702},
		"+700\n" + strings.Repeat("x", 1000): {700},
	} {
		got := slices.Sorted(maps.Keys(runner.LeftOver(strings.NewReader(text))))
		assert.Equal(t, want, got, "%q", text)
	}
}

func TestTheReaperEndsWithItsServer(t *testing.T) {
	w := newWorld(t, nil)
	r := w.runner(t, withReaper(t))
	assert.Zero(t, r.ReaperPID(), "it comes with the first child")
	_, err := r.Run(t.Context(), list)
	require.NoError(t, err)
	pid := r.ReaperPID()
	require.True(t, alive(pid))
	_, err = r.Run(t.Context(), list)
	require.NoError(t, err)
	assert.Equal(t, pid, r.ReaperPID(), "one serves all")
	r.Close()
	assert.False(t, alive(pid))
	r.Close()
}

func TestAReaperThatWasEndedIsReplaced(t *testing.T) {
	w := newWorld(t, nil)
	r := w.runner(t, withReaper(t))
	t.Cleanup(r.Close)
	_, err := r.Run(t.Context(), list)
	require.NoError(t, err)
	first := r.ReaperPID()
	require.NoError(t, syscall.Kill(first, syscall.SIGTERM), "a signal that is meant for the server")
	require.NoError(t, syscall.Kill(first, syscall.SIGKILL))
	require.Eventually(t, func() bool { // its last thread closes the pipe
		_, err = r.Run(t.Context(), list)
		return err == nil && r.ReaperPID() != first
	}, 20*time.Second, 5*time.Millisecond)
	assert.True(t, alive(r.ReaperPID()))
}

func TestWithoutAReaperCallsGoOn(t *testing.T) {
	w := newWorld(t, map[string]acts{"list": {Out: "[]\n"}})
	r := w.runner(t, func(o *runner.Options) { o.Reaper = "/nonexistent/orbstack-mcp" })
	res, err := r.Run(t.Context(), list)
	require.NoError(t, err)
	assert.Equal(t, "[]\n", res.Stdout)
}

// A group that was forgotten is another's: the reaper leaves it alone.
func TestTheReaperLeavesAloneWhatItWasToldToForget(t *testing.T) {
	stranger := exec.CommandContext(t.Context(), "/bin/sleep", "60")
	stranger.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	require.NoError(t, stranger.Start())
	t.Cleanup(func() { _ = stranger.Process.Kill(); _ = stranger.Wait() })
	w := newWorld(t, nil)
	r := w.runner(t, withReaper(t))
	_, err := r.Run(t.Context(), list)
	require.NoError(t, err)
	r.Watch(stranger.Process.Pid)
	r.Forget(stranger.Process.Pid)
	r.Close()
	assert.True(t, alive(stranger.Process.Pid))
}
