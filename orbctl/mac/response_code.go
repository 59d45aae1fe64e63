package mac

import (
	"context"
	"net"
	"sync/atomic"

	"orbstack-mcp/orbctl/guest"
)

// A responseCode listens to what DNS servers answer, since Go's resolver has one
// word for every code that is an error. It hears nothing where the system's own
// library asks them.
type responseCode struct{ last atomic.Uint32 }

// dial is for net.Resolver.Dial.
func (c *responseCode) dial(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, address)
	if udp, ok := conn.(*net.UDPConn); ok {
		return heardConn{udp, c}, err
	}
	return conn, err // TCP is asked only after a good answer that was too long
}

// status is that of the last error; SERVFAIL, if none was heard. The codes are
// those of RFC 1035 §4.1.1.
func (c *responseCode) status() guest.DNSStatus {
	switch c.last.Load() {
	case 1:
		return "FORMERR"
	case 4:
		return "NOTIMP"
	case 5:
		return guest.DNSRefused
	}
	return guest.ServFail
}

type heardConn struct {
	*net.UDPConn
	code *responseCode
}

// Read passes one message on. The code is in the lower half of its fourth byte.
func (c heardConn) Read(p []byte) (int, error) {
	n, err := c.UDPConn.Read(p)
	if err == nil && n > 3 {
		c.code.last.Store(uint32(p[3] & 0xf))
	}
	return n, err
}
