package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Who looks at a machine while it is being stopped has read that it runs, and gets
// its turn when it does not: `run` would boot it.
func TestALookBehindAStopWakesNothing(t *testing.T) {
	t.Parallel()
	for _, e := range eras {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			s := openWith(t, "\nmachines:\n  - {name: web}\n  - {name: db}\nfaults:\n  - {argv: '^stop web', kind: delay, delay: 1500ms}\n", e, nil, bin.server, "--exec", "all", "--allow-path", t.TempDir())
			_, stop := s.start("tools/call", args{"name": "vm_stop", "arguments": args{"machines": []string{"web"}}})
			until(t, "the stop to begin", func() bool { return strings.Contains(strings.Join(s.reached(), "\n"), "stop web") })
			looks := map[string]<-chan message{}
			for tool, a := range map[string]args{
				"vm_status_detailed":   {},
				"vm_network_details":   {},
				"vm_dns_lookup":        {"hostname": "db.orb.local"},
				"vm_test_connectivity": {"target": "db", "method": "ping"},
				"vm_logs":              {"source": "journal", "follow_seconds": 40},
				"vm_exec":              {"command": "true"},
				"vm_copy":              {"from_machine": "web", "source": "/etc/passwd", "to_machine": "db", "destination": "/tmp/x"},
			} {
				if tool != "vm_copy" {
					a["machine"] = "web"
				}
				_, looks[tool] = s.start("tools/call", args{"name": tool, "arguments": a})
			}
			require.Contains(t, string((<-stop).Result), `"state":"stopped"`)
			for tool, answer := range looks {
				words := string((<-answer).Result)
				assert.Regexp(t, `machine_not_running|"state":"stopped"|"reason":"not_running"`, words, tool)
			}
			for _, run := range s.reached() {
				assert.NotContains(t, run, "run -m web")
			}
			r := s.call(t, "vm_list", args{"state": "stopped"})
			assert.Contains(t, r.Text, `"name":"web"`)
		})
	}
}

// The names of two machines change hands while a person reads the question.
func TestAYesIsForTheMachineThatWasAskedAbout(t *testing.T) {
	t.Parallel()
	for _, e := range eras {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			var s *session
			var swap []<-chan message
			s = openAsking(t, "\nmachines:\n  - {name: web}\n  - {name: db}\nfaults:\n  - {argv: '^rename web', kind: delay, delay: 1s}\n", e, func(string) string {
				for _, names := range [][2]string{{"web", "old"}, {"db", "web"}} {
					_, done := s.start("tools/call", args{"name": "vm_rename", "arguments": args{"machine": names[0], "new_name": names[1]}})
					swap = append(swap, done)
					until(t, "the first to begin", func() bool { return strings.Contains(strings.Join(s.reached(), "\n"), "rename web old") })
				}
				return accept
			})
			r := s.call(t, "vm_exec", args{"machine": "web", "command": "echo done >/tmp/done"})
			// Between the two there is no machine of that name.
			assert.Contains(t, []string{"machine_changed", "machine_not_found"}, r.code(), r.Text)
			for _, done := range swap {
				assert.NotContains(t, string((<-done).Result), `"isError":true`)
			}
			for _, run := range s.reached() {
				assert.NotContains(t, run, "run -m")
			}
		})
	}
}

// Copies that wait for places and a stop that waits for them do not wait for each
// other: the locks come before the places.
func TestCopiesAndAStopOfTheirTargetDoNotStandInACircle(t *testing.T) {
	inOneEra(t, func(t *testing.T, e era) {
		s := openWith(t, filesWorld+"faults:\n  - {argv: '^logs', kind: hang}\n", e, nil, bin.server, "--allow-path", t.TempDir())
		s.inBox(t, "box", "echo text >/tmp/file")
		var follows []int
		for range 4 {
			id, _ := s.start("tools/call", args{"name": "vm_logs", "arguments": args{"machine": "box", "follow_seconds": 45}})
			follows = append(follows, id)
		}
		until(t, "the long lane to be full", func() bool { return s.placesTaken() == 4 })
		var copies []<-chan message
		for i := range 2 {
			_, answer := s.start("tools/call", args{"name": "vm_copy", "arguments": args{"from_machine": "box", "source": "/tmp/file", "to_machine": "bin", "destination": fmt.Sprintf("/tmp/copy-%d", i)}})
			copies = append(copies, answer)
		}
		until(t, "the copies to have looked", func() bool { return strings.Count(strings.Join(s.reached(), "\n"), "info bin") >= 2 })
		_, stop := s.start("tools/call", args{"name": "vm_stop", "arguments": args{"machines": []string{"bin"}}})
		s.call(t, "vm_list", args{}) // the stop waits by now
		for _, id := range follows {
			s.forget(id)
			s.send(args{"jsonrpc": "2.0", "method": "notifications/cancelled", "params": args{"requestId": id}})
		}
		for i, answer := range copies {
			words := string((<-answer).Result)
			assert.NotContains(t, words, "busy", "copy %d", i)
		}
		assert.Contains(t, string((<-stop).Result), `"state":"stopped"`)
	})
}
