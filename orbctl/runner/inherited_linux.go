package runner

import (
	"math"

	"golang.org/x/sys/unix"
)

// CloseInherited sees to it that no child gets a file that this process was
// started with, beyond 0, 1 and 2: clients do hand down some that are not
// close-on-exec. Call it first thing in main.
func CloseInherited() error {
	if unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC) == nil {
		return nil
	}
	return closeOnExec("/proc/self/fd") // Linux before 5.11
}
