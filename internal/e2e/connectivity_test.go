package e2e

import (
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/orbctl/guest"
)

// A way is how a target is named.
type way string

const (
	address4 way = "IPv4 address"
	address6 way = "IPv6 address"
	byName   way = "name"
	orbLocal way = "orb.local"
	machine  way = "machine's name"
)

var ways = []way{address4, address6, byName, orbLocal, machine}

// host is the machine srv, drop or dead of testdata/matrix.yaml in that way.
func host(name string, n int, w way) string {
	switch w {
	case address4:
		return fmt.Sprintf("192.168.139.%d", n)
	case address6:
		return fmt.Sprintf("fd07:b51a:cc66::%d", n)
	case byName:
		return name + ".example"
	case orbLocal:
		return name + ".orb.local"
	}
	return name
}

// far is a host outside of every network that the machines are on, or one on
// theirs: a machine without a route has one to neither.
func far(w way) string {
	switch w {
	case address4:
		return "203.0.113.7"
	case address6:
		return "2001:db8::7"
	case byName:
		return "far.example"
	}
	return host("srv", 20, w)
}

func withPort(host string, w way, port int) string {
	if w == address6 {
		host = "[" + host + "]"
	}
	return fmt.Sprintf("%s:%d", host, port)
}

// A cell is one square of the table of guest.Possible: a method, a verdict, and
// for each way the target that gives it; "" where the way cannot, for a reason in left.
type cell struct {
	method  guest.Method
	verdict guest.Verdict
	cause   string // which it is of a verdict's several
	target  func(w way) string
	left    map[way]string
	sources []string // the machines to look from; full, inet and box where none is named
	says    string   // a part of the meaning
}

func (c cell) name() string {
	if c.cause == "" {
		return fmt.Sprintf("%s/%s", c.method, c.verdict)
	}
	return fmt.Sprintf("%s/%s, %s", c.method, c.verdict, c.cause)
}

func (c cell) from() []string {
	if len(c.sources) > 0 {
		return c.sources
	}
	return []string{"full", "inet", "box"}
}

// waits is true where an attempt ends with its time.
func (c cell) waits() bool { return c.verdict == guest.Timeout || c.verdict == guest.Unreachable }

// patience is the seconds that an attempt has: one where nothing comes, three where
// a refusal comes with the first retransmission, and many where something does,
// which costs no time and which a busy computer may take.
func (c cell) patience() int {
	switch {
	case c.cause == turnedAway:
		return 3
	case c.waits():
		return 1
	}
	return 10
}

func srv(port int) func(way) string {
	return func(w way) string { return withPort(host("srv", 20, w), w, port) }
}

func url(scheme string, port int) func(way) string {
	return func(w way) string { return scheme + "://" + srv(port)(w) + "/x?a=1&b=2" }
}

func lost(format func(way, string) string) func(way) string {
	return func(w way) string { return format(w, far(w)) }
}

var (
	lostSources = []string{"lostfull", "lostinet", "lostbox"}
	noDNS       = func(format string) func(way) string {
		return func(w way) string {
			switch w {
			case byName:
				return fmt.Sprintf(format, "nobody.example")
			case orbLocal:
				return fmt.Sprintf(format, "nobody.orb.local")
			case machine:
				return fmt.Sprintf(format, "stopped")
			}
			return ""
		}
	}
	isNoName = map[way]string{address4: "an address is not looked up", address6: "an address is not looked up"}
)

const (
	nobodyThere = "nobody there"
	turnedAway  = "turned away"
	hung        = "silence"
)

func plain(_ way, h string) string  { return h }
func port80(w way, h string) string { return withPort(h, w, 80) }
func http80(w way, h string) string { return "http://" + withPort(h, w, 80) + "/" }

func of(name string, n int, format func(way, string) string) func(way) string {
	return func(w way) string { return format(w, host(name, n, w)) }
}

