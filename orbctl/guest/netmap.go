package guest

import (
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// A MapQuery asks a machine which of several hosts it reaches: each by ping and
// by each port, by its address and by its name.
type MapQuery struct {
	Targets []MapTarget
	Ports   []int // TCP
}

// A MapTarget is a host of a MapQuery.
type MapTarget struct {
	Address netip.Addr // not valid: only the name is tried
	Name    string
}

// How long things may take. An echo measures itself, and neighbours answer within
// milliseconds; a connection and a lookup hold the start of a process among many.
// All targets run at once, so the whole is a lookup and two attempts: what nobody
// answered is asked once more.
const (
	mapPing   = 2 * time.Second
	mapDial   = 4 * time.Second
	mapBudget = mapDial + 2*mapDial + time.Second
)

// A MapCell is one way from the machine to one target.
type MapCell struct {
	Target  int    // index in the query's Targets
	Label   string // ByAddress or ByName
	Method  Method // Ping or TCP
	Port    int    // 0 for Ping
	Address netip.Addr
	// Verdict is "" where the machine's answer was cut before it; Detail says so.
	Verdict Verdict
	Detail  string // one line of the evidence, in the tool's words where it had any
	Latency time.Duration
}

// MapReport is what became of a MapQuery: for each target, each method and both
// labels one cell, in that order. A target without an address has none by address.
type MapReport struct {
	Cells   []MapCell
	Install string // where a cell is no_tool: the command that installs a tool, when the distribution is known
}

// NetworkMap is the question which hosts a machine reaches. The duration is how
// long the script may take, however many targets there are. The error is a
// *TargetError, for a name that no Target would have.
func NetworkMap(q MapQuery) (Script, []string, time.Duration, error) {
	ports := make([]string, 0, len(q.Ports))
	for _, p := range q.Ports {
		ports = append(ports, strconv.Itoa(p))
	}
	args := []string{wholeSeconds(mapPing), wholeSeconds(mapDial), wholeSeconds(mapBudget), words(ports)}
	for _, t := range q.Targets {
		host, _, why := normalHost(t.Name)
		if why != "" {
			return Script{}, nil, 0, &TargetError{Field: "machines", Value: t.Name, Why: why}
		}
		address := "-"
		if t.Address.IsValid() {
			address = t.Address.String()
		}
		args = append(args, address, host)
	}
	const last = 5 * time.Second // the attempts that are under way when the budget ends
	return load("netmap", "attempt", "resolve", "ladder"), args, mapBudget + last, nil
}

// words are the ports as one of the script's words; an empty word is nobody's friend.
func words(ports []string) string {
	if len(ports) == 0 {
		return "-"
	}
	return strings.Join(ports, " ")
}

// ParseNetworkMap reads what the script of NetworkMap printed. The error is
// ErrNoAnswer: the output holds nothing.
func ParseNetworkMap(q MapQuery, t Transcript) (MapReport, error) {
	n, err := newNotes(t)
	if err != nil {
		return MapReport{}, err
	}
	var r MapReport
	lacking := map[Method]bool{}
	for i, target := range q.Targets {
		stream := n.transcript.Stream(strconv.Itoa(i + 1))
		for _, port := range append([]int{0}, q.Ports...) {
			method, name := TCP, strconv.Itoa(port)
			if port == 0 {
				method, name = Ping, string(Ping)
			}
			part := t.Stream(strconv.Itoa(i+1) + "." + name)
			part.Sections = append(stream.Sections[:len(stream.Sections):len(stream.Sections)], part.Sections...)
			for _, c := range target.cells(ConnectivityQuery{Method: method, Port: port, Count: 1}.normal(), part) {
				c.Target, c.Method, c.Port = i, method, port
				lacking[method] = lacking[method] || c.Verdict == NoTool
				r.Cells = append(r.Cells, c)
			}
		}
	}
	distro, _ := t.Find("os")
	for _, m := range []Method{Ping, TCP} {
		if lacking[m] && r.Install == "" {
			r.Install = installCommand(distroID(distro.Text), toolPackages[m])
		}
	}
	return r, nil
}

// cells are those of one target by one method.
func (m MapTarget) cells(q ConnectivityQuery, part Transcript) []MapCell {
	n := &notes{transcript: part}
	byName := newCell(n, q, "1", Leg{Label: ByName, Host: m.Name})
	if !m.Address.IsValid() {
		return []MapCell{byName}
	}
	byAddress := newCell(n, q, "2", Leg{Label: ByAddress, Host: m.Address.String()})
	if byName.Verdict == "" && byName.Address == m.Address { // the name leads to what was tried already
		byName.Verdict, byName.Detail, byName.Latency = byAddress.Verdict, byAddress.Detail, byAddress.Latency
	}
	return []MapCell{byAddress, byName}
}

// newCell reads one leg. Without any attempt its Address is the one that the name
// was found to lead to.
func newCell(n *notes, q ConnectivityQuery, number string, leg Leg) MapCell {
	c := MapCell{Label: leg.Label, Detail: cutShort}
	for _, l := range readLeg(n, q, number, leg) {
		if l.conclude(); l.tried() {
			c.Address, c.Verdict, c.Detail, c.Latency = l.Address, l.Verdict, l.Detail, l.Avg
			return c
		}
		c.Detail = l.Detail
	}
	var lookup []Section
	for _, s := range n.transcript.Sections {
		if s.Name == "resolve" && len(s.Args) > 0 && s.Args[0] == number {
			lookup = append(lookup, s)
		}
	}
	if found := resolvedBy(lookup); len(found) > 0 {
		c.Address = firstTried(found)
	}
	return c
}

// firstTried is the address of a name that the script goes to: IPv4 before IPv6.
func firstTried(found []netip.Addr) netip.Addr {
	for _, a := range found {
		if a.Is4() {
			return a
		}
	}
	return found[0]
}
