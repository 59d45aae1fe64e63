package stdio

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
)

// States of a call: open, then answered unless it was cancelled before, and
// silenced if it is cancelled before the answer is on the wire.
const (
	stateOpen     = iota
	stateAnswered // its reply waits for the writer or is written; there is no other
	stateSilenced // nothing more is sent for it
)

// call is a request being served.
type call struct {
	message
	serverID uint64 // its id towards mcp-go
	at       lane
	size     int // bytes it holds

	ctx    context.Context
	cancel context.CancelCauseFunc
	state  atomic.Int32
}

// table holds the calls in flight, by the bytes of their ids: from when they
// are read until the answer is on the wire or they are cancelled. Apart from
// that it counts the calls that hold a slot or wait for one, first come first
// served: a cancelled handler keeps its slot until it returns.
type table struct {
	maxCalls, maxQueued, maxBytes int

	mu        sync.Mutex
	byID      map[string]*call
	running   int     // in a slot
	waiting   []*call // for a slot
	bytes     int     // that those two hold
	listening int
}

func newTable(o Options) *table {
	return &table{maxCalls: o.MaxCalls, maxQueued: o.MaxQueued, maxBytes: 8 * o.MaxMessage, byID: map[string]*call{}}
}

// admit enters c, and tells whether it can start now. If not, it waits for a
// slot, or is not entered at all if it is one too many. done must be called when
// a call that was started has ended.
func (t *table) admit(c *call) (start, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	start = true
	switch c.at {
	case onTheSpot:
	case listening:
		if t.listening >= maxListens {
			return false, false
		}
		t.listening++
	case inASlot:
		start = t.running < t.maxCalls
		if !start && (len(t.waiting) >= t.maxQueued || t.bytes+c.size > t.maxBytes) {
			return false, false
		}
		t.bytes += c.size
		if start {
			t.running++
		} else {
			t.waiting = append(t.waiting, c)
		}
	}
	t.byID[string(c.id)] = c
	return start, true
}

// done ends c, and returns the call that has its slot now, if one waits.
func (t *table) done(c *call) (next *call) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch c.at {
	case onTheSpot:
	case listening:
		t.listening--
	case inASlot:
		t.bytes -= c.size
		if len(t.waiting) == 0 {
			t.running--
			break
		}
		next = t.waiting[0]
		t.waiting = slices.Delete(t.waiting, 0, 1)
	}
	return next
}

// giveUp returns the calls that wait, which will not be started any more.
func (t *table) giveUp() []*call {
	t.mu.Lock()
	defer t.mu.Unlock()
	waiting := t.waiting
	t.waiting = nil
	return waiting
}

// remove takes c out of flight; its id may be used again.
func (t *table) remove(c *call) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byID[string(c.id)] == c {
		delete(t.byID, string(c.id))
	}
}

// inFlight reports whether a request under id is in flight.
func (t *table) inFlight(id json.RawMessage) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, ok := t.byID[string(id)]
	return ok
}

// silence ends the call under id, if there is one, without an answer.
func (t *table) silence(id json.RawMessage) {
	t.mu.Lock()
	c := t.byID[string(id)]
	delete(t.byID, string(id))
	if i := slices.Index(t.waiting, c); c != nil && i >= 0 {
		t.waiting = slices.Delete(t.waiting, i, i+1)
		t.bytes -= c.size
	}
	t.mu.Unlock()
	if c != nil {
		c.state.Store(stateSilenced)
		c.cancel(ErrCancelled)
	}
}

// all returns the calls in flight.
func (t *table) all() []*call {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Collect(maps.Values(t.byID))
}
