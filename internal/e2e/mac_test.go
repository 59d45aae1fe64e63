package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// macAnswer is a result of vm_test_connectivity from the Mac.
type macAnswer struct {
	Machine, From, Method, Verdict, Meaning string
	Port                                    int
	Reachable                               bool
	Target                                  struct{ Name, State string } `json:"target_machine"`
	Results                                 []struct {
		By, Host, Address, Family, Verdict, Location, Detail, Tool string
		Resolved                                                   []string
		Attempts                                                   []struct{ Verdict string }
		Status                                                     int     `json:"http_status"`
		Loss                                                       float64 `json:"loss_percent"`
	}
}

// From the Mac a machine is tested by the name, which leads to OrbStack's proxy,
// and by each of its own addresses; whichever way it was named.
func TestFromTheMacAMachineIsTestedEachWay(t *testing.T) {
	inBothEras(t, func(t *testing.T, e era) {
		s := open(t, matrix(t), e)
		t.Run("target", func(t *testing.T) {
			for target, name := range map[string]string{
				"srv:80": "srv.orb.local", "SRV.orb.local.:80": "srv.orb.local", "192.168.139.20:80": "srv.orb.local",
				"[fd07:b51a:cc66::20]:80": "srv.orb.local", "app.srv.orb.local:80": "app.srv.orb.local",
				"http://srv/?a=1&b=2": "srv.orb.local", "https://srv.orb.local:8444/": "srv.orb.local",
			} {
				t.Run(target, func(t *testing.T) {
					t.Parallel()
					got := decode[macAnswer](t, s.call(t, "vm_test_connectivity", args{"target": target, "from": "mac", "count": 2}))
					assert.Equal(t, []string{"mac", "ok", "srv", "running", ""}, []string{got.From, got.Verdict, got.Target.Name, got.Target.State, got.Machine})
					reached := strings.TrimSuffix(name, ".orb.local") // the machine, or the name below it
					if reached != "srv" {
						reached = name
					}
					assert.Equal(t, "The Mac reaches "+reached+".", got.Meaning)
					require.Len(t, got.Results, 3)
					proxy, four, six := got.Results[0], got.Results[1], got.Results[2]
					assert.Equal(t, []string{"name", name, "ipv4"}, []string{proxy.By, proxy.Host, proxy.Family})
					assert.True(t, strings.HasPrefix(proxy.Address, "192.168.138."), proxy.Address)
					assert.Equal(t, []string{"address", "192.168.139.20", "ipv4"}, []string{four.By, four.Address, four.Family})
					assert.Equal(t, []string{"address", "fd07:b51a:cc66::20", "ipv6"}, []string{six.By, six.Address, six.Family})
					for _, leg := range got.Results {
						assert.Equal(t, "ok", leg.Verdict, "%s: %s", leg.Address, leg.Detail)
						assert.Len(t, leg.Attempts, 2)
						assert.Zero(t, leg.Loss)
						assert.Equal(t, "this server", leg.Tool, "the Mac itself, with no process of its own")
					}
				})
			}
		})
		assert.Empty(t, s.booted(), "nothing is run in a machine")
	})
}

// A redirect is reported and not followed, and its target is data.
func TestFromTheMacARedirectIsNotFollowed(t *testing.T) {
	world := `
version: 2.2.3
default: srv
machines:
  - name: srv
    ip4: 192.168.139.20
    no_ip6: true
    listeners:
      - {kind: http, port: 80, status: 301, headers: {Location: "http://srv.orb.local:81/"}}
      - {kind: http, port: 81, status: 404}
      - {kind: http, port: 82, status: 302, headers: {Location: "http://x/` + strings.Repeat("a", 5000) + `"}}
`
	inOneEra(t, func(t *testing.T, e era) {
		s := open(t, world, e)
		got := decode[macAnswer](t, s.call(t, "vm_test_connectivity", args{"target": "http://srv/", "from": "mac", "count": 1}))
		assert.Equal(t, "ok", got.Verdict, "the 404 behind the redirect is not seen")
		for _, leg := range got.Results {
			assert.Equal(t, 301, leg.Status)
			assert.Equal(t, "http://srv.orb.local:81/", leg.Location)
		}
		long := decode[macAnswer](t, s.call(t, "vm_test_connectivity", args{"target": "http://srv:82/", "from": "mac", "count": 1}))
		for _, leg := range long.Results {
			assert.Equal(t, 302, leg.Status)
			assert.LessOrEqual(t, len(leg.Location), 600)
			assert.True(t, strings.HasPrefix(leg.Location, "http://x/aaa"))
		}
	})
}

// This server reaches machines from the Mac and nothing else.
func TestFromTheMacNothingButMachinesIsReached(t *testing.T) {
	world := matrix(t) + `
  - {argv: "^info never", kind: error}
`
	inOneEra(t, func(t *testing.T, e era) {
		s := open(t, world, e)
		for _, target := range []string{
			"far.example:80", "https://example.com/", "203.0.113.7", "192.168.139.1:53", "192.168.139.200:22", "192.168.138.9:80",
			"0.250.250.254:22", "169.254.169.254:80", "[fe80::1%lo]:22", "host.orb.internal:22", "evil.orb.local:80", "srv.orb.local.evil.example:80", "srv.evil:80",
		} {
			r := s.call(t, "vm_test_connectivity", args{"target": target, "from": "mac", "count": 1, "timeout_seconds": 1})
			assert.Equal(t, "not_allowed", r.code(), "%s: %s", target, r.Text)
			assert.Contains(t, r.Text, "leave from out", "what to do instead")
			assert.Contains(t, fmt.Sprint(r.at("error", "details", "machines")), "srv")
		}
	})
}

// A name that somebody has made to lead elsewhere is not followed there.
func TestFromTheMacANameThatLeadsElsewhereIsNotDialled(t *testing.T) {
	world := `
version: 2.2.3
default: srv
machines:
  - {name: srv, ip4: 192.168.139.20, no_ip6: true, listeners: [{kind: http, port: 80}]}
dns:
  - {name: srv.orb.local, type: A, values: [203.0.113.7, 127.0.0.1], from: mac}
`
	inOneEra(t, func(t *testing.T, e era) {
		got := decode[macAnswer](t, open(t, world, e).call(t, "vm_test_connectivity", args{"target": "srv:80", "from": "mac", "count": 1}))
		require.Len(t, got.Results, 2)
		assert.Equal(t, []string{"name", "dns_failed", ""}, []string{got.Results[0].By, got.Results[0].Verdict, got.Results[0].Address})
		assert.Contains(t, got.Results[0].Detail, "none is one of OrbStack's networks")
		assert.Empty(t, got.Results[0].Attempts)
		assert.Equal(t, "ok", got.Results[1].Verdict)
		assert.Contains(t, got.Meaning, "The Mac resolves the name of srv, but wrongly")
		assert.Contains(t, got.Meaning, "By address the Mac reaches it")
	})
}
