package orbsim

import (
	"strings"

	"github.com/spf13/cobra"
)

// otherCommands are the rest of docs/orbctl-contract.md §2. What destroys or
// stops is done and recorded; what the simulator has no idea of says so.
func (c *call) otherCommands() []*cobra.Command {
	check := false
	update := &cobra.Command{
		Use: "update", Short: "Update OrbStack", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if !check {
				c.effect("update orbstack")
			}
			if c.d.world.Banner != "never" {
				c.exit = 3
			}
			return nil
		},
	}
	update.Flags().BoolVar(&check, "check", false, "only check for updates")

	yes := false
	reset := &cobra.Command{
		Use: "reset", Short: "Delete all Linux machines and Docker data", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !yes && c.ask(cmd.Context(), "This deletes ALL machines and data. Continue? [y/N] ") != "y" {
				return fail(1, "Aborted")
			}
			c.effect("reset orbstack")
			if err := c.d.each(c.d.all(), func(m *machine) error { return c.remove(c.d.life, m) }); err != nil {
				return err
			}
			_, err := c.d.stopOrbStack(c.d.life)
			return err
		},
	}
	reset.Flags().BoolVarP(&yes, "yes", "y", false, "skip the confirmation")

	shutdown := &cobra.Command{
		Use: "shutdown", Short: "Stop and unload OrbStack", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return c.stopOrbStack() },
	}
	commands := []*cobra.Command{update, reset, shutdown}
	for _, line := range []string{
		"doctor Check for problems", "report Send a bug report", "top Show resource usage", "login Sign in to OrbStack", "logout Sign out of OrbStack",
		"k8s Manage Kubernetes", "docker Manage Docker", "debug Debug a container", "usb Manage USB devices", "serial Manage serial ports",
	} {
		name, short, _ := strings.Cut(line, " ")
		commands = append(commands, c.unsimulated(name, short))
	}
	return commands
}

// unsimulated takes any words and does nothing. The final error of debug is
// the one that was captured for -- [seen 2.0.3].
func (c *call) unsimulated(name, short string) *cobra.Command {
	return &cobra.Command{
		Use: name, Short: short, DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, a := range args {
				switch a {
				case "--":
					return fail(1, "Error: unknown flag --")
				case "-h", "--help":
					return cmd.Help()
				}
			}
			c.effect("%s", strings.Join(append([]string{name}, args...), " "))
			return fail(1, "orbsim: %s is not simulated", name)
		},
	}
}
