package confine_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/orbctl/runner/confine"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// What a sandbox-exec does. It can't be this test binary, for that would answer
// to the self-test itself.
const (
	works   = "[ -z \"$ORBSTACK_MCP_SELFTEST\" ] && echo inside || printf 'fork\\nnetwork\\nread\\nwrite\\ntried\\n'" // as if everything had been refused
	nested  = "echo 'sandbox-exec: sandbox_apply: Operation not permitted' >&2; exit 71"
	profile = "echo 'sandbox-exec: unbound variable: system-socket' >&2; exit 65"
	usage   = "echo 'sandbox-exec: illegal option -- D' >&2; exit 64"
	execvp  = "echo \"sandbox-exec: execvp() of '/x' failed: Operation not permitted\" >&2; exit 71"
	leaky   = "printf 'fork\\nnetwork\\ntried\\n'"
	silent  = ":"
	crash   = "exit 134"
)

// mac is a home with an application, and a sandbox-exec that does that.
func mac(t *testing.T, does string) (exec, home, orbctl string) {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	exec, home, orbctl = filepath.Join(dir, "sandbox-exec"), filepath.Join(dir, "ann"), filepath.Join(dir, "OrbStack.app/Contents/MacOS/bin/orbctl")
	if does != "" {
		require.NoError(t, os.WriteFile(exec, []byte("#!/bin/sh\n"+does+"\n"), 0o700))
	}
	require.NoError(t, os.MkdirAll(filepath.Dir(orbctl), 0o700))
	require.NoError(t, os.WriteFile(orbctl, []byte("#!/bin/sh\necho outside\n"), 0o700))
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "elsewhere", "run"), 0o700))
	require.NoError(t, os.Mkdir(home, 0o700))
	require.NoError(t, os.Symlink(filepath.Join(dir, "elsewhere"), filepath.Join(home, ".orbstack")))
	return exec, home, orbctl
}

func TestThreat25_NestedOrMissingSandbox(t *testing.T) {
	const broken = "sandbox-exec does not work here: sandbox-exec: "
	for name, c := range map[string]struct{ does, why string }{
		"works":   {works, ""},
		"nested":  {nested, broken + "this server runs in a sandbox itself, and macOS has none within another"},
		"profile": {profile, broken + "this macOS does not understand the profile"},
		"usage":   {usage, broken + "it does not take these arguments"},
		"execvp":  {execvp, broken + "the program could not be executed inside"},
		"leaky":   {leaky, "sandbox-exec is set up but keeps nobody from this: reading other files, writing files"},
		"silent":  {silent, "the self-test of sandbox-exec came to no end (exit 0)"},
		"crash":   {crash, "the self-test of sandbox-exec came to no end (exit 134)"},
		"missing": {"", "the self-test of sandbox-exec could not be run: fork/exec"},
	} {
		t.Run(name, func(t *testing.T) {
			exec, home, orbctl := mac(t, c.does)
			s, err := confine.NewSeatbelt(exec, "/self", confine.Auto, home, orbctl)
			require.NoError(t, err, "auto never fails")
			_, required := confine.NewSeatbelt(exec, "/self", confine.Require, home, orbctl)
			if c.why == "" {
				assert.Equal(t, confine.Level{Name: "sandbox-exec"}, s.Level())
				assert.Equal(t, "inside\n", output(t, s, orbctl))
				require.NoError(t, required)
				return
			}
			assert.Contains(t, s.Level().String(), "none: "+c.why)
			assert.Equal(t, "outside\n", output(t, s, orbctl))
			var unavailable *confine.UnavailableError
			require.ErrorAs(t, required, &unavailable)
			assert.Contains(t, required.Error(), c.why)
		})
	}
}

func TestThreat26_ProfileInjectionByAPath(t *testing.T) {
	exec, home, orbctl := mac(t, works)
	dir := filepath.Dir(home)
	s, err := confine.NewSeatbelt(exec, "/self", confine.Require, home, orbctl)
	require.NoError(t, err)
	evil := filepath.Join(dir, `x"))(allow default)(deny (literal "`)
	for name, p := range map[string]confine.Profile{
		"plain": {},
		"read":  {ReadPath: evil},
		"write": {WriteDir: evil},
	} {
		c := confine.SeatbeltCommand(exec, home, p, confine.Command{Path: orbctl, Argv: []string{"orbctl", "list", "-f", "json"}, Env: []string{"A=b"}})
		assert.Equal(t, exec, c.Path)
		assert.Equal(t, []string{"A=b"}, c.Env)
		argv := c.Argv
		require.Equal(t, []string{exec, "-p"}, argv[:2])
		assert.NotContains(t, argv[2], dir, "no path is in the text")
		golden(t, filepath.Join("testdata", name+".sb"), argv[2])

		want := []string{
			"-D", "ORBCTL=" + orbctl, "-D", "ORB_APP=" + filepath.Join(dir, "OrbStack.app"),
			"-D", "ORB_HOME=" + filepath.Join(dir, "elsewhere"), "-D", "ORB_RUN=" + filepath.Join(dir, "elsewhere/run"),
		}
		if p.ReadPath != "" {
			want = append(want, "-D", "READ_PATH="+evil)
		}
		if p.WriteDir != "" {
			want = append(want, "-D", "WRITE_DIR="+evil)
		}
		assert.Equal(t, append(want, orbctl, "list", "-f", "json"), argv[3:])
		for _, value := range want[1:] {
			key, _, ok := strings.Cut(value, "=")
			assert.True(t, !ok || strings.Contains(argv[2], `(param "`+key+`")`), "%s is used", key)
		}
	}
	for _, p := range []confine.Profile{{ReadPath: "relative"}, {WriteDir: "/a\nallow 65535 /"}} {
		_, err := s.Start(p, confine.Command{Path: orbctl, Argv: []string{"orbctl"}})
		require.ErrorContains(t, err, "must be an absolute path without control characters")
	}
}

func TestMacNeedsTheNameOrbctl(t *testing.T) {
	exec, home, orbctl := mac(t, works)
	s, err := confine.NewSeatbelt(exec, "/self", confine.Auto, home, filepath.Join(filepath.Dir(orbctl), "orb"))
	require.NoError(t, err)
	assert.Contains(t, s.Level().Why, "cannot start it under the name orbctl")
}

// What orbctl itself says must not pass for sandbox-exec, and the other way round.
func TestWhoFailedIsToldByExitAndName(t *testing.T) {
	assert.NoError(t, confine.SeatbeltFailed(71, "orbctl: bad\n"))
	assert.NoError(t, confine.SeatbeltFailed(1, "sandbox-exec: no such machine\n"))
	assert.NoError(t, confine.SeatbeltFailed(0, ""))
	var setup *confine.SetupError
	require.ErrorAs(t, confine.SeatbeltFailed(71, "sandbox-exec: sandbox_apply: Operation not permitted\n"), &setup)
	assert.Equal(t, "orbctl was not started, since the sandbox could not be set up: sandbox-exec: this server runs in a sandbox itself, and macOS has none within another", setup.Error())
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, string(want), got)
}
