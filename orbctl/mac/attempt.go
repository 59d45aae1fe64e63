package mac

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"orbstack-mcp/orbctl/guest"
	"orbstack-mcp/orbctl/untrusted"
)

// open connects and ends the connection.
func (n network) open(ctx context.Context, to netip.AddrPort) error {
	conn, err := n.dial(ctx, "tcp", to.String())
	if err != nil {
		return err
	}
	return conn.Close()
}

// statusError is an HTTP answer that says no.
type statusError int

func (e statusError) Error() string { return fmt.Sprintf("HTTP status %d", int(e)) }

// maxHeaders bounds what a service can make this process keep: http.ReadResponse
// reads headers without end.
const maxHeaders = 64 << 10

var errHeaders = errors.New("the answer has more than 64 KiB of headers")

// head sends HEAD to the leg's address; the URL decides Host and, for TLS, whose
// certificate is wanted. A redirect is reported and not followed, and no proxy is
// asked. It does not use http.Transport, which takes what a service says before
// it is asked (SSH, SMTP) for a fault of its own. connected is whether the
// service took the connection, whatever came of it.
func (n network) head(ctx context.Context, link string, l *guest.LegReport) (connected bool, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, link, http.NoBody)
	if err != nil {
		return false, fmt.Errorf("make the request: %w", err)
	}
	req.Header.Set("User-Agent", "orbstack-mcp")
	req.Close = true
	port := req.URL.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[req.URL.Scheme]
	}
	conn, err := n.dial(ctx, "tcp", net.JoinHostPort(l.Address.String(), port))
	if err != nil {
		return false, err
	}
	defer func() { _ = conn.Close() }()
	// The end of ctx ends what waits, by a deadline that has passed: a connection that
	// is closed has as many words for it as there are kinds.
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	return true, ask(ctx, conn, req, l)
}

// ask makes the request over a connection that is open.
func ask(ctx context.Context, conn net.Conn, req *http.Request, l *guest.LegReport) error {
	if req.URL.Scheme == "https" {
		secure := tls.Client(conn, &tls.Config{ServerName: req.URL.Hostname(), MinVersion: tls.VersionTLS12})
		if err := secure.HandshakeContext(ctx); err != nil {
			return err
		}
		conn = secure
	}
	if err := req.Write(conn); err != nil {
		return fmt.Errorf("send the request: %w", err)
	}
	headers := &io.LimitedReader{R: conn, N: maxHeaders}
	answer, err := http.ReadResponse(bufio.NewReader(headers), req)
	if err != nil && headers.N <= 0 {
		return errHeaders
	}
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	defer answer.Body.Close()
	l.Status, l.Location = answer.StatusCode, location(answer)
	if answer.StatusCode >= http.StatusBadRequest {
		return statusError(answer.StatusCode)
	}
	return nil
}

func location(r *http.Response) string {
	const most = 500
	text := untrusted.Line(r.Header.Get("Location"))
	return strings.ToValidUTF8(text[:min(len(text), most)], "")
}

// noPingError is why the kernel lets this process send no echo request.
type noPingError struct{ err error }

func (e noPingError) Error() string {
	return "this process may not send echo requests: " + e.err.Error()
}
func (e noPingError) Unwrap() error { return e.err }

// verdict puts an error of package net into the words that guests' tools get too.
func verdict(m guest.Method, err error) guest.Verdict {
	var (
		status  statusError
		noPing  noPingError
		network net.Error
		record  tls.RecordHeaderError
		alert   tls.AlertError
		cert    *tls.CertificateVerificationError
		unknown x509.UnknownAuthorityError
	)
	switch {
	case err == nil:
		return guest.OK
	case errors.As(err, &noPing):
		return guest.NoTool
	case errors.As(err, &status):
		return guest.HTTPError
	case errors.As(err, &record), errors.As(err, &alert), errors.As(err, &cert), errors.As(err, &unknown):
		return guest.TLSFailed
	case errors.Is(err, syscall.ECONNREFUSED):
		return guest.Refused
	case errors.Is(err, syscall.ENETUNREACH):
		return guest.NoRoute
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.EHOSTDOWN), errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		return guest.Unreachable
	case errors.As(err, &network) && network.Timeout(), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return guest.Timeout
	case m == guest.HTTP && (errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)):
		return guest.Reset
	case errors.Is(err, errHeaders), m == guest.HTTP && strings.Contains(err.Error(), "malformed HTTP"):
		return guest.HTTPError
	}
	return guest.Unreachable
}
