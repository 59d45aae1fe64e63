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
	"golang.org/x/sys/unix"

	"orbstack-mcp/orbctl/runner/confine"
)

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

// These seconds are what a program that spins gets, and the sizes of files.
func TestLimitsAreThoseOfTheProfile(t *testing.T) {
	s := newFor(t, "bash")
	out, ok := run(t, s, confine.Profile{Deadline: 10 * time.Second}, "bash", "-c", "ulimit -Ht; ulimit -Hf; ulimit -Hn; ulimit -Hc")
	require.True(t, ok, out)
	assert.Equal(t, fmt.Sprintf("%d\n0\n256\n0\n", 15*runtime.NumCPU()), out)
	out, ok = run(t, s, confine.Profile{WriteDir: t.TempDir()}, "bash", "-c", "ulimit -Ht; ulimit -Hf")
	require.True(t, ok, out)
	assert.Equal(t, "unlimited\nunlimited\n", out)
}

func TestThreat26_PathsCannotAddRules(t *testing.T) {
	for _, home := range []string{"/home/a\nallow 65535 /", "relative", ""} {
		s, err := confine.New(confine.Auto, home, realProgram(t, "true"))
		require.NoError(t, err)
		assert.Contains(t, s.Level().Why, "is not an absolute path without control characters")
		_, err = confine.New(confine.Require, home, realProgram(t, "true"))
		require.Error(t, err)
	}
	s := newFor(t, "true")
	require.Error(t, start(t, s, confine.Profile{WriteDir: "/tmp\nallow 65535 /"}, realProgram(t, "true"), "true"))
	require.ErrorContains(t, start(t, s, confine.Profile{}, realProgram(t, "cat"), "cat"), "the sandbox is for")
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
		if c.abi > confine.LandlockABI() {
			continue // more than this kernel has: that of Debian 12 has 2
		}
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
	// Two answers: the kernel knows no such right, or not even where it would stand.
	assert.Regexp(t, `\Anone: landlock and seccomp does not work here: landlock: (invalid argument|argument list too long)\z`, s.Level().String())
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

// The self-test is quick only if it comes before what makes a start slow: the
// comment of its package says why, and what it must not import for it.
func TestSelfTestComesBeforeWhatIsSlow(t *testing.T) {
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
	trial := at("orbstack-mcp/orbctl/runner/confine/trial")
	for _, slow := range []string{"os", "reflect", "time", "golang.org/x/sys/unix"} {
		if slow == "golang.org/x/sys/unix" && !strings.Contains(string(out), "init "+slow+" ") {
			continue // it has nothing to initialize
		}
		assert.Less(t, trial, at(slow), "%s comes first", slow)
	}
}

// What is in the way of a child is told by its name, and leaves no process.
func TestWhatFailsBeforeTheProgramIsTold(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "program")
	text, err := os.ReadFile(realProgram(t, "true"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(program, text, 0o700))
	s, err := confine.New(confine.Require, dir, program)
	require.NoError(t, err)
	require.NoError(t, start(t, s, confine.Profile{}, program, "true"))
	require.NoError(t, os.Remove(program))
	var setup *confine.SetupError
	require.ErrorAs(t, start(t, s, confine.Profile{}, program, "true"), &setup)
	assert.Equal(t, "exec", setup.Step)
	require.ErrorIs(t, setup, os.ErrNotExist)
	require.Error(t, start(t, s, confine.Profile{}, program, "a NUL \x00 in a word"))
}

// A child has the three files that it is given and no other, whatever this process
// has open, close-on-exec or not.
func TestNoOtherFileIsHandedOn(t *testing.T) {
	s := newFor(t, "bash")
	null, err := unix.Open(os.DevNull, unix.O_RDWR, 0)
	require.NoError(t, err)
	defer unix.Close(null)
	high, err := unix.FcntlInt(uintptr(null), unix.F_DUPFD, 200)
	require.NoError(t, err)
	defer unix.Close(high)
	script := fmt.Sprintf(`for n in 1 2 %d %d; do { true >&$n; } 2>/dev/null && echo -n "$n "; done; true`, null, high)
	out, ok := run(t, s, confine.Profile{}, "bash", "-c", script)
	require.True(t, ok, out)
	assert.Equal(t, "1 2 ", out)
}
