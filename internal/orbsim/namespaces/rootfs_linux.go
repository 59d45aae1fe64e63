package namespaces

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// images are the read-only halves of the machines' root file systems.
type images struct {
	base      string // of the world's own files
	userXattr bool

	hostOnce sync.Once
	host     []layer
	links    map[string]string
	hostErr  error

	busyboxOnce sync.Once
	busyboxErr  error
}

// rootfs is how one machine's root is made.
type rootfs struct {
	layers []layer
	links  map[string]string
	tools  map[string]string
	shell  string
}

// of is the rootfs of a kind: host (also ""), busybox, inetutils or a folder's path.
func (i *images) of(kind string) (rootfs, error) {
	switch kind {
	case "", "host":
		return i.hostRootfs()
	case "inetutils":
		ping, err := cachedInetutils()
		if err != nil {
			return rootfs{}, err
		}
		r, err := i.hostRootfs()
		r.tools = map[string]string{"/usr/bin/ping": ping, "/usr/bin/ping6": filepath.Join(filepath.Dir(ping), "ping6")}
		return r, err
	case "busybox":
		i.busyboxOnce.Do(func() { i.busyboxErr = makeBusybox(i.busybox()) })
		return rootfs{layers: []layer{{Lower: i.busybox(), Target: "/"}}, shell: "/bin/sh"}, i.busyboxErr
	default:
		return folderRootfs(kind)
	}
}

func (i *images) busybox() string { return filepath.Join(i.base, "lower", "busybox") }

// hostRootfs is a copy-on-write view of the host's own /usr, /etc and /var, and
// of nothing else of it.
func (i *images) hostRootfs() (rootfs, error) {
	i.hostOnce.Do(func() { i.host, i.links, i.hostErr = i.hostLayers() })
	shell := "/bin/sh"
	if _, err := os.Stat("/bin/bash"); err == nil {
		shell = "/bin/bash"
	}
	return rootfs{layers: i.host, links: i.links, shell: shell}, i.hostErr
}

func (i *images) hostLayers() ([]layer, map[string]string, error) {
	var layers []layer
	links := map[string]string{}
	for _, name := range []string{"usr", "etc", "var"} {
		lower, err := i.lower(name)
		if err != nil {
			return nil, nil, err
		}
		layers = append(layers, layer{Lower: lower, Target: "/" + name})
	}
	for _, name := range []string{"bin", "sbin", "lib", "lib32", "lib64", "libx32"} {
		st, err := os.Lstat("/" + name)
		switch {
		case errors.Is(err, os.ErrNotExist):
		case err != nil:
			return nil, nil, fmt.Errorf("look at the host's /%s: %w", name, err)
		case st.Mode()&os.ModeSymlink != 0:
			to, err := os.Readlink("/" + name)
			if err != nil {
				return nil, nil, fmt.Errorf("look at the host's /%s: %w", name, err)
			}
			links[name] = to
		default:
			layers = append(layers, layer{Lower: "/" + name, Target: "/" + name})
		}
	}
	return layers, links, nil
}

// lower is the folder to put under the machines' overlays in place of a host's
// folder. In a user namespace a folder with mounts of somebody else below it
// can't be one (a container's /etc/resolv.conf): then it is a copy of /etc, or an empty /var.
func (i *images) lower(name string) (string, error) {
	probe := filepath.Join(i.base, "lower", "try-"+name)
	target := filepath.Join(probe, "root")
	if err := os.MkdirAll(target, 0o755); err != nil {
		return "", err
	}
	source := "/" + name
	if name == "etc" {
		source = filepath.Join(i.base, "lower", "etc-of-host") // see macSide
	}
	err := overlay{lower: source, upper: probe + "/upper", work: probe + "/work", userXattr: i.userXattr}.mount(target)
	if err == nil {
		return "/" + name, unix.Unmount(target, unix.MNT_DETACH)
	}
	if !errors.Is(err, unix.EINVAL) || name == "usr" {
		return "", err
	}
	replacement := filepath.Join(i.base, "lower", name)
	if name == "etc" {
		return replacement, copyTree(source, replacement)
	}
	return replacement, os.MkdirAll(filepath.Join(replacement, "lib"), 0o755)
}

// copyTree copies what this user can read.
func copyTree(from, to string) error {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	out, err := exec.Command("cp", "-a", from+"/.", to).CombinedOutput()
	if err != nil && !bytes.Contains(out, []byte("Permission denied")) {
		return fmt.Errorf("copy %s: %w: %s", from, err, bytes.TrimSpace(out))
	}
	return nil
}

// folderRootfs is a tree somebody unpacked, such as one of mmdebstrap.
func folderRootfs(path string) (rootfs, error) {
	if !filepath.IsAbs(path) {
		return rootfs{}, fmt.Errorf("rootfs %q is none of host, busybox, inetutils, nor the absolute path of a folder", path)
	}
	if strings.ContainsAny(path, `:,\`) {
		return rootfs{}, fmt.Errorf("rootfs %s: the path of an overlay can't have a colon, a comma or a backslash", path)
	}
	if st, err := os.Stat(filepath.Join(path, "bin")); err != nil || !st.IsDir() {
		return rootfs{}, fmt.Errorf("rootfs %s: has no folder bin, so it is no root file system", path)
	}
	shell := "/bin/sh"
	if _, err := os.Stat(filepath.Join(path, "bin/bash")); err == nil {
		shell = "/bin/bash"
	}
	return rootfs{layers: []layer{{Lower: path, Target: "/"}}, shell: shell}, nil
}

// makeBusybox makes a root with busybox's applets and nothing else.
func makeBusybox(root string) error {
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		return errors.New("rootfs busybox: the command busybox is missing (Debian: apt-get install busybox-static)")
	}
	if err := checkStatic(busybox); err != nil {
		return err
	}
	list, err := exec.Command(busybox, "--list-full").Output()
	if err != nil {
		return fmt.Errorf("rootfs busybox: list its applets: %w", err)
	}
	if err := os.MkdirAll(filepath.Join(root, "bin"), 0o755); err != nil {
		return err
	}
	if err := copyTool(busybox, filepath.Join(root, "bin/busybox")); err != nil {
		return err
	}
	for applet := range strings.FieldsSeq(string(list)) {
		link := filepath.Join(root, applet)
		if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
			return err
		}
		if err := os.Symlink("/bin/busybox", link); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	return nil
}

// checkStatic refuses a program that needs libraries: the root has none.
func checkStatic(path string) error {
	f, err := elf.Open(path)
	if err != nil {
		return fmt.Errorf("rootfs busybox: look at %s: %w", path, err)
	}
	defer func() { _ = f.Close() }() // only read
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return fmt.Errorf("rootfs busybox: %s is not static (Debian: apt-get install busybox-static)", path)
		}
	}
	return nil
}
