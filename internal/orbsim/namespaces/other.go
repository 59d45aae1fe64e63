//go:build !linux

package namespaces

import (
	"context"
	"net/netip"
	"os"
	"os/exec"
	"runtime"

	"orbstack-mcp/internal/orbsim/worldfile"
)

// The same API where there are no Linux namespaces: Probe says so, and
// everything that would need a world returns that as an *UnsupportedError.
// The types have no other state, because no value of them is ever handed out.

func unsupported() error {
	return &UnsupportedError{Level: LevelNone, Why: runtime.GOOS + " has no Linux namespaces"}
}

// Probe is LevelNone here.
func Probe() (level int, why string) { return LevelNone, runtime.GOOS + " has no Linux namespaces" }

// Prepare returns an *UnsupportedError here.
func Prepare(context.Context, worldfile.World) error { return unsupported() }

// Launch returns an *UnsupportedError here.
func Launch(context.Context, LaunchOptions) (exit int, err error) { return 1, unsupported() }

// RunInit returns at once here: there are no hidden verbs.
func RunInit([]string) {}

// InWorld is false here.
func InWorld() bool { return false }

// World is never had here.
type World struct{}

// Open returns an *UnsupportedError here.
func Open(worldfile.World) (*World, error) { return nil, unsupported() }

// Close does nothing.
func (*World) Close() error { return nil }

// Level is LevelNone.
func (*World) Level() int { return LevelNone }

// Dir is empty.
func (*World) Dir() string { return "" }

// Boot returns an *UnsupportedError.
func (*World) Boot(context.Context, worldfile.Machine) (*Machine, error) { return nil, unsupported() }

// Machine is nil.
func (*World) Machine(string) *Machine { return nil }

// Remove returns an *UnsupportedError.
func (*World) Remove(string) error { return unsupported() }

// Rename returns an *UnsupportedError.
func (*World) Rename(_, _ string) error { return unsupported() }

// Clone returns an *UnsupportedError.
func (*World) Clone(_, _ string) error { return unsupported() }

// Addresses returns an *UnsupportedError.
func (*World) Addresses(worldfile.Machine) (ip4, ip6 netip.Addr, err error) {
	return netip.Addr{}, netip.Addr{}, unsupported()
}

// Proxy4 is not valid.
func (*World) Proxy4(string) netip.Addr { return netip.Addr{} }

// SetDNS returns an *UnsupportedError.
func (*World) SetDNS([]worldfile.Record) error { return unsupported() }

// SetNetFaults returns an *UnsupportedError.
func (*World) SetNetFaults([]worldfile.NetFault) error { return unsupported() }

// MacUses returns an *UnsupportedError.
func (*World) MacUses() ([]MacUse, error) { return nil, unsupported() }

// CAFile is empty.
func (*World) CAFile() string { return "" }

// MacCommand is an ordinary command.
func (*World) MacCommand(argv, env []string, files []*os.File) *exec.Cmd {
	c := &exec.Cmd{Path: argv[0], Args: argv, Env: env}
	if len(files) > 0 {
		c.Stdin = files[0]
	}
	return c
}

// Foreground returns an *UnsupportedError.
func (*World) Foreground(*exec.Cmd) (exit int, err error) { return 1, unsupported() }

// Machine is never had here.
type Machine struct {
	Name     string
	IP4, IP6 netip.Addr
	Gateway4 netip.Addr
}

// Run returns an *UnsupportedError.
func (*Machine) Run(context.Context, Command) (exit int, err error) { return 1, unsupported() }

// SetLimits returns an *UnsupportedError.
func (*Machine) SetLimits(worldfile.Limits) error { return unsupported() }

// Halt returns an *UnsupportedError.
func (*Machine) Halt(context.Context) error { return unsupported() }

// Running is false.
func (*Machine) Running() bool { return false }

// Done is nil.
func (*Machine) Done() <-chan struct{} { return nil }

// Users is empty.
func (*Machine) Users() []User { return nil }

// LookupUser returns an *UnsupportedError.
func (*Machine) LookupUser(string) (User, error) { return User{}, unsupported() }
