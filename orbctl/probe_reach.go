package orbctl

import (
	"context"
	"errors"

	"orbstack-mcp/orbctl/guest"
	"orbstack-mcp/orbctl/untrusted"
)

// Connectivity asks a machine whether it reaches a host. That it does not is a
// report, not an error. A target that cannot be asked for is InvalidArgument.
func (c *Client) Connectivity(
	ctx context.Context, m MachineInfo, q guest.ConnectivityQuery,
) (guest.ConnectivityReport, ProbeMeta, error) {
	script, args, limit, err := guest.Connectivity(q)
	if err != nil {
		return guest.ConnectivityReport{}, ProbeMeta{}, badTarget(err)
	}
	return ask(ctx, c, m, script, args, limit, func(t guest.Transcript) (guest.ConnectivityReport, error) {
		return guest.ParseConnectivity(q, t)
	})
}

// DNS asks a machine what a name is in DNS. That there is no such name is a
// report, not an error. A name that cannot be asked for is InvalidArgument.
func (c *Client) DNS(ctx context.Context, m MachineInfo, q guest.DNSQuery) (guest.DNSReport, ProbeMeta, error) {
	script, args, limit, err := guest.DNS(q)
	if err != nil {
		return guest.DNSReport{}, ProbeMeta{}, badTarget(err)
	}
	return ask(ctx, c, m, script, args, limit, func(t guest.Transcript) (guest.DNSReport, error) {
		return guest.ParseDNS(q, t)
	})
}

// badTarget is InvalidArgument for a *guest.TargetError.
func badTarget(err error) error {
	bad, ok := errors.AsType[*guest.TargetError](err)
	if !ok {
		return &Error{Kind: Internal, Err: err}
	}
	e := invalid(bad.Field, untrusted.Line(bad.Value), bad.Why)
	e.Err = err
	return e
}
