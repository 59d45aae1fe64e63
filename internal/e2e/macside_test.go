package e2e

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// From the Mac, which has neither a route to lose nor a tool to lack: no_route
// and no_tool are the only verdicts of the table that cannot be had here.
func TestTheMacSeesMachinesAsTheyAre(t *testing.T) {
	t.Parallel()
	for _, e := range turnOf(t) {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			s := open(t, matrix(t), e)
			t.Run("target", func(t *testing.T) {
				for _, c := range []struct {
					target, method, verdict string
				}{
					{"srv", "ping", "ok"},
					{"drop", "ping", "timeout"},
					{"dead", "ping", "unreachable"},
					{"stopped", "ping", "dns_failed"},
					{"srv.orb.local:80", "tcp", "ok"},
					{"192.168.139.20:80", "tcp", "ok"},
					{"[fd07:b51a:cc66::20]:80", "tcp", "ok"},
					{"srv:81", "tcp", "refused"},
					{"drop:80", "tcp", "timeout"},
					{"dead:80", "tcp", "unreachable"},
					{"stopped:80", "tcp", "dns_failed"},
					{"http://srv/x?a=1", "http", "ok"},
					{"http://srv:8082/", "http", "ok"},
					{"http://srv:8081/", "http", "http_error"},
					{"http://srv:81/", "http", "refused"},
					{"http://srv:9001/", "http", "reset"},
					{"http://srv:9000/", "http", "timeout"},
					{"https://srv:8443/", "http", "tls_failed"},
					{"https://srv:8445/", "http", "tls_failed"},
					{"http://drop/", "http", "timeout"},
					{"http://dead/", "http", "unreachable"},
					{"http://stopped/", "http", "dns_failed"},
				} {
					t.Run(c.method+" "+c.target, func(t *testing.T) {
						t.Parallel()
						// Long enough for the kernel to give up on a neighbour, where that is the answer.
						patience := 1
						if c.verdict == "unreachable" {
							patience = 5
						}
						r := s.call(t, "vm_test_connectivity", args{"target": c.target, "method": c.method, "from": "mac", "count": 1, "timeout_seconds": patience})
						require.False(t, r.IsError, r.Text)
						assert.Equal(t, c.verdict, r.at("verdict"), r.Text)
						assert.Equal(t, "mac", r.at("from"))
						assert.NotEmpty(t, r.at("target_machine", "name"))
						if c.target == "http://srv:8082/" {
							assert.Equal(t, "http://elsewhere.example/", r.at("results", 0, "location"), "reported, not followed")
						}
					})
				}
			})
		})
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
}
