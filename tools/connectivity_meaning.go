package tools

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"orbstack-mcp/orbctl"
	"orbstack-mcp/orbctl/guest"
)

// A finding is a test and what is known of both its ends.
type finding struct {
	source *orbctl.Machine // where the test ran; nil for the Mac
	other  *orbctl.Machine // the machine that the target is a name of; nil when it is none
	asked  string          // the target as it was given, cleaned
	astray []netip.Addr    // where the name of other leads in source, though none of them is other's
	target guest.Target
	report guest.ConnectivityReport
}

func (f finding) from() string {
	if f.source == nil {
		return "the Mac"
	}
	return f.source.Name
}

// begin is from at the beginning of a sentence.
func (f finding) begin() string {
	if f.source == nil {
		return "The Mac"
	}
	return f.source.Name
}

func (f finding) to() string {
	switch {
	case f.below():
		return f.target.Host
	case f.elsewhere():
		return f.other.Name
	case f.target.Method == guest.Ping:
		return f.target.Host // no port, and no URL
	}
	return f.asked
}

// below is true for a name below the machine's own.
func (f finding) below() bool {
	return f.elsewhere() && belowOrbLocal(f.target.Host) && f.target.Host != orbctl.LocalName(f.other.Name)
}

// elsewhere is true for another machine than the one that tests.
func (f finding) elsewhere() bool {
	return f.other != nil && (f.source == nil || f.source.Name != f.other.Name)
}

// meaning says in a sentence or two what a test has shown and where to look
// next. It names nothing that came from a guest.
func (f finding) meaning() string {
	if !f.report.Reachable {
		for _, why := range []string{f.state(), f.noTime(), f.walls(), f.zone()} {
			if why != "" {
				return why
			}
		}
	}
	if why := f.names(); why != "" {
		return why
	}
	if f.report.Mixed {
		return f.mixed()
	}
	return f.verdict() + f.lossNote()
}

// state is what explains all where the other machine does not run.
func (f finding) state() string {
	switch {
	case !f.elsewhere() || f.other.State == orbctl.Running:
		return ""
	case f.other.State == orbctl.Starting:
		return fmt.Sprintf("%s is starting, so nothing there can answer yet: try again in a moment.", f.other.Name)
	}
	return fmt.Sprintf("%s is %s, so nothing there can answer. If it should run, vm_start starts it.", f.other.Name, f.other.State)
}

func (f finding) noTime() string {
	if f.report.Tried() {
		return ""
	}
	return fmt.Sprintf("Nothing is known of %s: the time for the whole test was used up before the first attempt. Call again; a smaller timeout_seconds or count leaves more time.", f.to())
}

// walls are those that a person has put around one of the ends. They keep other
// machines away, not the Mac, and no wall refuses a port or spoils TLS.
func (f finding) walls() string {
	switch f.report.Verdict {
	case guest.Timeout, guest.Unreachable, guest.NoRoute:
	default:
		return ""
	}
	switch {
	case f.source == nil || f.onItself() || slices.ContainsFunc(f.report.Legs, silentLeg):
		return ""
	case f.source.Config.IsolateNetwork && f.local():
		return fmt.Sprintf("%s itself is kept off the network on purpose (isolate_network), so it reaches neither other machines nor the Mac.", f.source.Name)
	case f.source.Config.IsolateNetwork:
		return f.verdict() + fmt.Sprintf(" And %s itself is kept off the network on purpose (isolate_network): other machines, the Mac and its network are out of its reach.", f.source.Name)
	case f.elsewhere() && f.other.Config.IsolateNetwork:
		return fmt.Sprintf("%s is kept off the network on purpose (isolate_network), so other machines do not reach it.", f.other.Name)
	}
	return ""
}

// local reports whether the target is what isolate_network is about: another
// machine, the Mac, or an address of a private network.
func (f finding) local() bool {
	return f.other != nil || f.isMac() || slices.ContainsFunc(f.report.Legs, func(l guest.LegReport) bool {
		return l.Address.IsPrivate() || l.Address.IsLinkLocalUnicast()
	})
}

// isMac reports whether a machine's target is the Mac: the names and the address
// that OrbStack gives it (docs/orbctl-contract.md §6).
func (f finding) isMac() bool {
	switch f.target.Host {
	case "host.orb.internal", "host.docker.internal", "0.250.250.254":
		return true
	}
	return false
}

// onItself reports whether a machine's target is its own loopback address.
func (f finding) onItself() bool {
	return f.target.Addr.IsLoopback() || f.target.Host == "localhost" || strings.HasSuffix(f.target.Host, ".localhost")
}

// zone is about a link-local address, which is one on an interface.
func (f finding) zone() string {
	zone := f.target.Addr.Zone()
	if zone == "" || f.report.Verdict != guest.NoRoute {
		return ""
	}
	return fmt.Sprintf("%s cannot use the interface %s, which the target names behind its %%: there is none of that name, or it has no IPv6. vm_network_details shows its interfaces.", f.begin(), zone)
}

