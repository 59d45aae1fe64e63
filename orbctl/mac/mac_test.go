package mac

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"orbstack-mcp/orbctl/guest"
)

// Go's own resolver lets a question that nobody waits for any more run into its
// time limit of some seconds.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net.(*Resolver).lookupIPAddr.func2"), goleak.IgnoreAnyFunction("net.(*Resolver).exchange"), goleak.IgnoreAnyFunction("internal/singleflight.(*Group).doCall"))
}

var loopback = netip.MustParseAddr("127.0.0.1")

// try tests the loopback address with one short attempt.
func try(t *testing.T, q guest.ConnectivityQuery) guest.ConnectivityReport {
	t.Helper()
	q.Count = 1
	if q.Timeout == 0 {
		q.Timeout = 20 * time.Second // a busy host is slow, not wrong
	}
	if q.Legs == nil {
		q.Legs = []guest.Leg{{Label: guest.ByAddress, Host: loopback.String()}}
	}
	r, err := Connect(t.Context(), q, Allow{Addresses: []netip.Addr{loopback}})
	require.NoError(t, err)
	return r
}

func serve(t *testing.T, tls bool, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = nil
	if tls {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s.URL
}

// raw accepts connections and does with them what act says.
func raw(t *testing.T, act func(net.Conn)) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			defer c.Close() // until the test is over
			act(c)
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return l.Addr().(*net.TCPAddr).Port
}

func TestEveryWayAConnectionEndsHasItsVerdict(t *testing.T) {
	ok := serve(t, false, func(w http.ResponseWriter, r *http.Request) { assert.Equal(t, http.MethodHead, r.Method) })
	bad := serve(t, false, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	moved := serve(t, false, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://elsewhere.example/", http.StatusFound)
	})
	untrusted := serve(t, true, func(http.ResponseWriter, *http.Request) {})
	reset := raw(t, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 1))
		_ = c.(*net.TCPConn).SetLinger(0)
		_ = c.Close()
	})
	silent := raw(t, func(net.Conn) {})
	babble := raw(t, func(c net.Conn) { _, _ = io.WriteString(c, "220 ready\r\n"); _ = c.Close() })
	web := func(port int) string { return "http://127.0.0.1:" + strconv.Itoa(port) + "/" }
	portOf := func(link string) int {
		u, err := url.Parse(link)
		require.NoError(t, err)
		n, err := strconv.Atoi(u.Port())
		require.NoError(t, err)
		return n
	}
	for name, c := range map[string]struct {
		query guest.ConnectivityQuery
		want  guest.Verdict
	}{
		"tcp ok":               {guest.ConnectivityQuery{Method: guest.TCP, Port: portOf(ok)}, guest.OK},
		"tcp refused":          {guest.ConnectivityQuery{Method: guest.TCP, Port: 1}, guest.Refused},
		"http ok":              {guest.ConnectivityQuery{Method: guest.HTTP, URL: ok}, guest.OK},
		"http error":           {guest.ConnectivityQuery{Method: guest.HTTP, URL: bad}, guest.HTTPError},
		"http redirect":        {guest.ConnectivityQuery{Method: guest.HTTP, URL: moved}, guest.OK},
		"http refused":         {guest.ConnectivityQuery{Method: guest.HTTP, URL: web(1)}, guest.Refused},
		"http reset":           {guest.ConnectivityQuery{Method: guest.HTTP, URL: web(reset)}, guest.Reset},
		"http silent":          {guest.ConnectivityQuery{Method: guest.HTTP, URL: web(silent), Timeout: time.Second}, guest.Timeout},
		"not http":             {guest.ConnectivityQuery{Method: guest.HTTP, URL: web(babble)}, guest.HTTPError},
		"certificate":          {guest.ConnectivityQuery{Method: guest.HTTP, URL: untrusted}, guest.TLSFailed},
		"no TLS at all":        {guest.ConnectivityQuery{Method: guest.HTTP, URL: "https://127.0.0.1:" + strconv.Itoa(portOf(ok))}, guest.TLSFailed},
		"ping, or no right to": {guest.ConnectivityQuery{Method: guest.Ping}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := try(t, c.query)
			require.Len(t, r.Legs, 1)
			require.Len(t, r.Legs[0].Attempts, 1)
			if c.want == "" { // both are true answers, by what this user may do
				assert.Contains(t, []guest.Verdict{guest.OK, guest.NoTool}, r.Verdict)
				return
			}
			assert.Equal(t, c.want, r.Verdict, r.Legs[0].Attempts[0].Detail)
			assert.Equal(t, c.want.Reachable(), r.Reachable)
			assert.Equal(t, c.want.Reachable(), r.Legs[0].Attempts[0].Latency > 0)
		})
	}
	r := try(t, guest.ConnectivityQuery{Method: guest.HTTP, URL: moved})
	assert.Equal(t, "http://elsewhere.example/", r.Legs[0].Location, "reported, not followed")
	assert.Equal(t, http.StatusFound, r.Legs[0].Status)
}

