package stage

import (
	"syscall"
	"unsafe"
)

// Numbers that package syscall does not have. The system calls have the same
// ones on every architecture (asm-generic/unistd.h).
const (
	sysCloseRange      = 436
	sysLandlockCreate  = 444
	sysLandlockAddRule = 445
	sysLandlockSelf    = 446

	closeRangeCloexec = 4        // CLOSE_RANGE_CLOEXEC
	oPath             = 0x200000 // O_PATH
	rulePathBeneath   = 1        // LANDLOCK_RULE_PATH_BENEATH
	prSetSeccomp      = 22       // PR_SET_SECCOMP
	prSetNoNewPrivs   = 38       // PR_SET_NO_NEW_PRIVS
	modeFilter        = 2        // SECCOMP_MODE_FILTER

	// fileAccess is what a Landlock rule for a file may hold; more is EINVAL:
	// execute, write, read, truncate, ioctl, resolve_unix.
	fileAccess = 1<<0 | 1<<1 | 1<<2 | 1<<14 | 1<<15 | 1<<16
)

// become takes away this process's rights, replaces it with the program that its
// arguments name, and never returns. The init functions run on the main thread,
// and that is the one whose rights execve passes on; it kills all others.
func become(token string) {
	argv, ok := arguments()
	if !ok || len(argv) < 4 || argv[0] != Marker {
		fail(token, StepArguments, syscall.EINVAL)
	}
	p, ok := read(argv[1])
	if !ok {
		fail(token, StepArguments, syscall.EINVAL)
	}
	if errno := setLimits(p.limits); errno != 0 {
		fail(token, StepLimits, errno)
	}
	// What this program was started with beyond 0, 1 and 2 is not for another.
	// ENOSYS is Linux before 5.9, EINVAL before 5.11: the server has marked its
	// files when it started (runner.CloseInherited).
	if _, _, errno := syscall.RawSyscall(sysCloseRange, 3, ^uintptr(0)>>32, closeRangeCloexec); errno != 0 && errno != syscall.ENOSYS && errno != syscall.EINVAL {
		fail(token, StepFiles, errno)
	}
	if _, _, errno := syscall.RawSyscall6(syscall.SYS_PRCTL, prSetNoNewPrivs, 1, 0, 0, 0, 0); errno != 0 {
		fail(token, StepSeccomp, errno)
	}
	if p.fs != 0 {
		if errno := landlock(p); errno != 0 {
			fail(token, StepLandlock, errno)
		}
	}
	if errno := seccomp(p.filter); errno != 0 {
		fail(token, StepSeccomp, errno)
	}
	errno, _ := syscall.Exec(argv[2], argv[3:], environment()).(syscall.Errno) //nolint:errorlint // a bare errno, or EINVAL for a NUL that cannot be there
	fail(token, StepExec, errno)
}

// arguments are those of this process: os.Args is not there yet.
func arguments() ([]string, bool) {
	fd, err := syscall.Open("/proc/self/cmdline", syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, false
	}
	defer syscall.Close(fd) //nolint:errcheck // nothing was written to it
	text := make([]byte, 0, 16<<10)
	for {
		if len(text) == cap(text) {
			text = append(text, 0)[:len(text)]
		}
		n, err := syscall.Read(fd, text[len(text):cap(text)])
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return nil, false
		}
		if n == 0 {
			break
		}
		text = text[:len(text)+n]
	}
	var argv []string
	for from, at := 0, 0; at < len(text); at++ {
		if text[at] == 0 {
			argv = append(argv, string(text[from:at]))
			from = at + 1
		}
	}
	return argv, true
}

// environment is that of this process, but for Variable.
func environment() []string {
	var left []string
	for _, entry := range syscall.Environ() {
		if name, _ := cut(entry, '='); name != Variable {
			left = append(left, entry)
		}
	}
	return left
}

func setLimits(limits []limit) syscall.Errno {
	for _, l := range limits {
		var there syscall.Rlimit
		if err := syscall.Getrlimit(int(l.resource), &there); err != nil {
			errno, _ := err.(syscall.Errno) //nolint:errorlint // a bare errno
			return errno
		}
		value := min(l.value, there.Max)
		if err := syscall.Setrlimit(int(l.resource), &syscall.Rlimit{Cur: value, Max: value}); err != nil {
			errno, _ := err.(syscall.Errno) //nolint:errorlint // a bare errno
			return errno
		}
	}
	return 0
}

func landlock(p plan) syscall.Errno {
	attr := [3]uint64{p.fs, p.net, p.scoped} // older kernels take the longer struct as long as its tail is 0
	set, _, errno := syscall.RawSyscall(sysLandlockCreate, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr), 0)
	if errno != 0 {
		return errno
	}
	for _, r := range p.rules {
		if errno := allow(set, r, p.fs); errno != 0 {
			return errno
		}
	}
	_, _, errno = syscall.RawSyscall(sysLandlockSelf, set, 0, 0)
	return errno
}

// allow adds a rule, of which only what the kernel knows is kept. A path that
// cannot be opened here needs none: the other program could not open it either.
func allow(set uintptr, r rule, handled uint64) syscall.Errno {
	fd, err := syscall.Open(r.path, oPath|syscall.O_CLOEXEC, 0)
	if err != nil {
		return 0
	}
	defer syscall.Close(fd) //nolint:errcheck // nothing was written to it
	access := r.access & handled
	var stat syscall.Stat_t
	if err := syscall.Fstat(fd, &stat); err != nil {
		errno, _ := err.(syscall.Errno) //nolint:errorlint // a bare errno
		return errno
	}
	if stat.Mode&syscall.S_IFMT != syscall.S_IFDIR {
		access &= fileAccess
	}
	if access == 0 {
		return 0
	}
	// struct landlock_path_beneath_attr is packed: 8 bytes and 4. The kernel
	// reads 12, so that the padding of this one does not matter.
	attr := struct {
		access uint64
		fd     int32
	}{access, int32(fd)}
	_, _, errno := syscall.RawSyscall6(sysLandlockAddRule, set, rulePathBeneath, uintptr(unsafe.Pointer(&attr)), 0, 0, 0)
	return errno
}

func seccomp(filter []byte) syscall.Errno {
	program := struct { // struct sock_fprog
		length uint16
		filter *byte
	}{uint16(len(filter) / filterSize), &filter[0]}
	_, _, errno := syscall.RawSyscall6(syscall.SYS_PRCTL, prSetSeccomp, modeFilter, uintptr(unsafe.Pointer(&program)), 0, 0, 0)
	return errno
}
