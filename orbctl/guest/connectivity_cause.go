package guest

import "strings"

// causes are what tools and C libraries call the errors of the network, in
// lower case, with the verdict that they mean. glibc and musl have other words for
// the same errno; inetutils, netcat and busybox have their own. The order
// counts: "destination net unreachable" comes from a router, "network
// unreachable" from the machine's own routing table.
var causes = []struct {
	words   string
	verdict Verdict
}{
	{"are you root", NoTool}, // ICMP is not for this user, and nothing was sent
	{"lacking privilege", NoTool},
	{"socket: operation not permitted", NoTool},
	{"socket: permission denied", NoTool},
	{"socktype: sock_raw", NoTool},
	{"missing cap_net_raw", NoTool},

	{"name or service not known", DNSFailed},
	{"name does not resolve", DNSFailed},
	{"name resolution", DNSFailed},
	{"could not resolve", DNSFailed},
	{"couldn't resolve", DNSFailed},
	{"unable to resolve", DNSFailed},
	{"failed to resolve", DNSFailed},
	{"bad address", DNSFailed},
	{"unknown host", DNSFailed},
	{"no address associated with hostname", DNSFailed},

	{"connection refused", Refused},
	{"connection reset", Reset},
	{"broken pipe", Reset},
	{"empty reply", Reset},

	{"no route to host", Unreachable}, // EHOSTUNREACH, glibc
	{"host is unreachable", Unreachable},
	{"host unreachable", Unreachable},
	{"destination", Unreachable}, // destination net, port, protocol unreachable; administratively prohibited
	{"packet filtered", Unreachable},
	{"prohibited", Unreachable},
	{"time to live exceeded", Unreachable},
	{"time exceeded", Unreachable},
	{"hop limit", Unreachable},
	{"permission denied", Unreachable}, // connect(2) against a prohibiting route or the machine's own firewall
	{"operation not permitted", Unreachable},
	{"no buffer space", Unreachable},
	{"broadcast", Unreachable}, // ping refuses a broadcast address without -b

	{"network is unreachable", NoRoute}, // ENETUNREACH, glibc
	{"network unreachable", NoRoute},    // musl
	{"cannot assign requested address", NoRoute},
	{"can't assign requested address", NoRoute},
	{"address not available", NoRoute},
	{"address family", NoRoute}, // no IPv6 in this kernel
	{"invalid argument", NoRoute},
	{"no such device", NoRoute},
	{"unknown iface", NoRoute},

	{"timed out", Timeout},
	{"timeout", Timeout},
	{"time-out", Timeout},
}

// cause finds in a tool's words why an attempt failed, and the line that says it.
func cause(text string) (Verdict, string, bool) {
	lower := strings.ToLower(text)
	for _, c := range causes {
		at := strings.Index(lower, c.words)
		if at < 0 {
			continue
		}
		// Lower case can have another length than its text; the line is found again in that case.
		line := lineAround(lower, at)
		if len(lower) == len(text) {
			line = lineAround(text, at)
		}
		return c.verdict, evidence(line), true
	}
	return "", "", false
}

func lineAround(text string, at int) string {
	start := strings.LastIndexByte(text[:at], '\n') + 1
	end := strings.IndexByte(text[at:], '\n')
	if end < 0 {
		return text[start:]
	}
	return text[start : at+end]
}

// evidence is a tool's line without curl's decoration.
func evidence(line string) string {
	return short(strings.TrimPrefix(strings.TrimSpace(line), "* "), maxWhy)
}

// killed reports whether a status is that of a command whose time was up: ours
// (143, 137), timeout(1)'s (124).
func killed(exit int) bool { return exit == 143 || exit == 137 || exit == 124 }
