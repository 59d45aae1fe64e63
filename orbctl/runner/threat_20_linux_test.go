package runner_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"orbstack-mcp/orbctl/runner"
)

// stateOf is the letter of a process's state; "" if there is none.
func stateOf(pid int) string {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return rest[:1]
}

// As long as the leader is not reaped, nobody else gets its number; so whenever
// its group is killed, the leader must still be there, if only as a zombie.
func TestThreat20_AGroupIsKilledBeforeItsLeaderIsReaped(t *testing.T) {
	for _, tc := range []struct {
		do   string
		sent []unix.Signal
		late bool // it is called off, once it lives as it will
	}{
		{"", []unix.Signal{unix.SIGKILL}, false},
		{"grandchild", []unix.Signal{unix.SIGKILL}, false},
		{"setsid", []unix.Signal{unix.SIGKILL}, false},
		{"sigkill", []unix.Signal{unix.SIGKILL}, false},
		{"linger", []unix.Signal{unix.SIGTERM, unix.SIGKILL}, true},
		{"ignore-term", []unix.Signal{unix.SIGTERM, unix.SIGKILL, unix.SIGKILL}, true},
		{"flood 5000000", []unix.Signal{unix.SIGKILL, unix.SIGKILL}, false},
	} {
		t.Run(tc.do, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, map[string]acts{"list": {Do: tc.do}})
			var sent []unix.Signal
			var states []string
			look := func(pgid int, sig unix.Signal) {
				sent, states = append(sent, sig), append(states, stateOf(pgid))
			}
			ctx, callOff := context.WithCancel(t.Context())
			defer callOff()
			ended := make(chan error, 1)
			go func() {
				ended <- runner.RunWatched(ctx, fakeOrbctl(), []string{"orbctl", "list"}, []string{"HOME=" + w.home}, time.Minute, look)
			}()
			if tc.late {
				require.Eventually(t, func() bool { return len(w.pids(t)) == 1 }, 20*time.Second, 5*time.Millisecond)
				callOff()
			}
			require.NoError(t, <-ended)
			assert.Equal(t, tc.sent, sent)
			for i, state := range states {
				assert.NotEmpty(t, state, "signal %d went to a number that was free", i)
			}
			assert.Equal(t, "Z", states[len(states)-1], "the last one is for the group of a leader that has ended")
			w.survivors(t)
		})
	}
}

// A churned is what became of a server in a world with few process numbers.
type churned struct {
	Calls, Failed       int
	Bystanders, Victims int
	Reused              int // calls whose child had a number that a bystander had as well
}

// Calls end all the time while strangers, each in a group of its own, start and
// end on the same few numbers: no stranger is hit.
func TestThreat20_NobodyElseIsKilledWhileNumbersAreReused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]acts{"list": {Do: "pid"}})
	server := exec.CommandContext(t.Context(), plainProgram())
	server.Args, server.Env, server.Stderr = []string{"churn"}, w.serverEnv(), os.Stderr
	server.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS}
	if uid := os.Geteuid(); uid != 0 {
		server.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		server.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}}
	}
	out, err := server.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Skipf("this host gives no PID namespace: %v", err)
	}
	require.NoError(t, err)
	var got churned
	require.NoError(t, json.Unmarshal(out, &got), "%s", out)
	if got.Calls == 0 {
		t.Skip("this host does not let a namespace choose its process numbers")
	}
	t.Logf("%+v", got)
	assert.Zero(t, got.Failed)
	assert.Zero(t, got.Victims, "somebody else's process was killed")
	assert.Positive(t, got.Reused, "no number was used twice, so this shows nothing")
}

// serveWhileNumbersAreReused is that server. It is process 1 of its namespace,
// and the next number is set back all the time. Chance gives the numbers out: it calls
// until some were given to both, and no longer than a minute.
func serveWhileNumbersAreReused() {
	const last, calls, enough, strangers = "/proc/sys/kernel/ns_last_pid", 100, 5, 2
	must(unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
	must(unix.Mount("proc", "/proc", "proc", 0, ""))
	var got churned
	if os.WriteFile(last, []byte("100"), 0) != nil {
		must(json.NewEncoder(os.Stdout).Encode(got))
		os.Exit(0)
	}
	r := runner.New(runner.Options{Orbctl: fakeOrbctl()})
	var over atomic.Bool
	var all, callers sync.WaitGroup
	var mu sync.Mutex
	of := map[string]bool{} // numbers of bystanders
	used := map[string]int{}
	for range strangers {
		all.Go(func() {
			for !over.Load() {
				_ = os.WriteFile(last, []byte("100"), 0)
				c := exec.Command("/bin/sleep", "0.01")
				c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
				must(c.Start())
				err := c.Wait()
				mu.Lock()
				got.Bystanders++
				of[strconv.Itoa(c.Process.Pid)] = true
				if err != nil {
					got.Victims++
				}
				mu.Unlock()
			}
		})
	}
	reused := func() (n int) { // under mu
		for pid, times := range used {
			if of[pid] {
				n += times
			}
		}
		return n
	}
	until := time.Now().Add(time.Minute)
	goOn := func() bool {
		mu.Lock()
		defer mu.Unlock()
		return got.Calls < calls || reused() < enough && time.Now().Before(until)
	}
	for range 2 {
		callers.Go(func() {
			for goOn() {
				res, err := r.Run(context.Background(), list)
				mu.Lock()
				got.Calls++
				used[strings.TrimSpace(res.Stdout)]++
				if err != nil || res.Exit != 0 {
					got.Failed++
				}
				mu.Unlock()
			}
		})
	}
	callers.Wait()
	over.Store(true)
	all.Wait()
	got.Reused = reused()
	must(json.NewEncoder(os.Stdout).Encode(got))
	os.Exit(0)
}
