// Package runner starts orbctl. It is the only package that starts a process of
// OrbStack's, it owns that process for the whole of its life, and its [Result]
// says what became of it.
//
// What can be run is a closed table of operations (table.go): a [Call] names one
// and gives its values, and callers never see, let alone write, a flag. A call
// goes through these steps, in this order:
//
//	policy   is the operation's class allowed                     table.go, run.go
//	argv     the values are checked, the command line is built    argv.go, values.go
//	binary   which orbctl, found once                             binary.go
//	lock     changes of a machine one at a time, between servers too  lock.go, hold.go
//	lane     at most four at a time, and four long ones           lane.go
//	gate     OrbStack runs: nothing here may start it             gate.go, status.go
//	record   the audit log knows of it (and refusals before it)   record.go, audit
//	child    an environment of eight names, files 0 to 2          environment.go, child.go
//	sandbox  the operating system's, around the child             package confine
//	capture  cleaned and bounded output                           capture.go
//	reaper   ends children of a server that died, on macOS             reaper.go
//	end      deadline, cancel, flood: TERM, 2 s, KILL             child.go
//
// Nothing is retried here and no output is understood, but for the one word of
// status: both are package orbctl's work.
//
// The sandbox of the operating system is room confine's, the record of every call
// room audit's. Where there is no sandbox, a program that leaves its process group
// survives the end of its call.
//
// The files for darwin compile and vet; they have not been run on a Mac.
package runner
