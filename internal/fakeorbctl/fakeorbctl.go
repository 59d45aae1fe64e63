// Package fakeorbctl is the orbctl that the tests of orbctl/runner start: one that
// does what a test says, good or bad. They start it hundreds of times, as the program
// in main/, which takes a fifth of the CPU that their own test binary took as orbctl.
// So nothing large may be imported here, and none of ours.
package fakeorbctl

import (
	"encoding/json"
	"os"
	"path/filepath"
)

// All that reaches a child is HOME, so the world is that folder. These files are in
// it: what each verb does, the command lines, the processes, and the orders of a
// child that is hostile.
const (
	Behaviour = "behaviour.json"
	Calls     = "calls"
	PIDs      = "pids"
	Orders    = ".orbstack/hostile"
)

// Acts says what a verb does; the zero value exits with 0 in silence.
type Acts struct {
	Do   string // a kind of misbehaviour
	Out  string
	Err  string
	Exit int
}

// Event is one line of Calls: a child that began or ended.
type Event struct {
	Argv []string
	End  bool
}

// Main is orbctl with these arguments. It returns the exit code.
func Main(argv []string) int {
	if len(argv) > 1 && argv[0] == "hostile" {
		hostile(argv[1], argv[2:])
	}
	if given := hostileOrders(); len(given) > 0 {
		hostile(given[0], given[1:])
	}
	home := os.Getenv("HOME")
	say(home, Calls, Event{Argv: argv})
	text, err := os.ReadFile(filepath.Join(home, Behaviour))
	if err != nil {
		panic(err)
	}
	var all map[string]Acts
	if err := json.Unmarshal(text, &all); err != nil {
		panic(err)
	}
	a := all[argv[0]]
	_, _ = os.Stdout.WriteString(a.Out)
	_, _ = os.Stderr.WriteString(a.Err)
	misbehave(home, a.Do)
	say(home, Calls, Event{Argv: argv, End: true})
	return a.Exit
}

// say appends one line in one write.
func say(home, file string, what any) {
	line, err := json.Marshal(what)
	if err != nil {
		panic(err)
	}
	f, err := os.OpenFile(filepath.Join(home, file), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	_, _ = f.Write(append(line, '\n'))
}
