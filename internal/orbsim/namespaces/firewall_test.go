package namespaces

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/internal/orbsim/worldfile"
)

func TestWorldRulesSendProxyAddressesToMachines(t *testing.T) {
	rules := worldRules([]proxied{{
		proxy: netip.MustParseAddr("192.168.138.2"), machine: netip.MustParseAddr("192.168.139.2"), http: 3000,
	}})
	assert.Contains(t, rules, "ip daddr 192.168.138.2 tcp dport 80 dnat ip to 192.168.139.2:3000\n  ip daddr 192.168.138.2 dnat ip to 192.168.139.2\n")
	assert.NotContains(t, rules, "dport 443")
	assert.NotContains(t, rules, "saddr")
}

func TestWorldRulesWallMachinesIn(t *testing.T) {
	rules := worldRules([]proxied{{
		machine: netip.MustParseAddr("192.168.139.2"), machine6: netip.MustParseAddr("fd07::2"), isolated: true, bridgeInterface: "veth7",
	}})
	for _, line := range []string{"ip saddr 192.168.139.2 drop", "ip6 saddr fd07::2 drop", `iifname "veth7" drop`, `oifname "veth7" drop`} {
		assert.Contains(t, rules, line)
	}
	assert.NotContains(t, rules, "dnat")
}

func TestGuestRules(t *testing.T) {
	rules := guestRules([]worldfile.NetFault{
		{Kind: "drop"}, {Kind: "drop", Port: 80}, {Kind: "reject", Port: 81}, {Kind: "reject"}, {Kind: "loss", Percent: 30}, {Kind: "link_down"},
	})
	assert.Contains(t, rules, "  drop\n  tcp dport 80 drop\n  tcp dport 81 reject with tcp reset\n"+
		"  reject with icmpx type admin-prohibited\n  numgen random mod 100 < 30 drop\n }\n")
}

func TestFaultsAreChecked(t *testing.T) {
	for want, f := range map[string]worldfile.NetFault{
		"percent between 1 and 100": {Machine: "a", Kind: "loss"},
		"none of drop":              {Machine: "a", Kind: "delay"},
		"the whole machine":         {Machine: "a", Kind: "link_down", Port: 80},
		"is no port":                {Machine: "a", Kind: "drop", Port: 70000},
	} {
		require.ErrorContains(t, checkFault(f), want)
	}
	require.NoError(t, checkFault(worldfile.NetFault{Kind: "no_route"}))
}

func TestFaultsOfAMachineAreItsOwn(t *testing.T) {
	all := []worldfile.NetFault{{Machine: "a", Kind: "drop"}, {Machine: "b", Kind: "loss"}}
	assert.Equal(t, all[1:], faultsOf("b", all))
	assert.True(t, hasFault(all, "reject", "loss"))
	assert.False(t, hasFault(all, "reject"))
}
