package job

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// dies leaves the note of a job as a server that was killed leaves it: the file,
// and nobody's lock on it.
func dies(t *testing.T, b *Book, id string) {
	t.Helper()
	file := b.notes.path(id)
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, os.Remove(file))
	require.NoError(t, os.WriteFile(file, text, 0o600))
}

func TestAJobOfAnotherServerIsElsewhereWhileThatLives(t *testing.T) {
	folder := t.TempDir()
	one, other := NewBook(folder), NewBook(folder)
	defer other.Close()
	j := start(t, one, untilEnded)
	_, err := other.Find(j.ID)
	var elsewhere *ElsewhereError
	require.ErrorAs(t, err, &elsewhere)
	assert.Equal(t, "vm_clone", elsewhere.Tool)
	assert.Equal(t, "web", elsewhere.Machine)
	assert.WithinDuration(t, j.Began, elsewhere.Began, 0)

	one.Close()
	_, err = other.Find(j.ID)
	var unknown *UnknownError
	require.ErrorAs(t, err, &unknown, "its server ended it, and nothing was lost")
}

func TestAJobWhoseServerDiedIsLost(t *testing.T) {
	folder := t.TempDir()
	dead := NewBook(folder)
	defer dead.Close()
	j := start(t, dead, untilEnded)
	dies(t, dead, j.ID)

	next := NewBook(folder)
	defer next.Close()
	for range 2 { // looking does not change it
		_, err := next.Find(j.ID)
		var lost *LostError
		require.ErrorAs(t, err, &lost)
		assert.Equal(t, "vm_clone", lost.Tool)
	}
	require.NoError(t, os.WriteFile(next.notes.path(j.ID), []byte("{half"), 0o600))
	_, err := next.Find(j.ID)
	var lost *LostError
	require.ErrorAs(t, err, &lost, "half a note is the note of a job all the same")
}

// A note says nothing to who can read the folder: not the handle, by which the
// job's output can be had.
func TestANoteHoldsNoHandle(t *testing.T) {
	folder := t.TempDir()
	b := NewBook(folder)
	defer b.Close()
	j := start(t, b, untilEnded)
	all, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Len(t, all, 1)
	info, err := all[0].Info()
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	text, err := os.ReadFile(filepath.Join(folder, all[0].Name()))
	require.NoError(t, err)
	assert.NotContains(t, all[0].Name()+string(text), j.ID)
	assert.NotContains(t, all[0].Name()+string(text), j.ID[4:])
}

func TestOldNotesAreTidiedUpAndThoseOfTheLivingAreNot(t *testing.T) {
	folder := t.TempDir()
	b := NewBook(folder)
	defer b.Close()
	living, lost, fresh := start(t, b, untilEnded), start(t, b, untilEnded), start(t, b, untilEnded)
	dies(t, b, lost.ID)
	dies(t, b, fresh.ID)
	long := time.Now().Add(-keepNotes - time.Hour)
	require.NoError(t, os.Chtimes(b.notes.path(living.ID), long, long))
	require.NoError(t, os.Chtimes(b.notes.path(lost.ID), long, long))

	next := NewBook(folder)
	defer next.Close()
	assert.FileExists(t, b.notes.path(living.ID))
	assert.FileExists(t, b.notes.path(fresh.ID))
	assert.NoFileExists(t, b.notes.path(lost.ID))
}

// That notes cannot be kept is no reason to refuse work.
func TestWithoutAFolderThereAreJobsAllTheSame(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for _, folder := range []string{"", file, filepath.Join(file, "below")} {
		b := NewBook(folder)
		j := start(t, b, gives("x", nil))
		result, _, err := j.Outcome()
		require.NoError(t, err)
		assert.Equal(t, "x", result)
		b.Close()
	}
}

// A file that is in the way of a note is not ours to take.
func TestANoteNeverReplacesAFile(t *testing.T) {
	n := openNotes(t.TempDir())
	require.NoError(t, os.WriteFile(n.path("job_x"), []byte("other"), 0o600))
	n.write("job_x", About{})()
	text, err := os.ReadFile(n.path("job_x"))
	require.NoError(t, err)
	assert.Equal(t, "other", string(text))
	f, err := os.Open(n.path("job_x"))
	require.NoError(t, err)
	defer f.Close()
	require.NoError(t, unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB), "nobody holds it")
}
