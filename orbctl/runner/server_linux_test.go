package runner_test

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"orbstack-mcp/orbctl/runner"
	"orbstack-mcp/orbctl/runner/confine"
)

// serveUntilKilled is a server with one call that never ends; a sandbox, or the
// program of a reaper, may be its argument.
func serveUntilKilled() {
	o := runner.Options{Orbctl: fakeOrbctl()}
	call := runner.Call{Op: runner.OpList, Deadline: time.Minute}
	if len(os.Args) > 1 {
		switch mode := confine.Mode(os.Args[1]); mode {
		case confine.Require, confine.Auto:
			o.Sandbox, call.Op = mode, runner.OpVersion
		default: // the reaper in place of the parent-death signal, as on macOS
			o.Reaper = os.Args[1]
		}
	}
	r := runner.New(o)
	_, err := r.Run(context.Background(), call)
	panic(err)
}

func TestChildDiesWithAKilledServer(t *testing.T) {
	self := plainProgram()
	for name, args := range map[string][]string{"by the parent-death signal": {"server"}, "by the reaper, as on macOS": {"server", self}} {
		for _, child := range []string{"ignore-term", "grandchild-and-linger"} {
			t.Run(name+", "+child, func(t *testing.T) {
				if len(args) == 1 && child == "grandchild-and-linger" {
					return // the signal reaches the child only; the sandbox lets it have no children
				}
				w := newWorld(t, map[string]acts{"list": {Do: child}})
				server := exec.CommandContext(t.Context(), self)
				server.Args = args
				server.Env = w.serverEnv()
				require.NoError(t, server.Start())
				want := map[string]int{"ignore-term": 1, "grandchild-and-linger": 2}[child]
				require.Eventually(t, func() bool { return len(w.pids(t)) == want }, 20*time.Second, 5*time.Millisecond)
				for _, pid := range w.pids(t) {
					require.True(t, alive(pid))
				}
				require.NoError(t, server.Process.Kill())
				_ = server.Wait()
				assert.Zero(t, w.survivors(t))
			})
		}
	}
}

func TestChildGetsThreeFiles(t *testing.T) {
	w := newWorld(t, map[string]acts{"list": {Do: "files"}})
	file := filepath.Join(w.home, "leak")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	var inherited []int // as a client would hand them down: not close-on-exec
	for range 3 {
		fd, err := syscall.Open(file, syscall.O_RDONLY, 0)
		require.NoError(t, err)
		defer syscall.Close(fd)
		inherited = append(inherited, fd)
	}
	r := w.runner(t)
	res, err := r.Run(t.Context(), list)
	require.NoError(t, err)
	require.Greater(t, len(strings.Fields(res.Stdout)), 3, "the test opens files that would be inherited")

	for name, mark := range map[string]func() error{
		"close_range":   runner.CloseInherited,
		"one after one": func() error { return runner.CloseOnExec("/proc/self/fd") },
	} {
		for _, fd := range inherited {
			_, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_SETFD, 0)
			require.Zero(t, errno)
		}
		require.NoError(t, mark())
		res, err = r.Run(t.Context(), list)
		require.NoError(t, err)
		assert.Equal(t, "0 1 2 ", res.Stdout, name)
	}
	require.Error(t, runner.CloseOnExec("/nonexistent"))
}

// asNobody runs f on a thread that has no rights to others' files, even if the
// tests run as root.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		if os.Geteuid() == 0 {
			_, _ = unix.SetfsuidRetUid(65534)
		}
		f()
	}()
	<-done
}

func TestSandboxIsToldFromAStoppedOrbStack(t *testing.T) {
	home, err := os.MkdirTemp("/tmp", "home") // t.TempDir would be too long for a socket, and is not for others
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(home) })
	dir := filepath.Join(home, ".orbstack", "run")
	require.NoError(t, os.MkdirAll(dir, 0o700))
	socket, err := net.Listen("unix", filepath.Join(dir, "vmcontrol.sock"))
	require.NoError(t, err)
	defer socket.Close()
	require.NoError(t, runner.Blocked(t.Context(), home), "what may be used blocks nothing")

	for _, mode := range []struct {
		path string
		mode os.FileMode
		want string
	}{
		{socket.Addr().String(), 0, "sockets"},
		{dir, 0, "folder"},
	} {
		for _, d := range []string{home, filepath.Dir(dir), dir} {
			require.NoError(t, os.Chmod(d, 0o755))
		}
		require.NoError(t, os.Chmod(mode.path, mode.mode))
		var got error
		asNobody(t, func() { got = runner.Blocked(t.Context(), home) })
		require.ErrorContains(t, got, mode.want)
	}
	require.NoError(t, os.Chmod(dir, 0o700))
}

func TestManyCallsLeaveNothingBehind(t *testing.T) {
	w := newWorld(t, map[string]acts{"list": {Do: "grandchild", Exit: 5}})
	r := w.runner(t)
	_, err := r.Status(t.Context())
	require.NoError(t, err)
	before := openFiles(t)
	var all sync.WaitGroup
	for range 60 {
		all.Go(func() {
			res, err := r.Run(t.Context(), list)
			assert.NoError(t, err)
			assert.Equal(t, 5, res.Exit)
			assert.Equal(t, "grandchild started\n", res.Stdout)
			assert.False(t, res.Held)
		})
	}
	all.Wait()
	assert.Len(t, w.pids(t), 60)
	assert.Zero(t, w.survivors(t))
	assert.Equal(t, before, openFiles(t))
}

func openFiles(tb testing.TB) int {
	tb.Helper()
	files, err := os.ReadDir("/proc/self/fd")
	require.NoError(tb, err)
	return len(files)
}
