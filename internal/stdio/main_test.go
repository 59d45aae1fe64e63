package stdio

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// An era writes requests as clients of that time do.
type era struct {
	name   string
	modern bool
}

var eras = []era{{"legacy", false}, {"modern", true}}

func inEachEra(t *testing.T, test func(t *testing.T, e era)) {
	for _, e := range eras {
		t.Run(e.name, func(t *testing.T) { test(t, e) })
	}
}

// request is one line. params is a JSON object, "" for none.
func (e era) request(id, method, params string) string {
	params = cmp.Or(params, "{}")
	if e.modern {
		const meta = `"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}`
		switch body, has := strings.CutPrefix(params, `{"_meta":{`); {
		case has:
			params = `{"_meta":{` + meta + `,` + body
		case params == "{}":
			params = `{"_meta":{` + meta + `}}`
		default:
			params = `{"_meta":{` + meta + `},` + params[1:]
		}
	}
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"method":%q,"params":%s}`, id, method, params)
}

func (e era) call(id, tool, arguments string) string {
	return e.request(id, "tools/call", fmt.Sprintf(`{"name":%q,"arguments":%s}`, tool, cmp.Or(arguments, "{}")))
}

func (e era) callWithToken(id, token, tool, arguments string) string {
	return e.request(id, "tools/call", fmt.Sprintf(`{"_meta":{"progressToken":%s},"name":%q,"arguments":%s}`, token, tool, cmp.Or(arguments, "{}")))
}

func cancelLine(id string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":%s,"reason":"test"}}`, id)
}

const initialize = `{"jsonrpc":"2.0","id":"init","method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}`

// fixture is an mcp-go server with tools that misbehave on demand.
type fixture struct {
	*server.MCPServer
	release chan struct{} // deaf tools return when it is closed
	started chan string   // gets the tool's name when slow or deaf starts

	mu     sync.Mutex
	causes []error // why the contexts of slow calls ended
}

func newFixture(options ...server.ServerOption) *fixture {
	options = append([]server.ServerOption{
		server.WithResourceCapabilities(true, true), server.WithPromptCapabilities(true), server.WithToolCapabilities(true),
		server.WithLogging(), server.WithCompletions(),
	}, options...)
	f := &fixture{MCPServer: server.NewMCPServer("fixture", "1", options...), release: make(chan struct{}), started: make(chan string, 10000)}
	f.tool("echo", func(_ context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		return mcp.NewToolResultText(r.GetString("text", "")), nil
	})
	f.tool("slow", func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		f.started <- "slow"
		<-ctx.Done()
		f.mu.Lock()
		defer f.mu.Unlock()
		f.causes = append(f.causes, context.Cause(ctx))
		return mcp.NewToolResultText("stopped: " + context.Cause(ctx).Error()), nil
	})
	f.tool("deaf", func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		f.started <- "deaf"
		<-f.release
		return mcp.NewToolResultText("released"), nil
	})
	f.tool("progress", func(ctx context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		for i := range r.GetInt("n", 1) {
			params := map[string]any{"progressToken": r.Params.Meta.ProgressToken, "progress": i + 1}
			if err := f.SendNotificationToClient(ctx, "notifications/progress", params); err != nil {
				return nil, err
			}
		}
		return mcp.NewToolResultText("done"), nil
	})
	f.tool("panic", func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		panic(&fixture{})
	})
	f.tool("exit", func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		runtime.Goexit()
		return nil, nil
	})
	f.tool("unencodable", func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		return &mcp.CallToolResult{StructuredContent: map[string]any{"f": func() {}}}, nil
	})
	f.tool("panics-while-encoded", func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		return &mcp.CallToolResult{StructuredContent: badMarshaler{}}, nil
	})
	f.AddResource(mcp.Resource{URI: "test://missing", Name: "missing"}, func(_ context.Context, r mcp.ReadResourceRequest) ([]mcp.ResourceContents, error) {
		return nil, fmt.Errorf("read: %w", ResourceNotFound(r.Params.URI, "it was never there"))
	})
	f.AddResource(mcp.Resource{URI: "test://lost", Name: "lost"}, func(context.Context, mcp.ReadResourceRequest) ([]mcp.ResourceContents, error) {
		return nil, fmt.Errorf("read: %w", server.ErrResourceNotFound)
	})
	f.AddResource(mcp.Resource{URI: "test://broken", Name: "broken"}, func(context.Context, mcp.ReadResourceRequest) ([]mcp.ResourceContents, error) {
		return nil, errors.New("it broke")
	})
	f.AddPrompt(mcp.NewPrompt("ask", mcp.WithArgument("machine", mcp.RequiredArgument())), func(context.Context, mcp.GetPromptRequest) (*mcp.GetPromptResult, error) {
		return nil, InvalidParams("prompt %s needs the argument %s", "ask", "machine")
	})
	return f
}

type badMarshaler struct{}

func (badMarshaler) MarshalJSON() ([]byte, error) { panic("cannot") }

func (f *fixture) tool(name string, h server.ToolHandlerFunc) {
	f.AddTool(mcp.Tool{Name: name, InputSchema: mcp.ToolInputSchema{Type: "object"}}, h)
}

