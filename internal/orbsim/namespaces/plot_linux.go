package namespaces

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"orbstack-mcp/internal/orbsim/worldfile"
)

// plot is what a machine keeps while it is halted.
type plot struct {
	number   int
	disk     string // folder
	ip4, ip6 netip.Addr
	proxy4   netip.Addr
	mac      net.HardwareAddr
	settled  bool // the disk has the machine's accounts and files

	unplugging sync.WaitGroup // of the cable of the machine's last life
}

// plotFor is the machine's plot, made when there is none.
func (w *World) plotFor(m worldfile.Machine) (*plot, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if p := w.plots[m.Name]; p != nil {
		return p, nil
	}
	if err := checkName(m.Name); err != nil {
		return nil, err
	}
	p := &plot{number: w.lastPlot + 1, mac: macOf(m.Name)}
	p.disk = filepath.Join(w.base, "machines", strconv.Itoa(p.number))
	if err := w.address(p, m); err != nil {
		w.release(p)
		return nil, fmt.Errorf("machine %s: %w", m.Name, err)
	}
	w.lastPlot++
	w.plots[m.Name] = p
	return p, nil
}

// checkName allows what OrbStack does (docs/orbctl-contract.md §9); names end up
// in paths, scripts and host names here.
func checkName(name string) error {
	ok := name != "" && len(name) <= 63 && name[0] != '-' && name[0] != '.'
	for _, r := range name {
		ok = ok && (r == '-' || r == '.' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z')
	}
	if !ok {
		return fmt.Errorf("machine name %q: only letters, digits, - and . (not as the first), at most 63", name)
	}
	return nil
}

// address reserves the plot's addresses. A fixed IPv6 address that was made
// from a MAC address gives that to the machine.
func (w *World) address(p *plot, m worldfile.Machine) (err error) {
	var wanted4 netip.Addr
	if m.IP4 != "" {
		if wanted4, err = netip.ParseAddr(m.IP4); err != nil {
			return fmt.Errorf("ip4: %w", err)
		}
	}
	if p.ip4, err = w.pool4.take(m.Name, wanted4); err != nil {
		return err
	}
	if p.proxy4, err = w.proxies.take(m.Name, netip.Addr{}); err != nil {
		return err
	}
	if m.NoIP6 {
		return nil
	}
	wanted6 := eui64(w.plan.subnet6, p.mac)
	if m.IP6 != "" {
		if wanted6, err = netip.ParseAddr(m.IP6); err != nil {
			return fmt.Errorf("ip6: %w", err)
		}
		if mac, ok := macFromEUI64(wanted6); ok {
			p.mac = mac
		}
	}
	p.ip6, err = w.pool6.take(m.Name, wanted6)
	return err
}

// release gives the addresses back.
func (w *World) release(p *plot) {
	w.pool4.release(p.ip4)
	w.pool6.release(p.ip6)
	w.proxies.release(p.proxy4)
}

// Addresses are those that the machine has or will have; the first call, or
// Boot, settles them until Remove. ip6 is not valid with NoIP6.
func (w *World) Addresses(m worldfile.Machine) (ip4, ip6 netip.Addr, err error) {
	p, err := w.plotFor(m)
	if err != nil {
		return netip.Addr{}, netip.Addr{}, err
	}
	return p.ip4, p.ip6, nil
}

// halted is the plot of a machine that does not run; nil when it has none.
func (w *World) halted(name string) (*plot, error) {
	if w.machines[name] != nil || w.booting[name] {
		return nil, fmt.Errorf("machine %s is running; halt it first", name)
	}
	return w.plots[name], nil
}

// Remove forgets the disk and the addresses of a halted machine; one that never
// ran has none, and that is fine.
func (w *World) Remove(name string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	p, err := w.halted(name)
	if p == nil {
		return err
	}
	p.unplugging.Wait()
	w.release(p)
	delete(w.plots, name)
	if err := os.RemoveAll(p.disk); err != nil {
		return fmt.Errorf("remove the disk of %s: %w", name, err)
	}
	return nil
}

// Rename gives disk and addresses of a halted machine to another name.
func (w *World) Rename(from, to string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	p, err := w.free(from, to)
	if p == nil {
		return err
	}
	delete(w.plots, from)
	w.plots[to] = p
	return nil
}

// Clone copies the disk of a machine for a new name; one that runs is paused
// meanwhile. The clone's addresses are chosen at its first Boot, as those of any
// new machine.
func (w *World) Clone(from, to string) error {
	p, c, m, err := w.clonePlot(from, to)
	if err != nil || !p.settled { // never ran: nothing is on its disk
		return err
	}
	if m != nil {
		resume, err := m.pause()
		if err != nil {
			return errors.Join(err, w.Remove(to))
		}
		defer resume()
	}
	if err := copyDisk(p.disk, c.disk); err != nil {
		return errors.Join(fmt.Errorf("clone %s: %w", from, err), w.Remove(to))
	}
	return nil
}

// clonePlot makes a plot for a clone. p is the source's, m is set when it runs. A
// source that has no plot yet has nothing to keep: that is an empty one, and no c.
func (w *World) clonePlot(from, to string) (p, c *plot, m *Machine, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.booting[from] {
		return nil, nil, nil, fmt.Errorf("machine %s is just starting", from)
	}
	if err := w.unused(to); err != nil {
		return nil, nil, nil, err
	}
	if p = w.plots[from]; p == nil {
		return &plot{}, nil, nil, nil
	}
	c = &plot{number: w.lastPlot + 1, mac: macOf(to), settled: p.settled}
	c.disk = filepath.Join(w.base, "machines", strconv.Itoa(c.number))
	if err := w.address(c, worldfile.Machine{Name: to, NoIP6: !p.ip6.IsValid()}); err != nil {
		w.release(c)
		return nil, nil, nil, fmt.Errorf("clone %s: %w", from, err)
	}
	w.lastPlot++
	w.plots[to] = c
	return p, c, w.machines[from], nil
}

// copyDisk copies what is on a disk whether its machine runs or not: here the
// machine's mounts are not to be seen.
func copyDisk(from, to string) error {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	for _, part := range []string{"upper", "log", "root"} { // work belongs to a mount; root holds what is on none
		// cp copies the overlay's marks for deleted files too: devices and attributes.
		out, err := exec.Command("cp", "-a", filepath.Join(from, part), to).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w: %s", err, strings.TrimSpace(string(out)))
		}
	}
	return nil
}

// free is the plot of a halted machine, for a name that nobody has. A machine
// that has no plot yet has nothing to keep: both results are nil.
func (w *World) free(from, to string) (*plot, error) {
	if err := w.unused(to); err != nil {
		return nil, err
	}
	return w.halted(from)
}

func (w *World) unused(name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	if w.plots[name] != nil {
		return fmt.Errorf("machine %s exists already", name)
	}
	return nil
}
