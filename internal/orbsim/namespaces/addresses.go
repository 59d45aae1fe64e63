package namespaces

import (
	"crypto/sha256"
	"fmt"
	"net"
	"net/netip"

	"orbstack-mcp/internal/orbsim/worldfile"
)

// OrbStack's fixed addresses (docs/orbctl-contract.md §6). 0.0.0.0/8 is plain
// unicast for Linux since 5.3.
var (
	resolver4    = netip.MustParseAddr("0.250.250.200")
	mac4         = netip.MustParseAddr("0.250.250.254")
	oldSubnet4   = netip.MustParsePrefix("198.19.249.0/24") // of old installs,
	oldResolver4 = netip.MustParseAddr("198.19.248.200")    // which had their resolver here (testdata/guest-ip.old-subnet.txt)
)

// addressing is the plan of a world's addresses.
type addressing struct {
	subnet4, subnet6, proxy4 netip.Prefix
	gateway4, gateway6       netip.Addr
	resolver4                netip.Addr // as DHCP hands it to the guests
}

// newAddressing fills the zero values of n with those of a new install.
func newAddressing(n worldfile.Network) (addressing, error) {
	var a addressing
	var err error
	if a.subnet4, err = prefixOr(n.Subnet4, "192.168.139.0/24"); err != nil {
		return a, fmt.Errorf("network.subnet4: %w", err)
	}
	if a.subnet6, err = prefixOr(n.Subnet6, "fd07:b51a:cc66::/64"); err != nil {
		return a, fmt.Errorf("network.subnet6: %w", err)
	}
	if a.subnet6.Bits() != 64 {
		return a, fmt.Errorf("network.subnet6 %s: must be a /64, the machines' addresses are made from their MAC addresses", a.subnet6)
	}
	if a.proxy4, err = prefixOr(n.Proxy4, "192.168.138.0/24"); err != nil {
		return a, fmt.Errorf("network.proxy4: %w", err)
	}
	a.gateway4, a.gateway6 = a.subnet4.Addr().Next(), a.subnet6.Addr().Next()
	if n.Gateway4 != "" {
		if a.gateway4, err = netip.ParseAddr(n.Gateway4); err != nil {
			return a, fmt.Errorf("network.gateway4: %w", err)
		}
	}
	if !a.subnet4.Contains(a.gateway4) {
		return a, fmt.Errorf("network.gateway4 %s is not in network.subnet4 %s", a.gateway4, a.subnet4)
	}
	a.resolver4 = resolver4
	if a.subnet4 == oldSubnet4 {
		a.resolver4 = oldResolver4
	}
	return a, nil
}

func prefixOr(s, other string) (netip.Prefix, error) {
	if s == "" {
		s = other
	}
	p, err := netip.ParsePrefix(s)
	return p.Masked(), err
}

// pool hands out the addresses of a subnet, lowest first, and remembers whose
// they are.
type pool struct {
	subnet netip.Prefix
	owners map[netip.Addr]string
}

func newPool(subnet netip.Prefix, reserved ...netip.Addr) *pool {
	p := &pool{subnet: subnet, owners: map[netip.Addr]string{
		subnet.Addr(): "the network", lastAddr(subnet): "broadcast", subnet.Addr().Next(): "the gateway",
	}}
	for _, r := range reserved {
		p.owners[r] = "the gateway"
	}
	return p
}

// take reserves the wanted address, or the next free one when wanted is not valid.
func (p *pool) take(owner string, wanted netip.Addr) (netip.Addr, error) {
	if wanted.IsValid() {
		if other, used := p.owners[wanted]; used && other != owner {
			return netip.Addr{}, fmt.Errorf("address %s is taken by %s", wanted, other)
		}
		if !p.subnet.Contains(wanted) {
			return netip.Addr{}, fmt.Errorf("address %s is not in %s", wanted, p.subnet)
		}
		p.owners[wanted] = owner
		return wanted, nil
	}
	for a := p.subnet.Addr(); p.subnet.Contains(a); a = a.Next() {
		if _, used := p.owners[a]; !used {
			p.owners[a] = owner
			return a, nil
		}
	}
	return netip.Addr{}, fmt.Errorf("no address is left in %s", p.subnet)
}

func (p *pool) release(a netip.Addr) { delete(p.owners, a) }

// lastAddr is the broadcast address of an IPv4 subnet.
func lastAddr(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	a, _ := netip.AddrFromSlice(b) // b has a valid length
	return a
}

// macOf is a locally administered unicast MAC address made from a machine's
// name, so that a world has the same addresses every time.
func macOf(name string) net.HardwareAddr {
	sum := sha256.Sum256([]byte("eth0 of " + name))
	mac := net.HardwareAddr(sum[:6])
	mac[0] = mac[0]&^1 | 2
	return mac
}

// eui64 is the address in the /64 that a host with this MAC gives itself (RFC 4291 appendix A).
func eui64(subnet netip.Prefix, mac net.HardwareAddr) netip.Addr {
	b := subnet.Addr().As16()
	b[8], b[9], b[10], b[11] = mac[0]^2, mac[1], mac[2], 0xff
	b[12], b[13], b[14], b[15] = 0xfe, mac[3], mac[4], mac[5]
	return netip.AddrFrom16(b)
}

// macFromEUI64 is the MAC address that an address was made from; ok is false
// when it was not made from one.
func macFromEUI64(a netip.Addr) (mac net.HardwareAddr, ok bool) {
	b := a.As16()
	if b[11] != 0xff || b[12] != 0xfe {
		return nil, false
	}
	return net.HardwareAddr{b[8] ^ 2, b[9], b[10], b[13], b[14], b[15]}, true
}
