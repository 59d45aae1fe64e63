package tools

import (
	"context"
	"slices"
	"strings"

	"github.com/mark3labs/mcp-go/mcp"

	"orbstack-mcp/internal/stdio"
	"orbstack-mcp/orbctl"
)

// completer suggests machine names while a person types an argument of a prompt
// or of a resource's URI.
type completer struct{ server *toolServer }

// CompletePromptArgument is mcp-go's server.PromptCompletionProvider.
func (c completer) CompletePromptArgument(ctx context.Context, name string, argument mcp.CompleteArgument, _ mcp.CompleteContext) (*mcp.Completion, error) {
	if !slices.ContainsFunc(prompts(), func(p prompt) bool { return p.name == name }) {
		return nothing(), nil
	}
	switch argument.Name {
	case distroArgument:
		return matching(argument.Value, orbctl.Distros()), nil
	case machineArgument, "target":
		return c.machines(ctx, argument.Value)
	}
	return nothing(), nil
}

// CompleteResourceArgument is mcp-go's server.ResourceCompletionProvider.
func (c completer) CompleteResourceArgument(ctx context.Context, uri string, argument mcp.CompleteArgument, _ mcp.CompleteContext) (*mcp.Completion, error) {
	if uri != machineURI {
		return nothing(), nil
	}
	return c.machines(ctx, argument.Value)
}

// nothing is the answer for what this server does not have: clients ask while a
// person types, and the official conformance suite wants an answer for any name.
func nothing() *mcp.Completion { return &mcp.Completion{Values: []string{}} }

// machines are the names that start with what was typed. That they cannot be
// listed is an error and no empty list.
func (c completer) machines(ctx context.Context, typed string) (*mcp.Completion, error) {
	machines, err := c.server.orb.Machines(ctx)
	if err != nil {
		return nil, &stdio.CodeError{Code: mcp.INTERNAL_ERROR, Message: explain(err).text()}
	}
	names := make([]string, 0, len(machines))
	for _, m := range machines {
		names = append(names, m.Name)
	}
	return matching(typed, names), nil
}

// matching are the words that start with what was typed.
func matching(typed string, words []string) *mcp.Completion {
	const most = 100 // MCP specification, Completion
	out := nothing()
	for _, word := range words {
		if strings.HasPrefix(strings.ToLower(word), strings.ToLower(typed)) {
			out.Total++
			if len(out.Values) < most {
				out.Values = append(out.Values, word)
			}
		}
	}
	out.HasMore = out.Total > len(out.Values)
	return out
}
