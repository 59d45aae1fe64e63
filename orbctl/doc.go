// Package orbctl is OrbStack as Go values: machines, settings and what a machine
// says about itself, typed; and what went wrong as an [Error] that carries the
// facts. It drives the command orbctl, whose behaviour is written down in
// docs/orbctl-contract.md; doc comments here cite sections of that page.
//
// A [Client] turns an operation into the fewest possible runs of orbctl, reads
// what came back with a parser of this package, and repeats a read that failed
// for no known reason. A failure is never an empty result.
//
// This package knows no MCP, words no messages and starts no process: the first
// two are package tools', the last is package runner's.
package orbctl
