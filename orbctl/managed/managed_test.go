package managed

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func open(t *testing.T) (*File, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "state", "machines.jsonl")
	f, err := Open(path)
	require.NoError(t, err)
	return f, path
}

func has(t *testing.T, f *File, id, name string, created time.Time) bool {
	t.Helper()
	ok, err := f.Has(id, name, created)
	require.NoError(t, err)
	return ok
}

func TestAMachineIsKnownByItsID(t *testing.T) {
	f, path := open(t)
	assert.False(t, has(t, f, "A", "web", time.Now()))
	require.NoError(t, f.Made("A"))
	assert.True(t, has(t, f, "A", "renamed", time.Time{}))
	assert.False(t, has(t, f, "B", "web", time.Now()), "another machine of a name that was never begun")
	assert.False(t, has(t, f, "", "", time.Time{}))
	again, err := Open(path)
	require.NoError(t, err)
	assert.True(t, has(t, again, "A", "web", time.Time{}), "another server sees it")
}

// The server may die between the start of a machine's making and its end.
func TestAMachineWhoseMakingWasCutIsKnownByNameAndAge(t *testing.T) {
	f, _ := open(t)
	require.NoError(t, f.Begin("web"))
	now := time.Now()
	assert.True(t, has(t, f, "A", "web", now.Add(time.Minute)))
	assert.False(t, has(t, f, "A", "web", now.Add(-time.Minute)), "older than that")
	assert.False(t, has(t, f, "A", "web", now.Add(2*time.Hour)), "much younger: somebody else's")
	assert.False(t, has(t, f, "A", "web", time.Time{}), "nobody knows how old")
	assert.False(t, has(t, f, "A", "db", now))
}

func TestALineThatACrashHasCutCostsNoOther(t *testing.T) {
	f, path := open(t)
	require.NoError(t, f.Made("A"))
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, append(text, `{"id":"B`...), 0o600))
	require.NoError(t, f.Made("C"))
	assert.True(t, has(t, f, "A", "", time.Time{}))
	assert.True(t, has(t, f, "C", "", time.Time{}))
	assert.False(t, has(t, f, "B", "", time.Time{}))
}

func TestServersWriteSideBySide(t *testing.T) {
	f, path := open(t)
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() { assert.NoError(t, f.Made(strings.Repeat("x", i+1))) })
	}
	wg.Wait()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, 50, strings.Count(string(text), "\n"))
	for i := range 50 {
		assert.True(t, has(t, f, strings.Repeat("x", i+1), "", time.Time{}))
	}
}

func TestARecordThatCannotBeReadIsAnError(t *testing.T) {
	f, path := open(t)
	require.NoError(t, os.Remove(path))
	_, err := f.Has("A", "web", time.Now())
	require.Error(t, err)
	require.NoError(t, os.Mkdir(path, 0o700))
	require.Error(t, f.Made("A"))
	_, err = Open(filepath.Join(path, "x", "y"))
	require.NoError(t, err)
	_, err = Open(path)
	require.Error(t, err)
}
