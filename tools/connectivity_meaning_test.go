package tools

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/orbctl"
	"orbstack-mcp/orbctl/guest"
)

var (
	web      = &orbctl.Machine{Name: "web", State: orbctl.Running}
	db       = &orbctl.Machine{Name: "db", State: orbctl.Running}
	walled   = &orbctl.Machine{Name: "walled", State: orbctl.Running, Config: orbctl.MachineConfig{IsolateNetwork: true}}
	stopped  = &orbctl.Machine{Name: "off", State: orbctl.Stopped}
	starting = &orbctl.Machine{Name: "soon", State: "starting"}

	ip4 = netip.MustParseAddr("192.168.139.20")
	ip6 = netip.MustParseAddr("fd07:b51a:cc66::20")
)

// tried is a leg by address whose attempts ended so.
func tried(address netip.Addr, verdicts ...guest.Verdict) guest.LegReport {
	l := guest.LegReport{Label: guest.ByAddress, Host: address.String(), Address: address, Family: 4, Resolved: []netip.Addr{address}}
	for _, v := range verdicts {
		l.Attempts = append(l.Attempts, guest.Attempt{Verdict: v})
	}
	return l
}

func named(l guest.LegReport) guest.LegReport {
	l.Label, l.Host = guest.ByName, "db.orb.local"
	return l
}

func silent(l guest.LegReport) guest.LegReport {
	for i := range l.Attempts {
		l.Attempts[i].Connected = true
	}
	return l
}

func times(n int, v guest.Verdict) []guest.Verdict { return slices.Repeat([]guest.Verdict{v}, n) }

// unresolved is a leg by name that found these addresses and could use none.
func unresolved(found ...netip.Addr) guest.LegReport {
	return guest.LegReport{Label: guest.ByName, Host: "db.orb.local", Verdict: guest.DNSFailed, Resolved: found}
}

// secondary is the one attempt over IPv6 beside IPv4.
func secondary(v guest.Verdict) guest.LegReport {
	l := named(tried(netip.MustParseAddr("2001:db8::7"), v))
	l.Family, l.Secondary = 6, true
	return l
}

// answering is an HTTP answer that is an error; 0 is one that has no status.
func answering(status int) guest.LegReport {
	l := named(tried(netip.MustParseAddr("203.0.113.7"), guest.HTTPError))
	l.Status = status
	return l
}

