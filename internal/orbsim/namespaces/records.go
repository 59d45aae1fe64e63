package namespaces

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/miekg/dns"

	"orbstack-mcp/internal/orbsim/worldfile"
)

// scriptedAnswer is what the scripted records say about a question; known is
// false when none of them is about the name as seen from there. A name that has
// records of other types only is "no data".
func scriptedAnswer(records []record, name string, q dns.Question, from side) (a answer, known bool) {
	for _, rec := range records {
		if !rec.matches(name, from) {
			continue
		}
		known = true
		cname := rec.qtype == dns.TypeCNAME && len(rec.answers) > 0
		if rec.qtype != 0 && rec.qtype != q.Qtype && !cname {
			continue
		}
		if rec.Timeout {
			return answer{silent: true}, true
		}
		a.truncate = a.truncate || rec.Truncate
		if rec.rcode != dns.RcodeSuccess {
			a.rcode = rec.rcode
		}
		for _, rr := range rec.answers {
			if rr.Header().Rrtype != q.Qtype && !cname && q.Qtype != dns.TypeANY {
				continue
			}
			rr = dns.Copy(rr)
			rr.Header().Name = q.Name // a wildcard's answer has the name that was asked for
			a.rrs = append(a.rrs, rr)
		}
	}
	return a, known
}

func (r record) matches(name string, from side) bool {
	if r.From != "" && r.From != "both" && r.From != string(from) {
		return false
	}
	if r.wildcard {
		return strings.HasSuffix(name, "."+r.name)
	}
	return name == r.name
}

func parseRecord(s worldfile.Record) (record, error) {
	r := record{Record: s}
	name := s.Name
	if ip, err := netip.ParseAddr(name); err == nil && strings.EqualFold(s.Type, "PTR") {
		arpa, err := dns.ReverseAddr(ip.String())
		if err != nil {
			return r, fmt.Errorf("reverse name of %s: %w", ip, err)
		}
		name = arpa
	}
	name, r.wildcard = strings.CutPrefix(name, "*.")
	if _, ok := dns.IsDomainName(name); !ok || name == "" {
		return r, fmt.Errorf("%q is no domain name", s.Name)
	}
	r.name = strings.ToLower(dns.Fqdn(name))
	if s.Type != "" {
		t, ok := dns.StringToType[strings.ToUpper(s.Type)]
		if !ok {
			return r, fmt.Errorf("%q is no record type", s.Type)
		}
		r.qtype = t
	}
	if s.Rcode != "" {
		code, ok := dns.StringToRcode[strings.ToUpper(s.Rcode)]
		if !ok {
			return r, fmt.Errorf("%q is no rcode; use NXDOMAIN, SERVFAIL or REFUSED", s.Rcode)
		}
		r.rcode = code
	}
	switch s.From {
	case "", "both", string(fromMachine), string(fromMac):
	default:
		return r, fmt.Errorf("from is %q; use both, machine or mac", s.From)
	}
	for _, v := range s.Values {
		rr, err := r.parseValue(v)
		if err != nil {
			return r, err
		}
		r.answers = append(r.answers, rr)
	}
	return r, nil
}

// parseValue reads a value in the form of a zone file, TXT without its quotes.
// Without a type it must be an address.
func (r record) parseValue(value string) (dns.RR, error) {
	t := r.qtype
	if t == 0 {
		ip, err := netip.ParseAddr(value)
		if err != nil {
			return nil, fmt.Errorf("value %q without a type is no address", value)
		}
		t = dns.TypeAAAA
		if ip.Is4() {
			t = dns.TypeA
		}
	}
	ttl := r.TTL
	if ttl == 0 {
		ttl = ownTTL
	}
	h := dns.RR_Header{Name: r.name, Rrtype: t, Class: dns.ClassINET, Ttl: ttl}
	if t == dns.TypeTXT {
		return &dns.TXT{Hdr: h, Txt: txtChunks(value)}, nil
	}
	rr, err := dns.NewRR(fmt.Sprintf("%s %d IN %s %s", r.name, ttl, dns.TypeToString[t], value))
	if err != nil || rr == nil {
		return nil, fmt.Errorf("value %q is no %s: %w", value, dns.TypeToString[t], err)
	}
	return rr, nil
}

// txtChunks splits a text in character-strings (RFC 1035 §3.3.14). The
// library reads them in the form of a zone file, where a backslash escapes.
func txtChunks(text string) []string {
	const most = 255
	var chunks []string
	for len(text) > most {
		chunks = append(chunks, escapeTXT(text[:most]))
		text = text[most:]
	}
	return append(chunks, escapeTXT(text))
}

func escapeTXT(s string) string { return strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) }
