package tools

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/mark3labs/mcp-go/mcp"

	"orbstack-mcp/schemas"
)

// A Tool is one row of the table: what the model is told, and what is done.
type Tool struct {
	Name, Title string
	Family      Family
	Effect      Effect
	Idempotent  bool // a second call with the same arguments changes nothing more
	OpenWorld   bool // text from a guest or the network comes back
	Long        bool // it may take so long that its answer is a job
	Runs        bool // it is for running commands in machines
	Beyond      bool // it is about all of OrbStack, or makes machines: nothing for a server of some machines
	NeedsFolder bool // it reads or writes files of the Mac
	Interactive bool // a client should not call it without its user (Claude Code's own hint)
	// Doc is what the model reads: what it does; one "Use when" sentence in the
	// words of a user in trouble; what it costs, or the neighbour to use instead.
	Doc string
	// Words are other words for an argument's value that are understood and not
	// published: argument → word → value.
	Words map[string]map[string]string

	in, out func() schemas.Schema // derived when first asked for: most that walk the table do not
	do      func(context.Context, *Call, json.RawMessage) (any, error)
}

// A Family is a group of tools that belong together, in the words of the documentation.
type Family string

// The families, in the order of the documentation.
const (
	Network     Family = "network"
	Config      Family = "config"
	Diagnostics Family = "diagnostics"
	Machines    Family = "machines"
	Exec        Family = "exec"
	Jobs        Family = "jobs"
	Files       Family = "files"
	Sandbox     Family = "sandbox"
)

// Do completes a row with its action; the schemas come from In and Out.
func Do[In, Out any](t Tool, f func(context.Context, *Call, In) (Out, error)) Tool {
	t.in, t.out = sync.OnceValue(schemas.Of[In]), sync.OnceValue(schemas.Of[Out])
	t.do = func(ctx context.Context, c *Call, raw json.RawMessage) (any, error) {
		var in In
		if err := json.Unmarshal(raw, &in); err != nil {
			return nil, fmt.Errorf("decode checked arguments: %w", err)
		}
		return f(ctx, c, in)
	}
	return t
}

// Definition is the row as tools/list sends it. The output schema is an
// outline: see schemas.Schema.Outline.
func (t Tool) Definition() mcp.Tool {
	tool := mcp.Tool{
		Name:            t.Name,
		Title:           t.Title,
		Description:     t.Doc,
		RawInputSchema:  t.in().JSON(),
		RawOutputSchema: t.out().Outline(),
		Annotations:     t.annotations(),
	}
	if t.Interactive {
		tool.Meta = mcp.NewMetaFromMap(map[string]any{"anthropic/requiresUserInteraction": true})
	}
	return tool
}

// Input and Output are the whole schemas, for goldens, documentation and tests.
func (t Tool) Input() schemas.Schema { return t.in() }

// Output is the strict schema that every result is held to in tests.
func (t Tool) Output() schemas.Schema { return t.out() }
