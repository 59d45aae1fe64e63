package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"go.uber.org/goleak"

	"orbstack-mcp/internal/orbsim/namespaces"
)

// The programs under test, built once.
var bin struct{ server, sim string }

// TestMain makes this test binary three programs: the tests, and the two servers
// of threat_21_server_test.go with what starts them.
func TestMain(m *testing.M) {
	switch {
	case len(os.Args) == 3 && os.Args[1] == pairVerb:
		os.Exit(runPair(os.Args[2]))
	case len(os.Args) == 4 && os.Args[1] == serverVerb:
		os.Exit(runServer(os.Args[2], os.Args[3]))
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "orbstack-mcp-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	// World-readable and not world-writable: the server refuses an orbctl below a
	// folder that others can write to, and a world without root has to read it.
	if err := os.Chmod(dir, 0o755); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	build := func(args ...string) error { // as make build does, whose packages are then at hand
		c := exec.Command("go", append([]string{"build", "-buildvcs=false", "-o", dir + "/"}, args...)...)
		c.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := c.CombinedOutput(); err != nil {
			return fmt.Errorf("build: %w\n%s", err, out)
		}
		return nil
	}
	err = build("orbstack-mcp/cmd/orbstack-mcp", "orbstack-mcp/cmd/orbsim", "orbstack-mcp/cmd/orbsim-orbctl")
	if err == nil && os.Getenv("GOCOVERDIR") != "" { // .ci/cover: the server writes what it covered there when it ends
		err = build("-cover", "-coverpkg", "orbstack-mcp/cmd/...,orbstack-mcp/tools,orbstack-mcp/schemas,orbstack-mcp/internal/stdio,orbstack-mcp/orbctl/...", "orbstack-mcp/cmd/orbstack-mcp")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	bin.server, bin.sim = filepath.Join(dir, "orbstack-mcp"), filepath.Join(dir, "orbsim")
	// There is nothing to see here without machines that are real.
	if os.Getenv(namespaces.RequireEnv) == "" {
		if err := os.Setenv(namespaces.RequireEnv, strconv.Itoa(namespaces.LevelRoot)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	code := m.Run()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return code
}
