package runner

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// between takes the lock of a name between processes: flock(2) on a file that stays
// where it is, since one that is deleted would be two. The kernel gives it back
// when its holder dies. Who can't have the file reads on without it and changes
// nothing. Who has it alone makes a new edition when it begins and when it ends.
func (l *locks) between(ctx context.Context, name string, how sharing) (unlock func(), err error) {
	if l.folder == "" {
		if how != alone {
			return func() {}, nil
		}
		l.count(name)
		return func() { l.count(name) }, nil
	}
	path := l.path(name)
	f, err := openLock(path)
	switch {
	case err != nil && how == alone:
		return nil, &LockError{Path: path, Err: err}
	case err != nil:
		return func() {}, nil //nolint:nilerr // looking disturbs nobody
	}
	kind := unix.LOCK_SH
	if how == alone {
		kind = unix.LOCK_EX
	}
	err = wait(ctx, f, kind)
	if err == nil && how == alone {
		err = nextEdition(f)
	}
	if err != nil {
		_ = f.Close()
		if ctx.Err() == nil {
			err = &LockError{Path: path, Err: err}
		}
		return nil, err
	}
	return func() {
		if how == alone {
			_ = nextEdition(f) // it could be written when the change began
		}
		_ = f.Close() // and with the file, its lock
	}, nil
}

func (l *locks) path(name string) string {
	return filepath.Join(l.folder, strings.ReplaceAll(name, " ", "-")+".lock")
}

func openLock(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600) //nolint:gosec // a checked name in the user's own folder
}

// wait asks for the lock again and again: flock itself can't be given up.
func wait(ctx context.Context, f *os.File, how int) error {
	const first, most = 2 * time.Millisecond, 100 * time.Millisecond
	for pause := first; ; pause = min(2*pause, most) {
		err := uninterrupted(func() error { return unix.Flock(int(f.Fd()), how|unix.LOCK_NB) })
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return err
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}
