package orbsim

import (
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"
)

// A Record is one line of the file that --record names: everything that
// reached orbctl. Each call has two lines, event start (before anything
// happens) and event end, with the same N.
type Record struct {
	Event string    `json:"event"` // start, end
	N     int64     `json:"n"`     // the number of the call, from 1
	Time  time.Time `json:"time"`
	Argv  []string  `json:"argv"` // without the program's name

	// Start only.
	Program string   `json:"program,omitempty"` // orbctl or orb
	Env     []string `json:"env,omitempty"`
	Cwd     string   `json:"cwd,omitempty"`
	UID     *int     `json:"uid,omitempty"`
	PID     int      `json:"pid,omitempty"`

	// End only.
	Exit        *int     `json:"exit,omitempty"`
	Signal      string   `json:"signal,omitempty"`       // the fault crash: how the client died
	ClientGone  bool     `json:"client_gone,omitempty"`  // it left before the call ended
	Fault       string   `json:"fault,omitempty"`        // the kind of fault that struck
	Effects     []string `json:"effects,omitempty"`      // what changed, such as "boot legacy", "stop orbstack"
	Gap         bool     `json:"gap,omitempty"`          // the simulator has no answer to this guest command
	GuestRule   string   `json:"guest_rule,omitempty"`   // the rule that answered instead of the machine
	StdinBytes  *int64   `json:"stdin_bytes,omitempty"`  // what the client read of its stdin and passed on
	StdinSHA256 string   `json:"stdin_sha256,omitempty"` // absent when the client was gone before it could say
	Millis      *int64   `json:"ms,omitempty"`
}

// Recorder appends records to a file: one write per record, in the order of
// their numbers for starts. A nil Recorder keeps nothing.
type Recorder struct {
	mu   sync.Mutex
	file *os.File
}

// OpenRecorder appends to path, which is made with mode 0600: the record holds
// whole environments.
func OpenRecorder(path string) (*Recorder, error) {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the record: %w", err)
	}
	return &Recorder{file: f}, nil
}

func (r *Recorder) write(rec Record) error {
	if r == nil {
		return nil
	}
	b, err := json.Marshal(rec)
	if err != nil {
		return fmt.Errorf("encode a record: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, err := r.file.Write(append(b, '\n')); err != nil {
		return fmt.Errorf("write the record: %w", err)
	}
	return nil
}

// Close closes the file.
func (r *Recorder) Close() error {
	if r == nil {
		return nil
	}
	return r.file.Close()
}
