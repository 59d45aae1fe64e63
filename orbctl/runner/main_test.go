package runner_test

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"orbstack-mcp/orbctl/runner"
)

// TestMain makes this test binary the tests, the servers that some of them start,
// and a reaper.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == runner.ReapVerb {
		runner.Reap(os.Stdin)
		return
	}
	switch os.Args[0] {
	case "server":
		serveUntilKilled()
	case "full disk", "read-only disk":
		serveOnADisk(os.Args[0])
	case "churn":
		serveWhileNumbersAreReused()
	default:
		remove, err := buildPrograms()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		goleak.VerifyTestMain(m, goleak.Cleanup(func(exit int) {
			remove()
			os.Exit(exit)
		}))
	}
}
