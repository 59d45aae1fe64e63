package runner

import (
	"context"
	"sync"
	"time"
)

// statusAge is how long an answer of status holds.
const statusAge = 2 * time.Second

// standing is what was last known of OrbStack.
type standing struct {
	status Status
	detail string
	err    error // status itself failed, so the state is not known
}

// A gate asks for OrbStack's state at most once in statusAge, whoever wants to
// know. It keeps no goroutine: the one whose turn it is asks, with its own
// context, and the others wait for the answer.
type gate struct {
	ask  func(context.Context) standing
	turn chan struct{}

	mu    sync.Mutex
	last  standing
	since time.Time
}

func newGate(ask func(context.Context) standing) *gate {
	return &gate{ask: ask, turn: make(chan struct{}, 1)}
}

// known is an answer that still holds.
func (g *gate) known() (standing, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.last, !g.since.IsZero() && time.Since(g.since) < statusAge
}

// check returns an answer not older than statusAge. If ctx ends first, its cause
// is the error, and whoever is next asks anew.
func (g *gate) check(ctx context.Context) standing {
	if s, ok := g.known(); ok {
		return s
	}
	select {
	case g.turn <- struct{}{}:
		defer func() { <-g.turn }()
	case <-ctx.Done():
		return standing{err: context.Cause(ctx)}
	}
	if s, ok := g.known(); ok {
		return s
	}
	s := g.ask(ctx)
	if s.err != nil && ctx.Err() != nil {
		return standing{err: context.Cause(ctx)}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.last, g.since = s, time.Now()
	return s
}
