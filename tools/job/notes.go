package job

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// A LostError is a job whose server died: nobody knows what became of it.
type LostError struct{ About }

func (e *LostError) Error() string {
	return fmt.Sprintf("the server that ran this %s died, and what became of it is not known", e.Tool)
}

// An ElsewhereError is a job that another server runs.
type ElsewhereError struct{ About }

func (e *ElsewhereError) Error() string {
	return fmt.Sprintf("another server, started by another client, runs this %s", e.Tool)
}

// notes are a file for each running job, locked for as long as its server lives.
// The name of a file is a digest: who can read the folder learns no handle.
type notes struct{ folder string } // "": none are kept

// keepNotes is how long the note of a lost job stays.
const keepNotes = 24 * time.Hour

func openNotes(folder string) *notes {
	n := &notes{folder}
	if folder == "" || os.MkdirAll(folder, 0o700) != nil {
		n.folder = ""
		return n
	}
	old, _ := os.ReadDir(folder) // what can't be listed is only not tidied up
	for _, entry := range old {
		info, err := entry.Info()
		if err != nil || time.Since(info.ModTime()) < keepNotes {
			continue
		}
		path := filepath.Join(folder, entry.Name())
		if f, err := os.Open(path); err == nil { //nolint:gosec // a name of the folder itself
			if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
				_ = os.Remove(path)
			}
			_ = f.Close()
		}
	}
	return n
}

func (n *notes) path(id string) string {
	sum := sha256.Sum256([]byte(id))
	return filepath.Join(n.folder, hex.EncodeToString(sum[:16])+".json")
}

// write notes that a job runs; forget takes the note away when it is over. A job
// whose note can't be written runs all the same: it is only not known to later
// servers.
func (n *notes) write(id string, about About) (forget func()) {
	if n.folder == "" {
		return func() {}
	}
	text, err := json.Marshal(about)
	if err != nil {
		return func() {}
	}
	f, err := os.OpenFile(n.path(id), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return func() {}
	}
	forget = func() { _ = os.Remove(f.Name()); _ = f.Close() }
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		forget()
		return func() {}
	}
	if _, err := f.Write(text); err != nil {
		forget()
		return func() {}
	}
	return forget
}

// read is what the note of a job of another server says, or nil if there is none.
func (n *notes) read(id string) error {
	if n.folder == "" {
		return nil
	}
	f, err := os.Open(n.path(id))
	if err != nil {
		return nil
	}
	defer f.Close()
	var about About
	if json.NewDecoder(f).Decode(&about) != nil {
		about = About{Tool: "job"}
	}
	if unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB) != nil {
		return &ElsewhereError{about}
	}
	return &LostError{about}
}
