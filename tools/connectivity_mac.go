package tools

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"orbstack-mcp/orbctl"
	"orbstack-mcp/orbctl/guest"
	"orbstack-mcp/orbctl/mac"
	"orbstack-mcp/orbctl/untrusted"
)

// connectFromMac tests the Mac's own way to a machine: by the name that the Mac
// resolves and by the address that OrbStack gives. Anything else is refused:
// this server must not become a scanner of the Mac's networks.
func connectFromMac(ctx context.Context, c *Call, in connectivityIn, target guest.Target) (connectivityOut, error) {
	if target.Host == "localhost" || target.Addr.IsLoopback() {
		return connectToPublished(ctx, c, in, target)
	}
	machines, err := c.Orb.Machines(ctx)
	if err != nil {
		return connectivityOut{}, err
	}
	m, info, err := macTarget(ctx, c, machines, target)
	if err != nil {
		return connectivityOut{}, err
	}
	named, err := target.WithHost(localNameOf(target.Host, *m))
	if err != nil {
		return connectivityOut{}, err
	}
	query := named.Query()
	query.Count, query.Timeout = in.Count, time.Duration(in.Timeout)*time.Second
	query.Legs = append(query.Legs, addressLegs(info)...)
	allow := mac.Allow{Names: []string{named.Host}, Addresses: addressesOf(info)}
	out := connectivityOut{From: fromMac, Target: untrusted.Line(in.Target), TargetMachine: targetMachineOf(*m), Results: []legResult{}}
	report, err := mac.Connect(ctx, query, allow)
	if err != nil {
		return connectivityOut{}, err
	}
	out.fill(finding{other: m, asked: out.Target, target: target, report: report})
	return out, ctx.Err()
}

// connectToPublished tests a port of a machine that OrbStack forwards to the
// Mac's localhost. The machine has to listen on it: what else the Mac runs there
// is nobody's business here.
func connectToPublished(ctx context.Context, c *Call, in connectivityIn, target guest.Target) (connectivityOut, error) {
	if target.Port == 0 {
		return connectivityOut{}, &guest.TargetError{Field: "target", Value: in.Target, Why: "from the Mac, localhost is tested for a port that OrbStack forwards; give localhost:PORT"}
	}
	m, err := c.Orb.MachineOrDefault(ctx, in.Machine)
	if err != nil {
		return connectivityOut{}, err
	}
	facts, _, err := c.Orb.StatusFacts(ctx, m, guest.StatusQuery{User: m.Config.DefaultUsername})
	if err != nil {
		return connectivityOut{}, err
	}
	listens, everywhere := listening(facts.Ports, target.Port)
	if !listens {
		return connectivityOut{}, &failure{
			Code:    notAllowed,
			Message: fmt.Sprintf("From the Mac, localhost is tested only for a TCP port that %s listens on and OrbStack forwards; it does not listen on port %d.", m.Name, target.Port),
			Hint:    "Name the machine whose port is meant. vm_status_detailed shows the ports it listens on, and the key machines.forward_ports whether OrbStack forwards them.",
			Details: details{Machine: m.Name},
		}
	}
	loopback := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	if target.Addr.IsValid() {
		loopback = target.Addr
	}
	query := target.Query()
	query.Count, query.Timeout = in.Count, time.Duration(in.Timeout)*time.Second
	query.Legs = []guest.Leg{{Label: guest.ByAddress, Host: loopback.String()}}
	report, err := mac.Connect(ctx, query, mac.Allow{Addresses: []netip.Addr{loopback}})
	if err != nil {
		return connectivityOut{}, err
	}
	out := connectivityOut{From: fromMac, Target: untrusted.Line(in.Target), TargetMachine: targetMachineOf(m.Machine), Results: []legResult{}}
	out.fill(finding{other: &m.Machine, asked: out.Target, target: target, report: report})
	if report.Verdict == guest.Refused {
		out.Meaning = fmt.Sprintf("%s listens on port %d, and the Mac's localhost does not pass it on: OrbStack forwards no ports (machines.forward_ports), or not this one.", m.Name, target.Port)
		if everywhere {
			out.Meaning += fmt.Sprintf(" %s and the machine's address do not need that.", orbctl.LocalName(m.Name))
		} else {
			out.Meaning += fmt.Sprintf(" Nor does %s lead to it, for it listens on the machine's own 127.0.0.1 or ::1 only.", orbctl.LocalName(m.Name))
		}
	}
	return out, ctx.Err()
}

// listening reports whether a machine listens on a TCP port, and whether on more
// than its loopback address.
func listening(ports []guest.Port, port int) (listens, everywhere bool) {
	for _, p := range ports {
		if p.Protocol == "tcp" && int(p.Number) == port {
			listens = true
			everywhere = everywhere || !p.Address.IsLoopback()
		}
	}
	return listens, everywhere
}

func addressesOf(info orbctl.MachineInfo) []netip.Addr {
	return slices.DeleteFunc([]netip.Addr{info.IP4, info.IP6}, func(a netip.Addr) bool { return !a.IsValid() })
}

// macTarget finds the machine that a target means, by its name or its address.
func macTarget(ctx context.Context, c *Call, machines []orbctl.Machine, target guest.Target) (*orbctl.Machine, orbctl.MachineInfo, error) {
	if m := namedMachine(machines, target.Host); m != nil {
		info, err := c.Orb.Machine(ctx, m.Name)
		return m, info, err
	}
	unseen := 0
	if target.Addr.IsValid() {
		looked := 0
		for i, m := range machines {
			if m.State != orbctl.Running {
				continue
			}
			if looked++; looked > detailed {
				unseen++
				continue
			}
			info, err := c.Orb.Machine(ctx, m.Name)
			if err != nil {
				return nil, orbctl.MachineInfo{}, err
			}
			if info.IP4 == target.Addr || info.IP6 == target.Addr {
				return &machines[i], info, nil
			}
		}
	}
	f := &failure{
		Code:    notAllowed,
		Message: "From the Mac only machines are tested, by name, NAME.orb.local or address; " + orElse(strings.ToValidUTF8(target.Host, ""), "this") + " is none of them.",
		Hint:    "To test something else, leave from out: the test then runs inside a machine. There are: " + listOr(namesOf(machines), "none yet") + ".",
		Details: details{Machines: namesOf(machines)},
	}
	if unseen > 0 {
		f.Message = fmt.Sprintf("From the Mac only machines are tested; %s is no address of the first %d machines that run, and the other %d were not looked at.", target.Host, detailed, unseen)
		f.Hint = "If it is the address of one of those, give that machine's name as target. " + f.Hint
	}
	return nil, orbctl.MachineInfo{}, f
}

func namesOf(machines []orbctl.Machine) []string {
	names := make([]string, 0, len(machines))
	for _, m := range machines {
		names = append(names, m.Name)
	}
	return names
}
