package tools

import "github.com/mark3labs/mcp-go/mcp"

// An Effect is the most that a tool can do.
type Effect int

// The effects, mildest first.
const (
	Reads    Effect = iota // nothing changes; nothing is woken
	Adds                   // only something new appears
	Changes                // something changes that can be changed back
	Destroys               // data can be lost
)

// String is the word that the documentation uses.
func (e Effect) String() string {
	switch e {
	case Reads:
		return "reads"
	case Adds:
		return "adds"
	case Changes:
		return "changes"
	case Destroys:
		return "destroys"
	}
	return "unknown"
}

// annotations derives MCP's four hints (specification, ToolAnnotations). Clients
// run tools with readOnlyHint without asking, so it has to be true to the letter.
func (t Tool) annotations() mcp.ToolAnnotation {
	readOnly := t.Effect == Reads
	destructive := t.Effect != Reads && t.Effect != Adds
	idempotent := readOnly || t.Idempotent
	return mcp.ToolAnnotation{
		ReadOnlyHint:    &readOnly,
		DestructiveHint: &destructive,
		IdempotentHint:  &idempotent,
		OpenWorldHint:   &t.OpenWorld,
	}
}
