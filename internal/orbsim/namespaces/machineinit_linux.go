package namespaces

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// machineInit is PID 1 of a machine. It builds the root file system out of
// mounts that only this machine sees, enters it, writes the files, and then
// reaps orphans until it is killed, which kills everything in the machine.
// The network is the world's work (guestnet_linux.go), done meanwhile.
func machineInit() {
	r := openResult()
	unix.CloseOnExec(specFD)
	// The guest's root can't end the machine by a stray signal.
	signal.Ignore(unix.SIGTERM, unix.SIGINT, unix.SIGHUP, unix.SIGQUIT, unix.SIGUSR1, unix.SIGUSR2)
	children := make(chan os.Signal, 1)
	signal.Notify(children, unix.SIGCHLD)

	var s machineSpec
	spec := os.NewFile(specFD, "spec")
	r.must("read the machine's spec", json.NewDecoder(spec).Decode(&s))
	_ = spec.Close()

	root, err := s.buildRoot()
	r.must("build the root file system", err)
	r.must("enter the root file system", enterRoot(root))
	r.must("set the host name", unix.Sethostname([]byte(s.Name)))
	r.must("write the machine's files", s.writeFiles())
	r.must("name PID 1", os.WriteFile("/proc/1/comm", []byte("init"), 0))
	r.up()
	for range children {
		reap(0)
	}
}

// enterRoot makes root this process's root and lets go of everything else.
func enterRoot(root string) error {
	if err := os.Chdir(root); err != nil {
		return err
	}
	if err := unix.PivotRoot(".", "."); err != nil { // see pivot_root(2), "pivot_root(".", ".")"
		return fmt.Errorf("pivot_root: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("let go of the old root: %w", err)
	}
	return os.Chdir("/")
}

// buildRoot mounts the layers and the kernel's file systems at Disk/root.
func (s machineSpec) buildRoot() (root string, err error) {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return "", fmt.Errorf("make mounts private: %w", err)
	}
	// The Mac's view of /etc is the world's, not the machine's.
	if err := unix.Unmount("/etc", unix.MNT_DETACH); err != nil {
		return "", fmt.Errorf("leave the Mac's /etc: %w", err)
	}
	root = filepath.Join(s.Disk, "root")
	if err := os.MkdirAll(root, 0o755); err != nil {
		return "", err
	}
	if err := unix.Mount(root, root, "", unix.MS_BIND, ""); err != nil { // pivot_root wants a mount point
		return "", fmt.Errorf("bind the root: %w", err)
	}
	for _, l := range s.Layers {
		if err := s.mountLayer(root, l); err != nil {
			return "", err
		}
	}
	for path, to := range s.Links {
		if err := os.Symlink(to, filepath.Join(root, path)); err != nil && !errors.Is(err, os.ErrExist) {
			return "", err
		}
	}
	if err := mountKernel(root); err != nil {
		return "", err
	}
	return root, s.bindFolders(root)
}

func (s machineSpec) mountLayer(root string, l layer) error {
	target, err := ensureFolder(root, l.Target)
	if err != nil {
		return err
	}
	name := "all"
	if l.Target != "/" {
		name = filepath.Base(l.Target)
	}
	work := filepath.Join(s.Disk, "work", name)
	if err := os.RemoveAll(work); err != nil { // an earlier life's
		return err
	}
	o := overlay{lower: l.Lower, upper: filepath.Join(s.Disk, "upper", name), work: work, userXattr: s.UserXattr}
	if !s.ManyUsers {
		if err := o.own(s.written(l.Target)...); err != nil {
			return err
		}
	}
	return o.mount(target)
}

// written are the folders below a layer's target in which this boot creates or
// deletes files, relative to it.
func (s machineSpec) written(target string) []string {
	folders := append(filepath.SplitList(guestPath), "/tmp", "/var/tmp", "/root", "/home")
	for _, paths := range []map[string]string{s.Texts, s.Files, s.Tools, s.Mounts} {
		for path := range paths {
			folders = append(folders, filepath.Dir(path))
		}
	}
	var below []string
	for _, f := range folders {
		first, rest, _ := strings.Cut(strings.TrimPrefix(f, "/"), "/")
		if to, ok := s.Links[first]; ok { // /bin is usr/bin
			f = filepath.Join("/", to, rest)
		}
		if rel, err := filepath.Rel(target, f); err == nil && rel != "." && !strings.HasPrefix(rel, "..") {
			below = append(below, rel)
		}
	}
	return below
}

// ensureFolder makes a folder in a root that this process has not entered yet,
// where following a symbolic link would lead out of it.
func ensureFolder(root, path string) (string, error) {
	full := filepath.Join(root, path)
	for p := root; p != full; {
		rest, _ := filepath.Rel(p, full)
		p = filepath.Join(p, firstPart(rest))
		st, err := os.Lstat(p)
		switch {
		case errors.Is(err, os.ErrNotExist):
			if err := os.Mkdir(p, 0o755); err != nil {
				return "", err
			}
		case err != nil:
			return "", err
		case !st.IsDir():
			return "", fmt.Errorf("%s of the rootfs is not a folder", filepath.Join("/", path))
		}
	}
	return full, nil
}

func firstPart(path string) string {
	for i := range path {
		if path[i] == '/' {
			return path[:i]
		}
	}
	return path
}
