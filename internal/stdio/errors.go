package stdio

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// codeBusy refuses a request that may succeed later: too many wait, or the
// server is about to end. JSON-RPC 2.0 §5.1 leaves -32000 to the server.
const codeBusy = -32000

// Causes of a call's context: context.Cause(ctx) tells a handler why it ends.
var (
	// ErrCancelled: the client cancelled this call; nothing it says is sent.
	ErrCancelled = errors.New("the client cancelled this call")
	// ErrShutdown: the server is ending; an answer in the next moments is sent.
	ErrShutdown = errors.New("the server is shutting down")
	// ErrClientGone: the client does not read any more; nothing reaches it.
	ErrClientGone = errors.New("the client is gone")
)

// errOver is the end of a call's context after it was answered.
var errOver = errors.New("the call is over")

// CodeError is an error with a JSON-RPC code. A resource, prompt or completion
// handler that returns one, wrapped or not, has it sent as it is; any other
// error goes out as -32603. Tools have no use for it: models don't see
// protocol errors.
type CodeError struct {
	Code    int
	Message string
	Data    any // optional; encoded as JSON
}

func (e *CodeError) Error() string { return e.Message }

func codeErrorf(code int, format string, args ...any) *CodeError {
	return &CodeError{Code: code, Message: fmt.Sprintf(format, args...)}
}

// InvalidParams is an error the client can mend by other params (-32602): a
// prompt argument that is missing, for one.
func InvalidParams(format string, args ...any) error {
	return codeErrorf(mcp.INVALID_PARAMS, format, args...)
}

// ResourceNotFound says that there is no resource at uri, and why. It goes out
// as -32002 to clients older than 2026-07-28, and as -32602 to newer ones.
func ResourceNotFound(uri, why string) error {
	return &CodeError{
		Code:    mcp.RESOURCE_NOT_FOUND,
		Message: fmt.Sprintf("there is no resource %s: %s", uri, why),
		Data:    map[string]string{"uri": uri},
	}
}

// explain is the error to send for details, which mcp-go made of cause. cause
// is nil where mcp-go refused the request before it looked for a handler.
func explain(details mcp.JSONRPCErrorDetails, cause error, modern bool) *CodeError {
	e := &CodeError{Code: details.Code, Message: details.Message, Data: details.Data}
	if own, ok := errors.AsType[*CodeError](cause); ok {
		*e = *own
	} else if errors.Is(cause, server.ErrResourceNotFound) || errors.Is(cause, mcp.ErrResourceNotFound) {
		e.Code = mcp.RESOURCE_NOT_FOUND
	} else if bad, ok := errors.AsType[*server.UnparsableMessageError](cause); ok {
		e.Code, e.Message = mcp.INVALID_PARAMS, wrongShape(bad)
	}
	if modern && e.Code == mcp.RESOURCE_NOT_FOUND {
		e.Code = mcp.INVALID_PARAMS
	}
	return e
}

// wrongShape says which member of a request is of the wrong type, in the
// words of JSON and not of Go.
func wrongShape(bad *server.UnparsableMessageError) string {
	text := fmt.Sprintf("the params of %s do not have the shape that MCP gives them", bad.GetMethod())
	wrong, ok := errors.AsType[*json.UnmarshalTypeError](bad)
	if !ok || wrong.Field == "" {
		return text
	}
	member := strings.TrimPrefix(wrong.Field, "params.")
	return fmt.Sprintf("%s: %s must not be %s", text, member, article(wrong.Value))
}

// article puts "number 1e400" and its like as "a number".
func article(jsonType string) string {
	kind, _, _ := strings.Cut(jsonType, " ")
	switch kind {
	case "array", "object":
		return "an " + kind
	case "bool":
		return "a boolean"
	default:
		return "a " + kind
	}
}
