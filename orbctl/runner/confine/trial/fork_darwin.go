package trial

import "syscall"

// forkRefused starts a program that does nothing.
func forkRefused() bool {
	pid, err := syscall.ForkExec("/usr/bin/true", []string{"true"}, nil)
	if err == nil {
		_, _ = syscall.Wait4(pid, nil, 0, nil)
	}
	return denied(err)
}
