package mac

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"

	"orbstack-mcp/orbctl/guest"
	"orbstack-mcp/orbctl/untrusted"
)

// Lookup asks the Mac's resolver, or the named server, what a name is. On macOS
// Go asks the system's library, also without cgo, so that the resolvers of a VPN
// count (package net, "Name Resolution"). It cannot tell a time to live, and
// NODATA from NXDOMAIN only for addresses. The error is a *guest.TargetError.
func Lookup(ctx context.Context, query guest.DNSQuery) (guest.DNSReport, error) {
	q, err := query.Question()
	if err != nil {
		return guest.DNSReport{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, q.Timeout)
	defer cancel()
	r := guest.DNSReport{
		Name: q.Name, Type: q.Type, Path: guest.Resolved, Asked: q.Name,
		Tool: guest.Tool{Name: "net", Dialect: "this server"},
	}
	var code responseCode
	a := asking{question: q, report: &r, code: &code, resolver: &net.Resolver{Dial: code.dial}}
	if q.Server != "" {
		addresses, err := resolve(ctx, q.Server)
		if err != nil || len(addresses) == 0 {
			r.Path, r.Status, r.Detail = guest.Wire, guest.ServerUnreachable, "the server's name has no address"
			return r, nil
		}
		server := netip.AddrPortFrom(addresses[0], uint16(q.Port)).String() //nolint:gosec // checked by Question
		r.Path, r.Server = guest.Wire, q.Server
		a.resolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return code.dial(ctx, network, server)
		}}
	}
	for _, kind := range q.Types() {
		code.last.Store(0)
		records, err := a.ask(ctx, kind)
		r.Records = append(r.Records, records...)
		a.note(ctx, kind, err)
	}
	if len(r.Records) > 0 {
		r.Status = guest.NoError
	}
	if r.Status.Silent() {
		r.Server = ""
	}
	return r, nil
}

type asking struct {
	resolver *net.Resolver
	question guest.DNSQuestion
	report   *guest.DNSReport
	code     *responseCode
}

// ask looks one type up.
func (a asking) ask(ctx context.Context, kind string) ([]guest.DNSRecord, error) {
	name := a.question.Name
	record := func(value string) guest.DNSRecord {
		return guest.DNSRecord{Name: strings.TrimSuffix(name, "."), Type: kind, Value: strings.TrimSuffix(untrusted.Line(value), "."), TTL: -1}
	}
	var out []guest.DNSRecord
	switch kind {
	case "A", "AAAA":
		addresses, err := a.resolver.LookupNetIP(ctx, map[string]string{"A": "ip4", "AAAA": "ip6"}[kind], name)
		for _, ip := range addresses {
			out = append(out, record(ip.Unmap().String()))
		}
		return out, err
	case "CNAME":
		canonical, err := a.resolver.LookupCNAME(ctx, name)
		if err == nil && !strings.EqualFold(strings.TrimSuffix(canonical, "."), strings.TrimSuffix(name, ".")) {
			out = append(out, record(canonical))
		}
		return out, err
	case "MX":
		all, err := a.resolver.LookupMX(ctx, name)
		for _, mx := range all {
			out = append(out, record(fmt.Sprintf("%d %s", mx.Pref, mx.Host)))
		}
		return out, err
	case "TXT":
		all, err := a.resolver.LookupTXT(ctx, name)
		for _, text := range all {
			r := record("")
			r.Value = untrusted.Line(text)
			out = append(out, r)
		}
		return out, err
	case "SRV":
		_, all, err := a.resolver.LookupSRV(ctx, "", "", name)
		for _, s := range all {
			out = append(out, record(fmt.Sprintf("%d %d %d %s", s.Priority, s.Weight, s.Port, s.Target)))
		}
		return out, err
	}
	return a.reverse(ctx, record)
}

// reverse is PTR: the resolver takes the address itself.
func (a asking) reverse(ctx context.Context, record func(string) guest.DNSRecord) ([]guest.DNSRecord, error) {
	if !a.question.Address.IsValid() {
		return nil, errNotAnAddress
	}
	names, err := a.resolver.LookupAddr(ctx, a.question.Address.String())
	out := make([]guest.DNSRecord, 0, len(names))
	for _, name := range names {
		out = append(out, record(name))
	}
	return out, err
}

var errNotAnAddress = errors.New("on the Mac only whole addresses are looked up backwards")

// note keeps how a type ended. The status of ANY is the first that says more
// than NODATA.
func (a asking) note(ctx context.Context, kind string, err error) {
	status, detail := a.status(ctx, kind, err)
	r := a.report
	if r.Status == "" || r.Status == guest.NoData || status == guest.NoError {
		r.Status, r.Detail = status, detail
	}
	if a.question.Type == "ANY" && status != guest.NoError && status != guest.NoData && status != guest.NXDomain {
		r.Missing = append(r.Missing, guest.Missing{Part: kind, Why: detail})
	}
}

func (a asking) status(ctx context.Context, kind string, err error) (guest.DNSStatus, string) {
	if err == nil {
		if len(a.report.Records) == 0 {
			return guest.NoData, ""
		}
		return guest.NoError, ""
	}
	detail := untrusted.Line(err.Error())
	var dns *net.DNSError
	switch {
	case errors.Is(err, errNotAnAddress):
		return guest.NoData, detail
	case !errors.As(err, &dns):
		return guest.ServFail, detail
	case dns.IsNotFound:
		return a.notFound(ctx, kind), detail
	case refused(err):
		return guest.ServerUnreachable, detail
	case dns.IsTimeout || ctx.Err() != nil:
		return guest.DNSTimeout, "no answer within " + a.question.Timeout.String()
	}
	return a.code.status(), detail
}

// notFound tells a name that has addresses of the other family from one that
// does not exist.
func (a asking) notFound(ctx context.Context, kind string) guest.DNSStatus {
	if kind == "PTR" {
		return guest.NXDomain
	}
	if found, err := a.resolver.LookupNetIP(ctx, "ip", a.question.Name); err == nil && len(found) > 0 {
		return guest.NoData
	}
	return guest.NXDomain
}

// refused: *net.DNSError keeps no cause before Go 1.23, and the library of macOS
// has none, so the words count as well.
func refused(err error) bool {
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.EHOSTUNREACH) || errors.Is(err, syscall.ENETUNREACH) ||
		strings.Contains(err.Error(), "connection refused") || strings.Contains(err.Error(), "unreachable")
}

// resolve is the addresses of a leg's host.
func resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a}, nil
	}
	all, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	for i := range all {
		all[i] = all[i].Unmap()
	}
	return all, err
}
