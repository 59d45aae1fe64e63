package e2e

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// dnsAnswer is a result of vm_dns_lookup.
type dnsAnswer struct {
	Machine   string   `json:"machine"`
	InMachine *dnsSide `json:"in_machine"`
	OnMac     *dnsSide `json:"on_mac"`
	Agree     *bool    `json:"agree"`
	Meaning   string   `json:"meaning"`
	Missing   gaps     `json:"missing"`
	Note      string   `json:"note"`
}

type dnsSide struct {
	Status, Path, Server, Tool, Asked, Detail string
	SearchDomain                              string `json:"search_domain"`
	Truncated                                 bool
	Records                                   []struct {
		Name, Type, Value string
		TTL               *int
	}
	Library *struct {
		Found     bool
		Addresses []string
	} `json:"resolver_library"`
	Differs    bool     `json:"library_differs"`
	DNSServers []string `json:"dns_servers"`
	Search     []string `json:"search_domains"`
}

// values are "TYPE value" of each record, sorted.
func (d dnsSide) values() []string {
	all := []string{}
	for _, r := range d.Records {
		all = append(all, r.Type+" "+r.Value)
	}
	slices.Sort(all)
	return all
}

// dnsWorld is testdata/dns.yaml, with texts in it that would be too long there.
func dnsWorld(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("testdata/dns.yaml")
	require.NoError(t, err)
	return strings.ReplaceAll(string(b), "LONG", longText)
}

// longText is 4 KB: more than fits into one UDP packet, or than a result shows.
var longText = strings.Repeat("0123456789abcde-", 256)

// A dnsQuestion is asked from every kind of guest.
type dnsQuestion struct {
	host, kind string
	status     string
	values     []string
	mac        string   // the status on the Mac, where it is another one
	macValues  []string // and the values
	alone      bool     // dig and its like only: getent has no such type
}

var dnsQuestions = []dnsQuestion{
	{host: "v4.example", kind: "A", status: "NOERROR", values: []string{"A 192.0.2.1", "A 192.0.2.2"}},
	{host: "v6.example", kind: "AAAA", status: "NOERROR", values: []string{"AAAA 2001:db8::6"}},
	{host: "alias.example", kind: "A", status: "NOERROR", values: []string{"A 192.0.2.3", "CNAME dual.example"}, macValues: []string{"A 192.0.2.3"}},
	{host: "alias.example", kind: "CNAME", status: "NOERROR", values: []string{"CNAME dual.example"}, alone: true},
	{host: "mail.example", kind: "MX", status: "NOERROR", values: []string{"MX 10 a.mail.example", "MX 20 b.mail.example"}, alone: true},
	{host: "text.example", kind: "TXT", status: "NOERROR", values: []string{"TXT v=spf1 include:mail.example -all"}, alone: true},
	{host: "_ldap._tcp.example", kind: "SRV", status: "NOERROR", values: []string{"SRV 5 10 389 dc.example"}, alone: true},
	{host: "192.0.2.1", kind: "PTR", status: "NOERROR", values: []string{"PTR v4.example"}},
	{host: "192.0.2.1", kind: "", status: "NOERROR", values: []string{"PTR v4.example"}},
	{host: "2001:db8::6", kind: "PTR", status: "NOERROR", values: []string{"PTR v6.example"}},
	{host: "1.2.0.192.in-addr.arpa", kind: "PTR", status: "NOERROR", values: []string{"PTR v4.example"}},
	{host: "dual.example", kind: "ANY", status: "NOERROR", values: []string{"A 192.0.2.3", "AAAA 2001:db8::3", "MX 10 mail.example", "TXT v=spf1 -all"}},
	{host: "gone.example", kind: "A", status: "NXDOMAIN"},
	{host: "192.0.2.77", kind: "PTR", status: "NXDOMAIN"},
	{host: "v6.example", kind: "A", status: "NODATA"},
	{host: "v4.example", kind: "MX", status: "NODATA", alone: true},
	{host: "broken.example", kind: "A", status: "SERVFAIL"},
	{host: "private.example", kind: "A", status: "REFUSED"},
	{host: "big.example", kind: "A", status: "NOERROR", values: []string{"A 192.0.2.40", "A 192.0.2.41", "A 192.0.2.42"}},
	{host: "Bücher.example", kind: "A", status: "NOERROR", values: []string{"A 192.0.2.50"}},
	{host: "V4.Example", kind: "A", status: "NOERROR", values: []string{"A 192.0.2.1", "A 192.0.2.2"}},
	{host: "v4.example.", kind: "A", status: "NOERROR", values: []string{"A 192.0.2.1", "A 192.0.2.2"}},
}

// A dnsGuest is a kind of guest: the tool that answers there, and whether it
// shows a time to live.
type dnsGuest struct {
	name, tool, path string
	ttl              bool
}

var dnsGuests = []dnsGuest{
	{name: "full", tool: "dig", path: "wire", ttl: true},
	{name: "host", tool: "host", path: "wire", ttl: true},
	{name: "bind", tool: "nslookup", path: "wire"},
	{name: "getent", tool: "getent", path: "resolver"},
	{name: "box", tool: "nslookup", path: "wire"},
}

// Every answer that DNS can give, from every kind of guest, beside the Mac's: each
// in both eras, which take turns with the guests.
func TestDNSLookupTellsWhatDNSSays(t *testing.T) {
	inBothEras(t, func(t *testing.T, e era) {
		s := open(t, dnsWorld(t), e)
		t.Run("case", func(t *testing.T) {
			for i, g := range dnsGuests {
				for j, q := range dnsQuestions {
					if !slices.Contains(turn(i+j), e) {
						continue
					}
					t.Run(g.name+"/"+q.host+" "+q.kind, func(t *testing.T) {
						t.Parallel()
						a := args{"machine": g.name, "hostname": q.host}
						if q.kind != "" {
							a["type"] = q.kind
						}
						q.check(t, g, decode[dnsAnswer](t, s.call(t, "vm_dns_lookup", a)))
					})
				}
			}
		})
	})
}

