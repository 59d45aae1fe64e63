package namespaces

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/internal/orbsim/worldfile"
)

func testResolver(t testing.TB, records ...worldfile.Record) *resolver {
	t.Helper()
	r := &resolver{}
	require.NoError(t, r.setRecords(records))
	for name, last := range map[string]string{"Web": "2", "my.vm": "3", "vm": "4"} {
		r.add(name, named{
			ip4: netip.MustParseAddr("192.168.139." + last), ip6: netip.MustParseAddr("fd07:b51a:cc66::" + last), proxy4: netip.MustParseAddr("192.168.138." + last),
		})
	}
	return r
}

func ask(r *resolver, from side, name string, qtype uint16) *dns.Msg {
	return r.reply(new(dns.Msg).SetQuestion(dns.Fqdn(name), qtype), from, true)
}

func TestMachinesAndTheMacAreToldDifferentAddresses(t *testing.T) {
	r := testResolver(t)
	used := ""
	r.onProxyUse = func(machine string) error { used = machine; return nil }
	assert.Contains(t, ask(r, fromMachine, "web.orb.local", dns.TypeA).Answer[0].String(), "\t192.168.139.2")
	assert.Empty(t, used)
	assert.Contains(t, ask(r, fromMac, "a.WEB.orb.local", dns.TypeA).Answer[0].String(), "\t192.168.138.2")
	assert.Equal(t, "web", used)
	assert.Empty(t, ask(r, fromMac, "web.orb.local", dns.TypeAAAA).Answer)
	assert.Len(t, ask(r, fromMachine, "web.orb.local", dns.TypeAAAA).Answer, 1)

	r.onProxyUse = func(string) error { return errors.New("no nft") }
	assert.Equal(t, dns.RcodeServerFailure, ask(r, fromMac, "web.orb.local", dns.TypeA).Rcode)
	r.remove("WEB")
	assert.Equal(t, dns.RcodeNameError, ask(r, fromMac, "web.orb.local", dns.TypeA).Rcode)
}

func TestNamesWithDotsBelongToTheLongestMachine(t *testing.T) {
	r := testResolver(t)
	for name, want := range map[string]string{
		"my.vm.orb.local": "139.3", "x.my.vm.orb.local": "139.3", "vm.orb.local": "139.4", "your.vm.orb.local": "139.4",
	} {
		assert.Contains(t, ask(r, fromMachine, name, dns.TypeA).Answer[0].String(), want, name)
	}
	for _, name := range []string{"orb.local", "xvm.orb.local", "vm.orb.local.example", "vm"} {
		assert.Equal(t, dns.RcodeNameError, ask(r, fromMachine, name, dns.TypeA).Rcode, name)
	}
}

func TestPointersNameTheMachine(t *testing.T) {
	r := testResolver(t)
	for address, from := range map[string]side{"192.168.139.3": fromMachine, "fd07:b51a:cc66::3": fromMachine, "192.168.138.3": fromMac} {
		arpa, err := dns.ReverseAddr(address)
		require.NoError(t, err)
		m := ask(r, from, arpa, dns.TypePTR)
		require.Len(t, m.Answer, 1, address)
		assert.Contains(t, m.Answer[0].String(), "PTR\tmy.vm.orb.local.")
	}
	assert.Equal(t, dns.RcodeNameError, ask(r, fromMachine, "9.139.168.192.in-addr.arpa", dns.TypePTR).Rcode)
}

