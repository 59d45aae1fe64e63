//go:build linux

package confine_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/orbctl/runner/confine"
)

// run is a command of coreutils inside.
func run(t *testing.T, s *confine.Sandbox, p confine.Profile, argv ...string) (out string, ok bool) {
	t.Helper()
	path, args, env, err := s.Command(p, realProgram(t, argv[0]), argv, []string{"LC_ALL=C"})
	require.NoError(t, err)
	c := exec.CommandContext(t.Context(), path)
	c.Args, c.Env, c.Dir = args, env, "/"
	text, err := c.CombinedOutput()
	return string(text), err == nil
}

func realProgram(t *testing.T, name string) string {
	t.Helper()
	found, err := exec.LookPath(name)
	require.NoError(t, err)
	found, err = filepath.EvalSymlinks(found)
	require.NoError(t, err)
	return found
}

func newFor(t *testing.T, program string) *confine.Sandbox {
	t.Helper()
	s, err := confine.New(confine.Require, t.TempDir(), realProgram(t, program))
	require.NoError(t, err)
	return s
}

func TestOneFolderMayBeWritten(t *testing.T) {
	s, dir, other := newFor(t, "cp"), t.TempDir(), t.TempDir()
	from := filepath.Join(other, "from")
	require.NoError(t, os.WriteFile(from, []byte("text"), 0o600))

	out, ok := run(t, s, confine.Profile{}, "cp", from, dir)
	assert.False(t, ok)
	assert.Contains(t, out, "Permission denied")

	p := confine.Profile{ReadPath: from, WriteDir: dir}
	out, ok = run(t, s, p, "cp", from, filepath.Join(dir, "to"))
	require.True(t, ok, out)
	text, err := os.ReadFile(filepath.Join(dir, "to"))
	require.NoError(t, err)
	assert.Equal(t, "text", string(text))

	_, ok = run(t, s, p, "cp", from, filepath.Join(other, "to"))
	assert.False(t, ok, "nor beside it")
	_, ok = run(t, s, confine.Profile{ReadPath: from}, "cp", from, filepath.Join(dir, "to"))
	assert.False(t, ok, "nor with a path to read only")
	_, ok = run(t, s, p, "cp", "/etc/passwd", filepath.Join(dir, "to"))
	assert.False(t, ok, "nor what is there from elsewhere")
}

func TestOnePathMayBeRead(t *testing.T) {
	s, dir := newFor(t, "cat"), t.TempDir()
	for _, name := range []string{"one", "two"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(name), 0o600))
	}
	out, ok := run(t, s, confine.Profile{ReadPath: filepath.Join(dir, "one")}, "cat", filepath.Join(dir, "one"))
	require.True(t, ok, out)
	assert.Equal(t, "one", out)
	_, ok = run(t, s, confine.Profile{ReadPath: filepath.Join(dir, "one")}, "cat", filepath.Join(dir, "two"))
	assert.False(t, ok)
}

// The kernel rounds nothing: these seconds are what a program that spins gets.
func TestDeadlineBoundsTheProcessorTime(t *testing.T) {
	_, argv, _, err := newFor(t, "true").Command(confine.Profile{Deadline: 10 * time.Second}, realProgram(t, "true"), []string{"true"}, nil)
	require.NoError(t, err)
	assert.Contains(t, argv[1], fmt.Sprintf("limit 0 %d\n", 15*runtime.NumCPU()), "RLIMIT_CPU")
	assert.Contains(t, argv[1], "limit 1 0\n", "RLIMIT_FSIZE")
	_, argv, _, err = newFor(t, "true").Command(confine.Profile{WriteDir: "/tmp"}, realProgram(t, "true"), []string{"true"}, nil)
	require.NoError(t, err)
	assert.NotContains(t, argv[1], "limit 0 ")
	assert.NotContains(t, argv[1], "limit 1 ")
}

func TestThreat26_PathsCannotAddRules(t *testing.T) {
	for _, home := range []string{"/home/a\nallow 65535 /", "relative", ""} {
		s, err := confine.New(confine.Auto, home, realProgram(t, "true"))
		require.NoError(t, err)
		assert.Contains(t, s.Level().Why, "is not an absolute path without control characters")
		_, err = confine.New(confine.Require, home, realProgram(t, "true"))
		require.Error(t, err)
	}
	_, _, _, err := newFor(t, "true").Command(confine.Profile{WriteDir: "/tmp\nallow 65535 /"}, realProgram(t, "true"), []string{"true"}, nil)
	require.Error(t, err)
	_, _, _, err = newFor(t, "true").Command(confine.Profile{}, realProgram(t, "cat"), []string{"cat"}, nil)
	require.ErrorContains(t, err, "the sandbox is for")
}

