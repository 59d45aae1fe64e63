package stdio

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime/debug"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// work serves a call that has its slot, and has the next one served. It holds
// the slot until the writer has taken the reply: a client that does not read
// gets no more handlers started.
func (c *conn) work(k *call) {
	text := faulty(k)
	defer func() { // also when a handler ends by runtime.Goexit
		c.out.put(outgoing{text: text, call: k, reply: true})
		k.cancel(errOver)
		if next := c.calls.done(k); next != nil {
			c.wg.Go(func() { c.work(next) })
		}
	}()
	text = c.serve(k)
}

// faulty is the reply to a call whose handler did not return.
func faulty(k *call) []byte {
	return errorLine(k.id, codeErrorf(mcp.INTERNAL_ERROR, "%s failed by a fault of this server; its log says more", k.method))
}

// serve makes the reply to k. When it returns, whatever the handler sent is
// queued for the writer.
func (c *conn) serve(k *call) (text []byte) {
	var view *callSession
	var registered server.ClientSession
	if k.at == listening {
		s := c.listenSession(k)
		view, registered = s.callSession, s
		if err := c.srv.RegisterSession(k.ctx, s); err != nil {
			return errorLine(k.id, codeErrorf(mcp.INTERNAL_ERROR, "the subscription could not be registered: %s", err))
		}
		defer c.srv.UnregisterSession(context.WithoutCancel(k.ctx), s.SessionID())
	} else {
		view = c.session(k)
		registered = view
	}
	defer view.box.close()

	defer func() {
		if p := recover(); p != nil {
			text = faulty(k)
			c.o.Logger.Error("panic", "method", k.method, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
	}()
	answer := c.srv.HandleMessage(c.srv.WithContext(k.ctx, registered), k.forServer(k.serverID))
	return c.encodeReply(k, answer, view.fault)
}

// encodeReply writes mcp-go's answer to k under the client's own id.
func (c *conn) encodeReply(k *call, answer mcp.JSONRPCMessage, fault error) []byte {
	switch r := answer.(type) {
	case mcp.JSONRPCError:
		return errorLine(k.id, explain(r.Error, fault, k.modern))
	case mcp.JSONRPCResponse:
		if listen, ok := r.Result.(mcp.SubscriptionsListenResult); ok {
			listen.EnsureResultMeta().SetSubscriptionID(k.id)
			r.Result = listen
		}
		body, err := encode(r.Result)
		if err == nil {
			return resultLine(k.id, body)
		}
		c.o.Logger.Error("a result could not be encoded", "method", k.method, "error", err)
		return errorLine(k.id, codeErrorf(mcp.INTERNAL_ERROR, "the result of %s could not be encoded, by a fault of this server; its log says more", k.method))
	default:
		c.o.Logger.Error("no answer from mcp-go", "method", k.method, "type", fmt.Sprintf("%T", answer))
		return errorLine(k.id, codeErrorf(mcp.INTERNAL_ERROR, "%s got no answer, by a fault of this server; its log says more", k.method))
	}
}

// notify hands a notification of the client to mcp-go.
func (c *conn) notify(m message) {
	defer func() {
		if p := recover(); p != nil {
			c.o.Logger.Error("panic", "method", m.method, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
	}()
	c.srv.HandleMessage(c.srv.WithContext(c.ctx, c.base), m.forServer(0))
}

// catchErrors has mcp-go tell each call's session the error behind an error
// answer: in the answer itself there is only its text.
func catchErrors(srv *server.MCPServer) {
	hooks := srv.GetHooks()
	if hooks == nil {
		hooks = &server.Hooks{}
		server.WithHooks(hooks)(srv)
	}
	hooks.AddOnError(func(ctx context.Context, _ any, _ mcp.MCPMethod, _ any, err error) {
		switch s := server.ClientSessionFromContext(ctx).(type) {
		case *callSession:
			s.fault = err
		case *listenSession:
			s.fault = err
		}
	})
}

// encode is json.Marshal that takes a panic in someone's MarshalJSON for an
// error.
func encode(v any) (b []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic while encoding: %v", p)
		}
	}()
	return json.Marshal(v)
}
