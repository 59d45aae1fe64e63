package guest

import (
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestNetworkFactsAgreeWithTheKernelUnderEveryShell(t *testing.T) {
	script, args, _ := NetworkFacts()
	inShells(t, nil, script, args, func(t *testing.T, out string) {
		transcript := ParseTranscript(goldenMark, out)
		require.True(t, transcript.Complete)
		report, err := ParseNetworkFacts(transcript)
		require.NoError(t, err)

		hostname, err := os.Hostname()
		require.NoError(t, err)
		assert.Equal(t, hostname, report.Hostname)
		assert.True(t, report.MacFiles.Known)
		want, err := net.Interfaces()
		require.NoError(t, err)
		for _, link := range want {
			i := slices.IndexFunc(report.Interfaces, func(l Interface) bool { return l.Name == link.Name })
			require.NotEqual(t, -1, i, "interface %s", link.Name)
			got := report.Interfaces[i]
			assert.Equal(t, link.MTU, got.MTU)
			assert.Equal(t, link.HardwareAddr.String(), got.MAC)
			var addresses []netip.Prefix
			list, err := link.Addrs()
			require.NoError(t, err)
			for _, a := range list {
				addresses = append(addresses, netip.MustParsePrefix(a.String()))
			}
			assert.ElementsMatch(t, addresses, got.Addresses)
		}
	})
}

// busyboxNetwork gives a world the network of a machine. The kernel finds a moment after
// both ends are up that the link is.
const busyboxNetwork = `
hostname tiny
ip link set lo up
ip link add eth0 type veth peer name peer0
ip addr add 192.168.139.5/24 dev eth0
ip link set eth0 up; ip link set peer0 up
tries=0; until ip link show eth0 | grep -q 'state UP' || [ "$tries" -gt 200 ]; do tries=$((tries + 1)); sleep 0.05; done
ip route add default via 192.168.139.1
ip -6 route add default via fe80::1 dev eth0
`

func TestNetworkFactsOfABusyboxMachine(t *testing.T) {
	script, args, _ := NetworkFacts()
	world := busyboxWorld{setup: busyboxNetwork, files: map[string]string{"mnt/mac/Users": ""}}
	report, err := ParseNetworkFacts(ParseTranscript(goldenMark, world.run(t, script, args...)))
	require.NoError(t, err)
	assert.Empty(t, report.Missing)
	assert.Equal(t, "tiny", report.Hostname)
	assert.Equal(t, "eth0", report.Device)
	assert.Equal(t, netip.MustParseAddr("192.168.139.1"), report.Gateway4)
	assert.Equal(t, netip.MustParseAddr("fe80::1"), report.Gateway6)
	assert.Equal(t, netip.MustParsePrefix("192.168.139.0/24"), report.Subnet4)
	assert.Equal(t, []netip.Addr{netip.MustParseAddr("0.250.250.200")}, report.Resolver.Servers)
	assert.Equal(t, MacFiles{Known: true, Present: true}, report.MacFiles)
}

// Every rung of the ladder has to tell the same of the same network.
func TestNetworkFactsAreTheSameOnEveryRung(t *testing.T) {
	const hideIP = `ip() { return 1; }; `
	const hideIfconfig = `ifconfig() { return 1; }; `
	script, _, _ := NetworkFacts()
	answer := func(hide string) NetworkFactsReport {
		t.Helper()
		hidden := script
		hidden.text = hide + script.text
		report, err := ParseNetworkFacts(ParseTranscript(goldenMark, busyboxWorld{setup: busyboxNetwork}.run(t, hidden)))
		require.NoError(t, err)
		for _, link := range report.Interfaces {
			slices.SortFunc(link.Addresses, netip.Prefix.Compare)
		}
		slices.SortFunc(report.Interfaces, func(a, b Interface) int { return strings.Compare(a.Name, b.Name) })
		for i := range report.Interfaces { // random in each world
			report.Interfaces[i].MAC = ""
			report.Interfaces[i].Addresses = slices.DeleteFunc(report.Interfaces[i].Addresses, func(p netip.Prefix) bool { return p.Addr().IsLinkLocalUnicast() })
			if report.Interfaces[i].Name == "lo" {
				report.Interfaces[i].State = "" // sysfs says unknown, the others up
			}
		}
		return report
	}
	ip := answer("")
	assert.Equal(t, ip, answer(hideIP), "ifconfig")
	assert.Equal(t, ip, answer(hideIP+hideIfconfig), "/proc")
}
