// Command orbstack-mcp is an MCP server for OrbStack: without a verb it serves
// on stdin and stdout. This package turns flags into options and nothing else.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"orbstack-mcp/orbctl/runner"
)

// version is set by the linker (Makefile).
var version = "dev"

func main() {
	os.Exit(run())
}

// run is main with a status, so that what is deferred is done.
func run() int {
	if err := runner.CloseInherited(); err != nil {
		fmt.Fprintln(os.Stderr, "orbstack-mcp:", err) // the children may see files of whoever started this
	}
	signal.Ignore(syscall.SIGPIPE) // a client that is gone ends the session, not the process (internal/stdio.Serve)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := command().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "orbstack-mcp:", err)
		return 1
	}
	return 0
}
