package guest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// A Command is a user's command in a machine, for the sh of that machine.
type Command struct {
	Text  string
	Dir   string   // absolute; "" is the user's home folder
	Env   []string // NAME=VALUE, set in the machine
	Limit time.Duration
	// Contained: it is to run only if the Mac's files are not in the machine, which
	// the script looks at itself.
	Contained bool
}

// maxCommandLimit is the longest that a command may take.
const maxCommandLimit = time.Hour

// The words that stand behind the mark, in a line of their own, on the stderr of
// a Command. The command can see the mark and say them too: those of one that was
// not started count only where Began was not said.
const (
	Began    = "began" // the command was started
	Late     = "late"  // its time was up and its session was ended; exit status 124
	NoFolder = "nodir" // its working directory is not there; exit status 126
	Open     = "open"  // the Mac's files are in the machine, and it was not started; exit status 125
)

// Output stands behind the mark in a line of the stdout of a Command, and of a file
// that is got: what it writes comes after it. Before it, orbctl may have said that
// there is a newer OrbStack (docs/orbctl-contract.md §1.11).
const Output = "output"

var envName = regexp.MustCompile(`\A[A-Za-z_][A-Za-z0-9_]*=`)

// Exec is the command as a script: what it writes and its exit status are the
// script's own, and it ends at its limit though nobody on the Mac waits for it
// any more. The limit of the call has to be longer than the duration returned.
// The error is a *TargetError.
func Exec(c Command) (Script, []string, time.Duration, error) {
	fail := func(field, value, why string) (Script, []string, time.Duration, error) {
		return Script{}, nil, 0, &TargetError{Field: field, Value: value, Why: why}
	}
	switch {
	case strings.TrimSpace(c.Text) == "":
		return fail("command", "", "it is empty")
	case strings.HasPrefix(c.Text, "-"):
		return fail("command", c.Text, "it starts with -")
	case !utf8.ValidString(c.Text):
		return fail("command", "", "it is no UTF-8")
	case controls(c.Text) != "":
		return fail("command", c.Text, "it holds "+controls(c.Text)+"; end its lines with \\n alone, and let printf in the machine make any other")
	case c.Dir != "" && !strings.HasPrefix(c.Dir, "/"):
		return fail("workdir", c.Dir, "it is no absolute path")
	case c.Dir != "" && unfitPath(c.Dir) != "":
		return fail("workdir", c.Dir, unfitPath(c.Dir))
	case c.Limit < time.Second || c.Limit > maxCommandLimit:
		return fail("timeout_seconds", c.Limit.String(), "it is 1 second to "+maxCommandLimit.String())
	}
	dir := "-"
	if c.Dir != "" {
		dir = c.Dir
	}
	where := "anywhere"
	if c.Contained {
		where = "contained"
	}
	args := []string{wholeSeconds(c.Limit), dir, where}
	for _, word := range c.Env {
		if !envName.MatchString(word) {
			return fail("env", "", "a name is letters, digits and _, and does not begin with a digit")
		}
		name, value, _ := strings.Cut(word, "=")
		switch { // the value may be secret, and is not repeated
		case !utf8.ValidString(value):
			return fail("env", name, "its value is no UTF-8")
		case controls(value) != "":
			return fail("env", name, "its value holds "+controls(value)+"; of control characters it may have newlines and tabs, and printf in the command makes any other")
		}
		args = append(args, word)
	}
	const kill = 5 * time.Second // from its end to that of those who don't want to end
	return load("exec"), append(args, "-", c.Text), c.Limit + kill, nil
}

// controls names the control characters of a text but newlines and tabs, each
// once: orbctl's command line takes no others. "" is none.
func controls(text string) string {
	var names []string
	for _, r := range text {
		if !unicode.IsControl(r) || r == '\n' || r == '\t' {
			continue
		}
		name := fmt.Sprintf("the control character %U", r)
		switch r {
		case 0:
			name = `a NUL (\0)`
		case '\r':
			name = `a carriage return (\r)`
		case 0x1b:
			name = `an escape (\x1b)`
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	const shown = 3
	if more := len(names) - shown; more > 0 {
		names = append(names[:shown], fmt.Sprintf("%d more", more))
	}
	return strings.Join(names, " and ")
}

// Cancel is the script that ends the Command with that mark, whose client is gone. It
// prints how many shells it told to end, and how many had not 3 seconds later.
func Cancel(command Mark) (Script, []string, time.Duration) {
	return load("cancel"), []string{string(command)}, 10 * time.Second
}