func (q dnsQuestion) check(t *testing.T, g dnsGuest, got dnsAnswer) {
	t.Helper()
	assert.Equal(t, g.name, got.Machine)
	assert.NotEmpty(t, got.Meaning)
	q.checkMac(t, got)
	if g.path == "resolver" && q.alone {
		assert.Nil(t, got.InMachine, "getent cannot ask for %s", q.kind)
		assert.Contains(t, got.Missing.why("in_machine"), "apt-get install dnsutils", "how to get a tool that can")
		return
	}
	require.NotNil(t, got.InMachine)
	in := *got.InMachine
	assert.Equal(t, []string{g.tool, g.path}, []string{in.Tool, in.Path})
	assert.Equal(t, []string{"0.250.250.200"}, in.DNSServers)
	if g.path == "wire" {
		assert.Equal(t, "0.250.250.200", in.Server, "who answered")
	}
	for _, r := range in.Records {
		if g.ttl {
			require.NotNil(t, r.TTL, "%s shows the time to live", g.tool)
			assert.Positive(t, *r.TTL)
		} else {
			assert.Nil(t, r.TTL, "%s does not know a time to live", g.tool)
		}
	}
	switch {
	case g.name == "getent":
		q.checkLibrary(t, got)
	case g.name == "box" && q.host == "big.example": // its nslookup takes a cut answer for an empty one
		assert.Equal(t, "NODATA", in.Status)
		assert.Contains(t, got.Missing.why("in the machine: long answers"), "UDP only")
	default:
		assert.Equal(t, q.status, in.Status, in.Detail)
		assert.Equal(t, append([]string{}, q.values...), in.values())
		assert.False(t, in.Differs, "library and wire say the same here")
		if g.tool == "dig" && q.host == "big.example" {
			assert.True(t, in.Truncated, "the answer over UDP was cut; that of TCP is whole")
		}
		q.checkAgree(t, g, got)
	}
}

func (q dnsQuestion) checkMac(t *testing.T, got dnsAnswer) {
	t.Helper()
	require.NotNil(t, got.OnMac)
	status, values := q.mac, q.macValues
	if status == "" {
		status = q.status
	}
	if values == nil {
		values = q.values
	}
	assert.Equal(t, append([]string{}, values...), got.OnMac.values(), "on the Mac")
	if status == "NODATA" && q.kind == "MX" {
		status = got.OnMac.Status // the Mac's resolver cannot tell both for this type
		assert.Contains(t, []string{"NODATA", "NXDOMAIN"}, status)
	}
	assert.Equal(t, status, got.OnMac.Status, "on the Mac: %s", got.OnMac.Detail)
	assert.Nil(t, got.OnMac.DNSServers, "nobody read how the Mac is set")
	assert.Nil(t, got.OnMac.Search)
}

func (q dnsQuestion) checkAgree(t *testing.T, g dnsGuest, got dnsAnswer) {
	t.Helper()
	switch {
	case q.status == "SERVFAIL" || q.status == "REFUSED":
		assert.Nil(t, got.Agree, "two failures are no agreement")
		assert.Contains(t, got.Meaning, "Neither")
	case g.name == "box" && q.kind == "TXT": // its nslookup shows the first string only
		assert.Nil(t, got.Agree)
		assert.NotEmpty(t, got.Missing.why("in the machine: TXT"))
	default:
		require.NotNil(t, got.Agree)
		assert.True(t, *got.Agree, got.Meaning)
	}
}

// checkLibrary: getent knows addresses and names, and not why there is none.
func (q dnsQuestion) checkLibrary(t *testing.T, got dnsAnswer) {
	t.Helper()
	in := *got.InMachine
	if q.status != "NOERROR" {
		assert.Equal(t, "NXDOMAIN", in.Status)
		assert.Contains(t, got.Missing.why("in the machine: status"), "are the same", "that it cannot tell is said")
		return
	}
	assert.Equal(t, "NOERROR", in.Status)
	var addresses []string
	for _, v := range q.values {
		if kind, _, _ := strings.Cut(v, " "); kind == "A" || kind == "AAAA" || kind == "PTR" {
			addresses = append(addresses, v)
		}
	}
	assert.Equal(t, addresses, in.values())
	if q.kind == "ANY" {
		assert.Contains(t, got.Missing.why("in the machine: type MX"), "only getent")
	}
	require.NotNil(t, got.Agree)
	assert.True(t, *got.Agree, "what getent cannot ask for is not compared")
}

// A server that says nothing is no "no such name", and the call ends.
func TestDNSLookupWaitsForNobodyForever(t *testing.T) {
	inBothEras(t, func(t *testing.T, e era) {
		s := open(t, dnsWorld(t), e)
		t.Run("case", func(t *testing.T) {
			for _, from := range []string{"full", "getent", "box"} {
				t.Run(from, func(t *testing.T) {
					t.Parallel()
					got := decode[dnsAnswer](t, s.call(t, "vm_dns_lookup", args{"machine": from, "hostname": "silent.example"}))
					assert.Equal(t, []string{"timeout", "timeout"}, []string{got.InMachine.Status, got.OnMac.Status})
					assert.Empty(t, got.InMachine.Server+got.OnMac.Server, "nobody answered")
					assert.Nil(t, got.Agree)
				})
			}
		})
	})
}
