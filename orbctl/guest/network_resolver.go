package guest

import (
	"net/netip"
	"slices"
	"strings"
)

// A Resolver is how the machine's programs look up names.
type Resolver struct {
	Servers []netip.Addr // who is really asked, in order; 0.250.250.200 is OrbStack's (docs/orbctl-contract.md §6)
	Source  string       // the file or command that Servers were read from; a symbolic link is followed
	Stub    netip.Addr   // systemd-resolved's own address, which programs see instead of Servers; zero without it
	Search  []string     // domains tried behind a short name
	Options []string     // of resolv.conf, such as ndots:2
}

const (
	resolvConf     = "/etc/resolv.conf"
	partDNSServers = "dns_servers"
)

// readResolver reads resolv.conf, and where that names systemd-resolved's stub,
// the servers behind it.
func readResolver(n *notes) Resolver {
	text, ok := n.section("resolv", partDNSServers)
	if !ok {
		return Resolver{}
	}
	r := parseResolvConf(text)
	r.Source = resolvConf
	if link, ok := n.transcript.Find("resolv_link"); ok && link.Exit == 0 && strings.HasPrefix(link.Text, "/") {
		r.Source = word(link.Text)
	}
	if i := slices.IndexFunc(r.Servers, isStub); i >= 0 {
		r.behindStub(n, r.Servers[i])
	} else if len(r.Servers) == 0 {
		n.miss(partDNSServers, r.Source+" names no server: programs ask 127.0.0.1, where probably nobody answers")
	}
	r.Servers = firsts(n, partDNSServers, r.Servers, MaxDNSServers)
	r.Search = firsts(n, "search_domains", r.Search, MaxSearchDomains)
	r.Options = firsts(n, "dns_options", r.Options, MaxSearchDomains)
	return r
}

// isStub reports whether an address is one of systemd-resolved's two listeners
// (systemd-resolved.service(8)).
func isStub(a netip.Addr) bool {
	return a == netip.AddrFrom4([4]byte{127, 0, 0, 53}) || a == netip.AddrFrom4([4]byte{127, 0, 0, 54})
}

// behindStub replaces the stub by the servers that systemd-resolved asks.
func (r *Resolver) behindStub(n *notes, stub netip.Addr) {
	r.Stub = stub
	if s, ok := n.transcript.Find("uplink"); ok && s.Exit == 0 {
		behind := parseResolvConf(s.Text)
		if len(behind.Servers) == 0 {
			n.miss(partDNSServers, "systemd-resolved knows no server of its own: /run/systemd/resolve/resolv.conf names none")
			return
		}
		r.Servers, r.Source = behind.Servers, "/run/systemd/resolve/resolv.conf"
		return
	}
	s, ok := n.transcript.Find("resolvectl")
	if ok && s.Exit == 0 {
		if servers := parseResolvectl(s.Text); len(servers) > 0 {
			r.Servers, r.Source = servers, "resolvectl"
			return
		}
	}
	why := "the servers behind the stub of systemd-resolved could not be read: there is no /run/systemd/resolve/resolv.conf"
	if ok {
		why += "; resolvectl said: " + said(s.Text, "nothing")
	}
	n.miss(partDNSServers, why)
}

// parseResolvConf reads resolv.conf(5): of several search or domain lines the
// last one counts.
func parseResolvConf(text string) Resolver {
	var r Resolver
	seen := map[netip.Addr]bool{}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) < 2 {
			continue
		}
		switch words[0] {
		case "nameserver":
			if server, ok := parseAddr(words[1]); ok && !seen[server] {
				seen[server] = true
				r.Servers = append(r.Servers, server)
			}
		case "search":
			r.Search = cleaned(words[1:])
		case "domain":
			r.Search = cleaned(words[1:2])
		case "options":
			r.Options = append(r.Options, cleaned(words[1:])...)
		}
	}
	return r
}

// parseResolvectl reads the servers of `resolvectl status`, global and of each
// link. A list goes on in the next lines, without its key:
//
//	DNS Servers: 0.250.250.200#orb.internal
//	             fd07:b51a:cc66:f0::fafa
func parseResolvectl(text string) []netip.Addr {
	var servers []netip.Addr
	seen := map[netip.Addr]bool{}
	listing := false
	for line := range strings.Lines(text) {
		rest, begins := strings.CutPrefix(strings.TrimSpace(line), "DNS Servers:")
		if begins {
			listing = true
		}
		for i, s := range strings.Fields(rest) {
			s, _, _ = strings.Cut(s, "#")
			server, ok := parseAddr(s)
			if !ok {
				listing = listing && i > 0
				break
			}
			if listing && !seen[server] {
				seen[server] = true
				servers = append(servers, server)
			}
		}
		if strings.TrimSpace(line) == "" {
			listing = false
		}
	}
	return servers
}

func cleaned(words []string) []string {
	out := make([]string, 0, len(words))
	for _, w := range words {
		if w = word(w); w != "" && w != "." { // systemd-resolved's word for no domain
			out = append(out, w)
		}
	}
	return out
}

// readMacFiles reads whether /mnt/mac is there.
func readMacFiles(n *notes) MacFiles {
	text, ok := n.section("mac", "mac_files")
	if !ok {
		return MacFiles{}
	}
	words := strings.Fields(text)
	return MacFiles{Known: true, Present: slices.Contains(words, "present"), Mounted: slices.Contains(words, "mounted")}
}
