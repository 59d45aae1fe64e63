// Command orbsim is a simulated OrbStack: the project's test bed, the world of
// its evals and a demo for people without a Mac.
//
//	orbsim run demo -- orbstack-mcp    a world, and a program in it as on the Mac
//	orbsim doctor                      what this host can do
//
// Under the name orbctl (or orb) the same binary is the simulated command line.
package main

import (
	"fmt"
	"os"

	"orbstack-mcp/internal/orbsim"
)

func main() {
	code, done, err := orbsim.Dispatch(os.Args)
	if !done {
		code, err = run(os.Args[1:])
	}
	if err != nil {
		_, _ = fmt.Fprintf(os.Stderr, "orbsim: %v\n", err)
	}
	os.Exit(code)
}

// run is the command line of orbsim itself.
func run(args []string) (code int, err error) {
	root := command(&code)
	root.SetArgs(args)
	if err = root.Execute(); err != nil && code == 0 {
		code = orbsim.ExitOwn
	}
	return code, err
}
