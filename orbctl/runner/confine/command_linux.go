package confine

import "syscall"

func attributes(dies bool) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Setpgid: true}
	if dies {
		a.Pdeathsig = syscall.SIGKILL
	}
	return a
}
