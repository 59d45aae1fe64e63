package tools

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"orbstack-mcp/orbctl"
	"orbstack-mcp/orbctl/guest"
)

// verdict has the words of each verdict.
func (f finding) verdict() string {
	from, to := f.begin(), f.to()
	switch f.report.Verdict {
	case guest.OK:
		return fmt.Sprintf("%s reaches %s%s.%s", from, to, f.as(), f.portless())
	case guest.DNSFailed:
		return fmt.Sprintf("%s cannot resolve the name of %s. vm_dns_lookup shows what its resolver says, and what the Mac's does.", from, to)
	case guest.Refused:
		return f.refused()
	case guest.Timeout:
		if slices.ContainsFunc(f.report.Legs, silentLeg) {
			return f.silent()
		}
		return fmt.Sprintf("Nothing came back from %s: a firewall drops it, the host is down, or the address is wrong.", to)
	case guest.Unreachable:
		return fmt.Sprintf("A router or firewall, or the local network, says that %s cannot be reached: no host has the address, it is down, or a firewall rejects it.", to)
	case guest.NoRoute:
		return fmt.Sprintf("%s has no route to %s. vm_network_details shows its gateway and subnet.", from, to)
	case guest.TLSFailed:
		return fmt.Sprintf("%s answers, but no valid TLS comes about: detail says whether the certificate is not trusted, expired or for another name, or the service speaks no TLS.", to)
	case guest.HTTPError:
		return f.httpError()
	case guest.Reset:
		return fmt.Sprintf("%s accepted the connection and then cut it: the service crashes, speaks another protocol, or something between cuts it.", to)
	case guest.NoTool:
		how := ""
		if f.report.Install != "" {
			how = " To install one: " + f.report.Install + ". Ask the user first, since that changes the machine."
		}
		return fmt.Sprintf("%s has nothing to test this with.%s", from, how)
	}
	return "The test gave no verdict."
}

// as is the name that stood for a machine's bare one, which need not resolve itself.
func (f finding) as() string {
	if f.source == nil || !f.elsewhere() || f.target.Host != strings.ToLower(f.other.Name) {
		return ""
	}
	return ", as " + orbctl.LocalName(f.other.Name)
}

// portless is what a ping leaves open of a URL.
func (f finding) portless() string {
	if f.target.Method != guest.Ping || !strings.Contains(f.target.Raw, "://") {
		return ""
	}
	return " A ping tries no port: without method, the URL is asked for."
}

// httpError has the last status; none where the answer was no HTTP.
func (f finding) httpError() string {
	status := 0
	for _, l := range f.report.Legs {
		if l.Verdict == guest.HTTPError && l.Status != 0 {
			status = l.Status
		}
	}
	switch status {
	case 0:
		return fmt.Sprintf("%s answers, but not with HTTP that can be read: the network is fine, look at the service.", f.to())
	case http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return fmt.Sprintf("%s answers over HTTP with status %d: the network is fine. The request was HEAD, which many a healthy service refuses so.", f.to(), status)
	}
	return fmt.Sprintf("%s answers over HTTP with the error %d: the network is fine, look at the service.", f.to(), status)
}

// silent is a timeout behind a connection that was opened: the network has done its part.
func (f finding) silent() string {
	protocol := "HTTP"
	if strings.HasPrefix(f.target.URL, "https:") {
		protocol = "TLS (HTTPS)"
	}
	return fmt.Sprintf("%s accepts connections on port %d but does not answer: the service hangs, or speaks another protocol than %s. The network is fine.", f.to(), f.target.Port, protocol)
}

// refused says who can see what listens there.
func (f finding) refused() string {
	port := f.target.Port
	switch {
	case f.source != nil && f.onItself():
		return fmt.Sprintf("Nothing in %s listens on port %d of its loopback address: the service is down, or listens on another address of the machine only. vm_status_detailed of %s shows its listening ports.", f.from(), port, f.from())
	case f.source != nil && f.isMac():
		return fmt.Sprintf("The Mac is there but refuses port %d: no program on it listens there. The user can see on the Mac itself which do.", port)
	case f.other != nil:
		return fmt.Sprintf("%s is there but refuses port %d: no service listens on that address and port. Often it listens on 127.0.0.1 only; vm_status_detailed of %s shows its listening ports.", f.to(), port, f.other.Name)
	}
	return fmt.Sprintf("%s is there but refuses port %d: no service listens on that address and port, or on 127.0.0.1 there only. If it is one of the machines, vm_status_detailed shows its listening ports.", f.to(), port)
}
