package tools

import (
	"fmt"

	"orbstack-mcp/orbctl"
	"orbstack-mcp/orbctl/guest"
)

// meaning says in a sentence or two what a test has shown and where to look
// next. It names nothing that came from a guest.
func meaning(o connectivityOut, target guest.Target, r guest.ConnectivityReport) string {
	from := "the Mac"
	if o.From == fromMachine {
		from = o.Machine
	}
	to := o.Target
	if t := o.TargetMachine; t != nil {
		to = t.Name
		switch {
		case t.State != orbctl.Running:
			return fmt.Sprintf("%s is %s, so nothing there can answer. Ask the user to start it.", t.Name, t.State)
		case t.IsolateNetwork && !r.Reachable:
			return fmt.Sprintf("%s is kept off the network on purpose (isolate_network), so other machines do not reach it.", t.Name)
		}
	}
	byName, byAddress := legVerdicts(r)
	if byName == guest.DNSFailed && byAddress.Reachable() {
		return fmt.Sprintf("%s reaches %s by address but cannot resolve its name: the network works, its DNS does not. Look with vm_dns_lookup and vm_network_details.", from, to)
	}
	if r.Mixed {
		return fmt.Sprintf("%s reaches %s one way and not another: compare the results, mostly IPv4 with IPv6 or name with address.", from, to)
	}
	return verdictMeaning(r, from, to, target.Port)
}

// verdictMeaning has the words of each verdict.
func verdictMeaning(r guest.ConnectivityReport, from, to string, port int) string {
	switch r.Verdict {
	case guest.OK:
		return fmt.Sprintf("%s reaches %s.", from, to) + lossNote(r)
	case guest.DNSFailed:
		return fmt.Sprintf("%s cannot resolve the name of %s. vm_dns_lookup shows what its resolver says, and what the Mac's does.", from, to)
	case guest.Refused:
		return fmt.Sprintf("%s is there but refuses port %d: no service listens on that address and port. Often it listens on 127.0.0.1 only; vm_status_detailed of that machine shows its listening ports.", to, port)
	case guest.Timeout:
		return fmt.Sprintf("Nothing came back from %s: a firewall drops it, the host is down, or the address is wrong.", to)
	case guest.Unreachable:
		return fmt.Sprintf("A router or firewall, or the local network, says that %s cannot be reached: no host has the address, it is down, or a firewall rejects it.", to)
	case guest.NoRoute:
		return fmt.Sprintf("%s has no route to %s. vm_network_details shows its gateway and subnet.", from, to)
	case guest.TLSFailed:
		return fmt.Sprintf("%s answers, but no valid TLS comes about: detail says whether the certificate is not trusted, expired or for another name, or the service speaks no TLS.", to)
	case guest.HTTPError:
		return fmt.Sprintf("%s answers over HTTP, and the answer is an error: the network is fine, look at the service.", to)
	case guest.Reset:
		return fmt.Sprintf("%s accepted the connection and then cut it: the service crashes, speaks another protocol, or something between cuts it.", to)
	case guest.NoTool:
		how := ""
		if r.Install != "" {
			how = " " + upper(r.Install) + " would install one; ask the user first, since that changes the machine."
		}
		return fmt.Sprintf("%s has nothing to test this with.%s", from, how)
	}
	return "The test gave no verdict."
}

func lossNote(r guest.ConnectivityReport) string {
	for _, leg := range r.Legs {
		if leg.Verdict == guest.OK && leg.Loss > 0 {
			return fmt.Sprintf(" But %.0f %% of the attempts were lost.", leg.Loss)
		}
	}
	return ""
}

// legVerdicts are the best verdicts by name and by address; "" where there is none.
func legVerdicts(r guest.ConnectivityReport) (byName, byAddress guest.Verdict) {
	for _, leg := range r.Legs {
		switch {
		case leg.Label == guest.ByName && (byName == "" || leg.Verdict.Reachable()):
			byName = leg.Verdict
		case leg.Label == guest.ByAddress && (byAddress == "" || leg.Verdict.Reachable()):
			byAddress = leg.Verdict
		}
	}
	return byName, byAddress
}
