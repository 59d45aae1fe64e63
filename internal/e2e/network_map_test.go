package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// mapWorld has one machine for each thing that a map can show.
const mapWorld = `
machines:
  - {name: web, listeners: [{kind: http, port: 80}], ip4: 192.168.139.10}
  - {name: box, rootfs: busybox, default_username: root, listeners: [{kind: http, port: 80}], ip4: 192.168.139.11}
  - {name: mute, files: {/etc/resolv.conf: "nameserver 203.0.113.1\noptions timeout:1 attempts:1\n"}, listeners: [{kind: http, port: 80}], ip4: 192.168.139.12}
  - {name: closed, listeners: [{kind: http, port: 8080}], ip4: 192.168.139.13}
  - {name: walled, isolated: true, isolate_network: true, listeners: [{kind: http, port: 80}], ip4: 192.168.139.14}
  - {name: nosh, listeners: [{kind: http, port: 80}], ip4: 192.168.139.15}
  - {name: legacy, state: stopped}
  - {name: other, state: stopped}
guest_rules:
  - {machine: nosh, argv: "^sh ", exit: 127, stderr: "sh: not found\n"}
`

type mapAnswer struct {
	Machines []struct {
		Name, State, Address string
		Isolated             bool
		IsolateNetwork       bool `json:"isolate_network"`
		Error                *struct{ Code, Message string }
	}
	Cells []struct {
		From, To, By, Method, Verdict string
		Port                          int
		MS                            float64
	}
	Problems []string
	Note     string
}

// verdicts are those of a map from one machine to another: "ping address", "tcp 80 name".
func (a mapAnswer) verdicts(from, to string) map[string]string {
	all := map[string]string{}
	for _, c := range a.Cells {
		way := c.Method
		if c.Port != 0 {
			way += fmt.Sprintf(" %d", c.Port)
		}
		if c.From == from && c.To == to {
			all[way+" "+c.By] = c.Verdict
		}
	}
	return all
}

func fourWays(ping, pingName, tcp, tcpName string) map[string]string {
	return map[string]string{"ping address": ping, "ping name": pingName, "tcp 80 address": tcp, "tcp 80 name": tcpName}
}

// It starts two hundred programs at once and each has seconds only: but for the
// other era, no test runs beside it.
func TestAMapShowsWhoReachesWhom(t *testing.T) {
	for _, e := range eras {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			seesTheMap(t, open(t, mapWorld, e))
		})
	}
}

func seesTheMap(t *testing.T, s *session) {
	t.Helper()
	r := s.call(t, "vm_network_map", args{"machines": []string{"web", "box", "mute", "closed", "walled", "nosh", "legacy", "web"}, "ports": []any{80, "80"}})
	got := decode[mapAnswer](t, r)
	require.Len(t, got.Machines, 7, "one row for each, and one that is named twice is one")
	rows := map[string]int{}
	for i, m := range got.Machines {
		rows[m.Name] = i
	}
	assert.True(t, got.Machines[rows["walled"]].IsolateNetwork)
	assert.Equal(t, "stopped", got.Machines[rows["legacy"]].State)
	require.NotNil(t, got.Machines[rows["nosh"]].Error)
	assert.Equal(t, "guest_tool_missing", got.Machines[rows["nosh"]].Error.Code)

	good := fourWays("ok", "ok", "ok", "ok")
	assert.Equal(t, good, got.verdicts("web", "box"))
	assert.Equal(t, good, got.verdicts("box", "web"))
	assert.Equal(t, good, got.verdicts("web", "nosh"), "it cannot be asked, and answers")
	assert.Equal(t, fourWays("ok", "dns_failed", "ok", "dns_failed"), got.verdicts("mute", "web"))
	assert.Equal(t, fourWays("ok", "ok", "refused", "refused"), got.verdicts("web", "closed"))
	for _, v := range got.verdicts("web", "walled") {
		assert.NotEqual(t, "ok", v)
	}
	assert.Empty(t, got.verdicts("nosh", "web"))
	assert.Empty(t, got.verdicts("web", "legacy"), "a stopped one is not tried")
	assert.Empty(t, got.verdicts("web", "web"))
	assert.Len(t, got.Cells, 5*5*4)

	all := strings.Join(got.Problems, "\n")
	for _, want := range []string{
		"nosh could not be asked what it reaches (guest_tool_missing)", "legacy is stopped, so it was not tested.",
		"mute cannot resolve the name of web, box, closed, nosh", "Tcp 80 to closed: refused from web, box, mute.",
		"walled is kept off the network on purpose (isolate_network)",
	} {
		assert.Contains(t, all, want)
	}
	checkMapText(t, r, got)
	for _, run := range s.booted() {
		assert.NotContains(t, run, "legacy", "a stopped machine is not woken")
	}
	assert.Empty(t, s.changesOf(0))
}

