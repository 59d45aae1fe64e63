package runner

import (
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// closeOnExec marks every open file from 3 up, as a folder of this process's
// files lists them.
func closeOnExec(dir string) error {
	names, err := names(dir)
	for _, name := range names {
		if fd, err := strconv.Atoi(name); err == nil && fd > 2 {
			unix.CloseOnExec(fd)
		}
	}
	if err != nil {
		return fmt.Errorf("cannot tell which files were inherited: %w", err)
	}
	return nil
}

// names asks for no more than names: os.ReadDir looks at each file on a Mac, and gives
// up at one that cannot be looked at, as a kqueue in /dev/fd.
func names(dir string) ([]string, error) {
	f, err := os.Open(dir) //nolint:gosec // one of two folders that are written in this package
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Readdirnames(-1)
}
