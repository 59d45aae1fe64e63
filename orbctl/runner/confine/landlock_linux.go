package confine

import (
	"path/filepath"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What Landlock calls the ways to use a file (linux/landlock.h). It is asked to
// forbid all that the kernel knows, and to allow these.
const (
	mayRead    = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR
	mayExecute = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_READ_FILE
	mayConnect = unix.LANDLOCK_ACCESS_FS_RESOLVE_UNIX
	mayUse     = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_TRUNCATE
	mayWrite   = mayRead | mayUse | unix.LANDLOCK_ACCESS_FS_MAKE_REG | unix.LANDLOCK_ACCESS_FS_MAKE_DIR | unix.LANDLOCK_ACCESS_FS_MAKE_SYM |
		unix.LANDLOCK_ACCESS_FS_REMOVE_FILE | unix.LANDLOCK_ACCESS_FS_REMOVE_DIR | unix.LANDLOCK_ACCESS_FS_REFER
)

// readable is what libraries and Go's runtime read. Nothing of /proc is in it:
// Go does without, and the environments of other processes are there.
var readable = []string{
	"/usr/lib", "/lib", "/lib64", "/etc/ld.so.cache",
	"/etc/localtime", "/usr/share/zoneinfo",
	"/sys/kernel/mm/transparent_hugepage/hpage_pmd_size",
}

// landlockABI is how much of Landlock this kernel has; 0 is nothing. Docs:
// landlock_create_ruleset(2).
func landlockABI() int {
	abi, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return 0
	}
	return int(abi)
}

// handled is what each ABI can forbid.
func handled(abi int) (fs, network, scoped uint64) {
	for _, added := range []struct {
		abi                 int
		fs, network, scoped uint64
	}{
		{abi: 1, fs: unix.LANDLOCK_ACCESS_FS_MAKE_SYM<<1 - 1}, // the first thirteen
		{abi: 2, fs: unix.LANDLOCK_ACCESS_FS_REFER},
		{abi: 3, fs: unix.LANDLOCK_ACCESS_FS_TRUNCATE},
		{abi: 4, network: unix.LANDLOCK_ACCESS_NET_BIND_TCP | unix.LANDLOCK_ACCESS_NET_CONNECT_TCP},
		{abi: 5, fs: unix.LANDLOCK_ACCESS_FS_IOCTL_DEV},
		{abi: 6, scoped: unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | unix.LANDLOCK_SCOPE_SIGNAL},
		{abi: 9, fs: unix.LANDLOCK_ACCESS_FS_RESOLVE_UNIX},
	} {
		if added.abi <= abi {
			fs, network, scoped = fs|added.fs, network|added.network, scoped|added.scoped
		}
	}
	return fs, network, scoped
}

// landlockGaps is what an ABI leaves open that the newest one known here closes.
func landlockGaps(abi int) []string {
	var gaps []string
	for _, closed := range []struct {
		abi int
		gap string
	}{
		{1, "it may read and write whatever its user may (this kernel has no Landlock)"},
		{3, "it may cut short files that its user may write (Landlock before ABI 3)"},
		{6, "it may signal its user's other processes and use abstract unix sockets (Landlock before ABI 6)"},
		{9, "it may connect to any unix socket that its user may, not only to OrbStack's (Landlock before ABI 9)"},
	} {
		if abi < closed.abi {
			gaps = append(gaps, closed.gap)
		}
	}
	return gaps
}

// A rule lets files be used so at and below a path.
type rule struct {
	access uint64
	path   string
}

// fixedRules are the rules that hold for every command.
func fixedRules(home string) []rule {
	var rules []rule
	for _, path := range readable {
		rules = append(rules, rule{mayRead, path})
	}
	orbstack := filepath.Join(home, ".orbstack")
	return append(rules, rule{mayRead, orbstack}, rule{mayConnect, filepath.Join(orbstack, "run")}, rule{mayUse, "/dev/null"})
}

// programRules let one program run, with its dynamic loader if it has one.
func programRules(program, loader string) []rule {
	rules := []rule{{mayExecute, program}}
	if loader != "" {
		rules = append(rules, rule{mayExecute, loader})
	}
	return rules
}

// transferRules are for the paths of a profile.
func transferRules(p Profile) []rule {
	var rules []rule
	if p.ReadPath != "" {
		rules = append(rules, rule{mayRead, p.ReadPath})
	}
	if p.WriteDir != "" {
		rules = append(rules, rule{mayWrite, p.WriteDir})
	}
	return rules
}

// ruleset is what a process restricts itself to, as a file descriptor (>2).
func ruleset(abi int, rules []rule) (int, error) {
	var attr unix.LandlockRulesetAttr // older kernels take the longer struct as long as its tail is 0
	attr.Handled_access_fs, attr.Handled_access_net, attr.Scoped = handled(abi)
	set, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr), 0)
	if errno != 0 {
		return -1, errno
	}
	for _, r := range rules {
		if err := r.join(set, attr.Handled_access_fs); err != nil {
			_ = unix.Close(int(set))
			return -1, err
		}
	}
	return int(set), nil
}

// onFile is what a rule for a file may hold; more is EINVAL.
const onFile = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_READ_FILE |
	unix.LANDLOCK_ACCESS_FS_TRUNCATE | unix.LANDLOCK_ACCESS_FS_IOCTL_DEV | unix.LANDLOCK_ACCESS_FS_RESOLVE_UNIX

// join adds a rule, of which only what the kernel knows is kept. A path that
// cannot be opened here needs none: orbctl could not open it either.
func (r rule) join(set uintptr, known uint64) error {
	fd, err := unix.Open(r.path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer unix.Close(fd) //nolint:errcheck // nothing was written to it
	access := r.access & known
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return err
	}
	if stat.Mode&unix.S_IFMT != unix.S_IFDIR {
		access &= onFile
	}
	if access == 0 {
		return nil
	}
	attr := unix.LandlockPathBeneathAttr{Allowed_access: access, Parent_fd: int32(fd)}
	if _, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, set, unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&attr)), 0, 0, 0); errno != 0 {
		return errno
	}
	return nil
}
