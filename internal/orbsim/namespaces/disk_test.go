//go:build linux

package namespaces

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/internal/orbsim/worldfile"
)

func TestDiskIsRenamedClonedAndRemoved(t *testing.T) {
	w := openWorld(t, worldfile.World{})
	m := boot(t, w, worldfile.Machine{Name: "a"})
	ip := m.IP4
	assert.Zero(t, sh(t, m, "echo here >/etc/mark; rm /etc/services").Exit)
	require.ErrorContains(t, w.Rename("a", "b"), "halt it first")
	require.ErrorContains(t, w.Remove("a"), "halt it first")
	halt(t, m)
	require.NoError(t, w.Rename("a", "b"))
	require.NoError(t, w.Clone("b", "c"))
	require.ErrorContains(t, w.Clone("b", "c"), "exists already")
	b, c := boot(t, w, worldfile.Machine{Name: "b"}), boot(t, w, worldfile.Machine{Name: "c"})
	assert.Equal(t, ip, b.IP4)
	assert.NotEqual(t, b.IP4, c.IP4)
	for _, m := range []*Machine{b, c} {
		assert.Equal(t, "here\n"+m.Name+"\n", sh(t, m, "cat /etc/mark; hostname; test ! -e /etc/services").Out)
	}
	assert.Zero(t, sh(t, c, "echo other >/etc/mark").Exit)
	assert.Equal(t, "here\n", sh(t, b, "cat /etc/mark").Out, "a clone is a copy")
	halt(t, b)
	require.NoError(t, w.Remove("b"))
	require.NoError(t, w.Remove("never-was"))
	b = boot(t, w, worldfile.Machine{Name: "b"})
	assert.NotZero(t, sh(t, b, "cat /etc/mark").Exit, "a new disk")
}

func TestRunningMachineIsPausedWhileItIsCloned(t *testing.T) {
	w := openWorld(t, worldfile.World{})
	m := boot(t, w, worldfile.Machine{Name: "a"})
	// One process counts in two files, of which a copy reads one long before the
	// other; one sleeps; one was stopped by the guest itself; one is in a PID
	// namespace of the guest's own.
	require.Zero(t, sh(t, m, `mkdir /etc/fill && (cd /etc/fill && seq 1000 | xargs touch)
		(while :; do echo >>/etc/one; echo >>/two; done) & echo $! >/run/counter
		sleep 1000 & echo $! >/run/sleeper
		sleep 1000 & kill -STOP $!; echo $! >/run/stopped
		unshare --pid --fork sleep 1001 &
		until test -s /two && pgrep -xf 'sleep 1001' >/dev/null; do sleep 0.01; done`).Exit)
	resume, err := m.pause()
	require.NoError(t, err)
	nested := processOf(t, "sleep\x001001\x00")
	assert.True(t, atRest(nested, false))
	resume()
	assert.False(t, atRest(nested, false))
	states := "for p in counter sleeper stopped; do sed 's/.*) //; s/ .*//' /proc/$(cat /run/$p)/stat; done"
	for range 2 {
		require.NoError(t, w.Clone("a", "b"))
		live := regexp.MustCompile(`^[RSD]\nS\nT\n$`) // who sleeps runs for a moment first
		assert.Eventually(t, func() bool { return live.MatchString(sh(t, m, states).Out) }, 20*time.Second, 10*time.Millisecond, "all live on as they did")
		b := boot(t, w, worldfile.Machine{Name: "b"})
		one, two := number(t, sh(t, b, "wc -l </etc/one").Out), number(t, sh(t, b, "wc -l </two").Out)
		halt(t, b)
		require.NoError(t, w.Remove("b"))
		assert.LessOrEqual(t, two, one, "the disk of one moment")
		assert.LessOrEqual(t, one, two+1)
	}
	assert.Zero(t, sh(t, m, "n=$(wc -l </two); while [ $(wc -l </two) = $n ]; do :; done").Exit, "it counts on")
}

func TestRunWaitsWhileItsMachineIsPaused(t *testing.T) {
	w := openWorld(t, worldfile.World{})
	m := boot(t, w, worldfile.Machine{Name: "a"})
	resume, err := m.pause()
	require.NoError(t, err)
	exit := make(chan int)
	go func() { code, _ := m.Run(t.Context(), Command{Argv: []string{"sh", "-c", "exit 7"}}); exit <- code }()
	assert.False(t, m.group.mu.TryRLock(), "what Run takes first")
	resume()
	assert.Equal(t, 7, <-exit)
	halt(t, m)
	_, err = m.pause()
	require.ErrorContains(t, err, "not running")
}

// processOf is the process of a command line.
func processOf(t *testing.T, cmdline string) int {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	require.NoError(t, err)
	for _, f := range files {
		if b, err := os.ReadFile(f); err == nil && string(b) == cmdline {
			return number(t, filepath.Base(filepath.Dir(f)))
		}
	}
	require.Fail(t, "no such process")
	return 0
}

func number(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(strings.TrimSpace(s))
	require.NoError(t, err)
	return n
}
