package mac

import (
	"bytes"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestAnICMPErrorCountsForItsOwnPingOnly(t *testing.T) {
	four := append([]byte{0x45, 0, 0, 84, 0, 0, 0, 0, 64, 1, 0, 0, 192, 168, 139, 1, 192, 168, 139, 77}, 8, 0, 0, 0, 0, 1, 0, 1)
	six := append([]byte{0x60, 0, 0, 0, 0, 32, 58, 64}, netip.MustParseAddr("fd07::1").AsSlice()...)
	six = append(six, netip.MustParseAddr("fd07::77").AsSlice()...)
	udp := bytes.Clone(four)
	udp[9] = 17
	for name, c := range map[string]struct {
		packet []byte
		to     string
		want   bool
	}{
		"ours":                       {four, "192.168.139.77", true},
		"to another host":            {four, "192.168.139.78", false},
		"another protocol":           {udp, "192.168.139.77", false},
		"ours over IPv6":             {six, "fd07::77", true},
		"to another host over IPv6":  {six, "fd07::78", false},
		"cut inside the address":     {four[:18], "192.168.139.77", false},
		"empty":                      {nil, "192.168.139.77", false},
		"a zone is not in the quote": {six, "fd07::77%eth0", true},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, c.want, quotes(c.packet, netip.MustParseAddr(c.to))) })
	}
}
