package guest

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTargetsAreReadAsPeopleWriteThem(t *testing.T) {
	for _, c := range []struct {
		raw, method string
		port        int
		want        Target
	}{
		{"db", "", 0, Target{Method: Ping, Host: "db"}},
		{" DB.Orb.Local. ", "auto", 0, Target{Method: Ping, Host: "db.orb.local"}},
		{"db:5432", "", 0, Target{Method: TCP, Host: "db", Port: 5432}},
		{"db", "", 5432, Target{Method: TCP, Host: "db", Port: 5432}},
		{"db", "nc", 5432, Target{Method: TCP, Host: "db", Port: 5432}},
		{"192.168.139.11", "ping", 0, Target{Method: Ping, Host: "192.168.139.11"}},
		{"[::1]:80", "", 0, Target{Method: TCP, Host: "::1", Port: 80}},
		{"[fd07::1]", "", 0, Target{Method: Ping, Host: "fd07::1"}},
		{"fe80::1%eth0", "", 0, Target{Method: Ping, Host: "fe80::1%eth0"}},
		{"fe80::1%br0.", "", 0, Target{Method: Ping, Host: "fe80::1%br0."}}, // the zone's own dot
		{"FD07:0:0::1", "", 0, Target{Method: Ping, Host: "fd07::1"}},
		{"::ffff:10.0.0.1", "", 0, Target{Method: Ping, Host: "10.0.0.1"}},
		{"http://web/x?a=1&b=2#part", "", 0, Target{Method: HTTP, Host: "web", Port: 80, URL: "http://web/x?a=1&b=2"}},
		{"HTTPS://Web:8443", "", 0, Target{Method: HTTP, Host: "web", Port: 8443, URL: "https://web:8443/"}},
		{"http://[fd07::1]:8080/", "", 0, Target{Method: HTTP, Host: "fd07::1", Port: 8080, URL: "http://[fd07::1]:8080/"}},
		{"web", "curl", 0, Target{Method: HTTP, Host: "web", Port: 80, URL: "http://web/"}},
		{"web:443", "http", 0, Target{Method: HTTP, Host: "web", Port: 443, URL: "https://web/"}},
		{"web", "https", 0, Target{Method: HTTP, Host: "web", Port: 443, URL: "https://web/"}},
		{"web", "HTTPS", 8443, Target{Method: HTTP, Host: "web", Port: 8443, URL: "https://web:8443/"}},
		{"web:80", "https", 0, Target{Method: HTTP, Host: "web", Port: 80, URL: "https://web:80/"}},
		{"[fd07::1]:8443", "https", 0, Target{Method: HTTP, Host: "fd07::1", Port: 8443, URL: "https://[fd07::1]:8443/"}},
		{"https://web/x", "https", 0, Target{Method: HTTP, Host: "web", Port: 443, URL: "https://web/x"}},
		{"https://web/x", "http", 0, Target{Method: HTTP, Host: "web", Port: 443, URL: "https://web/x"}},
		{"http://web:8080/", "tcp", 0, Target{Method: TCP, Host: "web", Port: 8080}},
		{"https://web/", "ping", 0, Target{Method: Ping, Host: "web"}},
		{"bücher.example", "", 0, Target{Method: Ping, Host: "xn--bcher-kva.example"}},
		{"_sip._tcp.example.com", "", 0, Target{Method: Ping, Host: "_sip._tcp.example.com"}},
	} {
		t.Run(c.raw+" "+c.method, func(t *testing.T) {
			got, err := ParseTarget(c.raw, c.method, c.port)
			require.NoError(t, err)
			assert.Equal(t, c.raw, got.Raw)
			got.Raw, c.want.Addr = "", got.Addr
			assert.Equal(t, c.want, got)
			assert.Equal(t, got.Addr.IsValid(), got.Leg().Label == ByAddress)
		})
	}
}

