package runner_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// The programs that buildPrograms has made, as the environment names them: servers
// that tests start have to find the fake orbctl, too.
const (
	orbctlVariable = "ORBSTACK_MCP_TEST_ORBCTL"
	plainVariable  = "ORBSTACK_MCP_TEST_PROGRAM"
)

// fakeOrbctl is the program of internal/fakeorbctl. Without its name a runner would
// look for OrbStack's own.
func fakeOrbctl() string {
	fake := os.Getenv(orbctlVariable)
	if fake == "" {
		panic("the environment names no " + orbctlVariable)
	}
	return fake
}

// plainProgram is what tests start as a server that is killed, and as a reaper. It
// is this test binary, or a copy without the race detector: a start with it takes
// 160 ms instead of 40.
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

// buildPrograms makes the fake orbctl, and that copy where one is needed, unless
// whoever started this test binary has. It gives what removes them.
func buildPrograms() (remove func(), err error) {
	if os.Getenv(orbctlVariable) != "" {
		return func() {}, nil
	}
	dir, err := os.MkdirTemp("", "orbstack-mcp-runner-")
	if err != nil {
		return nil, err
	}
	remove = func() { _ = os.RemoveAll(dir) }
	err = os.Chmod(dir, 0o755) // some tests start them as another user
	if err == nil {
		err = build(orbctlVariable, filepath.Join(dir, "orbctl"), "../../internal/fakeorbctl/main", "build", "-buildvcs=false", "-ldflags", "-s -w")
	}
	if err == nil && raced {
		err = build(plainVariable, filepath.Join(dir, "program"), ".", "test", "-c", "-vet=off")
	}
	if err != nil {
		remove()
		return nil, err
	}
	return remove, nil
}

// build makes one program, and names it in the environment.
func build(variable, path, pkg string, words ...string) error {
	c := exec.Command("go", append(words, "-o", path, pkg)...)
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", pkg, err, out)
	}
	return os.Setenv(variable, path)
}
