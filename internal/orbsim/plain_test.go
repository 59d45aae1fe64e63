package orbsim

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/internal/orbsim/worldfile"
)

func TestPlainEngineHandsOutFreeAddresses(t *testing.T) {
	w, err := worldfile.Parse([]byte("network: {subnet4: 192.168.139.0/28}\nmachines: [{name: a}, {name: b, ip4: 192.168.139.10}]"))
	require.NoError(t, err)
	p := NewPlain(w, 4)
	address := func(name string) string {
		a, _, err := p.Addresses(worldfile.Machine{Name: name, NoIP6: true})
		if err != nil {
			return err.Error()
		}
		return a.String()
	}
	assert.Equal(t, "192.168.139.11", address("a"), ".10 is b's")
	assert.Equal(t, "192.168.139.11", address("a"))
	require.NoError(t, p.Rename("a", "c"))
	assert.Equal(t, "192.168.139.11", address("c"))
	for _, name := range []string{"d", "e", "f"} {
		address(name)
	}
	assert.Equal(t, "192.168.139.15", address("g"))
	assert.Equal(t, "no address is left in 192.168.139.0/28", address("h"))
	require.NoError(t, p.Remove("c"))
	assert.Equal(t, "192.168.139.11", address("h"))
}

func TestPlainGuestPlaysWhatIsHarmless(t *testing.T) {
	g := &plainGuest{spec: worldfile.Machine{Name: "a", OSRelease: "Ubuntu 24.04", Files: map[string]string{"/etc/app": "text\n"}}.Filled()}
	run := func(argv ...string) (string, int, error) {
		r, w, err := os.Pipe()
		require.NoError(t, err)
		exit, err := g.Run(t.Context(), GuestCommand{Argv: argv, User: "ana", Stdout: w, Stderr: w})
		require.NoError(t, w.Close())
		b, readErr := io.ReadAll(r)
		require.NoError(t, readErr)
		return string(b), exit, err
	}
	for _, c := range []struct {
		argv []string
		out  string
		exit int
	}{
		{[]string{"hostname"}, "a\n", 0},
		{[]string{"whoami"}, "ana\n", 0},
		{[]string{":"}, "", 0},
		{[]string{"false"}, "", 1},
		{[]string{"sleep", "0.001"}, "", 0},
		{[]string{"test", "-d", "/"}, "", 0},
		{[]string{"test", "-d", "/nope"}, "", 1},
		{[]string{"cat", "/etc/app", "/etc/hostname"}, "text\na\n", 0},
		{[]string{"cat", "/etc/resolv.conf"}, "nameserver 0.250.250.200\n", 0},
		{[]string{"cat", "/etc/os-release"}, "ID=ubuntu\nVERSION_CODENAME=noble\nPRETTY_NAME=\"Ubuntu 24.04\"\n", 0},
		{[]string{"cat", "/nope"}, "cat: /nope: No such file or directory\n", 1},
		{[]string{"cat"}, "", 0},
	} {
		out, exit, err := run(c.argv...)
		require.NoError(t, err, c.argv)
		assert.Equal(t, c.out, out, c.argv)
		assert.Equal(t, c.exit, exit, c.argv)
	}
	for _, argv := range [][]string{{"sh", "-c", "rm -rf /"}, {"sleep", "x"}, {"test", "-e", "/"}, {"rm", "-rf", "/"}} {
		_, exit, err := run(argv...)
		var gap *GapError
		require.ErrorAs(t, err, &gap, argv)
		assert.Equal(t, ExitGap, exit)
	}
	_, _, err := run()
	assert.Error(t, err)
}

func TestSocketsAreTheOwnersOnly(t *testing.T) {
	s := up(t, "extends: empty")
	for _, name := range []string{"sconrpc.sock", "vmcontrol.sock"} {
		path := filepath.Join(s.home, ".orbstack", "run", name)
		info, err := os.Stat(path)
		require.NoError(t, err)
		assert.Equal(t, os.ModeSocket|0o600, info.Mode(), name)
		c, err := net.Dial("unix", path)
		require.NoError(t, err)
		// A frame over the limit. Either may fail, since the other end closes, but both end.
		_, _ = c.Write([]byte("h\xff\xff\xff\xff nonsense"))
		_, _ = io.ReadAll(c)
		require.NoError(t, c.Close())
	}
	assert.Equal(t, "Running\n", s.orbctl("status").out, "and nobody else is harmed")
}
