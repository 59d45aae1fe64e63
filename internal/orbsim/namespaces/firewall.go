package namespaces

import (
	"fmt"
	"net/netip"
	"strings"

	"orbstack-mcp/internal/orbsim/worldfile"
)

// The firewall texts for nft(8). Each is a whole: applying it replaces what
// the one before it said, in one transaction.

// proxied is a machine as the Mac reaches it.
type proxied struct {
	proxy, machine  netip.Addr
	http, https     int // where ports 80 and 443 of the proxy address lead; 0 is the same port
	isolated        bool
	machine6        netip.Addr
	bridgeInterface string
}

// worldRules are the firewall of the world's own network namespace: the proxy
// addresses as the Mac uses them, and the walls around machines with
// isolate_network. Such a machine reaches the resolver and nothing else; the
// Mac still reaches it.
func worldRules(machines []proxied) string {
	var dnat, walls, bridgeWalls strings.Builder
	for _, m := range machines {
		if m.proxy.IsValid() {
			for _, p := range []struct{ from, to int }{{80, m.http}, {443, m.https}} {
				if p.to != 0 {
					fmt.Fprintf(&dnat, "  ip daddr %s tcp dport %d dnat ip to %s:%d\n", m.proxy, p.from, m.machine, p.to)
				}
			}
			fmt.Fprintf(&dnat, "  ip daddr %s dnat ip to %s\n", m.proxy, m.machine)
		}
		if m.isolated {
			fmt.Fprintf(&walls, "  ip saddr %s drop\n", m.machine)
			if m.machine6.IsValid() {
				fmt.Fprintf(&walls, "  ip6 saddr %s drop\n", m.machine6)
			}
			fmt.Fprintf(&bridgeWalls, "  iifname %q drop\n  oifname %q drop\n", m.bridgeInterface, m.bridgeInterface)
		}
	}
	return `table inet orbsim
delete table inet orbsim
table inet orbsim {
 chain proxies {
  type nat hook output priority -100
` + dnat.String() + ` }
 chain walls {
  type filter hook input priority 0
  iifname != "br0" accept
  ct state established,related accept
  ip daddr { ` + resolver4.String() + `, ` + oldResolver4.String() + ` } accept
  icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
` + walls.String() + ` }
}
table bridge orbsim
delete table bridge orbsim
table bridge orbsim {
 chain walls {
  type filter hook forward priority 0
` + bridgeWalls.String() + ` }
}
`
}

// guestRules are the faults of one machine as a firewall in its own network
// namespace, on what arrives at eth0. Neighbour discovery always passes: a
// machine that drops packets still has a MAC address, so that the other side
// sees a time-out and not an unreachable host.
//
// reject of a port answers with a reset: connection refused. reject of everything
// answers "administratively prohibited", as firewalld does: "no route to host"
// for TCP and UDP, "Packet filtered" for ping. On so short a cable the answer can
// be back before connect(2) has let go of its socket; the kernel then acts on
// the next one, after the first retransmission, 1 s later.
func guestRules(faults []worldfile.NetFault) string {
	var rules strings.Builder
	for _, f := range faults {
		match := ""
		if f.Port != 0 {
			match = fmt.Sprintf("tcp dport %d ", f.Port)
		}
		switch f.Kind {
		case "drop":
			fmt.Fprintf(&rules, "  %sdrop\n", match)
		case "reject":
			with := "icmpx type admin-prohibited"
			if f.Port != 0 {
				with = "tcp reset"
			}
			fmt.Fprintf(&rules, "  %sreject with %s\n", match, with)
		case "loss":
			fmt.Fprintf(&rules, "  %snumgen random mod 100 < %d drop\n", match, f.Percent)
		}
	}
	return `table inet orbsim
delete table inet orbsim
table inet orbsim {
 chain faults {
  type filter hook input priority 0
  iifname != "` + guestNIC + `" accept
  icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
` + rules.String() + ` }
}
`
}

// guestNIC is the name of a machine's network card.
const guestNIC = "eth0"

// faultsOf are those of one machine.
func faultsOf(machine string, all []worldfile.NetFault) []worldfile.NetFault {
	var own []worldfile.NetFault
	for _, f := range all {
		if f.Machine == machine {
			own = append(own, f)
		}
	}
	return own
}

// hasFault says whether one of the faults is of that kind.
func hasFault(faults []worldfile.NetFault, kinds ...string) bool {
	for _, f := range faults {
		for _, k := range kinds {
			if f.Kind == k {
				return true
			}
		}
	}
	return false
}

func checkFault(f worldfile.NetFault) error {
	switch f.Kind {
	case "loss":
		if f.Percent < 1 || f.Percent > 100 {
			return fmt.Errorf("network fault of %s: loss needs percent between 1 and 100, not %d", f.Machine, f.Percent)
		}
	case "drop", "reject":
	case "link_down", "no_route":
		if f.Port != 0 {
			return fmt.Errorf("network fault of %s: %s is about the whole machine, not port %d", f.Machine, f.Kind, f.Port)
		}
	default:
		return fmt.Errorf("network fault of %s: kind %q is none of drop, reject, loss, link_down, no_route", f.Machine, f.Kind)
	}
	if f.Port < 0 || f.Port > 65535 {
		return fmt.Errorf("network fault of %s: %d is no port", f.Machine, f.Port)
	}
	return nil
}
