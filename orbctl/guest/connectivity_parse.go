package guest

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ParseConnectivity reads what the script of Connectivity printed. The error is
// ErrNoAnswer: the output holds nothing of any leg.
func ParseConnectivity(q ConnectivityQuery, t Transcript) (ConnectivityReport, error) {
	q = q.normal()
	n, err := newNotes(t)
	if err != nil {
		return ConnectivityReport{}, err
	}
	r := ConnectivityReport{Method: q.Method}
	for i, leg := range q.Legs {
		legs := readLeg(n, q, strconv.Itoa(i+1), leg)
		if len(legs) == 0 {
			n.miss("leg "+leg.Label, "the script did not come to "+leg.Host)
		}
		r.Legs = append(r.Legs, legs...)
	}
	if len(r.Legs) == 0 {
		return ConnectivityReport{}, ErrNoAnswer
	}
	r.Conclude()
	if r.Verdict == NoTool {
		distro, _ := t.Find("os")
		r.Install = installCommand(distroID(distro.Text), toolPackages[q.Method])
	}
	r.Missing, _ = n.gaps()
	return r, nil
}

// readLeg gives a result for each address family that was tried, or one that
// says why none was; nothing when the script did not come so far.
func readLeg(n *notes, q ConnectivityQuery, number string, leg Leg) []LegReport {
	base := LegReport{Label: leg.Label, Host: leg.Host}
	host, addr, _ := normalHost(leg.Host)
	base.Host = host
	var lookup []Section
	late := false // the time was up before the name had an address
	byFamily := map[int][]Section{}
	for _, s := range n.transcript.Sections {
		if len(s.Args) == 0 || s.Args[0] != number {
			continue
		}
		switch {
		case s.Name == "resolve":
			lookup = append(lookup, s)
		case s.Name == "hosts":
			base.InHosts = true
		case s.Name == "cut" && last(s.Args) == "name":
			late = true
		case len(s.Args) > 1 && (s.Args[1] == "4" || s.Args[1] == "6"):
			family := int(s.Args[1][0] - '0')
			byFamily[family] = append(byFamily[family], s)
		}
	}
	if addr.IsValid() {
		base.Resolved = []netip.Addr{addr}
	} else {
		base.Resolved = resolvedBy(lookup)
	}
	if len(byFamily) == 0 {
		return unresolved(n, base, addr.IsValid(), late, lookup)
	}
	var out []LegReport
	for _, family := range []int{4, 6} {
		if sections, ok := byFamily[family]; ok {
			l := base
			l.Family, l.Secondary = family, family == 6 && len(byFamily) == 2
			if l.read(n, q, sections) {
				if leg.Lookup {
					l.Host = l.Address.String()
				}
				out = append(out, l)
			}
		}
	}
	return out
}

// unresolved is a leg without any attempt: its name has no address, there was no
// way to ask, or, when it is late, no time to.
func unresolved(n *notes, l LegReport, literal, late bool, lookup []Section) []LegReport {
	asked := slices.ContainsFunc(lookup, func(s Section) bool { return len(s.Args) > 1 && s.Args[1] != "hosts-file" })
	switch {
	case literal || (len(lookup) == 0 && !n.transcript.Complete):
		return nil
	case late && (!asked || killed(lookup[len(lookup)-1].Exit)):
		n.miss("attempts", "the time for the whole test was used up before "+l.Host+" was looked up")
		l.Verdict, l.Detail = Timeout, untriedDetail
	case !asked:
		l.Verdict, l.Detail = NoTool, "the machine has neither getent nor nslookup nor ping to look the name up, and /etc/hosts does not have it"
	case len(l.Resolved) > 0 || lookup[len(lookup)-1].Exit < 0:
		return nil // cut between the lookup and the first attempt
	default:
		last := lookup[len(lookup)-1]
		l.Verdict, l.Detail = DNSFailed, said(last.Text, "the name has no address here")
		if killed(last.Exit) {
			l.Detail = "the resolver did not answer in time"
		}
	}
	return []LegReport{l}
}

// untriedDetail is that of a leg which nobody came to.
const untriedDetail = "the time for the whole test was used up before the first attempt"

// resolvedBy collects the addresses that a name was found to have.
func resolvedBy(lookup []Section) []netip.Addr {
	var out []netip.Addr
	for _, s := range lookup {
		text := s.Text
		switch {
		case len(s.Args) < 2:
			continue
		case s.Args[1] == "nslookup":
			_, text, _ = strings.Cut(text, "Name:") // above it stands the server
		case s.Args[1] == "ping":
			_, text, _ = strings.Cut(text, "(")
			text, _, _ = strings.Cut(text, ")")
		}
		for _, word := range strings.Fields(text) {
			if a, ok := parseAddr(word); ok && !a.Is4In6() && !slices.Contains(out, a) {
				out = append(out, a)
			}
		}
	}
	return out
}

