// Package statefolder says where orbstack-mcp keeps what has to outlive a
// session: the audit log and whatever else all servers of one user share. It
// makes no folder and reads none; it knows no file in it.
package statefolder

import "path/filepath"

const name = "orbstack-mcp"

// Path is the folder of the user whose home folder is home, on the system goos
// (as runtime.GOOS): on a Mac ~/Library/Application Support/orbstack-mcp,
// elsewhere $XDG_STATE_HOME/orbstack-mcp or ~/.local/state/orbstack-mcp. A
// relative $XDG_STATE_HOME does not count (XDG Base Directory Specification 0.8).
func Path(goos, home string, getenv func(name string) string) string {
	if goos == "darwin" {
		return filepath.Join(home, "Library", "Application Support", name)
	}
	if state := getenv("XDG_STATE_HOME"); filepath.IsAbs(state) {
		return filepath.Join(state, name)
	}
	return filepath.Join(home, ".local", "state", name)
}
