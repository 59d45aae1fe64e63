package guest

import (
	"crypto/rand"
	"embed"
	"encoding/hex"
)

//go:embed scripts/*.sh
var files embed.FS

// A Script is one question put to a machine: POSIX sh text from this package's
// scripts folder. Only this package can make one, so whoever holds a Script
// knows that it is a program of ours and not a user's words.
type Script struct {
	name string
	text string
}

// Name is the script's file name without its ending, for logs and errors.
func (s Script) Name() string { return s.name }

// Zero reports whether s is no script at all.
func (s Script) Zero() bool { return s.text == "" }

// Argv is the command that asks the question inside a machine. User words are
// positional arguments of the script ($2 and up; $1 is the mark), never part of
// its text (docs/orbctl-contract.md §2, run).
func (s Script) Argv(mark Mark, args ...string) []string {
	return append([]string{"sh", "-c", s.text, "orbstack-mcp-" + s.name, string(mark)}, args...)
}

// load reads the prelude, the parts that the script shares with others, and the
// script itself from the embedded folder.
func load(name string, parts ...string) Script {
	text := mustRead("prelude")
	for _, part := range parts {
		text += mustRead(part)
	}
	return Script{name: name, text: text + mustRead(name)}
}

func mustRead(name string) string {
	b, err := files.ReadFile("scripts/" + name + ".sh")
	if err != nil {
		panic("guest: script is not embedded: " + name) // a build fault, seen by the first test
	}
	return string(b)
}

// A Mark is the random word with which a script starts its section lines. What
// a remote host or a log line says cannot contain it, so it cannot end a
// section or begin another one.
type Mark string

// NewMark draws a fresh mark for one run of a script.
func NewMark() Mark {
	var b [8]byte
	_, _ = rand.Read(b[:]) // crypto/rand.Read never fails (Go 1.24)
	return Mark("m" + hex.EncodeToString(b[:]))
}
