package guest

import (
	"net/netip"
	"slices"
)

// privateNets are where OrbStack's machines and proxy addresses are: RFC 1918, RFC
// 4193, and RFC 2544's 198.18.0.0/15, where older installations are
// (docs/orbctl-contract.md §6).
var privateNets = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"),
	netip.MustParsePrefix("172.16.0.0/12"),
	netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("fc00::/7"),
}

// PrivateNet reports whether all of a network is where OrbStack's networks are.
func PrivateNet(p netip.Prefix) bool {
	return slices.ContainsFunc(privateNets, func(n netip.Prefix) bool { return n.Bits() <= p.Bits() && n.Contains(p.Addr()) })
}

// PrivateAddr reports whether an address without a zone is in one of them.
func PrivateAddr(a netip.Addr) bool {
	return slices.ContainsFunc(privateNets, func(n netip.Prefix) bool { return n.Contains(a) })
}
