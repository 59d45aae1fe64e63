package runner

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// An Edition stands for a machine as nobody has changed it since, neither this
// process nor another server of the user. What a person does to it with OrbStack's
// own programs is not seen. It means something to Call.Seen alone.
type Edition string

// Edition is the edition of a machine. Who reads it before the machine's state, and
// gives both to a call, does not act on a state that one of us has changed since.
func (r *Runner) Edition(machine string) Edition {
	if checkMachine(machine) != nil {
		return ""
	}
	return r.locks.edition(lockOfMachine(machine))
}

// A StaleError says that the machine was changed after its state was read, or that
// it was being changed then. Nothing was started.
type StaleError struct{ Machine string }

func (e *StaleError) Error() string {
	return fmt.Sprintf("machine %s was changed after it was looked at", e.Machine)
}

// current is a *StaleError unless the state that came with the call is that of the
// machine still. The caller holds its lock.
func (r *Runner) current(row row, call Call) error {
	if row.guest() && call.Seen != r.Edition(call.Machine) {
		return &StaleError{Machine: call.Machine}
	}
	return nil
}

// edition is how often a lock was taken and given back by one who had it alone: a
// number in its file, which is read without the lock.
func (l *locks) edition(name string) Edition {
	if l.folder == "" {
		l.mu.Lock()
		defer l.mu.Unlock()
		return editionOf(l.editions[name])
	}
	f, err := os.OpenFile(l.path(name), os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil { // nobody has changed it, or this user can change nothing
		return ""
	}
	defer func() { _ = f.Close() }()
	return editionOf(readEdition(f))
}

func editionOf(n uint64) Edition {
	if n == 0 {
		return ""
	}
	return Edition(strconv.FormatUint(n, 10))
}

// count is the next edition where there are no files.
func (l *locks) count(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.editions[name]++
}

// editionWidth is that of any uint64, so that one number covers the last one whole.
const editionWidth = 20

// nextEdition counts on in the file of a lock that the caller has alone.
func nextEdition(f *os.File) error {
	_, err := f.WriteAt(fmt.Appendf(nil, "%0*d", editionWidth, readEdition(f)+1), 0)
	return err
}

// readEdition is the number in the file of a lock; 0 in one that is new.
func readEdition(f *os.File) uint64 {
	text := make([]byte, editionWidth)
	n, _ := f.ReadAt(text, 0) // io.EOF where there is less
	number, _ := strconv.ParseUint(strings.TrimSpace(string(text[:n])), 10, 64)
	return number
}
