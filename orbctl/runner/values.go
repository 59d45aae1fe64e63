package runner

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"orbstack-mcp/orbctl/guest"
)

// maxArgv bounds a command line, in bytes with a NUL behind each word. Linux
// takes one word of that size, macOS 1 MiB in all.
const maxArgv = 128 << 10

// field names a part of Call that some operations take.
type field int

const (
	fieldMachine field = 1 << iota
	fieldArgs
	fieldVerbose
	fieldScript // Script, Mark, Guest, User, State, Seen
	fieldNewName
	fieldCreate
	fieldFile
)

// check finds values that the operation would drop without a word.
func (f field) check(c Call) error {
	for _, part := range []struct {
		field field
		name  string
		given bool
	}{
		{fieldMachine, "machine", c.Machine != ""},
		{fieldArgs, "arguments", len(c.Args) > 0},
		{fieldVerbose, "verbose", c.Verbose},
		{fieldScript, "script", !c.Script.Zero() || c.Mark != "" || len(c.Guest) > 0 || c.State != "" || c.Seen != ""},
		{fieldScript, "username", c.User != ""},
		{fieldNewName, "new_name", c.NewName != ""},
		{fieldCreate, "distro", !c.Create.zero()},
		{fieldFile, "path", c.File != ""},
	} {
		if part.given && f&part.field == 0 {
			return &InvalidError{Field: part.name, Why: fmt.Sprintf("is nothing that %s takes", c.Op)}
		}
	}
	return nil
}

// exactly returns the arguments of a call, of which there must be as many as
// names.
func exactly(c Call, names ...string) ([]string, error) {
	if len(c.Args) != len(names) {
		return nil, &InvalidError{Field: "arguments", Why: fmt.Sprintf("must be %s for %s, not %d values", strings.Join(names, " and "), c.Op, len(c.Args))}
	}
	return c.Args, nil
}

var (
	machinePattern = regexp.MustCompile(`\A[A-Za-z0-9][A-Za-z0-9.-]*\z`)
	idPattern      = regexp.MustCompile(`(?i)\A[0-7][0-9A-HJKMNP-TV-Z]{25}\z`) // a ULID
	keyPattern     = regexp.MustCompile(`\A[a-z][A-Za-z0-9._-]*\z`)
	userPattern    = regexp.MustCompile(`\A[A-Za-z0-9_][A-Za-z0-9_.@+-]*\$?\z`)
	markPattern    = regexp.MustCompile(`\A[a-z0-9]{8,64}\z`)
)

// helpCommands are the commands whose help tells what this orbctl can do.
var helpCommands = []string{"config", "create", "info", "list", "logs", "run"}

// checkMachine: docs/orbctl-contract.md §9, for a machine that there is. A name
// shaped like an ID is ambiguous, so it is refused: callers look up the name.
func checkMachine(name string) error {
	var why string
	switch {
	case name == "":
		why = "must be named" // without a name some commands act on all of OrbStack (§1.2)
	case len(name) > 63:
		why = "must have at most 63 characters"
	case !machinePattern.MatchString(name):
		why = "must be letters, digits, '-' and '.', and begin with a letter or a digit"
	case idPattern.MatchString(name):
		why = "looks like a machine's ID: give its name"
	default:
		return nil
	}
	return &InvalidError{Field: "machine", Value: name, Why: why}
}

// CheckMachine is an *InvalidError for what can't be the name of a user's machine.
func CheckMachine(name string) error { return checkOwn("machine", name) }

// reserved are names that are no machine's: delete docker wipes Docker's data
// (docs/orbctl-contract.md §2, §9).
var reserved = []string{"docker", "k8s", "none", "default", "all"}

// checkNamed is checkMachine for another argument than machine.
func checkNamed(field, name string) error {
	err := checkMachine(name)
	if bad, ok := errors.AsType[*InvalidError](err); ok {
		bad.Field = field
	}
	return err
}

// newNameOf is the argument that a call's NewName comes from: what makes a machine
// of nothing has no other name to tell it from.
func newNameOf(op Op) string {
	if op == OpCreate || op == OpImport {
		return "name"
	}
	return "new_name"
}

// checkNames checks the names of a call as far as they are given.
func checkNames(c Call) error {
	if c.Machine != "" && checkMachine(c.Machine) != nil {
		return checkMachine(c.Machine)
	}
	if c.NewName != "" {
		return checkNamed(newNameOf(c.Op), c.NewName)
	}
	return nil
}

// checkOwn is checkNamed for what changes a machine.
func checkOwn(field, name string) error {
	if err := checkNamed(field, name); err != nil {
		return err
	}
	if slices.Contains(reserved, strings.ToLower(name)) {
		return &InvalidError{Field: field, Value: name, Why: "must not be " + strings.Join(reserved, ", ") + ": these are no machines of the user's"}
	}
	return nil
}

func checkKey(key string) error {
	if len(key) <= 128 && keyPattern.MatchString(key) {
		return nil
	}
	return &InvalidError{Field: "key", Value: key, Why: "must be a setting's name: letters, digits, '.', '_' and '-', at most 128"}
}

// checkValue does not put the value into its error: it may hold a password, such
// as that of a proxy.
func checkValue(value string) error { return checkWord("value", value, false) }

func checkUser(name string) error {
	if len(name) <= 64 && userPattern.MatchString(name) {
		return nil
	}
	return &InvalidError{Field: "username", Value: name, Why: "must be letters, digits, '_', '.', '-', '@' and '+', at most 64, and not begin with '-'"}
}

func checkMark(mark guest.Mark) error {
	if markPattern.MatchString(string(mark)) {
		return nil
	}
	return &InvalidError{Field: "mark", Value: string(mark), Why: "must come from guest.NewMark"}
}

func checkHelpCommand(name string) error {
	if slices.Contains(helpCommands, name) {
		return nil
	}
	return &InvalidError{Field: "command", Value: name, Why: "must be one of " + strings.Join(helpCommands, ", ")}
}

// checkGuestWord takes a positional argument of a script in a machine. A command
// of the user's has lines; nothing else may.
func checkGuestWord(word string, lines bool) error {
	if word == "-" {
		return nil // an operand, never a flag (POSIX XBD 12.2): the scripts' word for none
	}
	plain := word
	if lines {
		plain = strings.NewReplacer("\n", "", "\t", "").Replace(word)
	}
	return checkWord("guest argument", plain, true)
}

// checkWord takes any text that is one harmless word of a command line; show
// puts it into the error.
func checkWord(name, word string, show bool) error {
	var why string
	switch {
	case strings.HasPrefix(word, "-"):
		why = "must not begin with '-', which orbctl would take for a flag"
	case !utf8.ValidString(word):
		why = "must be UTF-8"
	case strings.ContainsFunc(word, unicode.IsControl):
		why = "must not hold control characters, newlines or tabs"
	default:
		return nil
	}
	if !show {
		word = ""
	}
	return &InvalidError{Field: name, Value: word, Why: why}
}

// checkMacFile takes the path of a file on the Mac, as the sandbox can be given it.
func checkMacFile(file string) error {
	if filepath.IsAbs(file) && filepath.Clean(file) == file && filepath.Dir(file) != file {
		return checkWord("path", file, true)
	}
	return &InvalidError{Field: "path", Value: file, Why: "must be absolute, name a file, and have no . or .. in it"}
}

func checkLength(argv []string) error {
	total := 0
	for _, word := range argv {
		total += len(word) + 1
	}
	if total <= maxArgv {
		return nil
	}
	return &InvalidError{Field: "arguments", Why: fmt.Sprintf("are %d bytes together, and %d are possible", total, maxArgv)}
}
