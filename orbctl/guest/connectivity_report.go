package guest

import (
	"net/netip"
	"slices"
	"time"
)

// ConnectivityReport is what became of a ConnectivityQuery. Not reaching the
// host is a report, not an error.
type ConnectivityReport struct {
	Method Method
	// Verdict is the best of the legs, by how far they got; Mixed says that the
	// legs do not agree about Reachable.
	Verdict   Verdict
	Reachable bool
	Mixed     bool

	Legs    []LegReport // in the order of the query; a name's IPv6 behind its IPv4
	Install string      // with no_tool: the command that installs a tool, when the distribution is known
	Missing []Missing
}

// LegReport is what became of one leg over one IP family.
type LegReport struct {
	Label string
	Host  string

	Resolved  []netip.Addr // every address of the name; of an address itself
	Address   netip.Addr   // the one that was tried; zero when there was none
	Family    int          // 4 or 6; 0 without an address
	InHosts   bool         `json:",omitempty"` // /etc/hosts has the name; the recordings' goldens name it where it is so
	Secondary bool         // one short attempt beside the other family of the same name

	Verdict  Verdict
	Detail   string // one line of the evidence, in the tool's words where it had any
	Tool     Tool
	Attempts []Attempt

	Min, Avg, Max time.Duration // of the attempts that came back; 0 when none did
	Loss          float64       // percent of the attempts that got no answer of the wanted kind

	Status   int    // http: of the last answer; 0 without one
	Location string // http: where a redirect points; nothing followed it
}

// A Tool is what made the attempts.
type Tool struct {
	Name    string // ping, nc, curl, dig…
	Dialect string // iputils, busybox, openbsd…; "" where there is one only
	// Process says that latencies were taken around the tool's process and so
	// hold its start, some milliseconds; else the tool measured itself.
	Process bool
}

// An Attempt is one packet or one connection.
type Attempt struct {
	Verdict Verdict
	Latency time.Duration // until the answer; 0 without one or when it was not measured
	Detail  string
	// Connected is, for http, whether the connection was opened: with a timeout, a
	// service that takes connections and then says nothing.
	Connected bool `json:",omitempty"` // the recordings' goldens name it where it is so
}

// conclude fills in what follows from the attempts.
func (l *LegReport) conclude() {
	var sum time.Duration
	came, timed := 0, 0
	for _, a := range l.Attempts {
		if a.Verdict.rank() > l.Verdict.rank() {
			l.Verdict, l.Detail = a.Verdict, a.Detail
		}
		if !a.Verdict.Reachable() {
			continue
		}
		came++
		if a.Latency <= 0 {
			continue
		}
		if timed == 0 || a.Latency < l.Min {
			l.Min = a.Latency
		}
		l.Max = max(l.Max, a.Latency)
		sum += a.Latency
		timed++
	}
	if timed > 0 {
		l.Avg = sum / time.Duration(timed)
	}
	if n := len(l.Attempts); n > 0 {
		l.Loss = 100 * float64(n-came) / float64(n)
	}
}

// standing orders the verdicts of several ways as rank does those of one, but for what
// concerns one IP family alone: that there is no route for it, or, of the family that was
// tried beside the other, that the host cannot be reached, says less of the host than
// that nothing came back over the other.
func (l LegReport) standing() int {
	if l.Verdict == NoRoute || l.Secondary && l.Verdict == Unreachable {
		return 2*Timeout.rank() - 1
	}
	return 2 * l.Verdict.rank()
}

// tried is false for a leg whose time was used up before its first attempt.
func (l LegReport) tried() bool { return len(l.Attempts) > 0 || l.Verdict != Timeout }

// Tried reports whether any way was tried at all, and not every one's time used
// up before.
func (r *ConnectivityReport) Tried() bool { return slices.ContainsFunc(r.Legs, LegReport.tried) }

// Conclude fills in what follows from the legs and their attempts: the verdict
// of the whole. A way that nobody came to is dropped beside one that was tried,
// for it says nothing; Missing has to have it. Package mac makes reports of the
// same kind.
func (r *ConnectivityReport) Conclude() {
	if r.Tried() {
		r.Legs = slices.DeleteFunc(r.Legs, func(l LegReport) bool { return !l.tried() })
	}
	r.Verdict = ""
	yes, no, best := false, false, -1
	for i := range r.Legs {
		leg := &r.Legs[i]
		leg.conclude()
		if best < 0 || leg.standing() > r.Legs[best].standing() {
			best, r.Verdict = i, leg.Verdict
		}
		yes = yes || leg.Verdict.Reachable()
		no = no || !leg.Verdict.Reachable()
	}
	r.Reachable = r.Verdict.Reachable()
	r.Mixed = yes && no
}
