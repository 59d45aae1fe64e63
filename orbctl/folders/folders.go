package folders

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"
)

// Allowed are the folders that files may be read from and written to.
type Allowed struct {
	home  string
	roots []string // as given, clean; then as they are behind all links
	reals []string
}

// Open takes the folders as the user named them: absolute, or beginning with ~/,
// and there. What is behind their links is fixed here. No folders is nothing
// allowed.
func Open(home string, paths []string) (*Allowed, error) {
	a := &Allowed{home: home}
	for _, path := range paths {
		full, err := a.expand(path)
		if err != nil {
			return nil, err
		}
		behind, err := filepath.EvalSymlinks(full)
		if err != nil {
			return nil, fmt.Errorf("the allowed folder %q cannot be used: %w", path, err)
		}
		info, err := os.Stat(behind)
		if err != nil {
			return nil, fmt.Errorf("the allowed folder %q cannot be used: %w", path, err)
		}
		if !info.IsDir() {
			return nil, fmt.Errorf("the allowed folder %q cannot be used: it is no folder", path)
		}
		a.roots, a.reals = append(a.roots, full), append(a.reals, behind)
	}
	return a, nil
}

// A PathError says why a path cannot be used, in words of ours.
type PathError struct {
	Path string
	Why  string
	Kind Reason
	Err  error // the operating system's, if there is one
}

// A Reason is what kind of a PathError it is.
type Reason int

// The reasons.
const (
	Invalid    Reason = iota // no path for a file
	NotAllowed               // beneath no allowed folder
	Unusable                 // not there, no regular file, or not to be read or written by this user
	Exists                   // there already
	NoSpace                  // the Mac's disk, or the user's share of it, is full
)

func (e *PathError) Error() string { return fmt.Sprintf("%q %s", e.Path, e.Why) }

// Unwrap is the operating system's error.
func (e *PathError) Unwrap() error { return e.Err }

// expand makes a path absolute and clean.
func (a *Allowed) expand(path string) (string, error) {
	bad := func(why string) (string, error) { return "", &PathError{Path: path, Why: why, Kind: Invalid} }
	switch {
	case path == "":
		return bad("is empty")
	case !utf8.ValidString(path):
		return bad("is no UTF-8")
	case strings.ContainsFunc(path, unicode.IsControl):
		return bad("has a newline or another control character in it")
	case path == "~" || strings.HasPrefix(path, "~/"):
		path = filepath.Join(a.home, path[1:])
	}
	if !filepath.IsAbs(path) {
		return bad("must be absolute or begin with ~/")
	}
	return filepath.Clean(path), nil
}

// in opens the allowed folder that a path is beneath. The innermost one counts.
func (a *Allowed) in(path string) (root *os.Root, rel string, err error) {
	full, err := a.expand(path)
	if err != nil {
		return nil, "", err
	}
	best, rest := "", ""
	for i := range a.reals {
		for _, start := range []string{a.roots[i], a.reals[i]} {
			inside, err := filepath.Rel(start, full)
			if err == nil && filepath.IsLocal(inside) && (best == "" || len(inside) < len(rest)) {
				best, rest = a.reals[i], inside
			}
		}
	}
	if best == "" {
		return nil, "", &PathError{Path: path, Why: "is beneath no folder that --allow-path names", Kind: NotAllowed}
	}
	root, err = os.OpenRoot(best)
	if err != nil {
		return nil, "", told(path, err)
	}
	return root, rest, nil
}

// inWords is err as a *PathError, if it is none yet.
func inWords(path string, err error) error {
	var own *PathError
	if err == nil || errors.As(err, &own) {
		return err
	}
	return told(path, err)
}

// told is what an error of the operating system means.
func told(path string, err error) error {
	e := &PathError{Path: path, Kind: Unusable, Err: err}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.Why = "is not there, or its folder is not"
	case errors.Is(err, fs.ErrExist):
		e.Kind, e.Why = Exists, "is there already"
	case errors.Is(err, fs.ErrPermission):
		e.Why = "may not be used by this user"
	case errors.Is(err, syscall.ENOSPC):
		e.Kind, e.Why = NoSpace, "cannot be written: no space left on the Mac"
	case errors.Is(err, syscall.EDQUOT):
		e.Kind, e.Why = NoSpace, "cannot be written: the user's disk quota on the Mac is used up"
	case errors.Is(err, syscall.EROFS):
		e.Why = "cannot be written: its disk is read-only"
	case errors.Is(err, syscall.ENXIO):
		e.Why = "is no regular file"
	case strings.Contains(err.Error(), "escapes"): // os.Root has no error of its own for it
		e.Kind, e.Why = NotAllowed, "leads out of the folders that --allow-path names"
	default:
		e.Why = "cannot be used: " + errno(err)
	}
	return e
}

// errno is the system's words without the paths around them.
func errno(err error) string {
	var n syscall.Errno
	if errors.As(err, &n) {
		return n.Error()
	}
	return "the system gave no reason"
}

// Covers reports whether a folder of the Mac, behind all its links, is an allowed
// one or beneath one. One that cannot be looked at is not.
func (a *Allowed) Covers(folder string) bool {
	full, err := a.expand(folder)
	if err != nil {
		return false
	}
	behind, err := filepath.EvalSymlinks(full)
	if err != nil {
		return false
	}
	for _, allowed := range a.reals {
		if inside, err := filepath.Rel(allowed, behind); err == nil && filepath.IsLocal(inside) {
			return true
		}
	}
	return false
}
