package guest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	noDig      = "dig drill "
	noHost     = "host "
	noNslookup = "nslookup "
)

type dnsCase struct {
	name   string
	shells string // dash unless it says more
	hide   string
	query  DNSQuery
	want   string   // status, tool/dialect, path
	values []string // of the records: TYPE VALUE
}

var dnsCases = []dnsCase{
	{name: "dig A", shells: allShells, query: DNSQuery{Name: "WEB.test"}, want: "NOERROR dig/ wire", values: []string{"A 10.9.1.1"}},
	{name: "dig A absolute", query: DNSQuery{Name: "web.test."}, want: "NOERROR dig/ wire", values: []string{"A 10.9.1.1"}},
	{name: "dig A by search", query: DNSQuery{Name: "web"}, want: "NOERROR dig/ wire", values: []string{"A 10.9.1.1"}},
	{name: "dig AAAA", query: DNSQuery{Name: "web.test", Type: "AAAA"}, want: "NOERROR dig/ wire", values: []string{"AAAA fd09:1::1"}},
	{name: "dig AAAA none", query: DNSQuery{Name: "four.test", Type: "AAAA"}, want: "NODATA dig/ wire"},
	{name: "dig ANY", query: DNSQuery{Name: "web.test", Type: "any"}, want: "NOERROR dig/ wire", values: []string{
		"A 10.9.1.1", "AAAA fd09:1::1", "MX 10 mail.test", "MX 20 mail2.test", "TXT v=spf1 -all", `TXT two parts "quoted"`,
	}},
	{name: "dig CNAME", query: DNSQuery{Name: "alias.test", Type: "CNAME"}, want: "NOERROR dig/ wire", values: []string{"CNAME web.test"}},
	{name: "dig A of alias", query: DNSQuery{Name: "alias.test"}, want: "NOERROR dig/ wire", values: []string{"CNAME web.test", "A 10.9.1.1"}},
	{name: "dig MX", query: DNSQuery{Name: "web.test", Type: "MX"}, want: "NOERROR dig/ wire", values: []string{"MX 10 mail.test", "MX 20 mail2.test"}},
	{name: "dig TXT", query: DNSQuery{Name: "web.test", Type: "TXT"}, want: "NOERROR dig/ wire", values: []string{"TXT v=spf1 -all", `TXT two parts "quoted"`}},
	{name: "dig SRV", query: DNSQuery{Name: "_sip._tcp.test", Type: "SRV"}, want: "NOERROR dig/ wire", values: []string{"SRV 10 60 5060 web.test"}},
	{name: "dig PTR", query: DNSQuery{Name: "10.9.1.1", Type: "PTR"}, want: "NOERROR dig/ wire", values: []string{"PTR web.test"}},
	{name: "dig PTR v6", query: DNSQuery{Name: "fd09:1::1"}, want: "NOERROR dig/ wire", values: []string{"PTR web.test"}},
	{name: "dig no such name", query: DNSQuery{Name: "nowhere.test"}, want: "NXDOMAIN dig/ wire"},
	{name: "dig servfail", query: DNSQuery{Name: "servfail.test"}, want: "SERVFAIL dig/ wire"},
	{name: "dig refused", query: DNSQuery{Name: "refused.test"}, want: "REFUSED dig/ wire"},
	{name: "dig silence", query: DNSQuery{Name: "slow.test"}, want: "timeout dig/ wire"},
	{name: "dig truncated", query: DNSQuery{Name: "cut.test"}, want: "NOERROR dig/ wire", values: []string{"A 10.9.1.1"}},
	{name: "dig server", query: DNSQuery{Name: "web.test", Server: "10.9.9.9:53"}, want: "NOERROR dig/ wire", values: []string{"A 10.9.1.1"}},
	{name: "dig no server there", query: DNSQuery{Name: "web.test", Server: "10.9.9.9:54"}, want: "server_unreachable dig/ wire"},
	{name: "dig server without route", query: DNSQuery{Name: "web.test", Server: "10.8.0.1"}, want: "server_unreachable dig/ wire"},
	{name: "dig unknown server name", query: DNSQuery{Name: "web.test", Server: "nowhere.test"}, want: "server_unreachable dig/ wire"},

	{name: "host A", hide: noDig, query: DNSQuery{Name: "web.test"}, want: "NOERROR host/ wire", values: []string{"A 10.9.1.1"}},
	{name: "host A by search", hide: noDig, query: DNSQuery{Name: "web"}, want: "NOERROR host/ wire", values: []string{"A 10.9.1.1"}},
	{name: "host AAAA none", hide: noDig, query: DNSQuery{Name: "four.test", Type: "AAAA"}, want: "NODATA host/ wire"},
	{name: "host MX", hide: noDig, query: DNSQuery{Name: "web.test", Type: "MX"}, want: "NOERROR host/ wire", values: []string{"MX 10 mail.test", "MX 20 mail2.test"}},
	{name: "host TXT", hide: noDig, query: DNSQuery{Name: "web.test", Type: "TXT"}, want: "NOERROR host/ wire", values: []string{"TXT v=spf1 -all", `TXT two parts "quoted"`}},
	{name: "host PTR", hide: noDig, query: DNSQuery{Name: "10.9.1.1"}, want: "NOERROR host/ wire", values: []string{"PTR web.test"}},
	{name: "host no such name", hide: noDig, query: DNSQuery{Name: "nowhere.test"}, want: "NXDOMAIN host/ wire"},
	{name: "host servfail", hide: noDig, query: DNSQuery{Name: "servfail.test"}, want: "SERVFAIL host/ wire"},
	{name: "host silence", hide: noDig, query: DNSQuery{Name: "slow.test"}, want: "timeout host/ wire"},
	{name: "host server", hide: noDig, query: DNSQuery{Name: "web.test", Server: "10.9.9.9"}, want: "NOERROR host/ wire", values: []string{"A 10.9.1.1"}},
	{name: "host truncated", hide: noDig, query: DNSQuery{Name: "cut.test"}, want: "NOERROR host/ wire", values: []string{"A 10.9.1.1"}},

	{name: "nslookup A", hide: noDig + noHost, query: DNSQuery{Name: "web.test"}, want: "NOERROR nslookup/bind wire", values: []string{"A 10.9.1.1"}},
	{name: "nslookup A by search", hide: noDig + noHost, query: DNSQuery{Name: "web"}, want: "NOERROR nslookup/bind wire", values: []string{"A 10.9.1.1"}},
	{name: "nslookup AAAA none", hide: noDig + noHost, query: DNSQuery{Name: "four.test", Type: "AAAA"}, want: "NODATA nslookup/bind wire"},
	{name: "nslookup A of alias", hide: noDig + noHost, query: DNSQuery{Name: "alias.test"}, want: "NOERROR nslookup/bind wire", values: []string{"CNAME web.test", "A 10.9.1.1"}},
	{name: "nslookup ANY", hide: noDig + noHost, query: DNSQuery{Name: "web.test", Type: "ANY"}, want: "NOERROR nslookup/bind wire", values: []string{
		"A 10.9.1.1", "AAAA fd09:1::1", "MX 10 mail.test", "MX 20 mail2.test", "TXT v=spf1 -all", `TXT two parts "quoted"`,
	}},
	{name: "nslookup SRV", hide: noDig + noHost, query: DNSQuery{Name: "_sip._tcp.test", Type: "SRV"}, want: "NOERROR nslookup/bind wire", values: []string{"SRV 10 60 5060 web.test"}},
	{name: "nslookup PTR", hide: noDig + noHost, query: DNSQuery{Name: "10.9.1.1"}, want: "NOERROR nslookup/bind wire", values: []string{"PTR web.test"}},
	{name: "nslookup no such name", hide: noDig + noHost, query: DNSQuery{Name: "nowhere.test"}, want: "NXDOMAIN nslookup/bind wire"},
	{name: "nslookup servfail", hide: noDig + noHost, query: DNSQuery{Name: "servfail.test"}, want: "SERVFAIL nslookup/bind wire"},
	{name: "nslookup refused", hide: noDig + noHost, query: DNSQuery{Name: "refused.test"}, want: "REFUSED nslookup/bind wire"},
	{name: "nslookup silence", hide: noDig + noHost, query: DNSQuery{Name: "slow.test"}, want: "timeout nslookup/bind wire"},
	{name: "nslookup server", hide: noDig + noHost, query: DNSQuery{Name: "web.test", Server: "10.9.9.9"}, want: "NOERROR nslookup/bind wire", values: []string{"A 10.9.1.1"}},
	{name: "nslookup no server there", hide: noDig + noHost, query: DNSQuery{Name: "web.test", Server: "10.9.9.9:54"}, want: "server_unreachable nslookup/bind wire"},

	{name: "busybox A", shells: "dash ash", hide: noDig + noHost + noNslookup, query: DNSQuery{Name: "web.test"}, want: "NOERROR nslookup/busybox wire", values: []string{"A 10.9.1.1"}},
	{name: "busybox AAAA", hide: noDig + noHost + noNslookup, query: DNSQuery{Name: "web.test", Type: "AAAA"}, want: "NOERROR nslookup/busybox wire", values: []string{"AAAA fd09:1::1"}},
	{name: "busybox AAAA none", hide: noDig + noHost + noNslookup, query: DNSQuery{Name: "four.test", Type: "AAAA"}, want: "NODATA nslookup/busybox wire"},
	{name: "busybox ANY", hide: noDig + noHost + noNslookup, query: DNSQuery{Name: "web.test", Type: "ANY"}, want: "NOERROR nslookup/busybox wire", values: []string{
		"A 10.9.1.1", "AAAA fd09:1::1", "MX 10 mail.test", "MX 20 mail2.test", "TXT v=spf1 -all", "TXT two",
	}},
	{name: "busybox SRV", hide: noDig + noHost + noNslookup, query: DNSQuery{Name: "_sip._tcp.test", Type: "SRV"}, want: "NOERROR nslookup/busybox wire", values: []string{"SRV 10 60 5060 web.test"}},
	{name: "busybox CNAME", hide: noDig + noHost + noNslookup, query: DNSQuery{Name: "alias.test", Type: "CNAME"}, want: "NOERROR nslookup/busybox wire", values: []string{"CNAME web.test"}},
	{name: "busybox PTR", hide: noDig + noHost + noNslookup, query: DNSQuery{Name: "10.9.1.1"}, want: "NOERROR nslookup/busybox wire", values: []string{"PTR web.test"}},
	{name: "busybox no such name", hide: noDig + noHost + noNslookup, query: DNSQuery{Name: "nowhere.test"}, want: "NXDOMAIN nslookup/busybox wire"},
	{name: "busybox servfail", hide: noDig + noHost + noNslookup, query: DNSQuery{Name: "servfail.test"}, want: "SERVFAIL nslookup/busybox wire"},
	{name: "busybox silence", hide: noDig + noHost + noNslookup, query: DNSQuery{Name: "slow.test"}, want: "timeout nslookup/busybox wire"},
	{name: "busybox server", hide: noDig + noHost + noNslookup, query: DNSQuery{Name: "web.test", Server: "10.9.9.9"}, want: "NOERROR nslookup/busybox wire", values: []string{"A 10.9.1.1"}},
	{name: "busybox server port", hide: noDig + noHost + noNslookup, query: DNSQuery{Name: "web.test", Server: "10.9.9.9:54"}, want: "server_unreachable nslookup/busybox wire"},

	{name: "getent A", hide: noDig + noHost + noNslookup + noBusybox, query: DNSQuery{Name: "web.test"}, want: "NOERROR getent/ resolver", values: []string{"A 10.9.1.1"}},
	{name: "getent AAAA", hide: noDig + noHost + noNslookup + noBusybox, query: DNSQuery{Name: "web.test", Type: "AAAA"}, want: "NOERROR getent/ resolver", values: []string{"AAAA fd09:1::1"}},
	{name: "getent AAAA none", hide: noDig + noHost + noNslookup + noBusybox, query: DNSQuery{Name: "four.test", Type: "AAAA"}, want: "NXDOMAIN getent/ resolver"},
	{name: "getent PTR", hide: noDig + noHost + noNslookup + noBusybox, query: DNSQuery{Name: "10.9.1.1"}, want: "NOERROR getent/ resolver", values: []string{"PTR hosts-only.test"}},
	{name: "getent no such name", hide: noDig + noHost + noNslookup + noBusybox, query: DNSQuery{Name: "nowhere.test"}, want: "NXDOMAIN getent/ resolver"},
	{name: "getent hosts file", hide: noDig + noHost + noNslookup + noBusybox, query: DNSQuery{Name: "hosts-only.test"}, want: "NOERROR getent/ resolver", values: []string{"A 10.9.1.1"}},
}

