package tools

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"orbstack-mcp/orbctl"
	"orbstack-mcp/orbctl/guest"
	"orbstack-mcp/orbctl/untrusted"
)

func testConnectivity() Tool {
	return Do(Tool{
		Name: "vm_test_connectivity", Title: "Test a connection",
		Family: Network, Effect: Reads, OpenWorld: true,
		Words: map[string]map[string]string{"method": {"nc": "tcp", "netcat": "tcp", "curl": "http", "wget": "http", "icmp": "ping"}},
		Doc: "Tests from inside a machine whether a host, port or URL can be reached, and says what is wrong if not: name, route, refused, timeout, TLS, HTTP status. " +
			"Use when something cannot connect, such as web to Postgres on db. Give host:port for a service; a bare host is only pinged. from mac tests the Mac's own way to a machine.",
	}, runConnectivity)
}

type connectivityIn struct {
	Machine string `json:"machine,omitempty" jsonschema_description:"Machine to test from; default: OrbStack's default machine."`
	Target  string `json:"target" jsonschema_description:"Host, host:port, IP, URL, or another machine's name."`
	Method  string `json:"method,omitempty" jsonschema:"enum=auto,enum=ping,enum=tcp,enum=http,enum=https,default=auto" jsonschema_description:"auto: http for a URL, tcp with a port, else ping. http and https send HEAD."`
	Port    int    `json:"port,omitempty" jsonschema:"minimum=1,maximum=65535" jsonschema_description:"If not in target."`
	Count   int    `json:"count,omitempty" jsonschema:"minimum=1,maximum=10,default=3" jsonschema_description:"Attempts; one for IPv6 beside IPv4."`
	Timeout int    `json:"timeout_seconds,omitempty" jsonschema:"minimum=1,maximum=30,default=5" jsonschema_description:"For each attempt."`
	From    string `json:"from,omitempty" jsonschema:"enum=machine,enum=mac,default=machine" jsonschema_description:"mac: from the Mac, to machines only."`
}

const (
	fromMachine = "machine"
	fromMac     = "mac"
	fromBoth    = "both"
)

type connectivityOut struct {
	Machine       string         `json:"machine,omitempty" jsonschema_description:"Where the test ran; absent from the Mac."`
	From          string         `json:"from"`
	Target        string         `json:"target"`
	Method        string         `json:"method"`
	Port          int            `json:"port,omitempty"`
	Reachable     bool           `json:"reachable"`
	Verdict       string         `json:"verdict" jsonschema_description:"ok, dns_failed, refused, timeout, unreachable, no_route, tls_failed, http_error, reset or no_tool: the best of the results."`
	Meaning       string         `json:"meaning"`
	TargetMachine *targetMachine `json:"target_machine,omitempty"`
	Results       []legResult    `json:"results" jsonschema_description:"One for each way: by name, by address, over IPv4 and IPv6."`
	Missing       []missing      `json:"missing,omitempty"`
	Note          string         `json:"note,omitempty"`
}

type targetMachine struct {
	Name           string `json:"name"`
	State          string `json:"state"`
	Isolated       bool   `json:"isolated"`
	IsolateNetwork bool   `json:"isolate_network"`
}

type legResult struct {
	By          string    `json:"by" jsonschema_description:"name or address."`
	Host        string    `json:"host"`
	Resolved    []string  `json:"resolved" jsonschema_description:"Every address of the name."`
	Address     string    `json:"address,omitempty" jsonschema_description:"The one that was tried."`
	Family      string    `json:"family,omitempty"`
	Reachable   bool      `json:"reachable"`
	Verdict     string    `json:"verdict"`
	Detail      string    `json:"detail,omitempty" jsonschema_description:"The evidence, in the tool's words: data."`
	Attempts    []attempt `json:"attempts"`
	MinMS       float64   `json:"min_ms,omitempty"`
	AvgMS       float64   `json:"avg_ms,omitempty"`
	MaxMS       float64   `json:"max_ms,omitempty"`
	LossPercent *float64  `json:"loss_percent,omitempty" jsonschema_description:"Absent when nothing was tried."`
	HTTPStatus  int       `json:"http_status,omitempty"`
	Location    string    `json:"location,omitempty" jsonschema_description:"Where a redirect points; it was not followed."`
	Tool        string    `json:"tool,omitempty" jsonschema_description:"What made the attempts."`
}

type attempt struct {
	Verdict string  `json:"verdict"`
	MS      float64 `json:"ms,omitempty"`
}

func runConnectivity(ctx context.Context, c *Call, in connectivityIn) (connectivityOut, error) {
	target, err := guest.ParseTarget(in.Target, in.Method, in.Port)
	if err != nil {
		return connectivityOut{}, err
	}
	if in.From == fromMac {
		return connectFromMac(ctx, c, in, target)
	}
	machines, source, err := sourceMachine(ctx, c, in.Machine)
	if err != nil {
		return connectivityOut{}, err
	}
	out := connectivityOut{Machine: source.Name, From: fromMachine, Target: untrusted.Line(in.Target), Results: []legResult{}}
	other := namedMachine(machines, target.Host)
	query := target.Query()
	if other != nil && other.Name != source.Name {
		out.TargetMachine = targetMachineOf(*other)
	}
	if other != nil {
		if query, err = machineQuery(target, *other); err != nil {
			return connectivityOut{}, err
		}
	}
	query.Count, query.Timeout = in.Count, time.Duration(in.Timeout)*time.Second
	report, meta, err := c.Orb.Connectivity(ctx, source, query)
	if err != nil {
		return connectivityOut{}, err
	}
	out.Note = ranAs(meta)
	found := finding{source: &source.Machine, other: other, asked: out.Target, target: target, report: report}
	if other != nil && other.State == orbctl.Running {
		if err := found.byAddress(ctx, c, source, query); err != nil {
			return connectivityOut{}, err
		}
	}
	out.fill(found)
	return out, nil
}

