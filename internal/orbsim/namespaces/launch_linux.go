package namespaces

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const defaultGrace = 5 * time.Second

// Launch executes this program again, with o.Args, as the main process of a new
// world and waits for it. SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1 and SIGUSR2
// sent to this process are passed on to it. The exit code is the main process's
// own, or 128+n if signal n ended it; err is about the world that could not be
// made (an *UnsupportedError when namespaces are refused) or is
// context.Cause(ctx), in which case exit is set too.
//
// When Launch returns, nothing of the world is left; kill -9 of this process,
// of PID 1 or of the main process does the same. The one thing that then stays
// until the next Launch is an empty cgroup at LevelRoot.
func Launch(ctx context.Context, o LaunchOptions) (exit int, err error) {
	// The kernel's death signal is tied to the thread that started the child.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer keepTerminal(o.stdin())()

	signals := make(chan os.Signal, 64)
	signal.Notify(signals, forwarded()...)
	defer signal.Stop(signals)

	groups := newCgroups()
	defer groups.remove()

	resultR, resultW, err := os.Pipe()
	if err != nil {
		return 1, fmt.Errorf("launch a world: %w", err)
	}
	defer resultR.Close()
	c := worldCommand(o, groups, resultW)
	err = c.Start()
	_ = resultW.Close()
	if err != nil {
		return 1, &UnsupportedError{Level: LevelNone, Why: fmt.Sprintf("the kernel refuses new namespaces: %v%s", err, sysctlHint("/proc/sys", privileged()))}
	}
	if word, _ := io.ReadAll(resultR); string(word) != upWord {
		_ = c.Process.Kill()
		_ = c.Wait()
		why := orElse(string(word), "PID 1 of the world ended at once (main does not call RunInit?)")
		return 1, &UnsupportedError{Level: LevelNetOnly, Why: why + sysctlHint("/proc/sys", privileged())}
	}
	ended := make(chan struct{})
	forwarderDone := make(chan struct{})
	go func() {
		defer close(forwarderDone)
		passSignals(ctx, c.Process, signals, ended, o.Grace)
	}()
	err = c.Wait()
	close(ended)
	<-forwarderDone
	if c.ProcessState == nil {
		return 1, fmt.Errorf("wait for the world: %w", err)
	}
	exit = exitCode(c.ProcessState.Sys().(syscall.WaitStatus))
	if ctx.Err() != nil {
		return exit, context.Cause(ctx)
	}
	return exit, nil
}

// worldCommand is PID 1 of the world. It has its own process group, so that
// the terminal's signals reach it once, through the launcher.
func worldCommand(o LaunchOptions, groups cgroups, resultW *os.File) *exec.Cmd {
	env := o.Env
	if env == nil {
		env = os.Environ()
	}
	c := &exec.Cmd{
		Path: selfExe, Args: append([]string{os.Args[0], verbWorld}, o.Args...),
		Dir: o.Dir, Env: append(withoutEnv(env, worldEnv, cgroupEnv), groups.environ()...),
		Stdin: o.stdin(), Stdout: o.stdout(), Stderr: o.stderr(),
		ExtraFiles:  []*os.File{nil, resultW}, // becomes resultFD
		SysProcAttr: &syscall.SysProcAttr{Cloneflags: namespaceFlags, Setpgid: true, Pdeathsig: unix.SIGKILL},
	}
	asRootOfUserNamespace(c.SysProcAttr)
	return c
}

// asRootOfUserNamespace adds a user namespace when this process may not make
// the other kinds: there it is uid 0, the one uid that can be mapped without help.
func asRootOfUserNamespace(a *syscall.SysProcAttr) {
	if privileged() {
		return
	}
	a.Cloneflags |= unix.CLONE_NEWUSER
	a.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
	a.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
}

// privileged says whether this process may make namespaces as it is: root, and
// not a container's root without capabilities.
func privileged() bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return false
	}
	return os.Geteuid() == 0 && data[0].Effective&(1<<unix.CAP_SYS_ADMIN) != 0
}

// passSignals hands signals to p until ended, and ends p when ctx does.
func passSignals(ctx context.Context, p *os.Process, signals <-chan os.Signal, ended <-chan struct{}, grace time.Duration) {
	if grace == 0 {
		grace = defaultGrace
	}
	done := ctx.Done()
	var tooLate <-chan time.Time
	for {
		select {
		case <-ended:
			return
		case s := <-signals:
			_ = p.Signal(s) // gone already: ended is on the way
		case <-done:
			done = nil
			_ = p.Signal(unix.SIGTERM)
			t := time.NewTimer(grace)
			defer t.Stop()
			tooLate = t.C
		case <-tooLate:
			tooLate = nil
			_ = p.Kill()
		}
	}
}

// keepTerminal gives the terminal back to this process's group at the end, if
// it was in the foreground at the start: a command in the world may have been
// given it (Foreground), and the group numbers of in there mean nothing here.
func keepTerminal(stdin *os.File) (giveBack func()) {
	fd := int(stdin.Fd())
	group, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP)
	if err != nil || group != unix.Getpgrp() {
		return func() {}
	}
	return func() {
		signal.Ignore(unix.SIGTTOU) // it would stop a background process that sets the foreground group
		_ = unix.IoctlSetPointerInt(fd, unix.TIOCSPGRP, group)
		signal.Reset(unix.SIGTTOU)
	}
}

func (o LaunchOptions) stdin() *os.File  { return fileOr(o.Stdin, os.Stdin) }
func (o LaunchOptions) stdout() *os.File { return fileOr(o.Stdout, os.Stdout) }
func (o LaunchOptions) stderr() *os.File { return fileOr(o.Stderr, os.Stderr) }

func fileOr(f, other *os.File) *os.File {
	if f == nil {
		return other
	}
	return f
}

// withoutEnv is env without the variables of these names.
func withoutEnv(env []string, names ...string) []string {
	kept := make([]string, 0, len(env))
next:
	for _, e := range env {
		for _, n := range names {
			if strings.HasPrefix(e, n+"=") {
				continue next
			}
		}
		kept = append(kept, e)
	}
	return kept
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// startError says what to make of a process that could not be started: a
// shell's exit code for it.
func startError(err error) (exit int, words string) {
	switch {
	case errors.Is(err, os.ErrNotExist), errors.Is(err, exec.ErrNotFound):
		return ExitNotFound, "command not found"
	case errors.Is(err, os.ErrPermission):
		return ExitNotExecutable, "permission denied"
	case errors.Is(err, unix.ENOEXEC):
		return ExitNotExecutable, "exec format error"
	case errors.Is(err, unix.EISDIR):
		return ExitNotExecutable, "is a directory"
	default:
		return ExitNotExecutable, err.Error()
	}
}