func TestEveryDNSToolGivesTheSameAnswer(t *testing.T) {
	dir, inside := inWorld(t)
	if !inside {
		return
	}
	var kept recordings
	t.Cleanup(func() { kept.write(t, "dns") })
	t.Run("cases", func(t *testing.T) {
		for _, c := range dnsCases {
			if c.shells == "" {
				c.shells = "dash"
			}
			c.query.Timeout = 10 * time.Second // an answer costs none of it, and a busy computer may take it
			if strings.HasPrefix(c.want, "timeout ") {
				c.query.Timeout = time.Second
			}
			for shell := range strings.FieldsSeq(c.shells) {
				t.Run(c.name+" "+shell, func(t *testing.T) {
					t.Parallel()
					script, args, _, err := DNS(c.query)
					require.NoError(t, err)
					out := ask(t, dir, shell, strings.Fields(c.hide), script, args)
					kept.add(c.name+" "+shell, c.query, out)
					r, err := ParseDNS(c.query, ParseTranscript(goldenMark, out))
					require.NoError(t, err, "%s", out)
					var values []string
					for _, record := range r.Records {
						values = append(values, record.Type+" "+record.Value)
					}
					assert.Equal(t, c.want, fmt.Sprintf("%s %s/%s %s", r.Status, r.Tool.Name, r.Tool.Dialect, r.Path), "%s", out)
					assert.ElementsMatch(t, c.values, values, "%s", out)
					if r.Path == Wire && r.Status == NoError && c.query.Server == "" {
						assert.Equal(t, "10.9.9.9", r.Server, "%s", out)
						assert.False(t, r.Differs)
					}
					if strings.Contains(c.name, "by search") && !strings.Contains(c.name, "busybox") {
						assert.Equal(t, "test", r.Search)
						assert.Equal(t, "web.test", r.Asked)
					}
					assert.Equal(t, strings.Contains(c.name, "dig truncated"), r.Truncated, "%s", out)
					assert.Equal(t, []string{"test", "example.test"}, r.Resolver.Search)
				})
			}
		}
	})
}

