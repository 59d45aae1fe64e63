package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"orbstack-mcp/internal/orbsim"
	"orbstack-mcp/internal/orbsim/worldfile"
)

func command(code *int) *cobra.Command {
	root := &cobra.Command{
		Use: "orbsim", Short: "A simulated OrbStack with real machines", SilenceErrors: true, SilenceUsage: true,
	}
	root.AddCommand(runCommand(code), upCommand(code), stateCommand(), doctorCommand(code), worldsCommand(), checkCommand())
	return root
}

func sessionFlags(cmd *cobra.Command, s *orbsim.Session) {
	f := cmd.Flags()
	f.SetInterspersed(false) // what follows WORLD is not ours
	f.StringVar(&s.Record, "record", "", "append everything that reaches orbctl to this file, as JSON lines")
	f.StringVar(&s.State, "state", "", "write the state at the end to this file, as JSON")
	f.StringVar(&s.StateBefore, "state-before", "", "write the state at the start to this file, as JSON")
	f.BoolVar(&s.Files, "state-files", false, "the states hold /etc/passwd, /etc/resolv.conf and the world's own files of running machines")
	f.StringVar(&s.Home, "home", "", "use this folder as the Mac user's home, and leave it there (default: a fresh one, removed at the end)")
	f.IntVar(&s.Level, "level", 0, "4: no namespaces, even where they can be had")
}

func runCommand(code *int) *cobra.Command {
	var s orbsim.Session
	cmd := &cobra.Command{
		Use:   "run [flags] WORLD -- COMMAND [ARGS]...",
		Short: "Bring a world up and run a command in it, as on the Mac",
		Long: "Bring a world up, run COMMAND in its network as the Mac, and take everything down.\n\n" +
			"COMMAND finds the simulated orbctl in ORBSTACK_MCP_ORBCTL and has a HOME of its own; stdin, stdout,\n" +
			"stderr, signals and the exit code pass through. 125 is an error of orbsim's own, 127 a COMMAND that isn't there.",
		Example: "  orbsim run demo -- orbstack-mcp\n  orbsim run base --record calls.jsonl -- sh -c '$ORBSTACK_MCP_ORBCTL list -f json'",
		RunE: func(cmd *cobra.Command, args []string) error {
			args, err := worldAndCommand(cmd, &s, args)
			if err != nil {
				return err
			}
			s.Command = args
			// COMMAND gets the signals: orbsim passes them on and waits for it.
			*code, err = s.Run(cmd.Context())
			return err
		},
	}
	sessionFlags(cmd, &s)
	return cmd
}

// worldAndCommand takes WORLD, flags behind it, and what follows --.
func worldAndCommand(cmd *cobra.Command, s *orbsim.Session, args []string) ([]string, error) {
	if len(args) == 0 {
		return nil, fmt.Errorf("which world? orbsim run WORLD -- COMMAND; built-in worlds: %v", worldfile.Names())
	}
	s.World = args[0]
	flags := cmd.Flags()
	if err := flags.Parse(args[1:]); err != nil {
		return nil, err
	}
	rest := flags.Args()
	if len(rest) == 0 {
		return nil, fmt.Errorf("which command? orbsim run %s -- COMMAND; to have a world stay up: orbsim up %s", s.World, s.World)
	}
	return rest, nil
}

func upCommand(code *int) *cobra.Command {
	var s orbsim.Session
	cmd := &cobra.Command{
		Use: "up [flags] WORLD", Short: "Bring a world up and keep it until Ctrl-C", Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s.World = args[0]
			if err := cmd.Flags().Parse(args[1:]); err != nil {
				return err
			}
			if rest := cmd.Flags().Args(); len(rest) > 0 {
				return fmt.Errorf("up takes no command (%s): orbsim run %s -- COMMAND", rest[0], s.World)
			}
			var err error
			*code, err = s.Run(cmd.Context())
			return err
		},
	}
	sessionFlags(cmd, &s)
	return cmd
}

func stateCommand() *cobra.Command {
	var home string
	var files bool
	cmd := &cobra.Command{
		Use: "state", Short: "Print the state of the world around this process, as JSON", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if home == "" {
				home = os.Getenv("HOME")
			}
			state, err := orbsim.ReadState(home, files)
			if err != nil {
				return err
			}
			_, err = os.Stdout.Write(state)
			return err
		},
	}
	cmd.Flags().StringVar(&home, "home", "", "the home of the world (default: HOME)")
	cmd.Flags().BoolVar(&files, "files", false, "read guest files too")
	return cmd
}

func worldsCommand() *cobra.Command {
	return &cobra.Command{
		Use: "worlds [NAME]", Short: "List the built-in worlds, or print one", Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 1 {
				text, ok := worldfile.Source(args[0])
				if !ok {
					return fmt.Errorf("no built-in world is named %q; there are %v", args[0], worldfile.Names())
				}
				_, err := fmt.Print(text)
				return err
			}
			for _, name := range worldfile.Names() {
				w, err := worldfile.Load(name)
				if err != nil {
					return err
				}
				fmt.Printf("%-6s OrbStack %s, %s, %d machines\n", name, w.Version, w.Status, len(w.Machines))
			}
			return nil
		},
	}
}

func checkCommand() *cobra.Command {
	return &cobra.Command{
		Use: "check FILE...", Short: "Check world files", Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			for _, file := range args {
				w, err := worldfile.Load(file)
				if err != nil {
					return err
				}
				fmt.Printf("%s: OrbStack %s, %s, %d machines, %d guest rules, %d faults\n", file, w.Version, w.Status, len(w.Machines), len(w.GuestRules), len(w.Faults))
			}
			return nil
		},
	}
}
