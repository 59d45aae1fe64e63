// Command main is the orbctl of orbctl/runner's tests, which build it as they
// start. Nothing but the call may stand here.
package main

import (
	"os"

	"orbstack-mcp/internal/fakeorbctl"
)

func main() { os.Exit(fakeorbctl.Main(os.Args[1:])) }