func TestWhatIsNoTargetSaysWhy(t *testing.T) {
	for _, c := range []struct {
		raw, method string
		port        int
		field, why  string
	}{
		{"", "", 0, "target", "empty"},
		{"-oProxyCommand=x", "", 0, "target", "starts with -"},
		{"--help", "", 0, "target", "starts with -"},
		{"a b", "", 0, "target", "space"},
		{"a\x00b", "", 0, "target", "control characters"},
		{"a\nb", "", 0, "target", "control characters"},
		{"a\xffb", "", 0, "target", "UTF-8"},
		{"a'b", "", 0, "target", "'"},
		{"a`id`", "", 0, "target", "`"},
		{strings.Repeat("a", 3000), "", 0, "target", "longer than"},
		{strings.Repeat("a", 64) + ".example", "", 0, "target", "63 characters"},
		{strings.Repeat("a.", 130) + "example", "", 0, "target", "253 characters"},
		{"a..b", "", 0, "target", "empty"},
		{"-a.example", "", 0, "target", "starts with -"},
		{"a-.example", "", 0, "target", "valid international name"},
		{"300.1.1.1", "", 0, "target", "no IPv4 address"},
		{"1.2.3", "", 0, "target", "no IPv4 address"},
		{"fd07::zz", "", 0, "target", "IPv6"},
		{"fd07::1.", "", 0, "target", "IPv6"},
		{"[::1", "", 0, "target", "not closed"},
		{"[db]:1", "", 0, "target", "IPv6 address stands in"},
		{"[::1]x", "", 0, "target", "follow the ]"},
		{"fe80::1%-x", "", 0, "target", "IPv6"},
		{"db:0", "", 0, "target", "1 to 65535"},
		{"db:99999", "", 0, "target", "1 to 65535"},
		{"db:http", "", 0, "target", "1 to 65535"},
		{"ftp://db/", "", 0, "target", "only http and https"},
		{"file:///etc/passwd", "", 0, "target", "only http and https"},
		{"http://user:pw@db/", "", 0, "target", "user or password"},
		{"http:///x", "", 0, "target", "no host"},
		{"db/x", "", 0, "target", "URL starts with"},
		{"user@db", "", 0, "target", "URL starts with"},
		{"db:1", "", 2, "port", "itself names port 1"},
		{"db", "", -1, "port", "1 to 65535"},
		{"db", "tcp", 0, "target", "needs a port"},
		{"db", "ping", 80, "port", "ping has no ports"},
		{"db", "telnet", 0, "method", "auto, ping, tcp, http, https"},
		{"http://db/", "https", 0, "method", "write https:// there"},
		{"[fd07:b51a:cc66::20%eth0]:80", "", 0, "target", "only a link-local address"},
		{"http://[::1%25lo]/", "", 0, "target", "only a link-local address"},
		{"fe80::1", "", 0, "target", "such as fe80::1%eth0"},
		{"[ff02::1]", "", 0, "target", "reached through an interface"},
	} {
		t.Run(c.raw+" "+c.method, func(t *testing.T) {
			_, err := ParseTarget(c.raw, c.method, c.port)
			var bad *TargetError
			require.ErrorAs(t, err, &bad)
			assert.Equal(t, c.field, bad.Field)
			assert.Contains(t, bad.Why, c.why)
			assert.Less(t, len(err.Error()), 700)
		})
	}
}

func TestAnotherHostKeepsTheQuestion(t *testing.T) {
	target, err := ParseTarget("https://web:8443/x?a=1", "", 0)
	require.NoError(t, err)
	other, err := target.WithHost("web.orb.local")
	require.NoError(t, err)
	assert.Equal(t, "https://web.orb.local:8443/x?a=1", other.URL)
	assert.Equal(t, "web.orb.local", other.Host)
	_, err = target.WithHost("-x")
	assert.Error(t, err)
}

func TestNotApplicableCellsHaveAReason(t *testing.T) {
	for _, m := range Methods() {
		for _, v := range Verdicts() {
			possible, why := Possible(m, v)
			assert.Equal(t, possible, why == "", "%s %s", m, v)
			fitted := m.fit(v)
			fits, _ := Possible(m, fitted)
			assert.True(t, fits, "%s: %s becomes %s", m, v, fitted)
		}
	}
}

// A target that passes is never an option, and keeps its meaning when it is read again.
func FuzzTarget(f *testing.F) {
	for _, s := range []string{"db", "db:1", "[::1]:80", "http://a/?b#c", "-x", "fe80::1%eth0", "bücher.example", "1.2.3.4", "https://[fe80::1%25eth0]/", "::%.."} {
		f.Add(s, "", 0)
	}
	f.Fuzz(func(t *testing.T, raw, method string, port int) {
		target, err := ParseTarget(raw, method, port)
		if err != nil {
			return
		}
		if strings.HasPrefix(target.Host, "-") || strings.ContainsAny(target.Host+target.URL, " \n\x00\"'`\\") {
			t.Fatalf("%q gave host %q, URL %q", raw, target.Host, target.URL)
		}
		again, err := ParseTarget(target.Host, string(Ping), 0)
		if err != nil || again.Host != target.Host {
			t.Fatalf("%q: host %q is read as %q again: %v", raw, target.Host, again.Host, err)
		}
		script, args, limit, err := Connectivity(target.Query())
		if err != nil || script.Zero() || len(args) == 0 || limit <= 0 {
			t.Fatalf("%q cannot be asked: %v", raw, err)
		}
		for _, arg := range args {
			if strings.HasPrefix(arg, "-") && arg != "-" {
				t.Fatalf("%q gave the argument %q", raw, arg)
			}
		}
	})
}
