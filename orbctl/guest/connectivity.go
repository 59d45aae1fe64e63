package guest

import (
	"net/netip"
	"net/url"
	"strconv"
	"time"
)

// ConnectivityQuery asks whether a machine reaches a host.
type ConnectivityQuery struct {
	Legs    []Leg
	Method  Method
	Port    int           // tcp and http
	URL     string        // http: its host is what the request asks for; each leg dials its own Host
	Count   int           // attempts, 1 to MaxAttempts; 0 is DefaultAttempts
	Timeout time.Duration // for one attempt, whole seconds up to MaxPatience; 0 is DefaultPatience
}

// A Leg is one way to the host: by its address, or by its name.
type Leg struct {
	Label  string // ByAddress or ByName
	Host   string // a name, or an address without brackets, its zone behind %
	Lookup bool   // Host is a name, and the leg goes by the address that the machine finds for it
}

// The labels of legs.
const (
	ByAddress = "address"
	ByName    = "name"
)

// What a query may ask for. All attempts together have MaxConnectivity: a client
// waits a minute at most, and an answer about the first attempts is worth more
// than none about all of them.
const (
	DefaultAttempts = 3
	MaxAttempts     = 10
	DefaultPatience = 5 * time.Second
	MaxPatience     = 30 * time.Second
	MaxConnectivity = 40 * time.Second
)

// Query is the target as a question with that leg alone.
func (t Target) Query() ConnectivityQuery {
	return ConnectivityQuery{Legs: []Leg{t.Leg()}, Method: t.Method, Port: t.Port, URL: t.URL}
}

// Connectivity is the question whether a machine reaches a host, by each leg.
//
// A name is looked up as the machine's programs do it. IPv4 is tried Count
// times; where a name has IPv6 too, one short attempt shows whether that works,
// as a result of its own. The duration is how long the script may take. The
// error is a *TargetError, for a host that no Target would have.
func Connectivity(q ConnectivityQuery) (Script, []string, time.Duration, error) {
	q = q.normal()
	hosts := make([]string, 0, len(q.Legs))
	for _, leg := range q.Legs {
		host, _, why := normalHost(leg.Host)
		if why != "" {
			return Script{}, nil, 0, &TargetError{Field: "target", Value: leg.Host, Why: why}
		}
		if leg.Lookup {
			host = "=" + host
		}
		hosts = append(hosts, host)
	}
	link, scheme, hostPort, path := "-", "-", "-", "-"
	if q.Method == HTTP {
		u, err := url.Parse(q.URL)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || unfit(q.URL) != "" {
			return Script{}, nil, 0, &TargetError{Field: "target", Value: q.URL, Why: "it is not an http or https URL"}
		}
		link, scheme, hostPort, path = u.String(), u.Scheme, u.Host, u.RequestURI()
		if q.Port == 0 {
			q.Port = schemePort(scheme)
		}
	}
	budget := q.budget()
	args := []string{
		string(q.Method), strconv.Itoa(q.Port), strconv.Itoa(q.Count), wholeSeconds(q.Timeout), wholeSeconds(budget),
		link, scheme, hostPort, path,
	}
	const last = 5 * time.Second // the attempt that is under way when the budget ends
	return load("connectivity", "attempt", "resolve", "ladder"), append(args, hosts...), budget + last, nil
}

// normal has the defaults in place and every number within its bounds.
func (q ConnectivityQuery) normal() ConnectivityQuery {
	if q.Count <= 0 {
		q.Count = DefaultAttempts
	}
	q.Count = min(q.Count, MaxAttempts)
	if q.Timeout <= 0 {
		q.Timeout = DefaultPatience
	}
	q.Timeout = min(max(q.Timeout, time.Second), MaxPatience)
	return q
}

// starting is what a busy machine may take until a script's first attempt, and
// between them.
const starting = 3 * time.Second

// budget is how long all attempts may take together.
func (q ConnectivityQuery) budget() time.Duration {
	const lookup, beside, aside = 10 * time.Second, 4 * time.Second, 3 * time.Second // aside: connectivity.sh
	series := time.Duration(q.Count) * (q.Timeout + time.Second)
	if q.Method == Ping {
		series = q.Timeout + time.Duration(q.Count+2)*time.Second + aside
	}
	all := starting
	for _, leg := range q.Legs {
		all += series
		if _, err := netip.ParseAddr(leg.Host); err != nil {
			all += lookup + beside
		}
	}
	return min(all, MaxConnectivity)
}

// wholeSeconds is a duration for the script, rounded up to whole seconds.
func wholeSeconds(d time.Duration) string {
	return strconv.Itoa(int((d + time.Second - 1) / time.Second))
}
