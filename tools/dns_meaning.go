package tools

import (
	"fmt"
	"strings"

	"orbstack-mcp/orbctl"
	"orbstack-mcp/orbctl/guest"
)

// meaning says what a look-up has shown and where to look next. It names
// nothing that came from a guest.
func (o dnsOut) meaning(q guest.DNSQuestion, machines []orbctl.Machine) string {
	name := strings.TrimSuffix(q.Name, ".")
	if belowOrbLocal(name) {
		return o.orbLocalMeaning(name, machines)
	}
	in, mac := o.InMachine, o.OnMac
	switch {
	case in == nil && mac == nil:
		return "Nobody could be asked."
	case in == nil:
		return "On the Mac: " + statusMeaning(mac) + "."
	case mac == nil:
		return "In " + o.Machine + ": " + statusMeaning(in) + "." + libraryNote(in)
	case in.Library != nil && in.Library.Found && !answered(in):
		return fmt.Sprintf("No DNS server gives %s an answer (%s), and yet its programs find the name (resolver_library): it stands in /etc/hosts, or nsswitch.conf asks something else.", o.Machine, statusMeaning(in))
	case answered(mac) && !answered(in):
		return fmt.Sprintf("The Mac resolves it and %s does not (%s): typical of a VPN's or company's private names, which the machine's resolver does not get to see, or of a DNS server set by hand in the machine.", o.Machine, statusMeaning(in))
	case answered(in) && !answered(mac):
		return fmt.Sprintf("%s resolves it and the Mac does not (%s): look at the machine's /etc/hosts and DNS servers, and at the Mac's resolver or VPN.", o.Machine, statusMeaning(mac))
	case answered(in) && o.Agree == nil:
		return fmt.Sprintf("%s and the Mac both get an answer; whether it is the same cannot be told: missing says why.", o.Machine)
	case answered(in) && !*o.Agree:
		return fmt.Sprintf("%s and the Mac get different answers: split DNS, a cache, or a load balancer.", o.Machine) + libraryNote(in)
	case answered(in):
		return fmt.Sprintf("%s and the Mac get the same answer.", o.Machine) + libraryNote(in)
	}
	return fmt.Sprintf("Neither %s (%s) nor the Mac (%s) gets an answer.", o.Machine, statusMeaning(in), statusMeaning(mac))
}

func belowOrbLocal(name string) bool {
	return strings.HasSuffix(strings.TrimSuffix(name, "."), ".orb.local")
}

// orbLocalMeaning explains the names that OrbStack gives to machines
// (docs/orbctl-contract.md §6).
func (o dnsOut) orbLocalMeaning(name string, machines []orbctl.Machine) string {
	const explained = "NAME.orb.local is the machine's own address inside machines, and a proxy address of OrbStack on the Mac: they differ, and neither is wrong."
	if machines == nil { // they could not be listed
		if o.OnMac == nil || !noAnswer(o.OnMac) {
			return explained
		}
		return fmt.Sprintf("On the Mac: %s. Only a machine that runs has such a name, and OrbStack has to run for it; whether that is so could not be looked up. %s", statusMeaning(o.OnMac), explained)
	}
	m := namedMachine(machines, name)
	switch {
	case m == nil:
		return "No machine has this name; containers of Docker have names below orb.local too, which cannot be seen here. " + explained
	case m.State != orbctl.Running:
		return fmt.Sprintf("%s is %s, so its name need not resolve. %s", m.Name, m.State, explained)
	case o.InMachine != nil && noAnswer(o.InMachine):
		return fmt.Sprintf("%s runs, and %s cannot resolve its name (%s): only OrbStack's own DNS server knows it, so look with vm_network_details whether %[2]s asks another one.", m.Name, o.Machine, statusMeaning(o.InMachine))
	case o.OnMac != nil && noAnswer(o.OnMac):
		return fmt.Sprintf("%s runs, and the Mac cannot resolve its name (%s): look at the Mac's resolver or VPN. The machine's own address works without the name.", m.Name, statusMeaning(o.OnMac))
	}
	return explained
}

func answered(v *dnsView) bool { return v.Status == string(guest.NoError) }

// noAnswer reports whether nobody said what the name is. A machine without IPv6
// has no AAAA record, and that is an answer.
func noAnswer(v *dnsView) bool { return !answered(v) && v.Status != string(guest.NoData) }

func statusMeaning(v *dnsView) string {
	switch guest.DNSStatus(v.Status) {
	case guest.NoError:
		return "it resolves"
	case guest.NoData:
		return "the name exists without a record of this type"
	case guest.NXDomain:
		return "no such name"
	case guest.ServFail:
		return "the DNS server failed"
	case guest.DNSRefused:
		return "the DNS server refuses to answer"
	case guest.DNSTimeout:
		return "no DNS server answered in time"
	case guest.ServerUnreachable:
		return "the DNS server cannot be reached"
	}
	return "the DNS server answered with an error"
}

func libraryNote(v *dnsView) string {
	if !v.Differs {
		return ""
	}
	return " But its programs see something else than its DNS server says (resolver_library): /etc/hosts or nsswitch.conf decides."
}
