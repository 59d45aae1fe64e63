package confine

import (
	"fmt"
	"strings"
	"time"
)

// A Mode says what to do where there is no sandbox. The zero value is Off.
type Mode string

// The modes.
const (
	Auto    Mode = "auto"    // as much of a sandbox as the system has; none is no error
	Require Mode = "require" // a sandbox that passes its own test, or an error
	Off     Mode = "off"     // none
)

// ParseMode is the mode of that name.
func ParseMode(name string) (Mode, error) {
	switch m := Mode(name); m {
	case Auto, Require, Off:
		return m, nil
	}
	return "", fmt.Errorf("%q is none of %s, %s, %s", name, Auto, Require, Off)
}

// None is the Name of a Level without a sandbox.
const None = "none"

// A Level is what confines orbctl.
type Level struct {
	Name string   // "landlock and seccomp", "seccomp", "sandbox-exec" or None
	Why  string   // why there is none
	Gaps []string // what it cannot keep orbctl from on this system
}

// String is the level for a person: "none: switched off", "landlock and seccomp;
// gaps: it may …".
func (l Level) String() string {
	switch {
	case l.Why != "":
		return l.Name + ": " + l.Why
	case len(l.Gaps) > 0:
		return l.Name + "; gaps: " + strings.Join(l.Gaps, "; ")
	}
	return l.Name
}

// A Profile is what one command may do beyond what all may. The zero value is
// nothing.
type Profile struct {
	Deadline time.Duration // how long it may run; bounds its CPU time on Linux. 0: no bound
	ReadPath string        // a file or folder that it may read, absolute
	WriteDir string        // a folder below which it may read and write files, absolute
}

// An UnavailableError says that Require asks for a sandbox that there is not.
type UnavailableError struct{ Why string }

func (e *UnavailableError) Error() string {
	return "orbctl cannot be confined as --sandbox " + string(Require) + " asks: " + e.Why +
		"; --sandbox " + string(Auto) + " would run it with what there is"
}

// A SetupError says that orbctl was not started, since its sandbox could not be
// set up.
type SetupError struct {
	Step string // what failed: a step between fork and execve, or "sandbox-exec"
	Err  error  // the operating system's error
}

func (e *SetupError) Error() string {
	return fmt.Sprintf("orbctl was not started, since the sandbox could not be set up: %s: %v", e.Step, e.Err)
}

// Unwrap is the operating system's error.
func (e *SetupError) Unwrap() error { return e.Err }
