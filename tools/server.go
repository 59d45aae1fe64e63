package tools

import (
	"context"
	"log/slog"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"orbstack-mcp/orbctl"
	"orbstack-mcp/orbctl/folders"
	"orbstack-mcp/tools/job"
)

// Options are what a server is made with.
type Options struct {
	Policy
	Version  string
	Sandbox  string           // what confines orbctl, in a line
	Home     string           // the user's home folder
	Folders  *folders.Allowed // of the Mac, for files; nil: none
	Jobs     *job.Book        // never nil
	JobAfter time.Duration    // how long a call may take before it is answered with a job
	Log      *slog.Logger     // never nil; must not write to stdout
}

// allowed reports whether a folder of the Mac may be seen by a contained machine.
func (o Options) allowed(folder string) bool { return o.Folders != nil && o.Folders.Covers(folder) }

type toolServer struct {
	orb     *orbctl.Client
	options Options
	rows    map[string]Tool // All, by name
	seals   *seals
	log     *slog.Logger
}

// NewServer offers the table over MCP. Nothing is run until the first call.
func NewServer(orb *orbctl.Client, o Options) (*server.MCPServer, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	questions, err := newSeals()
	if err != nil {
		return nil, err
	}
	s := &toolServer{orb: orb, options: o, rows: map[string]Tool{}, seals: questions, log: o.Log}
	hooks := &server.Hooks{}
	hooks.AddAfterListTools(s.list)
	srv := server.NewMCPServer("orbstack-mcp", o.Version,
		server.WithTitle("OrbStack"),
		server.WithInstructions(instructions(o)),
		// No list ever changes, and nothing can be subscribed to.
		server.WithToolCapabilities(false),
		server.WithResourceCapabilities(false, false),
		server.WithPromptCapabilities(false),
		server.WithCompletions(),
		server.WithPromptCompletionProvider(completer{s}),
		server.WithResourceCompletionProvider(completer{s}),
		server.WithHooks(hooks),
	)
	for _, t := range All() {
		s.rows[t.Name] = t
		srv.AddTool(mcp.Tool{Name: t.Name}, s.handler(t)) // the rest of it: list
	}
	s.addResources(srv)
	s.addPrompts(srv)
	return srv, nil
}

// call is what a tool's function gets beside its arguments.
func (s *toolServer) call(tool string, p *Progress, c *consent) *Call {
	return &Call{Tool: tool, Orb: s.orb, Server: s.options, Progress: p, consent: c}
}

// list is what tools/list answers: of what is offered, the definition, derived
// when it is asked for. What is not offered stays registered, so that a call by
// name gets our words and not a protocol error.
func (s *toolServer) list(_ context.Context, _ any, _ *mcp.ListToolsRequest, r *mcp.ListToolsResult) {
	offered := make([]mcp.Tool, 0, len(r.Tools))
	for _, registered := range r.Tools {
		if t := s.rows[registered.Name]; s.options.refuse(t) == nil {
			offered = append(offered, t.Definition())
		}
	}
	r.Tools = offered
}
