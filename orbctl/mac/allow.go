package mac

import (
	"net/netip"
	"slices"
	"strings"

	"orbstack-mcp/orbctl/guest"
)

// Allow is what may be reached from the Mac.
type Allow struct {
	Names     []string     // such as web.orb.local: they have to lead to the neighbourhood of Addresses
	Addresses []netip.Addr // exactly these
}

// host reports whether a leg may be asked for at all.
func (a Allow) host(host string) bool {
	if addr, err := netip.ParseAddr(host); err == nil {
		return slices.Contains(a.Addresses, addr)
	}
	return slices.ContainsFunc(a.Names, func(n string) bool { return strings.EqualFold(n, host) })
}

// address reports whether what a name resolved to may be dialled: whoever
// answers for the name must not be able to point elsewhere. The proxy address of
// a machine is in OrbStack's network.subnet4, as the machine's own is
// (docs/orbctl-contract.md §6); how long that prefix is, nobody tells here, so
// it is taken to be 16 bits at least, and 48 for IPv6. While a machine's
// addresses are not known, any private one will do.
func (a Allow) address(addr netip.Addr) bool {
	if slices.Contains(a.Addresses, addr) {
		return true
	}
	if len(a.Addresses) == 0 {
		return guest.PrivateAddr(addr)
	}
	return slices.ContainsFunc(a.Addresses, func(own netip.Addr) bool {
		bits := 48
		if own.Is4() {
			bits = 16
		}
		near, err := own.Prefix(bits)
		return err == nil && own.Is4() == addr.Is4() && near.Contains(addr) && guest.PrivateAddr(addr)
	})
}
