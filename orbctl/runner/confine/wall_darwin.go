package confine

import (
	"fmt"
	"os"
)

// sandboxExec is macOS's own, and no other: PATH is not asked.
const sandboxExec = "/usr/bin/sandbox-exec"

func newWall(home, orbctl string) (*wall, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("the path of this program is not known: %w", err)
	}
	return seatbelt(sandboxExec, realPath(self), home, orbctl)
}
