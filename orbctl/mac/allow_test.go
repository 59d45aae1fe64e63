package mac

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
)

// What a name leads to has to be near the machine that the name is of.
func TestANameMayLeadOnlyToTheNeighbourhoodOfItsMachine(t *testing.T) {
	machine := Allow{Addresses: []netip.Addr{netip.MustParseAddr("192.168.139.20"), netip.MustParseAddr("fd07:b51a:cc66::20")}}
	old := Allow{Addresses: []netip.Addr{netip.MustParseAddr("198.19.249.5")}}
	for _, tt := range []struct {
		allow Allow
		addr  string
		want  bool
	}{
		{machine, "192.168.139.20", true},
		{machine, "192.168.138.7", true}, // the proxy address
		{machine, "fd07:b51a:cc66:1::7", true},
		{machine, "10.0.0.1", false},
		{machine, "192.0.2.1", false},
		{machine, "127.0.0.1", false},
		{machine, "169.254.169.254", false},
		{machine, "fd00::1", false},
		{machine, "::ffff:192.168.138.7", false},
		{old, "198.19.249.7", true},
		{old, "192.168.138.7", false},
		{old, "fd07:b51a:cc66::20", false},
		{Allow{}, "192.168.138.7", true}, // a machine without addresses
		{Allow{}, "8.8.8.8", false},
	} {
		assert.Equal(t, tt.want, tt.allow.address(netip.MustParseAddr(tt.addr)), "%v %s", tt.allow.Addresses, tt.addr)
	}
}
