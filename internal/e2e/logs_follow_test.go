package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A progressNote is one notifications/progress.
type progressNote struct {
	Token    any     `json:"progressToken"`
	Progress float64 `json:"progress"`
	Message  string  `json:"message"`
}

// follow calls vm_logs, with a progress token if there is one.
func (s *session) follow(t *testing.T, a args, token any) (result, []progressNote) {
	t.Helper()
	return s.told(t, "vm_logs", a, token)
}

// told calls a tool and gives what was told meanwhile. Nothing may be told after the
// answer.
func (s *session) told(t *testing.T, tool string, a args, token any) (result, []progressNote) {
	t.Helper()
	params := args{"name": tool, "arguments": a}
	if token != nil {
		params["_meta"] = args{"progressToken": token}
	}
	before := len(s.progress(t))
	m := s.request(t, "tools/call", params)
	require.Nil(t, m.Error)
	r := s.result(t, tool, m)
	told := s.progress(t)
	s.call(t, "orbstack_status", args{})
	assert.Len(t, s.progress(t), len(told), "a notification came after the answer")
	return r, told[before:]
}

// progress is every notification of progress so far; there may be no other kind.
func (s *session) progress(t *testing.T) []progressNote {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []progressNote
	for _, n := range s.notes {
		require.Equal(t, "notifications/progress", n.Method)
		var p progressNote
		require.NoError(t, json.Unmarshal(n.Params, &p))
		all = append(all, p)
	}
	return all
}

// checkTold: the token is the client's, the values rise, and each line that was
// told of is in the result too.
func checkTold(t *testing.T, told []progressNote, token any, lines []string) {
	t.Helper()
	last := 0.0
	for _, p := range told {
		assert.Equal(t, token, p.Token)
		assert.Greater(t, p.Progress, last)
		last = p.Progress
		assertHarmless(t, p.Message)
		head, news, _ := strings.Cut(p.Message, "\n")
		if strings.HasSuffix(head, "new lines:") {
			for line := range strings.SplitSeq(news, "\n") {
				assert.Contains(t, lines, line)
			}
		}
	}
}

// news are the lines that the notifications told of.
func news(told []progressNote) []string {
	var all []string
	for _, p := range told {
		if head, rest, ok := strings.Cut(p.Message, "\n"); ok && strings.HasSuffix(head, "new lines:") {
			all = append(all, strings.Split(rest, "\n")...)
		}
	}
	return all
}

// streaming is an orbctl whose `logs` goes on: two old lines, then new ones, in
// two bursts. All else is the simulator's.
func streaming(t *testing.T) []string {
	t.Helper()
	orbctl := filepath.Join(t.TempDir(), "orbctl")
	script := `#!/bin/sh
case $1 in
logs)
	printf 'old 1\nold 2 ERROR\n'
	/bin/sleep 0.8
	printf 'new %s \033[31mred\033[0m\n' 1 2 3 4 5
	/bin/sleep 0.8
	printf 'new %s \033[31mred\033[0m\n' 6 7 8 9 10
	printf 'no end of line'
	exec /bin/sleep 60 ;;
esac
exec "$HOME/.orbstack/bin/orbctl" "$@"
`
	require.NoError(t, os.WriteFile(orbctl, []byte(script), 0o755))
	return []string{bin.server, "--sandbox", "off", "--orbctl", orbctl} // a script starts other programs
}

// A log that goes on is read until the time is up: the old lines, and each new
// one as progress and in the result.
func TestFollowingALogThatGoesOn(t *testing.T) {
	all := []string{"old 1", "old 2 ERROR"}
	for i := range 10 {
		all = append(all, fmt.Sprintf("new %d red", i+1))
	}
	all = append(all, "no end of line")
	inBothEras(t, func(t *testing.T, e era) {
		for name, tt := range map[string]struct {
			args  args
			token any
			want  []string
			told  bool
		}{
			"a token of letters": {args{"follow_seconds": 10}, "t-1", all, true},
			"a token of digits":  {args{"follow_seconds": 10}, float64(7), all, true},
			"no token":           {args{"follow_seconds": 10}, nil, all, false},
			"a pattern":          {args{"follow_seconds": 10, "grep": "ERROR|new [2-4] "}, "t", []string{"old 2 ERROR", "new 2 red", "new 3 red", "new 4 red"}, true},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := openWith(t, "base", e, nil, streaming(t)...)
				r, told := s.follow(t, tt.args, tt.token)
				got := decode[logsAnswer](t, r)
				assert.Equal(t, tt.want, got.Lines)
				assert.True(t, got.Complete, "to follow until the time is up is what was asked for")
				checkLogText(t, r.Text, got)
				checkTold(t, told, tt.token, tt.want)
				assert.Equal(t, tt.told, len(told) > 0, "%v", told)
				if tt.told {
					assert.NotEmpty(t, news(told))
					assert.NotContains(t, news(told), "old 1", "what was there before is no news")
				}
			})
		}
	})
}

// Without follow_seconds a log that never ends is cut at a deadline, and says so.
func TestALogThatNeverEndsIsCutAtItsDeadline(t *testing.T) {
	inOneEra(t, func(t *testing.T, e era) {
		s := open(t, "extends: demo\nvariants: {logs: follows}\n", e)
		r := s.call(t, "vm_logs", args{"machine": "legacy", "lines": 2})
		got := decode[logsAnswer](t, r)
		assert.Len(t, got.Lines, 2)
		assert.Contains(t, got.Lines[1], "Dependency failed for data.mount")
		assert.False(t, got.Complete)
		assert.Contains(t, r.Text, "Not complete: the time was up before the log's end.")
	})
}

