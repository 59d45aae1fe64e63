package confine

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode"
)

// A wall is the sandbox of one operating system.
type wall struct {
	name   string
	self   string // the path of this program, for the self-test
	gaps   []string
	misses []string // what of tries it lets through
	// start starts c inside; its path is the only program that may be run.
	start func(p Profile, c Command) (*os.Process, error)
	// failed tells from how a process ended that it never became c. It is nil where
	// start knows that.
	failed func(exit int, stderr string) error
}

// A Sandbox puts commands of one orbctl into the operating system's sandbox. Its
// methods may be called by many goroutines at once.
type Sandbox struct {
	level Level
	wall  *wall // nil: none
}

// Outside is no sandbox, for that reason.
func Outside(why string) *Sandbox { return &Sandbox{level: Level{Name: None, Why: why}} }

// New is the sandbox of this system for the orbctl at that path, which must be
// the file itself and no link, with the user's home folder. It runs the
// self-test: one short child process. The error is an *UnavailableError, and is
// there only with Require; the Sandbox beside it is none.
func New(mode Mode, home, orbctl string) (*Sandbox, error) {
	if mode == "" || mode == Off {
		return Outside("switched off, so orbctl runs with the rights of this server"), nil
	}
	w, err := newWall(home, orbctl)
	return open(mode, w, err)
}

// open takes a wall if it stands.
func open(mode Mode, w *wall, err error) (*Sandbox, error) {
	if err == nil {
		err = w.stands()
	}
	switch {
	case err == nil && mode == Require && len(w.misses) > 0:
		return required("there is only " + w.name + ", which lets this through: " + strings.Join(w.misses, ", "))
	case err == nil:
		return &Sandbox{level: Level{Name: w.name, Gaps: w.gaps}, wall: w}, nil
	case mode == Require:
		return required(err.Error())
	}
	return Outside(err.Error()), nil
}

func required(why string) (*Sandbox, error) { return Outside(why), &UnavailableError{Why: why} }

// Level is what is in force.
func (s *Sandbox) Level() Level { return s.level }

// Start starts a command inside. It returns when the process has become what it
// was to be, or an error, a *SetupError if that was the sandbox's fault. Where the
// system's sandbox is a program of its own, the latter shows in how the process
// ends: see [Sandbox.Failed].
func (s *Sandbox) Start(p Profile, c Command) (*os.Process, error) {
	if s.wall == nil {
		return c.start()
	}
	for _, extra := range []string{p.ReadPath, p.WriteDir} {
		if extra != "" && !plainPath(extra) {
			return nil, fmt.Errorf("no sandbox for %q: it must be an absolute path without control characters", extra)
		}
	}
	return s.wall.start(p, c)
}

// Failed is the *SetupError of a process that ended with this exit code and this
// on stderr, if it never became the program that it was to be.
func (s *Sandbox) Failed(exit int, stderr string) error {
	if s.wall == nil || s.wall.failed == nil {
		return nil
	}
	return s.wall.failed(exit, stderr)
}

// plainPath is a path that can stand on a line of its own.
func plainPath(path string) bool {
	return filepath.IsAbs(path) && !strings.ContainsFunc(path, unicode.IsControl)
}

// checkPaths is for what every profile names.
func checkPaths(home, orbctl string) error {
	for _, path := range []string{home, orbctl} {
		if !plainPath(path) {
			return fmt.Errorf("%q is not an absolute path without control characters", path)
		}
	}
	return nil
}
