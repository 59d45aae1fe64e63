//go:build linux

package namespaces

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/internal/orbsim/worldfile"
)

// twoMachines are a, which asks, and b, which answers.
func twoMachines(t *testing.T, f worldfile.World, listeners ...worldfile.Listener) (w *World, a, b *Machine) {
	t.Helper()
	w = openWorld(t, f)
	return w, boot(t, w, worldfile.Machine{Name: "a", DefaultUsername: "ana"}), boot(t, w, worldfile.Machine{Name: "b", Listeners: listeners})
}

func TestMachinesPingEachOther(t *testing.T) {
	_, a, b := twoMachines(t, worldfile.World{})
	for _, script := range []string{
		"ping -c1 -W2 " + b.IP4.String(), "ping -6 -c1 -W2 " + b.IP6.String(),
		"ping -c1 -W2 -4 b.orb.local", "ping -6 -c1 -W2 b.orb.local", "ping -c1 -W2 -4 any.thing.b.orb.local",
		"ping -c1 -W2 192.168.139.1", "ping -c1 -W2 host.orb.internal",
	} {
		r := run(t, a, Command{Argv: []string{"sh", "-c", script}}) // as an ordinary user
		assert.Zero(t, r.Exit, "%s: %s%s", script, r.Out, r.Err)
		assert.Contains(t, r.Out, " 0% packet loss")
	}
	assert.Equal(t, 1, sh(t, a, "ping -c1 -W1 192.168.139.77").Exit, "nobody is there")
	assert.NotZero(t, sh(t, a, "ping -c1 -W1 192.0.2.1").Exit, "no way out")
	assert.Equal(t, 2, sh(t, a, "ping -c1 -W1 nobody.orb.local").Exit)
}

func TestListenersAnswer(t *testing.T) {
	_, a, b := twoMachines(
		t, worldfile.World{},
		worldfile.Listener{Kind: "http", Port: 80, Body: "hello\n", Headers: map[string]string{"X-Test": "yes"}},
		worldfile.Listener{Kind: "http", Port: 503, Status: 503, Body: "busy\n"},
		worldfile.Listener{Kind: "https", Port: 443, Cert: "good", Body: "secure\n"},
		worldfile.Listener{Kind: "https", Port: 8443, Body: "self-signed\n"},
		worldfile.Listener{Kind: "https", Port: 9443, Cert: "expired", Body: "too late\n"},
		worldfile.Listener{Kind: "tcp", Port: 22, Body: "SSH-2.0-sim\r\n"},
		worldfile.Listener{Kind: "tcp", Port: 5432, Address: "127.0.0.1"},
		worldfile.Listener{Kind: "udp", Port: 53000, Body: "pong"},
		worldfile.Listener{Kind: "udp", Port: 53001},
		worldfile.Listener{Kind: "reset", Port: 81},
		worldfile.Listener{Kind: "silent", Port: 82},
	)
	const curl = "curl -sS -m 2 "
	for name, c := range map[string]struct {
		script, out, stderr string
		exit                int
	}{
		"http":                     {script: curl + "http://b.orb.local/any/path", out: "hello\n"},
		"http by IPv6":             {script: curl + "-g http://[" + b.IP6.String() + "]/", out: "hello\n"},
		"http header":              {script: curl + "-D - -o /dev/null http://b.orb.local | grep -i x-test | tr -d '\\r'", out: "X-Test: yes\n"},
		"http status":              {script: curl + "-f http://b.orb.local:503/", stderr: "503", exit: 22},
		"good certificate":         {script: curl + "https://b.orb.local/", out: "secure\n"},
		"good for the address too": {script: curl + "https://" + b.IP4.String() + "/", out: "secure\n"},
		"bad certificate":          {script: curl + "https://b.orb.local:8443/", stderr: "self-signed certificate", exit: 60},
		"bad but accepted":         {script: curl + "-k https://b.orb.local:8443/", out: "self-signed\n"},
		"expired certificate":      {script: curl + "https://b.orb.local:9443/", stderr: "certificate has expired", exit: 60},
		"tcp banner":               {script: "nc -w1 b.orb.local 22 </dev/null | head -c 11", out: "SSH-2.0-sim"},
		"tcp open":                 {script: "nc -z -w2 b.orb.local 22"},
		"refused":                  {script: curl + "http://b.orb.local:83/", stderr: "Failed to connect", exit: 7},
		"bound to loopback":        {script: "nc -z -w2 b.orb.local 5432", exit: 1},
		"udp answer":               {script: "echo ping | nc -u -w1 b.orb.local 53000", out: "pong"},
		"udp echo":                 {script: "echo ping | nc -u -w1 b.orb.local 53001", out: "ping\n"},
		"reset after the request":  {script: curl + "http://b.orb.local:81/", stderr: "Connection reset by peer", exit: 56},
		"silent":                   {script: "curl -sS -m 1 http://b.orb.local:82/", stderr: "timed out", exit: 28},
	} {
		t.Run(name, func(t *testing.T) {
			r := sh(t, a, c.script)
			assert.Equal(t, c.exit, r.Exit, r.Err)
			assert.Equal(t, c.out, r.Out)
			assert.Contains(t, r.Err, c.stderr)
		})
	}
	assert.Zero(t, sh(t, b, "nc -z 127.0.0.1 5432 && nc -z ::1 80").Exit)
	assert.Contains(t, sh(t, b, "ss -ltn").Out, "127.0.0.1:5432", "the guest sees its own sockets")
}

