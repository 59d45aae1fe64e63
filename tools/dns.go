package tools

import (
	"context"
	"errors"
	"maps"
	"strings"

	"orbstack-mcp/orbctl"
	"orbstack-mcp/orbctl/guest"
	"orbstack-mcp/orbctl/mac"
)

func dnsLookup() Tool {
	return Do(Tool{
		Name: "vm_dns_lookup", Title: "Look a name up",
		Family: Network, Effect: Reads, OpenWorld: true,
		Doc: "Looks a host name up in a machine and on the Mac, side by side. " +
			"Use when a name does not resolve in there, or to something else than expected, such as a VPN's private names. Says what the machine's programs see (resolver library) and what its DNS server answers.",
	}, runDNSLookup)
}

type dnsIn struct {
	Machine  string `json:"machine,omitempty" jsonschema_description:"Machine name; default: OrbStack's default machine."`
	Hostname string `json:"hostname" jsonschema_description:"Name; an IP address for PTR."`
	Type     string `json:"type,omitempty" jsonschema:"enum=A,enum=AAAA,enum=ANY,enum=CNAME,enum=MX,enum=TXT,enum=SRV,enum=PTR" jsonschema_description:"Default A; PTR for an address."`
	Server   string `json:"server,omitempty" jsonschema_description:"DNS server to ask instead of the configured one."`
	From     string `json:"from,omitempty" jsonschema:"enum=both,enum=machine,enum=mac,default=both" jsonschema_description:"Where to look it up."`
}

type dnsOut struct {
	Machine   string    `json:"machine,omitempty"`
	Hostname  string    `json:"hostname"`
	Type      string    `json:"type"`
	InMachine *dnsView  `json:"in_machine,omitempty"`
	OnMac     *dnsView  `json:"on_mac,omitempty"`
	Agree     *bool     `json:"agree,omitempty" jsonschema_description:"Whether machine and Mac gave the same answer, when both did."`
	Meaning   string    `json:"meaning"`
	Missing   []missing `json:"missing,omitempty"`
	Note      string    `json:"note,omitempty"`
}

type dnsView struct {
	Status       string      `json:"status" jsonschema_description:"NOERROR, NODATA, NXDOMAIN, SERVFAIL, REFUSED, timeout or server_unreachable."`
	Records      []dnsRecord `json:"records"`
	Path         string      `json:"path" jsonschema_description:"wire: a DNS server was asked; resolver: the resolver library, as programs do."`
	Server       string      `json:"server,omitempty" jsonschema_description:"Who answered."`
	Tool         string      `json:"tool,omitempty"`
	Asked        string      `json:"asked,omitempty" jsonschema_description:"The name in the question, with a search domain if one was applied."`
	SearchDomain string      `json:"search_domain,omitempty" jsonschema_description:"The one that was applied."`
	Truncated    bool        `json:"truncated,omitempty" jsonschema_description:"The answer over UDP was cut; TCP was used where possible."`
	Library      *libView    `json:"resolver_library,omitempty" jsonschema_description:"What programs see, where the wire was asked too."`
	Differs      bool        `json:"library_differs,omitempty"`
	DNSServers   []string    `json:"dns_servers,omitzero" jsonschema_description:"Configured; absent where that was not read."`
	Search       []string    `json:"search_domains,omitzero" jsonschema_description:"Likewise."`
	Detail       string      `json:"detail,omitempty" jsonschema_description:"The tool's words where there was no answer: data."`

	partial map[string]bool // record types that are not all there
}

type dnsRecord struct {
	Name  string `json:"name,omitempty"`
	Type  string `json:"type"`
	Value string `json:"value"`
	TTL   *int   `json:"ttl,omitempty" jsonschema_description:"Seconds; absent when not known."`
}

type libView struct {
	Found     bool     `json:"found"`
	Addresses []string `json:"addresses"`
	Names     []string `json:"names"`
	Detail    string   `json:"detail,omitempty"`
}

func runDNSLookup(ctx context.Context, c *Call, in dnsIn) (dnsOut, error) {
	query := guest.DNSQuery{Name: in.Hostname, Type: in.Type, Server: in.Server}
	question, err := query.Question()
	if err != nil {
		return dnsOut{}, err
	}
	// A DNS client may ask a DNS server; a caller that picks the port as well
	// would have a scanner of the Mac's networks.
	oddPort := question.Server != "" && question.Port != 53
	if oddPort && in.From == fromMac {
		return dnsOut{}, &failure{
			Code: notAllowed, Message: "From the Mac, a DNS server is asked on port 53 only.",
			Hint: "Leave the port out of server, or set from to machine: inside a machine any port will do.",
		}
	}
	out := dnsOut{Hostname: in.Hostname, Type: question.Type}
	var machines []orbctl.Machine
	if in.From != fromMac {
		if machines, err = out.askMachine(ctx, c, in, query); err != nil {
			return dnsOut{}, err
		}
	}
	switch {
	case in.From == fromMachine:
	case oddPort:
		out.Missing = append(out.Missing, missing{Part: "on_mac", Why: "from the Mac, a DNS server is asked on port 53 only"})
	default:
		report, err := mac.Lookup(ctx, query)
		if err != nil {
			return dnsOut{}, err
		}
		out.OnMac = viewOf(report)
		out.Missing = append(out.Missing, missingOf("on the Mac: ", report.Missing)...)
	}
	if in.From == fromMac && belowOrbLocal(question.Name) {
		if machines, err = c.Orb.Machines(ctx); err != nil && ctx.Err() == nil {
			out.Missing = append(out.Missing, missing{Part: "machines", Why: "whether a machine has this name is not known: " + explain(err).Message})
		}
	}
	out.compare()
	out.Meaning = out.meaning(question, machines)
	return out, ctx.Err()
}

