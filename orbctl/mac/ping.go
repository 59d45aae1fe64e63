package mac

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// ping sends one echo request and waits for its reply. macOS, and Linux where
// net.ipv4.ping_group_range allows it, have a datagram socket for this that needs
// no rights; elsewhere root has a raw one.
func (n network) ping(ctx context.Context, to netip.Addr) error {
	conn, datagram, err := n.listen(to.Is4())
	if err != nil {
		return noPingError{err}
	}
	defer func() { _ = conn.Close() }()                                              // nothing is left to lose
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) }) // wakes the read
	defer stop()

	// The kernel chooses the ID of a datagram socket; the payload is what is ours.
	payload := make([]byte, 24)
	_, _ = rand.Read(payload) // crypto/rand.Read never fails (Go 1.24)
	request := icmp.Message{Type: ipv4.ICMPTypeEcho, Body: &icmp.Echo{ID: 1, Seq: 1, Data: payload}}
	if to.Is6() {
		request.Type = ipv6.ICMPTypeEchoRequest
	}
	packet, err := request.Marshal(nil)
	if err != nil {
		return fmt.Errorf("make the echo request: %w", err)
	}
	if _, err := conn.WriteTo(packet, destination(to, datagram)); err != nil {
		return fmt.Errorf("send the echo request: %w", err)
	}
	return reply(ctx, conn, to, payload)
}

func listen(four bool) (conn *icmp.PacketConn, datagram bool, err error) {
	names, all := []string{"udp4", "ip4:icmp"}, "0.0.0.0"
	if !four {
		names, all = []string{"udp6", "ip6:ipv6-icmp"}, "::"
	}
	conn, first := icmp.ListenPacket(names[0], all)
	if first == nil {
		return conn, true, nil
	}
	conn, err = icmp.ListenPacket(names[1], all)
	return conn, false, errors.Join(err, onlyWith(err, first))
}

// onlyWith keeps the first error for the message when the second try failed too.
func onlyWith(err, first error) error {
	if err == nil {
		return nil
	}
	return first
}

func destination(to netip.Addr, datagram bool) net.Addr {
	if datagram {
		return &net.UDPAddr{IP: to.AsSlice(), Zone: to.Zone()}
	}
	return &net.IPAddr{IP: to.AsSlice(), Zone: to.Zone()}
}

// reply waits for the answer to our request among everything that arrives.
func reply(ctx context.Context, conn *icmp.PacketConn, to netip.Addr, payload []byte) error {
	protocol := ipv4.ICMPTypeEcho.Protocol()
	if to.Is6() {
		protocol = ipv6.ICMPTypeEchoRequest.Protocol()
	}
	buf := make([]byte, 1500)
	for {
		n, _, err := conn.ReadFrom(buf)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			return fmt.Errorf("wait for the echo reply: %w", err)
		}
		m, err := icmp.ParseMessage(protocol, buf[:n])
		if err != nil {
			continue
		}
		switch body := m.Body.(type) {
		case *icmp.Echo:
			if (m.Type == ipv4.ICMPTypeEchoReply || m.Type == ipv6.ICMPTypeEchoReply) && bytes.Equal(body.Data, payload) {
				return nil
			}
		case *icmp.DstUnreach:
			if quotes(body.Data, to) {
				return syscall.EHOSTUNREACH
			}
		}
	}
}

// quotes reports whether an ICMP error is about an ICMP packet to that address.
// A router has to quote no more than the IP header and 8 bytes of what it could
// not deliver (RFC 792), so that our payload need not be in it.
func quotes(packet []byte, to netip.Addr) bool {
	protocol, address, icmp := 9, 16, byte(1)
	if to.Is6() {
		protocol, address, icmp = 6, 24, 58
	}
	want := to.AsSlice()
	return len(packet) >= address+len(want) && packet[protocol] == icmp && bytes.Equal(packet[address:address+len(want)], want)
}