// machineQuery tests another machine by its name, or the name below it that was asked
// for, and by the address that the name leads to, in one run.
func machineQuery(target guest.Target, other orbctl.Machine) (guest.ConnectivityQuery, error) {
	named, err := target.WithHost(localNameOf(target.Host, other))
	if err != nil {
		return guest.ConnectivityQuery{}, err
	}
	query := named.Query()
	byAddress := guest.Leg{Label: guest.ByAddress, Host: named.Host, Lookup: true}
	query.Legs = append(query.Legs, byAddress)
	return query, nil
}

// byAddress tests a machine by the addresses that OrbStack gives for it, where its name
// did not resolve or leads elsewhere: a broken resolver and a broken network are told
// apart. Where a name leads is looked into where a hosts file has it, or it is a loopback
// address: to ask OrbStack each time would be a run more for every test (ADR 4).
func (f *finding) byAddress(ctx context.Context, c *Call, source orbctl.MachineInfo, query guest.ConnectivityQuery) error {
	unnamed := f.report.Verdict == guest.DNSFailed
	byHand := f.elsewhere() && slices.ContainsFunc(f.report.Legs, suspect)
	if !unnamed && !byHand {
		return nil
	}
	info, err := c.Orb.Machine(ctx, f.other.Name)
	if err != nil {
		return err
	}
	own := addressesOf(info)
	f.astray = straying(f.report, own)
	if !unnamed && len(f.astray) == 0 {
		return nil
	}
	if query.Legs = addressLegs(info); len(query.Legs) == 0 {
		f.report.Missing = append(f.report.Missing, guest.Missing{Part: "by address", Why: "OrbStack does not report an address of " + f.other.Name + " yet"})
		return nil
	}
	second, _, err := c.Orb.Connectivity(ctx, source, query)
	if err != nil {
		return err
	}
	byName := slices.DeleteFunc(slices.Clone(f.report.Legs), func(l guest.LegReport) bool { return l.Label != guest.ByName })
	f.report.Legs = slices.Concat(byName, second.Legs)
	f.report.Missing = append(f.report.Missing, second.Missing...)
	f.report.Conclude()
	return nil
}

// suspect is a name that somebody has set by hand.
func suspect(l guest.LegReport) bool {
	return l.Label == guest.ByName && (l.InHosts || l.Address.IsLoopback())
}

// straying are the addresses that a machine's name led to though none of them is the
// machine's own; none where OrbStack gives it no address.
func straying(r guest.ConnectivityReport, own []netip.Addr) []netip.Addr {
	var all []netip.Addr
	for _, l := range r.Legs {
		if l.Label != guest.ByName {
			continue
		}
		for _, a := range l.Resolved {
			if slices.Contains(own, a.WithZone("")) {
				return nil
			}
			if !slices.Contains(all, a) {
				all = append(all, a)
			}
		}
	}
	if len(own) == 0 {
		return nil
	}
	return all
}

// addressLegs are the ways to a machine by the addresses that OrbStack gives for it.
func addressLegs(info orbctl.MachineInfo) []guest.Leg {
	var legs []guest.Leg
	for _, a := range addressesOf(info) {
		legs = append(legs, guest.Leg{Label: guest.ByAddress, Host: a.String()})
	}
	return legs
}

// fill puts a report into words.
func (o *connectivityOut) fill(f finding) {
	r := f.report
	o.Method, o.Port = string(r.Method), f.target.Port
	o.Reachable, o.Verdict = r.Reachable, string(r.Verdict)
	for _, leg := range r.Legs {
		o.Results = append(o.Results, legOf(leg))
	}
	o.Missing = append(o.Missing, missingFrom(r.Missing)...)
	o.Meaning = f.meaning()
}

func legOf(l guest.LegReport) legResult {
	out := legResult{
		By: l.Label, Host: l.Host, Resolved: texts(l.Resolved), Address: addrText(l.Address), Family: family(l.Family),
		Reachable: l.Verdict.Reachable(), Verdict: string(l.Verdict), Detail: l.Detail, Attempts: make([]attempt, 0, len(l.Attempts)),
		MinMS: millis(l.Min), AvgMS: millis(l.Avg), MaxMS: millis(l.Max),
		HTTPStatus: l.Status, Location: l.Location, Tool: l.Tool.Name,
	}
	if len(l.Attempts) > 0 {
		loss := tenth(l.Loss)
		out.LossPercent = &loss
	}
	if l.Tool.Dialect != "" {
		out.Tool += " (" + l.Tool.Dialect + ")"
	}
	for _, a := range l.Attempts {
		out.Attempts = append(out.Attempts, attempt{Verdict: string(a.Verdict), MS: millis(a.Latency)})
	}
	return out
}

func family(f int) string {
	switch f {
	case 4:
		return "ipv4"
	case 6:
		return "ipv6"
	}
	return ""
}

// millis has microseconds behind the point.
func millis(d time.Duration) float64 {
	return float64(d.Round(time.Microsecond)) / float64(time.Millisecond)
}
