package runner_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// plainVariable names the copy of this test binary that buildProgram has made.
const plainVariable = "ORBSTACK_MCP_TEST_PROGRAM"

// plainProgram is what tests start: the fake orbctl, and servers that are killed.
// It is this test binary, or a copy without the race detector: a start with it
// takes 160 ms instead of 40.
func plainProgram() string {
	if plain := os.Getenv(plainVariable); plain != "" {
		return plain
	}
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return self
}

// buildProgram makes that copy where one is needed, and gives what removes it.
func buildProgram() (remove func(), err error) {
	if !raced {
		return func() {}, nil
	}
	dir, err := os.MkdirTemp("", "orbstack-mcp-runner-")
	if err != nil {
		return nil, err
	}
	remove = func() { _ = os.RemoveAll(dir) }
	path := filepath.Join(dir, "program")
	build := exec.Command("go", "test", "-c", "-vet=off", "-o", path, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		remove()
		return nil, fmt.Errorf("build: %w\n%s", err, out)
	}
	// World-readable: some tests start it as another user.
	if err := os.Chmod(dir, 0o755); err != nil {
		remove()
		return nil, err
	}
	return remove, os.Setenv(plainVariable, path)
}
