package guest

import (
	"encoding/hex"
	"iter"
	"net/netip"
	"strconv"
	"strings"
)

// Flags of a route in /proc/net/route and /proc/net/ipv6_route (linux/route.h).
const (
	routeUp     = 0x0001
	routeReject = 0x0200
)

// readProcLinks puts interfaces together from the kernel's files, for a guest
// with neither ip nor ifconfig. IPv4 addresses come from fib_trie, which does
// not say whose they are: the on-link routes do.
func readProcLinks(n *notes, routes []route) []Interface {
	var set linkSet
	if text, ok := n.section("dev", "interfaces"); ok {
		for line := range strings.Lines(text) {
			// Two lines of heading hold no colon; a name ends at the last one.
			if name, _, ok := strings.Cut(line, ":"); ok {
				set.get(strings.TrimSpace(name))
			}
		}
		missNoLinks(n, set.all(), text)
	}
	if text, ok := n.section("sysfs", "mtu, mac and state of interfaces"); ok {
		for line := range strings.Lines(text) {
			words := strings.Fields(line)
			if len(words) != 4 || set.byName[linkName(words[0])] == nil {
				continue // of another network namespace than ours
			}
			link := set.get(words[0])
			link.MTU, _ = strconv.Atoi(words[1])
			link.MAC = macAddress(words[2])
			if words[3] != "-" {
				link.State = word(words[3])
			}
		}
	}
	if text, ok := n.section("fib_trie", "IPv4 addresses"); ok {
		for _, address := range parseFIBTrie(text) {
			device, prefix := owner(address, routes)
			if device == "" {
				n.miss("IPv4 address "+address.String(), "no route on a link says which interface it belongs to")
				continue
			}
			link := set.get(device)
			link.Addresses = append(link.Addresses, prefix)
		}
	}
	if s, ok := n.transcript.Find("if_inet6"); ok && s.Exit > 0 {
		// A kernel without IPv6 has no such file, and nothing is missing.
	} else if text, ok := n.section("if_inet6", "IPv6 addresses"); ok {
		for device, prefix := range parseIfInet6(text) {
			link := set.get(device)
			link.Addresses = append(link.Addresses, prefix)
		}
	}
	return set.all()
}

// owner is the device whose on-link route holds an address, and the address with
// that route's length.
func owner(address netip.Addr, routes []route) (string, netip.Prefix) {
	if address.IsLoopback() {
		return "lo", netip.PrefixFrom(address, 8)
	}
	var best route
	for _, r := range routes {
		if !r.Gateway.IsValid() && r.to.IsValid() && r.to.Contains(address) && (!best.to.IsValid() || r.to.Bits() > best.to.Bits()) {
			best = r
		}
	}
	if !best.to.IsValid() || best.to.Bits() == 0 {
		return "", netip.Prefix{}
	}
	return best.Device, netip.PrefixFrom(address, best.to.Bits())
}

// parseFIBTrie reads the machine's own IPv4 addresses from /proc/net/fib_trie,
// where each stands once for each table:
//
//	|-- 192.168.139.5
//	   /32 host LOCAL
func parseFIBTrie(text string) []netip.Addr {
	var own []netip.Addr
	var leaf netip.Addr
	seen := map[netip.Addr]bool{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if s, ok := strings.CutPrefix(line, "|-- "); ok {
			leaf, _ = parseAddr(s)
			continue
		}
		if line == "/32 host LOCAL" && leaf.Is4() && !seen[leaf] && len(own) < MaxInterfaces*MaxAddresses {
			seen[leaf] = true
			own = append(own, leaf)
		}
	}
	return own
}

// parseIfInet6 reads /proc/net/if_inet6: address, index, length, scope, flags
// (all hexadecimal) and the device.
func parseIfInet6(text string) iter.Seq2[string, netip.Prefix] {
	return func(yield func(string, netip.Prefix) bool) {
		for line := range strings.Lines(text) {
			words := strings.Fields(line)
			if len(words) != 6 {
				continue
			}
			prefix, ok := hexPrefix6(words[0], words[2])
			if ok && !yield(words[5], prefix) {
				return
			}
		}
	}
}

// parseProcRoute4 reads /proc/net/route: device, destination, gateway, flags,
// RefCnt, Use, metric, mask; numbers of an address are in the machine's byte
// order, which is little endian on arm64 and amd64.
func parseProcRoute4(text string) []route {
	var routes []route
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) < 8 || len(routes) == maxRoutes {
			continue
		}
		to, ok1 := hexAddr4(words[1])
		gateway, ok2 := hexAddr4(words[2])
		mask, ok3 := hexAddr4(words[7])
		flags, err := strconv.ParseUint(words[3], 16, 32)
		if !ok1 || !ok2 || !ok3 || err != nil || flags&routeUp == 0 || flags&routeReject != 0 {
			continue
		}
		length, err := strconv.Atoi(maskLength(mask.String()))
		if err != nil {
			continue
		}
		r := route{to: netip.PrefixFrom(to, length)}
		r.Device = linkName(words[0])
		r.Metric, _ = strconv.ParseInt(words[6], 10, 64)
		if !gateway.IsUnspecified() {
			r.Gateway = gateway
		}
		routes = append(routes, r)
	}
	return routes
}

// parseProcRoute6 reads /proc/net/ipv6_route: destination, length, source and its
// length, next hop, metric, RefCnt, Use, flags, device; all hexadecimal.
func parseProcRoute6(text string) []route {
	var routes []route
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) != 10 || len(routes) == maxRoutes {
			continue
		}
		to, ok1 := hexPrefix6(words[0], words[1])
		gateway, ok2 := hexPrefix6(words[4], "80")
		flags, err := strconv.ParseUint(words[8], 16, 32)
		if !ok1 || !ok2 || err != nil || flags&routeUp == 0 || flags&routeReject != 0 {
			continue
		}
		r := route{to: to}
		r.IPv6, r.Device = true, linkName(words[9])
		r.Metric, _ = strconv.ParseInt(words[5], 16, 64)
		if !gateway.Addr().IsUnspecified() {
			r.Gateway = gateway.Addr()
		}
		routes = append(routes, r)
	}
	return routes
}

// hexAddr4 reads an IPv4 address as the kernel prints a 32-bit number.
func hexAddr4(s string) (netip.Addr, bool) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != 4 {
		return netip.Addr{}, false
	}
	return netip.AddrFrom4([4]byte{b[3], b[2], b[1], b[0]}), true
}

// hexPrefix6 reads an IPv6 address of 32 digits and its length of two.
func hexPrefix6(address, length string) (netip.Prefix, bool) {
	b, err := hex.DecodeString(address)
	bits, err2 := strconv.ParseUint(length, 16, 8)
	if err != nil || err2 != nil || len(b) != 16 || bits > 128 {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(netip.AddrFrom16([16]byte(b)), int(bits)), true
}
