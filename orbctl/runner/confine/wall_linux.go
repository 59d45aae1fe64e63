package confine

import (
	"fmt"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
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
	fixed := fixedRules(home)
	looking, writing := compile(false), compile(true)
	w := &wall{name: "landlock and seccomp", self: exe, gaps: landlockGaps(abi)}
	if abi == 0 {
		w.name, w.misses = "seccomp", []string{readFiles, writeFiles}
	}
	w.start = func(p Profile, c Command) (*os.Process, error) {
		loader, ok := loaders[c.Path]
		if !ok {
			return nil, fmt.Errorf("the sandbox is for %s and not for %s", orbctl, c.Path)
		}
		way, err := newPassage(c)
		if err != nil {
			return nil, err
		}
		if way.limits, err = limits(p); err != nil {
			return nil, way.setupError(stepLimits, err)
		}
		filter := looking
		if p.WriteDir != "" {
			filter = writing
		}
		way.filter = unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
		if abi > 0 {
			rules := append(append(programRules(c.Path, loader), fixed...), transferRules(p)...)
			set, err := ruleset(abi, rules)
			if err != nil {
				return nil, way.setupError(stepLandlock, err)
			}
			defer unix.Close(set) //nolint:errcheck // nothing was written to it
			way.ruleset, way.walled = uintptr(set), true
		}
		return way.start()
	}
	return w, nil
}

// newPassage is one without walls yet.
func newPassage(c Command) (*passage, error) {
	p := &passage{dies: c.DiesWithUs, parent: uintptr(os.Getpid())}
	for i, f := range c.Files {
		// Go opens 0, 1 and 2 where they are closed, so that nothing else can be there.
		if p.files[i] = f.Fd(); p.files[i] < 3 {
			return nil, fmt.Errorf("file %d of this process cannot be the %d of another", p.files[i], i)
		}
	}
	var err error
	if p.path, err = syscall.BytePtrFromString(c.Path); err != nil {
		return nil, err
	}
	if p.folder, err = syscall.BytePtrFromString("/"); err != nil {
		return nil, err
	}
	argv, err := syscall.SlicePtrFromStrings(c.Argv)
	if err != nil {
		return nil, err
	}
	env, err := syscall.SlicePtrFromStrings(c.Env)
	if err != nil {
		return nil, err
	}
	p.argv, p.env = &argv[0], &env[0]
	return p, nil
}

// limits are the resource limits, never above those of this process. One who may
// write no file needs no size for it.
func limits(p Profile) ([]limit, error) {
	all := []limit{{unix.RLIMIT_CORE, to(0)}, {unix.RLIMIT_NOFILE, to(256)}}
	if p.WriteDir == "" {
		all = append(all, limit{unix.RLIMIT_FSIZE, to(0)})
	}
	if p.Deadline > 0 {
		// Whole seconds of all cores together, and some more for the end that the
		// runner makes of it.
		all = append(all, limit{unix.RLIMIT_CPU, to((uint64(p.Deadline.Seconds()) + 5) * uint64(runtime.NumCPU()))})
	}
	for i := range all {
		var there unix.Rlimit
		if err := unix.Getrlimit(all[i].resource, &there); err != nil {
			return nil, err
		}
		all[i].value = to(min(all[i].value.Max, there.Max))
	}
	return all, nil
}

func to(value uint64) unix.Rlimit { return unix.Rlimit{Cur: value, Max: value} }
