package audit

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf16"
)

// format is the version of the records, which every line begins with.
const format = 1

// An Event is what a record is about.
type Event string

// The events. A call is one refused, or one start and one end; a start without
// an end is a call that still runs, or whose server was killed.
const (
	Started Event = "start"
	Ended   Event = "end"
	Refused Event = "refused"
)

// A Decision is whether a call was let through.
type Decision string

// The decisions.
const (
	Allow  Decision = "allow"
	Refuse Decision = "refuse"
)

// An Outcome is how a call ended.
type Outcome string

// The outcomes.
const (
	OK          Outcome = "ok"           // it ended by itself, whatever its exit code
	Timeout     Outcome = "timeout"      // its deadline came
	Cancelled   Outcome = "cancelled"    // the client cancelled it, or went away
	Killed      Outcome = "killed"       // a signal ended it
	OutputLimit Outcome = "output_limit" // it printed too much
	NotStarted  Outcome = "not_started"  // there never was a process
)

// A Server is the process that writes.
type Server struct {
	PID     int    `json:"pid"`
	Version string `json:"version"`
}

// A Start is the record of a call that is about to run, or that was refused.
// Nothing in it is longer than a few hundred bytes, but for Argv.
type Start struct {
	V          int      `json:"v"`
	ID         string   `json:"id"` // of the call, its end has the same
	At         Time     `json:"at"`
	Event      Event    `json:"event"` // Started or Refused
	Server     Server   `json:"server"`
	Tool       string   `json:"tool,omitempty"` // that asked for it; "" for a resource, a prompt or a completion
	Op         string   `json:"op"`
	Class      string   `json:"class"`
	Machine    string   `json:"machine,omitempty"`
	NewName    string   `json:"new_name,omitempty"` // of a machine that is made or renamed; records from before it was kept have none
	Argv       []string `json:"argv,omitempty"`     // with secrets and long words cut; none if it never came to one
	ArgvSHA256 string   `json:"argv_sha256,omitempty"`
	Decision   Decision `json:"decision"`
	Rule       string   `json:"rule"` // that decided
	Sandbox    string   `json:"sandbox,omitempty"`
}

// An End is the record of how a call ended.
type End struct {
	V           int     `json:"v"`
	ID          string  `json:"id"`
	At          Time    `json:"at"`
	Event       Event   `json:"event"` // Ended
	Exit        int     `json:"exit"`  // -1 if a signal ended it or it never started
	Signal      string  `json:"signal,omitempty"`
	MS          int64   `json:"ms"`           // from start to end of the process
	StdoutBytes int64   `json:"stdout_bytes"` // before cleaning
	StderrBytes int64   `json:"stderr_bytes"`
	Outcome     Outcome `json:"outcome"`
}

// A Call is what is about to run, or was refused, secrets and all: a [Start] is
// made of it, and it is never written itself.
type Call struct {
	Tool    string
	Op      string
	Class   string
	Machine string
	NewName string
	Argv    []string          // exactly as it is run
	Scripts map[string]string // words of Argv that are scripts of ours, and their names
	Setting string            // the key of OrbStack's whose value is the last word of Argv
	Rule    string
	Sandbox string
}

// newStart is the record of a call.
func newStart(c Call, s Server, e Event, d Decision) Start {
	r := Start{
		V: format, ID: newID(), At: now(), Event: e, Server: s,
		Tool: bounded(c.Tool), Op: bounded(c.Op), Class: c.Class, Machine: bounded(c.Machine), NewName: bounded(c.NewName),
		Argv: redact(c), Decision: d, Rule: cut(c.Rule), Sandbox: cut(c.Sandbox),
	}
	if len(c.Argv) > 0 {
		sum := sha256.Sum256([]byte(strings.Join(c.Argv, "\x00")))
		r.ArgvSHA256 = hex.EncodeToString(sum[:])
	}
	return r
}

func newID() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // crypto/rand.Read never fails (Go 1.24)
	return hex.EncodeToString(b[:])
}

// A Time is written in UTC with three digits of a second, so that lines of equal
// length sort.
type Time struct{ time.Time }

func now() Time { return Time{time.Now()} }

const timeFormat = "2006-01-02T15:04:05.000Z07:00" // RFC 3339

// MarshalJSON is RFC 3339 with milliseconds.
func (t Time) MarshalJSON() ([]byte, error) {
	return []byte(t.UTC().Format(`"` + timeFormat + `"`)), nil
}

// line is a record as it stands in the file: one line of ASCII, so that no name
// that came from outside steers the terminal of whoever looks at the file.
func line(record any) ([]byte, error) {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if err := e.Encode(record); err != nil {
		return nil, fmt.Errorf("the record could not be encoded: %w", err)
	}
	return toASCII(text.Bytes()), nil
}

// toASCII escapes what json leaves as it is; outside of strings there is only
// ASCII.
func toASCII(text []byte) []byte {
	if !bytes.ContainsFunc(text, func(r rune) bool { return r >= 0x7f }) {
		return text
	}
	var b bytes.Buffer
	for _, r := range string(text) {
		switch high, low := utf16.EncodeRune(r); {
		case r < 0x7f:
			b.WriteRune(r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		}
	}
	return b.Bytes()
}
