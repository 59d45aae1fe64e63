package namespaces

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// mountKernel mounts what a root file system needs from the kernel.
func mountKernel(root string) error {
	const quiet = unix.MS_NOSUID | unix.MS_NODEV
	for _, m := range []struct {
		kind, path, options string
		flags               uintptr
	}{
		{"proc", "/proc", "", quiet | unix.MS_NOEXEC},
		{"sysfs", "/sys", "", quiet | unix.MS_NOEXEC | unix.MS_RDONLY},
		{"tmpfs", "/run", "mode=755,size=64m", quiet},
		{"tmpfs", "/dev", "mode=755,size=64k", unix.MS_NOSUID},
		{"tmpfs", "/dev/shm", "mode=1777,size=64m", quiet},
		{"devpts", "/dev/pts", "newinstance,ptmxmode=0666", unix.MS_NOSUID | unix.MS_NOEXEC},
	} {
		target, err := ensureFolder(root, m.path)
		if err != nil {
			return err
		}
		err = unix.Mount(m.kind, target, m.kind, m.flags, m.options)
		if errors.Is(err, unix.EPERM) && m.kind == "sysfs" {
			// A container runtime has covered parts of /sys, and the kernel shows no
			// user namespace more than its parent sees. An empty one then.
			err = unix.Mount("tmpfs", target, "tmpfs", quiet, "mode=755,size=64k")
			if err == nil {
				err = os.MkdirAll(filepath.Join(target, "fs/cgroup"), 0o755)
			}
		}
		if err != nil {
			return fmt.Errorf("mount %s on %s: %w", m.kind, m.path, err)
		}
	}
	return populateDev(filepath.Join(root, "dev"))
}

// populateDev binds the world's devices: an ordinary user can't make any.
func populateDev(dev string) error {
	for _, name := range []string{"null", "zero", "full", "random", "urandom", "tty"} {
		target := filepath.Join(dev, name)
		if err := os.WriteFile(target, nil, 0o666); err != nil {
			return err
		}
		if err := unix.Mount("/dev/"+name, target, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("bind /dev/%s: %w", name, err)
		}
	}
	for name, to := range map[string]string{
		"ptmx": "pts/ptmx", "fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2",
	} {
		if err := os.Symlink(to, filepath.Join(dev, name)); err != nil {
			return err
		}
	}
	return nil
}

// bindFolders shows the machine its control group and folders of the simulated
// Mac, and gives /var/log a place of its own: the host's logs are nobody's business.
func (s machineSpec) bindFolders(root string) error {
	binds := map[string]string{"/var/log": filepath.Join(s.Disk, "log")}
	if s.Cgroup != "" {
		binds["/sys/fs/cgroup"] = s.Cgroup
	}
	if !s.Isolated {
		binds["/mnt/mac"] = s.Mac
	}
	for path, folder := range s.Mounts {
		shared, err := openShared(s.Mac, folder)
		if err != nil {
			return fmt.Errorf("bind %s: %w", path, err)
		}
		defer shared.Close()
		binds[path] = fmt.Sprintf("/proc/self/fd/%d", shared.Fd())
	}
	for path, folder := range binds {
		target, err := ensureFolder(root, path)
		if err != nil {
			return err
		}
		if err := unix.Mount(folder, target, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("bind %s: %w", path, err)
		}
	}
	for path, tool := range s.Tools {
		if _, err := ensureFolder(root, filepath.Dir(path)); err != nil {
			return err
		}
		if err := copyTool(tool, filepath.Join(root, path)); err != nil {
			return err
		}
	}
	return nil
}

// copyTool replaces a command, whatever is there.
func copyTool(from, to string) error {
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.Remove(to); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.WriteFile(to, content, 0o755)
}