func TestTheMeaningOfATestIsTrueOfIt(t *testing.T) {
	foreign := netip.MustParseAddr("203.0.113.7")
	for name, c := range map[string]struct {
		method, install string
		astray          []netip.Addr
		source, other   *orbctl.Machine
		target          string
		legs            []guest.LegReport
		says            []string
		not             []string
	}{
		"a service that hangs": {
			source: web, other: db, target: "http://db:9000", legs: []guest.LegReport{silent(tried(ip4, guest.Timeout))},
			says: []string{"db accepts connections on port 9000 but does not answer", "another protocol than HTTP."}, not: []string{"Nothing came back"},
		},
		"one that speaks no TLS": {
			source: web, other: db, target: "https://db:22", legs: []guest.LegReport{silent(tried(ip4, guest.Timeout))},
			says: []string{"db accepts connections on port 22 but does not answer", "than TLS (HTTPS)"},
		},
		"a service that hangs, from the Mac": {
			other: db, target: "http://db:9000", legs: []guest.LegReport{silent(tried(ip4, guest.Timeout))}, says: []string{"accepts connections on port 9000"},
		},
		"a packet that nobody answers": {
			source: web, other: db, target: "http://db", legs: []guest.LegReport{tried(ip4, guest.Timeout)}, says: []string{"Nothing came back from db"},
		},
		"no attempt at all": {
			source: web, other: db, target: "db:80", legs: []guest.LegReport{{Label: guest.ByAddress, Verdict: guest.Timeout}},
			says: []string{"Nothing is known of db", "timeout_seconds"}, not: []string{"firewall"},
		},
		"from an isolated machine": {
			source: walled, other: db, target: "db:80", legs: []guest.LegReport{tried(ip4, guest.Timeout)}, says: []string{"walled itself is kept off the network on purpose"},
		},
		"from an isolated machine to the Mac": {
			source: walled, target: "host.docker.internal:80", legs: []guest.LegReport{tried(netip.MustParseAddr("0.250.250.254"), guest.Timeout)},
			says: []string{"walled itself is kept off", "nor the Mac"},
		},
		"from an isolated machine to the world": {
			source: walled, target: "203.0.113.7:80", legs: []guest.LegReport{tried(foreign, guest.Timeout)},
			says: []string{"Nothing came back from", "And walled itself is kept off"},
		},
		"from an isolated machine to itself": {
			source: walled, target: "127.0.0.1:80", legs: []guest.LegReport{tried(netip.MustParseAddr("127.0.0.1"), guest.Timeout)}, not: []string{"isolate_network"},
		},
		"an isolated target": {
			source: web, other: walled, target: "walled:80", legs: []guest.LegReport{tried(ip4, guest.Timeout)}, says: []string{"walled is kept off the network on purpose", "other machines do not reach it"},
		},
		"an isolated target that answers the Mac with no": {
			other: walled, target: "walled:81", legs: []guest.LegReport{tried(ip4, guest.Refused)}, says: []string{"refuses port 81"}, not: []string{"isolate_network"},
		},
		"an isolated target that is silent to the Mac": {
			other: walled, target: "walled:81", legs: []guest.LegReport{tried(ip4, guest.Timeout)}, says: []string{"Nothing came back"}, not: []string{"isolate_network"},
		},
		"an isolated target whose TLS is bad": {
			source: web, other: walled, target: "https://walled", legs: []guest.LegReport{tried(ip4, guest.TLSFailed)}, says: []string{"no valid TLS"}, not: []string{"isolate_network"},
		},
		"a stopped target": {
			source: web, other: stopped, target: "off", legs: []guest.LegReport{unresolved()}, says: []string{"off is stopped", "vm_start starts it"}, not: []string{"Ask the user"},
		},
		"a target that starts": {
			other: starting, target: "soon", legs: []guest.LegReport{unresolved()}, says: []string{"soon is starting", "try again in a moment"}, not: []string{"vm_start"},
		},
		"refused by its own loopback": {
			source: web, target: "localhost:5432", legs: []guest.LegReport{tried(netip.MustParseAddr("127.0.0.1"), guest.Refused)},
			says: []string{"Nothing in web listens on port 5432 of its loopback address", "vm_status_detailed of web"}, not: []string{"127.0.0.1 only"},
		},
		"refused by its own loopback over IPv6": {
			source: web, target: "[::1]:5432", legs: []guest.LegReport{tried(netip.MustParseAddr("::1"), guest.Refused)}, says: []string{"of its loopback address"}, not: []string{"127.0.0.1 only"},
		},
		"refused by the Mac": {
			source: web, target: "host.docker.internal:80", legs: []guest.LegReport{tried(netip.MustParseAddr("0.250.250.254"), guest.Refused)},
			says: []string{"The Mac is there but refuses port 80"}, not: []string{"vm_status_detailed", "127.0.0.1"},
		},
		"refused by a machine": {
			source: web, other: db, target: "db:81", legs: []guest.LegReport{tried(ip4, guest.Refused)}, says: []string{"Often it listens on 127.0.0.1 only; vm_status_detailed of db"},
		},
		"refused by who knows whom": {
			source: web, target: "192.168.139.20:81", legs: []guest.LegReport{tried(ip4, guest.Refused)}, says: []string{"If it is one of the machines"},
		},
		"some packets lost": {
			source: web, other: db, target: "db", legs: []guest.LegReport{tried(ip4, guest.OK, guest.Timeout, guest.OK, guest.Timeout)},
			says: []string{"web reaches db, as db.orb.local.", "50 % of the attempts were lost"},
		},
		"some packets lost, and those of a whole leg among them": {
			source: web, other: db, target: "db",
			legs: []guest.LegReport{named(tried(ip4, guest.OK, guest.OK, guest.Timeout)), named(tried(ip6, guest.Timeout)), tried(ip4, guest.OK, guest.Timeout, guest.OK), tried(ip6, guest.OK)},
			says: []string{"web reaches db.", "packet loss"}, not: []string{"one way and not another"},
		},
		"an address that answers one leg and not the other": {
			source: web, other: db, target: "db", legs: []guest.LegReport{named(tried(ip4, guest.OK)), tried(ip4, guest.Timeout)}, says: []string{"50 % of the attempts were lost"}, not: []string{"one way and not another"},
		},
		"refused, and some packets lost": {
			source: web, other: db, target: "db:81", legs: []guest.LegReport{tried(ip4, guest.Refused, guest.Timeout)}, says: []string{"refuses port 81", "50 % of the attempts were lost"},
		},
		"one family alone": {
			source: web, other: db, target: "db", legs: []guest.LegReport{tried(ip4, times(3, guest.OK)...), tried(ip6, times(3, guest.Timeout)...)},
			says: []string{"one way and not another"}, not: []string{"lost"},
		},
		"one family alone, by one packet": {
			source: web, other: db, target: "db", legs: []guest.LegReport{tried(ip4, guest.OK), tried(ip6, guest.Timeout)},
			says: []string{"one way and not another", "repeat the test"}, not: []string{"%"},
		},
		"a name that does not resolve": {
			source: web, other: db, target: "db", legs: []guest.LegReport{unresolved(), tried(ip4, guest.OK)}, says: []string{"by address but cannot resolve its name"},
		},
		"a name below the machine's": {
			source: web, other: db, target: "app.db.orb.local:80", legs: []guest.LegReport{named(tried(ip4, guest.OK))}, says: []string{"web reaches app.db.orb.local."},
		},
		"a name below the machine's that is none": {
			source: web, other: db, target: "app.db.orb.local:80", legs: []guest.LegReport{unresolved(), tried(ip4, guest.OK)},
			says: []string{"web cannot resolve app.db.orb.local", "need not exist", "By address web reaches it"}, not: []string{"its DNS does not"},
		},
		"a name that leads elsewhere in a machine": {
			source: web, other: db, target: "db:80", astray: []netip.Addr{foreign}, legs: []guest.LegReport{named(tried(foreign, guest.Timeout)), tried(ip4, guest.OK)},
			says: []string{"In web the name of db leads to 203.0.113.7, which is not its address", "/etc/hosts", "By its own address web reaches it."}, not: []string{"one way and not another"},
		},
		"a name that leads elsewhere in a machine, and the address nowhere": {
			source: web, other: db, target: "db:80", astray: []netip.Addr{foreign}, legs: []guest.LegReport{named(tried(foreign, guest.Timeout)), tried(ip4, guest.Refused)},
			says: []string{"leads to 203.0.113.7", "it is not reached (refused)"},
		},
		"no IPv6, and no answer over IPv4": {
			source: web, target: "example.com:443", legs: []guest.LegReport{named(tried(foreign, guest.Timeout)), secondary(guest.NoRoute)}, says: []string{"Nothing came back from example.com:443"}, not: []string{"no route"},
		},
		"IPv6 rejected, and no answer over IPv4": {
			source: web, target: "example.com:443", legs: []guest.LegReport{named(tried(foreign, guest.Timeout)), secondary(guest.Unreachable)}, says: []string{"Nothing came back"},
		},
		"refused over IPv6, and no answer over IPv4": {
			source: web, target: "example.com:443", legs: []guest.LegReport{named(tried(foreign, guest.Timeout)), secondary(guest.Refused)}, says: []string{"refuses port 443"},
		},
		"a URL that was pinged": {
			source: web, target: "http://host.orb.internal:5000", method: "ping", legs: []guest.LegReport{named(tried(foreign, guest.OK))},
			says: []string{"web reaches host.orb.internal. A ping tries no port"}, not: []string{"5000"},
		},
		"HEAD that is refused": {
			source: web, target: "http://example.com", legs: []guest.LegReport{answering(405)}, says: []string{"status 405", "The request was HEAD"}, not: []string{"look at the service"},
		},
		"an HTTP error": {
			source: web, target: "http://example.com", legs: []guest.LegReport{answering(503)}, says: []string{"the error 503", "look at the service"},
		},
		"an answer that is no HTTP": {
			source: web, target: "http://example.com", legs: []guest.LegReport{answering(0)}, says: []string{"not with HTTP"},
		},
		"from the Mac": {
			other: db, target: "db", legs: []guest.LegReport{named(tried(ip4, guest.OK))}, says: []string{"The Mac reaches db."},
		},
		"nothing to test with": {
			source: web, target: "example.com", install: "apk add curl", legs: []guest.LegReport{tried(foreign, guest.NoTool)}, says: []string{"To install one: apk add curl. Ask"},
		},
		"a name that leads elsewhere": {
			other: db, target: "db", legs: []guest.LegReport{unresolved(foreign), tried(ip4, guest.OK)},
			says: []string{"The Mac resolves the name of db, but wrongly", "By address the Mac reaches it"}, not: []string{"cannot resolve"},
		},
		"a name that leads elsewhere, and nothing else": {
			other: db, target: "db", legs: []guest.LegReport{unresolved(foreign)}, says: []string{"but wrongly"}, not: []string{"cannot resolve", "By address"},
		},
		"an interface that is not there": {
			source: web, target: "[fe80::1%eth9]:80", legs: []guest.LegReport{tried(netip.MustParseAddr("fe80::1%eth9"), guest.NoRoute)},
			says: []string{"web cannot use the interface eth9"}, not: []string{"gateway"},
		},
		"no route": {
			source: web, target: "203.0.113.7:80", legs: []guest.LegReport{tried(foreign, guest.NoRoute)}, says: []string{"web has no route", "gateway"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			target, err := guest.ParseTarget(c.target, c.method, 0)
			require.NoError(t, err)
			r := guest.ConnectivityReport{Method: target.Method, Legs: c.legs, Install: c.install}
			r.Conclude()
			got := finding{source: c.source, other: c.other, asked: c.target, target: target, report: r, astray: c.astray}.meaning()
			for _, part := range c.says {
				assert.Contains(t, got, part)
			}
			for _, part := range c.not {
				assert.NotContains(t, got, part)
			}
		})
	}
}