// reply is any message from the server.
type reply struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params struct {
		Meta     map[string]json.RawMessage `json:"_meta"`
		Token    json.RawMessage            `json:"progressToken"`
		Progress int                        `json:"progress"`
		URI      string                     `json:"uri"`
		Message  string                     `json:"message"`
	} `json:"params"`
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Code    int             `json:"code"`
		Message string          `json:"message"`
		Data    json.RawMessage `json:"data"`
	} `json:"error"`
	raw string
}

func (r reply) id() string { return string(r.ID) }

func decode(t testing.TB, text string) reply {
	t.Helper()
	var r reply
	require.NoError(t, json.Unmarshal([]byte(text), &r), "not JSON: %.300s", text)
	r.raw = text
	return r
}

// exchange writes all lines at once, ends the input, and returns what was
// answered, by id; notifications are under "". The error is that of Serve.
func exchange(t testing.TB, srv *server.MCPServer, o Options, lines ...string) (map[string][]reply, error) {
	t.Helper()
	o.Drain = cmp.Or(o.Drain, time.Minute) // a loaded machine changes nothing
	var out bytes.Buffer
	err := Serve(t.Context(), srv, strings.NewReader(strings.Join(lines, "\n")+"\n"), &out, o)
	got := map[string][]reply{}
	for text := range strings.Lines(out.String()) {
		require.True(t, strings.HasSuffix(text, "\n"))
		r := decode(t, text)
		got[r.id()] = append(got[r.id()], r)
	}
	return got, err
}

// only exchanges a single request, after what its era needs before it.
func (e era) only(t testing.TB, srv *server.MCPServer, line string) reply {
	t.Helper()
	lines := []string{line}
	if !e.modern {
		lines = []string{initialize, line}
	}
	got, err := exchange(t, srv, Options{}, lines...)
	require.NoError(t, err)
	delete(got, `"init"`)
	require.Len(t, got, 1)
	for _, replies := range got {
		require.Len(t, replies, 1)
		return replies[0]
	}
	panic("unreachable")
}

// client is the other end of a running Serve.
type client struct {
	t      testing.TB
	in     *io.PipeWriter
	out    *io.PipeReader
	lines  chan reply
	ended  chan error
	cancel context.CancelFunc
}

// serve starts Serve with a client that reads all it is sent.
func serve(t testing.TB, srv *server.MCPServer, o Options) *client {
	t.Helper()
	c := serveDeaf(t, srv, o)
	go func() {
		defer close(c.lines)
		r := bufio.NewReader(c.out)
		for {
			text, err := r.ReadString('\n')
			if err != nil {
				return
			}
			var m reply
			if err := json.Unmarshal([]byte(text), &m); err != nil {
				t.Errorf("not JSON: %.300s", text)
				return
			}
			m.raw = text
			c.lines <- m
		}
	}()
	return c
}

// serveDeaf starts Serve with a client that reads nothing until told.
func serveDeaf(t testing.TB, srv *server.MCPServer, o Options) *client {
	t.Helper()
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	c := &client{t: t, in: inW, out: outR, lines: make(chan reply, 100000), ended: make(chan error, 1), cancel: cancel}
	go func() {
		c.ended <- Serve(ctx, srv, inR, outW, o)
		_ = outW.Close()
		_ = inR.Close()
	}()
	t.Cleanup(func() { cancel(); _ = inW.Close(); _ = outR.Close() })
	return c
}

func (c *client) send(lines ...string) {
	c.t.Helper()
	for _, l := range lines {
		_, err := io.WriteString(c.in, l+"\n")
		require.NoError(c.t, err)
	}
}

// begin is what a client of the era says first.
func (c *client) begin(e era) {
	c.t.Helper()
	if e.modern {
		c.send(e.request(`"init"`, "server/discover", ""))
	} else {
		c.send(initialize, `{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	}
	require.Equal(c.t, `"init"`, c.next().id())
}

func (c *client) next() reply {
	c.t.Helper()
	select {
	case r, ok := <-c.lines:
		require.True(c.t, ok, "the output ended")
		return r
	case <-time.After(20 * time.Second):
		require.Fail(c.t, "no message from the server")
		panic("unreachable")
	}
}

// rest returns what is still sent until the server ends, and its error.
func (c *client) rest() ([]reply, error) {
	c.t.Helper()
	var all []reply
	for r := range c.lines {
		all = append(all, r)
	}
	return all, <-c.ended
}

// end closes the input and asserts that nothing is sent any more.
func (c *client) end() {
	c.t.Helper()
	require.NoError(c.t, c.in.Close())
	rest, err := c.rest()
	assert.NoError(c.t, err)
	for _, r := range rest {
		assert.Fail(c.t, "unexpected message", r.raw)
	}
}

// logTo is a logger, and what it has logged.
func logTo() (*slog.Logger, *syncBuffer) {
	b := &syncBuffer{}
	return slog.New(slog.NewTextHandler(b, nil)), b
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// readAll has a deaf client end its input and read on; it counts what came by
// id, and progress by token.
func readAll(c *client) map[string]int {
	c.t.Helper()
	require.NoError(c.t, c.in.Close())
	seen := map[string]int{}
	scan := bufio.NewScanner(c.out)
	scan.Buffer(nil, 64<<20)
	for scan.Scan() {
		r := decode(c.t, scan.Text())
		if r.Method != "" {
			seen["progress of "+string(r.Params.Token)]++
		} else {
			seen[r.id()]++
		}
	}
	require.NoError(c.t, <-c.ended)
	return seen
}
