package runner

import (
	"context"
	"sync/atomic"

	"golang.org/x/sync/semaphore"
)

const (
	lanePlaces  = 4   // children at a time
	laneWaiting = 512 // calls that may wait for a place
)

// A lane lets a few calls through at a time, in the order in which they came: who
// wants two places is not overtaken by those who want one.
type lane struct {
	places  *semaphore.Weighted
	waiting atomic.Int64
}

func newLane() *lane { return &lane{places: semaphore.NewWeighted(lanePlaces)} }

// enter takes n places at once. It fails with *BusyError, or with the cause of a
// ctx that ended while waiting.
func (l *lane) enter(ctx context.Context, n int64) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if l.places.TryAcquire(n) {
		return nil
	}
	if waiting := l.waiting.Add(1); waiting > laneWaiting {
		l.waiting.Add(-1)
		return &BusyError{Waiting: laneWaiting}
	}
	defer l.waiting.Add(-1)
	if l.places.Acquire(ctx, n) != nil {
		return context.Cause(ctx)
	}
	return nil
}

func (l *lane) leave(n int64) { l.places.Release(n) }

// Places are places of the long lane for calls that need each other. Each of them
// carries it as Call.In.
type Places struct {
	lane *lane
	n    int64
}

// Places takes the long places of n calls at once, so that two copies never wait
// for each other's second one. Errors: *BusyError, the cause of a ctx that ended.
func (r *Runner) Places(ctx context.Context, n int) (*Places, error) {
	p := &Places{lane: r.lanes[long], n: int64(n)}
	if err := p.lane.enter(ctx, p.n); err != nil {
		return nil, err
	}
	return p, nil
}

// Release gives the places back. It may be called on nil Places.
func (p *Places) Release() {
	if p != nil {
		p.lane.leave(p.n)
	}
}
