package orbctl

import (
	"fmt"
	"strings"
	"time"

	"orbstack-mcp/orbctl/runner"
)

// A Kind is what went wrong, as the code that the user of a tool sees.
type Kind string

// The kinds of errors that can come out of this package. Beside each: the facts
// of an Error that are set.
const (
	InvalidArgument    Kind = "invalid_argument"     // Problems; Key and Nearest for a setting; Have: what there is instead; Raw of a create that orbctl refused
	OrbctlNotFound     Kind = "orbctl_not_found"     // Err: a *runner.BinaryError with the places that were tried
	OrbStackNotRunning Kind = "orbstack_not_running" // Status, Why
	OrbStackStarting   Kind = "orbstack_starting"    // Status, Why
	OrbStackNotReached Kind = "orbstack_unreachable" // Status, Why: its sockets can't be reached from here
	MachineNotFound    Kind = "machine_not_found"    // Machine, Have, Nearest; Machine is "" when there is no default machine
	MachineNotRunning  Kind = "machine_not_running"  // Machine, State
	MachineExists      Kind = "machine_exists"       // Machine
	MachineChanged     Kind = "machine_changed"      // Machine, WantID, HaveID
	UnsupportedVersion Kind = "unsupported_version"  // Feature, Needs, Running; Key for a setting
	NotAllowed         Kind = "not_allowed"          // Op, Why: the runner's policy; Flag; Err is a *runner.AuditError if it could not be recorded
	Timeout            Kind = "timeout"              // Op, After, MayFinish
	Busy               Kind = "busy"                 // Op
	GuestToolMissing   Kind = "guest_tool_missing"   // Machine, Tools (any one would have done), Distro
	GuestUserMissing   Kind = "guest_user_missing"   // Machine, User, Have: the users there are, Nearest
	DiskQuotaFull      Kind = "disk_quota_full"      // Machine, Raw
	FileExists         Kind = "file_exists"          // Path
	OutputLimit        Kind = "output_limit"         // Op, Limit, MayFinish
	OrbctlFailed       Kind = "orbctl_failed"        // Op, Exit, Signal, Crashed, MayFinish, Raw; Why when the exit code does not say it, and Unreadable if what it printed is the reason
	Internal           Kind = "internal"             // Err
)

// A Problem is one thing that is wrong with an argument.
type Problem struct {
	Field string // the argument: machine, key, value, username …
	Value string // as given, on one line; "" when it may hold a secret
	Why   string // what it should be: "must be 1 to 8"
}

// An Error says what went wrong and holds every fact that a good message needs:
// which fields are set depends on Kind. Texts from outside are in Raw only,
// cleaned but not fenced, and never in Error(): whoever shows Raw fences it.
// Names (Machine, Have, User …) are one line of clean text.
//
// A call whose context was cancelled gives no *Error but an error that wraps
// context.Canceled or the context's cause.
type Error struct {
	Kind Kind
	Op   runner.Op // the operation that failed; "" if it did not come to one

	Machine string        // the machine concerned
	State   string        // its state
	Status  runner.Status // OrbStack's state
	Have    []string      // what there is: machines, or users of the guest
	Nearest []string      // those of Have, or of the known keys, that look alike; the best first
	User    string        // the user that is missing in the guest
	Tools   []string      // commands that are missing in the guest
	Distro  string        // the guest's, as os-release names it
	WantID  string        // the ID that was expected under this name
	HaveID  string        // the ID that it has now
	Key     string        // the setting
	Path    string        // the file
	Flag    string        // of this program, with which the user has decided so: --managed-only
	Feature string        // what this version lacks: a key's field, or a flag
	Needs   string        // the first version that has it, "2.2.0"
	Running Version       // the version that runs
	After   time.Duration // how long was waited
	Limit   int64         // bytes
	Why     string        // one line more about the cause, in words of ours
	Raw     string        // what orbctl wrote, cleaned, banner removed
	Exit    int           // orbctl's exit code
	Signal  string        // the signal that ended orbctl
	Crashed bool          // orbctl panicked
	// Unreadable: orbctl printed what this program cannot read, and Why says what is
	// wrong with that. Otherwise Why is the whole reason.
	Unreadable bool
	// MayFinish: the work may go on, or be done, though the call failed. Look
	// before saying that it did not happen (docs/orbctl-contract.md §1.8).
	MayFinish bool
	Problems  []Problem
	Err       error // the cause below, for errors.As
}

// Error is a plain sentence without any text from outside.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(string(e.Kind))
	if e.Op != "" {
		fmt.Fprintf(&b, ": orbctl %s", e.Op)
	}
	if e.Machine != "" {
		fmt.Fprintf(&b, ": machine %q", e.Machine)
	}
	if e.Key != "" {
		fmt.Fprintf(&b, ": key %q", e.Key)
	}
	for _, p := range e.Problems {
		fmt.Fprintf(&b, ": %s %s", p.Field, p.Why)
	}
	switch {
	case e.Why != "":
		b.WriteString(": " + e.Why)
	case e.Signal != "":
		fmt.Fprintf(&b, ": ended by %s", e.Signal)
	case e.Exit != 0:
		fmt.Fprintf(&b, ": exit %d", e.Exit)
	}
	return b.String()
}

// Unwrap gives the error below, such as a runner's.
func (e *Error) Unwrap() error { return e.Err }

// invalid is an argument that is wrong before orbctl sees it.
func invalid(field, value, why string) *Error {
	return &Error{Kind: InvalidArgument, Problems: []Problem{{Field: field, Value: value, Why: why}}}
}
