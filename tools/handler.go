package tools

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"orbstack-mcp/internal/beside"
	"orbstack-mcp/orbctl/runner"
	"orbstack-mcp/schemas"
)

// A texter is a result with a text of its own that holds the same facts as the
// JSON of it, in fewer tokens or more readably. Everything in it that comes from
// a guest is fenced.
type texter interface{ Text() string }

// handler joins a row to a server. Here MCP and JSON end: what the row's
// function gets is a checked struct. Whatever happens, the answer is a tool
// result, since few models ever see a protocol error. The check is compiled by
// the first call: few servers see all of the tools called.
func (s *toolServer) handler(t Tool) server.ToolHandlerFunc {
	check := sync.OnceValues(func() (*schemas.Checker, error) {
		return schemas.NewChecker(t.in(), schemas.Also{Names: otherNames, Values: t.Words})
	})
	return func(ctx context.Context, req mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		result, ask := s.attempt(ctx, t, check, req)
		if ask == nil {
			return result, nil
		}
		if modern(ctx) {
			return ask.required(), nil
		}
		if refused := s.askLegacy(ctx, ask, &req); refused != nil {
			return s.failed(refused), nil
		}
		result, another := s.attempt(ctx, t, check, req)
		if another != nil {
			again := &failure{Code: confirmationExpired, Message: "What the person agreed to is not what would be done now. Nothing was changed.", Hint: "Look again, and call anew."}
			return s.failed(again), nil //nolint:nilerr // no error, but another question than was answered
		}
		return result, nil
	}
}

// attempt is one run of a row's function: it ends with a result, or with a
// question that has to be answered first.
func (s *toolServer) attempt(ctx context.Context, t Tool, checker func() (*schemas.Checker, error), req mcp.CallToolRequest) (result *mcp.CallToolResult, ask *asking) {
	defer func() {
		if p := recover(); p != nil {
			result = s.failed(brokeDown(s.log, t.Name, p))
		}
	}()
	if refusal := s.options.refuse(t); refusal != nil {
		return s.failed(refusal), nil
	}
	check, err := checker()
	if err != nil {
		return s.failed(brokeDown(s.log, t.Name, err)), nil
	}
	args, problems := check.Check(req.Params.RawArguments)
	if len(problems) > 0 {
		f := invalid(problems...)
		f.Message = t.Name + " was not run. Correct these arguments and call it again:"
		return s.failed(f), nil
	}
	call := s.call(t.Name, newProgress(req), s.newConsent(ctx, t, args, req))
	out, err := t.do(runner.WithTool(ctx, t.Name), call, args)
	if errors.As(err, &ask) {
		return nil, ask
	}
	if err != nil {
		if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
			err = context.Cause(ctx) // why it ended, not only that it did
		}
		f := explain(err)
		if t.Effect == Reads {
			f = f.ofReading()
		}
		s.log.Log(ctx, level(f.Code), "tool failed", "tool", t.Name, "code", f.Code)
		return s.failed(f), nil
	}
	return done(s.options.fitting(out)), nil
}

// brokeDown is a panic of a tool, or a schema that does not compile, as the model
// reads it. It is called where that happens, for the stack.
func brokeDown(log *slog.Logger, tool string, cause any) *failure {
	stack := debug.Stack()
	if p, ok := cause.(*beside.PanicError); ok {
		cause, stack = p.Value, p.Stack
	}
	log.Error("a tool broke down", "tool", tool, "cause", cause, "stack", string(stack))
	return &failure{Code: internalError, Message: tool + " broke down; the log of this server says where.", Hint: "Please report it, with the arguments of the call."}
}

func level(c code) slog.Level {
	if c == internalError {
		return slog.LevelError
	}
	return slog.LevelDebug
}

// otherNames are understood for arguments and never published.
var otherNames = map[string]string{"name": "machine", "vm_name": "machine", "vm": "machine", "machine": "machines"}

func done(out any) *mcp.CallToolResult {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // the model reads a=1&b=2, not a=1\u0026b=2
	if err := e.Encode(out); err != nil {
		return failed(&failure{Code: internalError, Message: "The result could not be encoded.", Hint: "Please report it, with the arguments of the call."})
	}
	text := strings.TrimSuffix(b.String(), "\n")
	if t, ok := out.(texter); ok {
		text = t.Text()
	}
	return mcp.NewToolResultStructured(json.RawMessage(b.Bytes()), text)
}

func (s *toolServer) failed(f *failure) *mcp.CallToolResult {
	return failed(s.options.fittingFailure(f))
}

func failed(f *failure) *mcp.CallToolResult {
	r := mcp.NewToolResultError(f.text())
	r.StructuredContent = map[string]*failure{"error": f}
	return r
}
