package guest

import (
	"maps"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// seeds are some of the recorded answers of real tools.
func seeds(f *testing.F, kind string) {
	f.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", kind, "*.txt"))
	if err != nil || len(files) == 0 {
		f.Fatalf("no recordings of %s: %v", kind, err)
	}
	for _, file := range files {
		entries := splitEntries(f, file)
		for i, name := range slices.Sorted(maps.Keys(entries)) {
			if _, out, ok := strings.Cut(entries[name], "\n"); ok && i%6 == 0 {
				f.Add(out)
			}
		}
	}
}

// Whatever a guest prints: no panic, and nothing is reached without an attempt
// that says so.
func FuzzConnectivity(f *testing.F) {
	seeds(f, "reach")
	queries := []ConnectivityQuery{
		{Method: Ping, Legs: []Leg{{Label: ByName, Host: "web.test"}, {Label: ByAddress, Host: "web.test", Lookup: true}}},
		{Method: TCP, Port: 80, Legs: []Leg{{Label: ByAddress, Host: "10.9.1.1"}}},
		{Method: HTTP, URL: "http://web.test/", Legs: []Leg{{Label: ByName, Host: "web.test"}}},
	}
	f.Fuzz(func(t *testing.T, out string) {
		for _, q := range queries {
			r, err := ParseConnectivity(q, ParseTranscript(goldenMark, out))
			if err != nil {
				continue
			}
			if len(r.Legs) == 0 {
				t.Fatal("a report without a leg")
			}
			for _, leg := range r.Legs {
				if possible, why := Possible(q.Method, leg.Verdict); !possible {
					t.Fatalf("%s gave %s: %s", q.Method, leg.Verdict, why)
				}
				if leg.Verdict.Reachable() && len(leg.Attempts) == 0 {
					t.Fatalf("%+v is reachable without an attempt", leg)
				}
			}
		}
	})
}

// Whatever a guest prints: no panic, and an answer has a status.
func FuzzDNS(f *testing.F) {
	seeds(f, "dns")
	queries := []DNSQuery{{Name: "web.test"}, {Name: "web.test", Type: "ANY"}, {Name: "10.9.1.1"}, {Name: "web.test", Type: "TXT", Server: "10.9.9.9"}}
	f.Fuzz(func(t *testing.T, out string) {
		for _, q := range queries {
			r, err := ParseDNS(q, ParseTranscript(goldenMark, out))
			if err != nil {
				continue
			}
			if r.Status == "" {
				t.Fatalf("no status: %+v", r)
			}
			// An alias may stand beside NXDOMAIN and SERVFAIL (RFC 6604 §3); but
			// without a response there is nothing.
			if len(r.Records) > 0 && len(r.Missing) == 0 && slices.Contains([]DNSStatus{DNSTimeout, ServerUnreachable, DNSFailure}, r.Status) {
				t.Fatalf("records beside %s", r.Status)
			}
		}
	})
}

// Whatever a guest prints: a map has every way to every target, once, and what is
// reached was tried.
func FuzzNetworkMap(f *testing.F) {
	seeds(f, "reach")
	q := MapQuery{Ports: []int{22}, Targets: []MapTarget{
		{Address: netip.MustParseAddr("10.9.1.1"), Name: "web.test"}, {Name: "db.test"},
	}}
	f.Fuzz(func(t *testing.T, out string) {
		var all strings.Builder // the script of one attempt, told in each of the map's streams
		for _, id := range []string{"1", "1.ping", "1.22", "2", "2.ping", "2.22"} {
			for line := range strings.Lines(out) {
				all.WriteString(string(goldenMark) + "@" + id + " " + line)
			}
		}
		r, err := ParseNetworkMap(q, ParseTranscript(goldenMark, all.String()))
		if err != nil {
			return
		}
		if len(r.Cells) != 6 {
			t.Fatalf("%d cells", len(r.Cells))
		}
		for _, c := range r.Cells {
			if possible, why := Possible(c.Method, c.Verdict); !possible && c.Verdict != "" {
				t.Fatalf("%s gave %s: %s", c.Method, c.Verdict, why)
			}
		}
	})
}
