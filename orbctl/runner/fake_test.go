package runner_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orbstack-mcp/internal/fakeorbctl"
	"orbstack-mcp/orbctl/runner"
)

type (
	acts  = fakeorbctl.Acts
	event = fakeorbctl.Event
)

// A world is an OrbStack: a folder that its orbctl reads and writes.
type world struct{ home string }

// newWorld is an OrbStack that runs, unless with says something else of status.
func newWorld(tb testing.TB, with map[string]acts) world {
	tb.Helper()
	all := map[string]acts{"status": {Out: "Running\n"}}
	for verb, a := range with {
		all[verb] = a
	}
	w := world{home: tb.TempDir()}
	w.set(tb, all)
	return w
}

func (w world) set(tb testing.TB, all map[string]acts) {
	tb.Helper()
	text, err := json.Marshal(all)
	require.NoError(tb, err)
	next := filepath.Join(w.home, "behaviour.next")
	require.NoError(tb, os.WriteFile(next, text, 0o600))
	require.NoError(tb, os.Rename(next, filepath.Join(w.home, fakeorbctl.Behaviour)))
}

// runner lets commands run anywhere, unless a test says otherwise.
func (w world) runner(tb testing.TB, change ...func(*runner.Options)) *runner.Runner {
	tb.Helper()
	o := runner.Options{Orbctl: fakeOrbctl(), Home: w.home, Exec: runner.ExecAll}
	for _, f := range change {
		f(&o)
	}
	return runner.New(o)
}

// serverEnv is the environment of a server of this world.
func (w world) serverEnv() []string {
	return []string{"HOME=" + w.home, orbctlVariable + "=" + fakeOrbctl()}
}

func (w world) events(tb testing.TB) []event {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join(w.home, fakeorbctl.Calls))
	if os.IsNotExist(err) {
		return nil
	}
	require.NoError(tb, err)
	var all []event
	for line := range strings.Lines(string(text)) {
		var e event
		require.NoError(tb, json.Unmarshal([]byte(line), &e))
		all = append(all, e)
	}
	return all
}

// calls are the command lines of all children so far; without a verb's name, of
// all but status.
func (w world) calls(tb testing.TB, verb string) [][]string {
	tb.Helper()
	var all [][]string
	for _, e := range w.events(tb) {
		if !e.End && (e.Argv[0] == verb || verb == "" && e.Argv[0] != "status") {
			all = append(all, e.Argv)
		}
	}
	return all
}

// pids are the processes that hostile children have left word of.
func (w world) pids(tb testing.TB) []int {
	tb.Helper()
	text, _ := os.ReadFile(filepath.Join(w.home, fakeorbctl.PIDs))
	var pids []int
	for _, word := range strings.Fields(string(text)) {
		pid, err := strconv.Atoi(word)
		require.NoError(tb, err)
		pids = append(pids, pid)
	}
	return pids
}

// survivors are those of them that live, once they have had the time to go; it
// then ends them.
func (w world) survivors(tb testing.TB) int {
	tb.Helper()
	var left int
	for until := time.Now().Add(3 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		left = 0
		for _, pid := range w.pids(tb) {
			if alive(pid) {
				left++
			}
		}
		if left == 0 || time.Now().After(until) {
			break
		}
	}
	for _, pid := range w.pids(tb) {
		if alive(pid) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	return left
}

// alive reports a process that is there and no zombie.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return !os.IsNotExist(err) || !procMounted()
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(rest, "Z")
}

func procMounted() bool {
	_, err := os.Stat("/proc/self/stat")
	return err == nil
}
