package audit

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	rotateAt = 10 << 20 // bytes; a file is rotated before it grows beyond
	keep     = 3        // rotated files: .1 is the youngest

	patience = 2 * time.Second // for the lock, which is held for some microseconds
	retry    = 250 * time.Microsecond
)

var errLocked = fmt.Errorf("is locked by another server for more than %s", patience)

// A file is the audit log, open, and the lock beside it. All servers take the
// lock for each record, so a file is never rotated away under a write, and half a
// line can be taken back.
type file struct {
	path string
	data *os.File
	lock *os.File
}

func lockName(path string) string { return path + ".lock" }

func rotatedName(path string, n int) string { return path + "." + strconv.Itoa(n) }

// openFile opens both, and makes what is missing. mended says that others could
// read or write one of them until now.
func openFile(path string) (f *file, mended bool, err error) {
	if !filepath.IsAbs(path) {
		return nil, false, errors.New("is not an absolute path")
	}
	if err := makeFolder(filepath.Dir(path)); err != nil {
		return nil, false, err
	}
	lock, mendedLock, err := openOwn(lockName(path))
	if err != nil {
		return nil, false, fmt.Errorf("has a lock file that %w", err)
	}
	data, mended, err := openOwn(path)
	if err != nil {
		_ = lock.Close()
		return nil, false, err
	}
	return &file{path: path, data: data, lock: lock}, mended || mendedLock, nil
}

func (f *file) close() {
	_ = f.data.Close() // each record was written when it was written
	_ = f.lock.Close()
}

// makeFolder makes the folder for the user alone. One that is there already may
// be read by others, but they must not be able to put another file in place of
// ours.
func makeFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("is in a folder that cannot be made: %w", bare(err))
	}
	info, err := os.Stat(dir)
	switch {
	case err != nil:
		return fmt.Errorf("is in a folder that cannot be looked at: %w", bare(err))
	case info.Mode().Perm()&0o002 != 0 && info.Mode()&fs.ModeSticky == 0:
		return fmt.Errorf("is in %s, to which everybody can write", dir)
	case owner(info) != 0 && owner(info) != os.Geteuid():
		return fmt.Errorf("is in %s, which belongs to somebody else", dir)
	}
	return nil
}

// openOwn opens a file of the user's that nobody else may read or write, or
// makes it. O_NONBLOCK: to open a FIFO would wait for a reader.
func openOwn(path string) (f *os.File, mended bool, err error) {
	f, err = os.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE|unix.O_CLOEXEC|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o600) //nolint:gosec // the user chose the path
	switch {
	case errors.Is(err, unix.ELOOP):
		return nil, false, errors.New("is a symbolic link, which is not followed")
	case err != nil:
		return nil, false, fmt.Errorf("cannot be opened: %w", bare(err))
	}
	if mended, err = private(f); err != nil {
		_ = f.Close()
		return nil, false, err
	}
	return f, mended, nil
}

// private checks an open file, and takes from others what they may do with it.
func private(f *os.File) (mended bool, err error) {
	info, err := f.Stat()
	switch {
	case err != nil:
		return false, fmt.Errorf("cannot be looked at: %w", bare(err))
	case !info.Mode().IsRegular():
		return false, errors.New("is no regular file")
	case owner(info) != os.Geteuid():
		return false, errors.New("belongs to somebody else")
	case info.Mode().Perm()&0o077 == 0:
		return false, nil
	}
	if err := f.Chmod(0o600); err != nil {
		return false, fmt.Errorf("can be read or written by others, and its mode cannot be changed: %w", bare(err))
	}
	return true, nil
}

func owner(info fs.FileInfo) int {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(stat.Uid)
	}
	return -1
}

// hold takes the lock. It polls, since a flock that waits cannot be called off.
func hold(ctx context.Context, lock *os.File) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errLocked)
	defer cancel()
	for {
		err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("cannot be locked: %w", err)
		}
		again := time.NewTimer(retry)
		select {
		case <-again.C:
		case <-ctx.Done():
			again.Stop()
			return context.Cause(ctx)
		}
	}
}

func (f *file) release() { _ = unix.Flock(int(f.lock.Fd()), unix.LOCK_UN) }

// state is the size of the log, or that one of the two files is no longer the
// one under its name.
func (f *file) state() (size int64, moved bool, err error) {
	for _, part := range []struct {
		path string
		open *os.File
	}{{lockName(f.path), f.lock}, {f.path, f.data}} {
		there, err := os.Lstat(part.path)
		if errors.Is(err, fs.ErrNotExist) {
			return 0, true, nil
		}
		if err != nil {
			return 0, false, fmt.Errorf("cannot be looked at: %w", bare(err))
		}
		here, err := part.open.Stat()
		if err != nil {
			return 0, false, fmt.Errorf("cannot be looked at: %w", bare(err))
		}
		if !os.SameFile(here, there) {
			return 0, true, nil
		}
		size = here.Size()
	}
	return size, false, nil
}

// rotate moves every file one further and begins a new one. The lock is held.
func (f *file) rotate() error {
	for n := keep; n > 0; n-- {
		from := f.path
		if n > 1 {
			from = rotatedName(f.path, n-1)
		}
		if err := os.Rename(from, rotatedName(f.path, n)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("cannot be rotated: %w", bare(err))
		}
	}
	data, _, err := openOwn(f.path)
	if err != nil {
		return err
	}
	_ = f.data.Close()
	f.data = data
	return nil
}

// append writes one line in one write at the end of a file of that size. What
// the disk takes only in part is taken back. The lock is held.
func (f *file) append(line []byte, size int64) error {
	torn, err := f.torn(size)
	if err != nil {
		return err
	}
	if torn {
		line = append([]byte{'\n'}, line...)
	}
	n, err := unix.Write(int(f.data.Fd()), line)
	if n == len(line) {
		return nil
	}
	if err == nil {
		err = fmt.Errorf("took only %d of %d bytes", n, len(line))
	}
	if n > 0 {
		if back := f.data.Truncate(size); back != nil {
			return fmt.Errorf("%w, and half a line is left in it: %w", err, bare(back))
		}
	}
	return fmt.Errorf("cannot be written: %w", err)
}

// torn reports a last line that its server did not finish.
func (f *file) torn(size int64) (bool, error) {
	if size == 0 {
		return false, nil
	}
	var last [1]byte
	if _, err := f.data.ReadAt(last[:], size-1); err != nil {
		return false, fmt.Errorf("cannot be read: %w", bare(err))
	}
	return last[0] != '\n', nil
}

// bare is an error of the file system without the path, which the reader knows.
func bare(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	var link *os.LinkError
	if errors.As(err, &link) {
		return link.Err
	}
	return err
}
