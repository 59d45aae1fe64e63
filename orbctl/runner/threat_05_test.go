package runner_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/orbctl/runner"
)

// planted is a program that leaves a mark when it is run.
func planted(t *testing.T, path, mark string) string {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\necho run >"+mark+"\necho Running\n"), 0o755))
	return path
}

// Programs called orbctl lie in the working directory, in places of PATH that are
// relative or open to all, and behind a link that is turned round later: none of
// them is run.
func TestThreat05_AProgramThatSomebodyPlantedIsNotRun(t *testing.T) {
	if _, err := os.Stat("/Applications"); err == nil {
		t.Skip("OrbStack may be installed here")
	}
	dir := realDir(t)
	mark := filepath.Join(dir, "mark")
	cwd := filepath.Join(dir, "cwd")
	planted(t, filepath.Join(cwd, "orbctl"), mark)
	planted(t, filepath.Join(cwd, "bin", "orbctl"), mark)
	open := filepath.Join(dir, "open")
	planted(t, filepath.Join(open, "orbctl"), mark)
	require.NoError(t, os.Chmod(open, 0o777))
	deep := filepath.Join(open, "deep")
	planted(t, filepath.Join(deep, "orbctl"), mark)
	t.Chdir(cwd)

	w := newWorld(t, nil)
	good := filepath.Join(dir, "good")
	require.NoError(t, os.Mkdir(good, 0o755))
	require.NoError(t, os.Symlink(fakeOrbctl(), filepath.Join(good, "orbctl")))
	path := ".::bin:" + open + ":" + deep + ":" + good
	t.Setenv("PATH", path+":"+os.Getenv("PATH"))

	r := runner.New(runner.Options{Home: w.home})
	binary, err := r.Binary()
	require.NoError(t, err)
	assert.Equal(t, filepath.Join(good, "orbctl"), binary.Path)
	_, err = r.Run(t.Context(), list)
	require.NoError(t, err)

	// What was found at the start is what runs, whatever the name says later.
	require.NoError(t, os.Remove(filepath.Join(good, "orbctl")))
	require.NoError(t, os.Symlink(filepath.Join(cwd, "orbctl"), filepath.Join(good, "orbctl")))
	t.Setenv(runner.EnvOrbctl, filepath.Join(cwd, "orbctl"))
	_, err = r.Run(t.Context(), list)
	require.NoError(t, err)
	assert.Len(t, w.calls(t, "list"), 2)
	assert.NoFileExists(t, mark)
}
