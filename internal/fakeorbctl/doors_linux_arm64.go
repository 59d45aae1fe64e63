package fakeorbctl

import "syscall"

// ForkCalls are the system calls that make a process.
func ForkCalls() map[string]func() (uintptr, syscall.Errno) {
	return map[string]func() (uintptr, syscall.Errno){"clone": cloneOne, "clone3": cloneThree}
}