// What was not tried has lost nothing.
func TestLossIsAbsentWhereNothingWasTried(t *testing.T) {
	assert.Nil(t, legOf(unresolved()).LossPercent)
	r := guest.ConnectivityReport{Legs: []guest.LegReport{tried(ip4, guest.OK), tried(ip6, guest.Timeout)}}
	r.Conclude()
	assert.Zero(t, *legOf(r.Legs[0]).LossPercent)
	assert.InDelta(t, 100, *legOf(r.Legs[1]).LossPercent, 0.01)
}

func TestAPortOnTheLoopbackAddressIsNotEverywhere(t *testing.T) {
	port := func(address string, n uint16) guest.Port {
		return guest.Port{Protocol: "tcp", Address: netip.MustParseAddr(address), Number: n}
	}
	ports := []guest.Port{port("127.0.0.1", 5432), port("::1", 5432), port("0.0.0.0", 80), port("127.0.0.1", 80), {Protocol: "udp", Number: 53}}
	for n, want := range map[int][2]bool{5432: {true, false}, 80: {true, true}, 53: {}, 9: {}} {
		listens, everywhere := listening(ports, n)
		assert.Equal(t, want, [2]bool{listens, everywhere}, "port %d", n)
	}
}

func TestAHostIsANameOfTheMachineThatFitsBest(t *testing.T) {
	machines := []orbctl.Machine{{Name: "staging"}, {Name: "web.staging"}, {Name: "Db"}}
	for host, want := range map[string]string{
		"staging": "staging", "staging.orb.local": "staging", "web.staging": "web.staging", "web.staging.orb.local": "web.staging", "a.web.staging.orb.local": "web.staging",
		"db.staging.orb.local": "staging", "db": "Db", "DB.ORB.local": "Db", "x.db.orb.local": "Db",
		"a.staging": "", "mystaging.orb.local": "", "orb.local": "", ".orb.local": "", "example.com": "",
	} {
		for range 2 {
			got := ""
			if m := namedMachine(machines, host); m != nil {
				got = m.Name
			}
			assert.Equal(t, want, got, host)
			slices.Reverse(machines)
		}
	}
}

