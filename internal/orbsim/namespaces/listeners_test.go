package namespaces

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/internal/orbsim/worldfile"
)

// start opens a listener on loopback, wherever the test runs.
func start(t *testing.T, s *services, l worldfile.Listener) string {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := free.Addr().String()
	require.NoError(t, free.Close())
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	l.Address = "127.0.0.1"
	l.Port, err = strconv.Atoi(port)
	require.NoError(t, err)
	require.NoError(t, s.listen(l))
	return address
}

func TestListenersSayWhatTheyAreTold(t *testing.T) {
	s := &services{}
	defer func() { require.NoError(t, s.close()) }()
	tcp, err := net.Dial("tcp", start(t, s, worldfile.Listener{Kind: "tcp", Body: "hello"}))
	require.NoError(t, err)
	defer tcp.Close()
	banner := make([]byte, 5)
	_, err = io.ReadFull(tcp, banner)
	require.NoError(t, err)
	assert.Equal(t, "hello", string(banner))

	for body, want := range map[string]string{"": "ping", "pong": "pong"} {
		udp, err := net.Dial("udp", start(t, s, worldfile.Listener{Kind: "udp", Body: body}))
		require.NoError(t, err)
		_, err = udp.Write([]byte("ping"))
		require.NoError(t, err)
		answer := make([]byte, 100)
		n, err := udp.Read(answer)
		require.NoError(t, err)
		assert.Equal(t, want, string(answer[:n]))
		require.NoError(t, udp.Close())
	}

	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get("http://" + start(t, s, worldfile.Listener{Kind: "http", Status: 418, Headers: map[string]string{"X-A": "b"}, Body: "tea"}))
	require.NoError(t, err)
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	assert.Equal(t, 418, response.StatusCode)
	assert.Equal(t, "b", response.Header.Get("X-A"))
	assert.Equal(t, "tea", string(text))

	reset, err := net.Dial("tcp", start(t, s, worldfile.Listener{Kind: "reset"}))
	require.NoError(t, err)
	defer reset.Close()
	_, err = reset.Write([]byte("GET / HTTP/1.0\r\n\r\n"))
	require.NoError(t, err)
	_, err = reset.Read(make([]byte, 1))
	require.ErrorContains(t, err, "connection reset")
}

func TestClosingEndsConnectionsAndRefusesLateComers(t *testing.T) {
	s := &services{}
	address := start(t, s, worldfile.Listener{Kind: "silent"})
	c, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer c.Close()
	_, err = c.Write([]byte("anybody there?"))
	require.NoError(t, err)
	require.NoError(t, s.close())
	require.NoError(t, c.SetReadDeadline(time.Now().Add(5*time.Second)))
	_, err = c.Read(make([]byte, 1))
	require.Error(t, err)
	require.NotErrorIs(t, err, net.ErrClosed)
	_, err = net.DialTimeout("tcp", address, time.Second)
	require.Error(t, err)
	for _, kind := range []string{"tcp", "udp", "http"} {
		late := start(t, s, worldfile.Listener{Kind: kind})
		_, err := net.DialTimeout("tcp", late, time.Second)
		require.Error(t, err, kind)
	}
}

func TestCertificatesAreGoodExpiredOrBad(t *testing.T) {
	ca, err := newAuthority()
	require.NoError(t, err)
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(ca.pem()))
	for kind, want := range map[string]string{"good": "", "expired": "expired", "bad": "unknown authority", "": "unknown authority"} {
		c, err := ca.serverCertificate(kind, "web", netip.MustParseAddr("192.168.139.2"), netip.Addr{})
		require.NoError(t, err)
		leaf, err := x509.ParseCertificate(c.Certificate[0])
		require.NoError(t, err)
		for _, name := range []string{"web.orb.local", "api.web.orb.local", "192.168.139.2", "localhost"} {
			_, err = leaf.Verify(x509.VerifyOptions{DNSName: name, Roots: roots})
			if want == "" {
				require.NoError(t, err, name)
			} else {
				require.ErrorContains(t, err, want, name)
			}
		}
		require.Error(t, leaf.VerifyHostname("other.orb.local"))
	}
	_, err = ca.serverCertificate("fine", "web")
	require.ErrorContains(t, err, "none of good, bad, expired")
	_, err = (&services{certificate: func(kind string) (tls.Certificate, error) { return ca.serverCertificate(kind, "web") }}).
		handler(worldfile.Listener{Kind: "https", Cert: "fine"})
	require.Error(t, err)
}
