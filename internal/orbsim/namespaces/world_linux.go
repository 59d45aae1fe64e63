package namespaces

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"orbstack-mcp/internal/orbsim/worldfile"
)

// World is a world that is up. Its methods can be called from several goroutines.
type World struct {
	base      string // folder of the world's own files, in memory
	level     int
	manyUsers bool
	stub      bool // guests use systemd-resolved's 127.0.0.53
	nft       string
	bridge    int // index of the bridge's interface
	plan      addressing
	ca        authority
	images    *images
	cgroups   cgroups
	resolver  *resolver
	servers   nameServer

	rules    sync.Mutex   // one change of the world's firewall at a time
	walled   bool         // the firewall was ever written; under rules
	lastLink atomic.Int64 // number of the last cable

	mu       sync.Mutex
	machines map[string]*Machine // that run
	booting  map[string]bool
	closing  bool
	plots    map[string]*plot // by name of a machine, running or not
	lastPlot int
	pool4    *pool
	pool6    *pool
	proxies  *pool
	faults   []worldfile.NetFault
}

// Open brings the world up around the calling process, which must be the main
// process of a Launch: bridge, gateway, resolver, the Mac's /etc. It boots no
// machine, and looks at network, dns, faults (those with net),
// variants.systemd_stub and the machines' fixed addresses only.
func Open(f worldfile.World) (*World, error) {
	if !InWorld() {
		return nil, errors.New("open a world: this process is not the main process of a Launch")
	}
	return open(f)
}

// open is Open for whoever is in fresh namespaces.
func open(f worldfile.World) (*World, error) {
	w := &World{
		stub: f.Variants.SystemdStub, machines: map[string]*Machine{}, booting: map[string]bool{}, plots: map[string]*plot{},
	}
	w.resolver = &resolver{onProxyUse: w.useProxy}
	var err error
	if w.nft, err = findNft(); err != nil {
		return nil, err
	}
	if w.plan, err = newAddressing(f.Network); err != nil {
		return nil, err
	}
	if err := errors.Join(w.resolver.setRecords(f.DNS), w.setFaults(netFaults(f.Faults))); err != nil {
		return nil, err
	}
	w.pool4, w.pool6 = newPool(w.plan.subnet4, w.plan.gateway4), newPool(w.plan.subnet6)
	w.proxies = newPool(w.plan.proxy4)
	if err := onlyLoopback(); err != nil {
		return nil, err
	}
	if err := w.bringUp(f.Machines); err != nil {
		_ = w.servers.close()
		_ = w.takeDown() // as far as it came
		return nil, err
	}
	return w, nil
}

// bringUp changes the namespaces.
func (w *World) bringUp(machines []worldfile.Machine) (err error) {
	if w.bridge, err = setUpBridge(w.plan); err != nil {
		return err
	}
	if err := w.openFiles(); err != nil {
		return err
	}
	for _, m := range machines { // fixed addresses first, so that nobody else gets them
		if m.IP4 != "" || m.IP6 != "" {
			if _, err := w.plotFor(m); err != nil {
				return err
			}
		}
	}
	for _, at := range []netip.Addr{resolver4, oldResolver4} {
		if err := w.servers.serveDNS(at, w.resolver.handler(fromMachine)); err != nil {
			return err
		}
	}
	return w.servers.serveDNS(netip.MustParseAddr(loopback4), w.resolver.handler(fromMac))
}

// openFiles makes the world's own folder and the Mac's side of the file system.
func (w *World) openFiles() error {
	nested, manyUsers, err := userNamespace()
	if err != nil {
		return err
	}
	w.level, w.manyUsers = LevelUser, manyUsers
	if manyUsers {
		w.level = LevelRoot
	}
	if w.base, err = mountScratch(); err != nil {
		return err
	}
	if w.ca, err = newAuthority(); err != nil {
		return err
	}
	if w.cgroups, err = cgroupsFromEnv(); err != nil {
		return err
	}
	w.images = &images{base: w.base, userXattr: nested}
	if err := makeMacFolder(w.base); err != nil {
		return err
	}
	if err := replaceFile(w.CAFile(), string(w.ca.pem()), 0o644); err != nil {
		return err
	}
	return macSide(w.base, nested, w.ca.pem())
}

// Close halts every machine, stops the servers and takes the world down to the
// fresh namespaces that Open found. Boot must not be called any more.
func (w *World) Close() error {
	w.mu.Lock()
	w.closing = true
	w.mu.Unlock()
	machines := w.running()
	var errs []error
	for _, m := range machines { // all at once: each takes the kernel a while
		errs = append(errs, m.kill())
	}
	for _, m := range machines {
		errs = append(errs, m.Halt(context.Background()))
	}
	w.mu.Lock()
	for _, p := range w.plots {
		p.unplugging.Wait()
	}
	w.mu.Unlock()
	return errors.Join(append(errs, w.servers.close(), w.takeDown())...)
}

// takeDown undoes what open did to the namespaces.
func (w *World) takeDown() error {
	errs := []error{removeBridge(), w.dropRules()}
	for _, mount := range []string{"/etc", w.base} {
		if err := unix.Unmount(mount, unix.MNT_DETACH); err != nil {
			errs = append(errs, fmt.Errorf("unmount %s: %w", mount, err))
		}
	}
	return errors.Join(errs...)
}

// Level is LevelUser or LevelRoot.
func (w *World) Level() int { return w.level }

// Dir is an empty folder for the caller's own files (the Mac's home, sockets),
// in memory, gone with the world.
func (w *World) Dir() string { return filepath.Join(w.base, "home") }

// CAFile is the PEM file of the world's certificate authority.
func (w *World) CAFile() string { return filepath.Join(w.base, "ca.pem") }

// Machine is the running machine of that name, or nil.
func (w *World) Machine(name string) *Machine {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.machines[name]
}

func (w *World) running() []*Machine {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := make([]*Machine, 0, len(w.machines))
	for _, m := range w.machines {
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b *Machine) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// SetDNS replaces the scripted records; on an error (a record that is not one)
// the old ones stay.
func (w *World) SetDNS(records []worldfile.Record) error { return w.resolver.setRecords(records) }

// SetNetFaults replaces the network faults, for machines that run and those that will.
func (w *World) SetNetFaults(faults []worldfile.NetFault) error {
	if err := w.setFaults(faults); err != nil {
		return err
	}
	var errs []error
	for _, m := range w.running() {
		if err := m.renewFaults(faultsOf(m.Name, faults)); err != nil {
			errs = append(errs, fmt.Errorf("network faults of %s: %w", m.Name, err))
		}
	}
	return errors.Join(errs...)
}

func (w *World) setFaults(faults []worldfile.NetFault) error {
	for _, f := range faults {
		if err := checkFault(f); err != nil {
			return err
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults = faults
	return nil
}

func (w *World) faultsFor(machine string) []worldfile.NetFault {
	w.mu.Lock()
	defer w.mu.Unlock()
	return faultsOf(machine, w.faults)
}

func netFaults(faults []worldfile.Fault) []worldfile.NetFault {
	var net []worldfile.NetFault
	for _, f := range faults {
		if f.Net != nil {
			net = append(net, *f.Net)
		}
	}
	return net
}
