package runner_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/orbctl/runner"
)

// mostAtOnce is the greatest number of children with that verb, or with any if
// it is "", that lived at the same time.
func mostAtOnce(events []event, verb string) (most int) {
	now := 0
	for _, e := range events {
		switch {
		case verb != "" && e.Argv[0] != verb:
			continue
		case e.End:
			now--
		default:
			now++
		}
		most = max(most, now)
	}
	return most
}

// Short calls and long ones in turn: nobody is turned away, and no lane has a
// fifth child.
func TestThreat22_FiveHundredCallsAreNeverMoreThanFourChildrenALane(t *testing.T) {
	calls := 500
	if testing.Short() {
		calls = 100
	}
	w := newWorld(t, nil)
	r := w.runner(t)
	var all sync.WaitGroup
	for i := range calls {
		call := list
		if i%2 == 1 {
			call = named(runner.OpLogs, "web")
		}
		all.Go(func() {
			_, err := r.Run(t.Context(), call)
			assert.NoError(t, err)
		})
	}
	all.Wait()
	events := w.events(t)
	for _, verb := range []string{"list", "logs"} {
		assert.Len(t, w.calls(t, verb), calls/2, "%s: each is answered by a child of its own", verb)
		assert.LessOrEqual(t, mostAtOnce(events, verb), 4, verb)
	}
	assert.LessOrEqual(t, mostAtOnce(events, ""), 8, "with those that ask for the status")
}

// Four follows have all long places and two more wait for one. Lists come and go
// meanwhile, more of them than there are places of either kind.
func TestThreat22_FourFollowsDoNotStarveAList(t *testing.T) {
	w := newWorld(t, map[string]acts{"logs": {Do: "linger"}, "run": {Do: "linger"}})
	r := w.runner(t)
	ctx, cancel := context.WithCancel(t.Context())
	var follows, lists sync.WaitGroup
	follow := probe("web", "")
	follow.Deadline = 45 * time.Second
	for i := range 6 {
		call := named(runner.OpLogs, "web")
		if i%2 == 0 {
			call = follow
		}
		follows.Go(func() {
			_, err := r.Run(ctx, call)
			assert.ErrorIs(t, err, context.Canceled)
		})
	}
	require.Eventually(t, func() bool { return len(w.pids(t)) == 4 }, 20*time.Second, 5*time.Millisecond)
	for range 20 {
		lists.Go(func() {
			_, err := r.Run(t.Context(), list)
			assert.NoError(t, err)
		})
	}
	lists.Wait()
	for _, pid := range w.pids(t) {
		assert.True(t, alive(pid), "the follows go on")
	}
	cancel()
	follows.Wait()
	assert.Len(t, w.pids(t), 4, "those that waited never started")
	assert.Zero(t, w.survivors(t))
}
