// Command orbsim-orbctl is the simulated orbctl and nothing else. orbsim puts it
// into a world's home where it stands beside orbsim; without it orbsim itself is
// orbctl, which does the same and takes twice as long to start: 23 ms of a
// CPU against 10 ms, measured, and a test run starts it ten thousand times.
package main

import (
	"os"

	"orbstack-mcp/internal/orbsim/cli"
)

func main() { os.Exit(cli.Main(os.Args[0], os.Args[1:])) }
