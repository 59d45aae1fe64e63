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
	text := o.seen()
	if m := namedMachine(machines, name); m != nil && o.InMachine != nil && !answered(o.InMachine) {
		text += fmt.Sprintf(" There is a machine of this name: it is %s.", orbctl.LocalName(m.Name))
	}
	return text
}

// seen is what both sides say, of any name.
func (o dnsOut) seen() string {
	in, mac := o.InMachine, o.OnMac
	switch {
	case in == nil && mac == nil:
		return "Nobody could be asked."
	case in == nil:
		return "On the Mac: " + statusMeaning(mac) + "."
	case mac == nil:
		return "In " + o.Machine + ": " + statusMeaning(in) + "." + libraryNote(in)
	case in.Library != nil && in.Library.Found && !answered(in):
		return fmt.Sprintf("No DNS server gives %s an answer (%s), and yet its programs find the name (resolver_library): "+byOtherWay, o.Machine, statusMeaning(in))
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

// orbLocalMeaning explains the names that OrbStack gives to machines, as far as they
// were seen (docs/orbctl-contract.md §6).
func (o dnsOut) orbLocalMeaning(name string, machines []orbctl.Machine) string {
	in, mac := o.InMachine, o.OnMac
	if machines == nil { // they could not be listed
		if mac == nil || !noAnswer(mac) {
			return o.orbLocalSeen()
		}
		return fmt.Sprintf("On the Mac: %s. Only a machine that runs has such a name, and OrbStack has to run for it; whether that is so could not be looked up.", statusMeaning(mac))
	}
	m := namedMachine(machines, name)
	switch {
	case m == nil:
		return "No machine has this name; containers of Docker have names below orb.local too, which cannot be seen here. " + o.orbLocalSeen()
	case m.State != orbctl.Running:
		return fmt.Sprintf("%s is %s, so its name need not resolve. %s", m.Name, m.State, o.orbLocalSeen())
	case in != nil && noAnswer(in):
		return fmt.Sprintf("%s runs, and %s cannot resolve its name (%s): only OrbStack's own DNS server knows it, so look with vm_network_details whether %[2]s asks another one.", m.Name, o.Machine, statusMeaning(in)) + foundNote(in)
	case mac != nil && noAnswer(mac):
		return fmt.Sprintf("%s runs, and the Mac cannot resolve its name (%s): look at the Mac's resolver or VPN. The machine's own address works without the name.", m.Name, statusMeaning(mac))
	}
	return o.orbLocalSeen()
}

// orbLocalSeen is seen, where that the sides differ is as it should be.
func (o dnsOut) orbLocalSeen() string {
	in, mac := o.InMachine, o.OnMac
	switch {
	case in == nil && mac != nil && answered(mac):
		return o.seen() + " On the Mac NAME.orb.local is a proxy address of OrbStack, and not the machine's own."
	case in == nil || mac == nil || !answered(in):
	case answered(mac) && o.Agree != nil && !*o.Agree:
		return "NAME.orb.local is the machine's own address inside machines, and a proxy address of OrbStack on the Mac: they differ, and neither is wrong." + libraryNote(in)
	case mac.Status == string(guest.NoData):
		return fmt.Sprintf("%s resolves it; on the Mac, where it is a proxy address of OrbStack, the name exists without a record of this type.", o.Machine) + libraryNote(in)
	}
	return o.seen()
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

// byOtherWay is how programs find a name that no DNS server knows.
const byOtherWay = "it stands in /etc/hosts, or nsswitch.conf asks something else."

// foundNote is for a name that no DNS server knows.
func foundNote(v *dnsView) string {
	if v.Library == nil || !v.Library.Found {
		return ""
	}
	return " And yet its programs find the name (resolver_library): " + byOtherWay
}
