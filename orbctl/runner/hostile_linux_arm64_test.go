package runner_test

import "syscall"

// forkCalls are the system calls that make a process.
func forkCalls() map[string]func() (uintptr, syscall.Errno) {
	return map[string]func() (uintptr, syscall.Errno){"clone": cloneOne, "clone3": cloneThree}
}
