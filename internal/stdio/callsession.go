package stdio

import (
	"maps"
	"strconv"
	"sync"

	"github.com/mark3labs/mcp-go/mcp"
)

// callSession is the session that the handler of one call sees. A legacy
// call shares what initialize settled; a modern one has that from its own
// _meta only (MCP 2026-07-28: capabilities are not inferred from an earlier
// request), so its embedded session is fresh.
type callSession struct {
	*session
	call *call
	box  *outbox

	fault error // what mcp-go's error hook was told, before it became text
}

func (s *callSession) NotificationChannel() chan<- mcp.JSONRPCNotification { return s.box.channel() }

// session returns the session of c. Its outbox must be closed when
// HandleMessage has returned.
func (c *conn) session(k *call) *callSession {
	s := &callSession{session: c.base, call: k}
	if k.modern {
		s.session = &session{asks: c.base.asks, level: mcp.LoggingLevelError, ready: true}
	}
	s.box = newOutbox(k.ctx.Done(), func(n mcp.JSONRPCNotification) { c.send(k, n) })
	return s
}

// send writes a notification of a call, or of none.
func (c *conn) send(k *call, n mcp.JSONRPCNotification) {
	if k != nil && k.token != nil && n.Method == string(mcp.MethodNotificationProgress) {
		n.Params.AdditionalFields = maps.Clone(n.Params.AdditionalFields)
		if _, ok := n.Params.AdditionalFields["progressToken"]; ok {
			n.Params.AdditionalFields["progressToken"] = k.token // mcp-go rounds big numbers
		}
	}
	text, err := encode(n)
	if err != nil {
		c.o.Logger.Error("a notification could not be encoded; it was dropped", "method", n.Method, "error", err)
		return
	}
	note := outgoing{text: append(text, '\n'), call: k}
	if k != nil && k.at == onTheSpot {
		c.out.push(note) // the reading goroutine waits for nobody
		return
	}
	c.out.put(note)
}

// listenSession is the session of a subscriptions/listen call. mcp-go
// broadcasts to registered sessions only, so it is registered under a name of
// its own while the call lasts. What it delivers carries the id of the call,
// and nothing comes before the acknowledgement (MCP 2026-07-28,
// "Subscriptions").
type listenSession struct {
	*callSession

	mu     sync.Mutex
	filter mcp.SubscriptionFilter
}

func (s *listenSession) SessionID() string {
	return "stdio-listen-" + strconv.FormatUint(s.call.serverID, 10)
}

func (s *listenSession) SetSubscriptionFilter(f mcp.SubscriptionFilter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.filter = f
}

// SubscriptionFilter is active from the start, so that a broadcast before the
// client's choice is known does not go out.
func (s *listenSession) SubscriptionFilter() (mcp.SubscriptionFilter, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.filter, true
}

// listenSession returns the session of the subscriptions/listen call k.
func (c *conn) listenSession(k *call) *listenSession {
	s := &listenSession{callSession: c.session(k)}
	var held []mcp.JSONRPCNotification
	acknowledged := false
	tagged := func(n mcp.JSONRPCNotification) {
		n.Params.Meta = maps.Clone(n.Params.Meta)
		if n.Params.Meta == nil {
			n.Params.Meta = map[string]any{}
		}
		n.Params.Meta[mcp.MetaKeySubscriptionID] = k.id
		c.send(k, n)
	}
	s.box = newOutbox(nil, func(n mcp.JSONRPCNotification) { // a broadcast waits for nobody
		if !acknowledged && n.Method != mcp.MethodNotificationSubscriptionsAcknowledged {
			held = append(held, n)
			return
		}
		tagged(n)
		acknowledged = true
		for _, n := range held {
			tagged(n)
		}
		held = nil
	})
	return s
}
