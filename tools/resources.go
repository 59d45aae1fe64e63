package tools

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"orbstack-mcp/internal/stdio"
	"orbstack-mcp/orbctl"
)

// The resources: what a person may want to put into a conversation by hand. Each
// is the result of a tool that reads, under a name.
const (
	machinesURI = "orbstack://machines"
	machineURI  = "orbstack://machines/{machine}"
	configURI   = "orbstack://config"
)

func (s *toolServer) addResources(srv *server.MCPServer) {
	const jsonType = "application/json"
	srv.AddResource(
		mcp.NewResource(machinesURI, "machines", mcp.WithResourceDescription("OrbStack's machines, as vm_list shows them."), mcp.WithMIMEType(jsonType)),
		func(ctx context.Context, req mcp.ReadResourceRequest) ([]mcp.ResourceContents, error) {
			out, err := readList(ctx, s.call("", nil, nil), listIn{})
			return s.contents(req.Params.URI, out, err)
		})
	srv.AddResource(
		mcp.NewResource(configURI, "config", mcp.WithResourceDescription("The settings of OrbStack, as orbstack_config_get lists them."), mcp.WithMIMEType(jsonType)),
		func(ctx context.Context, req mcp.ReadResourceRequest) ([]mcp.ResourceContents, error) {
			out, err := readConfig(ctx, s.call("", nil, nil), configGetIn{})
			return s.contents(req.Params.URI, out, err)
		})
	srv.AddResourceTemplate(
		mcp.NewResourceTemplate(machineURI, "machine", mcp.WithTemplateDescription("One machine: state, image, addresses, disk use, limits."), mcp.WithTemplateMIMEType(jsonType)),
		func(ctx context.Context, req mcp.ReadResourceRequest) ([]mcp.ResourceContents, error) {
			m, err := s.orb.Machine(ctx, strings.TrimPrefix(req.Params.URI, machinesURI+"/"))
			return s.contents(req.Params.URI, row(m), err)
		})
}

// contents is a resource's one text, or the error in our words.
func (s *toolServer) contents(uri string, out any, err error) ([]mcp.ResourceContents, error) {
	if err != nil {
		f := s.options.fittingFailure(explain(err))
		if f.Code == code(orbctl.MachineNotFound) || f.Code == invalidArgument {
			return nil, stdio.ResourceNotFound(uri, f.text())
		}
		return nil, &stdio.CodeError{Code: mcp.INTERNAL_ERROR, Message: f.text(), Data: f}
	}
	b, err := json.Marshal(s.options.fitting(out))
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", uri, err)
	}
	return []mcp.ResourceContents{mcp.TextResourceContents{URI: uri, MIMEType: "application/json", Text: string(b)}}, nil
}