// checkMapText: every fact of the JSON stands in the text, in fewer words.
func checkMapText(t *testing.T, r result, got mapAnswer) {
	t.Helper()
	for _, m := range got.Machines {
		assert.Contains(t, r.Text, "- "+m.Name+", "+m.State)
	}
	for _, p := range got.Problems {
		assert.Contains(t, r.Text, "- "+p)
	}
	assert.Contains(t, r.Text, "| ping from \\ to |")
	assert.Contains(t, r.Text, "| tcp 80 from \\ to |")
	assert.Contains(t, r.Text, "```mermaid\nflowchart LR\n")
	for _, c := range got.Cells {
		if c.MS > 0 {
			assert.Contains(t, r.Text, fmt.Sprintf("%s %v", c.Verdict, c.MS))
		}
	}
	assert.Less(t, len(r.Text), len(r.Raw)/2)
}

func TestAMapOfAllIsOneRunForEachMachineThatRuns(t *testing.T) {
	inOneEra(t, func(t *testing.T, e era) {
		s := open(t, spawnWorld, e)
		got := decode[mapAnswer](t, s.call(t, "vm_network_map", args{}))
		assert.Equal(t, "Everything that was tested works.", got.Note)
		assert.Len(t, got.Machines, 2, "those that run")
		calls, _ := s.spawns(0)
		assert.ElementsMatch(t, []string{runList, infoWeb, "info db -f json", probeWeb + "netmap", "run -m db -w / netmap"}, calls)

		mark := len(s.reached())
		r := s.call(t, "vm_network_map", args{"machine": "web"}) // machine is understood, and published nowhere
		got = decode[mapAnswer](t, r)
		assert.Contains(t, got.Note, "it takes two")
		assert.Empty(t, got.Cells)
		got = decode[mapAnswer](t, s.call(t, "vm_network_map", args{"machines": []string{"legacy", "web"}}))
		assert.Equal(t, "stopped", got.Machines[1].State)
		calls, _ = s.spawns(mark)
		assert.Equal(t, []string{runList, infoWeb, runList, infoWeb}, calls)
	})
}

func TestAMapThatCannotBeDrawnSaysWhy(t *testing.T) {
	inOneEra(t, func(t *testing.T, e era) {
		s := open(t, spawnWorld, e)
		for _, c := range []struct {
			code string
			args args
			says string
		}{
			{"machine_not_found", args{"machines": []string{"web", "wbe"}}, "web"},
			{"invalid_argument", args{"ports": []int{0}}, "1 to 65535"},
			{"invalid_argument", args{"ports": []int{1, 2, 3, 4, 5, 6}}, "ports"},
		} {
			r := s.call(t, "vm_network_map", c.args)
			assert.Equal(t, c.code, r.code(), r.Text)
			assert.Contains(t, r.Text, c.says)
		}
		var many strings.Builder
		for i := range 21 {
			fmt.Fprintf(&many, "  - {name: m%02d}\n", i)
		}
		s = open(t, "machines:\n"+many.String(), e)
		r := s.call(t, "vm_network_map", args{})
		assert.Equal(t, "invalid_argument", r.code())
		assert.Contains(t, r.Text, "21 machines run, and a map holds 20 at most, so name some")
		assert.Empty(t, s.booted())
	})
}
