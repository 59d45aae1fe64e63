package namespaces

import (
	"fmt"
	"os"
	"time"
)

// Levels of support, best first for an ordinary user. Probe finds out by trying.
const (
	LevelUser    = 1 // a world without root, in a user namespace: one uid only, 0
	LevelRoot    = 2 // a world as root: real users, cgroups
	LevelNetOnly = 3 // network namespaces can be made, but no file systems mounted: no world
	LevelNone    = 4 // no namespaces: no world
)

// RequireEnv is the variable with the worst level that will do, for whoever must
// not be content with less: tests do not skip then, and orbsim does not fall back.
const RequireEnv = "ORBSIM_REQUIRE_LEVEL"

// UnsupportedError says that no world can be brought up here, and why.
type UnsupportedError struct {
	Level int    // LevelNetOnly or LevelNone
	Why   string // the step that failed and the kernel's answer
}

func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("no simulated machines with real packets here (level %d of 4): %s; guest_rules still work, "+
		"or use a Linux host where user namespaces are allowed, or root", e.Level, e.Why)
}

// LaunchOptions is what Launch executes as the main process of a new world.
type LaunchOptions struct {
	Args []string // the arguments of this same program in the world, without argv[0]
	Env  []string // nil: this process's own; otherwise complete
	Dir  string   // "" is this process's own working directory

	// The main process's own descriptors 0, 1 and 2; nil is this process's.
	Stdin, Stdout, Stderr *os.File

	// Grace is the time between SIGTERM and SIGKILL when ctx ends; 0 is 5 s.
	Grace time.Duration
}

// Command is a command to run in a machine.
type Command struct {
	Argv []string // argv[0] is looked up in PATH inside the machine
	User string   // "" is the machine's default user
	Dir  string   // "" is the user's home; must exist in the guest
	Env  []string // added to the guest's own PATH, HOME, USER, LOGNAME, SHELL, LANG; later entries win

	// Passed to the command as they are; nil is /dev/null.
	Stdin, Stdout, Stderr *os.File

	// KillOnCancel makes the end of ctx kill the command and what it started.
	// Without it Run returns at once and the command goes on, as with a real
	// machine whose client has gone away.
	KillOnCancel bool
}

// Exit codes of Run for a command that could not be started, as a shell has them.
const (
	ExitNotExecutable = 126
	ExitNotFound      = 127
)

// A User is an account in a machine.
type User struct {
	Name  string
	UID   int
	GID   int
	Home  string
	Shell string
}

// A MacUse is one call of the command `mac` inside a machine that is not isolated.
type MacUse struct {
	Machine string
	Argv    []string // without "mac" itself
}

// NoUserError is that of Run for an account that the machine does not have.
type NoUserError struct{ Machine, User string }

func (e *NoUserError) Error() string {
	return fmt.Sprintf("machine %s has no user %q", e.Machine, e.User)
}
