package trial

import "syscall"

const cloneSighand = 0x800 // CLONE_SIGHAND, linux/sched.h

// forkRefused asks for a process in a way that Linux always finds invalid:
// shared signal handlers without shared memory (clone(2), EINVAL). A filter comes
// before that and says EPERM.
func forkRefused(string) bool {
	_, _, errno := syscall.RawSyscall6(syscall.SYS_CLONE, cloneSighand|uintptr(syscall.SIGCHLD), 0, 0, 0, 0, 0)
	return errno == syscall.EPERM
}

// networkRefused makes an IP socket.
func networkRefused() bool {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err == nil {
		_ = syscall.Close(fd)
	}
	return denied(err)
}

func readRefused() bool {
	return denied(open("/", syscall.O_RDONLY)) && open("/etc/passwd", syscall.O_RDONLY) != nil
}

func writeRefused() bool { return denied(open("/dev/zero", syscall.O_WRONLY)) }
