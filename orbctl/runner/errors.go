package runner

import (
	"fmt"
	"strings"
	"time"

	"orbstack-mcp/orbctl/untrusted"
)

// All errors of this package are words of ours: what orbctl wrote is in the
// Result, or in a field that says so, and never in Error().

// An Attempt is a place where orbctl was looked for.
type Attempt struct {
	Path   string
	Source string // as in Binary
	Why    string // why it was not taken
}

// A BinaryError says that there is no orbctl that may be run.
type BinaryError struct {
	Explicit bool // the user named the path, so nothing else was tried
	Tried    []Attempt
}

func (e *BinaryError) Error() string {
	if e.Explicit && len(e.Tried) == 1 {
		t := e.Tried[0]
		return fmt.Sprintf("orbctl as given by %s cannot be used: %s %s", t.Source, untrusted.Line(t.Path), t.Why)
	}
	places := make([]string, len(e.Tried))
	for i, t := range e.Tried {
		places[i] = fmt.Sprintf("%s %s", untrusted.Line(t.Path), t.Why)
	}
	return "orbctl was not found; tried: " + strings.Join(places, "; ")
}

// A RefusedError says that policy forbids the call.
type RefusedError struct {
	Op    Op
	Class Class
	Why   string
	Flag  string // with which the user has decided so: --machine; "" if with none
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("%s is refused: %s", untrusted.Line(string(e.Op)), e.Why)
}

// An InvalidError says that a value cannot stand on the command line. Value is
// as given, and empty where it may hold a secret.
type InvalidError struct{ Field, Value, Why string }

func (e *InvalidError) Error() string { return fmt.Sprintf("%s %s", e.Field, e.Why) }

// A GateError says that OrbStack is not running, so that the call might have
// started it.
type GateError struct {
	Status Status
	Detail string // what makes us think so, where there is more to say
}

func (e *GateError) Error() string {
	if e.Detail == "" {
		return fmt.Sprintf("OrbStack is %s", e.Status)
	}
	return fmt.Sprintf("OrbStack is %s: %s", e.Status, e.Detail)
}

// A StatusError says that the answer of status was not understood.
type StatusError struct {
	Exit   int
	Signal string
	Text   string // what it wrote: from outside, cleaned, not fenced, at most 2 KiB
}

func (e *StatusError) Error() string {
	if e.Signal != "" {
		return "whether OrbStack runs is not known: orbctl status was ended by " + e.Signal
	}
	return fmt.Sprintf("whether OrbStack runs is not known: orbctl status said neither Running, Starting nor Stopped (exit %d)", e.Exit)
}

// An AuditError says that the audit log can't be written. What destroys or
// executes is not done without a record of it.
type AuditError struct {
	Op   Op
	Path string // of the audit log
	Err  error  // why; its words go behind the path
}

func (e *AuditError) Error() string {
	return fmt.Sprintf("%s is refused, for it could not be recorded: the audit log %s %v", e.Op, untrusted.Line(e.Path), e.Err)
}

// Unwrap is what is wrong with the audit log.
func (e *AuditError) Unwrap() error { return e.Err }

// A BusyError says that too many calls wait already, or, with a name in What,
// that something else has been under way there for too long.
type BusyError struct {
	Waiting int
	What    string // "machine web" or "settings"
	After   time.Duration
}

func (e *BusyError) Error() string {
	if e.What != "" {
		return fmt.Sprintf("another operation on %s was still under way after %s", e.What, e.After)
	}
	return fmt.Sprintf("%d calls are waiting already; try again in a moment", e.Waiting)
}

// A TimeoutError says that the operation's deadline came. What it had printed by
// then is in the Result beside it.
type TimeoutError struct {
	Op    Op
	After time.Duration
}

func (e *TimeoutError) Error() string {
	return fmt.Sprintf("orbctl %s did not end within %s and was stopped", e.Op, e.After)
}

// An OutputError says that the process printed more than is believable, and was
// killed for it.
type OutputError struct {
	Op     Op
	Stream string // stdout or stderr
	Limit  int64  // bytes
}

func (e *OutputError) Error() string {
	return fmt.Sprintf("orbctl %s printed more than %d bytes on %s and was stopped", e.Op, e.Limit, e.Stream)
}

// A StartError says that the process could not be started.
type StartError struct {
	Path string
	Err  error
}

func (e *StartError) Error() string { return fmt.Sprintf("cannot start %s: %v", e.Path, e.Err) }

// Unwrap is the operating system's error.
func (e *StartError) Unwrap() error { return e.Err }

// A LockError says that the lock file that servers share can't be used, so that
// a change could meet another one half-way.
type LockError struct {
	Path string
	Err  error
}

func (e *LockError) Error() string {
	return fmt.Sprintf("the lock file %s cannot be used: %v", untrusted.Line(e.Path), e.Err)
}

// Unwrap is the operating system's error.
func (e *LockError) Unwrap() error { return e.Err }