func TestANameIsAstrayWhereNoneOfItsAddressesIsTheMachines(t *testing.T) {
	other := netip.MustParseAddr("192.168.139.12")
	leg := func(label string, resolved ...netip.Addr) guest.LegReport {
		return guest.LegReport{Label: label, Resolved: resolved}
	}
	for name, c := range map[string]struct {
		legs []guest.LegReport
		own  []netip.Addr
		want []netip.Addr
	}{
		"its own":              {[]guest.LegReport{leg(guest.ByName, ip4, ip6)}, []netip.Addr{ip4, ip6}, nil},
		"one of its own":       {[]guest.LegReport{leg(guest.ByName, ip4, other)}, []netip.Addr{ip4, ip6}, nil},
		"another's":            {[]guest.LegReport{leg(guest.ByName, other), leg(guest.ByName, other)}, []netip.Addr{ip4, ip6}, []netip.Addr{other}},
		"none":                 {[]guest.LegReport{leg(guest.ByName)}, []netip.Addr{ip4}, nil},
		"nobody knows its own": {[]guest.LegReport{leg(guest.ByName, other)}, nil, nil},
		"by address":           {[]guest.LegReport{leg(guest.ByAddress, other)}, []netip.Addr{ip4}, nil},
	} {
		assert.Equal(t, c.want, straying(guest.ConnectivityReport{Legs: c.legs}, c.own), name)
	}
}
