package tools

import (
	"context"
	"log/slog"
	"slices"
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
	s := &toolServer{orb: orb, options: o, seals: questions, log: o.Log}
	hooks := &server.Hooks{}
	hooks.AddAfterListTools(s.hideRefused)
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
		h, err := s.handler(t)
		if err != nil {
			return nil, err
		}
		srv.AddTool(t.Definition(), h)
	}
	s.addResources(srv)
	s.addPrompts(srv)
	return srv, nil
}

// call is what a tool's function gets beside its arguments.
func (s *toolServer) call(tool string, p *Progress, c *consent) *Call {
	return &Call{Tool: tool, Orb: s.orb, Server: s.options, Progress: p, consent: c}
}

// hideRefused takes what is not offered out of tools/list. The tools stay
// registered, so that a call by name gets our words and not a protocol error.
func (s *toolServer) hideRefused(_ context.Context, _ any, _ *mcp.ListToolsRequest, r *mcp.ListToolsResult) {
	refused := map[string]bool{}
	for _, t := range All() {
		refused[t.Name] = s.options.refuse(t) != nil
	}
	r.Tools = slices.DeleteFunc(slices.Clone(r.Tools), func(t mcp.Tool) bool { return refused[t.Name] })
}
