package runner

import "golang.org/x/sys/unix"

// NeedsReaper says whether children survive the sudden death of their server
// unless there is a reaper. Linux has the parent-death signal.
const NeedsReaper = false

// awaitExit blocks until the child has ended, without reaping it.
func awaitExit(pid int) error {
	var info unix.Siginfo
	return uninterrupted(func() error {
		return unix.Waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOWAIT, nil)
	})
}
