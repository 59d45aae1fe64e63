package guest

import (
	"cmp"
	"net/netip"
	"slices"
	"time"
)

// Bounds of a NetworkFactsReport; Cut says what they left out.
const (
	MaxInterfaces    = 64
	MaxAddresses     = 32 // of one interface
	MaxDefaultRoutes = 16
	MaxDNSServers    = 16
	MaxSearchDomains = 32
)

// NetworkFactsReport is what a machine knows of its own network. What is not
// in it and could not be read is in Missing.
type NetworkFactsReport struct {
	Hostname   string
	Interfaces []Interface // in the kernel's order
	Defaults   []Route     // default routes of both families, the preferred one of each first
	Gateway4   netip.Addr  // of the preferred default routes; zero without one
	Gateway6   netip.Addr
	Device     string       // the interface of the default route, or eth0
	Subnet4    netip.Prefix // the on-link IPv4 network of Device, else of eth0; zero without one
	Resolver   Resolver
	MacFiles   MacFiles

	Missing []Missing
	Cut     map[string]int // part → how many entries were left out; nil when none
}

// An Interface is one network interface of the machine.
type Interface struct {
	Name      string
	MTU       int            // 0: unknown
	MAC       string         // aa:bb:cc:dd:ee:ff; "" where the interface has none
	State     string         // up, down, unknown: operstate in lower case
	Addresses []netip.Prefix // an address with its prefix length, not masked
}

// A Route is a default route.
type Route struct {
	Gateway netip.Addr // zero: straight onto the link
	Device  string
	Metric  int64
	IPv6    bool // family of the destination; an IPv4 route may have an IPv6 gateway
}

// MacFiles says whether the Mac's files are visible in the machine at /mnt/mac:
// isolation as seen from inside.
type MacFiles struct {
	Known   bool // false: see Missing
	Present bool // the path exists
	Mounted bool // something is mounted there
}

// NetworkFacts asks for a NetworkFactsReport.
func NetworkFacts() (Script, []string, time.Duration) {
	return load("network"), nil, 10 * time.Second
}

// ParseNetworkFacts reads what the script of NetworkFacts printed. The error is
// ErrNoAnswer; everything less than that is in Missing.
func ParseNetworkFacts(t Transcript) (NetworkFactsReport, error) {
	n, err := newNotes(t)
	if err != nil {
		return NetworkFactsReport{}, err
	}
	var r NetworkFactsReport
	if text, ok := n.section("hostname", "hostname"); ok {
		r.Hostname = word(text)
	}
	links, routes := readLinks(n)
	r.setRoutes(n, links, routes)
	r.Resolver = readResolver(n)
	r.MacFiles = readMacFiles(n)
	r.Missing, r.Cut = n.gaps()
	return r, nil
}

// setRoutes fills in what follows from interfaces and routes taken together.
func (r *NetworkFactsReport) setRoutes(n *notes, links []Interface, routes []route) {
	for _, route := range routes {
		if route.isDefault() {
			r.Defaults = append(r.Defaults, route.Route)
		}
	}
	slices.SortStableFunc(r.Defaults, preferred)
	r.Gateway4, r.Device = gateway(r.Defaults, false)
	gateway6, device6 := gateway(r.Defaults, true)
	r.Gateway6 = gateway6
	if r.Device == "" {
		r.Device = device6
	}
	if r.Device == "" && slices.ContainsFunc(links, func(l Interface) bool { return l.Name == "eth0" }) {
		r.Device = "eth0"
	}
	r.Subnet4 = subnet4(r.Device, links, routes)
	if !r.Subnet4.IsValid() { // a VPN's point-to-point device has the default route
		r.Subnet4 = subnet4("eth0", links, routes)
	}

	r.Defaults = firsts(n, "default_routes", r.Defaults, MaxDefaultRoutes)
	for i := range links {
		links[i].Addresses = firsts(n, "addresses", links[i].Addresses, MaxAddresses)
	}
	r.Interfaces = firsts(n, "interfaces", links, MaxInterfaces)
}

// preferred orders default routes: IPv4 before IPv6, then by metric.
func preferred(a, b Route) int {
	family := func(r Route) int {
		if r.IPv6 {
			return 6
		}
		return 4
	}
	return cmp.Or(cmp.Compare(family(a), family(b)), cmp.Compare(a.Metric, b.Metric))
}

// gateway is the next hop and the device of the preferred default route of a
// family.
func gateway(defaults []Route, ipv6 bool) (netip.Addr, string) {
	for _, route := range defaults {
		if route.IPv6 == ipv6 {
			return route.Gateway, route.Device
		}
	}
	return netip.Addr{}, ""
}

// subnet4 is the network that a device's first IPv4 address lies in. An address
// that stands alone (/32) says nothing: then an on-link route does.
func subnet4(device string, links []Interface, routes []route) netip.Prefix {
	for _, link := range links {
		if link.Name != device {
			continue
		}
		for _, address := range link.Addresses {
			if address.Addr().Is4() && address.Bits() < 32 {
				return address.Masked()
			}
		}
	}
	for _, route := range routes {
		if route.Device == device && !route.Gateway.IsValid() && route.to.Addr().Is4() && route.to.Bits() > 0 && route.to.Bits() < 32 {
			return route.to.Masked()
		}
	}
	return netip.Prefix{}
}
