package guest

import (
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sections writes a transcript of sections that all ended well.
func sections(nameAndText ...string) Transcript {
	t := Transcript{Complete: true}
	for i := 0; i < len(nameAndText); i += 2 {
		t.Sections = append(t.Sections, Section{Name: nameAndText[i], Text: nameAndText[i+1]})
	}
	return t
}

func TestTheCapturedMachineOfAnOldInstallIsRead(t *testing.T) {
	captured, err := os.ReadFile("../testdata/guest-ip.old-subnet.txt")
	require.NoError(t, err)
	resolv, err := os.ReadFile("../testdata/guest-resolv-conf.txt")
	require.NoError(t, err)
	addr, route, ok := strings.Cut(string(captured), "$ ip route show\n")
	require.True(t, ok)
	addr = strings.TrimPrefix(addr, "$ ip addr show\n")

	oneLine := strings.ReplaceAll(strings.ReplaceAll(addr, "\n       ", "\\       "), "\n    ", "\\    ")
	for name, text := range map[string]string{"as captured": addr, "as ip -o prints it": oneLine} {
		t.Run(name, func(t *testing.T) {
			r, err := ParseNetworkFacts(sections("hostname", "web", "addr", text, "route4", route, "route6", "", "resolv", string(resolv), "mac", ""))
			require.NoError(t, err)
			assert.Empty(t, r.Missing)
			require.Len(t, r.Interfaces, 3)
			assert.Equal(t, Interface{Name: "tunl0", MTU: 1480, State: "down"}, r.Interfaces[1])
			assert.Equal(t, Interface{
				Name: "eth0", MTU: 1500, MAC: "46:a4:40:ee:0e:e1", State: "up",
				Addresses: []netip.Prefix{
					netip.MustParsePrefix("198.19.249.161/24"),
					netip.MustParsePrefix("fd07:b51a:cc66:0:44a4:40ff:feee:ee1/64"),
					netip.MustParsePrefix("fe80::44a4:40ff:feee:ee1/64"),
				},
			}, r.Interfaces[2])
			assert.Equal(t, []Route{{Gateway: netip.MustParseAddr("198.19.249.1"), Device: "eth0", Metric: 100}}, r.Defaults)
			assert.Equal(t, netip.MustParseAddr("198.19.249.1"), r.Gateway4)
			assert.False(t, r.Gateway6.IsValid())
			assert.Equal(t, netip.MustParsePrefix("198.19.249.0/24"), r.Subnet4)
			assert.Equal(t, Resolver{Servers: []netip.Addr{netip.MustParseAddr("0.250.250.200")}, Source: "/etc/resolv.conf"}, r.Resolver)
			assert.Equal(t, MacFiles{Known: true}, r.MacFiles)
		})
	}
}

func TestIPAddrInOneLineMode(t *testing.T) {
	links := parseIPAddr("2: eth0    inet 10.0.0.2/8 brd 10.255.255.255 scope global eth0\\       valid_lft forever\n" +
		"2: eth0    inet6 fe80::1/64 scope link \\       valid_lft forever\n")
	assert.Equal(t, []Interface{{Name: "eth0", State: "unknown", Addresses: []netip.Prefix{netip.MustParsePrefix("10.0.0.2/8"), netip.MustParsePrefix("fe80::1/64")}}}, links)
}

func TestAnAddressThatStandsAloneTakesItsSubnetFromTheRoutes(t *testing.T) {
	r, err := ParseNetworkFacts(sections(
		"addr", "2: eth0: <UP> mtu 1500\n    inet 192.168.139.5/32 scope global eth0\n",
		"route4", "default via 192.168.139.1 dev eth0\n192.168.139.0/24 dev eth0 scope link\n",
	))
	require.NoError(t, err)
	assert.Equal(t, netip.MustParsePrefix("192.168.139.0/24"), r.Subnet4)
}

func TestAnIPv4RouteMayLeadThroughAnIPv6Gateway(t *testing.T) {
	r, err := ParseNetworkFacts(sections("addr", "1: lo: <UP> mtu 9\n", "route4", "default via inet6 fe80::1 dev eth0\n", "route6", "blackhole default dev lo\n"))
	require.NoError(t, err)
	assert.Equal(t, netip.MustParseAddr("fe80::1"), r.Gateway4)
	assert.False(t, r.Gateway6.IsValid())
}

func TestWhereDNSServersComeFrom(t *testing.T) {
	stub := "nameserver 127.0.0.53\nsearch lan.\n"
	for _, c := range []struct {
		name     string
		sections []string
		servers  string
		source   string
		missing  string
	}{
		{"the file", []string{"resolv", "nameserver 0.250.250.200"}, "[0.250.250.200]", "/etc/resolv.conf", ""},
		{"a link", []string{"resolv", "nameserver 1.1.1.1\nnameserver fe80::1%eth0", "resolv_link", "/run/resolvconf/resolv.conf"}, "[1.1.1.1 fe80::1%eth0]", "/run/resolvconf/resolv.conf", ""},
		{"behind the stub", []string{"resolv", stub, "uplink", "nameserver 9.9.9.9"}, "[9.9.9.9]", "/run/systemd/resolve/resolv.conf", ""},
		{"resolvectl", []string{"resolv", stub, "resolvectl", "Link 2 (eth0)\nCurrent DNS Server: 9.9.9.9\nDNS Servers: 9.9.9.9 1.1.1.1#one\n 2606:4700::1111\nDNS Domain: ~.\n"}, "[9.9.9.9 1.1.1.1 2606:4700::1111]", "resolvectl", ""},
		{"an uplink without servers", []string{"resolv", stub, "uplink", "# none"}, "[127.0.0.53]", "/etc/resolv.conf", "names none"},
		{"nobody says", []string{"resolv", stub}, "[127.0.0.53]", "/etc/resolv.conf", "could not be read"},
		{"resolvectl fails", []string{"resolv", stub, "resolvectl", "Failed to get global data"}, "[127.0.0.53]", "/etc/resolv.conf", "Failed to get global data"},
		{"no server", []string{"resolv", "search x"}, "[]", "/etc/resolv.conf", "names no server"},
		{"a zone with an escape", []string{"resolv", "nameserver fe80::1%\x1b[31m"}, "[]", "/etc/resolv.conf", "names no server"},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, err := newNotes(sections(c.sections...))
			require.NoError(t, err)
			r := readResolver(n)
			assert.Equal(t, c.servers, fmt.Sprint(r.Servers))
			assert.Equal(t, c.source, r.Source)
			if c.missing == "" {
				assert.Empty(t, n.missing)
			} else {
				require.Len(t, n.missing, 1)
				assert.Contains(t, n.missing[0].Why, c.missing)
			}
		})
	}
}

