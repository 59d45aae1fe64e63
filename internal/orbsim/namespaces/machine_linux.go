package namespaces

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"orbstack-mcp/internal/orbsim/worldfile"
)

// Machine is a machine that was booted.
type Machine struct {
	Name     string
	IP4, IP6 netip.Addr // IP6 is not valid with NoIP6
	Gateway4 netip.Addr

	world    *World
	config   worldfile.Machine
	plot     *plot
	net      guestNet
	users    []User
	group    *group
	services *services
	stub     nameServer
	init     *exec.Cmd
	pidfd    *os.File    // of init
	proxied  atomic.Bool // the Mac uses the proxy address
	faulty   atomic.Bool // the guest's firewall was ever written
	done     chan struct{}
}

// Running says whether the machine's PID 1 lives.
func (m *Machine) Running() bool {
	select {
	case <-m.done:
		return false
	default:
		return true
	}
}

// Done is closed when the machine is gone, by Halt or by its own doing.
func (m *Machine) Done() <-chan struct{} { return m.done }

// Users are the accounts that were made in the machine at its first boot: root,
// then the default user (when it is not root), then the others. LookupUser
// knows what the guest has made of them since.
func (m *Machine) Users() []User { return slices.Clone(m.users) }

// SetLimits has other limits of CPUs and memory hold at once. It is not to be
// called twice at a time.
func (m *Machine) SetLimits(limits worldfile.Limits) error {
	if !m.group.hold() {
		return m.gone()
	}
	defer m.group.release()
	if err := m.group.limit(m.config.Limits, limits); err != nil {
		return err
	}
	m.config.Limits = limits
	return nil
}

// Halt kills everything in the machine and waits until it is gone. Halting
// twice is fine.
func (m *Machine) Halt(ctx context.Context) error {
	if err := m.kill(); err != nil {
		return err
	}
	select {
	case <-m.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("halt %s: %w", m.Name, context.Cause(ctx))
	}
}

// kill sends SIGKILL to PID 1 of the machine's PID namespace, which the kernel
// passes on to everything in it.
func (m *Machine) kill() error {
	if err := m.init.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("halt %s: %w", m.Name, err)
	}
	return nil
}

// bury waits for the end of PID 1, and takes away what the machine had in the world.
func (m *Machine) bury() {
	_ = m.init.Wait() // how it ended does not matter
	w := m.world
	w.resolver.remove(m.Name)
	m.tearDown()
	w.mu.Lock()
	delete(w.machines, m.Name)
	closing := w.closing
	w.mu.Unlock()
	if !closing && (m.proxied.Load() || m.config.IsolateNetwork) {
		_ = w.renewRules() // rules for an address that nobody has do no harm
	}
	close(m.done)
}

// tearDown closes everything but init. What fails here is gone with the
// machine's namespaces anyway.
func (m *Machine) tearDown() {
	_ = m.services.close()
	_ = m.stub.close()
	// The kernel takes its time over it when other machines go too. Who wants the
	// machine's addresses next waits for it: until then it answers to them.
	m.plot.unplugging.Go(func() { _ = m.net.unplug() })
	if m.group != nil {
		m.group.close()
	}
	if m.pidfd != nil {
		_ = m.pidfd.Close()
	}
}

// inside runs f on a thread in the machine's namespaces.
func (m *Machine) inside(flags int, f func() error) error {
	err := inside(m.pidfd, flags, f)
	if errors.Is(err, errGone) {
		return m.gone()
	}
	return err
}

func (m *Machine) gone() error { return fmt.Errorf("machine %s is not running", m.Name) }

// network brings up addresses, faults, listeners and the stub resolver.
func (m *Machine) network(bridge int) error {
	if err := m.net.plug(bridge, m.init.Process.Pid); err != nil {
		return err
	}
	faults := m.world.faultsFor(m.Name)
	return m.inside(unix.CLONE_NEWNET, func() error {
		if err := m.net.configure(); err != nil {
			return err
		}
		for _, l := range m.config.Listeners {
			if err := m.services.listen(l); err != nil {
				return err
			}
		}
		if m.world.stub {
			if err := m.stub.serveDNS(netip.MustParseAddr(stubAddress), stub(m.pidfd, m.net.resolver4)); err != nil {
				return err
			}
		}
		return m.applyFaults(faults)
	})
}

// applyFaults breaks a network that is configured, on a thread inside.
func (m *Machine) applyFaults(faults []worldfile.NetFault) error {
	if hasFault(faults, "drop", "reject", "loss") || m.faulty.Load() {
		m.faulty.Store(true)
		if err := applyRules(m.world.nft, guestRules(faults)); err != nil {
			return err
		}
	}
	if hasFault(faults, "no_route") {
		if err := noRoutes(); err != nil {
			return err
		}
	}
	if hasFault(faults, "link_down") {
		return linkDown()
	}
	return nil
}

// renewFaults mends the network of a running machine and breaks it as wanted.
func (m *Machine) renewFaults(faults []worldfile.NetFault) error {
	err := m.inside(unix.CLONE_NEWNET, func() error {
		if err := m.net.configure(); err != nil {
			return err
		}
		return m.applyFaults(faults)
	})
	if !m.Running() {
		return nil
	}
	return err
}

// certificate is for the machine's own https listeners.
func (m *Machine) certificate(kind string) (tls.Certificate, error) {
	return m.world.ca.serverCertificate(kind, m.Name, m.IP4, m.IP6,
		netip.MustParseAddr("127.0.0.1"), netip.IPv6Loopback(), m.plot.proxy4)
}
