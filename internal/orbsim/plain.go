package orbsim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"

	"orbstack-mcp/internal/orbsim/worldfile"
)

// Plain is the engine of level 4: macOS, and containers that allow no
// namespaces. Machines are words: guest_rules answer for them, and a handful
// of commands that can be played without a process. Nothing of a guest ever
// runs on the host.
type Plain struct {
	level   int
	network worldfile.Network
	started func(group int) // hears of Foreground's command

	mu    sync.Mutex
	taken map[netip.Addr]string
	ips   map[string][2]netip.Addr // by machine's name
}

// NewPlain makes the engine; level is what Probe said, 3 or 4.
func NewPlain(w worldfile.World, level int) *Plain {
	p := &Plain{level: level, network: w.Network, started: func(int) {}, taken: map[netip.Addr]string{}, ips: map[string][2]netip.Addr{}}
	for _, m := range w.Machines { // addresses that somebody wrote down are nobody else's
		for _, text := range []string{m.IP4, m.IP6, w.Network.Gateway4} {
			if a, err := netip.ParseAddr(text); err == nil {
				p.taken[a] = m.Name
			}
		}
	}
	return p
}

// Level is 3 or 4.
func (p *Plain) Level() int { return p.level }

// Addresses hands out those of the world file, or the next free ones.
func (p *Plain) Addresses(m worldfile.Machine) (ip4, ip6 netip.Addr, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if have, ok := p.ips[m.Name]; ok {
		return have[0], have[1], nil
	}
	if ip4, err = p.address(m.Name, m.IP4, p.network.Subnet4, 10); err != nil {
		return ip4, ip6, err
	}
	if !m.NoIP6 {
		if ip6, err = p.address(m.Name, m.IP6, p.network.Subnet6, 10); err != nil {
			return ip4, ip6, err
		}
	}
	p.ips[m.Name] = [2]netip.Addr{ip4, ip6}
	return ip4, ip6, nil
}

func (p *Plain) address(name, text, subnet string, skip int) (netip.Addr, error) {
	if text != "" {
		a, err := netip.ParseAddr(text)
		if err == nil {
			p.taken[a] = name
		}
		return a, err
	}
	prefix, err := netip.ParsePrefix(subnet)
	if err != nil {
		return netip.Addr{}, err
	}
	a := prefix.Masked().Addr()
	for range skip {
		a = a.Next()
	}
	for p.taken[a] != "" {
		a = a.Next()
	}
	if !prefix.Contains(a) {
		return netip.Addr{}, fmt.Errorf("no address is left in %s", subnet)
	}
	p.taken[a] = name
	return a, nil
}

// Boot gives a machine of words.
func (p *Plain) Boot(_ context.Context, m worldfile.Machine) (Guest, error) {
	return &plainGuest{spec: m}, nil
}

// Rename moves the addresses.
func (p *Plain) Rename(from, to string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ips[to] = p.ips[from]
	delete(p.ips, from)
	return nil
}

// Clone has no disk to copy.
func (p *Plain) Clone(_, _ string) error { return nil }

// Remove frees the addresses.
func (p *Plain) Remove(name string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, a := range p.ips[name] {
		delete(p.taken, a)
	}
	delete(p.ips, name)
	return nil
}

// MacUses is empty: nothing runs in a guest.
func (p *Plain) MacUses() ([]MacUse, error) { return nil, nil }

// Close has nothing to do.
func (p *Plain) Close() error { return nil }

// Foreground runs the command as an ordinary child, in the host's network.
func (p *Plain) Foreground(argv, env []string) (int, error) {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = env
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	return foreground(cmd, p.started)
}

// plainGuest answers a few harmless commands by itself.
type plainGuest struct{ spec worldfile.Machine }

// SetLimits limits nothing.
func (g *plainGuest) SetLimits(worldfile.Limits) error { return nil }

// Halt ends nothing.
func (g *plainGuest) Halt(context.Context) error { return nil }

// Run plays a command that only looks at what the world file says.
func (g *plainGuest) Run(ctx context.Context, c GuestCommand) (int, error) {
	known := c.User == "root"
	for _, u := range g.spec.Users {
		known = known || u == c.User
	}
	if !known {
		return 1, &UnknownUserError{c.User}
	}
	if len(c.Argv) == 0 {
		return 1, errors.New("no command")
	}
	args := c.Argv[1:]
	switch c.Argv[0] {
	case "true", ":":
		return 0, nil
	case "false":
		return 1, nil
	case "hostname":
		return say(c.Stdout, g.spec.Name)
	case "whoami":
		return say(c.Stdout, c.User)
	case "echo":
		return say(c.Stdout, strings.Join(args, " "))
	case "test":
		if len(args) == 2 && args[0] == "-d" {
			return map[bool]int{true: 0, false: 1}[args[1] == "/" || args[1] == "/tmp" || args[1] == "/root"], nil
		}
	case "sleep":
		if len(args) == 1 {
			if seconds, err := strconv.ParseFloat(args[0], 64); err == nil && seconds >= 0 && seconds < 1e6 {
				sleep(ctx, time.Duration(seconds*float64(time.Second)))
				return 0, nil
			}
		}
	case "cat":
		return g.cat(c, args)
	}
	return ExitGap, &GapError{c.Argv}
}

// ExitGap is the exit code of a guest command that the simulator can't play.
const ExitGap = 126

func (g *plainGuest) cat(c GuestCommand, args []string) (int, error) {
	if len(args) == 0 {
		if c.Stdin != nil && c.Stdout != nil {
			_, _ = io.Copy(c.Stdout, c.Stdin) // ends with either
		}
		return 0, nil
	}
	exit := 0
	for _, p := range args {
		text, ok := g.file(p)
		if !ok {
			exit = 1
			_, _ = say(c.Stderr, "cat: "+p+": No such file or directory")
			continue
		}
		_, _ = write(c.Stdout, text)
	}
	return exit, nil
}

func (g *plainGuest) file(p string) (string, bool) {
	if text, ok := g.spec.Files[p]; ok {
		return text, true
	}
	switch p {
	case "/etc/hostname":
		return g.spec.Name + "\n", true
	case "/etc/resolv.conf":
		return "nameserver 0.250.250.200\n", true
	case "/etc/os-release":
		return fmt.Sprintf("ID=%s\nVERSION_CODENAME=%s\nPRETTY_NAME=%q\n", g.spec.DistroName(), g.spec.DistroVersion(), g.spec.OSRelease), true
	case "/etc/passwd":
		var b strings.Builder
		b.WriteString("root:x:0:0:root:/root:/bin/sh\n")
		for i, u := range g.spec.Users {
			if u != "root" {
				fmt.Fprintf(&b, "%s:x:%d:%d::/home/%s:/bin/sh\n", u, 1000+i, 1000+i, u)
			}
		}
		return b.String(), true
	}
	return "", false
}

func say(f *os.File, line string) (int, error) { return write(f, line+"\n") }

// write prints; somebody who doesn't listen is no error.
func write(f *os.File, text string) (int, error) {
	if f != nil {
		_, _ = f.WriteString(text)
	}
	return 0, nil
}
