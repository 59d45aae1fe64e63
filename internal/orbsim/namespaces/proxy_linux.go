package namespaces

import (
	"fmt"
	"net/netip"
	"strings"
)

// The proxy addresses cost one run of nft each, so a machine's starts to work
// when the Mac first asks for it: by its name, or through Proxy4.

// Proxy4 is the address that NAME.orb.local has on the Mac's side, and makes it
// work; it is not valid for a machine that does not run.
func (w *World) Proxy4(name string) netip.Addr {
	m := w.Machine(name)
	if m == nil || w.useProxy(name) != nil {
		return netip.Addr{}
	}
	return m.plot.proxy4
}

// useProxy makes the proxy address of a running machine work; name may be in
// any case, as name service has it. When it returns, the address works, also
// where another caller came first.
func (w *World) useProxy(name string) error {
	for _, m := range w.running() {
		if strings.EqualFold(m.Name, name) {
			w.rules.Lock()
			defer w.rules.Unlock()
			if m.proxied.Swap(true) {
				return nil
			}
			return w.applyProxies()
		}
	}
	return fmt.Errorf("machine %s is not running", name)
}

// renewRules writes the world's firewall anew after a machine that has
// something in it came or went.
func (w *World) renewRules() error {
	w.rules.Lock()
	defer w.rules.Unlock()
	return w.applyProxies()
}

// applyProxies is renewRules for a caller that holds w.rules.
func (w *World) applyProxies() error {
	var rows []proxied
	for _, m := range w.running() {
		row := proxied{
			machine: m.IP4, machine6: m.IP6, http: m.config.HTTPPort, https: m.config.HTTPSPort,
			isolated: m.config.IsolateNetwork, bridgeInterface: m.net.hostLink,
		}
		if m.proxied.Load() {
			row.proxy = m.plot.proxy4
		}
		if row.isolated || row.proxy.IsValid() {
			rows = append(rows, row)
		}
	}
	w.walled = true
	return applyRules(w.nft, worldRules(rows))
}

// dropRules leaves the world's namespace without a firewall, as it was.
func (w *World) dropRules() error {
	w.rules.Lock()
	defer w.rules.Unlock()
	if !w.walled {
		return nil
	}
	return applyRules(w.nft, worldRules(nil))
}