// The variant of the simulator that follows: what is there, until the time is up.
func TestFollowingALogWithoutNews(t *testing.T) {
	inOneEra(t, func(t *testing.T, e era) {
		s := open(t, "extends: demo\nvariants: {logs: follows}\n", e)
		r, told := s.follow(t, args{"machine": "legacy", "follow_seconds": 2}, "t")
		got := decode[logsAnswer](t, r)
		assert.Len(t, got.Lines, 4)
		assert.True(t, got.Complete)
		assert.Equal(t, "New matching lines while following: 0.", r.at("note"))
		assert.Empty(t, news(told))
		checkTold(t, told, "t", got.Lines)
	})
}

// A log that ends is looked at again, and what came since is told once.
func TestFollowingALogThatEnds(t *testing.T) {
	world := `
extends: base
faults:
  - {argv: "^logs web", times: 1, kind: garbage, stdout: "a\nb\n"}
  - {argv: "^logs web", kind: garbage, stdout: "a\nb\nc\nd\ne\n"}
`
	inOneEra(t, func(t *testing.T, e era) {
		s := open(t, world, e)
		r, told := s.follow(t, args{"machine": "web", "follow_seconds": 8}, "t")
		got := decode[logsAnswer](t, r)
		assert.Equal(t, []string{"a", "b", "c", "d", "e"}, got.Lines, "every line once")
		assert.EqualValues(t, 5, got.Read)
		assert.True(t, got.Complete)
		assert.Equal(t, "New matching lines while following: 3.", r.at("note"))
		checkTold(t, told, "t", got.Lines)
		assert.Subset(t, []string{"c", "d", "e"}, news(told))
		assert.NotEmpty(t, told, "that it waits is told too")
	})
}

// A file in the machine is followed there, while somebody writes to it.
func TestFollowingAFileInAMachine(t *testing.T) {
	world := `
version: 2.2.3
default: sys
machines:
  - {name: sys, files: {/var/log/syslog: "old 1\nold 2\n"}}
  - {name: box, rootfs: busybox, default_username: root, files: {/var/log/messages: "old 1\nold 2\n"}}
`
	files := map[string]string{"sys": "/var/log/syslog", "box": "/var/log/messages"}
	inOneEra(t, func(t *testing.T, e era) {
		for machine, file := range files {
			t.Run(machine, func(t *testing.T) {
				t.Parallel()
				// Somebody writes a line every fifth of a second, as long as the server lives.
				write := `o=$HOME/.orbstack/bin/orbctl; (while $o run -m "$1" -u root sh -c 'echo fresh line >>$0' "$2"; do sleep 0.2; done) </dev/null >/dev/null 2>&1 & exec "$3"`
				s := openWith(t, world, e, nil, "sh", "-c", write, "sh", machine, file, bin.server)
				r, told := s.follow(t, args{"machine": machine, "source": "journal", "follow_seconds": 6, "lines": 1000}, "t")
				got := decode[logsAnswer](t, r)
				require.GreaterOrEqual(t, len(got.Lines), 3)
				assert.Equal(t, []string{"old 1", "old 2", "fresh line"}, got.Lines[:3])
				assert.Equal(t, "tail", got.Tool)
				assert.Empty(t, got.Missing, "that it was ended when its time was up is no failure")
				checkTold(t, told, "t", got.Lines)
				assert.NotEmpty(t, news(told))
			})
		}
	})
}

// A client that gives up ends the following, and hears no more of it.
func TestFollowingEndsWithTheCall(t *testing.T) {
	needsProc(t)
	inOneEra(t, func(t *testing.T, e era) {
		s := openWith(t, "base", e, nil, streaming(t)...)
		id, _ := s.start("tools/call", args{"name": "vm_logs", "arguments": args{"follow_seconds": 45}, "_meta": args{"progressToken": "t"}})
		until(t, "a first notification", func() bool { return len(s.progress(t)) > 0 })
		s.forget(id)
		s.send(map[string]any{"jsonrpc": "2.0", "method": "notifications/cancelled", "params": args{"requestId": id}})
		until(t, "the end of what follows", func() bool {
			for _, name := range descendants(s.cmd.Process.Pid) {
				if name == "sleep" {
					return false
				}
			}
			return true
		})
		assert.False(t, s.call(t, "vm_list", args{}).IsError)
	})
}

// While following, lines bounds what was there, whichever log it is.
func TestFollowingShowsNoMoreOldLinesThanWereAskedFor(t *testing.T) {
	world := `
version: 2.2.3
default: web
machines:
  - {name: web, logs: ["one", "two", "three"], logs_repeat: 2000, files: {/var/log/syslog: "s1\ns2\ns3\n"}}
`
	inOneEra(t, func(t *testing.T, e era) {
		s := open(t, world, e)
		for _, source := range []string{"machine", "kernel", "journal"} {
			t.Run(source, func(t *testing.T) {
				t.Parallel()
				r := s.call(t, "vm_logs", args{"source": source, "lines": 2, "follow_seconds": 1})
				got := decode[logsAnswer](t, r)
				checkLogText(t, r.Text, got)
				assert.True(t, got.Complete)
				switch source {
				case "machine":
					assert.Equal(t, []string{"two", "three"}, got.Lines)
					assert.Equal(t, [3]int64{6000, 6000, 5998}, [3]int64{got.Read, got.Matched, got.Cut})
				case "journal":
					assert.Equal(t, []string{"s2", "s3"}, got.Lines)
				case "kernel": // of the whole VM: it may have news, and nobody can wait for them here
					assert.LessOrEqual(t, len(got.Lines), 2)
					assert.Contains(t, got.Missing.why("follow"), "/dev/kmsg")
				}
			})
		}
	})
}
