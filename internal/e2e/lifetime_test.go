package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func needsProc(t *testing.T) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("it looks for processes in /proc")
	}
}

// orbctls is how many orbctl run in the session's world. What is in a PID
// namespace is below orbsim too, and so are those whose parents are gone.
func (s *session) orbctls() int {
	n := 0
	for _, name := range descendants(s.cmd.Process.Pid) {
		if name == "orbctl" {
			n++
		}
	}
	return n
}

// awaitCall waits until a call has reached orbctl.
func (s *session) awaitCall(t *testing.T, call string) {
	t.Helper()
	until(t, call, func() bool { return slices.Contains(s.reached(), call) })
}

const hangWorld = "extends: base\nfaults:\n  - {argv: '^list', kind: hang}\n  - {argv: '^info db', kind: hang}\n  - {argv: '^logs', kind: hang}\n"

// hold keeps the world up when the server is gone, until a file is there.
const hold = `"$@"; while [ ! -e "$0" ]; do sleep 0.05; done`

// However the server dies, what it has started dies with it.
func TestAKilledServerLeavesNothingRunning(t *testing.T) {
	needsProc(t)
	t.Parallel()
	for _, e := range eras {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			done := filepath.Join(t.TempDir(), "done")
			s := openWith(t, hangWorld, e, nil, "sh", "-c", hold, done, bin.server)
			t.Cleanup(func() { require.NoError(t, os.WriteFile(done, nil, 0o600)) })
			s.start("tools/call", args{"name": "vm_list", "arguments": args{}})
			s.start("tools/call", args{"name": "vm_network_details", "arguments": args{"machine": "db"}})
			s.start("tools/call", args{"name": "vm_logs", "arguments": args{"machine": "web"}})
			for _, call := range []string{"list -f json", "info db -f json", "logs web"} {
				s.awaitCall(t, call)
			}
			require.Equal(t, 3, s.orbctls())
			require.NoError(t, syscall.Kill(s.server(t), syscall.SIGKILL))
			until(t, "the end of every orbctl", func() bool { return s.orbctls() == 0 })
			assert.NotEmpty(t, descendants(s.cmd.Process.Pid), "the world is still there, and could have kept them")
		})
	}
}

// oneShot is everything that a client without patience says.
func oneShot(e era) string { return inOneGo(e, "vm_list", "orbstack_status") }

