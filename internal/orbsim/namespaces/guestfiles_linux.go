package namespaces

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// writeFiles makes homes and files, in the entered root: whatever a symbolic
// link there points to is the machine's own.
func (s machineSpec) writeFiles() error {
	for path, mode := range map[string]os.FileMode{"/tmp": 0o777 | os.ModeSticky, "/var/tmp": 0o777 | os.ModeSticky, "/root": 0o700} {
		if err := os.MkdirAll(path, 0o755); err != nil {
			return err
		}
		if err := os.Chmod(path, mode); err != nil {
			return err
		}
	}
	for _, u := range s.Users {
		if err := s.home(u); err != nil {
			return err
		}
	}
	if s.Isolated {
		if err := leaveMac(); err != nil {
			return err
		}
	}
	for _, path := range slices.Sorted(maps.Keys(s.Texts)) {
		if err := replaceFile(path, s.Texts[path], modeOf(path, s.Texts[path])); err != nil {
			return err
		}
	}
	for _, path := range slices.Sorted(maps.Keys(s.Files)) {
		if err := s.ownFile(path, s.Files[path]); err != nil {
			return err
		}
	}
	return s.hide()
}

// replaceFile writes a file where there may be another one, or a symbolic link.
func replaceFile(path, content string, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		return err
	}
	return os.Chmod(path, mode) // whatever the umask
}

// modeOf makes scripts executable.
func modeOf(path, content string) os.FileMode {
	switch {
	case path == "/etc/shadow":
		return 0o600
	case strings.HasPrefix(content, "#!"):
		return 0o755
	default:
		return 0o644
	}
}

// ownFile is one of the world file's; what is in a user's home is the user's.
func (s machineSpec) ownFile(path, content string) error {
	if err := replaceFile(path, content, modeOf(path, content)); err != nil {
		return err
	}
	for _, u := range s.Users {
		if rest, in := strings.CutPrefix(path, u.Home+"/"); in && u.UID != 0 {
			return s.give(u, u.Home, rest)
		}
	}
	return nil
}

// give makes u the owner of every part of a path below home.
func (s machineSpec) give(u User, home, rest string) error {
	p := home
	for part := range strings.SplitSeq(rest, "/") {
		p = filepath.Join(p, part)
		if err := s.chown(p, u); err != nil {
			return err
		}
	}
	return nil
}

func (s machineSpec) home(u User) error {
	if err := os.MkdirAll(u.Home, 0o755); err != nil {
		return err
	}
	if u.UID == 0 {
		return nil
	}
	return s.chown(u.Home, u)
}

// chown does nothing in a world with one user: everything is root's there.
func (s machineSpec) chown(path string, u User) error {
	if !s.ManyUsers {
		return nil
	}
	return os.Lchown(path, u.UID, u.GID)
}

// guestPath is PATH in a machine, and where commands are hidden.
const guestPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

func (s machineSpec) hide() error {
	for _, name := range s.Hide {
		if name == "" || name != filepath.Base(name) || strings.HasPrefix(name, ".") {
			return fmt.Errorf("hide: %q is not a command's name", name)
		}
		for _, dir := range filepath.SplitList(guestPath) {
			if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
				return fmt.Errorf("hide: %w", err)
			}
		}
	}
	return nil
}
