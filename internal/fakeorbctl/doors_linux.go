package fakeorbctl

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// rawForks knocks on every door: the Go runtime knows one only. What does get
// out ends at once.
func rawForks() {
	for name, call := range ForkCalls() {
		pid, errno := call()
		if errno == 0 && pid == 0 {
			_, _, _ = syscall.RawSyscall(syscall.SYS_EXIT_GROUP, 0, 0, 0)
		}
		if errno == 0 {
			_, _ = syscall.Wait4(int(pid), nil, 0, nil)
			tried(name, nil)
			continue
		}
		tried(name, errno)
	}
}

func cloneThree() (uintptr, syscall.Errno) {
	args := [8]uint64{4: uint64(syscall.SIGCHLD)} // struct clone_args of 64 bytes, exit_signal
	pid, _, errno := syscall.RawSyscall(unix.SYS_CLONE3, uintptr(unsafe.Pointer(&args)), unsafe.Sizeof(args), 0)
	return pid, errno
}

func cloneOne() (uintptr, syscall.Errno) {
	pid, _, errno := syscall.RawSyscall6(syscall.SYS_CLONE, uintptr(syscall.SIGCHLD), 0, 0, 0, 0, 0)
	return pid, errno
}
