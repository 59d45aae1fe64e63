package runner_test

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"orbstack-mcp/orbctl/runner"
)

// TestMain makes this test binary five programs. The runner starts it under the
// name orbctl: then it is the fake of fake_test.go.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == runner.ReapVerb {
		runner.Reap(os.Stdin)
		return
	}
	switch os.Args[0] {
	case "orbctl":
		fakeOrbctl(os.Args[1:])
	case "server":
		serveUntilKilled()
	case "full disk", "read-only disk":
		serveOnADisk(os.Args[0])
	case "churn":
		serveWhileNumbersAreReused()
	default:
		remove, err := buildProgram()
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
