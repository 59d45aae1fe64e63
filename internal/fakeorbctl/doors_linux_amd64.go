package fakeorbctl

import "syscall"

// ForkCalls are the system calls that make a process.
func ForkCalls() map[string]func() (uintptr, syscall.Errno) {
	plain := func(number uintptr) func() (uintptr, syscall.Errno) {
		return func() (uintptr, syscall.Errno) {
			pid, _, errno := syscall.RawSyscall(number, 0, 0, 0)
			return pid, errno
		}
	}
	return map[string]func() (uintptr, syscall.Errno){
		"clone": cloneOne, "clone3": cloneThree, "fork": plain(syscall.SYS_FORK),
	}
}