func TestThreat15_OlderKernelsNameTheirGaps(t *testing.T) {
	home := t.TempDir()
	for _, c := range []struct {
		abi  int
		name string
		gaps []string
	}{
		{0, "seccomp", []string{"no Landlock", "before ABI 3", "before ABI 6", "before ABI 9"}},
		{1, "landlock and seccomp", []string{"before ABI 3", "before ABI 6", "before ABI 9"}},
		{3, "landlock and seccomp", []string{"before ABI 6", "before ABI 9"}},
		{6, "landlock and seccomp", []string{"before ABI 9"}},
		{7, "landlock and seccomp", []string{"before ABI 9"}},
	} {
		s, err := confine.NewAt(c.abi, confine.Auto, home, realProgram(t, "cat"))
		require.NoError(t, err)
		level := s.Level()
		assert.Equal(t, c.name, level.Name, "%s", level)
		require.Len(t, level.Gaps, len(c.gaps), "%s", level)
		for i, gap := range c.gaps {
			assert.Contains(t, level.Gaps[i], gap)
		}
		out, ok := run(t, s, confine.Profile{}, "cat", "/dev/null")
		assert.True(t, ok, out)
		_, ok = run(t, s, confine.Profile{}, "cat", "/etc/passwd")
		assert.Equal(t, c.abi == 0, ok, "the level says what is so")
	}
	_, err := confine.NewAt(0, confine.Require, home, realProgram(t, "cat"))
	require.ErrorContains(t, err, "there is only seccomp, which lets this through: reading other files, writing files")
	require.ErrorContains(t, err, "--sandbox auto would run it")
}

// A kernel that does not know what it is asked for is one where nothing works.
func TestThreat25_LandlockThatDoesNotWork(t *testing.T) {
	s, err := confine.NewAt(9, confine.Auto, t.TempDir(), realProgram(t, "cat"))
	require.NoError(t, err)
	if level, err := confine.New(confine.Auto, t.TempDir(), realProgram(t, "cat")); err == nil && !strings.Contains(level.Level().String(), "before ABI 9") {
		t.Skip("this kernel has ABI 9")
	}
	assert.Equal(t, "none: landlock and seccomp does not work here: landlock: invalid argument", s.Level().String())
	out, ok := run(t, s, confine.Profile{}, "cat", "/dev/null")
	assert.True(t, ok, out)
}

func TestProgramsThatAreNone(t *testing.T) {
	dir := t.TempDir()
	script, empty := filepath.Join(dir, "script"), filepath.Join(dir, "empty")
	require.NoError(t, os.WriteFile(script, []byte("#!/bin/sh\n"), 0o700))
	require.NoError(t, os.WriteFile(empty, nil, 0o700))
	for path, why := range map[string]string{
		script: "is a script or something else", empty: "is a script or something else", filepath.Join(dir, "none"): "cannot be read: open ",
	} {
		s, err := confine.New(confine.Auto, dir, path)
		require.NoError(t, err)
		assert.Contains(t, s.Level().Why, why)
	}
}

// The stage is worth its name only if it comes before what makes a start slow:
// its package comment says why, and what it must not import for it.
func TestStageComesBeforeWhatIsSlow(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	c := exec.CommandContext(t.Context(), self, "-test.run", "^$")
	c.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	out, err := c.CombinedOutput()
	require.NoError(t, err)
	var order []string
	for _, m := range regexp.MustCompile(`(?m)^init (\S+) @`).FindAllStringSubmatch(string(out), -1) {
		order = append(order, m[1])
	}
	at := func(name string) int {
		for i, n := range order {
			if n == name {
				return i
			}
		}
		t.Fatalf("%s is not initialized: %v", name, order)
		return 0
	}
	stage := at("orbstack-mcp/orbctl/runner/confine/stage")
	for _, slow := range []string{"os", "reflect", "time", "golang.org/x/sys/unix"} {
		if slow == "golang.org/x/sys/unix" && !strings.Contains(string(out), "init "+slow+" ") {
			continue // it has nothing to initialize
		}
		assert.Less(t, stage, at(slow), "%s comes first", slow)
	}
}

func TestStartUnderTheMarkerAloneDoesNothing(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	for _, argv := range [][]string{
		{self},
		{"orbstack-mcp-stage", "no policy", "/bin/true", "true"},
		{"orbstack-mcp-stage", "filter 060000000000ff7f\n"},
	} {
		c := exec.CommandContext(t.Context(), self)
		c.Args, c.Env = argv, []string{"ORBSTACK_MCP_STAGE=token"}
		out, err := c.CombinedOutput()
		var ended *exec.ExitError
		require.ErrorAs(t, err, &ended)
		assert.Equal(t, 125, ended.ExitCode())
		assert.Equal(t, "token: arguments 22\n", string(out), "no test has run")
	}
}
