package namespaces

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// overlay describes an overlay mount. A lower folder may be several, joined by colons.
type overlay struct {
	lower, upper, work string
	userXattr          bool // in a user namespace, where trusted.* attributes are not to be had (kernel ≥ 5.11)
}

func (o overlay) mount(target string) error {
	for _, d := range []string{o.upper, o.work} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return fmt.Errorf("overlay on %s: %w", target, err)
		}
	}
	options := "lowerdir=" + o.lower + ",upperdir=" + o.upper + ",workdir=" + o.work
	if o.userXattr {
		options += ",userxattr"
	}
	if err := unix.Mount("overlay", target, "overlay", 0, options); err != nil {
		return fmt.Errorf("overlay of %s on %s: %w", o.lower, target, err)
	}
	return nil
}

// own makes folders of the lower tree this user's, so that files in them can be
// written and deleted: in a world with one uid, what the host's root owns is
// nobody's, and no capability helps. Folders are relative to the tree. What is
// not a folder all the way down there is left alone.
func (o overlay) own(folders ...string) error {
	for _, folder := range folders {
		done := ""
		for part := range strings.SplitSeq(filepath.Clean(folder), "/") {
			done = filepath.Join(done, part)
			st, err := os.Lstat(filepath.Join(o.lower, done))
			if err != nil || !st.IsDir() {
				break // not there, or a symbolic link: nothing to take over
			}
			if has, err := os.Lstat(filepath.Join(o.upper, done)); err == nil && !has.IsDir() {
				break // an earlier life's guest has put something else there, maybe a link that leads out
			}
			if err := os.MkdirAll(filepath.Join(o.upper, done), 0o755); err != nil {
				return err
			}
			mode := st.Mode() & (os.ModePerm | os.ModeSticky)
			if err := os.Chmod(filepath.Join(o.upper, done), mode); err != nil && !errors.Is(err, os.ErrPermission) {
				return err
			}
		}
	}
	return nil
}
