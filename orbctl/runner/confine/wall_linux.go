package confine

import (
	"crypto/rand"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"orbstack-mcp/orbctl/runner/confine/stage"
)

// exe is this very program, also when its file has been replaced meanwhile.
const exe = "/proc/self/exe"

func newWall(home, orbctl string) (*wall, error) { return linuxWall(landlockABI(), home, orbctl) }

// linuxWall is Landlock as far as that ABI goes, 0 being none, and seccomp.
func linuxWall(abi int, home, orbctl string) (*wall, error) {
	if err := checkPaths(home, orbctl); err != nil {
		return nil, err
	}
	loaders := map[string]string{}
	for _, program := range []string{orbctl, exe} {
		loader, err := loaderOf(program)
		if err != nil {
			return nil, err
		}
		loaders[program] = loader
	}
	token := rand.Text()
	fixed := landlockRules(abi, home)
	looking, writing := filter(false), filter(true)
	w := &wall{name: "landlock and seccomp", self: exe, gaps: landlockGaps(abi)}
	if abi == 0 {
		w.name, w.misses = "seccomp", []string{readFiles, writeFiles}
	}
	w.wrap = func(p Profile, c command) (command, error) {
		loader, ok := loaders[c.path]
		if !ok {
			return command{}, fmt.Errorf("the sandbox is for %s and not for %s", orbctl, c.path)
		}
		policy := fixed + programRules(abi, c.path, loader) + transferRules(abi, p) + limits(p)
		if p.WriteDir == "" {
			policy += looking
		} else {
			policy += writing
		}
		return command{
			path: exe,
			argv: append([]string{stage.Marker, policy, c.path}, c.argv...),
			env:  append([]string{stage.Variable + "=" + token}, c.env...),
		}, nil
	}
	w.failed = func(exit int, stderr string) error { return stageFailed(token, exit, stderr) }
	return w, nil
}

// limits are the resource limits. One who may write no file needs no size for it.
func limits(p Profile) string {
	var b strings.Builder
	set := func(resource int, value uint64) { fmt.Fprintf(&b, "limit %d %d\n", resource, value) }
	set(unix.RLIMIT_CORE, 0)
	set(unix.RLIMIT_NOFILE, 256)
	if p.WriteDir == "" {
		set(unix.RLIMIT_FSIZE, 0)
	}
	if p.Deadline > 0 {
		// Whole seconds of all cores together, and some more for the end that the
		// runner makes of it.
		set(unix.RLIMIT_CPU, (uint64(p.Deadline.Seconds())+5)*uint64(runtime.NumCPU())) //nolint:gosec // no computer has 2^63 cores, nor less than one
	}
	return b.String()
}

// stageFailed understands what package stage says when it fails. The token is
// not known to orbctl, so that this is nothing that it could say itself.
func stageFailed(token string, exit int, stderr string) error {
	if exit != stage.Failed {
		return nil
	}
	said, ok := strings.CutPrefix(strings.TrimSpace(stderr), token+": ")
	if !ok {
		return nil
	}
	step, number, _ := strings.Cut(said, " ")
	errno, err := strconv.Atoi(number)
	if err != nil {
		return &SetupError{Step: step, Err: fmt.Errorf("it said %q", number)}
	}
	return &SetupError{Step: step, Err: syscall.Errno(errno)}
}
