package confine

import (
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// The profile is the same text for everybody: values reach it as parameters only,
// so that no path can add a rule.
var (
	//go:embed orbctl.sb
	mayText string
	//go:embed never.sb
	neverText string
)

// What a profile with a path adds, between the two. READ_PATH and WRITE_DIR are
// parameters too.
const (
	readRule  = "(allow file-read* (subpath (param \"READ_PATH\")))\n"
	writeRule = "(allow file-read* file-write* (subpath (param \"WRITE_DIR\")))\n"
)

// seatbelt is macOS's sandbox, entered by the sandbox-exec at launcher; self is
// the file of this program. sandbox-exec gives no name to what it starts, so that
// argv[0] is the path; a file of another name than orbctl would be another
// program (docs/orbctl-contract.md §1.1) and is refused.
func seatbelt(launcher, self, home, orbctl string) (*wall, error) {
	if err := checkPaths(home, orbctl); err != nil {
		return nil, err
	}
	if filepath.Base(orbctl) != "orbctl" {
		return nil, fmt.Errorf("the file behind orbctl is %s, and sandbox-exec cannot start it under the name orbctl", orbctl)
	}
	return &wall{
		name: "sandbox-exec", self: self, failed: seatbeltFailed,
		start: func(p Profile, c Command) (*os.Process, error) {
			return seatbeltCommand(launcher, filepath.Join(home, ".orbstack"), p, c).start()
		},
	}, nil
}

// seatbeltCommand is the command that runs c inside, with OrbStack's folder there.
func seatbeltCommand(launcher, orbstack string, p Profile, c Command) Command {
	text := mayText
	values := []string{
		"ORBCTL=" + c.Path, "ORB_APP=" + application(c.Path),
		"ORB_HOME=" + realPath(orbstack), "ORB_RUN=" + realPath(filepath.Join(orbstack, "run")),
	}
	if p.ReadPath != "" {
		text, values = text+readRule, append(values, "READ_PATH="+realPath(p.ReadPath))
	}
	if p.WriteDir != "" {
		text, values = text+writeRule, append(values, "WRITE_DIR="+realPath(p.WriteDir))
	}
	argv := []string{launcher, "-p", text + neverText}
	for _, value := range values {
		argv = append(argv, "-D", value)
	}
	c.Path, c.Argv = launcher, append(append(argv, c.Path), c.Argv[1:]...)
	return c
}

// application is the bundle that a program is in, or else its folder.
func application(program string) string {
	if bundle, _, ok := strings.Cut(program, ".app/Contents/MacOS/"); ok {
		return bundle + ".app"
	}
	return filepath.Dir(program)
}

// realPath is what is behind the links of a path, as far as it is there.
func realPath(path string) string {
	if resolved, err := filepath.EvalSymlinks(path); err == nil {
		return resolved
	}
	dir := filepath.Dir(path)
	if dir == path {
		return path
	}
	return filepath.Join(realPath(dir), filepath.Base(path))
}

// The exit codes of sandbox-exec (sysexits(3)) and how it begins what it says.
const (
	exitUsage  = 64 // EX_USAGE
	exitData   = 65 // EX_DATAERR: the profile is not understood
	exitSystem = 71 // EX_OSERR: sandbox_apply or execvp failed
	speaks     = "sandbox-exec: "
)

var (
	errUsage   = errors.New("it does not take these arguments")
	errNested  = errors.New("this server runs in a sandbox itself, and macOS has none within another")
	errProfile = errors.New("this macOS does not understand the profile")
	errExecute = errors.New("the program could not be executed inside")
)

// seatbeltFailed understands sandbox-exec when it fails, by its exit code and by
// its name in front of what it says; orbctl's own exit codes are smaller.
func seatbeltFailed(exit int, stderr string) error {
	stderr = strings.TrimSpace(stderr)
	if !strings.HasPrefix(stderr, speaks) {
		return nil
	}
	fail := func(err error) error { return &SetupError{Step: "sandbox-exec", Err: err} }
	switch {
	case exit == exitData:
		return fail(errProfile)
	case exit == exitSystem && strings.Contains(stderr, "execvp"):
		return fail(errExecute)
	case exit == exitSystem:
		return fail(errNested)
	case exit == exitUsage:
		return fail(errUsage)
	}
	return nil
}
