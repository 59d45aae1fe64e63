package stdio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// errElicitationNotDeclared is the error of an elicitation of a client that did
// not say, in initialize, that it can ask its user in that way. It is never
// asked, since it would never answer.
var errElicitationNotDeclared = fmt.Errorf("the client cannot ask its user: %w", server.ErrElicitationNotSupported)

// ClientError is what a client answers to a request of ours that it refuses.
type ClientError struct {
	Code    int
	Message string // the client's words
}

func (e *ClientError) Error() string {
	return fmt.Sprintf("the client refused the request (%d): %s", e.Code, clip(e.Message, maxErrorText))
}

// RequestElicitation asks the user of a legacy client, and waits for the answer
// or the end of ctx; then it takes the question back. It fails at once with
// [server.ErrElicitationNotSupported] if the client can't ask, and with
// [server.ErrServerInitiatedRequestUnsupported] in a modern call.
func (s *callSession) RequestElicitation(ctx context.Context, r mcp.ElicitationRequest) (*mcp.ElicitationResult, error) {
	if s.call.modern {
		return nil, server.ErrServerInitiatedRequestUnsupported
	}
	can := s.GetClientCapabilities().Elicitation
	switch {
	case can == nil:
		return nil, errElicitationNotDeclared
	case r.Params.Mode == mcp.ElicitationModeURL && can.URL == nil:
		return nil, fmt.Errorf("%w by a web page", errElicitationNotDeclared)
	case r.Params.Mode != mcp.ElicitationModeURL && !CanAskByForm(can):
		return nil, fmt.Errorf("%w by a form", errElicitationNotDeclared)
	}
	var result mcp.ElicitationResult
	if err := s.asks.ask(ctx, s.call, string(mcp.MethodElicitationCreate), r.Params, &result); err != nil {
		return nil, fmt.Errorf("ask the user: %w", err)
	}
	return &result, nil
}

// CanAskByForm reports whether a client that declared this can ask its user with a
// form. One that names no way at all means forms: there was no other once (MCP
// specification, Elicitation).
func CanAskByForm(can *mcp.ElicitationCapability) bool {
	return can != nil && (can.Form != nil || can.URL == nil)
}

// asks are the requests of the server that wait for the client's response.
type asks struct {
	out *writer

	mu      sync.Mutex
	last    uint64
	waiting map[string]chan answer // by the id as JSON; the channels hold one
	closed  error                  // no response can come any more
}

type answer struct {
	result json.RawMessage
	err    error
}

func newAsks(w *writer) *asks { return &asks{out: w, waiting: map[string]chan answer{}} }

// ask sends a request for call k, and decodes the response into result.
func (a *asks) ask(ctx context.Context, k *call, method string, params, result any) error {
	body, err := encode(params)
	if err != nil {
		return err
	}
	id, answers, err := a.open()
	if err != nil {
		return err
	}
	defer a.close(id)
	text := fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%s,"method":%q,"params":%s}`+"\n", id, method, body)
	if !a.out.put(outgoing{text: text, call: k}) {
		return errors.Join(context.Cause(k.ctx), errors.New("the call it was for is over"))
	}
	select {
	case got := <-answers:
		if got.err != nil {
			return got.err
		}
		if err := json.Unmarshal(got.result, result); err != nil {
			return fmt.Errorf("the client's answer does not have the shape that MCP gives it: %w", err)
		}
		return nil
	case <-ctx.Done():
	case <-k.ctx.Done():
		ctx = k.ctx
	}
	cause := context.Cause(ctx)
	// Of no call: the client may have cancelled k, and must still learn that
	// nobody waits for its user any more.
	a.out.push(outgoing{text: fmt.Appendf(nil,
		`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":%s,"reason":%q}}`+"\n", id, "the call it was for has ended")})
	return cause
}

// open makes an id of our own: a string, so that no client takes it for one
// of its own numbers.
func (a *asks) open() (id string, answers <-chan answer, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed != nil {
		return "", nil, a.closed
	}
	a.last++
	id = strconv.Quote("server-" + strconv.FormatUint(a.last, 10))
	ch := make(chan answer, 1)
	a.waiting[id] = ch
	return id, ch, nil
}

func (a *asks) close(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.waiting, id)
}

// answer hands a response to who waits for it; one to an unknown id, or a
// second one, is ignored.
func (a *asks) answer(m message) {
	got := answer{result: m.result}
	if m.fault != nil {
		var e struct {
			Code    int    `json:"code"`
			Message string `json:"message"`
		}
		if json.Unmarshal(m.fault, &e) != nil {
			e.Message = "its error does not have the shape that JSON-RPC gives it"
		}
		got.err = &ClientError{Code: e.Code, Message: e.Message}
	}
	a.resolve(m.id, got)
}

func (a *asks) resolve(rawID json.RawMessage, got answer) {
	var name string
	if json.Unmarshal(rawID, &name) != nil {
		return
	}
	id := strconv.Quote(name)
	a.mu.Lock()
	defer a.mu.Unlock()
	if ch, ok := a.waiting[id]; ok {
		delete(a.waiting, id)
		ch <- got
	}
}

// end fails what waits and whatever is asked from now on.
func (a *asks) end(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = err
	for id, ch := range a.waiting {
		delete(a.waiting, id)
		ch <- answer{err: err}
	}
}
