// Command demo is the first thing that a newcomer watches: a real MCP client
// talks over stdio to the real server, in the simulated OrbStack whose network is
// broken on purpose, and finds out what is wrong. It fails when it does not, so
// that it is a test as well. `make demo` runs it.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"time"
)

func main() {
	os.Exit(run())
}

// run is main with a status, so that what is deferred is done.
func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: orbsim run demo -- demo SERVER [ARGUMENTS…]")
		return 2
	}
	if err := show(ctx, os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		return 1
	}
	return 0
}

// show plays the story against a server started with that command.
func show(ctx context.Context, server string, args []string) error {
	a, err := connect(ctx, server, args)
	if err != nil {
		return err
	}
	defer a.close()
	for _, s := range story() {
		if err := a.play(ctx, s); err != nil {
			return err
		}
	}
	a.end()
	return nil
}