// cells is every square that is not n/a.
func cells() []cell {
	return []cell{
		{method: guest.Ping, verdict: guest.OK, target: of("srv", 20, plain)},
		{method: guest.Ping, verdict: guest.NoTool, target: of("srv", 20, plain), sources: []string{"bare"}},
		{method: guest.Ping, verdict: guest.DNSFailed, target: noDNS("%s"), left: isNoName},
		{method: guest.Ping, verdict: guest.NoRoute, target: lost(plain), sources: lostSources},
		{method: guest.Ping, verdict: guest.Unreachable, cause: nobodyThere, target: of("dead", 22, plain)},
		{method: guest.Ping, verdict: guest.Unreachable, cause: turnedAway, target: of("fence", 25, plain)},
		{method: guest.Ping, verdict: guest.Timeout, target: of("drop", 21, plain), says: "Nothing came back"},

		{method: guest.TCP, verdict: guest.OK, target: srv(80)},
		{method: guest.TCP, verdict: guest.NoTool, target: srv(80), sources: []string{"bare"}},
		{method: guest.TCP, verdict: guest.DNSFailed, target: noDNS("%s:80"), left: isNoName},
		{method: guest.TCP, verdict: guest.NoRoute, target: lost(port80), sources: lostSources},
		{method: guest.TCP, verdict: guest.Unreachable, cause: nobodyThere, target: of("dead", 22, port80)},
		{method: guest.TCP, verdict: guest.Unreachable, cause: turnedAway, target: of("fence", 25, port80)},
		{method: guest.TCP, verdict: guest.Timeout, target: of("drop", 21, port80), says: "Nothing came back"},
		{method: guest.TCP, verdict: guest.Refused, target: srv(81)},

		{method: guest.HTTP, verdict: guest.OK, target: url("http", 80)},
		{method: guest.HTTP, verdict: guest.NoTool, target: url("http", 80), sources: []string{"bare"}},
		// Only curl and GNU wget speak TLS.
		{method: guest.HTTP, verdict: guest.NoTool, cause: "no TLS", target: url("https", 8444), sources: []string{"inet", "box"}},
		{method: guest.HTTP, verdict: guest.DNSFailed, target: noDNS("http://%s/"), left: isNoName},
		{method: guest.HTTP, verdict: guest.NoRoute, target: lost(http80), sources: lostSources},
		{method: guest.HTTP, verdict: guest.Unreachable, cause: nobodyThere, target: of("dead", 22, http80)},
		{method: guest.HTTP, verdict: guest.Unreachable, cause: turnedAway, target: of("fence", 25, http80)},
		{method: guest.HTTP, verdict: guest.Timeout, target: of("drop", 21, http80), says: "Nothing came back"},
		// Not from box: busybox' nc ends its side behind the question, and the listener then does too.
		{method: guest.HTTP, verdict: guest.Timeout, cause: hung, target: url("http", 9000), sources: []string{"full", "inet"}, says: "accepts connections on port 9000 but does not answer"},
		{method: guest.HTTP, verdict: guest.Timeout, cause: hung + " instead of TLS", target: url("https", 9000), sources: []string{"full"}, says: "accepts connections on port 9000 but does not answer"},
		{method: guest.HTTP, verdict: guest.Refused, target: url("http", 81)},
		{method: guest.HTTP, verdict: guest.Reset, target: url("http", 9001)},
		{method: guest.HTTP, verdict: guest.TLSFailed, target: url("https", 8443), sources: []string{"full"}}, // the others: no TLS, above
		{method: guest.HTTP, verdict: guest.HTTPError, target: url("http", 8081)},
	}
}

func TestEveryVerdictThatIsPossibleIsOnTheTable(t *testing.T) {
	t.Parallel()
	have := map[string]bool{}
	for i, c := range cells() {
		possible, why := guest.Possible(c.method, c.verdict)
		assert.True(t, possible, "%s %s is tested, and the table says it cannot be: %s", c.method, c.verdict, why)
		have[string(c.method)+" "+string(c.verdict)] = true
		seen := map[era]bool{}
		for j := range c.from() {
			for k, w := range ways {
				assert.Equal(t, c.target(w) == "", c.left[w] != "", "%s by %s: a target, or a reason why there is none", c.name(), w)
				for _, e := range turn(i + j + k) {
					seen[e] = seen[e] || c.target(w) != ""
				}
			}
		}
		assert.Len(t, seen, len(eras), "%s %s is not seen in both eras", c.method, c.verdict)
		for e, is := range seen {
			assert.True(t, is, "%s %s is not seen in %s", c.method, c.verdict, e)
		}
	}
	for _, m := range guest.Methods() {
		for _, v := range guest.Verdicts() {
			possible, why := guest.Possible(m, v)
			if possible {
				assert.True(t, have[string(m)+" "+string(v)], "%s %s is possible and not tested", m, v)
			} else {
				assert.NotEmpty(t, why, "%s %s is n/a without a reason", m, v)
			}
		}
	}
}