// inOneGo are all requests of a short session, with the ids 1 to 3.
func inOneGo(e era, tools ...string) string {
	meta := ""
	lines := []string{
		`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"e2e","version":"1"}}}`,
		`{"jsonrpc":"2.0","method":"notifications/initialized"}`,
	}
	if e == modern {
		meta = `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"e2e","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}},`
		lines = []string{`{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{` + strings.TrimSuffix(meta, ",") + `}}`}
	}
	for i, tool := range tools {
		lines = append(lines, fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{%s"name":"%s","arguments":{}}}`, i+2, meta, tool))
	}
	return strings.Join(lines, "\n") + "\n"
}

// A client that writes everything and closes its end gets every reply: echo … |
// orbstack-mcp. Each is a process of its own, since it is about how one ends. Most
// must come to their end within the drain, so that no other test runs beside it.
func TestNoReplyIsLostWhenTheInputEnds(t *testing.T) {
	const runs = 30
	for _, e := range eras {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(dir, "in"), []byte(oneShot(e)), 0o600))
			script := fmt.Sprintf(`i=0; while [ $i -lt %d ]; do i=$((i+1)); "$0" <"$1/in" >"$1/$i" || exit 9; done`, runs)
			out, err := exec.Command(bin.sim, "run", worldArg(t, spawnWorld), "--", "sh", "-c", script, bin.server, dir).CombinedOutput()
			require.NoError(t, err, "%s", out)
			whole := 0
			for i := 1; i <= runs; i++ {
				b, err := os.ReadFile(filepath.Join(dir, fmt.Sprint(i)))
				require.NoError(t, err)
				if isWhole(t, b) {
					whole++
				}
			}
			assert.Greater(t, whole, runs/2, "on a computer with nothing else to do, all are")
		})
	}
}

// Two hundred of the real program, a thousand with -whole, without an orbctl to wait
// for. The transport alone is asked two thousand times (internal/stdio). No other test
// runs beside it either: what a server has not written 1.85 s after the end of its
// input, it does not write any more (internal/stdio, Serve).
func TestNoReplyOfHundredsOfServersIsLost(t *testing.T) {
	runs := 100 // in each era
	if *whole {
		runs = 500
	}
	for _, e := range eras {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			home := t.TempDir()
			in := []byte(inOneGo(e, "vm_logs", "vm_list"))
			for run := range runs {
				server := exec.Command(bin.server, "--orbctl", "/nonexistent/orbctl")
				server.Env = []string{"HOME=" + home}
				server.Stdin = bytes.NewReader(in)
				out, err := server.Output()
				require.NoError(t, err, "run %d", run)
				answered := map[string]int{}
				for line := range bytes.Lines(out) {
					var m message
					require.NoError(t, json.Unmarshal(line, &m), "%s", line)
					answered[string(m.ID)]++
					if string(m.ID) != "1" {
						require.Contains(t, string(line), "orbctl_not_found", "run %d", run)
					}
				}
				require.Equal(t, map[string]int{"1": 1, "2": 1, "3": 1}, answered, "run %d: %s", run, out)
			}
		})
	}
}

// isWhole asserts that every request was answered once, and says whether that
// was with what was asked for; a slow computer may be cut by the drain.
func isWhole(t *testing.T, output []byte) bool {
	t.Helper()
	answered := map[string]int{}
	whole := true
	for line := range bytes.Lines(output) {
		var m message
		require.NoError(t, json.Unmarshal(line, &m), "%s", line)
		answered[string(m.ID)]++
		if m.Error != nil || bytes.Contains(m.Result, []byte(`"isError":true`)) {
			whole = false
			assert.Regexp(t, "shutting down", string(line))
		}
	}
	assert.Equal(t, map[string]int{"1": 1, "2": 1, "3": 1}, answered, "%s", output)
	return whole
}

// SIGTERM is how clients end a server that does not end by itself: what runs is
// finished first.
func TestASignalLetsCallsFinish(t *testing.T) {
	needsProc(t)
	t.Parallel()
	for _, e := range eras {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			s := open(t, "machines: [{name: web}]\nfaults: [{argv: '^list', kind: delay, delay: 300ms}]\n", e)
			_, answer := s.start("tools/call", args{"name": "vm_list", "arguments": args{}})
			s.awaitCall(t, "list -f json")
			require.NoError(t, syscall.Kill(s.server(t), syscall.SIGTERM))
			m := s.wait(t, answer)
			require.Nil(t, m.Error)
			r := s.result(t, "vm_list", m)
			require.False(t, r.IsError, r.Text)
			assert.Equal(t, "web", r.at("machines", 0, "name"))
			<-s.ended // by itself, its input is open; that its exit status is 0 is checked at the end
		})
	}
}

// A call that is not done when the drain is over says so, and nothing is left of
// it. Its handler has 250 ms to say it, which a busy computer may miss.
func TestACallThatIsCutByTheEndSaysSo(t *testing.T) {
	needsProc(t)
	t.Parallel()
	for _, e := range eras {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			for range 5 {
				s := open(t, hangWorld, e)
				_, answer := s.start("tools/call", args{"name": "vm_list", "arguments": args{}})
				s.awaitCall(t, "list -f json")
				require.NoError(t, s.stdin.Close())
				m := s.wait(t, answer)
				if m.Error != nil {
					assert.Contains(t, m.Error.Message, "shutting down")
					continue
				}
				r := s.result(t, "vm_list", m)
				assert.Equal(t, "cancelled", r.code())
				assert.Contains(t, r.Text, "the server is shutting down")
				return
			}
			assert.Fail(t, "it never said so")
		})
	}
}

// Who cancels wants no answer, and gets none; the work ends at once.
func TestACancelledCallEndsInSilence(t *testing.T) {
	needsProc(t)
	t.Parallel()
	for _, e := range eras {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			s := open(t, hangWorld, e)
			id, _ := s.start("tools/call", args{"name": "vm_list", "arguments": args{}})
			s.awaitCall(t, "list -f json")
			s.forget(id)
			s.send(args{"jsonrpc": "2.0", "method": "notifications/cancelled", "params": args{"requestId": id, "reason": "changed my mind"}})
			until(t, "the end of its orbctl", func() bool { return s.orbctls() == 0 })
			r := s.call(t, "vm_network_details", args{"machine": "web"})
			assert.False(t, r.IsError, "the next one is served: %s", r.Text)
		})
	}
}

// Five hundred calls at once are all answered, and OrbStack sees four at a time.
func TestAFlightOfCallsGoesThroughFourAtATime(t *testing.T) {
	t.Parallel()
	const flight, places = 500, 4
	for _, e := range turnOf(t) {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			s := open(t, spawnWorld, e)
			answers := make([]<-chan message, flight)
			for i := range answers {
				_, answers[i] = s.start("tools/call", args{"name": "vm_list", "arguments": args{"name_contains": "nothing"}})
			}
			for _, answer := range answers {
				m := s.wait(t, answer)
				require.Nil(t, m.Error)
				r := s.result(t, "vm_list", m)
				require.False(t, r.IsError, r.Text)
				require.Equal(t, []any{}, r.at("machines"))
			}
			calls, _ := s.spawns(0)
			assert.Len(t, calls, flight)
			assert.LessOrEqual(t, s.atOnce(""), places)
			assert.Greater(t, s.atOnce(""), 1, "they do run side by side")
		})
	}
}
