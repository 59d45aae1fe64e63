package runner_test

import (
	"bytes"
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
	"orbstack-mcp/orbctl/runner/confine"
)

// The tests named TestThreat are the rows of the threat table of
// docs/security.md that the operating system's sandbox is for. Each runs once as
// whoever tests, and once more as an ordinary user (threat_user_linux_test.go).

// version is the call of all of them: no gate comes before it, so that there is
// one child.
var version = runner.Call{Op: runner.OpVersion}

// hostileWorld is an OrbStack whose orbctl has these orders.
func hostileWorld(tb testing.TB, words ...string) world {
	tb.Helper()
	w := world{home: tb.TempDir()}
	file := filepath.Join(w.home, fakeorbctl.Orders)
	require.NoError(tb, os.MkdirAll(filepath.Join(filepath.Dir(file), "run"), 0o700))
	require.NoError(tb, os.WriteFile(file, []byte(strings.Join(words, " ")), 0o600))
	return w
}

// confined is a runner whose sandbox has passed its own test.
func confined(tb testing.TB, w world) *runner.Runner {
	tb.Helper()
	r := w.runner(tb, func(o *runner.Options) { o.Sandbox = confine.Require })
	_, err := r.Sandbox()
	require.NoError(tb, err)
	return r
}

// living are the processes of a world, by what they all have in their
// environment. The server, which has it too, does not count.
func (w world) living(tb testing.TB) []int {
	tb.Helper()
	entries, err := os.ReadDir("/proc")
	require.NoError(tb, err)
	var pids []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		environ, _ := os.ReadFile(filepath.Join("/proc", e.Name(), "environ"))
		ours := bytes.Contains(append([]byte{0}, environ...), []byte("\x00HOME="+w.home+"\x00"))
		if ours && !strings.HasPrefix(commandLine(pid), "server\x00") && alive(pid) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// commandLine is a process's argv with a NUL behind each word.
func commandLine(pid int) string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return string(text)
}

// left is how many live on once they have had the time to go; it ends them.
func (w world) left(tb testing.TB) int {
	tb.Helper()
	var pids []int
	for until := time.Now().Add(3 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if pids = w.living(tb); len(pids) == 0 || time.Now().After(until) {
			break
		}
	}
	for _, pid := range pids {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	return len(pids)
}

// outcomes is a hostile child's stdout: what it tried, and what came of it.
func outcomes(tb testing.TB, text string) map[string]string {
	tb.Helper()
	all := map[string]string{}
	for line := range strings.Lines(text) {
		i := strings.LastIndex(line, ": ")
		require.Positive(tb, i, line)
		what, _, _ := strings.Cut(line, ": ")
		all[what] = strings.TrimSpace(line[i+2:])
	}
	return all
}

// wantRefused finds every try that was not.
func wantRefused(tb testing.TB, tries map[string]string) {
	tb.Helper()
	require.NotEmpty(tb, tries)
	for what, came := range tries {
		switch came {
		case syscall.EPERM.Error(), syscall.EACCES.Error():
		case syscall.ENOSYS.Error():
			require.Equal(tb, "clone3", what, "only clone3 is unknown, so that threads take clone")
		default:
			tb.Errorf("%s: %s", what, came)
		}
	}
}
