package cli

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"strings"
)

// Version is that of a world which names none.
const Version = "2.2.3"

// VersionText is what `version` prints (testdata/version.txt).
func VersionText(version string) string {
	var major, minor, patch int
	_, _ = fmt.Sscanf(version, "%d.%d.%d", &major, &minor, &patch) // the world file's check has seen it
	commit := "0e182b501fcd9e05b99ffb363fce03610390c400"           // of 2.2.1, the one that was captured
	if version != "2.2.1" {
		sum := sha1.Sum([]byte("orbsim " + version))
		commit = hex.EncodeToString(sum[:])
	}
	build := ((major*100+minor)*100 + patch) * 100
	return fmt.Sprintf("Version: %s (%d)\nCommit: %s (v%s)\n", version, build, commit, version)
}

// PanicText looks like the panics of the real CLI: exit code 2, on stderr.
func PanicText(what, where string) string {
	return fmt.Sprintf("panic: %s\n\ngoroutine 1 [running]:\nmain.%s(...)\n\t/Users/builder/orbstack/cmd/orbctl/%s.go:71 +0x1d4\nmain.main()\n\t/Users/builder/orbstack/cmd/orbctl/main.go:34 +0x20\n", what, where, strings.ToLower(where))
}
