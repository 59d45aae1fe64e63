// Package audit keeps the record of what this server ran: one line of JSON when
// a process starts, one when it has ended, and one for a call that was refused.
// All servers of a user write into one file, which only that user can read, and
// which is rotated by size.
//
//	record.go   what a line holds, and how it is written
//	redact.go   what it must not hold
//	log.go      one record, one write
//	file.go     the file, its lock, its rotation
//	read.go     all of it read back, start and end joined
//
// What may not enter: the output of a process, what it was given on stdin, its
// environment, and words of a command line that may be secrets. This package
// decides nothing, and knows neither operations nor classes: that what destroys
// or executes needs a record is the rule of package runner.
package audit