func TestOfSeveralSearchLinesTheLastCounts(t *testing.T) {
	assert.Equal(t, []string{"c"}, parseResolvConf("search a b\ndomain c\n").Search)
	assert.Equal(t, []string{"a", "b"}, parseResolvConf("domain c\nsearch a b\n").Search)
}

func TestTheKernelsRouteTablesAreRead(t *testing.T) {
	routes := parseProcRoute4("Iface Destination Gateway Flags RefCnt Use Metric Mask MTU\n" +
		"eth0 00000000 018BA8C0 0003 0 0 100 00000000 0\n" +
		"eth0 008BA8C0 00000000 0001 0 0 0 00FFFFFF 0\n" +
		"eth0 000000EF 00000000 0000 0 0 0 000000FF 0\n" + // not up
		"* 000000EF 00000000 0201 0 0 0 000000FF 0\n" + // reject
		"eth0 000000EF 00000000 0001 0 0 0 FF00FF00 0\n" + // no mask
		"eth0 xyz 00000000 0001 0 0 0 00FFFFFF 0\n")
	require.Len(t, routes, 2)
	assert.Equal(t, "192.168.139.1 eth0 100 0.0.0.0/0", fmt.Sprint(routes[0].Gateway, " ", routes[0].Device, " ", routes[0].Metric, " ", routes[0].to))
	assert.Equal(t, netip.MustParsePrefix("192.168.139.0/24"), routes[1].to)
}

func TestAnIPv4AddressWithoutARouteIsMissing(t *testing.T) {
	r, err := ParseNetworkFacts(sections(
		"dev", "Inter-| Receive\n face |bytes\n eth0: 0\n", "sysfs", "eth0 1500 02:fc:00:00:00:01 up\nhost0 9000 - up\n",
		"fib_trie", "|-- 10.1.1.1\n /32 host LOCAL\n", "if_inet6", "", "proc_route4", "", "proc_route6", "",
	))
	require.NoError(t, err)
	assert.Equal(t, []Interface{{Name: "eth0", MTU: 1500, MAC: "02:fc:00:00:00:01", State: "up"}}, r.Interfaces)
	assert.Contains(t, r.Missing, Missing{Part: "IPv4 address 10.1.1.1", Why: "no route on a link says which interface it belongs to"})
}

func TestAMachineThatDoesNotAnswerIsAnError(t *testing.T) {
	_, err := ParseNetworkFacts(Transcript{})
	require.ErrorIs(t, err, ErrNoAnswer)
	_, err = ParseStatusFacts(StatusQuery{}, Transcript{Complete: true})
	require.ErrorIs(t, err, ErrNoAnswer)
	_, err = ParseUsers("", Transcript{})
	require.ErrorIs(t, err, ErrNoAnswer)
}

