package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Four follows and four copies, none of which gets anywhere, leave a place for who
// only looks; and all that wait can be called off.
func TestFollowsAndCopiesDoNotStarveAList(t *testing.T) {
	inOneEra(t, func(t *testing.T, e era) {
		s := openWith(t, filesWorld+"faults:\n  - {argv: '^logs', kind: hang}\n  - {argv: '(?s)^run -m bin .*orbstack-mcp-put', kind: hang}\n", e, nil, bin.server, "--allow-path", t.TempDir())
		s.inBox(t, "box", "echo text >/tmp/file")
		var calls []int
		var answers []<-chan message
		begin := func(tool string, a args) {
			id, answer := s.start("tools/call", args{"name": tool, "arguments": a})
			calls, answers = append(calls, id), append(answers, answer)
		}
		for i := range 4 {
			begin("vm_logs", args{"machine": "box", "follow_seconds": 45})
			begin("vm_copy", args{"from_machine": "box", "source": "/tmp/file", "to_machine": "bin", "destination": fmt.Sprintf("/tmp/copy-%d", i)})
		}
		// Where a copy is next it waits for two places, and one may be free.
		until(t, "the long lane to be full", func() bool { return s.placesTaken() >= 3 })

		r := s.call(t, "vm_list", args{})
		assert.False(t, r.IsError, r.Text)
		for i, answer := range answers {
			assert.Empty(t, answer, "call %d has ended", i)
		}
		assert.LessOrEqual(t, s.placesTaken(), 4)
		for _, id := range calls {
			s.forget(id)
			s.send(args{"jsonrpc": "2.0", "method": "notifications/cancelled", "params": args{"requestId": id}})
		}
		until(t, "the end of all", func() bool { return s.placesTaken() == 0 })
		require.Empty(t, s.inBox(t, "bin", "ls -A /tmp"))
	})
}

// placesTaken are those of the long lane: a follow takes one, and a copy two.
func (s *session) placesTaken() int {
	places := map[int64]int{}
	for _, r := range s.records() {
		switch words := brief(r.Argv); {
		case r.Event == "end":
			delete(places, r.N)
		case strings.HasPrefix(words, "logs "):
			places[r.N] = 1
		case strings.HasPrefix(words, "run -m bin ") && strings.Contains(words, " put"):
			places[r.N] = 2
		}
	}
	taken := 0
	for _, n := range places {
		taken += n
	}
	return taken
}