func TestNothingElseThanWhatIsAllowedIsDialled(t *testing.T) {
	dialled := 0
	port := raw(t, func(c net.Conn) { dialled++; _ = c.Close() })
	for name, c := range map[string]struct {
		host  string
		allow Allow
	}{
		"an address that is not listed": {"127.0.0.1", Allow{Addresses: []netip.Addr{netip.MustParseAddr("10.0.0.1")}}},
		"a name that is not listed":     {"localhost", Allow{Names: []string{"web.orb.local"}}},
		"nothing is listed":             {"127.0.0.1", Allow{}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Connect(t.Context(), guest.ConnectivityQuery{Method: guest.TCP, Port: port, Legs: []guest.Leg{{Label: guest.ByName, Host: c.host}}}, c.allow)
			var bad *guest.TargetError
			require.ErrorAs(t, err, &bad)
		})
	}
	// A name that is allowed, and whoever answers for it points at the Mac itself.
	r, err := Connect(t.Context(), guest.ConnectivityQuery{Method: guest.TCP, Port: port, Legs: []guest.Leg{{Label: guest.ByName, Host: "localhost"}}}, Allow{Names: []string{"localhost"}})
	require.NoError(t, err)
	assert.Equal(t, guest.DNSFailed, r.Verdict)
	assert.Zero(t, dialled)
}

func TestACallThatEndsEndsTheTest(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r, err := Connect(ctx, guest.ConnectivityQuery{Method: guest.TCP, Port: 1, Legs: []guest.Leg{{Label: guest.ByAddress, Host: "127.0.0.1"}}}, Allow{Addresses: []netip.Addr{loopback}})
	require.NoError(t, err)
	assert.False(t, r.Reachable)
	assert.Equal(t, guest.Timeout, r.Verdict)
	assert.False(t, r.Tried())
	require.Len(t, r.Missing, 1)
	assert.Contains(t, r.Missing[0].Why, "before attempt 1 of 3")
}