// A question is asked even where the way to it has cost all the time there was.
func TestTheFirstQuestionIsAlwaysAsked(t *testing.T) {
	dir, inside := inWorld(t)
	if !inside {
		return
	}
	q := DNSQuery{Name: "web.test"}
	script, args, _, err := DNS(q)
	require.NoError(t, err)
	args[4] = "0"
	// It has a second, which a busy computer may well need.
	out := ask(t, dir, "dash", nil, script, args)
	r, err := ParseDNS(q, ParseTranscript(goldenMark, out))
	require.NoError(t, err, "%s", out)
	assert.Contains(t, []DNSStatus{NoError, DNSTimeout}, r.Status, "%s", out)
	assert.Equal(t, "dig", r.Tool.Name, "%s", out)
}

func TestTheResolverLibraryStandsBesideTheWire(t *testing.T) {
	dir, inside := inWorld(t)
	if !inside {
		return
	}
	lookup := func(name string) DNSReport {
		q := DNSQuery{Name: name}
		script, args, _, err := DNS(q)
		require.NoError(t, err)
		r, err := ParseDNS(q, ParseTranscript(goldenMark, ask(t, dir, "dash", nil, script, args)))
		require.NoError(t, err)
		return r
	}
	r := lookup("hosts-only.test")
	assert.Equal(t, NXDomain, r.Status)
	require.NotNil(t, r.Library)
	assert.True(t, r.Library.Found)
	assert.True(t, r.Differs, "the wire knows nothing of /etc/hosts")

	r = lookup("differs.test")
	assert.Equal(t, "10.9.1.2", r.Library.Addresses[0].String())
	assert.Equal(t, "10.9.1.1", r.Records[0].Value)
	assert.True(t, r.Differs)
}

func TestAMachineWithoutDNSToolsSaysWhichAreWanted(t *testing.T) {
	dir, inside := inWorld(t)
	if !inside {
		return
	}
	for _, q := range []DNSQuery{{Name: "web.test", Type: "MX"}, {Name: "web.test", Server: "10.9.9.9"}} {
		script, args, _, err := DNS(q)
		require.NoError(t, err)
		out := ask(t, dir, "dash", strings.Fields(noDig+noHost+noNslookup+noBusybox), script, args)
		_, err = ParseDNS(q, ParseTranscript(goldenMark, out))
		var missing *ToolMissingError
		require.ErrorAs(t, err, &missing)
		assert.Equal(t, []string{"dig", "drill", "host", "nslookup"}, missing.Wanted)
		assert.NotEmpty(t, missing.Distro)
	}
}
