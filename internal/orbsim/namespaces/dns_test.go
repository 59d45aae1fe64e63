//go:build linux

package namespaces

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/internal/orbsim/worldfile"
)

func TestResolverInTheWorld(t *testing.T) {
	w, a, b := twoMachines(t, worldfile.World{DNS: []worldfile.Record{
		{Name: "db.corp.test", Type: "A", Values: []string{"10.1.2.3", "10.1.2.4"}},
		{Name: "db.corp.test", Type: "AAAA", Values: []string{"2001:db8::3"}},
		{Name: "www.corp.test", Type: "CNAME", Values: []string{"db.corp.test."}},
		{Name: "to-b.test", Type: "CNAME", Values: []string{"b.orb.local."}},
		{Name: "corp.test", Type: "MX", Values: []string{"10 mail.corp.test.", "20 mail2.corp.test."}},
		{Name: "corp.test", Type: "TXT", Values: []string{`v=spf1 "quoted" \x -all`, strings.Repeat("x", 300)}},
		{Name: "_sip._tcp.corp.test", Type: "SRV", Values: []string{"10 5 5060 sip.corp.test."}},
		{Name: "10.1.2.3", Type: "PTR", Values: []string{"db.corp.test."}},
		{Name: "*.wild.test", Type: "A", Values: []string{"10.9.9.9"}},
		{Name: "broken.test", Rcode: "SERVFAIL"},
		{Name: "refused.test", Rcode: "REFUSED"},
		{Name: "gone.test", Rcode: "NXDOMAIN"},
		{Name: "slow.test", Timeout: true},
		{Name: "cut.test", Type: "A", Values: []string{"10.7.7.7"}, Truncate: true},
		{Name: "vpn.test", Type: "A", Values: []string{"10.0.0.1"}, From: "mac"},
		{Name: "inner.test", Type: "A", Values: []string{"10.0.0.2"}, From: "machine"},
	}})
	for question, want := range map[string]string{
		"b.orb.local A": b.IP4.String(), "B.Orb.Local. AAAA": b.IP6.String(), "x.y.b.orb.local A": b.IP4.String(),
		"host.orb.internal A": "0.250.250.254", "host.docker.internal A": "0.250.250.254",
		"-x " + b.IP4.String():    "b.orb.local.",
		"-x " + b.IP6.String():    "b.orb.local.",
		"db.corp.test A":          "10.1.2.3\n10.1.2.4",
		"db.corp.test AAAA":       "2001:db8::3",
		"www.corp.test A":         "db.corp.test.\n10.1.2.3\n10.1.2.4",
		"to-b.test A":             "b.orb.local.\n" + b.IP4.String(),
		"www.corp.test CNAME":     "db.corp.test.",
		"corp.test MX":            "10 mail.corp.test.\n20 mail2.corp.test.",
		"corp.test TXT":           `"v=spf1 \"quoted\" \\x -all"` + "\n\"" + strings.Repeat("x", 255) + "\" \"" + strings.Repeat("x", 45) + `"`,
		"_sip._tcp.corp.test SRV": "10 5 5060 sip.corp.test.",
		"-x 10.1.2.3":             "db.corp.test.",
		"a.b.wild.test A":         "10.9.9.9",
		"cut.test A":              "10.7.7.7",
		"inner.test A":            "10.0.0.2",
		"db.corp.test MX":         "",
	} {
		r := sh(t, a, "dig +short +tries=1 +time=2 "+question)
		assert.Equal(t, want, strings.TrimSuffix(r.Out, "\n"), question)
	}
	for name, code := range map[string]string{
		"nobody.orb.local": "NXDOMAIN", "orb.local": "NXDOMAIN", "example.com": "NXDOMAIN", "wild.test": "NXDOMAIN", "vpn.test": "NXDOMAIN",
		"broken.test": "SERVFAIL", "refused.test": "REFUSED", "gone.test": "NXDOMAIN", "corp.test": "NOERROR", "b.orb.local MX": "NOERROR",
	} {
		assert.Equal(t, code, rcodeOf(sh(t, a, "dig +tries=1 +time=2 "+name).Out), name)
	}
	assert.Contains(t, sh(t, a, "dig +tries=1 +time=1 slow.test").Out, "timed out")
	assert.Contains(t, sh(t, a, "dig +ignore cut.test").Out, " tc ")
	assert.Equal(t, "10.0.0.1\n", onMac(t, w, "dig +short vpn.test").Out)
	assert.Equal(t, "NXDOMAIN", rcodeOf(onMac(t, w, "dig inner.test").Out))
	assert.Equal(t, b.IP4.String()+" ", strings.Split(sh(t, a, "getent ahostsv4 b.orb.local").Out, " ")[0]+" ")
	assert.Zero(t, onMac(t, w, "getent hosts b.orb.local").Exit)
	assert.Equal(t, 2, onMac(t, w, "getent hosts example.com").Exit)

	require.NoError(t, w.SetDNS([]worldfile.Record{{Name: "new.test", Type: "A", Values: []string{"10.5.5.5"}}}))
	assert.Equal(t, "10.5.5.5\n", sh(t, a, "dig +short new.test; dig +short db.corp.test").Out)
	require.Error(t, w.SetDNS([]worldfile.Record{{Name: "bad.test", Type: "A", Values: []string{"nonsense"}}}))
	assert.Equal(t, "10.5.5.5\n", sh(t, a, "dig +short new.test").Out)
}

func TestSystemdStubAsksFromInsideTheMachine(t *testing.T) {
	w, a, b := twoMachines(t, worldfile.World{Variants: worldfile.Variants{SystemdStub: true}})
	assert.Contains(t, sh(t, a, "cat /etc/resolv.conf").Out, "nameserver 127.0.0.53\n")
	assert.Equal(t, "nameserver 0.250.250.200\n", sh(t, a, "cat /run/systemd/resolve/resolv.conf").Out)
	assert.Equal(t, b.IP4.String()+"\n", sh(t, a, "dig +short b.orb.local").Out)
	assert.Equal(t, b.IP4.String()+"\n", sh(t, a, "dig +tcp +short b.orb.local").Out)
	require.NoError(t, w.SetNetFaults([]worldfile.NetFault{{Machine: "a", Kind: "no_route"}}))
	began := time.Now()
	assert.Equal(t, "SERVFAIL", rcodeOf(sh(t, a, "dig b.orb.local").Out))
	assert.Less(t, time.Since(began), 5*time.Second)
}