// askMachine looks the name up in the machine. Beside the Mac's answer, a
// machine that does not run or has no tool is a part that is missing and no error.
func (o *dnsOut) askMachine(ctx context.Context, c *Call, in dnsIn, query guest.DNSQuery) ([]orbctl.Machine, error) {
	machines, source, err := sourceMachine(ctx, c, in.Machine)
	if none := noMachines(err); none != nil && in.Machine == "" && in.From != fromMachine {
		o.Missing = append(o.Missing, missing{Part: "in_machine", Why: none.Message + " " + c.Server.fit(none.Hint)})
		return []orbctl.Machine{}, nil
	}
	if err != nil {
		return nil, err
	}
	o.Machine = source.Name
	if source.State != orbctl.Running && in.From != fromMachine {
		o.Missing = append(o.Missing, missing{Part: "in_machine", Why: "the machine is " + source.State + ", and reading starts nothing"})
		return machines, nil
	}
	report, meta, err := c.Orb.DNS(ctx, source, query)
	if err != nil {
		f := explain(err)
		if in.From == fromMachine || f.Code != code(orbctl.GuestToolMissing) {
			return nil, err
		}
		o.Missing = append(o.Missing, missing{Part: "in_machine", Why: f.Message + " " + f.Hint})
		return machines, nil
	}
	o.InMachine, o.Note = viewOf(report), ranAs(meta)
	o.Missing = append(o.Missing, missingOf("in the machine: ", report.Missing)...)
	return machines, nil
}

// noMachines is the failure that OrbStack has none at all, or nil.
func noMachines(err error) *failure {
	e, ok := errors.AsType[*orbctl.Error](err)
	if !ok || e.Kind != orbctl.MachineNotFound || e.Have == nil || len(e.Have) > 0 {
		return nil
	}
	return explain(err)
}

func missingOf(where string, parts []guest.Missing) []missing {
	all := missingFrom(parts)
	for i := range all {
		all[i].Part = where + all[i].Part
	}
	return all
}

func viewOf(r guest.DNSReport) *dnsView {
	v := &dnsView{
		Status: string(r.Status), Records: make([]dnsRecord, 0, len(r.Records)), Path: string(r.Path), Server: r.Server, Tool: r.Tool.Name,
		Asked: r.Asked, SearchDomain: r.Search, Truncated: r.Truncated, Differs: r.Differs, Detail: r.Detail,
		partial: partialTypes(r.Missing),
	}
	if r.Resolver.Source != "" { // read at all
		v.DNSServers, v.Search = texts(r.Resolver.Servers), append([]string{}, r.Resolver.Search...)
	}
	for _, rec := range r.Records {
		out := dnsRecord{Name: rec.Name, Type: rec.Type, Value: rec.Value}
		if rec.TTL >= 0 {
			out.TTL = &rec.TTL
		}
		v.Records = append(v.Records, out)
	}
	if l := r.Library; l != nil {
		v.Library = &libView{Found: l.Found, Addresses: texts(l.Addresses), Names: append([]string{}, l.Names...), Detail: l.Detail}
	}
	return v
}

// compare fills in Agree: the same status, and records of the same values. A
// silence is no answer, two failures are no agreement, and what one side could not
// read is not compared.
func (o *dnsOut) compare() {
	in, mac := o.InMachine, o.OnMac
	if in == nil || mac == nil || unanswered(in) || unanswered(mac) || !concluded(in) && !concluded(mac) {
		return
	}
	if answered(in) && answered(mac) && (in.partial[o.Type] || mac.partial[o.Type]) {
		return
	}
	counts := func(r dnsRecord) bool {
		alias := r.Type == "CNAME" && o.Type != "CNAME" // the Mac's resolver follows them silently
		return !alias && !in.partial[r.Type] && !mac.partial[r.Type]
	}
	// The Mac's resolver says no more than that there is no such name.
	nothing := func(v *dnsView) bool { return v.Status == string(guest.NXDomain) || v.Status == string(guest.NoData) }
	agree := in.Status == mac.Status && maps.Equal(values(in, counts), values(mac, counts)) || nothing(in) && nothing(mac)
	o.Agree = &agree
}

func unanswered(v *dnsView) bool { return guest.DNSStatus(v.Status).Silent() }

// concluded reports whether a DNS server or the library said what there is.
func concluded(v *dnsView) bool {
	switch guest.DNSStatus(v.Status) {
	case guest.NoError, guest.NoData, guest.NXDomain:
		return true
	}
	return false
}

func values(v *dnsView, counts func(dnsRecord) bool) map[string]bool {
	all := map[string]bool{}
	for _, r := range v.Records {
		if counts(r) {
			all[strings.ToLower(r.Value)] = true
		}
	}
	return all
}

// partialTypes are the record types of which a report lacks something.
func partialTypes(parts []guest.Missing) map[string]bool {
	types := map[string]bool{}
	for _, m := range parts {
		kind, _ := strings.CutPrefix(m.Part, "type ")
		types[kind] = true
	}
	return types
}
