package namespaces

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"orbstack-mcp/internal/orbsim/worldfile"
)

// services are the scripted listeners of one machine. The sockets belong to the
// machine's network namespace, in which they were opened; the world's process
// answers on them, so that no foreign process shows up in the machine.
type services struct {
	certificate func(kind string) (tls.Certificate, error)

	mu     sync.Mutex
	open   map[io.Closer]struct{} // sockets and connections
	closed bool
	wait   sync.WaitGroup
}

// patience is how long a connection may idle, and how long reset waits for a
// request before it resets all the same.
const (
	patience      = 30 * time.Second
	resetPatience = 200 * time.Millisecond
)

// listen opens l in the network namespace of the calling thread.
func (s *services) listen(l worldfile.Listener) error {
	if err := s.start(l); err != nil {
		return fmt.Errorf("listener %s on port %d: %w", l.Kind, l.Port, err)
	}
	return nil
}

func (s *services) start(l worldfile.Listener) error {
	address := net.JoinHostPort(l.Address, strconv.Itoa(l.Port))
	if l.Kind == "udp" {
		pc, err := net.ListenPacket("udp", address)
		if err != nil {
			return err
		}
		s.serve(pc, func() { answerPackets(pc, l.Body) })
		return nil
	}
	handle, err := s.handler(l)
	if err != nil {
		return err
	}
	socket, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	handle(socket)
	return nil
}

// handler is how a kind of listener treats its socket, without blocking.
func (s *services) handler(l worldfile.Listener) (func(net.Listener), error) {
	each := func(f func(net.Conn)) (func(net.Listener), error) {
		return func(socket net.Listener) { s.serve(socket, func() { s.accept(socket, f) }) }, nil
	}
	switch l.Kind {
	case "tcp":
		return each(func(c net.Conn) { greet(c, l.Body) })
	case "silent":
		return each(swallow)
	case "reset":
		return each(reset)
	case "http":
		return s.web(l, nil), nil
	case "https":
		cert, err := s.certificate(l.Cert)
		if err != nil {
			return nil, err
		}
		return s.web(l, &tls.Config{Certificates: []tls.Certificate{cert}}), nil
	default:
		return nil, fmt.Errorf("%q is none of tcp, udp, http, https, reset, silent", l.Kind)
	}
}

// serve runs f in the background until c is closed; false when the services
// are closed already, and c with them.
func (s *services) serve(c io.Closer, f func()) bool {
	if !s.track(c) {
		return false
	}
	s.wait.Go(f)
	return true
}

// track remembers what close has to close; a late comer is closed at once.
func (s *services) track(c io.Closer) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = c.Close()
		return false
	}
	if s.open == nil {
		s.open = map[io.Closer]struct{}{}
	}
	s.open[c] = struct{}{}
	return true
}

func (s *services) forget(c io.Closer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, c)
}

// close ends every socket and connection and waits for what served them.
func (s *services) close() error {
	s.mu.Lock()
	s.closed = true
	var errs []error
	for c := range s.open {
		if err := c.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	s.mu.Unlock()
	s.wait.Wait()
	return errors.Join(errs...)
}

func (s *services) accept(socket net.Listener, f func(net.Conn)) {
	for {
		c, err := socket.Accept()
		if err != nil {
			return // closed
		}
		if !s.track(c) {
			return
		}
		s.wait.Go(func() {
			defer s.forget(c)
			defer c.Close()
			_ = c.SetDeadline(time.Now().Add(patience))
			f(c)
		})
	}
}

// greet says the banner, and nothing more.
func greet(c net.Conn, banner string) {
	if _, err := io.WriteString(c, banner); err == nil {
		swallow(c)
	}
}

func swallow(c net.Conn) { _, _ = io.Copy(io.Discard, c) }

// reset waits for the request, and answers it with a RST.
func reset(c net.Conn) {
	_ = c.SetReadDeadline(time.Now().Add(resetPatience))
	_, _ = c.Read(make([]byte, 1))
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
}

// answerPackets sends the body back, or the packet itself when there is none.
func answerPackets(pc net.PacketConn, body string) {
	packet := make([]byte, 64<<10)
	for {
		n, from, err := pc.ReadFrom(packet)
		if err != nil {
			return // closed
		}
		answer := packet[:n]
		if body != "" {
			answer = []byte(body)
		}
		_, _ = pc.WriteTo(answer, from)
	}
}

// web answers every request alike.
func (s *services) web(l worldfile.Listener, secure *tls.Config) func(net.Listener) {
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			for k, v := range l.Headers {
				w.Header().Set(k, v)
			}
			status := l.Status
			if status == 0 {
				status = http.StatusOK
			}
			w.WriteHeader(status)
			_, _ = io.WriteString(w, l.Body)
		}),
		TLSConfig:   secure,
		ReadTimeout: patience, WriteTimeout: patience, IdleTimeout: patience,
		ErrorLog: log.New(io.Discard, "", 0), // failed handshakes are what bad certificates are for
	}
	return func(socket net.Listener) {
		serving := s.serve(server, func() {
			if secure == nil {
				_ = server.Serve(socket)
			} else {
				_ = server.ServeTLS(socket, "", "")
			}
		})
		if !serving {
			_ = socket.Close()
		}
	}
}
