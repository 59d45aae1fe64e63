package guest

import (
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// walls are what a machine's answer says of each.
func walls(t *testing.T, out string) map[string]string {
	t.Helper()
	report, err := ParsePosture(ParseTranscript(goldenMark, out))
	require.NoError(t, err)
	all := map[string]string{}
	for _, c := range report.Checks {
		assert.NotEmpty(t, c.Detail, c.Name)
		all[c.Name] = c.Holds.String()
	}
	return all
}

// A wall that is open is seen to be, one by one.
func TestAWallThatIsOpenIsSeen(t *testing.T) {
	t.Parallel()
	agent := filepath.Join(t.TempDir(), "agent")
	l, err := net.Listen("unix", agent)
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	const loopbackOnly = `case " $* " in *" 127.0.0.1 "*) exit 0;; esac; exit 1`
	for name, c := range map[string]struct {
		mac, ping, agent string
		want             map[string]string
	}{
		"none":      {"exit 1", loopbackOnly, "", map[string]string{"mac_command": "yes", "ssh_agent": "yes", "mac_network": "yes", "control": "yes"}},
		"a command": {"exit 0", loopbackOnly, "", map[string]string{"mac_command": "no", "ssh_agent": "yes", "mac_network": "yes", "control": "yes"}},
		"the agent": {"exit 1", loopbackOnly, agent, map[string]string{"mac_command": "yes", "ssh_agent": "no", "mac_network": "yes", "control": "yes"}},
		"network":   {"exit 1", "exit 0", "", map[string]string{"mac_command": "yes", "ssh_agent": "yes", "mac_network": "no", "control": "yes"}},
		"no name":   {"exit 1", `case " $* " in *" 127.0.0.1 "* | *" 0.250.250.254 "*) exit 0;; esac; echo 'Temporary failure in name resolution' >&2; exit 2`, "", map[string]string{"mac_command": "yes", "ssh_agent": "yes", "mac_network": "no", "control": "yes"}},
		"no ping":   {"exit 1", "exit 1", "", map[string]string{"mac_command": "yes", "ssh_agent": "yes", "mac_network": "unknown", "control": "unknown"}},
	} {
		t.Run(name, func(t *testing.T) {
			script, args, _ := Posture()
			script.text = "SSH_AUTH_SOCK='" + c.agent + "'\n" + script.text
			inShells(t, map[string]string{"mac": c.mac, "ping": c.ping}, script, args, func(t *testing.T, out string) {
				got := walls(t, out)
				assert.Equal(t, "yes", got["mac_files"], "this computer has no /mnt/mac")
				for wall, holds := range c.want {
					if own := wall == "mac_network" || wall == "control"; own && strings.HasSuffix(t.Name(), "/ash") {
						continue // busybox's sh prefers the ping that is built in
					}
					assert.Equal(t, holds, got[wall], wall)
				}
			})
		})
	}
}

func TestTheMacsFilesAreSeen(t *testing.T) {
	t.Parallel()
	script, args, _ := Posture()
	got := walls(t, busyboxWorld{files: map[string]string{"mnt/mac/Users/ana/x": ""}}.run(t, script, args...))
	assert.Equal(t, "no", got["mac_files"])
	assert.Equal(t, "yes", got["mac_command"])
}
