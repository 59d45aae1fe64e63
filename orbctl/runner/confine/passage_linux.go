package confine

import (
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A passage is what a child does between fork and execve. Everything in it is made
// by the parent, since the child may not allocate, lock or call what might grow
// the stack: it has one thread of the many that Go's runtime has, and shares the
// memory of its parent, whose thread waits until it has become another program
// (vfork(2)).
type passage struct {
	files   [3]uintptr // become 0, 1 and 2; none of them is one of these itself
	folder  *byte      // where it starts
	limits  []limit
	dies    bool    // with the thread that forks
	parent  uintptr // the process that forks
	walled  bool    // there is a ruleset
	ruleset uintptr // of Landlock
	filter  unix.SockFprog
	path    *byte
	argv    **byte
	env     **byte

	failed step // where the child came to its end
	errno  syscall.Errno
}

// A limit is a resource limit, soft and hard alike.
type limit struct {
	resource int
	value    unix.Rlimit
}

// A step is one that can fail on the way.
type step int

const (
	none step = iota
	stepGroup
	stepFiles
	stepFolder
	stepLimits
	stepDeath
	stepPrivileges
	stepLandlock
	stepSeccomp
	stepExec
)

func (s step) String() string {
	return [...]string{
		none: "fork", stepGroup: "process group", stepFiles: "files", stepFolder: "folder", stepLimits: "limits", stepDeath: "parent-death signal",
		stepPrivileges: "no new privileges", stepLandlock: "landlock", stepSeccomp: "seccomp", stepExec: "exec",
	}[s]
}

// exitUnbecome is the exit code of a child that did not become another program.
const exitUnbecome = 125

// start forks, and returns when the child has become the program, or has not: then
// the error is a *SetupError.
func (p *passage) start() (*os.Process, error) {
	pid, errno := p.fork()
	runtime.KeepAlive(p)
	switch {
	case errno != 0:
		return nil, p.setupError(none, errno)
	case p.failed != none:
		_, _ = syscall.Wait4(pid, nil, 0, nil)
		return nil, p.setupError(p.failed, p.errno)
	}
	return os.FindProcess(pid)
}

func (p *passage) setupError(s step, err error) error {
	return &SetupError{Step: s.String(), Err: err}
}

// What package syscall does around its own fork: it keeps signals from a child
// that still has the handlers of its parent. The runtime lets others have these
// three (go.dev/issue/67401).
//
//go:linkname beforeFork syscall.runtime_BeforeFork
func beforeFork()

//go:linkname afterFork syscall.runtime_AfterFork
func afterFork()

//go:linkname afterForkInChild syscall.runtime_AfterForkInChild
func afterForkInChild()

// vfork is clone(2) with these flags. It returns in the child first.
//
//go:noescape
func vfork(flags uintptr) (pid uintptr, errno syscall.Errno)

// fork makes the child and sends it through.
//
//go:norace
func (p *passage) fork() (int, syscall.Errno) {
	syscall.ForkLock.Lock()
	defer syscall.ForkLock.Unlock()
	beforeFork()
	pid, errno := p.divide()
	afterFork()
	return int(pid), errno
}

// divide returns in the parent only, and there at once: all that it may use of its
// frame is what vfork has returned, since the child has used the frame before.
//
//go:noinline
//go:norace
//go:nosplit
func (p *passage) divide() (pid uintptr, errno syscall.Errno) {
	if pid, errno = vfork(uintptr(syscall.SIGCHLD) | syscall.CLONE_VFORK | syscall.CLONE_VM); errno != 0 || pid != 0 {
		return pid, errno
	}
	afterForkInChild()
	p.failed, p.errno = p.pass()
	for {
		_, _, _ = syscall.RawSyscall(syscall.SYS_EXIT_GROUP, exitUnbecome, 0, 0)
	}
}

// pass is the child's whole life as this program. It returns only if it could not
// become another.
//
//go:noinline
//go:norace
//go:nosplit
func (p *passage) pass() (step, syscall.Errno) {
	if _, _, errno := syscall.RawSyscall(syscall.SYS_SETPGID, 0, 0, 0); errno != 0 {
		return stepGroup, errno
	}
	for to := range p.files {
		if _, _, errno := syscall.RawSyscall(syscall.SYS_DUP3, p.files[to], uintptr(to), 0); errno != 0 {
			return stepFiles, errno
		}
	}
	// What this program has open beyond 0, 1 and 2 is not for another. ENOSYS is
	// Linux before 5.9, EINVAL before 5.11: the server has marked its files when it
	// started (runner.CloseInherited).
	if _, _, errno := syscall.RawSyscall(unix.SYS_CLOSE_RANGE, 3, ^uintptr(0)>>32, unix.CLOSE_RANGE_CLOEXEC); errno != 0 && errno != syscall.ENOSYS && errno != syscall.EINVAL {
		return stepFiles, errno
	}
	if _, _, errno := syscall.RawSyscall(syscall.SYS_CHDIR, uintptr(unsafe.Pointer(p.folder)), 0, 0); errno != 0 {
		return stepFolder, errno
	}
	for i := range p.limits {
		l := &p.limits[i]
		if _, _, errno := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, 0, uintptr(l.resource), uintptr(unsafe.Pointer(&l.value)), 0, 0, 0); errno != 0 {
			return stepLimits, errno
		}
	}
	if p.dies {
		if _, _, errno := syscall.RawSyscall6(syscall.SYS_PRCTL, syscall.PR_SET_PDEATHSIG, uintptr(syscall.SIGKILL), 0, 0, 0, 0); errno != 0 {
			return stepDeath, errno
		}
		// It may have died before it was to be told of. Then nobody waits for this.
		if parent, _, _ := syscall.RawSyscall(syscall.SYS_GETPPID, 0, 0, 0); parent != p.parent {
			return stepDeath, syscall.ESRCH
		}
	}
	if _, _, errno := syscall.RawSyscall6(syscall.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0); errno != 0 {
		return stepPrivileges, errno
	}
	if p.walled {
		if _, _, errno := syscall.RawSyscall(unix.SYS_LANDLOCK_RESTRICT_SELF, p.ruleset, 0, 0); errno != 0 {
			return stepLandlock, errno
		}
	}
	if _, _, errno := syscall.RawSyscall6(syscall.SYS_PRCTL, syscall.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&p.filter)), 0, 0, 0); errno != 0 {
		return stepSeccomp, errno
	}
	_, _, errno := syscall.RawSyscall(syscall.SYS_EXECVE, uintptr(unsafe.Pointer(p.path)), uintptr(unsafe.Pointer(p.argv)), uintptr(unsafe.Pointer(p.env)))
	return stepExec, errno
}
