package orbsim

import (
	"context"
	"errors"
	"net/netip"
	"os"

	"orbstack-mcp/internal/orbsim/namespaces"
	"orbstack-mcp/internal/orbsim/worldfile"
)

// Namespaces is the engine of levels 1 and 2: machines that are real.
type Namespaces struct{ *namespaces.World }

// OpenNamespaces brings the world of packets up around this process, which
// namespaces.Launch must have started.
func OpenNamespaces(w worldfile.World) (Namespaces, error) {
	world, err := namespaces.Open(w)
	if err != nil {
		return Namespaces{}, err
	}
	if err := world.SetNetFaults(netFaults(w.Faults)); err != nil {
		_ = world.Close()
		return Namespaces{}, err
	}
	return Namespaces{world}, nil
}

// Boot starts a machine.
func (n Namespaces) Boot(ctx context.Context, m worldfile.Machine) (Guest, error) {
	guest, err := n.World.Boot(ctx, m)
	if err != nil {
		return nil, err
	}
	return realGuest{guest}, nil
}

// Addresses are reserved by the engine.
func (n Namespaces) Addresses(m worldfile.Machine) (ip4, ip6 netip.Addr, err error) {
	return n.World.Addresses(m)
}

// MacUses lists what guests called with the command `mac`.
func (n Namespaces) MacUses() ([]MacUse, error) {
	uses, err := n.World.MacUses()
	out := make([]MacUse, len(uses))
	for i, u := range uses {
		out[i] = MacUse(u)
	}
	return out, err
}

// Foreground runs the Mac's command in the world's network.
func (n Namespaces) Foreground(argv, env []string) (int, error) {
	return n.World.Foreground(n.MacCommand(argv, env, []*os.File{os.Stdin, os.Stdout, os.Stderr}))
}

// realGuest is a machine of namespaces.
type realGuest struct{ *namespaces.Machine }

// Run executes a command in the machine.
func (g realGuest) Run(ctx context.Context, c GuestCommand) (int, error) {
	exit, err := g.Machine.Run(ctx, namespaces.Command{
		Argv: c.Argv, User: c.User, Dir: c.Dir, Env: c.Env, Stdin: c.Stdin, Stdout: c.Stdout, Stderr: c.Stderr,
	})
	var unknown *namespaces.NoUserError
	if errors.As(err, &unknown) {
		err = &UnknownUserError{unknown.User}
	}
	return exit, err
}
