package namespaces

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// openOwn opens a file of the world's in a folder that guests can write to. What a
// guest may have put in its place is not followed, waited for, nor used: a symbolic
// link is ELOOP, anything else that is not a file is ENOTDIR or ENXIO.
func openOwn(path string, flags int) (*os.File, error) { return openOwnAt(unix.AT_FDCWD, path, flags) }

// openOwnAt is openOwn in an open folder.
func openOwnAt(folder int, name string, flags int) (*os.File, error) {
	fd, err := unix.Openat(folder, name, flags|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	var st unix.Stat_t
	if err = unix.Fstat(fd, &st); err == nil && st.Mode&unix.S_IFMT != unix.S_IFREG {
		err = unix.ENOTDIR
	}
	if err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// writeOwn is os.WriteFile by openOwn.
func writeOwn(path, content string) error {
	f, err := openOwn(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return err
	}
	_, err = f.WriteString(content)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}
