package e2e

import (
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// networkAnswer is a result of vm_network_details.
type networkAnswer struct {
	Machine, State, IPv4, IPv6, SSH, Hostname string
	Domain                                    struct{ Name, Note string }
	Isolated                                  bool
	IsolateNetwork                            bool                       `json:"isolate_network"`
	WebPorts                                  *struct{ HTTP, HTTPS int } `json:"web_ports"`
	Interfaces                                []struct {
		Name, State, MAC string
		MTU              int
		Addresses        []string
	}
	Subnet4, Gateway4, Gateway6 string
	DNSServers                  []string `json:"dns_servers"`
	DNSSource                   string   `json:"dns_source"`
	Search                      []string `json:"search_domains"`
	Missing                     gaps
	Note                        string
}

// machinesWorld is testdata/machines.yaml.
func machinesWorld(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("testdata/machines.yaml")
	require.NoError(t, err)
	return string(b)
}

// A networkCase is a machine and what is to be seen of its network.
type networkCase struct {
	name, world string // the world: a name or "" for testdata/machines.yaml
	args        args
	machine     string // as the result names it
	v4, v6      string
	subnet      string
	gateways    [2]string
	dns         []string
	note        string
	check       func(t *testing.T, got networkAnswer)
}

const (
	newSubnet, newGateway = "192.168.139.0/24", "192.168.139.1"
	gateway6              = "fd07:b51a:cc66::1"
)

var orbDNS = []string{"0.250.250.200"}

var networkCases = []networkCase{
	{
		name: "the default machine, both families", args: args{}, machine: "web",
		v4: "192.168.139.10", v6: "fd07:b51a:cc66::10", subnet: newSubnet, gateways: [2]string{newGateway, gateway6}, dns: orbDNS,
		check: func(t *testing.T, got networkAnswer) {
			require.NotNil(t, got.WebPorts, "ports chosen by hand")
			assert.Equal(t, [2]int{8080, 8443}, [2]int{got.WebPorts.HTTP, got.WebPorts.HTTPS})
		},
	},
	{
		name: "IPv4 alone", args: args{"machine": "four"}, machine: "four",
		v4: "192.168.139.11", subnet: newSubnet, gateways: [2]string{newGateway, ""}, dns: orbDNS,
		check: func(t *testing.T, got networkAnswer) {
			assert.Nil(t, got.WebPorts, "nobody chose any")
			assert.Empty(t, got.Missing, "no IPv6 is no gap")
		},
	},
	{
		name: "busybox", args: args{"machine": "box"}, machine: "box",
		v4: "192.168.139.12", v6: "fd07:b51a:cc66::12", subnet: newSubnet, gateways: [2]string{newGateway, gateway6}, dns: orbDNS,
	},
	{
		name: "isolated", args: args{"machine": "walled"}, machine: "walled",
		v4: "192.168.139.13", v6: "fd07:b51a:cc66:0:", subnet: newSubnet, gateways: [2]string{newGateway, gateway6}, dns: orbDNS,
		check: func(t *testing.T, got networkAnswer) { assert.True(t, got.Isolated && got.IsolateNetwork) },
	},
	{
		name: "a default user that is not there", args: args{"machine": "strange"}, machine: "strange",
		v4: "192.168.139.14", v6: "fd07:b51a:cc66:0:", subnet: newSubnet, gateways: [2]string{newGateway, gateway6}, dns: orbDNS,
		note: `asked as root: the machine has no user "ghost"`,
	},
	{
		name: "a resolver set by hand", args: args{"machine": "byhand"}, machine: "byhand",
		v4: "192.168.139.15", v6: "fd07:b51a:cc66:0:", subnet: newSubnet, gateways: [2]string{newGateway, gateway6},
		dns: []string{"192.0.2.53", "2001:db8::53"},
		check: func(t *testing.T, got networkAnswer) {
			assert.Equal(t, []string{"corp.example", "lab.example"}, got.Search)
		},
	},
	{
		name: "an install of the first year", world: "old", args: args{}, machine: "web",
		v4: "198.19.249.76", v6: "fd07:b51a:cc66:0:b476:dbff:fe73:161e", subnet: "198.19.249.0/24",
		gateways: [2]string{"198.19.249.1", gateway6}, dns: []string{"198.19.248.200"},
	},
	{
		name: "an install of the first year, busybox", world: "old", args: args{"machine": "router"}, machine: "router",
		v4: "198.19.249.", v6: "fd07:b51a:cc66:0:", subnet: "198.19.249.0/24",
		gateways: [2]string{"198.19.249.1", gateway6}, dns: []string{"198.19.248.200"},
	},
}

func TestNetworkDetailsShowsAMachinesNetwork(t *testing.T) {
	inBothEras(t, func(t *testing.T, e era) {
		sessions := map[string]*session{"": open(t, machinesWorld(t), e), "old": open(t, "old", e)}
		t.Run("case", func(t *testing.T) {
			for _, c := range networkCases {
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					c.test(t, decode[networkAnswer](t, sessions[c.world].call(t, "vm_network_details", c.args)))
				})
			}
		})
	})
}

