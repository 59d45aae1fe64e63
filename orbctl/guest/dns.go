package guest

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// DNSQuery asks what a name is in DNS, as a machine sees it.
type DNSQuery struct {
	Name    string        // a name, or an address for PTR; a trailing dot keeps search domains away
	Type    string        // one of DNSTypes; "" is A, and PTR for an address
	Server  string        // an address or a name, with :port when it is not 53; "" is the machine's own
	Timeout time.Duration // for one question, whole seconds up to MaxPatience; 0 is DefaultPatience
}

// DNSTypes is every record type that can be asked for. ANY asks for the others
// one by one, as far as a name that is no address can have them: servers need not
// answer the real ANY (RFC 8482).
func DNSTypes() []string {
	return []string{"A", "AAAA", "ANY", "CNAME", "MX", "TXT", "SRV", "PTR"}
}

// DNSQuestion is a DNSQuery that was checked and put into its final form.
type DNSQuestion struct {
	Name    string     // in ASCII and lower case; in-addr.arpa or ip6.arpa for PTR; the trailing dot is kept
	Type    string     // upper case
	Server  string     // "" is the machine's own
	Port    int        // of Server
	Address netip.Addr // PTR: what Name stands for, when it is an address
	Timeout time.Duration
}

// Question checks a query. The error is a *TargetError.
func (q DNSQuery) Question() (DNSQuestion, error) {
	out := DNSQuestion{Type: strings.ToUpper(strings.TrimSpace(q.Type)), Port: 53}
	out.Timeout = q.Timeout
	if out.Timeout <= 0 {
		out.Timeout = DefaultPatience
	}
	out.Timeout = min(max(out.Timeout, time.Second), MaxPatience)

	text := strings.TrimSpace(q.Name)
	fail := func(why string) (DNSQuestion, error) {
		return DNSQuestion{}, &TargetError{Field: "hostname", Value: q.Name, Why: why}
	}
	if why := unfit(text); why != "" {
		return fail(why)
	}
	if strings.Contains(text, "://") {
		return fail("it is a URL; give only the host name in it")
	}
	addr, isAddr := parseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	if out.Type == "" {
		out.Type = "A"
		if isAddr {
			out.Type = "PTR"
		}
	}
	switch {
	case !slices.Contains(DNSTypes(), out.Type):
		return DNSQuestion{}, &TargetError{Field: "type", Value: q.Type, Why: "it is one of " + strings.Join(DNSTypes(), ", ")}
	case isAddr && out.Type != "PTR":
		return fail("it is an address already; type PTR finds the name of an address")
	case isAddr:
		out.Address = addr.WithZone("")
		out.Name = arpaName(out.Address)
	default:
		name, why := asciiName(strings.TrimSuffix(text, "."))
		if why != "" {
			return fail(why)
		}
		out.Name = name
		if strings.HasSuffix(text, ".") {
			out.Name += "."
		}
		if out.Type == "PTR" {
			if out.Address = arpaAddress(name); !strings.HasSuffix(name, ".arpa") {
				return fail("PTR wants an address, or a name below in-addr.arpa or ip6.arpa")
			}
		}
	}
	return out, out.setServer(q.Server)
}

// setServer reads ADDRESS, NAME, ADDRESS:PORT or [IPV6]:PORT.
func (q *DNSQuestion) setServer(s string) error {
	if s = strings.TrimSpace(s); s == "" {
		return nil
	}
	fail := func(why string) error { return &TargetError{Field: "server", Value: s, Why: why} }
	if why := unfit(s); why != "" {
		return fail(why)
	}
	host, after, dig := strings.Cut(s, "#") // dig writes 1.1.1.1#53
	var port int
	var why string
	if dig {
		port, why = parsePort(after)
	} else {
		host, port, why = splitPort(s)
	}
	if why != "" {
		return fail(why)
	}
	if q.Server, _, why = normalHost(host); why != "" {
		return fail(why)
	}
	if port != 0 {
		q.Port = port
	}
	return nil
}

// Types is what is asked for, one by one: for ANY what DNSTypes says of it. CNAME
// comes with A.
func (q DNSQuestion) Types() []string {
	if q.Type == "ANY" {
		return []string{"A", "AAAA", "MX", "TXT", "SRV"}
	}
	return []string{q.Type}
}

// DNS is the question what a name is in DNS: over the wire with the tool that
// the machine has, and from its resolver library where that answers such a
// question (A, AAAA, PTR; not when a server is named). The error is a
// *TargetError.
func DNS(query DNSQuery) (Script, []string, time.Duration, error) {
	q, err := query.Question()
	if err != nil {
		return Script{}, nil, 0, err
	}
	server, address := "-", "-"
	if q.Server != "" {
		server = q.Server
	}
	if q.Address.IsValid() {
		address = q.Address.String()
	}
	budget := min(starting+time.Duration(len(q.Types()))*(3*q.Timeout+time.Second), MaxConnectivity)
	args := []string{q.Name, server, strconv.Itoa(q.Port), wholeSeconds(q.Timeout), wholeSeconds(budget), address}
	const last = 5 * time.Second // the question that is under way when the budget ends
	return load("dns", "attempt"), append(args, q.Types()...), budget + last, nil
}

// arpaName is the name under which an address is looked up backwards (RFC 1035
// §3.5, RFC 3596 §2.5).
func arpaName(a netip.Addr) string {
	var labels []string
	if a.Is4() {
		for _, b := range a.AsSlice() {
			labels = append(labels, strconv.Itoa(int(b)))
		}
		slices.Reverse(labels)
		return strings.Join(labels, ".") + ".in-addr.arpa"
	}
	for _, b := range a.AsSlice() {
		labels = append(labels, strconv.FormatUint(uint64(b>>4), 16), strconv.FormatUint(uint64(b&15), 16))
	}
	slices.Reverse(labels)
	return strings.Join(labels, ".") + ".ip6.arpa"
}

// arpaAddress is the reverse of arpaName; the zero Addr when the name is not
// that of one address.
func arpaAddress(name string) netip.Addr {
	if rest, ok := strings.CutSuffix(name, ".in-addr.arpa"); ok {
		labels := strings.Split(rest, ".")
		slices.Reverse(labels)
		a, err := netip.ParseAddr(strings.Join(labels, "."))
		if err == nil && a.Is4() {
			return a
		}
	}
	if rest, ok := strings.CutSuffix(name, ".ip6.arpa"); ok {
		nibbles := strings.Split(rest, ".")
		slices.Reverse(nibbles)
		var text strings.Builder
		for i, n := range nibbles {
			if i > 0 && i%4 == 0 {
				text.WriteByte(':')
			}
			text.WriteString(n)
		}
		if a, err := netip.ParseAddr(text.String()); err == nil && len(nibbles) == 32 {
			return a
		}
	}
	return netip.Addr{}
}
