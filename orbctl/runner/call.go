package runner

import (
	"io"
	"time"

	"orbstack-mcp/orbctl/guest"
	"orbstack-mcp/orbctl/untrusted"
)

// A Call is one operation with its values. A field that the operation does not
// take must be empty.
type Call struct {
	Op      Op
	Machine string       // an existing machine, by name
	NewName string       // create, rename, clone: the name that is to be
	Create  *Create      // create
	Args    []string     // config-get: key; config-set: key, value; help: the command; default-set: a machine or none
	Script  guest.Script // probe, exec, put, get
	Mark    guest.Mark   // likewise
	Guest   []string     // likewise: the positional arguments of the script
	User    string       // likewise: who runs it; "" is the machine's default user
	State   string       // likewise: the machine's state as the caller has just read it
	Seen    Edition      // likewise: the machine's edition as it was before State was read
	Verbose bool         // logs: everything, not only the machine's own

	File string // export, import: the file on the Mac, absolute, no link in it. An export may write anything in its folder

	Clearance Clearance // exec, put: why it may run there
	Stdin     io.Reader // exec, put: what the command reads; nil is nothing. Its Read must end by itself. An error of it ends the call
	In        *Places   // a place in the long lane that the caller has taken already
	Under     *Hold     // locks that the caller has taken already for this call and others

	Deadline time.Duration // 0: the operation's own. Counts from the start of the process, not from the queue
	// Stdout, if set, gets the cleaned output as it comes, without a bound
	// but that of the operation, and Result.Stdout stays empty. It must not block. An error of it ends the call.
	Stdout io.Writer
	// Stderr, if set, gets the same of the other stream, beside the Result. One that
	// is an io.Closer is closed when the stream has ended.
	Stderr io.Writer
	// Raw, if set, gets stdout as it is, not cleaned, and Stdout must be nil. While its
	// Write blocks the process has to wait: it must end when ctx does and when Stderr
	// is closed. An error of it ends the call.
	Raw io.Writer
}

// A Result is what became of the process. Its texts come from outside: cleaned,
// not fenced.
type Result struct {
	Stdout string
	Stderr string // the first 24 KiB and the last 8 KiB
	Exit   int    // -1 if a signal ended it
	Signal string // "SIGKILL", or "" if it ended by itself

	TimedOut bool  // its deadline came
	Killed   bool  // TERM did not end it within two seconds, or was not tried: KILL
	Held     bool  // something that had left the process group still held its output open
	Stuck    bool  // even KILL did not end it within two seconds; it is waited for in the background
	Omitted  int64 // bytes left out of Stdout and Stderr

	StdoutBytes, StderrBytes int64 // as they came, before they were cleaned and cut

	Text untrusted.Stats // of both streams
	Took time.Duration   // from start to end of the process
	Argv []string        // of orbctl, with the name of the program

	Sandbox string // the name of the confine.Level in force for it
}

// A Binary is the orbctl that is used.
type Binary struct {
	Path   string // as found, absolute
	Real   string // behind all links; this is what is started
	Source string // where it was found: --orbctl, $ORBSTACK_MCP_ORBCTL, application, ~/.orbstack/bin, …
}

// Status is the state of OrbStack.
type Status string

// The states. Unreachable: OrbStack may well run, but this process may not talk
// to it, for instance because the client keeps it in a sandbox.
const (
	Running     Status = "running"
	Starting    Status = "starting"
	Stopped     Status = "stopped"
	Unreachable Status = "unreachable"
)
