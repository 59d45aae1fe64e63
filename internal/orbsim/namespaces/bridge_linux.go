package namespaces

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

const bridgeName = "br0"

// setUpBridge makes the network of the world's own namespace: the bridge with
// the gateway's, the resolver's and the Mac's addresses, and the way to the
// proxy addresses, which only exist in the firewall.
func setUpBridge(a addressing) (index int, err error) {
	if err := noDuplicateDetection(); err != nil {
		return 0, err
	}
	if err := up("lo"); err != nil {
		return 0, err
	}
	if err := netlink.LinkAdd(&netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: bridgeName}}); err != nil {
		return 0, fmt.Errorf("make the bridge (kernel module bridge): %w", err)
	}
	br, err := netlink.LinkByName(bridgeName)
	if err != nil {
		return 0, fmt.Errorf("find the bridge: %w", err)
	}
	index = br.Attrs().Index
	for _, p := range []netip.Prefix{
		netip.PrefixFrom(a.gateway4, a.subnet4.Bits()), netip.PrefixFrom(a.gateway6, a.subnet6.Bits()),
		netip.PrefixFrom(resolver4, 32), netip.PrefixFrom(oldResolver4, 32), netip.PrefixFrom(mac4, 32),
	} {
		if err := addAddress(index, address{prefix: p}); err != nil {
			return 0, err
		}
	}
	if err := up(bridgeName); err != nil {
		return 0, err
	}
	proxies := netlink.Route{LinkIndex: index, Dst: ipNet(a.proxy4), Src: a.gateway4.AsSlice(), Scope: netlink.SCOPE_LINK}
	if err := netlink.RouteReplace(&proxies); err != nil {
		return 0, fmt.Errorf("route to the proxy addresses: %w", err)
	}
	return index, nil
}

func removeBridge() error {
	br, err := netlink.LinkByName(bridgeName)
	if err == nil {
		err = netlink.LinkDel(br)
	}
	if err != nil {
		return fmt.Errorf("remove the bridge: %w", err)
	}
	return nil
}

// onlyLoopback protects the host: a namespace with a network card is not a new world's.
func onlyLoopback() error {
	links, err := netlink.LinkList()
	if err != nil {
		return fmt.Errorf("list network interfaces: %w", err)
	}
	for _, l := range links {
		switch l.Type() {
		case "ipip", "sit", "ip6tnl", "gre", "gretap", "erspan", "vti", "vti6", "ip6gre", "ip6gretap": // modules put them in every namespace
			continue
		}
		if n := l.Attrs().Name; n != "lo" {
			return fmt.Errorf("this network namespace has %s already: there is another world here, or it is the host's own", n)
		}
	}
	return nil
}

// noDuplicateDetection makes IPv6 addresses usable at once instead of after a
// second, for links to come of this thread's network namespace and for those named.
func noDuplicateDetection(links ...string) error {
	for _, which := range append([]string{"all", "default"}, links...) {
		for key, value := range map[string]string{"accept_dad": "0", "disable_ipv6": "0", "accept_ra": "0"} {
			if err := sysctl("net/ipv6/conf/"+which+"/"+key, value); err != nil {
				return err
			}
		}
	}
	return nil
}

// sysctl sets a kernel parameter; those below net/ are this thread's network namespace's.
func sysctl(key, value string) error {
	if err := os.WriteFile("/proc/sys/"+key, []byte(value), 0); err != nil {
		return fmt.Errorf("sysctl %s=%s: %w", strings.ReplaceAll(key, "/", "."), value, err)
	}
	return nil
}

func up(name string) error {
	l, err := netlink.LinkByName(name)
	if err == nil {
		err = netlink.LinkSetUp(l)
	}
	if err != nil {
		return fmt.Errorf("bring up %s: %w", name, err)
	}
	return nil
}

// address is one to add to an interface, with what netlink.Addr has no field for.
type address struct {
	prefix  netip.Prefix
	metric  uint32 // of the route to the subnet that the kernel adds; 0 is the kernel's choice
	flags   uint32 // unix.IFA_F_…
	seconds uint32 // how long it is valid; 0 is forever
}

// addAddress adds or replaces an address.
func addAddress(link int, a address) error {
	ip := a.prefix.Addr()
	family := unix.AF_INET6
	if ip.Is4() {
		family = unix.AF_INET
	}
	req := nl.NewNetlinkRequest(unix.RTM_NEWADDR, unix.NLM_F_CREATE|unix.NLM_F_REPLACE|unix.NLM_F_ACK)
	msg := nl.NewIfAddrmsg(family)
	msg.Index, msg.Prefixlen = uint32(link), uint8(a.prefix.Bits())
	req.AddData(msg)
	req.AddData(nl.NewRtAttr(unix.IFA_LOCAL, ip.AsSlice()))
	req.AddData(nl.NewRtAttr(unix.IFA_ADDRESS, ip.AsSlice()))
	if ip.Is4() && a.prefix.Bits() < 31 {
		req.AddData(nl.NewRtAttr(unix.IFA_BROADCAST, lastAddr(a.prefix.Masked()).AsSlice()))
	}
	if a.flags != 0 {
		req.AddData(nl.NewRtAttr(unix.IFA_FLAGS, nl.Uint32Attr(a.flags)))
	}
	if a.metric != 0 {
		req.AddData(nl.NewRtAttr(unix.IFA_RT_PRIORITY, nl.Uint32Attr(a.metric)))
	}
	if a.seconds != 0 {
		life := nl.IfaCacheInfo{IfaCacheinfo: unix.IfaCacheinfo{Valid: a.seconds, Prefered: a.seconds}} //nolint:misspell // the kernel's spelling
		req.AddData(nl.NewRtAttr(unix.IFA_CACHEINFO, life.Serialize()))
	}
	if _, err := req.Execute(unix.NETLINK_ROUTE, 0); err != nil {
		return fmt.Errorf("add address %s: %w", a.prefix, err)
	}
	return nil
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}
