// Package trial tries what a confined program must not be able to do. The sandbox
// is tried with it when a server starts: this same program is started once more,
// inside, and tells what was refused.
//
// It works in every program that imports it, from an init function, since the
// inits of the packages around it cost more than all that it does. Go initializes
// packages in the order of their import paths, each as soon as all that it imports
// is done (The Go Programming Language Specification, Package initialization). So
// this one, which imports nothing but syscall, comes before os, reflect and all
// that is built upon them. It must stay so: no other import, and a test in package
// confine measures it (docs/adr/0015-confine-between-fork-and-exec.md).
package trial

import "syscall"

// Variable of the environment asks for a trial instead of this program's own work,
// and names this program's file. Without a name there is nothing to do but to end.
const Variable = "ORBSTACK_MCP_SELFTEST"

// What is tried, in ways that do no harm where nothing is refused. Each that was
// refused is a line on stdout, and Done the last one.
const (
	Fork    = "fork"    // to make a process
	Network = "network" // to use IP
	Read    = "read"    // to read what everybody may read
	Write   = "write"   // to open for writing what everybody may write to
	Done    = "tried"
)

//nolint:gochecknoinits // main would be 5 to 10 ms too late: the package comment says why
func init() {
	if self, ok := syscall.Getenv(Variable); ok {
		run(self)
	}
}

// run tries all, and never returns.
func run(self string) {
	if self == "" {
		syscall.Exit(0)
	}
	var report []byte
	for _, try := range []struct {
		name    string
		refused bool
	}{
		{Fork, forkRefused(self)},
		{Network, networkRefused()},
		{Read, readRefused()},
		{Write, writeRefused()},
	} {
		if try.refused {
			report = append(report, try.name+"\n"...)
		}
	}
	_, _ = syscall.Write(1, append(report, Done+"\n"...))
	syscall.Exit(0)
}

func open(path string, flags int) error {
	fd, err := syscall.Open(path, flags|syscall.O_CLOEXEC, 0)
	if err == nil {
		_ = syscall.Close(fd)
	}
	return err
}

// denied compares by hand, since package errors may not be imported here.
func denied(err error) bool {
	return err == syscall.EPERM || err == syscall.EACCES //nolint:errorlint // system calls return bare errnos
}
