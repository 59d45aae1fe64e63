package namespaces

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"orbstack-mcp/internal/orbsim/worldfile"
)

// Prepare fetches what a world can't get from inside, where there is no way
// out: the ping of inetutils for machines with rootfs inetutils. As a package
// it conflicts with iputils-ping, so it is unpacked into the user's cache. Call
// it before Launch; without such machines it does nothing.
func Prepare(ctx context.Context, w worldfile.World) error {
	if !slices.ContainsFunc(w.Machines, func(m worldfile.Machine) bool { return m.Rootfs == "inetutils" }) {
		return nil
	}
	if _, err := cachedInetutils(); err == nil {
		return nil
	}
	cache, err := inetutilsCache()
	if err != nil {
		return err
	}
	temp, err := os.MkdirTemp("", "orbsim-inetutils-")
	if err != nil {
		return fmt.Errorf("fetch inetutils-ping: %w", err)
	}
	defer func() { _ = os.RemoveAll(temp) }() // the system cleans its own folder too
	if err := runIn(ctx, temp, "apt-get", "download", "inetutils-ping"); err != nil {
		return err
	}
	debs, _ := filepath.Glob(filepath.Join(temp, "*.deb"))
	if len(debs) != 1 {
		return errors.New("fetch inetutils-ping: apt-get download succeeded and left no package")
	}
	if err := runIn(ctx, temp, "dpkg", "-x", debs[0], "tree"); err != nil {
		return err
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return fmt.Errorf("fetch inetutils-ping: %w", err)
	}
	for _, name := range []string{"ping6", "ping"} { // ping last: it is what cachedInetutils looks for
		found, _ := filepath.Glob(filepath.Join(temp, "tree/*bin", name))
		more, _ := filepath.Glob(filepath.Join(temp, "tree/usr/*bin", name))
		if found = append(found, more...); len(found) == 0 {
			return fmt.Errorf("fetch inetutils-ping: the package has no %s", name)
		}
		if err := copyTool(found[0], filepath.Join(cache, name)); err != nil {
			return fmt.Errorf("fetch inetutils-ping: %w", err)
		}
	}
	return nil
}

func runIn(ctx context.Context, dir string, argv ...string) error {
	c := exec.CommandContext(ctx, argv[0], argv[1:]...)
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("fetch inetutils-ping: %s: %w: %s", strings.Join(argv, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}

func inetutilsCache() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("rootfs inetutils: no place for the package: %w; set XDG_CACHE_HOME", err)
	}
	return filepath.Join(cache, "orbsim", "inetutils"), nil
}

// cachedInetutils is where Prepare has put ping; ping6 is beside it.
func cachedInetutils() (ping string, err error) {
	cache, err := inetutilsCache()
	if err != nil {
		return "", err
	}
	ping = filepath.Join(cache, "ping")
	if _, err := os.Stat(ping); err != nil {
		return "", fmt.Errorf("rootfs inetutils: %s is not there: it is fetched before the world starts, with apt-get download inetutils-ping (Debian or Ubuntu with a network)", ping)
	}
	return ping, nil
}
