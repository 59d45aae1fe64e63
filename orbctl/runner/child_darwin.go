package runner

import (
	"errors"

	"golang.org/x/sys/unix"
)

// NeedsReaper says whether children survive the sudden death of their server
// unless there is a reaper. macOS has no parent-death signal.
const NeedsReaper = true

// awaitExit blocks until the child has ended, without reaping it: waitid with
// WNOWAIT does not do that on macOS (go.dev/issue/19314), kqueue does.
func awaitExit(pid int) error {
	kq, err := unix.Kqueue()
	if err != nil {
		return err
	}
	defer unix.Close(kq) //nolint:errcheck // nothing was written to it
	exit := unix.Kevent_t{Ident: uint64(pid), Filter: unix.EVFILT_PROC, Flags: unix.EV_ADD | unix.EV_ONESHOT, Fflags: unix.NOTE_EXIT}
	err = uninterrupted(func() error { _, err := unix.Kevent(kq, []unix.Kevent_t{exit}, nil, nil); return err })
	if errors.Is(err, unix.ESRCH) { // a zombie already
		return nil
	}
	if err != nil {
		return err
	}
	events := make([]unix.Kevent_t, 1)
	return uninterrupted(func() error { _, err := unix.Kevent(kq, nil, events, nil); return err })
}
