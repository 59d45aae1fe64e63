package namespaces

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// scratchDirs are folders that a world may cover with its own in-memory file
// system: it must exist on the host already, so that nothing is left there,
// and it must be empty, so that nothing the Mac's command wants is hidden. The
// last ones are mount points of the kernel, which every Linux has.
func scratchDirs() []string {
	return []string{"/mnt", "/media", "/srv", "/opt", "/boot", "/sys/kernel/debug", "/sys/kernel/tracing", "/sys/fs/bpf"}
}

// mountScratch mounts the world's own tmpfs, and makes its folders.
func mountScratch() (base string, err error) {
	for _, d := range scratchDirs() {
		if entries, err := os.ReadDir(d); len(entries) > 0 || errors.Is(err, os.ErrNotExist) {
			continue // a folder that can't be read can still be covered
		}
		if err = unix.Mount("orbsim", d, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755"); err != nil {
			continue
		}
		for _, sub := range []string{"machines", "mac", "home", "etc", "lower"} {
			if err := os.Mkdir(filepath.Join(d, sub), 0o755); err != nil {
				return "", fmt.Errorf("make the world's folders: %w", err)
			}
		}
		return d, nil
	}
	return "", fmt.Errorf("no place for the world's own files: none of %s could be covered with a tmpfs (%w)",
		strings.Join(scratchDirs(), ", "), orUnknown(err))
}

func orUnknown(err error) error {
	if err == nil {
		return errors.New("none of them is empty")
	}
	return err
}

// userNamespace says whether this is another user namespace than the first
// one, and whether it has more users than one.
func userNamespace() (nested, manyUsers bool, err error) {
	b, err := os.ReadFile("/proc/self/uid_map")
	if err != nil {
		return false, false, fmt.Errorf("read the user namespace's map: %w", err)
	}
	var total uint64
	for line := range strings.Lines(string(b)) {
		var inside, outside, count uint64
		if _, err := fmt.Sscan(line, &inside, &outside, &count); err != nil {
			return false, false, fmt.Errorf("read the user namespace's map: %w", err)
		}
		nested = nested || inside != outside || count < 1<<32-1
		total += count
	}
	return nested, total > 60000, nil
}
