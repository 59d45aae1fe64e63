package orbsim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"orbstack-mcp/internal/orbsim/wire"

	"github.com/spf13/cobra"
)

// call is one use of orbctl, seen from the daemon.
type call struct {
	d       *Daemon
	req     wire.Request
	wire    *wire.Conn
	answers chan string
	seen    chan wire.StdinSeen

	stdout, stderr io.Writer
	captured       bool // stdout is not the client's: a fault keeps or drops it

	exit int

	mu      sync.Mutex // effects come from machines in parallel
	effects []string
	gap     bool
	rule    string
	fault   string
}

// handle plays a call from its first byte to its exit code.
func (c *call) handle(ctx context.Context) wire.Outcome {
	if c.d.world.UID0 == "refuse" && c.req.UID == 0 && c.d.rootIs != 0 {
		c.print("", "orbctl: refusing to run as root; run it as the user who is logged in\n")
		return wire.Outcome{Exit: 1}
	}
	switch c.d.world.Banner {
	case "stdout":
		c.print(bannerText, "")
	case "stderr":
		c.print("", bannerText)
	}
	work := func() { c.exit = c.execute(ctx) }
	if f := c.d.faults.strike(c.req.Argv); f != nil {
		c.fault = f.Kind
		return c.suffer(ctx, f, work)
	}
	work()
	return wire.Outcome{Exit: c.exit}
}

func (c *call) effect(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.effects = append(c.effects, fmt.Sprintf(format, args...))
}

// execute runs the cobra program on the call's arguments.
func (c *call) execute(ctx context.Context) int {
	root := c.root()
	args := c.req.Argv
	if c.req.Program == "orb" && len(args) > 0 && !strings.HasPrefix(args[0], "-") && !c.knows(root, args[0]) {
		args = append([]string{"run"}, args...) // an unknown word after orb is a Linux command [stated]
	}
	if c.req.Program == "orb" {
		root.RunE = c.bareOrb
	}
	root.SetArgs(slices.Clone(args))
	root.SetOut(c.stdout)
	root.SetErr(c.stderr)
	root.SetIn(strings.NewReader(""))
	ran := false
	root.PersistentPreRun = func(*cobra.Command, []string) { ran = true }
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return c.exit
	}
	var exit *exitError
	if errors.As(err, &exit) {
		if exit.text != "" {
			c.print("", exit.text+"\n")
		}
		return exit.code
	}
	c.print("", "Error: "+err.Error()+"\n")
	switch {
	case strings.HasPrefix(err.Error(), "unknown command"):
		c.print("", "Run '"+cmd.CommandPath()+" --help' for usage.\n")
	case !ran:
		c.print("", cmd.UsageString()+"\n")
	}
	return 1
}

// bareOrb starts OrbStack [stated]. What it prints then is not in the contract.
func (c *call) bareOrb(cmd *cobra.Command, _ []string) error {
	if err := c.up(c.d.life, true); err != nil {
		return err
	}
	return cmd.Help()
}

func (c *call) knows(root *cobra.Command, word string) bool {
	return word == "help" || word == "completion" || slices.ContainsFunc(root.Commands(), func(sub *cobra.Command) bool {
		return sub.Name() == word || sub.HasAlias(word)
	})
}

// up makes sure that OrbStack runs before a command that needs it. Those that
// start it do so; reads do it only in worlds where reads start it ([inferred],
// variants.list_starts).
func (c *call) up(ctx context.Context, starts bool) error {
	c.d.mu.Lock()
	status := c.d.status
	c.d.mu.Unlock()
	switch {
	case status == statusRunning:
		return nil
	case status == statusStarting:
		return fail(1, "start VM: timed out waiting for VM to start")
	case starts:
		started, err := c.d.startOrbStack(ctx)
		if started {
			c.effect("start orbstack")
		}
		return err
	default:
		return fail(1, "[-32098] OrbStack is not running")
	}
}

// read is up for commands that only look.
func (c *call) read(ctx context.Context) error { return c.up(ctx, c.d.world.Variants.ListStarts) }

// say prints to stdout.
func (c *call) say(format string, args ...any) {
	_, _ = fmt.Fprintf(c.stdout, format, args...) // a client that is gone misses it
}

// ask puts a question on the client's stderr and reads a line of its stdin.
func (c *call) ask(ctx context.Context, prompt string) string {
	if c.captured {
		return ""
	}
	if err := c.wire.Send(wire.Ask, []byte(prompt)); err != nil {
		return ""
	}
	select {
	case line := <-c.answers:
		return strings.TrimSpace(line)
	case <-ctx.Done():
		return ""
	}
}

// target is the machine of -m, or the default one.
func (c *call) target(name string) (*machine, error) {
	if name == "" {
		c.d.mu.Lock()
		name = c.d.fallback
		c.d.mu.Unlock()
		if name == "none" || name == "" {
			return nil, fail(1, "[-32098] no default machine; use -m, or create a machine first")
		}
	}
	return c.d.find(name)
}
