package tools

import (
	"context"
	"sync"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"orbstack-mcp/orbctl"
)

// A Call is what a tool's function may use beside its arguments.
type Call struct {
	Tool     string
	Orb      *orbctl.Client
	Server   Options
	Progress *Progress
	consent  *consent
}

// Confirm is nil once a person has agreed to just this. Any other error ends the
// tool's function, which runs again from its start when there is an answer: so it
// looks and asks before it does anything.
func (c *Call) Confirm(q Question) error { return c.consent.Confirm(q) }

// Progress sends notifications/progress for one call, if the client asked for
// them with a token (MCP specification, Progress). It paces them, since known
// clients lose a burst, and its values always rise.
type Progress struct {
	send func(ctx context.Context, progress float64, message string)

	mu    sync.Mutex
	count float64
	last  time.Time
}

// pace is the least time between two notifications.
const pace = 200 * time.Millisecond

// Wanted reports whether the client listens.
func (p *Progress) Wanted() bool { return p != nil && p.send != nil }

// Ready reports whether the next Say would be sent now.
func (p *Progress) Ready() bool {
	if !p.Wanted() {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Since(p.last) >= pace
}

// Say sends a message; it is dropped when the client does not listen. Whatever
// is said is also part of the result: a notification may get lost.
func (p *Progress) Say(ctx context.Context, message string) {
	if !p.Wanted() {
		return
	}
	p.mu.Lock()
	p.count++
	count := p.count
	p.last = time.Now()
	p.mu.Unlock()
	p.send(ctx, count, message)
}

// newProgress reads the token of a request.
func newProgress(req mcp.CallToolRequest) *Progress {
	if req.Params.Meta == nil || req.Params.Meta.ProgressToken == nil {
		return nil
	}
	token := req.Params.Meta.ProgressToken
	return &Progress{send: func(ctx context.Context, progress float64, message string) {
		srv := server.ServerFromContext(ctx)
		if srv == nil {
			return
		}
		// A client that is gone also ends the call: there is nobody to tell.
		_ = srv.SendNotificationToClient(ctx, "notifications/progress", map[string]any{
			"progressToken": token, "progress": progress, "message": message,
		})
	}}
}
