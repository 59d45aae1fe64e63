package confine

import (
	"fmt"
	"path/filepath"
	"strings"

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

// landlockRules are the rules that hold for every command.
func landlockRules(abi int, home string) string {
	if abi == 0 {
		return ""
	}
	var b strings.Builder
	fs, network, scoped := handled(abi)
	fmt.Fprintf(&b, "landlock %d %d %d\n", fs, network, scoped)
	for _, path := range readable {
		allow(&b, mayRead, path)
	}
	orbstack := filepath.Join(home, ".orbstack")
	allow(&b, mayRead, orbstack)
	allow(&b, mayConnect, filepath.Join(orbstack, "run"))
	allow(&b, mayUse, "/dev/null")
	return b.String()
}

// programRules let one program run, with its dynamic loader if it has one.
func programRules(abi int, program, loader string) string {
	if abi == 0 {
		return ""
	}
	var b strings.Builder
	allow(&b, mayExecute, program)
	if loader != "" {
		allow(&b, mayExecute, loader)
	}
	return b.String()
}

// transferRules are for the paths of a profile.
func transferRules(abi int, p Profile) string {
	if abi == 0 {
		return ""
	}
	var b strings.Builder
	if p.ReadPath != "" {
		allow(&b, mayRead, p.ReadPath)
	}
	if p.WriteDir != "" {
		allow(&b, mayWrite, p.WriteDir)
	}
	return b.String()
}

// allow is a line of package stage's, which leaves out what the kernel does not
// know and what does not go with a file.
func allow(b *strings.Builder, access uint64, path string) {
	fmt.Fprintf(b, "allow %d %s\n", access, path)
}