func TestFaultsBreakTheNetwork(t *testing.T) {
	w, a, b := twoMachines(
		t, worldfile.World{},
		worldfile.Listener{Kind: "http", Port: 80, Body: "hello\n"}, worldfile.Listener{Kind: "http", Port: 8080, Body: "hello\n"},
	)
	fault := func(faults ...worldfile.NetFault) {
		t.Helper()
		require.NoError(t, w.SetNetFaults(faults))
	}
	const web = "curl -sS -m 1 http://b.orb.local"
	works := func() {
		t.Helper()
		assert.Zero(t, sh(t, a, web+":80 && "+web+":8080 && ping -6 -c1 -W2 b.orb.local").Exit)
	}
	works()

	fault(worldfile.NetFault{Machine: "b", Kind: "drop", Port: 80})
	assert.Equal(t, 28, sh(t, a, web+":80").Exit, "time-out")
	assert.Zero(t, sh(t, a, web+":8080").Exit)
	fault(worldfile.NetFault{Machine: "b", Kind: "drop"})
	assert.Equal(t, 28, sh(t, a, web+":8080").Exit)
	assert.Equal(t, 1, sh(t, a, "ping -c1 -W1 "+b.IP4.String()).Exit)
	assert.Contains(t, sh(t, a, "ping -6 -c1 -W1 "+b.IP6.String()).Out, "100% packet loss")
	assert.NotContains(t, sh(t, a, "ping -6 -c1 -W1 "+b.IP6.String()).Out, "unreachable", "neighbour discovery passes")

	fault(worldfile.NetFault{Machine: "b", Kind: "reject", Port: 80})
	r := sh(t, a, web+":80")
	assert.Equal(t, 7, r.Exit)
	assert.Less(t, r.Took, time.Second)
	assert.Zero(t, sh(t, a, web+":8080").Exit)
	fault(worldfile.NetFault{Machine: "b", Kind: "reject"})
	assert.Contains(t, sh(t, a, "ping -c1 -W1 "+b.IP4.String()).Out, "Packet filtered")
	assert.Contains(t, sh(t, a, "nc -w3 -v "+b.IP4.String()+" 80 </dev/null").Err, "No route to host")

	fault(worldfile.NetFault{Machine: "b", Kind: "loss", Percent: 50})
	assert.Regexp(t, `100 packets transmitted, ([2-7]\d) received`, sh(t, a, "ping -q -i 0.002 -c 100 -W 1 "+b.IP4.String()).Out)

	fault(worldfile.NetFault{Machine: "b", Kind: "link_down"})
	assert.Contains(t, sh(t, a, "ping -c1 -W1 "+b.IP4.String()).Out, "100% packet loss")
	assert.Contains(t, sh(t, b, "ip link show eth0").Out, "state DOWN")
	fault()
	works()

	fault(worldfile.NetFault{Machine: "b", Kind: "no_route"})
	assert.Contains(t, sh(t, b, "ping -c1 -W1 "+a.IP4.String()).Err, "Network is unreachable")
	assert.Empty(t, sh(t, b, "ip route show; ip -6 route show").Out)
	assert.Contains(t, sh(t, b, "ip addr show eth0").Out, b.IP4.String(), "the address stays")
	fault()
	works()

	require.ErrorContains(t, w.SetNetFaults([]worldfile.NetFault{{Machine: "b", Kind: "smoke"}}), "none of drop")
}

