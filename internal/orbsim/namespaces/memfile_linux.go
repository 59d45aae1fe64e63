package namespaces

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// inMemory is a file with that content, to be read from its start: unlike a
// pipe it takes any length before somebody reads.
func inMemory(name string, content []byte) (*os.File, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make a file in memory: %w", err)
	}
	f := os.NewFile(uintptr(fd), name)
	if _, err := f.Write(content); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("make a file in memory: %w", err)
	}
	if _, err := f.Seek(0, 0); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("make a file in memory: %w", err)
	}
	return f, nil
}
