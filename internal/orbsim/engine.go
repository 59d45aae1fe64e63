package orbsim

import (
	"context"
	"net/netip"
	"os"

	"orbstack-mcp/internal/orbsim/worldfile"
)

// An Engine is where machines live: real Linux namespaces, or nothing but
// words where those are not to be had (plain.go). Its methods may be called
// from several goroutines, but never two at once for one machine.
type Engine interface {
	// Level is 1 to 4, as orbsim doctor prints it.
	Level() int
	// Addresses are those that the machine has or will have; ip6 may be invalid.
	Addresses(m worldfile.Machine) (ip4, ip6 netip.Addr, err error)
	// Boot starts a machine; the disk of an earlier life is kept.
	Boot(ctx context.Context, m worldfile.Machine) (Guest, error)
	// Rename and Remove act on the disk of a machine that is not running.
	Rename(from, to string) error
	Remove(name string) error
	// Clone copies a disk; a machine that runs is paused meanwhile.
	Clone(from, to string) error
	// Foreground runs the Mac's command to its end, with this process's own
	// stdin, stdout and stderr, and passes signals on to it.
	Foreground(argv, env []string) (exit int, err error)
	// MacUses lists what guests called with the command `mac`.
	MacUses() ([]MacUse, error)
	Close() error
}

// A Guest is a machine that runs.
type Guest interface {
	// Run executes a command inside; see GuestCommand. The end of ctx makes Run
	// return, and leaves the command alone. *UnknownUserError and *GapError are
	// errors that orbctl has words for.
	Run(ctx context.Context, c GuestCommand) (exit int, err error)
	// SetLimits has other limits of CPUs and memory hold at once.
	SetLimits(limits worldfile.Limits) error
	Halt(ctx context.Context) error
}

// A GuestCommand is what orbctl run asks of a machine.
type GuestCommand struct {
	Argv                  []string
	User                  string // never empty
	Dir                   string // "" is the user's home
	Env                   []string
	Stdin, Stdout, Stderr *os.File // nil is /dev/null
}

// A MacUse is one use of the command `mac` inside a machine.
type MacUse struct {
	Machine string   `json:"machine"`
	Argv    []string `json:"argv"`
}

// An UnknownUserError says that the guest has no such account.
type UnknownUserError struct{ Name string }

func (e *UnknownUserError) Error() string { return "user: unknown user " + e.Name }

// A GapError says that an engine without namespaces can't run a command. The
// record marks the call, so that a test that meets it is not graded.
type GapError struct{ Argv []string }

func (e *GapError) Error() string {
	return "orbsim: no namespaces here, so only guest_rules and a few harmless commands are answered in a machine; " +
		"this one is neither: " + firstWord(e.Argv) + " (see orbsim doctor)"
}

func firstWord(argv []string) string {
	if len(argv) == 0 {
		return ""
	}
	return argv[0]
}
