package runner

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// NeedsReaper says whether children survive the sudden death of their server
// unless there is a reaper. Linux has the parent-death signal.
const NeedsReaper = false

// attributes: a group of its own, and death with the server, however that dies;
// where a reaper sees to that, without the signal.
func attributes(deathSignal bool) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Setpgid: true}
	if deathSignal {
		a.Pdeathsig = syscall.SIGKILL
	}
	return a
}

// awaitExit blocks until the child has ended, without reaping it.
func awaitExit(pid int) error {
	var info unix.Siginfo
	return uninterrupted(func() error {
		return unix.Waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOWAIT, nil)
	})
}
