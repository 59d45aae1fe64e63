package stdio

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// conn is one client from its first line to its last.
type conn struct {
	srv   *server.MCPServer
	o     Options
	ctx   context.Context // of every call; not ended by the context of Serve
	out   *writer
	base  *session
	calls *table
	wg    sync.WaitGroup

	// Of the reading goroutine alone:
	draining bool      // no request is taken any more
	until    time.Time // when it has to be over, once draining
	last     uint64    // id towards mcp-go
}

// lane is where requests of a method are served.
type lane int

const (
	onTheSpot lane = iota // mcp-go answers from memory: by the reading goroutine, in order
	inASlot               // a handler of ours runs
	listening             // until it is cancelled
)

func laneOf(method string) lane {
	switch mcp.MCPMethod(method) {
	case mcp.MethodToolsCall, mcp.MethodResourcesRead, mcp.MethodPromptsGet, mcp.MethodCompletionComplete:
		return inASlot
	case mcp.MethodSubscriptionsListen:
		return listening
	}
	if strings.HasPrefix(method, "tasks/") {
		return inASlot
	}
	return onTheSpot
}

// accept deals with one line.
func (c *conn) accept(l line) {
	if l.tooLong {
		c.refuseLong(l.outline)
		return
	}
	if len(l.text) == 0 {
		return
	}
	m, err := parse(l.text)
	if fault, bad := errors.AsType[*CodeError](err); bad {
		// A notification is never answered, not even one with bad params (JSON-RPC
		// 2.0 §4.1). What is no message of JSON-RPC 2.0 is no notification either,
		// though no id is in it: an invalid request is answered with null (§5).
		if m.id != nil || m.method == "" {
			c.refuse(m.id, fault)
		}
		return
	}
	switch {
	case m.method == "":
		c.base.asks.answer(m)
	case m.id != nil:
		c.request(m, len(l.text))
	case m.method == string(mcp.MethodNotificationCancelled):
		c.calls.silence(m.cancelled)
	default:
		c.notify(m)
	}
}

// request starts a call, or refuses it.
func (c *conn) request(m message, size int) {
	switch {
	case c.calls.inFlight(m.id):
		c.refuse(m.id, codeErrorf(mcp.INVALID_REQUEST, "a request with this id is still being served"))
		return
	case c.draining:
		c.refuse(m.id, codeErrorf(codeBusy, "%s was not started: %s", m.method, ErrShutdown))
		return
	case !c.mayAsk(m):
		c.refuse(m.id, codeErrorf(mcp.INVALID_PARAMS,
			"%s needs a session or a protocol version: send initialize first, or put %s and %s into params._meta",
			m.method, mcp.MetaKeyProtocolVersion, mcp.MetaKeyClientCapabilities))
		return
	}
	c.last++
	k := &call{message: m, serverID: c.last, size: size, at: laneOf(m.method)}
	k.ctx, k.cancel = context.WithCancelCause(c.ctx)
	start, ok := c.calls.admit(k)
	if !ok {
		k.cancel(errOver)
		c.refuse(m.id, codeErrorf(codeBusy, "%s was not started: too many requests are waiting; send it again when some are answered", m.method))
		return
	}
	switch {
	case k.at == onTheSpot:
		c.out.push(outgoing{text: c.serve(k), call: k, reply: true})
		k.cancel(errOver)
	case start:
		c.wg.Go(func() { c.work(k) })
	}
}

// mayAsk reports whether m comes from a client that has said which protocol
// it speaks, or is about to.
func (c *conn) mayAsk(m message) bool {
	switch mcp.MCPMethod(m.method) {
	case mcp.MethodInitialize, mcp.MethodPing, mcp.MethodServerDiscover:
		return true
	}
	return m.modern || c.base.Initialized()
}

// refuse answers a message that becomes no call. Under an id that is in flight
// it answers with no id, so that the answer of the call stays the only one.
func (c *conn) refuse(id json.RawMessage, fault *CodeError) {
	if id != nil && c.calls.inFlight(id) {
		fault.Data, id = map[string]any{"requestId": id}, nil
	}
	c.out.push(outgoing{text: errorLine(id, fault)})
}

// refuseLong answers a message that was too long to be read.
func (c *conn) refuseLong(o outline) {
	fault := codeErrorf(mcp.INVALID_REQUEST, "the message is longer than %d bytes, the most that is accepted", c.o.MaxMessage)
	c.o.Logger.Warn("a message was too long and skipped", slog.Int("limit", c.o.MaxMessage), slog.String("method", o.method))
	switch {
	case o.response && o.method == "":
		c.base.asks.resolve(o.id, answer{err: fault})
	case o.id == nil && strings.HasPrefix(o.method, "notifications/"):
	default:
		c.refuse(o.id, fault)
	}
}
