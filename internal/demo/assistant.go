package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/mcp"
)

// An assistant plays the part of the program that people talk to: an MCP client
// that prints what it does.
type assistant struct {
	client *client.Client
	out    io.Writer
	colour bool
	began  time.Time
	calls  int
}

func connect(ctx context.Context, server string, args []string) (*assistant, error) {
	c, err := client.NewStdioMCPClient(server, os.Environ(), args...)
	if err != nil {
		return nil, fmt.Errorf("start the server: %w", err)
	}
	var init mcp.InitializeRequest
	init.Params.ClientInfo = mcp.Implementation{Name: "demo", Version: "1"}
	init.Params.ProtocolVersion = mcp.LATEST_PROTOCOL_VERSION
	hello, err := c.Initialize(ctx, init)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the session: %w", err), c.Close())
	}
	tools, err := c.ListTools(ctx, mcp.ListToolsRequest{})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("list the tools: %w", err), c.Close())
	}
	info, err := os.Stdout.Stat()
	a := &assistant{client: c, out: os.Stdout, began: time.Now(), colour: err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("NO_COLOR") == ""}
	a.say("2", fmt.Sprintf("%s %s over stdio, MCP %s, %d tools. The machines are simulated: Linux namespaces with real packets.",
		hello.ServerInfo.Name, hello.ServerInfo.Version, c.ProtocolVersion(), len(tools.Tools)))
	return a, nil
}

func (a *assistant) close() {
	if err := a.client.Close(); err != nil {
		fmt.Fprintln(os.Stderr, "demo: the server did not end well:", err)
	}
}

// play runs one scene, prints it, and checks what came of it.
func (a *assistant) play(ctx context.Context, s scene) error {
	if s.user != "" {
		fmt.Fprintln(a.out)
		a.say("1", "user       "+s.user)
	}
	fmt.Fprintln(a.out)
	a.say("", "assistant  "+s.think)
	a.say("36", "           "+s.tool+" "+arguments(s.args))
	var req mcp.CallToolRequest
	req.Params.Name, req.Params.Arguments = s.tool, s.args
	answer, err := a.client.CallTool(ctx, req)
	if err != nil {
		return fmt.Errorf("%s: %w", s.tool, err)
	}
	a.calls++
	b, err := json.Marshal(answer.StructuredContent)
	if err != nil {
		return fmt.Errorf("%s: read the result: %w", s.tool, err)
	}
	var r result
	if err := json.Unmarshal(b, &r.fields); err != nil {
		return fmt.Errorf("%s: read the result: %w", s.tool, err)
	}
	if answer.IsError {
		return fmt.Errorf("%s failed: %s", s.tool, b)
	}
	for _, line := range s.show(r) {
		a.say("32", "           │ "+line)
	}
	if !s.want(r) {
		return fmt.Errorf("%s did not find what is broken in this world: %s", s.tool, b)
	}
	return nil
}

func (a *assistant) end() {
	fmt.Fprintln(a.out)
	a.say("2", fmt.Sprintf("%d calls in %.1f s. Nothing was changed, started or stopped.", a.calls, time.Since(a.began).Seconds()))
}

func (a *assistant) say(colour, text string) {
	if a.colour && colour != "" {
		text = "\x1b[" + colour + "m" + text + "\x1b[0m"
	}
	fmt.Fprintln(a.out, text)
}

// arguments are shown as key=value, in order.
func arguments(args map[string]any) string {
	var words []string
	for _, key := range slices.Sorted(maps.Keys(args)) {
		words = append(words, fmt.Sprintf("%s=%v", key, args[key]))
	}
	return strings.Join(words, " ")
}

// A result reads a tool's structured content without knowing its type.
type result struct{ fields map[string]any }

func (r result) text(key string) string {
	if r.fields[key] == nil {
		return ""
	}
	return fmt.Sprint(r.fields[key])
}

func (r result) at(key string) result {
	m, _ := r.fields[key].(map[string]any)
	return result{m}
}

func (r result) list(key string) []result {
	entries, _ := r.fields[key].([]any)
	var all []result
	for _, e := range entries {
		m, _ := e.(map[string]any)
		all = append(all, result{m})
	}
	return all
}

func (r result) texts(key string) []string {
	entries, _ := r.fields[key].([]any)
	var all []string
	for _, e := range entries {
		all = append(all, fmt.Sprint(e))
	}
	return all
}