var macAddress = regexp.MustCompile(`^([0-9a-f]{2}:){5}[0-9a-f]{2}$`)

func (c networkCase) test(t *testing.T, got networkAnswer) {
	t.Helper()
	assert.Equal(t, []string{c.machine, "running", c.machine}, []string{got.Machine, got.State, got.Hostname})
	assert.Contains(t, got.IPv4, c.v4)
	assert.Contains(t, got.IPv6, c.v6)
	assert.Equal(t, c.v6 == "", got.IPv6 == "", "IPv6 %q", got.IPv6)
	assert.Equal(t, c.subnet, got.Subnet4)
	assert.Equal(t, c.gateways, [2]string{got.Gateway4, got.Gateway6})
	assert.Equal(t, c.dns, got.DNSServers)
	assert.Equal(t, "/etc/resolv.conf", got.DNSSource)
	assert.Equal(t, c.machine+".orb.local", got.Domain.Name)
	assert.Contains(t, got.Domain.Note, "proxy address")
	assert.Equal(t, "ssh "+c.machine+"@orb", got.SSH)
	assert.Equal(t, c.note, got.Note)
	assert.Equal(t, c.machine == "walled", got.IsolateNetwork)
	require.Len(t, got.Interfaces, 2)
	lo, eth := got.Interfaces[0], got.Interfaces[1]
	assert.Equal(t, "lo", lo.Name)
	assert.Contains(t, lo.Addresses, "127.0.0.1/8")
	assert.Equal(t, []any{"eth0", "up", 1500}, []any{eth.Name, eth.State, eth.MTU}, "the @ifN of ip(8) is no part of the name")
	assert.Regexp(t, macAddress, eth.MAC)
	assert.Contains(t, eth.Addresses, got.IPv4+"/24", "the guest sees the address that OrbStack gave")
	if got.IPv6 != "" {
		assert.Contains(t, eth.Addresses, got.IPv6+"/64")
	}
	if c.check != nil {
		c.check(t, got)
	}
}

// A stopped machine has what OrbStack knows; the rest is missing and not empty,
// and nothing is booted for it.
func TestNetworkDetailsOfAStoppedMachineBootsNothing(t *testing.T) {
	inBothEras(t, func(t *testing.T, e era) {
		s := open(t, machinesWorld(t), e)
		got := decode[networkAnswer](t, s.call(t, "vm_network_details", args{"machine": "halted"}))
		assert.Equal(t, []string{"halted", "stopped", "", ""}, []string{got.Machine, got.State, got.IPv4, got.Hostname})
		assert.Equal(t, "halted.orb.local", got.Domain.Name)
		assert.Contains(t, got.Missing.why("interfaces, routes, DNS"), "the machine is stopped")
		require.NotNil(t, got.WebPorts)
		assert.Equal(t, [2]int{3000, 0}, [2]int{got.WebPorts.HTTP, got.WebPorts.HTTPS})
		assert.Empty(t, s.booted())
		again := decode[networkAnswer](t, s.call(t, "vm_network_details", args{"machine": "halted"}))
		assert.Equal(t, "stopped", again.State)
	})
}

// Behind systemd-resolved the stub is not the server.
func TestNetworkDetailsLooksBehindSystemdResolved(t *testing.T) {
	world := `
version: 2.2.3
default: plain
variants: {systemd_stub: true}
machines:
  - {name: plain}
  - {name: box, rootfs: busybox, default_username: root}
  - {name: odd, files: {/run/systemd/resolve/resolv.conf: "# nothing\n"}}
`
	inBothEras(t, func(t *testing.T, e era) {
		s := open(t, world, e)
		for _, machine := range []string{"plain", "box"} {
			got := decode[networkAnswer](t, s.call(t, "vm_network_details", args{"machine": machine}))
			assert.Equal(t, orbDNS, got.DNSServers)
			assert.Equal(t, "/run/systemd/resolve/resolv.conf, behind systemd-resolved at 127.0.0.53", got.DNSSource)
		}
		odd := decode[networkAnswer](t, s.call(t, "vm_network_details", args{"machine": "odd"}))
		assert.Contains(t, odd.Missing.why("dns_servers"), "knows no server of its own")
	})
}

// An address that is not there yet is said to be missing.
func TestNetworkDetailsOfAMachineThatHasJustStarted(t *testing.T) {
	world := `
version: 2.2.3
default: slow
machines: [{name: slow}]
faults:
  - {argv: "^info slow", kind: garbage, stdout: '{"record":{"id":"01K2G8TY5GM9C3CN95KCB4ZG8B","name":"slow","image":{"distro":"ubuntu","version":"noble","arch":"arm64"},"config":{},"builtin":false,"state":"running"},"disk_size":1}'}
`
	inBothEras(t, func(t *testing.T, e era) {
		s := open(t, world, e)
		got := decode[networkAnswer](t, s.call(t, "vm_network_details", args{"machine": "slow"}))
		assert.Empty(t, got.IPv4)
		assert.Contains(t, got.Missing.why("ipv4"), "not reported an address yet")
		assert.NotEmpty(t, got.Interfaces, "the guest is asked all the same")
	})
}
