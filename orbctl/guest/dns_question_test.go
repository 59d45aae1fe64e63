package guest

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestDNSQuestionsAreReadAsPeopleWriteThem(t *testing.T) {
	for _, c := range []struct {
		query DNSQuery
		want  DNSQuestion
	}{
		{DNSQuery{Name: "WEB.test"}, DNSQuestion{Name: "web.test", Type: "A", Port: 53}},
		{DNSQuery{Name: "web.test.", Type: "aaaa"}, DNSQuestion{Name: "web.test.", Type: "AAAA", Port: 53}},
		{DNSQuery{Name: "bücher.example", Type: "mx"}, DNSQuestion{Name: "xn--bcher-kva.example", Type: "MX", Port: 53}},
		{DNSQuery{Name: "_sip._tcp.test", Type: "SRV"}, DNSQuestion{Name: "_sip._tcp.test", Type: "SRV", Port: 53}},
		{DNSQuery{Name: "10.9.1.2"}, DNSQuestion{Name: "2.1.9.10.in-addr.arpa", Type: "PTR", Port: 53, Address: mustAddr("10.9.1.2")}},
		{DNSQuery{Name: "2.1.9.10.in-addr.arpa.", Type: "PTR"}, DNSQuestion{Name: "2.1.9.10.in-addr.arpa.", Type: "PTR", Port: 53, Address: mustAddr("10.9.1.2")}},
		{DNSQuery{Name: "9.10.in-addr.arpa", Type: "PTR"}, DNSQuestion{Name: "9.10.in-addr.arpa", Type: "PTR", Port: 53}},
		{DNSQuery{Name: "[fe80::1%eth0]", Type: "PTR"}, DNSQuestion{Name: arpaName(mustAddr("fe80::1")), Type: "PTR", Port: 53, Address: mustAddr("fe80::1")}},
		{DNSQuery{Name: "web.test", Server: "1.1.1.1"}, DNSQuestion{Name: "web.test", Type: "A", Server: "1.1.1.1", Port: 53}},
		{DNSQuery{Name: "web.test", Server: "1.1.1.1#5353"}, DNSQuestion{Name: "web.test", Type: "A", Server: "1.1.1.1", Port: 5353}},
		{DNSQuery{Name: "web.test", Server: "[::1]:5353"}, DNSQuestion{Name: "web.test", Type: "A", Server: "::1", Port: 5353}},
		{DNSQuery{Name: "web.test", Server: "::1#54"}, DNSQuestion{Name: "web.test", Type: "A", Server: "::1", Port: 54}},
		{DNSQuery{Name: "web.test", Server: "NS.test."}, DNSQuestion{Name: "web.test", Type: "A", Server: "ns.test", Port: 53}},
	} {
		t.Run(c.query.Name+" "+c.query.Type+" "+c.query.Server, func(t *testing.T) {
			got, err := c.query.Question()
			require.NoError(t, err)
			c.want.Timeout = DefaultPatience
			assert.Equal(t, c.want, got)
		})
	}
}

func TestWhatIsNoDNSQuestionSaysWhy(t *testing.T) {
	for _, c := range []struct {
		query      DNSQuery
		field, why string
	}{
		{DNSQuery{Name: ""}, "hostname", "empty"},
		{DNSQuery{Name: "-x"}, "hostname", "starts with -"},
		{DNSQuery{Name: "https://web.test/"}, "hostname", "URL"},
		{DNSQuery{Name: "a..b"}, "hostname", "empty"},
		{DNSQuery{Name: strings.Repeat("a", 64) + ".test"}, "hostname", "longer than 63"},
		{DNSQuery{Name: strings.Repeat("abcdefg.", 32) + "test"}, "hostname", "at most 253"},
		{DNSQuery{Name: "+short"}, "hostname", "letters, digits"},
		{DNSQuery{Name: "@1.1.1.1"}, "hostname", "letters, digits"},
		{DNSQuery{Name: "10.9.1.1", Type: "A"}, "hostname", "address already"},
		{DNSQuery{Name: "web.test", Type: "PTR"}, "hostname", "PTR wants an address"},
		{DNSQuery{Name: "web.test", Type: "AXFR"}, "type", "one of A"},
		{DNSQuery{Name: "web.test", Server: "-p"}, "server", "starts with -"},
		{DNSQuery{Name: "web.test", Server: "1.1.1.1:99999"}, "server", "port"},
		{DNSQuery{Name: "web.test", Server: "1.1.1.1#x"}, "server", "port"},
		{DNSQuery{Name: "web.test", Server: "1.1.1.300"}, "server", "number"},
	} {
		t.Run(c.query.Name+" "+c.query.Type+" "+c.query.Server, func(t *testing.T) {
			for _, ask := range []func() error{
				func() error { _, err := c.query.Question(); return err },
				func() error { _, _, _, err := DNS(c.query); return err },
				func() error { _, err := ParseDNS(c.query, Transcript{}); return err },
			} {
				var bad *TargetError
				require.ErrorAs(t, ask(), &bad)
				assert.Equal(t, c.field, bad.Field)
				assert.Contains(t, bad.Why, c.why)
			}
		})
	}
}

func TestDNSAskedOfTheScriptInPositionalWords(t *testing.T) {
	script, args, limit, err := DNS(DNSQuery{Name: "web.test", Type: "any", Server: "1.1.1.1:5353", Timeout: 1500 * time.Millisecond})
	require.NoError(t, err)
	assert.Equal(t, "dns", script.Name())
	assert.Equal(t, []string{"web.test", "1.1.1.1", "5353", "2", "31", "-", "A", "AAAA", "MX", "TXT", "SRV"}, args)
	assert.Greater(t, limit, 28*time.Second)

	_, args, limit, err = DNS(DNSQuery{Name: "10.9.1.1", Timeout: time.Hour})
	require.NoError(t, err)
	assert.Equal(t, []string{"1.1.9.10.in-addr.arpa", "-", "53", "30", "40", "10.9.1.1", "PTR"}, args)
	assert.LessOrEqual(t, limit, MaxConnectivity+5*time.Second)
}

func TestEveryAddressHasAReverseNameAndBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bytes := rapid.OneOf(rapid.SliceOfN(rapid.Byte(), 4, 4), rapid.SliceOfN(rapid.Byte(), 16, 16)).Draw(t, "address")
		a, _ := netip.AddrFromSlice(bytes)
		if a.Is4In6() {
			t.Skip("an IPv4 address has its own name")
		}
		if back := arpaAddress(arpaName(a)); back != a {
			t.Fatalf("%s became %s", a, back)
		}
	})
	for _, name := range []string{"web.test", "1.2.3.in-addr.arpa", "300.1.1.1.in-addr.arpa", "1.ip6.arpa", strings.Repeat("x.", 32) + "ip6.arpa"} {
		assert.False(t, arpaAddress(name).IsValid(), name)
	}
}
