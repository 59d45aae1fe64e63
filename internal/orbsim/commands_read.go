package orbsim

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"orbstack-mcp/internal/orbsim/cli"

	"github.com/spf13/cobra"
)

func (c *call) listCommand() *cobra.Command {
	var format string
	var quiet, running bool
	cmd := &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List all machines", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := c.read(cmd.Context()); err != nil {
				return err
			}
			if format != "" && format != "json" && format != "text" {
				return fail(1, "unknown format: '%s'", format)
			}
			if empty := c.d.world.Variants.EmptyList; empty != "array" && len(c.d.all()) == 0 {
				c.print("", noMachinesText)
				c.exit = map[string]int{"help_fails": 1}[empty]
				return nil
			}
			c.say("%s", c.d.listText(format == "json", quiet, running))
			return nil
		},
	}
	cmd.Flags().StringVarP(&format, "format", "f", "", "output format (text, json)")
	cmd.Flags().BoolVarP(&quiet, "quiet", "q", false, "only print machine names")
	cmd.Flags().BoolVarP(&running, "running", "r", false, "only list running machines")
	return cmd
}

// listText is list in each of its forms.
func (d *Daemon) listText(asJSON, quiet, running bool) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	machines := slices.Clone(d.machines)
	if running {
		machines = slices.DeleteFunc(machines, func(m *machine) bool { return m.spec.State != stateRunning })
	}
	if asJSON {
		return d.listJSON(machines)
	}
	var b strings.Builder
	if quiet {
		for _, m := range machines {
			b.WriteString(m.spec.Name + "\n")
		}
		return b.String()
	}
	t := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "NAME\tSTATE\tDISTRO\tVERSION\tARCH") // into memory
	for _, m := range machines {
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", m.spec.Name, m.spec.State, m.spec.DistroName(), m.spec.DistroVersion(), m.spec.Arch)
	}
	_ = t.Flush()
	return b.String()
}

func (c *call) infoCommand() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use: "info NAME|ID", Short: "Get info about a machine", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := c.read(cmd.Context()); err != nil {
				return err
			}
			m, err := c.d.find(args[0])
			if err != nil {
				return err
			}
			c.say("%s", c.d.infoText(m, format == "json"))
			return nil
		},
	}
	cmd.Flags().StringVarP(&format, "format", "f", "", "output format (text, json)")
	return cmd
}

func (d *Daemon) infoText(m *machine, asJSON bool) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if asJSON {
		return d.infoJSON(m)
	}
	text := fmt.Sprintf("ID: %s\nName: %s\nState: %s\nDistro: %s\nVersion: %s\nArchitecture: %s\nDisk size: %d\n",
		m.spec.ID, m.spec.Name, m.spec.State, m.spec.DistroName(), m.spec.DistroVersion(), m.spec.Arch, m.spec.DiskSize)
	if m.guest != nil {
		text += fmt.Sprintf("IPv4: %s\nIPv6: %s\n", m.spec.IP4, m.spec.IP6)
	}
	return text
}

func (c *call) statusCommand() *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Check whether OrbStack is running", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			c.d.mu.Lock()
			status := c.d.status
			c.d.mu.Unlock()
			c.exit = map[string]int{statusRunning: 0, statusStopped: 1, statusStarting: 2}[status]
			c.say("%s%s\n", strings.ToUpper(status[:1]), status[1:])
			return nil
		},
	}
}

func (c *call) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Show OrbStack version information", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			c.say("%s", cli.VersionText(c.d.world.Version))
			return nil
		},
	}
}

func (c *call) defaultCommand() *cobra.Command {
	return &cobra.Command{
		Use: "default [NAME|none]", Short: "Get or set the default machine", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := c.read(cmd.Context()); err != nil {
				return err
			}
			if len(args) == 1 && args[0] != "none" {
				m, err := c.d.find(args[0])
				if err != nil {
					return err
				}
				args[0] = m.spec.Name
			}
			c.d.mu.Lock()
			current := c.d.fallback
			if len(args) == 1 {
				c.d.fallback = args[0]
			}
			c.d.mu.Unlock()
			if len(args) == 1 {
				c.effect("default %s", args[0])
			} else {
				c.say("%s\n", current)
			}
			return nil
		},
	}
}

func (c *call) logsCommand() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use: "logs NAME", Aliases: []string{"log", "console"}, Short: "Show a machine's logs", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			if err := c.read(ctx); err != nil {
				return err
			}
			m, err := c.d.find(args[0])
			if err != nil {
				return err
			}
			c.d.mu.Lock()
			spec, booted := m.spec, m.guest != nil
			c.d.mu.Unlock()
			lines := spec.Logs
			if lines == nil {
				lines = defaultLogs(spec.Name, booted)
			}
			if all {
				lines = append(slices.Clone(lines), spec.LogsVerbose...)
			}
			text := strings.Join(lines, "\n")
			if text != "" {
				text += "\n"
			}
			repeat(ctx, c.stdout, text, max(1, spec.LogsRepeat))
			if c.d.world.Variants.Logs == "follows" {
				<-ctx.Done()
			}
			return nil
		},
	}
	cmd.Flags().BoolVarP(&all, "all", "a", false, "show all logs, including debug")
	return cmd
}

// repeat prints text n times without holding it more than a block at once. A
// client that has gone ends it.
func repeat(ctx context.Context, w io.Writer, text string, n int64) {
	const block = 128 << 10
	at := min(n, max(1, int64(block/max(1, len(text)))))
	many := strings.Repeat(text, int(at))
	for ; n > 0 && ctx.Err() == nil; n -= at {
		if n < at {
			many = strings.Repeat(text, int(n))
		}
		if _, err := io.WriteString(w, many); err != nil {
			return
		}
	}
}

// defaultLogs is the console of a machine that the world file gives none.
func defaultLogs(name string, booted bool) []string {
	if !booted {
		return []string{}
	}
	return []string{
		"[    0.000000] Booting Linux on OrbStack",
		"[    0.402210] systemd[1]: Detected virtualization orbstack.",
		"[    0.412318] systemd[1]: Hostname set to <" + name + ">.",
		"[    0.991200] systemd[1]: Reached target multi-user.target - Multi-User System.",
	}
}

func (c *call) sshCommand() *cobra.Command {
	return &cobra.Command{
		Use: "ssh", Short: "Show SSH connection details", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := c.up(c.d.life, true); err != nil { // [stated], though it only prints
				return err
			}
			c.say("Host: orb (or: NAME@orb, USER@NAME@orb)\nAddress: 127.0.0.1\nPort: 32222\nKey: ~/.orbstack/ssh/id_ed25519\n")
			return nil
		},
	}
}
