package confine_test

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"orbstack-mcp/orbctl/runner/confine"
)

// run is a command of Debian's inside.
func run(t *testing.T, s *confine.Sandbox, p confine.Profile, argv ...string) (out string, ok bool) {
	t.Helper()
	return runs(t, s, p, confine.Command{Path: realProgram(t, argv[0]), Argv: argv, Env: []string{"LC_ALL=C"}})
}

// output is what a program without arguments says inside.
func output(t *testing.T, s *confine.Sandbox, path string) string {
	t.Helper()
	out, _ := runs(t, s, confine.Profile{}, confine.Command{Path: path, Argv: []string{filepath.Base(path)}})
	return out
}

func runs(t *testing.T, s *confine.Sandbox, p confine.Profile, c confine.Command) (out string, ok bool) {
	t.Helper()
	null, err := os.Open(os.DevNull)
	require.NoError(t, err)
	defer null.Close()
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer r.Close()
	c.Files = [3]*os.File{null, w, w}
	process, err := s.Start(p, c)
	require.NoError(t, w.Close())
	require.NoError(t, err)
	text, err := io.ReadAll(r)
	require.NoError(t, err)
	state, err := process.Wait()
	require.NoError(t, err)
	return string(text), state.Success()
}

// start starts something that has nothing to say.
func start(t *testing.T, s *confine.Sandbox, p confine.Profile, path string, argv ...string) error {
	t.Helper()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	require.NoError(t, err)
	defer null.Close()
	process, err := s.Start(p, confine.Command{Path: path, Argv: argv, Files: [3]*os.File{null, null, null}})
	if err == nil {
		_, _ = process.Wait()
	}
	return err
}

func realProgram(t *testing.T, name string) string {
	t.Helper()
	found, err := exec.LookPath(name)
	require.NoError(t, err)
	found, err = filepath.EvalSymlinks(found)
	require.NoError(t, err)
	return found
}
