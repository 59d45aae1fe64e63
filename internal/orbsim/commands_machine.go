package orbsim

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"orbstack-mcp/internal/orbsim/cli"
	"orbstack-mcp/internal/orbsim/worldfile"
)

// machinesOf is what NAME… or -a means.
func (c *call) machinesOf(args []string, all bool) ([]*machine, error) {
	if all {
		return c.d.all(), nil
	}
	var machines []*machine
	for _, name := range args {
		m, err := c.d.find(name)
		if err != nil {
			return nil, err
		}
		machines = append(machines, m)
	}
	return machines, nil
}

func (c *call) startCommand() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use: "start [NAME...]", Short: "Start OrbStack or machines", Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := c.up(c.d.life, true); err != nil {
				return err
			}
			machines, err := c.machinesOf(args, all)
			if err != nil {
				return err
			}
			return c.d.each(machines, func(m *machine) error { return c.boot(c.d.life, m) })
		},
	}
	cmd.Flags().BoolVarP(&all, "all", "a", false, "start all machines")
	return cmd
}

// boot boots a machine and records that it did.
func (c *call) boot(ctx context.Context, m *machine) error {
	booted, err := c.d.boot(ctx, m)
	if booted {
		c.effect("boot %s", c.name(m))
	}
	return err
}

func (c *call) halt(ctx context.Context, m *machine) error {
	if d := c.d.world.Variants.EarlyStop; d > 0 {
		c.d.mu.Lock()
		runs := m.guest != nil
		c.d.mu.Unlock()
		if !runs {
			return nil
		}
		c.d.work.Go(func() {
			sleep(ctx, d)
			_, _ = c.d.halt(ctx, m) // the client was told before
		})
		c.effect("halt %s", c.name(m))
		return nil
	}
	halted, err := c.d.halt(ctx, m)
	if halted {
		c.effect("halt %s", c.name(m))
	}
	return err
}

func (c *call) stopOrbStack() error {
	stopped, err := c.d.stopOrbStack(c.d.life)
	if stopped {
		c.effect("stop orbstack")
	}
	return err
}

func (c *call) name(m *machine) string {
	c.d.mu.Lock()
	defer c.d.mu.Unlock()
	return m.spec.Name
}

func (c *call) stopCommand() *cobra.Command {
	var all, force bool
	cmd := &cobra.Command{
		Use: "stop [NAME...]", Short: "Stop OrbStack or machines", Args: cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 && !all { // all of OrbStack [stated]
				return c.stopOrbStack()
			}
			if err := c.up(c.d.life, false); err != nil {
				return err
			}
			machines, err := c.machinesOf(args, all)
			if err != nil {
				return err
			}
			return c.d.each(machines, func(m *machine) error { return c.halt(c.d.life, m) })
		},
	}
	cmd.Flags().BoolVarP(&all, "all", "a", false, "stop all machines")
	cmd.Flags().BoolVarP(&force, "force", "f", false, "force stop")
	return cmd
}

func (c *call) restartCommand() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use: "restart NAME...", Short: "Restart machines", Args: nameOrAll(&all),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := c.up(c.d.life, true); err != nil {
				return err
			}
			machines, err := c.machinesOf(args, all)
			if err != nil {
				return err
			}
			return c.d.each(machines, func(m *machine) error {
				if _, err := c.d.halt(c.d.life, m); err != nil {
					return err
				}
				_, err := c.d.boot(c.d.life, m)
				c.effect("restart %s", c.name(m))
				return err
			})
		},
	}
	cmd.Flags().BoolVarP(&all, "all", "a", false, "restart all machines")
	return cmd
}

var ulid = regexp.MustCompile(`^[0-9A-HJKMNP-TV-Z]{26}$`)

func (c *call) deleteCommand() *cobra.Command {
	var all, force bool
	cmd := &cobra.Command{
		Use: "delete NAME...", Aliases: []string{"rm"}, Short: "Delete machines", Args: nameOrAll(&all),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := c.d.life
			if !all && slices.ContainsFunc(args, ulid.MatchString) && c.d.has("2.2.1") {
				return fail(2, "%s", strings.TrimSuffix(cli.PanicText("runtime error: invalid memory address or nil pointer dereference", "deleteMachines"), "\n"))
			}
			if err := c.up(ctx, true); err != nil {
				return err
			}
			docker := slices.Contains(args, "docker")
			machines, err := c.machinesOf(slices.DeleteFunc(slices.Clone(args), func(a string) bool { return a == "docker" }), all)
			if err != nil {
				return err
			}
			what := strings.Join(args, ", ")
			if all {
				what = "all machines"
			}
			if !force {
				answer := c.ask(cmd.Context(), "Delete "+what+"? This cannot be undone. [y/N] ")
				if answer != "y" && answer != "Y" && answer != "yes" {
					return fail(1, "Aborted")
				}
			}
			if docker {
				c.effect("delete docker")
			}
			return c.d.each(machines, func(m *machine) error { return c.remove(ctx, m) })
		},
	}
	cmd.Flags().BoolVarP(&all, "all", "a", false, "delete all machines")
	cmd.Flags().BoolVarP(&force, "force", "f", false, "skip the confirmation")
	return cmd
}

func (c *call) remove(ctx context.Context, m *machine) error {
	m.op.Lock()
	defer m.op.Unlock()
	c.d.mu.Lock()
	name, full, gone := m.spec.Name, diskFull(m.spec), m.gone
	c.d.mu.Unlock()
	if gone {
		return fail(1, "[-32098] machine not found: '%s'", name)
	}
	if full {
		return fail(1, "[-32098] delete '%s': disk quota exceeded", name)
	}
	if _, err := c.d.haltLocked(ctx, m); err != nil {
		return err
	}
	if err := c.d.engine.Remove(name); err != nil {
		return fail(1, "[-32098] delete '%s': %v", name, err)
	}
	c.d.drop(m)
	c.effect("delete %s", name)
	return nil
}

// diskFull is a machine at its quota, which cannot be renamed or deleted
// until the quota is raised [stated].
func diskFull(m worldfile.Machine) bool {
	return m.Limits.DiskBytes > 0 && m.DiskSize >= m.Limits.DiskBytes
}
