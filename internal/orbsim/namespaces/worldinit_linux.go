package namespaces

import (
	"math"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// forwarded are the signals that go down the spine of a world, from the
// launcher to PID 1 to the main process to the Mac's command.
func forwarded() []os.Signal {
	return []os.Signal{unix.SIGTERM, unix.SIGINT, unix.SIGHUP, unix.SIGQUIT, unix.SIGUSR1, unix.SIGUSR2}
}

// worldInit is PID 1 of a world.
//
// PID 1 has to reap every orphan with wait4(-1), which would steal the children
// of os/exec if both were one process. So it is a process of its own that
// starts nothing but the main process (PID 2), and the main process is free to
// use os/exec: its waits name a pid, and no orphan is ever given to it.
//
// It ends when the main process does, with the same code, and the kernel then
// kills the rest; it dies with the launcher (Pdeathsig), likewise.
func worldInit(args []string) {
	r := openResult()
	// Before anything else: a signal that comes now has to be kept.
	signals := make(chan os.Signal, 64)
	signal.Notify(signals, forwarded()...)
	children := make(chan os.Signal, 1)
	signal.Notify(children, unix.SIGCHLD)

	// What the launcher has inherited and does not know of is nobody's in there.
	_ = unix.CloseRange(resultFD+1, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC) // best effort, kernel ≥ 5.11
	r.must("make mounts private", unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
	r.must("mount /proc of the new PID namespace", unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""))
	p, err := os.StartProcess(selfExe, append([]string{os.Args[0]}, args...), &os.ProcAttr{
		Env:   append(os.Environ(), worldEnv+"=1"),
		Files: []*os.File{os.Stdin, os.Stdout, os.Stderr},
	})
	r.must("start the world's main process", err)
	main := p.Pid
	_ = p.Release() // waited for below, with everybody else
	r.up()

	for {
		select {
		case s := <-signals:
			_ = unix.Kill(main, s.(syscall.Signal)) // gone already: its SIGCHLD is on the way
		case <-children:
			if code, ended := reap(main); ended {
				os.Exit(code)
			}
		}
	}
}

// reap collects all children that have ended, and says how main did if it is
// among them.
func reap(main int) (code int, ended bool) {
	for {
		var ws unix.WaitStatus
		pid, err := unix.Wait4(-1, &ws, unix.WNOHANG, nil)
		switch {
		case err == unix.EINTR:
		case err != nil || pid == 0:
			return code, ended
		case pid == main:
			code, ended = exitCode(syscall.WaitStatus(ws)), true
		}
	}
}

// exitCode is a shell's view of how a process ended.
func exitCode(ws syscall.WaitStatus) int {
	if ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return ws.ExitStatus()
}