// read fills a leg's result of one family in. It is false when the transcript
// was cut before anything became of it.
func (l *LegReport) read(n *notes, q ConnectivityQuery, sections []Section) bool {
	nobody := false  // on the machine's own link, for this address
	turnedAway := "" // what a connection was told, where ping hears nothing
	for _, s := range sections {
		if len(s.Args) > 2 {
			if a, ok := parseAddr(s.Args[2]); ok && s.Name != "neighbour" {
				l.Address = a
			}
		}
		switch s.Name {
		case "try":
			if s.Exit < 0 {
				n.miss("attempts", "the output of an attempt to reach "+l.Host+" was cut")
				continue
			}
			l.attempt(n, q, s)
		case "none":
			l.Verdict, l.Detail = NoTool, wantedTools(q)
		case "cut":
			n.miss("attempts", fmt.Sprintf("the time for the whole test was used up before attempt %s to reach %s over IPv%d", last(s.Args), l.Host, l.Family))
			if len(l.Attempts) == 0 {
				l.Verdict, l.Detail = Timeout, untriedDetail
			}
		case "aside":
			if v, line, ok := cause(s.Text); ok && v == Unreachable {
				turnedAway = line
			}
		case "neighbour":
			state := strings.ToUpper(s.Text)
			nobody = strings.Contains(state, "FAILED") || strings.Contains(state, "INCOMPLETE")
		}
	}
	for i := range l.Attempts {
		a := &l.Attempts[i]
		switch {
		case a.Verdict != Timeout || a.Connected:
		case nobody:
			a.Verdict, a.Detail = Unreachable, "nobody on the machine's own network answers for this address"
		case turnedAway != "":
			a.Verdict, a.Detail = Unreachable, "this ping hears no refusal; a TCP connection to the address does: "+turnedAway
		}
	}
	return len(l.Attempts) > 0 || l.Verdict != ""
}

func last(words []string) string { return words[len(words)-1] }

// attempt judges one run of a tool. Its words are LEG FAMILY ADDRESS NUMBER
// TOOL SECONDS FROM TO.
func (l *LegReport) attempt(n *notes, q ConnectivityQuery, s Section) {
	run := toolRun{text: s.Text, exit: s.Exit, patience: q.Timeout}
	if len(s.Args) >= 8 {
		run.tool, run.dialect, _ = strings.Cut(s.Args[4], ":")
		if secs, err := strconv.Atoi(s.Args[5]); err == nil && secs > 0 {
			run.patience = time.Duration(secs) * time.Second
		}
		run.took = clockDifference(s.Args[6], s.Args[7])
	}
	switch q.Method {
	case Ping:
		count := q.Count
		if l.Secondary {
			count = 1
		}
		l.Tool = pingTool(run.tool)
		l.Attempts = append(l.Attempts, judgePing(run, count)...)
		if ended := len(l.Attempts); killed(run.exit) && ended < count {
			n.miss("attempts", fmt.Sprintf("ping was ended with its time, before it told of attempt %d of %d to reach %s over IPv%d", ended+1, count, l.Host, l.Family))
		}
	case TCP:
		a, tool := judgeTCP(run)
		l.Tool, l.Attempts = tool, append(l.Attempts, a)
	case HTTP:
		a, tool, answer := judgeHTTP(run)
		l.Tool, l.Attempts = tool, append(l.Attempts, a)
		if answer.status != 0 {
			l.Status, l.Location = answer.status, answer.location
		}
	}
	for i := range l.Attempts {
		a := &l.Attempts[i]
		a.Verdict = q.Method.fit(a.Verdict)
		if _, err := netip.ParseAddr(l.Host); err == nil && a.Verdict == DNSFailed {
			a.Verdict = NoRoute // an address was not understood: the interface behind its % is not there
		}
	}
}

// A toolRun is one run of a tool, as the script saw it.
type toolRun struct {
	tool, dialect string // the script's words for it
	text          string
	exit          int
	patience      time.Duration // what the tool was given
	took          time.Duration // around its process
}

// failure is the attempt that the tool's words and status make, when they do
// not say that it came through.
func (r toolRun) failure() Attempt {
	if v, line, ok := cause(r.text); ok {
		return Attempt{Verdict: v, Detail: line}
	}
	if killed(r.exit) {
		return Attempt{Verdict: Timeout, Detail: "no answer in " + r.patience.String()}
	}
	// What cannot be read is not taken for an answer.
	return Attempt{Verdict: Unreachable, Detail: said(r.text, "the tool failed without a word, exit status "+strconv.Itoa(r.exit))}
}

// clockDifference is the time between two stamps in seconds; 0 when they are none.
func clockDifference(from, to string) time.Duration {
	a, errA := strconv.ParseFloat(from, 64)
	b, errB := strconv.ParseFloat(to, 64)
	if d := b - a; errA == nil && errB == nil && d > 0 && d < 3600 {
		return time.Duration(d * float64(time.Second)).Round(time.Microsecond)
	}
	return 0
}
