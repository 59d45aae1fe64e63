package runner_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const nobody = 65534

// forUsers are the threats for which it matters who runs the server. The others are
// about words and numbers of calls, and are tried once.
const forUsers = "^TestThreat(0[5-9]|1[0-9]|20|23|25)"

// Root has rights that a sandbox must withstand, and an ordinary user lacks some
// that setting one up might need.
func TestThreatsAsAnOrdinaryUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("the tests run as an ordinary user as it is")
	}
	dir, err := os.MkdirTemp("/tmp", "user")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o755))
	own := filepath.Join(dir, "own")
	require.NoError(t, os.Mkdir(own, 0o700))
	require.NoError(t, os.Chown(own, nobody, nobody))
	// The user's own programs: in the user namespaces of some tests, root's would be nobody's.
	program, orbctl := copyOf(t, plainProgram(), filepath.Join(dir, "runner.test")), copyOf(t, fakeOrbctl(), filepath.Join(dir, "orbctl"))
	require.NoError(t, os.Chown(program, nobody, nobody))
	require.NoError(t, os.Chown(orbctl, nobody, nobody))
	c := exec.CommandContext(t.Context(), program, "-test.v", "-test.run", forUsers)
	c.Dir = own
	c.Env = []string{"HOME=" + own, "TMPDIR=" + own, "USER=nobody", orbctlVariable + "=" + orbctl}
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := c.CombinedOutput()
	require.NoError(t, err, "%s", out)
	assert.Greater(t, strings.Count(string(out), "\n--- PASS: TestThreat"), 10, "%s", out)
	assert.NotContains(t, string(out), "--- SKIP")
}
