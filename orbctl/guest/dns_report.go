package guest

import (
	"net/netip"
	"slices"
)

// A DNSStatus is how a question ended: the response code's name (RFC 1035
// §4.1.1), or one of the words below where there was no response.
type DNSStatus string

// The statuses that are told apart; a rarer response code keeps its own name.
const (
	NoError           DNSStatus = "NOERROR"
	NoData            DNSStatus = "NODATA" // the name exists and has no record of this type
	NXDomain          DNSStatus = "NXDOMAIN"
	ServFail          DNSStatus = "SERVFAIL"
	DNSRefused        DNSStatus = "REFUSED"
	DNSTimeout        DNSStatus = "timeout"
	ServerUnreachable DNSStatus = "server_unreachable" // nobody listens on the server's port, or there is no way to it
	DNSFailure        DNSStatus = "failed"             // the tool failed in a way of its own; Detail has its words
)

// Silent reports whether no DNS server answered at all.
func (s DNSStatus) Silent() bool {
	return s == DNSTimeout || s == ServerUnreachable || s == DNSFailure
}

// A Path is who was asked.
type Path string

// The two ways to ask: programs go through the resolver library, which also
// knows /etc/hosts; dig and the like talk to a server themselves.
const (
	Wire     Path = "wire"
	Resolved Path = "resolver"
)

// DNSReport is what became of a DNSQuery. A name that does not exist is a
// report, not an error.
type DNSReport struct {
	Name string // as it was asked for: ASCII, lower case
	Type string

	Status  DNSStatus
	Records []DNSRecord
	Detail  string // what the tool said where there was no answer

	Path   Path
	Tool   Tool
	Server string // the address that answered; "" when none did or it is not known
	// Asked is the name in the question that was answered, with a search domain
	// behind it where one was tried. Search names the domain under which records
	// were found.
	Asked     string
	Search    string
	Truncated bool // the answer over UDP was cut; TCP was used where the tool can

	Library *Library // the resolver library's answer beside the wire's; nil when it was not asked
	// Differs says that library and wire do not name the same addresses: the
	// machine's programs see the library's.
	Differs bool

	Resolver Resolver // the machine's resolv.conf
	Missing  []Missing
}

// DNSRecord is one record of an answer.
type DNSRecord struct {
	Name  string // without its trailing dot
	Type  string
	Value string // of a name: without its trailing dot; of TXT: its strings joined
	TTL   int    // seconds; -1 when it is not known
}

// Library is what getent says.
type Library struct {
	Found     bool
	Addresses []netip.Addr // A, AAAA
	Names     []string     // PTR; the canonical name of A and AAAA
	Detail    string       // why it found nothing
}

// addresses are those of the records, in order.
func addresses(records []DNSRecord) []netip.Addr {
	var out []netip.Addr
	for _, r := range records {
		if a, ok := parseAddr(r.Value); ok && (r.Type == "A" || r.Type == "AAAA") && !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	return out
}

// compare sets Differs.
func (r *DNSReport) compare() {
	if r.Library == nil || r.Path != Wire || !slices.Contains([]DNSStatus{NoError, NoData, NXDomain}, r.Status) {
		return
	}
	if r.Type != "A" && r.Type != "AAAA" && r.Type != "ANY" {
		return
	}
	wire, library := addresses(r.Records), slices.Clone(r.Library.Addresses)
	slices.SortFunc(wire, netip.Addr.Compare)
	slices.SortFunc(library, netip.Addr.Compare)
	r.Differs = !slices.Equal(wire, library)
}