func TestFaultsAreInForceFromBoot(t *testing.T) {
	w := openWorld(t, worldfile.World{Faults: []worldfile.Fault{
		{Argv: "^list"}, {Net: &worldfile.NetFault{Machine: "b", Kind: "link_down"}}, {Net: &worldfile.NetFault{Machine: "c", Kind: "drop", Port: 80}},
	}})
	a, b := boot(t, w, worldfile.Machine{Name: "a"}), boot(t, w, worldfile.Machine{Name: "b"})
	boot(t, w, worldfile.Machine{Name: "c", Listeners: []worldfile.Listener{{Kind: "http", Port: 80}}})
	assert.Equal(t, 1, sh(t, a, "ping -c1 -W1 "+b.IP4.String()).Exit)
	assert.Equal(t, 28, sh(t, a, "curl -sS -m 1 http://c.orb.local").Exit)
}

func TestIsolatedNetworkReachesTheResolverOnly(t *testing.T) {
	w := openWorld(t, worldfile.World{})
	a := boot(t, w, worldfile.Machine{Name: "a"})
	alone := boot(t, w, worldfile.Machine{Name: "alone", IsolateNetwork: true, Listeners: []worldfile.Listener{{Kind: "http", Port: 80, Body: "hi"}}})
	assert.Equal(t, a.IP4.String()+"\n", sh(t, alone, "dig +short a.orb.local A").Out)
	for _, target := range []string{a.IP4.String(), a.IP6.String(), "192.168.139.1", "host.orb.internal"} {
		assert.Equal(t, 1, sh(t, alone, "ping -c1 -W1 "+target).Exit, target)
	}
	assert.Equal(t, 1, sh(t, a, "ping -c1 -W1 "+alone.IP4.String()).Exit)
	assert.Equal(t, "hi", onMac(t, w, "curl -sS -m 2 http://alone.orb.local").Out, "the Mac reaches it")
	halt(t, alone)
	open := boot(t, w, worldfile.Machine{Name: "alone"})
	assert.Zero(t, sh(t, open, "ping -c1 -W2 "+a.IP4.String()).Exit, "not a trace of the wall is left")
}

func TestMacReachesMachinesThroughProxyAddresses(t *testing.T) {
	w := openWorld(t, worldfile.World{})
	m := boot(t, w, worldfile.Machine{Name: "web.dev", HTTPPort: 3000, Listeners: []worldfile.Listener{
		{Kind: "http", Port: 3000, Body: "app"}, {Kind: "http", Port: 8080, Body: "other"}, {Kind: "https", Port: 443, Cert: "good", Body: "secure"},
	}})
	proxy := w.Proxy4("web.dev")
	assert.Equal(t, "192.168.138.2", proxy.String())
	assert.False(t, w.Proxy4("nobody").IsValid())
	assert.Equal(t, proxy.String()+"\n", onMac(t, w, "dig +short WEB.dev.orb.local").Out)
	assert.Empty(t, onMac(t, w, "dig +short web.dev.orb.local AAAA").Out)
	assert.Equal(t, "app", onMac(t, w, "curl -sS -m 2 http://web.dev.orb.local").Out, "port 80 is http_port")
	assert.Equal(t, "other", onMac(t, w, "curl -sS -m 2 http://web.dev.orb.local:8080").Out)
	assert.Equal(t, "secure", onMac(t, w, "curl -sS -m 2 https://web.dev.orb.local").Out, "the Mac trusts the world's CA")
	assert.Equal(t, "other", onMac(t, w, "curl -sS -m 2 http://"+m.IP4.String()+":8080").Out, "the machine's own address works too")
	assert.Zero(t, onMac(t, w, "ping -c1 -W2 web.dev.orb.local").Exit)

	// This test's own process is on the Mac too.
	roots := x509.NewCertPool()
	ca, err := os.ReadFile(w.CAFile())
	require.NoError(t, err)
	require.True(t, roots.AppendCertsFromPEM(ca))
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "web.dev.orb.local"}}}
	response, err := client.Get("https://" + proxy.String())
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())

	halt(t, m)
	assert.Equal(t, "NXDOMAIN", rcodeOf(onMac(t, w, "dig web.dev.orb.local").Out))
	_, err = net.DialTimeout("tcp", net.JoinHostPort(proxy.String(), "80"), 200*time.Millisecond)
	require.Error(t, err)
}

// rcodeOf is the status in dig's output.
func rcodeOf(dig string) string {
	_, rest, _ := strings.Cut(dig, "status: ")
	code, _, _ := strings.Cut(rest, ",")
	return code
}
