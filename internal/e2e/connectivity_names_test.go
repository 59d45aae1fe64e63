package e2e

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// namesWorld has machines with a dot in their names, and in web a hosts file that says
// something else of db than OrbStack.
const namesWorld = `
machines:
  - name: web
    ip4: 192.168.139.10
    files:
      /etc/hosts: |
        127.0.0.1 localhost
        192.168.139.12 db.orb.local
        10.99.99.99 far.orb.local
  - {name: db, ip4: 192.168.139.11, listeners: [{kind: tcp, port: 6379}]}
  - {name: cache, ip4: 192.168.139.12, listeners: [{kind: tcp, port: 6380}]}
  - {name: far, ip4: 192.168.139.13, listeners: [{kind: tcp, port: 80}]}
  - {name: staging, ip4: 192.168.139.21}
  - {name: web.staging, ip4: 192.168.139.22, listeners: [{kind: tcp, port: 80}]}
dns:
  - {name: gone.cache.orb.local, rcode: NXDOMAIN}
`

// A name is tested as it was asked for, and one that leads elsewhere is no finding
// about the machine.
func TestANameIsTestedAsItWasAsked(t *testing.T) {
	inBothEras(t, func(t *testing.T, e era) {
		s := open(t, namesWorld, e)
		for _, c := range []struct {
			target, verdict, machine string
			says                     string
			hosts                    []string
		}{
			{"web.staging.orb.local:80", "ok", "web.staging", "web reaches web.staging.", []string{"web.staging.orb.local"}},
			{"web.staging:80", "ok", "web.staging", "web reaches web.staging, as web.staging.orb.local.", []string{"web.staging.orb.local"}},
			{"staging:80", "refused", "staging", "staging is there but refuses port 80", []string{"staging.orb.local"}},
			{"app.cache.orb.local:6380", "ok", "cache", "web reaches app.cache.orb.local.", []string{"app.cache.orb.local"}},
			{"gone.cache.orb.local:6380", "ok", "cache", "web cannot resolve gone.cache.orb.local, a name below cache's own", []string{"gone.cache.orb.local", "192.168.139.12"}},
			{"db:6379", "ok", "db", "In web the name of db leads to 192.168.139.12, which is not its address", []string{"db.orb.local", "192.168.139.11"}},
			{"db:81", "refused", "db", "By its own address it is not reached (refused).", []string{"db.orb.local", "192.168.139.11"}},
			{"db:6380", "ok", "db", "By its own address it is not reached (refused).", []string{"db.orb.local", "192.168.139.11"}},
			{"far:80", "ok", "far", "In web the name of far leads to 10.99.99.99", []string{"far.orb.local", "192.168.139.13"}},
		} {
			r := s.call(t, "vm_test_connectivity", args{"machine": "web", "target": c.target, "count": 1, "timeout_seconds": 1})
			require.False(t, r.IsError, r.Text)
			assert.Equal(t, c.verdict, r.at("verdict"), r.Text)
			assert.Equal(t, c.machine, r.at("target_machine", "name"), r.Text)
			assert.Contains(t, r.at("meaning"), c.says)
			var hosts []string
			legs, _ := r.at("results").([]any)
			for i := range legs {
				hosts = append(hosts, fmt.Sprint(r.at("results", i, "host")))
			}
			assert.Subset(t, hosts, c.hosts)
		}
		r := s.call(t, "vm_dns_lookup", args{"machine": "web", "hostname": "db.orb.local"})
		assert.Contains(t, r.at("meaning"), "its programs see something else", r.Text)
		r = s.call(t, "vm_dns_lookup", args{"machine": "web", "hostname": "cache"})
		assert.Contains(t, r.at("meaning"), "There is a machine of this name: it is cache.orb.local.", r.Text)
		r = s.call(t, "vm_dns_lookup", args{"machine": "web", "hostname": "nothere.orb.local"})
		assert.Contains(t, r.at("meaning"), "No machine has this name", r.Text)
		assert.NotContains(t, r.at("meaning"), "they differ")
	})
}
