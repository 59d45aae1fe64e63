package guest

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// A route is a Route to anywhere.
type route struct {
	Route
	to netip.Prefix // /0 is the default
}

// maxRoutes bounds what is looked at; the script prints 500 lines.
const maxRoutes = 1000

func (r route) isDefault() bool { return r.to.IsValid() && r.to.Bits() == 0 }

// readLinks takes interfaces and routes from the first rung of the script's
// ladder that is there: ip, ifconfig, the kernel's own files.
func readLinks(n *notes) ([]Interface, []route) {
	if _, ok := n.transcript.Find("addr"); ok {
		var links []Interface
		if text, ok := n.section("addr", "interfaces"); ok {
			links = parseIPAddr(text)
			missNoLinks(n, links, text)
		}
		var routes []route
		if text, ok := n.section("route4", "gateway4"); ok {
			routes = parseIPRoute(text, false)
		}
		if text, ok := n.section("route6", "gateway6"); ok {
			routes = append(routes, parseIPRoute(text, true)...)
		}
		return links, routes
	}
	var routes []route
	if text, ok := n.section("proc_route4", "gateway4"); ok {
		routes = parseProcRoute4(text)
	}
	if s, ok := n.transcript.Find("proc_route6"); ok && s.Exit > 0 {
		// A kernel without IPv6 has no such file, and nothing is missing.
	} else if text, ok := n.section("proc_route6", "gateway6"); ok {
		routes = append(routes, parseProcRoute6(text)...)
	}
	if text, ok := n.transcript.Find("ifconfig"); ok {
		links := parseIfconfig(text.Text)
		missNoLinks(n, links, text.Text)
		return links, routes
	}
	return readProcLinks(n, routes), routes
}

// missNoLinks notes that not even the loopback interface could be read.
func missNoLinks(n *notes, links []Interface, text string) {
	if len(links) == 0 {
		n.miss("interfaces", said(text, "the list of interfaces is empty, even without lo"))
	}
}

// parseIPAddr reads `ip addr show` and `ip -o addr`, `ip -o link`, of iproute2
// and of busybox:
//
//	3: eth0@if8: <BROADCAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP …
//	    link/ether 46:a4:40:ee:0e:e1 brd …
//	    inet 198.19.249.161/24 metric 100 brd … scope global dynamic eth0
//	3: eth0    inet 198.19.249.161/24 brd …
func parseIPAddr(text string) []Interface {
	var set linkSet
	current := ""
	// One-line mode writes a backslash for each newline.
	for line := range strings.Lines(strings.ReplaceAll(text, "\\", "\n")) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if index, ok := strings.CutSuffix(words[0], ":"); ok && isNumber(index) && len(words) > 1 {
			name, header := strings.CutSuffix(words[1], ":")
			name, _, _ = strings.Cut(name, "@")
			if current = name; !header {
				words = words[2:]
			} else {
				words = words[1:]
				link := set.get(current)
				link.MTU, _ = strconv.Atoi(after(words, "mtu"))
				link.State = linkState(after(words, "state"), words)
				continue
			}
		}
		if current == "" || len(words) < 2 {
			continue
		}
		switch link := set.get(current); {
		case strings.HasPrefix(words[0], "link/"):
			link.MAC = macAddress(words[1])
		case words[0] == "inet" || words[0] == "inet6":
			if prefix, ok := parsePrefix(words[1]); ok {
				link.Addresses = append(link.Addresses, prefix)
			}
		}
	}
	return set.all()
}

// linkState is the state that ip prints; busybox prints only flags.
func linkState(state string, words []string) string {
	if state != "" {
		return word(strings.ToLower(state))
	}
	if len(words) < 2 {
		return "unknown"
	}
	if slices.Contains(strings.Split(strings.Trim(words[1], "<>"), ","), "LOWER_UP") {
		return "up"
	}
	return "down"
}

// parseIPRoute reads `ip route show` of one family. Only routes that packets can
// take count: not unreachable, blackhole and the like.
//
//	default via 198.19.249.1 dev eth0 proto dhcp src 198.19.249.161 metric 100
//	198.19.249.0/24 dev eth0 proto kernel scope link src 198.19.249.161
//	default proto ra metric 1024
//	        nexthop via fe80::1 dev eth0 weight 1
func parseIPRoute(text string, ipv6 bool) []route {
	var routes []route
	var many route // the route whose next hops stand on their own lines
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if len(routes) == maxRoutes {
			break
		}
		if words[0] == "nexthop" {
			if many.to.IsValid() {
				hop := many
				hop.Gateway, hop.Device = via(words), linkName(after(words, "dev"))
				routes = append(routes, hop)
			}
			continue
		}
		many = route{}
		r := route{to: destination(words[0], ipv6)}
		if !r.to.IsValid() {
			continue
		}
		r.IPv6 = ipv6
		r.Metric, _ = strconv.ParseInt(after(words, "metric"), 10, 64)
		r.Gateway, r.Device = via(words), linkName(after(words, "dev"))
		if r.Device == "" {
			many = r
			continue
		}
		routes = append(routes, r)
	}
	return routes
}

// destination reads the first word of a route; zero for words that are none.
func destination(s string, ipv6 bool) netip.Prefix {
	if s == "default" {
		if ipv6 {
			return netip.PrefixFrom(netip.IPv6Unspecified(), 0)
		}
		return netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	}
	prefix, _ := parsePrefix(s)
	return prefix
}

// via is the gateway: "via 10.0.0.1", or "via inet6 fe80::1" of an IPv4 route.
func via(words []string) netip.Addr {
	s := after(words, "via")
	if s == "inet6" || s == "inet" {
		s = after(words, s)
	}
	address, _ := parseAddr(s)
	return address
}

// after is the word behind key, or "".
func after(words []string, key string) string {
	for i := range len(words) - 1 {
		if words[i] == key {
			return words[i+1]
		}
	}
	return ""
}

func isNumber(s string) bool {
	_, err := strconv.ParseUint(s, 10, 32)
	return err == nil
}
