package namespaces

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"

	"github.com/miekg/dns"
	"golang.org/x/sys/unix"
)

// nameServer is a set of sockets that answer DNS.
type nameServer struct{ servers []*dns.Server }

// serveDNS opens UDP and TCP port 53 of an address in the network namespace of
// the calling thread, and answers there until close.
func (n *nameServer) serveDNS(at netip.Addr, h dns.Handler) error {
	address := net.JoinHostPort(at.String(), strconv.Itoa(53))
	pc, err := net.ListenPacket("udp", address)
	if err != nil {
		return fmt.Errorf("open the resolver: %w", err)
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		_ = pc.Close()
		return fmt.Errorf("open the resolver: %w", err)
	}
	for _, s := range []*dns.Server{{PacketConn: pc, Handler: h}, {Listener: l, Handler: h}} {
		ready := make(chan struct{})
		s.NotifyStartedFunc = func() { close(ready) }
		go func() { _ = s.ActivateAndServe() }() // returns when close is called; a socket that fails is a silent resolver, as on the wire
		<-ready
		n.servers = append(n.servers, s)
	}
	return nil
}

func (n *nameServer) close() error {
	var errs []error
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // queries under way are of no interest any more
	for _, s := range n.servers {
		if err := s.ShutdownContext(ctx); err != nil && !errors.Is(err, context.Canceled) {
			errs = append(errs, err)
		}
	}
	n.servers = nil
	return errors.Join(errs...)
}

// handler answers as seen from one side.
func (r *resolver) handler(from side) dns.Handler {
	return dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		_, udp := w.RemoteAddr().(*net.UDPAddr)
		if m := r.reply(q, from, udp); m != nil {
			_ = w.WriteMsg(m) // the asker has gone away: no matter
		}
	})
}

// stub is the 127.0.0.53 of systemd-resolved: it asks the world's resolver from
// inside the machine, so that a broken network breaks it too. What does not
// come back is SERVFAIL.
func stub(pidfd *os.File, upstream netip.Addr) dns.Handler {
	return dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		_, udp := w.RemoteAddr().(*net.UDPAddr)
		client := &dns.Client{Net: "tcp"}
		if udp {
			client.Net, client.UDPSize = "udp", dns.DefaultMsgSize
		}
		var m *dns.Msg
		err := inside(pidfd, unix.CLONE_NEWNET, func() (err error) {
			m, _, err = client.Exchange(q, net.JoinHostPort(upstream.String(), "53"))
			return err
		})
		if err != nil || m == nil {
			m = new(dns.Msg).SetRcode(q, dns.RcodeServerFailure)
		}
		_ = w.WriteMsg(m)
	})
}
