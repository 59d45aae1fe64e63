package namespaces

import (
	"fmt"
	"maps"
	"net/netip"
	"strings"
	"sync"

	"github.com/miekg/dns"

	"orbstack-mcp/internal/orbsim/worldfile"
)

// side is who asks: the resolver tells machines and the Mac different things.
type side string

const (
	fromMachine side = "machine"
	fromMac     side = "mac"
)

const (
	localDomain = "orb.local."
	ownTTL      = 60 // seconds, of what is not scripted
)

// named is a running machine as the resolver knows it.
type named struct{ ip4, ip6, proxy4 netip.Addr }

// resolver answers as OrbStack's does (docs/orbctl-contract.md §6):
//
//   - NAME.orb.local and everything below it: for machines the machine's own
//     addresses; for the Mac its proxy address, and no AAAA (no evidence of one);
//   - host.orb.internal and host.docker.internal: the Mac, 0.250.250.254;
//   - scripted records, which win over the above;
//   - PTR of the machines' addresses;
//   - any other name: NXDOMAIN. The real one asks the Mac's resolver; this
//     world has no way out, and nothing in it has another name.
type resolver struct {
	onProxyUse func(machine string) error // called before the Mac is told a proxy address

	mu       sync.RWMutex
	machines map[string]named // by name in lower case
	records  []record
}

// record is a scripted answer, checked.
type record struct {
	worldfile.Record
	name     string // absolute, lower case, without "*."
	wildcard bool
	qtype    uint16 // 0 is every type
	rcode    int
	answers  []dns.RR
}

func (r *resolver) setRecords(scripted []worldfile.Record) error {
	records := make([]record, 0, len(scripted))
	for i, s := range scripted {
		rec, err := parseRecord(s)
		if err != nil {
			return fmt.Errorf("dns[%d] (%s): %w", i, s.Name, err)
		}
		records = append(records, rec)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.records = records
	return nil
}

func (r *resolver) add(name string, n named) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.machines == nil {
		r.machines = map[string]named{}
	}
	r.machines[strings.ToLower(name)] = n
}

func (r *resolver) remove(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.machines, strings.ToLower(name))
}

func (r *resolver) snapshot() (map[string]named, []record) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return maps.Clone(r.machines), r.records
}

// machineOf is the machine that a name below orb.local belongs to: the longest
// machine name that the name ends in, because names may have dots.
func machineOf(machines map[string]named, name string) (string, named, bool) {
	rest, ok := strings.CutSuffix(name, "."+localDomain)
	for ok {
		if m, is := machines[rest]; is {
			return rest, m, true
		}
		_, rest, ok = strings.Cut(rest, ".")
	}
	return "", named{}, false
}

// reply is the answer to one question; nil means none at all, ever.
func (r *resolver) reply(q *dns.Msg, from side, udp bool) *dns.Msg {
	m := new(dns.Msg)
	m.SetReply(q)
	m.RecursionAvailable = true
	if len(q.Question) != 1 || q.Opcode != dns.OpcodeQuery {
		m.Rcode = dns.RcodeFormatError
		return m
	}
	if opt := q.IsEdns0(); opt != nil {
		m.SetEdns0(1232, opt.Do())
	}
	a := r.lookup(q.Question[0], from, maxChain)
	if a.silent {
		return nil
	}
	m.Rcode, m.Answer = a.rcode, a.rrs
	switch {
	case udp && a.truncate:
		m.Truncated, m.Answer = true, nil
	case udp:
		size := dns.MinMsgSize
		if opt := q.IsEdns0(); opt != nil {
			size = max(size, int(opt.UDPSize()))
		}
		m.Truncate(size)
	}
	return m
}

// maxChain bounds how far CNAMEs are followed.
const maxChain = 8

// answer is what is known about one question.
type answer struct {
	rrs              []dns.RR
	rcode            int
	silent, truncate bool
}

func (r *resolver) lookup(q dns.Question, from side, chain int) answer {
	machines, records := r.snapshot()
	name := strings.ToLower(dns.Fqdn(q.Name))
	if a, known := scriptedAnswer(records, name, q, from); known {
		if a.rcode == dns.RcodeSuccess && q.Qtype != dns.TypeCNAME && chain > 0 {
			r.follow(&a, q, from, chain)
		}
		return a
	}
	if _, m, ok := machineOf(machines, name); ok {
		return r.machineAnswer(name, m, q, from, machines)
	}
	switch {
	case name == "host.orb.internal." || name == "host.docker.internal.":
		return addressAnswer(q, mac4)
	case q.Qtype == dns.TypePTR:
		return pointerAnswer(machines, name, q, from)
	}
	return answer{rcode: dns.RcodeNameError}
}

// follow adds what the CNAME that ends a's answers points to.
func (r *resolver) follow(a *answer, q dns.Question, from side, chain int) {
	if len(a.rrs) != 1 {
		return
	}
	cname, ok := a.rrs[0].(*dns.CNAME)
	if !ok {
		return
	}
	next := r.lookup(dns.Question{Name: cname.Target, Qtype: q.Qtype, Qclass: q.Qclass}, from, chain-1)
	a.rrs = append(a.rrs, next.rrs...)
	a.rcode, a.silent, a.truncate = next.rcode, next.silent, a.truncate || next.truncate
}

func (r *resolver) machineAnswer(name string, m named, q dns.Question, from side, machines map[string]named) answer {
	if from == fromMachine {
		return addressAnswer(q, m.ip4, m.ip6)
	}
	if q.Qtype == dns.TypeA && r.onProxyUse != nil {
		machine, _, _ := machineOf(machines, name)
		if r.onProxyUse(machine) != nil {
			return answer{rcode: dns.RcodeServerFailure}
		}
	}
	return addressAnswer(q, m.proxy4)
}

// addressAnswer has those of the addresses that are of the wanted family; none
// is "no data", not an error.
func addressAnswer(q dns.Question, addresses ...netip.Addr) answer {
	var a answer
	for _, ip := range addresses {
		h := dns.RR_Header{Name: q.Name, Rrtype: q.Qtype, Class: dns.ClassINET, Ttl: ownTTL}
		switch {
		case q.Qtype == dns.TypeA && ip.Is4():
			a.rrs = append(a.rrs, &dns.A{Hdr: h, A: ip.AsSlice()})
		case q.Qtype == dns.TypeAAAA && ip.Is6():
			a.rrs = append(a.rrs, &dns.AAAA{Hdr: h, AAAA: ip.AsSlice()})
		}
	}
	return a
}

func pointerAnswer(machines map[string]named, name string, q dns.Question, from side) answer {
	for machine, m := range machines {
		own := []netip.Addr{m.ip4, m.ip6}
		if from == fromMac {
			own = append(own, m.proxy4)
		}
		for _, ip := range own {
			if arpa, err := dns.ReverseAddr(ip.String()); err == nil && arpa == name {
				h := dns.RR_Header{Name: q.Name, Rrtype: dns.TypePTR, Class: dns.ClassINET, Ttl: ownTTL}
				return answer{rrs: []dns.RR{&dns.PTR{Hdr: h, Ptr: machine + "." + localDomain}}}
			}
		}
	}
	return answer{rcode: dns.RcodeNameError}
}
