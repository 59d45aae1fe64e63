package namespaces

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

const (
	leaseSeconds = 129045 // what is left of the DHCP lease, as in testdata/guest-ip.old-subnet.txt
	guestMetric  = 100    // systemd-networkd's for a wired link
)

// guestNet is the network of one machine.
type guestNet struct {
	addressing
	hostLink string // the bridge's end of the cable, in the world
	mac      net.HardwareAddr
	ip4, ip6 netip.Addr // ip6 is not valid in a machine without IPv6
	allGIDs  bool       // the user namespace has more groups than one
}

// plug makes the cable between the bridge and a machine's network namespace.
// The world's end gets a name that no other machine has.
func (g guestNet) plug(bridge, pid int) error {
	cable := &netlink.Veth{
		LinkAttrs: netlink.LinkAttrs{Name: g.hostLink, MasterIndex: bridge, MTU: 1500, TxQLen: -1},
		PeerName:  guestNIC, PeerNamespace: netlink.NsPid(pid), PeerHardwareAddr: g.mac, PeerMTU: 1500, PeerTxQLen: -1,
	}
	if err := netlink.LinkAdd(cable); err != nil {
		return fmt.Errorf("plug the machine in (kernel module veth): %w", err)
	}
	return up(g.hostLink)
}

// unplug takes the cable away. The kernel does it too, some time after the
// machine's network namespace has lost its last user.
func (g guestNet) unplug() error {
	l, err := netlink.LinkByName(g.hostLink)
	if err == nil {
		err = netlink.LinkDel(l)
	}
	if err != nil && !errors.As(err, new(netlink.LinkNotFoundError)) && !errors.Is(err, unix.ENODEV) {
		return fmt.Errorf("unplug %s: %w", g.hostLink, err)
	}
	return nil
}

// configure brings the network up inside the machine, on a thread that is in
// there: addresses and routes as DHCP gives them on OrbStack
// (docs/orbctl-contract.md §6). It can be repeated.
func (g guestNet) configure() error {
	if err := noDuplicateDetection(guestNIC); err != nil {
		return err
	}
	// Unprivileged ping. Groups that the user namespace does not have can't be named.
	groups := "0 0"
	if g.allGIDs {
		groups = "0 2147483647"
	}
	if err := sysctl("net/ipv4/ping_group_range", groups); err != nil {
		return err
	}
	// Linux answers one peer with so few refusals a second that tests side by side would
	// take some of them for silence.
	for _, key := range []string{"net/ipv4/icmp_ratelimit", "net/ipv6/icmp/ratelimit"} {
		if err := sysctl(key, "0"); err != nil {
			return err
		}
	}
	if err := up("lo"); err != nil {
		return err
	}
	eth, err := netlink.LinkByName(guestNIC)
	if err != nil {
		return fmt.Errorf("find eth0: %w", err)
	}
	link := eth.Attrs().Index
	if err := netlink.LinkSetUp(eth); err != nil {
		return fmt.Errorf("bring up eth0: %w", err)
	}
	if err := addAddress(link, address{
		prefix: netip.PrefixFrom(g.ip4, g.subnet4.Bits()), metric: guestMetric, seconds: leaseSeconds,
	}); err != nil {
		return err
	}
	if g.ip6.IsValid() {
		if err := addAddress(link, address{
			prefix: netip.PrefixFrom(g.ip6, 64), flags: unix.IFA_F_NOPREFIXROUTE | unix.IFA_F_MANAGETEMPADDR,
		}); err != nil {
			return err
		}
	}
	for _, r := range g.routes(link) {
		if err := netlink.RouteReplace(&r); err != nil {
			return fmt.Errorf("add route %s: %w", r, err)
		}
	}
	return nil
}

// routes are those of a DHCP lease and a router advertisement, beside the
// subnet's, which the kernel adds with the address. Gateways come after the
// links that lead to them.
func (g guestNet) routes(link int) []netlink.Route {
	dhcp := netlink.Route{LinkIndex: link, Protocol: unix.RTPROT_DHCP, Src: g.ip4.AsSlice(), Priority: guestMetric}
	gateway, resolver, world := dhcp, dhcp, dhcp
	gateway.Dst, gateway.Scope = ipNet(netip.PrefixFrom(g.gateway4, 32)), netlink.SCOPE_LINK
	resolver.Dst, resolver.Gw = ipNet(netip.PrefixFrom(g.resolver4, 32)), g.gateway4.AsSlice()
	world.Gw = g.gateway4.AsSlice()
	routes := []netlink.Route{gateway, resolver, world}
	if g.ip6.IsValid() {
		ra := netlink.Route{LinkIndex: link, Protocol: unix.RTPROT_RA, Priority: guestMetric}
		subnet, world6 := ra, ra
		subnet.Dst = ipNet(g.subnet6)
		world6.Gw = g.gateway6.AsSlice()
		routes = append(routes, subnet, world6)
	}
	return routes
}

// linkDown and noRoutes are faults, on a thread inside the machine.
func linkDown() error {
	eth, err := netlink.LinkByName(guestNIC)
	if err == nil {
		err = netlink.LinkSetDown(eth)
	}
	if err != nil {
		return fmt.Errorf("take eth0 down: %w", err)
	}
	return nil
}

// noRoutes leaves the addresses, and no way to anywhere but the machine itself.
func noRoutes() error {
	eth, err := netlink.LinkByName(guestNIC)
	if err != nil {
		return fmt.Errorf("find eth0: %w", err)
	}
	routes, err := netlink.RouteList(eth, unix.AF_UNSPEC)
	if err != nil {
		return fmt.Errorf("list routes: %w", err)
	}
	for _, r := range routes {
		if err := netlink.RouteDel(&r); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("delete route %s: %w", r, err)
		}
	}
	return nil
}