// answers is a DNS server on loopback with one record of each kind.
func answers(t *testing.T) string {
	t.Helper()
	zone := []string{
		"web.test. 60 A 10.9.1.1", "web.test. 60 AAAA fd09:1::1", "alias.test. 60 CNAME web.test.", "four.test. 60 A 10.9.1.4",
		"web.test. 60 MX 10 mail.test.", `web.test. 60 TXT "v=spf1 \027[31mred"`, "_sip._tcp.test. 60 SRV 10 60 5060 web.test.", "1.1.9.10.in-addr.arpa. 60 PTR web.test.",
	}
	names := map[string]bool{}
	var records []dns.RR
	for _, text := range zone {
		rr, err := dns.NewRR(text)
		require.NoError(t, err)
		records = append(records, rr)
		names[rr.Header().Name] = true
	}
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	started, ended := make(chan struct{}), make(chan struct{})
	s := &dns.Server{PacketConn: pc, NotifyStartedFunc: func() { close(started) }, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		if q.Question[0].Name == "slow.test." {
			return
		}
		a := new(dns.Msg)
		a.SetReply(q)
		a.RecursionAvailable = true
		for _, rr := range records {
			if rr.Header().Name == q.Question[0].Name && (rr.Header().Rrtype == q.Question[0].Qtype || rr.Header().Rrtype == dns.TypeCNAME) {
				a.Answer = append(a.Answer, rr)
			}
		}
		switch name := q.Question[0].Name; {
		case name == "broken.test.":
			a.Rcode = dns.RcodeServerFailure
		case name == "private.test.":
			a.Rcode = dns.RcodeRefused
		case !names[name]:
			a.Rcode = dns.RcodeNameError
		}
		_ = w.WriteMsg(a)
	})}
	go func() { defer close(ended); _ = s.ActivateAndServe() }()
	<-started
	t.Cleanup(func() { _ = s.Shutdown(); <-ended })
	return pc.LocalAddr().String()
}

func TestLookupsSayWhatTheServerSaid(t *testing.T) {
	server := answers(t)
	for _, c := range []struct {
		name, kind string
		status     guest.DNSStatus
		values     []string
	}{
		{"web.test.", "A", guest.NoError, []string{"10.9.1.1"}},
		{"web.test.", "AAAA", guest.NoError, []string{"fd09:1::1"}},
		{"alias.test.", "CNAME", guest.NoError, []string{"web.test"}},
		{"web.test.", "MX", guest.NoError, []string{"10 mail.test"}},
		{"web.test.", "TXT", guest.NoError, []string{"v=spf1 red"}},
		{"_sip._tcp.test.", "SRV", guest.NoError, []string{"10 60 5060 web.test"}},
		{"10.9.1.1", "PTR", guest.NoError, []string{"web.test"}},
		{"web.test.", "ANY", guest.NoError, []string{"10.9.1.1", "fd09:1::1", "10 mail.test", "v=spf1 red"}},
		{"nowhere.test.", "A", guest.NXDomain, nil},
		{"four.test.", "AAAA", guest.NoData, nil},
		{"broken.test.", "A", guest.ServFail, nil},
		{"private.test.", "A", guest.DNSRefused, nil},
		{"slow.test.", "A", guest.DNSTimeout, nil},
	} {
		t.Run(c.name+" "+c.kind, func(t *testing.T) {
			r, err := Lookup(t.Context(), guest.DNSQuery{Name: c.name, Type: c.kind, Server: server, Timeout: time.Second})
			require.NoError(t, err)
			assert.Equal(t, c.status, r.Status, r.Detail)
			var values []string
			for _, record := range r.Records {
				values = append(values, record.Value)
				assert.Equal(t, -1, record.TTL)
			}
			assert.ElementsMatch(t, c.values, values)
			assert.Equal(t, guest.Wire, r.Path)
		})
	}
}

func TestAServerThatIsNotThereIsSaidSo(t *testing.T) {
	r, err := Lookup(t.Context(), guest.DNSQuery{Name: "web.test.", Server: "127.0.0.1:1", Timeout: time.Second})
	require.NoError(t, err)
	assert.Equal(t, guest.ServerUnreachable, r.Status, r.Detail)
	assert.Empty(t, r.Server, "nobody answered")
	r, err = Lookup(t.Context(), guest.DNSQuery{Name: "web.test.", Server: "nosuch.invalid", Timeout: time.Second})
	require.NoError(t, err)
	assert.Equal(t, []any{guest.ServerUnreachable, "the server's name has no address", ""}, []any{r.Status, r.Detail, r.Server})
	_, err = Lookup(t.Context(), guest.DNSQuery{Name: "-x"})
	assert.Error(t, err)
}
