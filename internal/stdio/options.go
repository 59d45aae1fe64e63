package stdio

import (
	"log/slog"
	"time"
)

// Defaults of [Options].
const (
	DefaultMaxMessage = 4 << 20
	DefaultMaxCalls   = 16
	DefaultMaxQueued  = 1024
	DefaultDrain      = 1500 * time.Millisecond
)

const (
	// grace is how long handlers that were cancelled at the end of the drain
	// have to return; flush, how long the last replies have to leave. With the
	// default drain they end the server 1.85 s after its input: clients built
	// on the TypeScript SDK send SIGTERM after 2 s.
	grace = 250 * time.Millisecond
	flush = 100 * time.Millisecond

	// maxListens bounds subscriptions/listen streams open at once.
	maxListens = 64
	// maxID bounds an id, in bytes: it is kept, and echoed.
	maxID = 1 << 10
	// maxErrorText bounds the message of an error, in bytes: mcp-go quotes
	// names that the client sent.
	maxErrorText = 4 << 10

	// maxUnread is how much may wait for a client that does not read before
	// handlers that write are held back; maxUnreadInput, before reading is.
	maxUnread      = 8 << 20
	maxUnreadInput = 9 << 20

	// notesBound is how many notifications of one call may wait for the writer
	// before the handler that sends them is held back, and how many of no call
	// (broadcasts) before they are dropped.
	notesBound = 1024
)

// Options bound what one client can cost. The zero value means the defaults.
type Options struct {
	// MaxMessage is the longest line accepted, in bytes without its end of
	// line. A longer one is skipped without being stored and refused.
	// 0 means [DefaultMaxMessage].
	MaxMessage int
	// MaxCalls is how many handlers run at once. 0 means [DefaultMaxCalls].
	MaxCalls int
	// MaxQueued is how many calls may wait for a slot; those beyond it are
	// refused as busy, as are those that would make more than eight times
	// MaxMessage wait. 0 means [DefaultMaxQueued], a negative number none.
	MaxQueued int
	// Drain is how long running calls may go on after the end of input or of
	// the context, before they are cancelled. 0 means [DefaultDrain], a
	// negative duration no time at all.
	Drain time.Duration
	// Logger gets what the client is not told: stacks of panics, results that
	// could not be encoded. nil discards it. It must not write to out.
	Logger *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.MaxMessage <= 0 {
		o.MaxMessage = DefaultMaxMessage
	}
	if o.MaxCalls <= 0 {
		o.MaxCalls = DefaultMaxCalls
	}
	if o.MaxQueued == 0 {
		o.MaxQueued = DefaultMaxQueued
	}
	o.MaxQueued = max(o.MaxQueued, 0)
	if o.Drain == 0 {
		o.Drain = DefaultDrain
	}
	o.Drain = max(o.Drain, 0)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}
