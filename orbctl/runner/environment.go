package runner

import (
	"os/user"
	"path/filepath"
	"strings"
	"unicode"
)

// environment is everything that orbctl gets to know of ours: no tokens, no
// proxies, no ORBENV (which would forward names into a machine).
func environment(home string, getenv func(string) string) []string {
	name := oneLine(getenv("USER"))
	if name == "" {
		name = oneLine(getenv("LOGNAME"))
	}
	if name == "" {
		if u, err := user.Current(); err == nil {
			name = u.Username
		}
	}
	tmp := oneLine(getenv("TMPDIR"))
	if !filepath.IsAbs(tmp) {
		tmp = "/tmp"
	}
	return []string{
		"HOME=" + home,
		"USER=" + name,
		"LOGNAME=" + name,
		"PATH=/usr/bin:/bin:/usr/sbin:/sbin",
		"TMPDIR=" + tmp,
		"LANG=C.UTF-8",
		"NO_COLOR=1",
		"TERM=dumb",
	}
}

// homeDir is where ~/.orbstack is; "" if that cannot be told.
func homeDir(given string, getenv func(string) string) string {
	for _, dir := range []string{given, getenv("HOME")} {
		if filepath.IsAbs(oneLine(dir)) {
			return filepath.Clean(dir)
		}
	}
	if u, err := user.Current(); err == nil && filepath.IsAbs(u.HomeDir) {
		return u.HomeDir
	}
	return ""
}

// oneLine is s, or nothing if there are control characters in it.
func oneLine(s string) string {
	if strings.ContainsFunc(s, unicode.IsControl) {
		return ""
	}
	return s
}