// names is about a name that is the only thing wrong, or leads elsewhere.
func (f finding) names() string {
	named, byAddress := legVerdicts(f.report)
	if len(f.astray) > 0 {
		text := fmt.Sprintf("In %s the name of %s leads to %s, which is not its address: something there answers for it, mostly /etc/hosts; vm_dns_lookup shows both sides.", f.from(), f.to(), strings.Join(texts(f.astray[:min(3, len(f.astray))]), ", "))
		if byAddress.Verdict.Reachable() {
			return text + fmt.Sprintf(" By its own address %s reaches it.", f.from())
		}
		return text + fmt.Sprintf(" By its own address it is not reached (%s).", byAddress.Verdict)
	}
	if named.Verdict != guest.DNSFailed || f.report.Verdict != guest.DNSFailed && !byAddress.Verdict.Reachable() {
		return ""
	}
	reaches := ""
	if byAddress.Verdict.Reachable() {
		reaches = fmt.Sprintf(" By address %s reaches it.", f.from())
	}
	switch {
	case f.source == nil && len(named.Resolved) > 0:
		return fmt.Sprintf("The Mac resolves the name of %s, but wrongly: to addresses outside OrbStack's networks, which were not tried. Something else answers for it, such as a hosts file or a VPN's DNS; vm_dns_lookup shows both sides.%s", f.to(), reaches)
	case f.below():
		return fmt.Sprintf("%s cannot resolve %s, a name below %s's own, which need not exist: vm_dns_lookup shows what its resolver says.%s", f.begin(), f.to(), f.other.Name, reaches)
	case reaches != "":
		return fmt.Sprintf("%s reaches %s by address but cannot resolve its name: the network works, its DNS does not. Look with vm_dns_lookup and vm_network_details.", f.begin(), f.to())
	}
	return ""
}

// mixed is about ways that do not agree.
func (f finding) mixed() string {
	if note := f.lossNote(); note != "" && f.onlyLost() {
		return fmt.Sprintf("%s reaches %s.%s", f.begin(), f.to(), note)
	}
	text := fmt.Sprintf("%s reaches %s one way and not another: compare the results, mostly IPv4 with IPv6 or name with address.", f.begin(), f.to())
	if f.onlyLost() && f.failedAttempts() == 1 {
		text += " Since a single attempt failed, a packet may just have been lost: repeat the test to tell."
	}
	return text
}

// onlyLost reports whether nothing came back in every way that failed.
func (f finding) onlyLost() bool {
	return !slices.ContainsFunc(f.report.Legs, func(l guest.LegReport) bool {
		return !l.Verdict.Reachable() && (l.Verdict != guest.Timeout || silentLeg(l))
	})
}

func (f finding) failedAttempts() int {
	n := 0
	for _, l := range f.report.Legs {
		for _, a := range l.Attempts {
			if !a.Verdict.Reachable() {
				n++
			}
		}
	}
	return n
}

// lossNote is " But …" where an address has answered some attempts and not
// others: then the way to it is right.
func (f finding) lossNote() string {
	answered := map[netip.Addr]bool{}
	for _, l := range f.report.Legs {
		answered[l.Address] = answered[l.Address] || slices.ContainsFunc(l.Attempts, cameBack)
	}
	lost, all := 0, 0
	for _, l := range f.report.Legs {
		if !answered[l.Address] {
			continue
		}
		all += len(l.Attempts)
		for _, a := range l.Attempts {
			if a.Verdict == guest.Timeout && !a.Connected {
				lost++
			}
		}
	}
	if lost == 0 {
		return ""
	}
	return fmt.Sprintf(" But %.0f %% of the attempts were lost: that is packet loss, by a bad or overloaded link or host, and no matter of routes.", 100*float64(lost)/float64(all))
}

// cameBack reports whether the host itself answered an attempt, be it with no.
func cameBack(a guest.Attempt) bool {
	switch a.Verdict {
	case guest.OK, guest.HTTPError, guest.Refused, guest.Reset, guest.TLSFailed:
		return true
	}
	return a.Connected
}

// silentLeg is one whose connections were opened and then left without an answer.
func silentLeg(l guest.LegReport) bool {
	return l.Verdict == guest.Timeout && slices.ContainsFunc(l.Attempts, func(a guest.Attempt) bool { return a.Connected })
}

// legVerdicts are the best legs by name and by address; without a verdict where there is none.
func legVerdicts(r guest.ConnectivityReport) (byName, byAddress guest.LegReport) {
	for _, leg := range r.Legs {
		best := &byAddress
		if leg.Label == guest.ByName {
			best = &byName
		}
		if best.Verdict == "" || leg.Verdict.Reachable() {
			*best = leg
		}
	}
	return byName, byAddress
}
