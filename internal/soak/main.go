// Command soak keeps a real server busy for a long time, in a simulated OrbStack
// that breaks at random, and looks whether anything is left behind: answers,
// processes, descriptors, threads, memory, locks. `make soak` runs it; it needs
// Linux's /proc.
//
// Goroutines cannot be counted from outside without ending the server: one that
// is stuck in a system call shows as a thread, one that holds a file as a
// descriptor, and thousands of the others as memory.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"

	"orbstack-mcp/internal/statefolder"
)

func main() {
	os.Exit(run())
}

// run is main with a status, so that what is deferred is done.
func run() int {
	calls := flag.Int("calls", 100_000, "how many tools are called")
	flag.Parse()
	if flag.NArg() == 0 || *calls < 10 {
		fmt.Fprintln(os.Stderr, "usage: orbsim run internal/soak/world.yaml -- soak [-calls N, at least 10] SERVER [ARGUMENTS…]")
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	s, err := soak(ctx, *calls, flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		return 1
	}
	problems := s.problems()
	s.print(os.Stdout)
	for _, p := range problems {
		fmt.Println("wrong:", p)
	}
	if len(problems) > 0 {
		return 1
	}
	fmt.Println("ok")
	return 0
}

// lockFolder is where the server keeps its locks in this environment.
func lockFolder() (string, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("find the lock files: %w", err)
	}
	return filepath.Join(statefolder.Path(runtime.GOOS, home, os.Getenv), "locks"), nil
}
