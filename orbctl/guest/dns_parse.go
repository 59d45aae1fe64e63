package guest

import (
	"net/netip"
	"slices"
	"strings"
)

// ParseDNS reads what the script of DNS printed. The error is a
// *ToolMissingError when the machine has nothing to ask with, ErrNoAnswer when
// the output holds nothing of it, or a *TargetError.
func ParseDNS(query DNSQuery, t Transcript) (DNSReport, error) {
	q, err := query.Question()
	if err != nil {
		return DNSReport{}, err
	}
	n, err := newNotes(t)
	if err != nil {
		return DNSReport{}, err
	}
	r := DNSReport{Name: q.Name, Type: q.Type}
	if text, ok := n.section("resolv", "resolv_conf"); ok {
		r.Resolver = parseResolvConf(text)
		r.Resolver.Source = resolvConf
	}
	r.Library = readLibrary(t)
	replies, noTool := readReplies(n)
	switch {
	case len(replies) > 0:
		r.Path = Wire
		r.take(q, n, replies)
	case r.Library != nil && noTool:
		r.Path, r.Tool = Resolved, Tool{Name: "getent"}
		r.takeLibrary(q, n)
	case noTool:
		distro, _ := t.Find("os")
		return DNSReport{}, &ToolMissingError{Wanted: []string{"dig", "drill", "host", "nslookup"}, Distro: distroID(distro.Text)}
	case r.Library != nil:
		n.miss("wire", "the script did not come to ask a server")
		r.Path, r.Tool = Resolved, Tool{Name: "getent"}
		r.takeLibrary(q, n)
	case slices.ContainsFunc(t.Sections, func(s Section) bool { return s.Name == "cut" }):
		r.Path, r.Status, r.Detail = Wire, DNSTimeout, "the time for all questions was used up before the first one"
	default:
		return DNSReport{}, ErrNoAnswer
	}
	if r.Path == Wire {
		r.compare()
	}
	if r.Status.Silent() { // a tool may name the server that it asked in vain
		r.Server = ""
	}
	r.Missing, _ = n.gaps()
	return r, nil
}

// A reply is what one tool said to one question.
type reply struct {
	asked     string // the record type of the question
	status    DNSStatus
	records   []DNSRecord
	server    string
	question  string // the name in the question
	truncated bool
	promised  bool // the response has records in its answer, shown or not
	detail    string
	tool      Tool
	library   bool // an old nslookup: it goes through the library, not over the wire
}

// readReplies gives the replies in order, and whether the machine had no tool.
func readReplies(n *notes) (replies []reply, noTool bool) {
	for _, s := range n.transcript.Sections {
		switch {
		case s.Name == "none":
			noTool = true
		case s.Name == "cut" && len(s.Args) > 0:
			n.miss("type "+word(s.Args[0]), "the time for all questions was used up before this one")
		case s.Name == "ask" && s.Exit < 0:
			n.miss("answer", "the tool's output was cut")
		case s.Name == "ask" && len(s.Args) > 1:
			replies = append(replies, readReply(s))
		}
	}
	return replies, noTool && len(replies) == 0
}

func readReply(s Section) reply {
	program, dialect, _ := strings.Cut(s.Args[1], ":")
	var r reply
	switch program {
	case "dig", "drill", "host":
		r = parseDig(s.Text)
	default:
		r = parseNslookup(s.Text, s.Args[0], program == "busybox" || dialect == "busybox")
		r.library = dialect == "small" // it has no types and asks the library
	}
	r.asked = s.Args[0]
	r.tool = Tool{Name: program, Dialect: dialect}
	if program == "busybox" || dialect == "small" {
		r.tool = Tool{Name: "nslookup", Dialect: "busybox"}
	}
	if r.status == "" { // records without a response's head are nobody's answer
		r.status, r.detail = silence(s)
		r.records = nil
	}
	return r
}

// silence is the status of a tool that got no response.
func silence(s Section) (DNSStatus, string) {
	lower := strings.ToLower(s.Text)
	v, line, known := cause(s.Text)
	switch {
	case strings.Contains(lower, "connection refused"), known && (v == NoRoute || v == Unreachable || v == Refused):
		return ServerUnreachable, strings.TrimLeft(line, "; ")
	case strings.Contains(lower, "couldn't get address for"), strings.Contains(lower, "could not resolve server"), strings.Contains(lower, "couldn't find server"):
		return ServerUnreachable, strings.TrimLeft(said(s.Text, "the server's name has no address"), "; ")
	case killed(s.Exit), known && v == Timeout, strings.Contains(lower, "no servers could be reached"), strings.Contains(lower, "could not send or receive"):
		return DNSTimeout, strings.TrimLeft(said(s.Text, "no answer in time"), "; ")
	}
	return DNSFailure, said(s.Text, "the tool ended without an answer")
}

