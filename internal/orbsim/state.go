package orbsim

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"orbstack-mcp/internal/orbsim/worldfile"
)

// machine is one machine of the daemon. Its fields are guarded by Daemon.mu;
// op is held by whoever boots, halts, renames or deletes it.
type machine struct {
	op     sync.Mutex
	spec   worldfile.Machine // State, and what settings say, are kept here
	guest  Guest             // nil when it does not run
	booted time.Time
	// userData is the SHA-256 of what create -c was given.
	userData string
	// gone is set when it was deleted while somebody waited for op.
	gone bool
}

// States of a machine [seen]; creating is one of the words that a client must
// take as open.
const (
	stateRunning  = "running"
	stateStopped  = "stopped"
	stateCreating = "creating"
)

// byName finds a machine; the caller holds d.mu.
func (d *Daemon) byName(name string) *machine {
	i := slices.IndexFunc(d.machines, func(m *machine) bool { return m.spec.Name == name })
	if i < 0 {
		return nil
	}
	return d.machines[i]
}

// find takes a name or an ID, as orbctl does.
func (d *Daemon) find(nameOrID string) (*machine, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if m := d.byName(nameOrID); m != nil {
		return m, nil
	}
	for _, m := range d.machines {
		if m.spec.ID == nameOrID {
			return m, nil
		}
	}
	return nil, fail(1, "[-32098] machine not found: '%s'", nameOrID)
}

// boot starts a machine, or does nothing when it runs. booted says which.
func (d *Daemon) boot(ctx context.Context, m *machine) (booted bool, err error) {
	m.op.Lock()
	defer m.op.Unlock()
	return d.bootLocked(ctx, m)
}

func (d *Daemon) bootLocked(ctx context.Context, m *machine) (booted bool, err error) {
	d.mu.Lock()
	spec, running, gone := m.spec, m.guest != nil, m.gone
	d.mu.Unlock()
	if gone {
		return false, fail(1, "[-32098] machine not found: '%s'", spec.Name)
	}
	if running {
		return false, nil
	}
	guest, err := d.engine.Boot(ctx, spec)
	if err != nil {
		return false, fail(1, "[-32098] start '%s': %v", spec.Name, err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	m.guest, m.booted, m.spec.State = guest, time.Now(), stateRunning
	return true, nil
}

// halt stops a machine, or does nothing when it is stopped.
func (d *Daemon) halt(ctx context.Context, m *machine) (halted bool, err error) {
	m.op.Lock()
	defer m.op.Unlock()
	return d.haltLocked(ctx, m)
}

func (d *Daemon) haltLocked(ctx context.Context, m *machine) (halted bool, err error) {
	d.mu.Lock()
	guest, name := m.guest, m.spec.Name
	d.mu.Unlock()
	if guest == nil {
		return false, nil
	}
	if err := guest.Halt(ctx); err != nil {
		return false, fail(1, "[-32098] stop '%s': %v", name, err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	m.guest, m.spec.State = nil, stateStopped
	return true, nil
}

// all is the machines as they stand, in their order.
func (d *Daemon) all() []*machine {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.machines)
}

// startOrbStack brings the whole of OrbStack up: the machines that ran when it
// went down run again.
func (d *Daemon) startOrbStack(ctx context.Context) (started bool, err error) {
	d.mu.Lock()
	if d.status == statusRunning {
		d.mu.Unlock()
		return false, nil
	}
	d.status = statusRunning
	resume := d.resume
	d.resume = nil
	d.mu.Unlock()
	return true, d.each(resume, func(m *machine) error { _, err := d.boot(ctx, m); return err })
}

// stopOrbStack takes everything down, and says whether it was up. Which machines
// ran is what the next start wants to know; only where it was up do they say so.
func (d *Daemon) stopOrbStack(ctx context.Context) (stopped bool, err error) {
	d.mu.Lock()
	before := d.status
	d.status = statusStopped
	if before == statusRunning {
		d.resume = nil
		for _, m := range d.machines {
			if m.spec.State == stateRunning {
				d.resume = append(d.resume, m)
			}
		}
	}
	d.mu.Unlock()
	// Once more where it was down: whoever took it down may still be at it.
	return before != statusStopped, d.each(d.all(), func(m *machine) error { _, err := d.halt(ctx, m); return err })
}

// each does f for all machines at once and gives all errors.
func (d *Daemon) each(machines []*machine, f func(*machine) error) error {
	errs := make([]error, len(machines))
	var wg sync.WaitGroup
	for i, m := range machines {
		wg.Go(func() { errs[i] = f(m) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// add makes a machine known and reserves its addresses; the name must be free.
func (d *Daemon) add(spec worldfile.Machine) (*machine, error) {
	m, err := d.claim(spec)
	if err != nil {
		return nil, err
	}
	if err := d.settle(m); err != nil {
		d.forget(m)
		return nil, err
	}
	return m, nil
}

// claim takes the name, with the spec's defaults filled in.
func (d *Daemon) claim(spec worldfile.Machine) (*machine, error) {
	m := &machine{spec: spec.Filled()}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.byName(m.spec.Name) != nil {
		return nil, fail(1, "machine already exists: '%s'", m.spec.Name)
	}
	d.machines = append(d.machines, m)
	return m, nil
}

// settle reserves the addresses of a machine that claim made.
func (d *Daemon) settle(m *machine) error {
	d.mu.Lock()
	spec := m.spec
	d.mu.Unlock()
	ip4, ip6, err := d.engine.Addresses(spec)
	if err != nil {
		return fmt.Errorf("addresses of %s: %w", spec.Name, err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	m.spec.IP4 = ip4.String()
	if ip6.IsValid() {
		m.spec.IP6 = ip6.String()
	}
	if d.fallback == "" {
		d.fallback = m.spec.Name
	}
	return nil
}

// forget takes back a claim.
func (d *Daemon) forget(m *machine) {
	d.mu.Lock()
	defer d.mu.Unlock()
	m.gone = true
	d.machines = slices.DeleteFunc(d.machines, func(x *machine) bool { return x == m })
}

// drop is the end of a machine that was deleted.
func (d *Daemon) drop(m *machine) {
	d.forget(m)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.resume = slices.DeleteFunc(d.resume, func(x *machine) bool { return x == m })
	if d.fallback == m.spec.Name {
		d.fallback = "none"
	}
	// The user name of a machine that is gone stays listed [seen], until there is
	// one of that name again.
	d.config[usernameKey(m.spec.Name)] = m.spec.DefaultUsername
}

func usernameKey(machine string) string { return "machine." + machine + ".username" }

// newID is a fresh ULID of this moment.
func newID() string {
	const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	id := make([]byte, 26)
	ms := time.Now().UnixMilli()
	for i := 9; i >= 0; i-- {
		id[i] = crockford[ms&31]
		ms >>= 5
	}
	var random [16]byte
	_, _ = rand.Read(random[:]) // never fails (Go 1.24)
	for i, b := range random {
		id[10+i] = crockford[b&31]
	}
	return string(id)
}
