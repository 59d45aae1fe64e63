package runner

import "slices"

// The command line of each operation, and nobody else's business. What callers
// give stands only where orbctl expects a value; it never begins with a dash
// (values.go), and no "--" is written, which orbctl refuses
// (docs/orbctl-contract.md §1.3, §2).

// build checks a call's values and writes its command line, without the
// program's name.
func (r row) build(call Call) ([]string, error) {
	if err := r.takes.check(call); err != nil {
		return nil, err
	}
	argv, err := r.argv(call)
	if err != nil {
		return nil, err
	}
	return argv, checkLength(argv)
}

func statusArgv(Call) ([]string, error)     { return []string{"status"}, nil }
func versionArgv(Call) ([]string, error)    { return []string{"version"}, nil }
func listArgv(Call) ([]string, error)       { return []string{"list", "-f", "json"}, nil }
func defaultArgv(Call) ([]string, error)    { return []string{"default"}, nil }
func configShowArgv(Call) ([]string, error) { return []string{"config", "show"}, nil }

func helpArgv(c Call) ([]string, error) {
	args, err := exactly(c, "command")
	if err != nil {
		return nil, err
	}
	if err := checkHelpCommand(args[0]); err != nil {
		return nil, err
	}
	return []string{args[0], "--help"}, nil
}

func infoArgv(c Call) ([]string, error) {
	if err := checkMachine(c.Machine); err != nil {
		return nil, err
	}
	return []string{"info", c.Machine, "-f", "json"}, nil
}

func configGetArgv(c Call) ([]string, error) {
	args, err := exactly(c, "key")
	if err != nil {
		return nil, err
	}
	if err := checkKey(args[0]); err != nil {
		return nil, err
	}
	return []string{"config", "get", args[0]}, nil
}

func configSetArgv(c Call) ([]string, error) {
	args, err := exactly(c, "key", "value")
	if err != nil {
		return nil, err
	}
	if err := checkKey(args[0]); err != nil {
		return nil, err
	}
	if err := checkValue(args[1]); err != nil {
		return nil, err
	}
	return []string{"config", "set", args[0], args[1]}, nil
}

// logsArgv: -a is the only flag that logs has (§7), and here it means "everything
// of this machine", not "all machines".
func logsArgv(c Call) ([]string, error) {
	if err := checkMachine(c.Machine); err != nil {
		return nil, err
	}
	argv := []string{"logs", c.Machine}
	if c.Verbose {
		argv = append(argv, "-a")
	}
	return argv, nil
}

func probeArgv(c Call) ([]string, error) { return runArgv(c, false) }

func execArgv(c Call) ([]string, error) { return runArgv(c, true) }

// runArgv: -w / because the Mac's working directory need not exist in the
// machine (§2, run). Flag parsing stops at the first word of the guest, which is
// always the sh of our own script.
func runArgv(c Call, lines bool) ([]string, error) {
	if err := checkMachine(c.Machine); err != nil {
		return nil, err
	}
	if err := checkMark(c.Mark); err != nil {
		return nil, err
	}
	for _, arg := range c.Guest {
		if err := checkGuestWord(arg, lines); err != nil {
			return nil, err
		}
	}
	argv := []string{"run", "-m", c.Machine}
	if c.User != "" {
		if err := checkUser(c.User); err != nil {
			return nil, err
		}
		argv = append(argv, "-u", c.User)
	}
	argv = append(argv, "-w", "/")
	return append(argv, c.Script.Argv(c.Mark, c.Guest...)...), nil
}

// namedArgv is a command about one machine, which is always named: without a name,
// start and stop act on all of OrbStack (§1.2).
func namedArgv(command ...string) func(Call) ([]string, error) {
	return func(c Call) ([]string, error) {
		if err := checkOwn("machine", c.Machine); err != nil {
			return nil, err
		}
		return append(slices.Clone(command), c.Machine), nil
	}
}

func newNameArgv(command string) func(Call) ([]string, error) {
	return func(c Call) ([]string, error) {
		if err := checkOwn("machine", c.Machine); err != nil {
			return nil, err
		}
		if err := checkOwn(newNameOf(c.Op), c.NewName); err != nil {
			return nil, err
		}
		return []string{command, c.Machine, c.NewName}, nil
	}
}

func exportArgv(c Call) ([]string, error) {
	if err := checkOwn("machine", c.Machine); err != nil {
		return nil, err
	}
	if err := checkMacFile(c.File); err != nil {
		return nil, err
	}
	return []string{"export", c.Machine, c.File}, nil
}

func importArgv(c Call) ([]string, error) {
	if err := checkOwn(newNameOf(c.Op), c.NewName); err != nil {
		return nil, err
	}
	if err := checkMacFile(c.File); err != nil {
		return nil, err
	}
	return []string{"import", c.File, "-n", c.NewName}, nil
}

func defaultSetArgv(c Call) ([]string, error) {
	args, err := exactly(c, "machine")
	if err != nil {
		return nil, err
	}
	if args[0] != "none" { // §2: no default machine
		if err := checkOwn("machine", args[0]); err != nil {
			return nil, err
		}
	}
	return []string{"default", args[0]}, nil
}
