package orbsim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"orbstack-mcp/internal/orbsim/cli"
	"orbstack-mcp/internal/orbsim/namespaces"
)

// Dispatch is the beginning of main for a program that brings worlds up: the
// same binary is orbctl, the main process of a world, a machine's PID 1 and
// the helper that cleans up. done says that argv was one of these and exit is
// the process's exit code.
func Dispatch(argv []string) (exit int, done bool, err error) {
	namespaces.RunInit(argv[1:]) // does not return for its own verbs
	switch {
	case cli.Is(argv[0]):
		return cli.Main(argv[0], argv[1:]), true, nil
	case len(argv) < 2:
		return 0, false, nil
	case argv[1] == VerbInside:
		// Signals are for COMMAND, and Foreground passes them on: no end of ctx here.
		exit, err = Inside(context.Background(), argv[2:])
		return exit, true, err
	case argv[1] == VerbSweep:
		if len(argv) != 3 {
			return ExitOwn, true, errors.New(VerbSweep + " is orbsim's own verb")
		}
		return 0, true, Sweep(argv[2])
	}
	return 0, false, nil
}

// encode is a session as one argument, for the way into the world: its command
// line is then the command's own words and nothing to be parsed twice.
func (s Session) encode() []string {
	b, err := json.Marshal(s)
	if err != nil {
		panic("orbsim: a session of strings always encodes: " + err.Error())
	}
	return []string{string(b)}
}

func decodeSession(args []string) (Session, error) {
	var s Session
	if len(args) != 1 {
		return s, fmt.Errorf("%s is orbsim's own verb", VerbInside)
	}
	if err := json.Unmarshal([]byte(args[0]), &s); err != nil {
		return s, fmt.Errorf("%s is orbsim's own verb: %w", VerbInside, err)
	}
	return s, nil
}
