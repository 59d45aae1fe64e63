package namespaces

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// What a machine that is not isolated has of the Mac: /mnt/mac, and a command
// that reaches out to it. Here both are only there to be noticed.
const (
	macMarker  = ".orbsim-mac" // in /mnt/mac
	macUseFile = ".orbsim-uses"
	maxMacUses = 4 << 20 // bytes that are read of it
)

func makeMacFolder(base string) error {
	mac := filepath.Join(base, "mac")
	if err := os.MkdirAll(filepath.Join(mac, "Users"), 0o755); err != nil {
		return err
	}
	if err := replaceFile(filepath.Join(mac, macMarker), "the simulated Mac's file system\n", 0o644); err != nil {
		return err
	}
	return replaceFile(filepath.Join(mac, macUseFile), "", 0o666)
}

// makeShared makes a folder of the simulated Mac, and gives its path below mac.
// Guests write there: their links must not lead it elsewhere.
func makeShared(mac, path string) (below string, err error) {
	root, err := os.OpenRoot(mac)
	if err != nil {
		return "", err
	}
	defer root.Close()
	below = strings.TrimPrefix(filepath.Clean(path), "/")
	if below == "" {
		return ".", nil
	}
	return below, root.MkdirAll(below, 0o755)
}

// openShared opens such a folder, wherever a guest has put links since.
func openShared(mac, below string) (*os.File, error) {
	dir, err := os.Open(mac)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	fd, err := unix.Openat2(int(dir.Fd()), below, &unix.OpenHow{Flags: unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC, Resolve: unix.RESOLVE_BENEATH})
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), below), nil
}

// The command mac, before and after the name of its machine. One write for each
// use, with the control characters RS and US between uses and words.
const (
	macToolHead = "#!/bin/sh\n# The simulated Mac records this use, and does nothing.\nuse='"
	macToolTail = `'
for word in "$@"; do use="$use$(printf '\037')$word"; done
printf '%s\036' "$use" >>/mnt/mac/` + macUseFile + "\n"
)

// macTool is the command mac of a machine.
func macTool(machine string) string { return macToolHead + machine + macToolTail }

// isMacTool says whether a text is the command mac of any machine: a clone has
// that of its source.
func isMacTool(text string) bool {
	rest, head := strings.CutPrefix(text, macToolHead)
	name, tail := strings.CutSuffix(rest, macToolTail)
	return head && tail && checkName(name) == nil
}

// leaveMac takes away what a life before the isolation, or the source of a clone,
// has left on the disk: an isolated machine has neither /mnt/mac nor mac. It
// works in the entered root, where a guest has had its way. So no symbolic link
// is followed (it may lead to a folder that is mounted from the Mac), and what is
// not ours stays: a folder with something in it or on it, another command.
func leaveMac() error {
	mnt, err := openFolder("/mnt")
	if err == nil {
		err = unix.Unlinkat(mnt, "mac", unix.AT_REMOVEDIR)
		_ = unix.Close(mnt)
	}
	if !isNotOurs(err, unix.ENOTEMPTY, unix.EEXIST, unix.EBUSY) {
		return fmt.Errorf("take /mnt/mac away: %w", err)
	}
	bin, err := openFolder("/usr/bin")
	if err == nil {
		err = removeMacTool(bin)
		_ = unix.Close(bin)
	}
	if !isNotOurs(err) {
		return fmt.Errorf("take the command mac away: %w", err)
	}
	return nil
}

// openFolder opens a folder to which no symbolic link leads.
func openFolder(path string) (fd int, err error) {
	return unix.Openat2(unix.AT_FDCWD, path, &unix.OpenHow{Flags: unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_SYMLINKS})
}

// isNotOurs is true of no error, and of those that something has which the guest
// has put there, or nobody.
func isNotOurs(err error, also ...unix.Errno) bool {
	if err == nil {
		return true
	}
	for _, e := range append(also, unix.ENOENT, unix.ENOTDIR, unix.ELOOP, unix.ENXIO) {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

func removeMacTool(bin int) error {
	f, err := openOwnAt(bin, "mac", os.O_RDONLY)
	if err != nil {
		return err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 4<<10)) // ours is shorter
	if err != nil || !isMacTool(string(text)) {
		return err
	}
	return unix.Unlinkat(bin, "mac", 0)
}

// MacUses lists the uses of the command mac in machines, oldest first.
func (w *World) MacUses() ([]MacUse, error) {
	f, err := openOwn(filepath.Join(w.base, "mac", macUseFile), os.O_RDONLY)
	if isNotOurs(err) && err != nil {
		return nil, nil // a guest has deleted it, or put something else there
	}
	if err != nil {
		return nil, fmt.Errorf("read the uses of mac: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxMacUses))
	if err != nil {
		return nil, fmt.Errorf("read the uses of mac: %w", err)
	}
	return parseMacUses(string(b)), nil
}

func parseMacUses(s string) []MacUse {
	var uses []MacUse
	for use := range strings.SplitSeq(s, "\x1e") {
		if words := strings.Split(use, "\x1f"); words[0] != "" {
			uses = append(uses, MacUse{Machine: words[0], Argv: words[1:]})
		}
	}
	return uses
}
