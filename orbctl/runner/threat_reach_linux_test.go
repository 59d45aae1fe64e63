package runner_test

import (
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/internal/fakeorbctl"
	"orbstack-mcp/orbctl/runner"
	"orbstack-mcp/orbctl/runner/confine"
)

func TestThreat11_Flood(t *testing.T) {
	w := hostileWorld(t, "flood")
	r := confined(t, w)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	res, err := r.Run(t.Context(), version)
	runtime.ReadMemStats(&after)
	var flood *runner.OutputError
	require.ErrorAs(t, err, &flood)
	assert.Len(t, res.Stdout, 4<<20)
	assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(32<<20))
	assert.Zero(t, w.left(t))
}

func TestThreat12_TerminalCorruption(t *testing.T) {
	res, err := confined(t, hostileWorld(t, "ansi")).Run(t.Context(), version)
	require.NoError(t, err)
	assert.Equal(t, "red bad\ufffd\ufffd utf evil tag \nprogress 10%\nprogress 100%\n", res.Stdout)
}

func TestOrdinaryChildrenNoticeNothing(t *testing.T) {
	for _, c := range []struct {
		kind, out, err string
		exit           int
	}{
		{"ok", "hello\n", "warning\n", 3},
		{"nop", "", "", 0},
		{"stdin", "stdin 0 <nil>\n", "", 0},
	} {
		w := hostileWorld(t, c.kind)
		res, err := confined(t, w).Run(t.Context(), version)
		require.NoError(t, err)
		assert.Equal(t, c.out, res.Stdout)
		assert.Equal(t, c.err, res.Stderr)
		assert.Equal(t, c.exit, res.Exit)
		assert.Zero(t, w.left(t))
	}
}

func TestThreat14_TheCLIReadsAndWritesFiles(t *testing.T) {
	w := hostileWorld(t)
	secret := filepath.Join(w.home, "secret")
	require.NoError(t, os.WriteFile(secret, []byte("canary"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(w.home, fakeorbctl.Orders), []byte("files "+secret), 0o600))
	res, err := confined(t, w).Run(t.Context(), version)
	require.NoError(t, err)
	tries := outcomes(t, res.Stdout)
	assert.Len(t, tries, 5+4+5*4+10, "%s", res.Stdout)
	wantRefused(t, tries)
	entries, err := os.ReadDir(w.home)
	require.NoError(t, err)
	assert.Len(t, entries, 2)
	text, err := os.ReadFile(filepath.Join(w.home, fakeorbctl.Orders))
	require.NoError(t, err)
	assert.Equal(t, "files "+secret, string(text), "its orders are as they were")
}

func TestThreat14_TheCLIOpensTheNetwork(t *testing.T) {
	res, err := confined(t, hostileWorld(t, "tcp")).Run(t.Context(), version)
	require.NoError(t, err)
	tries := outcomes(t, res.Stdout)
	assert.Len(t, tries, 9, "%s", res.Stdout)
	wantRefused(t, tries)
}

func TestThreat14_TheCLITouchesOtherProcesses(t *testing.T) {
	w := hostileWorld(t, "processes")
	r := confined(t, w)
	res, err := r.Run(t.Context(), version)
	require.NoError(t, err)
	tries := outcomes(t, res.Stdout)
	assert.Len(t, tries, 14, "%s", res.Stdout)
	if level, _ := r.Sandbox(); strings.Contains(strings.Join(level.Gaps, "\n"), "it may signal") { // as with Debian 12's own kernel
		assert.Equal(t, "done", tries["signal"], "the level says what is so: %s", level)
		delete(tries, "signal")
	}
	more := tries["more files"]
	delete(tries, "more files")
	if os.Geteuid() != 0 { // root may raise its limits; it gains nothing by it
		assert.Equal(t, "operation not permitted", more)
	}
	wantRefused(t, tries)
	assert.Zero(t, w.left(t))
}

// OrbStack's own socket is reached; others are as far as this kernel can tell
// them apart, and where it cannot the level says so.
func TestThreat15_AnotherLocalDaemon(t *testing.T) {
	home, err := os.MkdirTemp("", "h") // t.TempDir would be too long for a socket
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(home) })
	w := world{home: home}
	own, other, abstract := filepath.Join(home, ".orbstack/run/s"), filepath.Join(home, "s"), "@"+filepath.Join(home, "s")
	require.NoError(t, os.MkdirAll(filepath.Dir(own), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(home, fakeorbctl.Orders), []byte(strings.Join([]string{"unix", own, other, abstract}, " ")), 0o600))
	for _, name := range []string{own, other, abstract} {
		l, err := net.Listen("unix", name)
		require.NoError(t, err)
		defer l.Close()
	}
	r := confined(t, w)
	level, _ := r.Sandbox()
	gap := func(words string) bool {
		return slices.ContainsFunc(level.Gaps, func(g string) bool { return strings.Contains(g, words) })
	}
	res, err := r.Run(t.Context(), version)
	require.NoError(t, err)
	tries := outcomes(t, res.Stdout)
	assert.Equal(t, "done", tries["unix "+own])
	assert.Equal(t, gap("any unix socket"), tries["unix "+other] == "done", "the level says what is so: %s", level)
	assert.Equal(t, gap("abstract"), tries["unix "+abstract] == "done", "the level says what is so: %s", level)
}

func TestThreat25_MissingSandbox(t *testing.T) {
	w := hostileWorld(t)
	script := filepath.Join(w.home, "orbctl")
	require.NoError(t, os.WriteFile(script, []byte("#!/bin/sh\necho hello\n"), 0o700))
	with := func(mode confine.Mode) *runner.Runner {
		return w.runner(t, func(o *runner.Options) { o.Orbctl, o.Sandbox = script, mode })
	}

	r := with(confine.Auto)
	level, err := r.Sandbox()
	require.NoError(t, err)
	assert.Equal(t, confine.None, level.Name)
	assert.Contains(t, level.String(), "none: "+script+" is a script")
	res, err := r.Run(t.Context(), version)
	require.NoError(t, err)
	assert.Equal(t, "hello\n", res.Stdout, "it runs as it did before")
	assert.Equal(t, confine.None, res.Sandbox)

	r = with(confine.Require)
	_, err = r.Sandbox()
	var unavailable *confine.UnavailableError
	require.ErrorAs(t, err, &unavailable)
	assert.Contains(t, err.Error(), "as --sandbox require asks: "+script+" is a script")
	for _, call := range []runner.Call{version, list} {
		_, err = r.Run(t.Context(), call)
		require.ErrorAs(t, err, &unavailable, "nothing is run")
	}
	_, err = r.Status(t.Context())
	require.ErrorAs(t, err, &unavailable)
}
