package stage

import "syscall"

// selfTest tries what the sandbox forbids, in ways that do no harm where it does
// not, and never returns.
func selfTest() {
	var report []byte
	for _, try := range []struct {
		name    string
		refused bool
	}{
		{TryFork, forkRefused()},
		{TrySocket, socketRefused()},
		{TryRead, openRefused("/", syscall.O_RDONLY) && openFails("/etc/passwd", syscall.O_RDONLY)},
		{TryWrite, openRefused("/dev/zero", syscall.O_WRONLY)},
	} {
		if try.refused {
			report = append(report, try.name+"\n"...)
		}
	}
	_, _ = syscall.Write(1, append(report, Tried+"\n"...))
	syscall.Exit(0)
}

func socketRefused() bool {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err == nil {
		_ = syscall.Close(fd)
	}
	return denied(err)
}

func openRefused(path string, flags int) bool { return denied(open(path, flags)) }

func openFails(path string, flags int) bool { return open(path, flags) != nil }

func open(path string, flags int) error {
	fd, err := syscall.Open(path, flags|syscall.O_CLOEXEC, 0)
	if err == nil {
		_ = syscall.Close(fd)
	}
	return err
}

// denied compares by hand, since package errors may not be imported here.
func denied(err error) bool {
	return err == syscall.EPERM || err == syscall.EACCES //nolint:errorlint // system calls return bare errnos
}
