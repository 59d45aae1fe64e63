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

// far is a host outside of every network that the machines are on.
func far(w way) string {
	switch w {
	case address4:
		return "203.0.113.7"
	case address6:
		return "2001:db8::7"
	case byName:
		return "far.example"
	}
	return ""
}

func withPort(host string, w way, port int) string {
	if w == address6 {
		host = "[" + host + "]"
	}
	return fmt.Sprintf("%s:%d", host, port)
}

// A cell is one square of the table of guest.Possible: a method, a verdict, and
// for each way the target that gives it; "" where the way cannot.
type cell struct {
	method  guest.Method
	verdict guest.Verdict
	target  func(w way) string
	sources []string // the machines to look from; full, inet and box where none is named
}

func (c cell) from() []string {
	if len(c.sources) > 0 {
		return c.sources
	}
	return []string{"full", "inet", "box"}
}

// patience is the seconds that an attempt has: one where nothing comes, and many
// where something does, which costs no time and which a busy computer may take.
func (c cell) patience() int {
	if c.verdict == guest.Timeout || c.verdict == guest.Unreachable {
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
	return func(w way) string {
		if far(w) == "" {
			return ""
		}
		return format(w, far(w))
	}
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
			}
			return ""
		}
	}
)

func plain(_ way, h string) string  { return h }
func port80(w way, h string) string { return withPort(h, w, 80) }
func http80(w way, h string) string { return "http://" + withPort(h, w, 80) + "/" }

func of(name string, n int, format func(way, string) string) func(way) string {
	return func(w way) string {
		if w == machine && name != "srv" {
			return ""
		}
		return format(w, host(name, n, w))
	}
}

// cells is every square that is not n/a.
func cells() []cell {
	return []cell{
		{method: guest.Ping, verdict: guest.OK, target: of("srv", 20, plain)},
		{method: guest.Ping, verdict: guest.NoTool, target: of("srv", 20, plain), sources: []string{"bare"}},
		{method: guest.Ping, verdict: guest.DNSFailed, target: noDNS("%s")},
		{method: guest.Ping, verdict: guest.NoRoute, target: lost(plain), sources: lostSources},
		{method: guest.Ping, verdict: guest.Unreachable, target: of("dead", 22, plain)},
		{method: guest.Ping, verdict: guest.Timeout, target: of("drop", 21, plain)},

		{method: guest.TCP, verdict: guest.OK, target: srv(80)},
		{method: guest.TCP, verdict: guest.NoTool, target: srv(80), sources: []string{"bare"}},
		{method: guest.TCP, verdict: guest.DNSFailed, target: noDNS("%s:80")},
		{method: guest.TCP, verdict: guest.NoRoute, target: lost(port80), sources: lostSources},
		{method: guest.TCP, verdict: guest.Unreachable, target: of("dead", 22, port80)},
		{method: guest.TCP, verdict: guest.Timeout, target: of("drop", 21, port80)},
		{method: guest.TCP, verdict: guest.Refused, target: srv(81)},

		{method: guest.HTTP, verdict: guest.OK, target: url("http", 80)},
		{method: guest.HTTP, verdict: guest.NoTool, target: url("http", 80), sources: []string{"bare"}},
		{method: guest.HTTP, verdict: guest.DNSFailed, target: noDNS("http://%s/")},
		{method: guest.HTTP, verdict: guest.NoRoute, target: lost(http80), sources: lostSources},
		{method: guest.HTTP, verdict: guest.Unreachable, target: of("dead", 22, http80)},
		{method: guest.HTTP, verdict: guest.Timeout, target: of("drop", 21, http80)},
		{method: guest.HTTP, verdict: guest.Refused, target: url("http", 81)},
		{method: guest.HTTP, verdict: guest.Reset, target: url("http", 9001)},
		// Only curl and wget speak TLS: the others say no_tool (below).
		{method: guest.HTTP, verdict: guest.TLSFailed, target: url("https", 8443), sources: []string{"full"}},
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
// both eras, which take turns with the guests and the ways.
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

// test looks at the square from one machine, in every way whose turn it is.
func (c cell) test(t *testing.T, s *session, from string, row int) {
	t.Helper()
	for i, w := range ways {
		target := c.target(w)
		if target == "" || !slices.Contains(turn(row+i), s.era) {
			continue
		}
		t.Run(fmt.Sprintf("%s/%s/%s/%s", from, c.method, c.verdict, w), func(t *testing.T) {
			t.Parallel()
			r := s.call(t, "vm_test_connectivity", args{"machine": from, "target": target, "method": string(c.method), "count": 1, "timeout_seconds": c.patience()})
			require.False(t, r.IsError, r.Text)
			assert.Equal(t, string(c.verdict), r.at("verdict"), r.Text)
			assert.Equal(t, c.verdict.Reachable(), r.at("reachable"))
			assert.NotEmpty(t, r.at("meaning"))
			checkLegs(t, r, c, w)
		})
	}
}

// checkLegs: the ways that were tried are those that were asked for.
func checkLegs(t *testing.T, r result, c cell, w way) {
	t.Helper()
	legs, _ := r.at("results").([]any)
	require.NotEmpty(t, legs)
	var labels, families []string
	for i := range legs {
		label, _ := r.at("results", i, "by").(string)
		family, _ := r.at("results", i, "family").(string)
		labels, families = append(labels, label), append(families, family)
	}
	switch {
	case c.verdict == guest.DNSFailed:
		assert.Contains(t, labels, "name")
	case w == address4:
		assert.Equal(t, []string{"address", "ipv4"}, []string{labels[0], families[0]})
	case w == address6:
		assert.Equal(t, []string{"address", "ipv6"}, []string{labels[0], families[0]})
	case w == byName:
		assert.Contains(t, labels, "name")
	default: // another machine is tested by name and by address
		assert.Contains(t, labels, "name")
		assert.Contains(t, labels, "address")
	}
	if w == byName && c.verdict != guest.DNSFailed && c.verdict != guest.NoTool {
		assert.True(t, slices.Contains(families, "ipv4") && slices.Contains(families, "ipv6"), "a name with both families is tried over both: %v", families)
	}
}
