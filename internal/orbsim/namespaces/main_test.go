//go:build linux

package namespaces

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"orbstack-mcp/internal/orbsim/worldfile"
)

// fetchEnv makes a run of the tests fetch the package of rootfs inetutils first,
// from the network, unless it is in the cache.
const fetchEnv = "ORBSIM_TEST_FETCH"

// levelEnv tells the tests in the world what the ones outside have found out.
const levelEnv = "ORBSIM_TEST_WHY_NOT"

// TestMain executes the test binary again as the main process of a world, so
// that the tests themselves are the Mac on the bridge. -run, -cover and the rest
// of the flags go along. Where there can be no world, the tests that need none run.
func TestMain(m *testing.M) {
	RunInit(os.Args[1:])
	runTestVerb()
	if slices.ContainsFunc(os.Args, func(a string) bool {
		return strings.HasPrefix(a, "-test.fuzz") && !strings.HasPrefix(a, "-test.fuzzcachedir")
	}) {
		os.Exit(m.Run()) // its workers talk over descriptors of their own; no fuzz target needs a world
	}
	if InWorld() {
		if err := up("lo"); err != nil { // for tests of listeners, which open no world
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		goleak.VerifyTestMain(m)
		return
	}
	if os.Getenv(fetchEnv) != "" {
		if err := Prepare(context.Background(), worldfile.World{Machines: []worldfile.Machine{{Rootfs: "inetutils"}}}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	level, why := Probe()
	if want, err := strconv.Atoi(os.Getenv(RequireEnv)); err == nil && level > want {
		fmt.Fprintf(os.Stderr, "%s=%d, but this host has level %d: %s\n", RequireEnv, want, level, why)
		os.Exit(1)
	}
	if level > LevelRoot {
		_ = os.Setenv(levelEnv, why)
		goleak.VerifyTestMain(m)
		return
	}
	exit, err := Launch(context.Background(), LaunchOptions{Args: os.Args[1:]})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(exit)
}

// inWorld skips a test that needs a world where there is none.
func inWorld(tb testing.TB) {
	tb.Helper()
	if !InWorld() {
		tb.Skip("no world: " + orElse(os.Getenv(levelEnv), errors.ErrUnsupported.Error()))
	}
}
