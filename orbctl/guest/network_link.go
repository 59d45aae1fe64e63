package guest

import (
	"net"
	"net/netip"
	"strings"
)

// A linkSet collects interfaces by name and keeps the order they came in.
type linkSet struct {
	order  []*Interface
	byName map[string]*Interface
}

func (s *linkSet) get(name string) *Interface {
	name = linkName(name)
	if link, ok := s.byName[name]; ok {
		return link
	}
	if s.byName == nil {
		s.byName = map[string]*Interface{}
	}
	link := &Interface{Name: name, State: "unknown"}
	s.byName[name] = link
	s.order = append(s.order, link)
	return link
}

func (s *linkSet) all() []Interface {
	links := make([]Interface, 0, len(s.order))
	for _, link := range s.order {
		links = append(links, *link)
	}
	return links
}

// linkName is an interface's name without its peer: eth0@if8 is eth0.
func linkName(s string) string {
	s, _, _ = strings.Cut(s, "@")
	return word(s)
}

// macAddress is s as a hardware address of Ethernet, or "": loopback and
// tunnels have none, or zeros.
func macAddress(s string) string {
	mac, err := net.ParseMAC(s)
	if err != nil || len(mac) != 6 || mac.String() == "00:00:00:00:00:00" {
		return ""
	}
	return mac.String()
}

// parseAddr reads an address. A zone must be a sane interface name: netip takes
// anything.
func parseAddr(s string) (netip.Addr, bool) {
	address, err := netip.ParseAddr(s)
	if err != nil || !saneZone(address.Zone()) {
		return netip.Addr{}, false
	}
	return address.Unmap(), true
}

func saneZone(zone string) bool {
	for _, r := range zone {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', strings.ContainsRune("._-", r):
		default:
			return false
		}
	}
	return len(zone) <= 15 // IFNAMSIZ
}

// parsePrefix reads an address with its length, or one that stands alone.
func parsePrefix(s string) (netip.Prefix, bool) {
	if prefix, err := netip.ParsePrefix(s); err == nil {
		return prefix, true
	}
	address, ok := parseAddr(s)
	if !ok {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(address.WithZone(""), address.BitLen()), true
}
