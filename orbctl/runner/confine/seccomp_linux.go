package confine

import "golang.org/x/sys/unix"

// A program of seccomp's (seccomp(2), a struct sock_filter for each step), by
// hand, since there is no cgo here.
type program []unix.SockFilter

// What a program answers (linux/seccomp.h).
const (
	allowed  = unix.SECCOMP_RET_ALLOW
	refused  = unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
	unknown  = unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)
	killed   = unix.SECCOMP_RET_KILL_PROCESS
	atNumber = 0  // of the system call, in struct seccomp_data
	atArch   = 4  // in struct seccomp_data
	atFirst  = 16 // the low half of the first argument, on these little-endian machines
)

// never are system calls that no orbctl needs: those that act on other
// processes, on the kernel, on mounts and namespaces, that lead around the rest
// of the filter, and those that leave the process group.
var never = []uint32{
	unix.SYS_SETSID, unix.SYS_SETPGID,
	// another user's process loses the parent-death signal (PR_SET_PDEATHSIG(2const))
	unix.SYS_SETUID, unix.SYS_SETGID, unix.SYS_SETREUID, unix.SYS_SETREGID, unix.SYS_SETRESUID, unix.SYS_SETRESGID,
	unix.SYS_SETFSUID, unix.SYS_SETFSGID, unix.SYS_SETGROUPS,
	unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_PROCESS_MADVISE, unix.SYS_PIDFD_GETFD, unix.SYS_KCMP,
	unix.SYS_IO_URING_SETUP, unix.SYS_BPF, unix.SYS_USERFAULTFD, unix.SYS_PERF_EVENT_OPEN, unix.SYS_PERSONALITY,
	unix.SYS_MEMFD_CREATE, unix.SYS_MEMFD_SECRET, // a program in memory is in no folder, and Landlock lets it run
	unix.SYS_KEYCTL, unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY,
	unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_CHROOT, unix.SYS_UNSHARE, unix.SYS_SETNS,
	unix.SYS_FSOPEN, unix.SYS_FSCONFIG, unix.SYS_FSMOUNT, unix.SYS_FSPICK, unix.SYS_MOVE_MOUNT, unix.SYS_OPEN_TREE, unix.SYS_OPEN_TREE_ATTR, unix.SYS_MOUNT_SETATTR,
	unix.SYS_NAME_TO_HANDLE_AT, unix.SYS_OPEN_BY_HANDLE_AT, unix.SYS_FANOTIFY_INIT,
	unix.SYS_KEXEC_LOAD, unix.SYS_KEXEC_FILE_LOAD, unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE, unix.SYS_DELETE_MODULE,
	unix.SYS_REBOOT, unix.SYS_SWAPON, unix.SYS_SWAPOFF, unix.SYS_ACCT, unix.SYS_QUOTACTL, unix.SYS_QUOTACTL_FD, unix.SYS_SYSLOG,
	unix.SYS_SETTIMEOFDAY, unix.SYS_CLOCK_SETTIME, unix.SYS_CLOCK_ADJTIME, unix.SYS_ADJTIMEX, unix.SYS_SETHOSTNAME, unix.SYS_SETDOMAINNAME,
}

// touching are the system calls that change a file without opening it, of which
// Landlock knows nothing. Only one that may write files may call them.
var touching = []uint32{
	unix.SYS_FCHMOD, unix.SYS_FCHMODAT, unix.SYS_FCHMODAT2, unix.SYS_FCHOWN, unix.SYS_FCHOWNAT, unix.SYS_UTIMENSAT, unix.SYS_TRUNCATE,
	unix.SYS_SETXATTR, unix.SYS_LSETXATTR, unix.SYS_FSETXATTR, unix.SYS_SETXATTRAT,
	unix.SYS_REMOVEXATTR, unix.SYS_LREMOVEXATTR, unix.SYS_FREMOVEXATTR, unix.SYS_REMOVEXATTRAT, unix.SYS_FILE_SETATTR,
}

// compile writes the program, for one who may write files or may not: one process,
// sockets of AF_UNIX, and nothing of the lists above.
func compile(writes bool) program {
	p := program{
		load(atArch),
		unless(unix.BPF_JEQ, arch), answer(killed), // numbers mean something else there
		load(atNumber),
	}
	p = append(p, archGuard...)
	deny := append(append([]uint32{}, never...), neverHere...)
	if !writes {
		deny = append(append(deny, touching...), touchingHere...)
	}
	for _, number := range append(deny, forkingHere...) {
		p = append(p, when(unix.BPF_JEQ, number, 1), answer(refused))
	}
	// clone3 hides its flags behind a pointer; C libraries and Go fall back to clone.
	p = append(p, when(unix.BPF_JEQ, unix.SYS_CLONE3, 1), answer(unknown))
	p = append(p, when(unix.BPF_JEQ, unix.SYS_CLONE, 4), load(atFirst), unless(unix.BPF_JSET, unix.CLONE_THREAD), answer(refused), answer(allowed))
	for _, number := range []uint32{unix.SYS_SOCKET, unix.SYS_SOCKETPAIR} {
		p = append(p, when(unix.BPF_JEQ, number, 4), load(atFirst), unless(unix.BPF_JEQ, unix.AF_UNIX), answer(refused), answer(allowed))
	}
	// The signal by which a child dies with its server can't be called off.
	p = append(p, when(unix.BPF_JEQ, unix.SYS_PRCTL, 4), load(atFirst), unless(unix.BPF_JEQ, unix.PR_SET_PDEATHSIG), answer(allowed), answer(refused))
	return append(p, answer(allowed))
}

func load(offset uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
}

func answer(what uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: what}
}

// when goes on if the loaded word compares so with k, and else skips steps.
func when(compare uint16, k uint32, skip uint8) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_K | compare, K: k, Jf: skip}
}

// unless skips one step if the loaded word compares so with k, and else goes on.
func unless(compare uint16, k uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_K | compare, K: k, Jt: 1}
}