func matrix(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("testdata/matrix.yaml")
	require.NoError(t, err)
	return string(b)
}

// guests are the kinds of machine to look from: full tools, inetutils, busybox.
var guests = map[string][]string{
	"full tools": {"full", "lostfull", "bare"},
	"inetutils":  {"inet", "lostinet"},
	"busybox":    {"box", "lostbox"},
}

// Every square of the table, from every kind of guest, over IPv4 and IPv6, by
// address, by name, by .orb.local and by a machine's name. Each square is seen in
// both eras, which take turns with the guests and the ways: both for every row that does
// not wait were 80 s of two processors more, and see no square that is not seen.
func TestConnectivityTellsTheTruthForEveryMethodAndVerdict(t *testing.T) {
	t.Parallel()
	for _, e := range eras {
		for kind, sources := range guests {
			t.Run(string(e)+" from "+kind, func(t *testing.T) {
				t.Parallel()
				s := open(t, matrix(t), e)
				// The group ends before the session does.
				t.Run("cell", func(t *testing.T) {
					for i, c := range cells() {
						for j, from := range c.from() {
							if slices.Contains(sources, from) {
								c.test(t, s, from, i+j)
							}
						}
					}
				})
			})
		}
	}
}

// test looks at the square from one machine, in every way whose turn it is. A machine's
// name and its .orb.local lead to the same attempts, so that the name is told from the
// first of the machines alone, unless -whole says otherwise.
func (c cell) test(t *testing.T, s *session, from string, row int) {
	t.Helper()
	for i, w := range ways {
		target := c.target(w)
		again := w == machine && from != c.from()[0] && !*whole
		if target == "" || again || !slices.Contains(turn(row+i), s.era) {
			continue
		}
		t.Run(fmt.Sprintf("%s/%s/%s", from, c.name(), w), func(t *testing.T) {
			t.Parallel()
			r := s.call(t, "vm_test_connectivity", args{"machine": from, "target": target, "method": string(c.method), "count": 1, "timeout_seconds": c.patience()})
			require.False(t, r.IsError, r.Text)
			assert.Equal(t, string(c.verdict), r.at("verdict"), r.Text)
			assert.Equal(t, c.verdict.Reachable(), r.at("reachable"))
			assert.NotEmpty(t, r.at("meaning"))
			assert.Contains(t, r.at("meaning"), c.says)
			assert.Nil(t, r.at("missing"), "one attempt each has its time")
			assert.Equal(t, c.legs(w, from), legLines(r), r.Text)
		})
	}
}

// legLines are the ways that were tried, as "by/family verdict" in their order.
func legLines(r result) []string {
	legs, _ := r.at("results").([]any)
	lines := make([]string, 0, len(legs))
	for i := range legs {
		family, _ := r.at("results", i, "family").(string)
		lines = append(lines, fmt.Sprintf("%v/%s %v", r.at("results", i, "by"), family, r.at("results", i, "verdict")))
	}
	return lines
}

// legs are the ways that have to be tried, each with its verdict: a machine by name
// and by address, and whatever has both families over both.
func (c cell) legs(w way, from string) []string {
	all := func(lines ...string) []string {
		for i := range lines {
			lines[i] += " " + string(c.verdict)
		}
		return lines
	}
	isMachine := w == orbLocal || w == machine
	switch {
	case w == address4:
		return all("address/ipv4")
	case w == address6:
		return all("address/ipv6")
	case c.verdict == guest.DNSFailed && w != machine, from == "bare" && !isMachine:
		return all("name/")
	case c.verdict == guest.DNSFailed, from == "bare": // nor is there an address to go by
		return all("name/", "address/")
	case isMachine && c.verdict == guest.NoRoute: // nor to a DNS server: OrbStack says the addresses
		return append([]string{"name/ dns_failed"}, all("address/ipv4", "address/ipv6")...)
	case isMachine:
		return all("name/ipv4", "name/ipv6", "address/ipv4", "address/ipv6")
	}
	return all("name/ipv4", "name/ipv6")
}
