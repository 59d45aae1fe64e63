package runner

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// envOrbctl names the environment variable that says which orbctl to use.
const envOrbctl = "ORBSTACK_MCP_ORBCTL"

// application is where OrbStack's own folder holds it (docs/orbctl-contract.md §8).
const application = "/Applications/OrbStack.app/Contents/MacOS/bin/orbctl"

// findBinary looks for orbctl: what the user named, else the usual places, of
// which none on PATH need be. A path that the user named and that is wrong is an
// error: to take another one in its place would be a surprise.
func findBinary(o Options, home string) (Binary, error) {
	named := Attempt{Path: o.Orbctl, Source: "--orbctl"}
	if named.Path == "" {
		named = Attempt{Path: o.Getenv(envOrbctl), Source: "$" + envOrbctl}
	}
	if named.Path != "" {
		b, err := trusted(named, os.Geteuid())
		if err != nil {
			named.Why = err.Error()
			return Binary{}, &BinaryError{Explicit: true, Tried: []Attempt{named}}
		}
		return b, nil
	}
	missing := &BinaryError{}
	for _, place := range usualPlaces(home, o.Getenv("PATH")) {
		b, err := trusted(place, os.Geteuid())
		if err == nil {
			return b, nil
		}
		place.Why = err.Error()
		missing.Tried = append(missing.Tried, place)
	}
	return Binary{}, missing
}

func usualPlaces(home, path string) []Attempt {
	places := []Attempt{{Path: application, Source: "application"}}
	if home != "" {
		places = append(places, Attempt{Path: filepath.Join(home, ".orbstack", "bin", "orbctl"), Source: "~/.orbstack/bin"})
	}
	places = append(places, Attempt{Path: "/opt/homebrew/bin/orbctl", Source: "/opt/homebrew/bin"}, Attempt{Path: "/usr/local/bin/orbctl", Source: "/usr/local/bin"})
	tried := map[string]bool{}
	for _, p := range places {
		tried[p.Path] = true
	}
	for _, dir := range filepath.SplitList(path) {
		file := filepath.Join(dir, "orbctl")
		if filepath.IsAbs(dir) && !tried[file] { // "." and the like are anybody's
			tried[file] = true
			places = append(places, Attempt{Path: file, Source: "PATH"})
		}
	}
	return places
}

// trusted follows a path to the file behind it and refuses one that somebody
// else could have put there: the file must belong to root or to the user uid,
// and no folder on the way, links included, may be open to all (a sticky one
// such as /tmp may; a group may write, as admin does to /Applications and to
// Homebrew).
func trusted(a Attempt, uid int) (Binary, error) {
	if !filepath.IsAbs(a.Path) {
		return Binary{}, errors.New("is not an absolute path")
	}
	at := filepath.Clean(a.Path)
	for range 40 { // as many links as the kernel follows
		dir, err := filepath.EvalSymlinks(filepath.Dir(at))
		if err != nil {
			return Binary{}, plain(err)
		}
		if err := checkFolders(filepath.Dir(at)); err != nil {
			return Binary{}, err
		}
		if err := checkFolders(dir); err != nil {
			return Binary{}, err
		}
		at = filepath.Join(dir, filepath.Base(at))
		info, err := os.Lstat(at)
		if err != nil {
			return Binary{}, plain(err)
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			if err := checkFile(info, uid); err != nil {
				return Binary{}, err
			}
			return Binary{Path: filepath.Clean(a.Path), Real: at, Source: a.Source}, nil
		}
		link, err := os.Readlink(at)
		if err != nil {
			return Binary{}, plain(err)
		}
		if !filepath.IsAbs(link) {
			link = filepath.Join(dir, link)
		}
		at = link
	}
	return Binary{}, errors.New("is a link that leads nowhere")
}

// checkFolders looks at a folder and at all above it.
func checkFolders(dir string) error {
	for {
		info, err := os.Stat(dir)
		if err != nil {
			return plain(err)
		}
		if info.Mode().Perm()&0o002 != 0 && info.Mode()&fs.ModeSticky == 0 {
			return fmt.Errorf("lies in %s, to which everybody can write", dir)
		}
		up := filepath.Dir(dir)
		if up == dir {
			return nil
		}
		dir = up
	}
}

func checkFile(info fs.FileInfo, uid int) error {
	stat, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !info.Mode().IsRegular():
		return errors.New("is no file")
	case info.Mode().Perm()&0o111 == 0:
		return errors.New("is not executable")
	case info.Mode().Perm()&0o002 != 0:
		return errors.New("can be changed by everybody")
	case !ok || stat.Uid != 0 && int(stat.Uid) != uid:
		return errors.New("belongs neither to root nor to the user")
	}
	return nil
}

// plain is an error of the file system in words that go behind a path.
func plain(err error) error {
	var e *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errors.New("does not exist")
	case errors.As(err, &e):
		return fmt.Errorf("cannot be read (%s)", strings.TrimSpace(e.Err.Error()))
	}
	return fmt.Errorf("cannot be read (%w)", err)
}
