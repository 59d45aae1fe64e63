package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"orbstack-mcp/internal/orbsim/cli"
	"orbstack-mcp/internal/orbsim/namespaces"
)

const asMain = "ORBSIM_TEST_AS_MAIN"

// TestMain is orbsim itself when a test starts this binary again, and all that
// orbsim starts: orbctl, the inside of a world, machines.
func TestMain(m *testing.M) {
	if os.Getenv(asMain) != "" || cli.Is(os.Args[0]) || (len(os.Args) > 1 && strings.HasPrefix(os.Args[1], "__")) {
		main()
	}
	os.Exit(m.Run())
}

type result struct {
	out, err string
	exit     int
}

func orbsimCommand(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self, args...)
	cmd.Args[0] = "orbsim"
	cmd.Env = append(os.Environ(), asMain+"=1", "GOCOVERDIR="+t.TempDir(), "GORACE=atexit_sleep_ms=0")
	return cmd
}

func finish(t *testing.T, cmd *exec.Cmd) result {
	t.Helper()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		require.NoError(t, err)
	}
	return result{out.String(), errs.String(), cmd.ProcessState.ExitCode()}
}

func orbsimRun(t *testing.T, args ...string) result { return finish(t, orbsimCommand(t, args...)) }

// inWorld runs a sh script as COMMAND; $O is orbctl.
func inWorld(t *testing.T, world, script string, args ...string) result {
	t.Helper()
	return finish(t, inWorldCommand(t, world, script, args...))
}

func inWorldCommand(t *testing.T, world, script string, args ...string) *exec.Cmd {
	if strings.Contains(world, "\n") || strings.Contains(world, ":") {
		file := filepath.Join(t.TempDir(), "world.yaml")
		require.NoError(t, os.WriteFile(file, []byte(world), 0o600))
		world = file
	}
	return orbsimCommand(t, append(append([]string{"run"}, args...), world, "--", "sh", "-c", "O=$ORBSTACK_MCP_ORBCTL\n"+script)...)
}

// needWorld skips a test where machines can't be real, unless the environment
// says that they must be: CI sets ORBSIM_REQUIRE_LEVEL, so that a host that
// lost its namespaces fails and does not skip.
func needWorld(t *testing.T) {
	t.Helper()
	level, why := namespaces.Probe()
	if level <= namespaces.LevelRoot {
		return
	}
	if require, err := strconv.Atoi(os.Getenv(namespaces.RequireEnv)); err == nil && level > require {
		t.Fatalf("level %d (%s), and %s is %d", level, why, namespaces.RequireEnv, require)
	}
	t.Skipf("level %d: %s", level, why)
}
