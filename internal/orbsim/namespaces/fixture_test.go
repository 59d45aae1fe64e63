//go:build linux

package namespaces

import (
	"context"
	"io"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orbstack-mcp/internal/orbsim/worldfile"
)

// openWorld brings a world up for one test, and down again.
func openWorld(tb testing.TB, f worldfile.World) *World {
	tb.Helper()
	inWorld(tb)
	w, err := Open(f)
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, w.Close()) })
	return w
}

func boot(tb testing.TB, w *World, m worldfile.Machine) *Machine {
	tb.Helper()
	booted, err := w.Boot(tb.Context(), m)
	require.NoError(tb, err)
	return booted
}

// ran is what came of a command.
type ran struct {
	Out, Err string
	Exit     int
	Took     time.Duration
}

// sh runs a script in a machine as root.
func sh(tb testing.TB, m *Machine, script string) ran {
	tb.Helper()
	return run(tb, m, Command{Argv: []string{"sh", "-c", script}, User: "root"})
}

// run runs a command and keeps its output.
func run(tb testing.TB, m *Machine, c Command) ran {
	tb.Helper()
	var r ran
	stdout, stderr := outputFile(tb), outputFile(tb)
	c.Stdout, c.Stderr = stdout, stderr
	began := time.Now()
	exit, err := m.Run(tb.Context(), c)
	r.Took = time.Since(began)
	require.NoError(tb, err, "%v", c.Argv)
	r.Exit, r.Out, r.Err = exit, contentOf(tb, stdout), contentOf(tb, stderr)
	return r
}

// onMac runs a script on the Mac's side.
func onMac(tb testing.TB, w *World, script string) ran {
	tb.Helper()
	stdout, stderr := outputFile(tb), outputFile(tb)
	c := w.MacCommand([]string{"sh", "-c", script}, nil, []*os.File{nil, stdout, stderr})
	began := time.Now()
	exit, err := w.Foreground(c)
	require.NoError(tb, err)
	return ran{Exit: exit, Out: contentOf(tb, stdout), Err: contentOf(tb, stderr), Took: time.Since(began)}
}

func outputFile(tb testing.TB) *os.File {
	tb.Helper()
	f, err := inMemory("output", nil)
	require.NoError(tb, err)
	tb.Cleanup(func() { _ = f.Close() })
	return f
}

func contentOf(tb testing.TB, f *os.File) string {
	tb.Helper()
	b, err := io.ReadAll(io.NewSectionReader(f, 0, 1<<30))
	require.NoError(tb, err)
	return string(b)
}

// halt ends a machine within the test.
func halt(tb testing.TB, m *Machine) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), 10*time.Second)
	defer cancel()
	require.NoError(tb, m.Halt(ctx))
}
