package mac

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"orbstack-mcp/orbctl/guest"
	"orbstack-mcp/orbctl/untrusted"
)

// Connect tests from the Mac whether a host is reached, by each leg. It gives up
// when ctx ends; what was tried until then is in the report. The error is a
// *guest.TargetError for a leg that allow does not have.
func Connect(ctx context.Context, q guest.ConnectivityQuery, allow Allow) (guest.ConnectivityReport, error) {
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
	ctx, cancel := context.WithTimeout(ctx, guest.MaxConnectivity)
	defer cancel()
	report := guest.ConnectivityReport{Method: q.Method}
	for _, leg := range q.Legs {
		report.Legs = append(report.Legs, tryLeg(ctx, q, leg, allow)...)
	}
	report.Conclude()
	return report, nil
}

// tryLeg tries the first allowed address of each family: IPv4 Count times and,
// beside it, IPv6 once.
func tryLeg(ctx context.Context, q guest.ConnectivityQuery, leg guest.Leg, allow Allow) []guest.LegReport {
	base := guest.LegReport{Label: leg.Label, Host: leg.Host, Tool: guest.Tool{Name: "this server"}}
	lookup, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	found, err := resolve(lookup, leg.Host)
	base.Resolved = found
	if err != nil {
		base.Verdict, base.Detail = guest.DNSFailed, untrusted.Line(err.Error())
		return []guest.LegReport{base}
	}
	var out []guest.LegReport
	for _, family := range []int{4, 6} {
		for _, addr := range found {
			if (family == 4) != addr.Is4() || !allow.address(addr) {
				continue
			}
			l := base
			l.Address, l.Family, l.Secondary = addr, family, len(out) > 0
			attempts(ctx, q, &l)
			out = append(out, l)
			break
		}
	}
	if len(out) == 0 {
		base.Verdict = guest.DNSFailed
		base.Detail = fmt.Sprintf("the name leads to %d addresses, and none is one of OrbStack's networks", len(found))
		out = append(out, base)
	}
	return out
}

func attempts(ctx context.Context, q guest.ConnectivityQuery, l *guest.LegReport) {
	count := q.Count
	if l.Secondary {
		count = 1
	}
	for range count {
		if ctx.Err() != nil {
			return
		}
		l.Attempts = append(l.Attempts, attemptOnce(ctx, q, l))
	}
}

// attemptOnce is one packet or connection within q.Timeout.
func attemptOnce(ctx context.Context, q guest.ConnectivityQuery, l *guest.LegReport) guest.Attempt {
	ctx, cancel := context.WithTimeout(ctx, q.Timeout)
	defer cancel()
	began := time.Now()
	var err error
	switch q.Method {
	case guest.Ping:
		err = ping(ctx, l.Address)
	case guest.TCP:
		err = dial(ctx, netip.AddrPortFrom(l.Address, uint16(q.Port))) //nolint:gosec // guest.ParseTarget bounds it
	case guest.HTTP:
		err = head(ctx, q.URL, l)
	}
	took := time.Since(began)
	a := guest.Attempt{Verdict: verdict(q.Method, err)}
	if err != nil {
		a.Detail = untrusted.Line(err.Error())
	}
	if a.Verdict.Reachable() {
		a.Latency = took
	}
	return a
}