// take makes the report of the replies: one, or those of ANY put together.
func (r *DNSReport) take(q DNSQuestion, n *notes, replies []reply) {
	first, best := replies[0], 0
	r.Tool, r.Server, r.Asked = first.tool, first.server, first.question
	if first.library {
		r.Path = Resolved
	}
	for i, reply := range replies {
		if reply.status.weight() > replies[best].status.weight() {
			best = i
		}
	}
	r.Status, r.Detail = replies[best].status, replies[best].detail
	for i, reply := range replies {
		if r.Server == "" {
			r.Server = reply.server
		}
		r.Truncated = r.Truncated || reply.truncated
		if reply.tool.Dialect == "busybox" && slices.ContainsFunc(reply.records, DNSRecord.text) {
			n.miss("TXT", "busybox nslookup shows only the first string of a TXT record; dig shows all of it")
		}
		if reply.hidden() {
			n.miss("type "+reply.asked, "the answer has records that "+reply.tool.Name+" does not show: it leaves out what is longer than 4 KB; dig shows it")
		}
		for _, record := range reply.records {
			if !slices.ContainsFunc(r.Records, record.same) {
				r.Records = append(r.Records, record)
			}
		}
		if q.Type == "ANY" && i != best && !answered(reply.status) {
			n.miss("type "+reply.asked, strings.TrimSpace(string(reply.status)+" "+reply.detail))
		}
	}
	if hidden := slices.ContainsFunc(replies, reply.hidden); r.Status == NoError && len(r.Records) == 0 && !hidden {
		r.Status = NoData
	}
	if r.Status == NoData && r.Path == Wire && r.Tool.Dialect == "busybox" && r.Library == nil {
		n.miss("long answers", "busybox nslookup asks over UDP only, so an answer that does not fit looks like none; dig, drill or host would show it")
	}
	if r.Tool.Name == "drill" && r.Status == NXDomain && len(r.Resolver.Search) > 0 && !strings.HasSuffix(q.Name, ".") {
		n.miss("search domains", "drill does not try them; dig and host do")
	}
	if asked := strings.TrimSuffix(q.Name, "."); r.Status == NoError {
		if domain, ok := strings.CutPrefix(r.Asked, asked+"."); ok {
			r.Search = domain
		}
	}
}

// hidden reports whether a tool has swallowed the records of an answer, as host
// does with long ones.
func (r reply) hidden() bool { return r.promised && len(r.records) == 0 && r.status == NoError }

// weight orders what several questions about one name got, to say it in one
// word: that there is no such name goes for every type, and a failure says more
// than that one type has no records.
func (s DNSStatus) weight() int {
	switch s {
	case NoError:
		return 3
	case NXDomain:
		return 2
	case NoData:
		return 0
	}
	return 1
}

func answered(s DNSStatus) bool { return s == NoError || s == NoData || s == NXDomain }

// same reports whether two records differ in nothing but the time that they
// have left.
func (d DNSRecord) same(other DNSRecord) bool {
	return d.Name == other.Name && d.Type == other.Type && d.Value == other.Value
}

func (d DNSRecord) text() bool { return d.Type == "TXT" }

// --- the resolver library -----------------------------------------------------

// readLibrary puts getent's answers together; nil when it was not asked.
func readLibrary(t Transcript) *Library {
	var l *Library
	nothing := "the resolver library knows no such record"
	for _, s := range t.Sections {
		if s.Name != "library" || s.Exit < 0 || len(s.Args) == 0 || s.Exit == 127 {
			continue
		}
		if l == nil {
			l = &Library{}
		}
		if s.Exit != 0 {
			if killed(s.Exit) {
				l.Detail = "the resolver library did not answer in time"
			} else {
				nothing = said(s.Text, "the resolver library found nothing, and does not say whether there is no such name, no record of this type, or no answer")
			}
			continue
		}
		l.read(s.Args[0], s.Text)
	}
	if l != nil {
		l.Found = len(l.Addresses) > 0 || len(l.Names) > 0
		if !l.Found && l.Detail == "" { // of one family nothing may be found beside the other
			l.Detail = nothing
		}
	}
	return l
}

// read takes lines of `getent ahosts` (address, socket type, canonical name on
// the first) or `getent hosts` (address, names).
func (l *Library) read(asked, text string) {
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		a, ok := parseAddr(words[0])
		if !ok || a.Is4In6() || (asked == "A" && !a.Is4()) || (asked == "AAAA" && !a.Is6()) {
			continue
		}
		if asked != "PTR" && !slices.Contains(l.Addresses, a) {
			l.Addresses = append(l.Addresses, a)
		}
		for _, name := range words[1:] {
			switch name {
			case "STREAM", "DGRAM", "RAW":
			default:
				if name = word(name); !slices.Contains(l.Names, name) {
					l.Names = append(l.Names, name)
				}
			}
		}
	}
}

// takeLibrary makes the report of the library's answer alone. The library does
// not tell a name that does not exist from one without such a record.
func (r *DNSReport) takeLibrary(q DNSQuestion, n *notes) {
	r.Status, r.Detail = NXDomain, r.Library.Detail
	if strings.Contains(r.Detail, "in time") {
		r.Status = DNSTimeout
	}
	record := func(kind, value string) {
		r.Status, r.Detail = NoError, ""
		r.Records = append(r.Records, DNSRecord{Name: strings.TrimSuffix(q.Name, "."), Type: kind, Value: value, TTL: -1})
	}
	for _, a := range r.Library.Addresses {
		kind := "AAAA"
		if a.Is4() {
			kind = "A"
		}
		record(kind, a.String())
	}
	if q.Type == "PTR" {
		for _, name := range r.Library.Names {
			record("PTR", strings.TrimSuffix(name, "."))
		}
	}
	for _, kind := range q.Types() {
		if kind != "A" && kind != "AAAA" && kind != "PTR" {
			n.miss("type "+kind, "only getent is there, and it cannot ask for "+kind+"; dig, drill, host or nslookup can")
		}
	}
	if r.Status == NXDomain {
		n.miss("status", "only getent is there: to it, a name that does not exist, one without such a record and a DNS server that fails are the same; dig, drill, host or nslookup tell them apart")
	}
}

// parseServer is an address in a tool's words: 127.0.0.1#53(127.0.0.1) (UDP),
// [::1]:53, 127.0.0.11:53.
func parseServer(s string) string {
	s = strings.TrimSpace(s)
	s, _, _ = strings.Cut(s, "(")
	s, _, _ = strings.Cut(strings.TrimSpace(s), "#")
	if a, ok := parseAddr(s); ok {
		return a.String()
	}
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().String()
	}
	return ""
}
