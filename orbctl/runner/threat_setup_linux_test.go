package runner_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/orbctl/runner"
	"orbstack-mcp/orbctl/runner/confine"
)

func TestSandboxThatCannotBeSetUpStartsNothing(t *testing.T) {
	w := hostileWorld(t, "nop")
	file := copyOf(t, fakeOrbctl(), filepath.Join(w.home, "orbctl"))
	r := w.runner(t, func(o *runner.Options) { o.Orbctl, o.Sandbox = file, confine.Require })
	_, err := r.Run(t.Context(), version)
	require.NoError(t, err)

	for _, c := range []struct {
		name   string
		change func() error // one after the other
		want   syscall.Errno
	}{
		{"no program", func() error {
			return errors.Join(os.Remove(file), os.WriteFile(file, []byte("no program"), 0o700)) // the old one may be running
		}, syscall.ENOEXEC},
		{"no file", func() error { return os.Remove(file) }, syscall.ENOENT},
	} {
		require.NoError(t, c.change(), c.name)
		res, err := r.Run(t.Context(), version)
		var start *runner.StartError
		require.ErrorAs(t, err, &start, c.name)
		require.ErrorIs(t, err, c.want, c.name)
		assert.Contains(t, err.Error(), "cannot start "+file+": orbctl was not started, since the sandbox could not be set up: exec: ")
		assert.Zero(t, res)
	}
}

// copyOf is a program of its own that everybody may run.
func copyOf(tb testing.TB, program, to string) string {
	tb.Helper()
	text, err := os.ReadFile(program)
	require.NoError(tb, err)
	require.NoError(tb, os.WriteFile(to, text, 0o755))
	require.NoError(tb, os.Chmod(to, 0o755))
	return to
}
