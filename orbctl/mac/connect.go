package mac

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"

	"golang.org/x/net/icmp"

	"orbstack-mcp/orbctl/guest"
	"orbstack-mcp/orbctl/untrusted"
)

// Connect tests from the Mac whether a host is reached, by each leg. It gives up
// when ctx ends; what was tried until then is in the report, and what was not is
// in its Missing. The error is a *guest.TargetError for a leg that allow does not have.
func Connect(ctx context.Context, q guest.ConnectivityQuery, allow Allow) (guest.ConnectivityReport, error) {
	return network{dial: (&net.Dialer{}).DialContext, listen: listen, most: guest.MaxConnectivity}.connect(ctx, q, allow)
}

// A network is what a test goes through, and how long all its attempts may take;
// tests have their own.
type network struct {
	dial   func(ctx context.Context, network, address string) (net.Conn, error)
	listen func(four bool) (conn *icmp.PacketConn, datagram bool, err error)
	most   time.Duration
}

func (n network) connect(ctx context.Context, q guest.ConnectivityQuery, allow Allow) (guest.ConnectivityReport, error) {
	for _, leg := range q.Legs {
		if !allow.host(leg.Host) {
			return guest.ConnectivityReport{}, &guest.TargetError{Field: "target", Value: leg.Host, Why: "from the Mac only machines are tested"}
		}
	}
	if q.Count <= 0 {
		q.Count = guest.DefaultAttempts
	}
	if q.Timeout <= 0 {
		q.Timeout = guest.DefaultPatience
	}
	ctx, cancel := context.WithTimeout(ctx, n.most)
	defer cancel()
	t := trial{network: n, query: q, allow: allow, report: guest.ConnectivityReport{Method: q.Method}}
	for _, leg := range q.Legs {
		t.leg(ctx, leg)
	}
	t.report.Conclude()
	return t.report, nil
}

// A trial is one test under way.
type trial struct {
	network
	query  guest.ConnectivityQuery
	allow  Allow
	report guest.ConnectivityReport
}

// leg tries the first allowed address of each family: IPv4 Count times and,
// beside it, IPv6 once.
func (t *trial) leg(ctx context.Context, leg guest.Leg) {
	base := guest.LegReport{Label: leg.Label, Host: leg.Host, Tool: guest.Tool{Name: "this server"}}
	lookup, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	found, err := resolve(lookup, leg.Host)
	base.Resolved = found
	switch {
	case err != nil && over(ctx):
		t.untried(base, "before "+leg.Host+" was looked up")
		return
	case err != nil:
		base.Verdict, base.Detail = guest.DNSFailed, untrusted.Line(err.Error())
		t.report.Legs = append(t.report.Legs, base)
		return
	}
	tried := 0
	for _, family := range []int{4, 6} {
		for _, addr := range found {
			if (family == 4) != addr.Is4() || !t.allow.address(addr) {
				continue
			}
			l := base
			l.Address, l.Family, l.Secondary = addr, family, tried > 0
			t.attempts(ctx, l)
			tried++
			break
		}
	}
	if tried == 0 {
		base.Verdict = guest.DNSFailed
		base.Detail = fmt.Sprintf("the name leads to %d addresses, and none is one of OrbStack's networks", len(found))
		t.report.Legs = append(t.report.Legs, base)
	}
}

// attempts makes the attempts of a leg while there is time for them.
func (t *trial) attempts(ctx context.Context, l guest.LegReport) {
	count := t.query.Count
	if l.Secondary {
		count = 1
	}
	for n := range count {
		if over(ctx) {
			t.untried(l, fmt.Sprintf("before attempt %d of %d to reach %s over IPv%d", n+1, count, l.Host, l.Family))
			return
		}
		l.Attempts = append(l.Attempts, t.attempt(ctx, &l))
	}
	t.report.Legs = append(t.report.Legs, l)
}

// untried says what of a leg there was no time for. A leg without any attempt is
// left with a timeout, which guest.ConnectivityReport.Conclude drops beside those that were tried.
func (t *trial) untried(l guest.LegReport, before string) {
	t.report.Missing = append(t.report.Missing, guest.Missing{Part: "attempts", Why: "the time for the whole test was used up " + before})
	if len(l.Attempts) == 0 {
		l.Verdict, l.Detail = guest.Timeout, "the time for the whole test was used up before the first attempt"
	}
	t.report.Legs = append(t.report.Legs, l)
}

// over reports whether the time is up. A context says so some moments after its
// deadline, when a dialler that saw the deadline itself has long given up.
func over(ctx context.Context) bool {
	until, ok := ctx.Deadline()
	return ctx.Err() != nil || ok && !time.Now().Before(until)
}

// attempt is one packet or connection within the query's Timeout, or what is left of the whole.
func (t *trial) attempt(ctx context.Context, l *guest.LegReport) guest.Attempt {
	ctx, cancel := context.WithTimeout(ctx, t.query.Timeout)
	defer cancel()
	began := time.Now()
	until, _ := ctx.Deadline()
	var a guest.Attempt
	var err error
	switch t.query.Method {
	case guest.Ping:
		err = t.ping(ctx, l.Address)
	case guest.TCP:
		err = t.open(ctx, netip.AddrPortFrom(l.Address, uint16(t.query.Port))) //nolint:gosec // guest.ParseTarget bounds it
	case guest.HTTP:
		a.Connected, err = t.head(ctx, t.query.URL, l)
	}
	took := time.Since(began)
	a.Verdict = verdict(t.query.Method, err)
	silence := "no answer in " + until.Sub(began).Round(100*time.Millisecond).String()
	switch {
	case a.Verdict.Reachable():
		a.Latency = took
	case a.Verdict == guest.Timeout && a.Connected:
		a.Detail = "connected, but " + silence
	case a.Verdict == guest.Timeout:
		a.Detail = silence
	}
	if err != nil && a.Detail == "" {
		a.Detail = untrusted.Line(err.Error())
	}
	return a
}
