package orbsim

import (
	"bytes"
	"strings"

	"github.com/spf13/cobra"
)

// root is the program as docs/orbctl-contract.md §2 has it, with the flags of
// the simulated version.
func (c *call) root() *cobra.Command {
	root := &cobra.Command{
		Use: c.req.Program, Short: "Manage OrbStack and its machines",
		Long:          "The OrbStack command line.\n\nUse it to manage Linux machines, Docker containers, and settings.",
		SilenceErrors: true, SilenceUsage: true, // printed by execute, on stderr
	}
	root.SetUsageFunc(plainUsage(root.UsageFunc()))
	root.AddCommand(c.listCommand(), c.infoCommand(), c.statusCommand(), c.versionCommand(), c.defaultCommand(), c.logsCommand(), c.sshCommand())
	root.AddCommand(c.createCommand(), c.startCommand(), c.stopCommand(), c.restartCommand(), c.deleteCommand())
	root.AddCommand(c.cloneCommand(), c.renameCommand(), c.exportCommand(), c.importCommand())
	root.AddCommand(c.runCommand(), c.pushCommand(), c.pullCommand(), c.configCommand())
	root.AddCommand(c.otherCommands()...)
	return root
}

// nameOrAll is the argument check of commands that take NAME… or -a.
func nameOrAll(all *bool) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if *all {
			return nil
		}
		return cobra.MinimumNArgs(1)(cmd, args)
	}
}

// plainUsage prints boolean flags as the pflag of the real program's time did:
// --isolated, without the [=true|false] that newer ones add.
func plainUsage(usage func(*cobra.Command) error) func(*cobra.Command) error {
	const extra = "[=true|false]"
	return func(cmd *cobra.Command) error {
		out := cmd.OutOrStderr()
		var text bytes.Buffer
		cmd.SetOut(&text)
		err := usage(cmd)
		cmd.SetOut(out)
		_, _ = out.Write([]byte(strings.ReplaceAll(text.String(), extra, strings.Repeat(" ", len(extra))))) // a client that is gone misses it
		return err
	}
}
