// Package stage is what happens between the start of a child and orbctl: the
// same program is started once more, takes away its own rights, and becomes
// orbctl by execve. Package confine decides what is taken away; this package does
// as it is told.
//
// It works in every program that imports it, from an init function, since the
// inits of the packages around it cost more than the whole rest of a call. Go
// initializes packages in the order of their import paths, each as soon as all
// that it imports is done (The Go Programming Language Specification, Package
// initialization). So this one, which imports nothing but syscall and unsafe,
// comes before os, reflect and all that is built upon them. It must stay so: no
// other import, and a test in package confine measures it
// (docs/adr/0008-confine-by-reexec.md).
package stage

import "syscall"

// How a program is asked for a stage instead of its own work.
const (
	// Variable asks to become another program. Its value is a token that a
	// failure is told with; the other program never gets to see it. The arguments
	// are then Marker, a policy (plan.go), the path of that program, and its argv
	// from argv[0] on.
	Variable = "ORBSTACK_MCP_STAGE"
	// Marker is argv[0] of such a start.
	Marker = "orbstack-mcp-stage"
	// SelfTest asks to try what a confined program must not be able to do.
	SelfTest = "ORBSTACK_MCP_SELFTEST"
)

// Failed is the exit code of a stage that did not become another program. On
// stderr it then says "TOKEN: STEP NUMBER\n": the value of Variable, one of the
// steps below, and the errno in decimals.
const Failed = 125

// The steps that can fail.
const (
	StepArguments = "arguments" // who started it did not know how
	StepLimits    = "limits"    // setrlimit
	StepFiles     = "files"     // close_range
	StepLandlock  = "landlock"
	StepSeccomp   = "seccomp"
	StepExec      = "exec" // execve of the other program
)

// What SelfTest tries. It writes each that was refused as a line on stdout, and
// Tried as the last one.
const (
	TryFork   = "fork"   // to make a process
	TrySocket = "socket" // to make an IP socket
	TryRead   = "read"   // to read / and /etc/passwd
	TryWrite  = "write"  // to open /dev/zero for writing
	Tried     = "tried"
)

//nolint:gochecknoinits // main would be 5 to 10 ms too late: the package comment says why
func init() {
	if token, ok := syscall.Getenv(Variable); ok {
		become(token)
	}
	if _, ok := syscall.Getenv(SelfTest); ok {
		selfTest()
	}
}

// fail never returns: whatever went wrong, neither the other program nor the
// main function of this one may run.
func fail(token, step string, errno syscall.Errno) {
	line := []byte(token + ": " + step + " " + decimal(uint64(errno)) + "\n")
	_, _ = syscall.Write(2, line)
	syscall.Exit(Failed)
}

func decimal(n uint64) string {
	var digits [20]byte
	at := len(digits)
	for {
		at--
		digits[at] = byte('0' + n%10)
		if n /= 10; n == 0 {
			return string(digits[at:])
		}
	}
}