func TestScriptedAnswers(t *testing.T) {
	r := testResolver(
		t,
		worldfile.Record{Name: "multi.test", Values: []string{"10.0.0.1", "2001:db8::1"}},
		worldfile.Record{Name: "loop.test", Type: "CNAME", Values: []string{"loop.test."}},
		worldfile.Record{Name: "slow.test", Type: "A", Timeout: true},
		worldfile.Record{Name: "to-slow.test", Type: "CNAME", Values: []string{"slow.test."}},
		worldfile.Record{Name: "web.orb.local", Type: "A", Rcode: "SERVFAIL"},
		worldfile.Record{Name: "ttl.test", Type: "A", TTL: 7, Values: []string{"10.0.0.2"}},
		worldfile.Record{Name: "cut.test", Type: "A", Values: []string{"10.0.0.3"}, Truncate: true},
	)
	assert.Len(t, ask(r, fromMachine, "multi.test", dns.TypeA).Answer, 1, "only what was asked for")
	assert.Len(t, ask(r, fromMachine, "multi.test", dns.TypeAAAA).Answer, 1)
	assert.Len(t, ask(r, fromMachine, "loop.test", dns.TypeA).Answer, maxChain+1, "a loop ends")
	assert.Nil(t, ask(r, fromMachine, "slow.test", dns.TypeA))
	assert.NotNil(t, ask(r, fromMachine, "slow.test", dns.TypeAAAA), "the other type is answered")
	assert.Nil(t, ask(r, fromMachine, "to-slow.test", dns.TypeA))
	assert.Equal(t, dns.RcodeServerFailure, ask(r, fromMachine, "web.orb.local", dns.TypeA).Rcode, "scripts win")
	assert.EqualValues(t, 7, ask(r, fromMachine, "TTL.test", dns.TypeA).Answer[0].Header().Ttl)
	cut := ask(r, fromMachine, "cut.test", dns.TypeA)
	assert.True(t, cut.Truncated)
	assert.Empty(t, cut.Answer)
	whole := r.reply(new(dns.Msg).SetQuestion("cut.test.", dns.TypeA), fromMachine, false)
	assert.False(t, whole.Truncated)
	assert.Len(t, whole.Answer, 1)
}

func TestLongAnswersAreCutToTheAskersSize(t *testing.T) {
	values := make([]string, 60)
	for i := range values {
		values[i] = netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}).String()
	}
	r := testResolver(t, worldfile.Record{Name: "many.test", Type: "A", Values: values})
	assert.True(t, ask(r, fromMachine, "many.test", dns.TypeA).Truncated)
	q := new(dns.Msg).SetQuestion("many.test.", dns.TypeA)
	q.SetEdns0(4096, false)
	m := r.reply(q, fromMachine, true)
	assert.False(t, m.Truncated)
	assert.Len(t, m.Answer, 60)
	assert.NotNil(t, m.IsEdns0())
}

func TestQuestionsThatAreNoneAreFormatErrors(t *testing.T) {
	r := testResolver(t)
	assert.Equal(t, dns.RcodeFormatError, r.reply(new(dns.Msg), fromMachine, true).Rcode)
}

func TestBadRecordsAreRefused(t *testing.T) {
	for want, s := range map[string]worldfile.Record{
		"no domain name":           {Name: ""},
		"no record type":           {Name: "a.test", Type: "B"},
		"no rcode":                 {Name: "a.test", Rcode: "MAYBE"},
		"use both, machine or mac": {Name: "a.test", From: "moon"},
		"without a type":           {Name: "a.test", Values: []string{"text"}},
		"is no MX":                 {Name: "a.test", Type: "MX", Values: []string{"mail"}},
		"dns[0] (*..test)":         {Name: "*..test"},
	} {
		require.ErrorContains(t, (&resolver{}).setRecords([]worldfile.Record{s}), want)
	}
}

// FuzzReply asserts that no question that unpacks makes the resolver panic or
// give an answer that does not pack.
func FuzzReply(f *testing.F) {
	r := testResolver(f, worldfile.Record{Name: "*.wild.test", Type: "CNAME", Values: []string{"a.wild.test."}},
		worldfile.Record{Name: "t.test", Type: "TXT", Values: []string{strings.Repeat(`\"`, 300)}})
	for _, name := range []string{"web.orb.local.", "x.wild.test.", "t.test.", "2.139.168.192.in-addr.arpa.", ".", `a\.b.orb.local.`} {
		for _, qtype := range []uint16{dns.TypeA, dns.TypePTR, dns.TypeTXT, dns.TypeANY} {
			packed, err := new(dns.Msg).SetQuestion(name, qtype).Pack()
			require.NoError(f, err)
			f.Add(packed, true)
		}
	}
	f.Fuzz(func(t *testing.T, packet []byte, udp bool) {
		q := new(dns.Msg)
		if q.Unpack(packet) != nil {
			return
		}
		for _, from := range []side{fromMac, fromMachine} {
			m := r.reply(q, from, udp)
			require.NotNil(t, m)
			if len(q.Question) == 1 {
				_, err := m.Pack()
				require.NoError(t, err)
			}
		}
	})
}
