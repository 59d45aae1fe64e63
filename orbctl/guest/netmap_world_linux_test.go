package guest

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// mapLines are the cells of a report, one a line.
func mapLines(q MapQuery, r MapReport) []string {
	var lines []string
	for _, c := range r.Cells {
		lines = append(lines, fmt.Sprintf("%s %s %s:%d %s %s", q.Targets[c.Target].Name, c.Label, c.Method, c.Port, addrOr(c.Address), c.Verdict))
	}
	return lines
}

func addrOr(a netip.Addr) string {
	if !a.IsValid() {
		return "-"
	}
	return a.String()
}

func TestAMapHasEveryWayToEveryTarget(t *testing.T) {
	t.Parallel()
	dir, inside := inWorld(t)
	if !inside {
		return
	}
	q := MapQuery{Ports: []int{80, 9, 81}, Targets: []MapTarget{
		{mustAddr("10.9.1.1"), "four.test"},
		{mustAddr("10.9.1.2"), "dropped.test"},
		{mustAddr("10.9.1.1"), "differs.test"}, // leads to 10.9.1.2 here
		{mustAddr("10.9.1.3"), "nowhere.test"},
		{netip.Addr{}, "web.test"},
		{mustAddr("fd09:1::1"), "six.test"},
		{mustAddr("10.9.2.77"), "slow.test"},
		{mustAddr("10.200.0.1"), "servfail.test"},
	}}
	want := strings.Split(strings.TrimSpace(`
four.test address ping:0 10.9.1.1 ok
four.test name ping:0 10.9.1.1 ok
four.test address tcp:80 10.9.1.1 ok
four.test name tcp:80 10.9.1.1 ok
four.test address tcp:9 10.9.1.1 refused
four.test name tcp:9 10.9.1.1 refused
four.test address tcp:81 10.9.1.1 timeout
four.test name tcp:81 10.9.1.1 timeout
dropped.test address ping:0 10.9.1.2 timeout
dropped.test name ping:0 10.9.1.2 timeout
dropped.test address tcp:80 10.9.1.2 timeout
dropped.test name tcp:80 10.9.1.2 timeout
dropped.test address tcp:9 10.9.1.2 timeout
dropped.test name tcp:9 10.9.1.2 timeout
dropped.test address tcp:81 10.9.1.2 timeout
dropped.test name tcp:81 10.9.1.2 timeout
differs.test address ping:0 10.9.1.1 ok
differs.test name ping:0 10.9.1.2 timeout
differs.test address tcp:80 10.9.1.1 ok
differs.test name tcp:80 10.9.1.2 timeout
differs.test address tcp:9 10.9.1.1 refused
differs.test name tcp:9 10.9.1.2 timeout
differs.test address tcp:81 10.9.1.1 timeout
differs.test name tcp:81 10.9.1.2 timeout
nowhere.test address ping:0 10.9.1.3 unreachable
nowhere.test name ping:0 - dns_failed
nowhere.test address tcp:80 10.9.1.3 ok
nowhere.test name tcp:80 - dns_failed
nowhere.test address tcp:9 10.9.1.3 refused
nowhere.test name tcp:9 - dns_failed
nowhere.test address tcp:81 10.9.1.3 timeout
nowhere.test name tcp:81 - dns_failed
web.test name ping:0 10.9.1.1 ok
web.test name tcp:80 10.9.1.1 ok
web.test name tcp:9 10.9.1.1 refused
web.test name tcp:81 10.9.1.1 timeout
six.test address ping:0 fd09:1::1 ok
six.test name ping:0 fd09:1::1 ok
six.test address tcp:80 fd09:1::1 ok
six.test name tcp:80 fd09:1::1 ok
six.test address tcp:9 fd09:1::1 refused
six.test name tcp:9 fd09:1::1 refused
six.test address tcp:81 fd09:1::1 timeout
six.test name tcp:81 fd09:1::1 timeout
slow.test address ping:0 10.9.2.77 unreachable
slow.test name ping:0 - dns_failed
slow.test address tcp:80 10.9.2.77 unreachable
slow.test name tcp:80 - dns_failed
slow.test address tcp:9 10.9.2.77 unreachable
slow.test name tcp:9 - dns_failed
slow.test address tcp:81 10.9.2.77 unreachable
slow.test name tcp:81 - dns_failed
servfail.test address ping:0 10.200.0.1 no_route
servfail.test name ping:0 - dns_failed
servfail.test address tcp:80 10.200.0.1 no_route
servfail.test name tcp:80 - dns_failed
servfail.test address tcp:9 10.200.0.1 no_route
servfail.test name tcp:9 - dns_failed
servfail.test address tcp:81 10.200.0.1 no_route
servfail.test name tcp:81 - dns_failed
`), "\n")
	script, args, _, err := NetworkMap(q)
	require.NoError(t, err)
	for _, c := range []struct{ name, shell, hide string }{
		{"dash", "dash", ""}, {"bash", "bash", ""}, {"dash without bash", "dash", noBash}, {"busybox", "ash", noBash + noNC + noCurl},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := ask(t, dir, c.shell, strings.Fields(c.hide), script, args)
			r, err := ParseNetworkMap(q, ParseTranscript(goldenMark, out))
			require.NoError(t, err)
			got := mapLines(q, r)
			if c.shell == "ash" { // its ping keeps what a router says to itself
				i := slices.Index(want, "nowhere.test address ping:0 10.9.1.3 unreachable")
				assert.Equal(t, "nowhere.test address ping:0 10.9.1.3 timeout", got[i])
				got[i] = want[i]
			}
			assert.Equal(t, want, got, "%s", out)
		})
	}
	t.Run("no tool at all", func(t *testing.T) {
		out := ask(t, dir, "dash", strings.Fields(noBash+noNC+noCurl+noBusybox+" ping ping6"), script, args)
		r, err := ParseNetworkMap(q, ParseTranscript(goldenMark, out))
		require.NoError(t, err)
		assert.NotEmpty(t, r.Install)
		for i, c := range r.Cells {
			assert.Contains(t, []Verdict{NoTool, DNSFailed}, c.Verdict, mapLines(q, r)[i])
		}
	})
}
