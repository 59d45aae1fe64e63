package guest

// A Method is how reachability is tested.
type Method string

// The methods of vm_test_connectivity.
const (
	Ping Method = "ping"
	TCP  Method = "tcp"
	HTTP Method = "http"
)

// Methods is every method, in the order of the documentation.
func Methods() []Method { return []Method{Ping, TCP, HTTP} }

// A Verdict says what became of an attempt, in words that mean the same for
// every guest tool that made it.
type Verdict string

// The verdicts, from the nearest to the farthest cause.
const (
	OK          Verdict = "ok"
	NoTool      Verdict = "no_tool"     // the guest has nothing to test with
	DNSFailed   Verdict = "dns_failed"  // the name has no address
	NoRoute     Verdict = "no_route"    // the guest has no route to it
	Unreachable Verdict = "unreachable" // a router, a firewall or the bridge says that the host cannot be reached
	Timeout     Verdict = "timeout"     // nothing came back
	Refused     Verdict = "refused"     // the host answered: nobody listens on that port
	Reset       Verdict = "reset"       // the connection was opened and then cut
	TLSFailed   Verdict = "tls_failed"  // no valid TLS: certificate or handshake
	HTTPError   Verdict = "http_error"  // an HTTP answer with status 400 or above, or none that is HTTP
)

// Verdicts is every verdict, in the order of the documentation.
func Verdicts() []Verdict {
	return []Verdict{OK, NoTool, DNSFailed, NoRoute, Unreachable, Timeout, Refused, Reset, TLSFailed, HTTPError}
}

// Reachable reports whether the verdict means that somebody answered the
// question that was asked: ok, or an HTTP answer that says no. A refused port, a
// cut connection and failed TLS are not: the host is there, the service is not
// usable.
func (v Verdict) Reachable() bool { return v == OK || v == HTTPError }

// rank orders the verdicts of several attempts: the one that tells most about
// the way to the host stands for all of them. A timeout says least.
func (v Verdict) rank() int {
	for i, known := range []Verdict{NoTool, DNSFailed, Timeout, NoRoute, Unreachable, Refused, Reset, TLSFailed, HTTPError, OK} {
		if v == known {
			return i
		}
	}
	return -1
}

// Possible reports whether a method can give a verdict, and why not.
func Possible(m Method, v Verdict) (possible bool, why string) {
	why, impossible := notApplicable[m][v]
	return !impossible, why
}

// notApplicable is the table of the cells that cannot be, each with its reason.
var notApplicable = map[Method]map[Verdict]string{
	Ping: {
		Refused:   "an echo request has no port that could refuse it; a host that rejects it is unreachable",
		Reset:     "an echo request opens no connection that could be cut",
		TLSFailed: "an echo request carries no TLS",
		HTTPError: "an echo request is not HTTP",
	},
	TCP: {
		Reset:     "the test ends when the connection is open; a reset in answer to its first packet is refused",
		TLSFailed: "the test ends when the connection is open, before any TLS",
		HTTPError: "nothing is asked over the connection",
	},
	HTTP: {},
}

// fit makes a verdict one that the method can give: what a tool calls refused
// or reset can be something else to the method.
func (m Method) fit(v Verdict) Verdict {
	if possible, _ := Possible(m, v); possible {
		return v
	}
	switch {
	case m == Ping && (v == Refused || v == Reset):
		return Unreachable
	case m == TCP && v == Reset:
		return Refused
	}
	return Unreachable
}