func TestACutTranscriptGivesWhatThereIsAndNamesTheRest(t *testing.T) {
	r, err := ParseNetworkFacts(ParseTranscript(goldenMark, "MARK begin hostname\nweb\n\nMARK end 0\nMARK begin addr\n1: lo: <UP> mtu 65536\n    inet 127.0.0.1/8 scope host lo\n2: eth0: <UP> mtu 1500\n    inet 10.0.0.1/2"))
	require.NoError(t, err)
	assert.Equal(t, "web", r.Hostname)
	require.Len(t, r.Interfaces, 2)
	assert.Empty(t, r.Interfaces[1].Addresses, "a cut /24 is no /2")
	require.Len(t, r.Missing, 1)
	assert.Equal(t, TheRest, r.Missing[0].Part)
	assert.Contains(t, r.Missing[0].Why, "not read: gateway4, gateway6, dns_servers, mac_files")
}

func TestNetworkFactsOfAHostileMachineAreBoundedAndClean(t *testing.T) {
	var addr strings.Builder
	for i := range 500 {
		fmt.Fprintf(&addr, "%d: if%d\x1b[31m: <UP> mtu 1500 state \x1b]0;x\x07EVIL\n", i+1, i)
	}
	for i := range 500 {
		fmt.Fprintf(&addr, "    inet 10.0.%d.%d/24\n", i/256, i%256)
	}
	addr.WriteString("    link/ether " + strings.Repeat("a", 10<<20) + "\n")
	resolv := strings.Repeat("nameserver 10.0.0.1\n", 1000) + "search " + strings.Repeat("d\u202e ", 1000)
	for i := range 1000 {
		resolv += fmt.Sprintf("\nnameserver 10.1.%d.%d", i/256, i%256)
	}
	r, err := ParseNetworkFacts(sections("hostname", "\x1b[2Jweb\u200b\n"+strings.Repeat("x", 1<<20), "addr", addr.String(), "route4", strings.Repeat("default via 10.0.0.1 dev eth0\n", 1000), "resolv", resolv))
	require.NoError(t, err)
	assert.LessOrEqual(t, len(r.Hostname), maxWord+len("…"))
	assert.True(t, strings.HasPrefix(r.Hostname, "web "))
	assert.Len(t, r.Interfaces, MaxInterfaces)
	assert.Equal(t, "if0", r.Interfaces[0].Name)
	assert.Equal(t, "evil", r.Interfaces[0].State)
	assert.Len(t, r.Defaults, MaxDefaultRoutes)
	assert.Len(t, r.Resolver.Servers, MaxDNSServers)
	assert.Len(t, r.Resolver.Search, MaxSearchDomains)
	assert.Equal(t, "d", r.Resolver.Search[0])
	assert.Equal(t, map[string]int{
		"interfaces": 500 - MaxInterfaces, "addresses": 500 - MaxAddresses, "default_routes": 1000 - MaxDefaultRoutes,
		"dns_servers": 1001 - MaxDNSServers, "search_domains": 1000 - MaxSearchDomains,
	}, r.Cut)
}

// Four megabytes, the most that the runner hands over, must not cost seconds.
func TestHugeTablesOfAHostileMachineCostLittle(t *testing.T) {
	var trie, route4, resolv, resolvectl strings.Builder
	resolvectl.WriteString("DNS Servers:\n")
	for i := range 100_000 {
		a := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		fmt.Fprintf(&trie, "|-- %s\n/32 host LOCAL\n", a)
		fmt.Fprintf(&route4, "eth0 0%07X 00000000 0001 0 0 0 FFFFFFFF 0\n", i)
		fmt.Fprintf(&resolv, "nameserver %s\n", a)
		fmt.Fprintf(&resolvectl, " %s\n", a)
	}
	start := time.Now()
	r, err := ParseNetworkFacts(sections("dev", "eth0: 0", "sysfs", "", "fib_trie", trie.String(), "if_inet6", "", "proc_route4", route4.String(), "proc_route6", "",
		"resolv", "nameserver 127.0.0.53\n"+resolv.String(), "resolvectl", resolvectl.String()))
	require.NoError(t, err)
	assert.Less(t, time.Since(start), 10*time.Second, "it takes a fraction of a second; quadratic work takes a minute")
	assert.Len(t, r.Missing, maxMiss)
	assert.Positive(t, r.Cut["missing"])
}

func FuzzNetworkFacts(f *testing.F) {
	for _, transcript := range goldenTranscripts(f, "network") {
		for _, s := range transcript.Sections {
			f.Add(s.Name, s.Text, s.Exit)
		}
	}
	f.Fuzz(func(t *testing.T, name, text string, exit int) {
		transcript := Transcript{Complete: exit%2 == 0, Sections: []Section{
			{Name: "proc_route4", Text: "eth0 00000000 018BA8C0 0003 0 0 0 00000000 0 0 0"},
			{Name: name, Text: text, Exit: exit},
		}}
		r, err := ParseNetworkFacts(transcript)
		require.NoError(t, err)
		requireCleanReport(t, r, r.Missing)
		assert.LessOrEqual(t, len(r.Interfaces), MaxInterfaces)
		for _, link := range r.Interfaces {
			for _, address := range link.Addresses {
				assert.True(t, address.IsValid())
			}
		}
		assert.LessOrEqual(t, len(r.Resolver.Servers), MaxDNSServers)
	})
}
