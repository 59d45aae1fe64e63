package runner_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/orbctl/runner"
)

func program(tb testing.TB, path string) string {
	tb.Helper()
	require.NoError(tb, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(tb, os.WriteFile(path, []byte("#!/bin/sh\n"), 0o755))
	return path
}

func env(of map[string]string) func(string) string {
	return func(name string) string { return of[name] }
}

// realDir is a temporary folder without links on the way (macOS has one in /var).
func realDir(tb testing.TB) string {
	tb.Helper()
	dir, err := filepath.EvalSymlinks(tb.TempDir())
	require.NoError(tb, err)
	return dir
}

func TestBinaryIsFoundInThisOrder(t *testing.T) {
	dir := realDir(t)
	home := filepath.Join(dir, "home")
	flag, variable := program(t, filepath.Join(dir, "flag", "orbctl")), program(t, filepath.Join(dir, "env", "orbctl"))
	onPath, ofUser := program(t, filepath.Join(dir, "bin", "orbctl")), program(t, filepath.Join(home, ".orbstack", "bin", "orbctl"))
	find := func(o runner.Options) runner.Binary {
		b, err := runner.New(o).Binary()
		require.NoError(t, err)
		return b
	}
	vars := map[string]string{runner.EnvOrbctl: variable, "PATH": "relative:.::" + filepath.Dir(onPath)}
	assert.Equal(t, runner.Binary{Path: flag, Real: flag, Source: "--orbctl"}, find(runner.Options{Orbctl: flag, Home: home, Getenv: env(vars)}))
	assert.Equal(t, runner.Binary{Path: variable, Real: variable, Source: "$ORBSTACK_MCP_ORBCTL"}, find(runner.Options{Home: home, Getenv: env(vars)}))
	delete(vars, runner.EnvOrbctl)
	if _, err := os.Stat("/Applications"); err == nil {
		t.Skip("OrbStack may be installed here")
	}
	assert.Equal(t, ofUser, find(runner.Options{Home: home, Getenv: env(vars)}).Path)
	require.NoError(t, os.Remove(ofUser))
	assert.Equal(t, runner.Binary{Path: onPath, Real: onPath, Source: "PATH"}, find(runner.Options{Home: home, Getenv: env(vars)}))
}

func TestUsualPlaces(t *testing.T) {
	var got []string
	for _, a := range runner.UsualPlaces("/Users/ann", "/usr/local/bin:.:/opt/x:/opt/x") {
		got = append(got, a.Path)
	}
	assert.Equal(t, []string{
		"/Applications/OrbStack.app/Contents/MacOS/bin/orbctl", "/Users/ann/.orbstack/bin/orbctl", "/opt/homebrew/bin/orbctl", "/usr/local/bin/orbctl", "/opt/x/orbctl",
	}, got)
}

func TestAPathThatTheUserNamedIsNotReplacedByAnother(t *testing.T) {
	dir := realDir(t)
	good := program(t, filepath.Join(dir, "bin", "orbctl"))
	folder := filepath.Join(dir, "folder")
	require.NoError(t, os.Mkdir(folder, 0o755))
	data := filepath.Join(dir, "data")
	require.NoError(t, os.WriteFile(data, nil, 0o600))
	loop := filepath.Join(dir, "loop")
	require.NoError(t, os.Symlink(loop, loop))
	dangling := filepath.Join(dir, "dangling")
	require.NoError(t, os.Symlink("nowhere", dangling))
	for path, why := range map[string]string{
		filepath.Join(dir, "missing"): "does not exist",
		"bin/orbctl":                  "is not an absolute path",
		folder:                        "is no file",
		data:                          "is not executable",
		loop:                          "leads nowhere",
		dangling:                      "does not exist",
		data + "/orbctl":              "cannot be read (not a directory)",
	} {
		_, err := runner.New(runner.Options{Orbctl: path, Home: dir, Getenv: env(map[string]string{"PATH": filepath.Dir(good)})}).Binary()
		var binary *runner.BinaryError
		require.ErrorAs(t, err, &binary, path)
		assert.True(t, binary.Explicit)
		assert.Contains(t, err.Error(), path)
		assert.Contains(t, err.Error(), why)
		assert.Contains(t, err.Error(), "--orbctl")
	}
}

func TestMissingBinaryIsTheErrorOfEveryCall(t *testing.T) {
	if _, err := os.Stat("/Applications"); err == nil {
		t.Skip("OrbStack may be installed here")
	}
	r := runner.New(runner.Options{Home: realDir(t), Getenv: env(map[string]string{"PATH": "/nonexistent"})})
	var missing *runner.BinaryError
	_, err := r.Run(t.Context(), list)
	require.ErrorAs(t, err, &missing)
	_, err = r.Status(t.Context())
	require.ErrorAs(t, err, &missing)
	assert.False(t, missing.Explicit)
	assert.Len(t, missing.Tried, 5)
	for _, place := range []string{"/Applications/OrbStack.app", ".orbstack/bin", "/opt/homebrew", "/usr/local", "/nonexistent/orbctl"} {
		assert.Contains(t, err.Error(), place)
	}
}

func TestThreat05_PlantedBinariesAreRefused(t *testing.T) {
	dir := realDir(t)
	genuine := program(t, filepath.Join(dir, "safe", "orbctl"))
	uid := os.Geteuid()

	open := filepath.Join(dir, "open", "deep", "orbctl")
	program(t, open)
	require.NoError(t, os.Chmod(filepath.Join(dir, "open"), 0o777))
	sticky := program(t, filepath.Join(dir, "sticky", "orbctl"))
	require.NoError(t, os.Chmod(filepath.Dir(sticky), 0o777|os.ModeSticky))
	group := program(t, filepath.Join(dir, "group", "orbctl"))
	require.NoError(t, os.Chmod(filepath.Dir(group), 0o775))
	writable := program(t, filepath.Join(dir, "writable", "orbctl"))
	require.NoError(t, os.Chmod(writable, 0o777))
	throughOpen := filepath.Join(dir, "open", "link")
	require.NoError(t, os.Symlink(genuine, throughOpen))
	hop := filepath.Join(dir, "hop")
	require.NoError(t, os.Symlink(throughOpen, hop))
	fine := filepath.Join(dir, "fine")
	require.NoError(t, os.Symlink("safe/orbctl", fine))

	for path, why := range map[string]string{
		open: "everybody can write", writable: "changed by everybody", throughOpen: "everybody can write", hop: "everybody can write",
		sticky: "", group: "", genuine: "", fine: "",
	} {
		b, err := runner.Trusted(runner.Attempt{Path: path, Source: "x"}, uid)
		if why == "" {
			require.NoError(t, err, path)
			assert.Equal(t, path, b.Path)
			continue
		}
		require.ErrorContains(t, err, why, path)
	}
	b, err := runner.Trusted(runner.Attempt{Path: fine}, uid)
	require.NoError(t, err)
	assert.Equal(t, genuine, b.Real, "what is started is behind the link")

	if uid == 0 {
		require.NoError(t, os.Chown(genuine, 4711, -1))
	} else {
		uid = 4711
	}
	_, err = runner.Trusted(runner.Attempt{Path: genuine}, uid)
	require.ErrorContains(t, err, "neither to root nor to the user")
}

func TestEnvironmentIsAnAllowList(t *testing.T) {
	got := runner.Environment("/Users/ann", env(map[string]string{"LOGNAME": "ann", "TMPDIR": "relative", "AWS_SECRET": "x"}))
	assert.Equal(t, []string{
		"HOME=/Users/ann", "USER=ann", "LOGNAME=ann", "PATH=/usr/bin:/bin:/usr/sbin:/sbin", "TMPDIR=/tmp", "LANG=C.UTF-8", "NO_COLOR=1", "TERM=dumb",
	}, got)
	got = runner.Environment("/Users/ann", env(map[string]string{"USER": "a\nb"}))
	assert.True(t, strings.HasPrefix(got[1], "USER=") && got[1] != "USER=" && !strings.Contains(got[1], "\n"), "the user of the process: %q", got[1])
}

func TestHomeComesFromTheOptionOrTheEnvironment(t *testing.T) {
	w := newWorld(t, map[string]acts{"version": {Do: "environment"}})
	r := w.runner(t, func(o *runner.Options) {
		o.Home = ""
		o.Getenv = env(map[string]string{"HOME": w.home + "/."})
	})
	res, err := r.Run(t.Context(), runner.Call{Op: runner.OpVersion})
	require.NoError(t, err)
	assert.Contains(t, res.Stdout, "HOME="+w.home+"\n")
}
