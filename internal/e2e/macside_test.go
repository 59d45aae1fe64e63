package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/orbctl/guest"
	"orbstack-mcp/orbctl/mac"
)

// A macSquare is a target that gives a method's verdict from the Mac.
type macSquare struct {
	target  string
	method  guest.Method
	verdict guest.Verdict
}

var macSquares = []macSquare{
	{"srv", guest.Ping, guest.OK},
	{"drop", guest.Ping, guest.Timeout},
	{"dead", guest.Ping, guest.Unreachable},
	{"fence", guest.Ping, guest.Unreachable},
	{"stopped", guest.Ping, guest.DNSFailed},
	{"srv.orb.local:80", guest.TCP, guest.OK},
	{"192.168.139.20:80", guest.TCP, guest.OK},
	{"[fd07:b51a:cc66::20]:80", guest.TCP, guest.OK},
	{"srv:81", guest.TCP, guest.Refused},
	{"drop:80", guest.TCP, guest.Timeout},
	{"dead:80", guest.TCP, guest.Unreachable},
	{"fence:80", guest.TCP, guest.Unreachable},
	{"stopped:80", guest.TCP, guest.DNSFailed},
	{"http://srv/x?a=1", guest.HTTP, guest.OK},
	{"http://srv:8082/", guest.HTTP, guest.OK},
	{"http://srv:8081/", guest.HTTP, guest.HTTPError},
	{"http://srv:81/", guest.HTTP, guest.Refused},
	{"http://srv:9001/", guest.HTTP, guest.Reset},
	{"http://srv:9000/", guest.HTTP, guest.Timeout},
	{"https://srv:9000/", guest.HTTP, guest.Timeout},
	{"https://srv:8443/", guest.HTTP, guest.TLSFailed},
	{"https://srv:8445/", guest.HTTP, guest.TLSFailed},
	{"http://drop/", guest.HTTP, guest.Timeout},
	{"http://dead/", guest.HTTP, guest.Unreachable},
	{"http://stopped/", guest.HTTP, guest.DNSFailed},
}

// The Mac of these tests cannot be brought to have no route, or not to let this
// server ping: orbctl/mac has these squares with a network of its own
// (TestWhatTheMacRefusesItselfHasItsVerdict). All others are here.
func TestEverySquareThatTheMacHasIsOnTheTable(t *testing.T) {
	t.Parallel()
	for _, m := range guest.Methods() {
		for _, v := range guest.Verdicts() {
			possible, _ := mac.Possible(m, v)
			here := slices.ContainsFunc(macSquares, func(s macSquare) bool { return s.method == m && s.verdict == v })
			assert.Equal(t, possible && v != guest.NoRoute && v != guest.NoTool, here, "%s %s", m, v)
		}
	}
}

func TestTheMacSeesMachinesAsTheyAre(t *testing.T) {
	t.Parallel()
	for _, e := range turnOf(t) {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			s := open(t, matrix(t), e)
			t.Run("target", func(t *testing.T) {
				for _, c := range macSquares {
					t.Run(string(c.method)+" "+c.target, func(t *testing.T) {
						t.Parallel()
						c.test(t, s)
					})
				}
			})
		})
	}
}

func (c macSquare) test(t *testing.T, s *session) {
	t.Helper()
	// Long enough for the kernel to give up on a neighbour, where that is the answer.
	patience := 1
	switch c.verdict {
	case guest.Unreachable:
		patience = 5
	case guest.OK, guest.Refused, guest.Reset, guest.HTTPError, guest.TLSFailed:
		patience = 10 // it costs no time, and a busy computer may take it
	}
	r := s.call(t, "vm_test_connectivity", args{"target": c.target, "method": string(c.method), "from": "mac", "count": 1, "timeout_seconds": patience})
	require.False(t, r.IsError, r.Text)
	assert.Equal(t, string(c.verdict), r.at("verdict"), r.Text)
	assert.Equal(t, c.verdict.Reachable(), r.at("reachable"))
	assert.Equal(t, "mac", r.at("from"))
	assert.NotEmpty(t, r.at("target_machine", "name"))
	var want []string // the proxy behind the name has IPv4 alone
	for _, leg := range []string{"name/ipv4", "address/ipv4", "address/ipv6"} {
		want = append(want, leg+" "+string(c.verdict))
	}
	if c.verdict == guest.DNSFailed { // nor has it an address
		want = []string{"name/ dns_failed"}
	}
	assert.Equal(t, want, legLines(r), r.Text)
	switch {
	case c.target == "http://srv:8082/":
		assert.Equal(t, "http://elsewhere.example/", r.at("results", 0, "location"), "reported, not followed")
	case strings.Contains(c.target, ":9000"):
		assert.Contains(t, r.at("meaning"), "accepts connections on port 9000 but does not answer")
		assert.Equal(t, "connected, but no answer in 1s", r.at("results", 0, "detail"))
	}
}

func TestTheMacIsNoScanner(t *testing.T) {
	t.Parallel()
	s := open(t, matrix(t), modern)
	for _, target := range []string{"example.com:443", "203.0.113.7", "192.168.1.1:22", "http://169.254.169.254/", "0.250.250.254:22"} {
		r := s.call(t, "vm_test_connectivity", args{"target": target, "from": "mac", "count": 1, "timeout_seconds": 1})
		assert.Equal(t, "not_allowed", r.code(), "%s: %s", target, r.Text)
	}
	r := s.call(t, "vm_test_connectivity", args{"machine": "srv", "target": "localhost:22", "from": "mac"})
	assert.Equal(t, "not_allowed", r.code(), "nothing in srv listens there")
	r = s.call(t, "vm_test_connectivity", args{"machine": "srv", "target": "localhost:80", "from": "mac", "count": 1})
	require.False(t, r.IsError, r.Text)
	assert.Equal(t, "refused", r.at("verdict"), "the simulator forwards no ports")
	assert.Contains(t, fmt.Sprint(r.at("meaning")), "machines.forward_ports")
	assert.Contains(t, fmt.Sprint(r.at("meaning")), "srv.orb.local and the machine's address do not need that")
	r = s.call(t, "vm_test_connectivity", args{"machine": "srv", "target": "localhost:5432", "from": "mac", "count": 1})
	assert.Contains(t, fmt.Sprint(r.at("meaning")), "Nor does srv.orb.local lead to it", "it listens on its own loopback alone")
}
