package namespaces

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"orbstack-mcp/internal/orbsim/worldfile"
)

func TestAddressingDefaultsToANewInstall(t *testing.T) {
	a, err := newAddressing(worldfile.Network{})
	require.NoError(t, err)
	assert.Equal(t, "192.168.139.0/24", a.subnet4.String())
	assert.Equal(t, "192.168.139.1", a.gateway4.String())
	assert.Equal(t, "fd07:b51a:cc66::1", a.gateway6.String())
	assert.Equal(t, "192.168.138.0/24", a.proxy4.String())
	assert.Equal(t, resolver4, a.resolver4)
	old, err := newAddressing(worldfile.Network{Subnet4: "198.19.249.0/24"})
	require.NoError(t, err)
	assert.Equal(t, oldResolver4, old.resolver4)
}

func TestAddressingRefusesNonsense(t *testing.T) {
	for want, n := range map[string]worldfile.Network{
		"network.subnet4":                    {Subnet4: "192.168.139.0"},
		"network.subnet6":                    {Subnet6: "x"},
		"must be a /64":                      {Subnet6: "fd00::/48"},
		"network.proxy4":                     {Proxy4: "1.2.3.4/99"},
		"network.gateway4":                   {Gateway4: "here"},
		"is not in network.subnet4 10.0.0.0": {Subnet4: "10.0.0.0/24", Gateway4: "10.0.1.1"},
	} {
		_, err := newAddressing(n)
		require.ErrorContains(t, err, want)
	}
}

func TestPoolHandsOutEachAddressOnce(t *testing.T) {
	p := newPool(netip.MustParsePrefix("10.0.0.0/29"), netip.MustParseAddr("10.0.0.3"))
	fixed, err := p.take("fixed", netip.MustParseAddr("10.0.0.4"))
	require.NoError(t, err)
	assert.Equal(t, "10.0.0.4", fixed.String())
	for _, want := range []string{"10.0.0.2", "10.0.0.5", "10.0.0.6"} {
		got, err := p.take("next", netip.Addr{})
		require.NoError(t, err)
		assert.Equal(t, want, got.String())
	}
	_, err = p.take("late", netip.Addr{})
	require.ErrorContains(t, err, "no address is left in 10.0.0.0/29")
	_, err = p.take("other", fixed)
	require.ErrorContains(t, err, "taken by fixed")
	_, err = p.take("other", netip.MustParseAddr("10.0.1.1"))
	require.ErrorContains(t, err, "is not in")
	p.release(fixed)
	again, err := p.take("late", netip.Addr{})
	require.NoError(t, err)
	assert.Equal(t, fixed, again)
}

func TestEUI64IsThatOfTheSample(t *testing.T) {
	// docs/orbctl-contract.md §6, testdata/guest-ip.old-subnet.txt
	mac, ok := macFromEUI64(netip.MustParseAddr("fd07:b51a:cc66:0:44a4:40ff:feee:ee1"))
	require.True(t, ok)
	assert.Equal(t, "46:a4:40:ee:0e:e1", mac.String())
	_, ok = macFromEUI64(netip.MustParseAddr("fd07:b51a:cc66::5"))
	assert.False(t, ok)
}

func TestEveryNameHasAMACAddressThatItsIPv6AddressTells(t *testing.T) {
	subnet := netip.MustParsePrefix("fd07:b51a:cc66::/64")
	rapid.Check(t, func(t *rapid.T) {
		mac := macOf(rapid.String().Draw(t, "name"))
		assert.Equal(t, byte(2), mac[0]&3, "locally administered, unicast")
		ip := eui64(subnet, mac)
		assert.True(t, subnet.Contains(ip))
		back, ok := macFromEUI64(ip)
		assert.True(t, ok)
		assert.Equal(t, mac, back)
	})
}
