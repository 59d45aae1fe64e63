//go:build linux

package namespaces

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// terminal is a pseudo terminal: what a person types goes into master.
func terminal(t *testing.T) (master, slave *os.File) {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Skipf("no pseudo terminals here: %v", err)
	}
	require.NoError(t, unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0))
	peer, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.TIOCGPTPEER, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC)
	require.Zero(t, errno)
	master, slave = os.NewFile(uintptr(fd), "master"), os.NewFile(peer, "slave")
	t.Cleanup(func() { _, _ = master.Close(), slave.Close() })
	return master, slave
}

func TestTerminalBelongsToTheCommandAndComesBack(t *testing.T) {
	inWorld(t)
	master, slave := terminal(t)
	// The shell is the person's: it starts a world, and reads on when that has ended.
	const script = `"$0" ` + testVerb + ` launch ` + testVerb + ` foreground sh -c 'read line; echo got $line; exec sleep 600'; echo exit $?; read line; echo then $line`
	c := exec.Command("sh", "-c", script, selfExe)
	exe, err := os.Readlink(selfExe)
	require.NoError(t, err)
	c.Args[len(c.Args)-1] = exe
	c.Env = withoutEnv(os.Environ(), worldEnv)
	c.Stdin, c.Stdout, c.Stderr = slave, slave, slave
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	require.NoError(t, c.Start())
	t.Cleanup(func() { _ = c.Process.Kill() })
	_, err = master.WriteString("hello\n")
	require.NoError(t, err)

	screen := bufio.NewReader(master)
	until := func(want string) {
		t.Helper()
		for {
			line, err := screen.ReadString('\n')
			require.NoError(t, err, "before %q", want)
			if strings.HasSuffix(line, want+"\r\n") { // ^C is echoed before it
				return
			}
		}
	}
	until("got hello")
	_, err = master.WriteString("\x03") // ^C: the terminal's own signal, to the foreground
	require.NoError(t, err)
	until("exit 130")
	_, err = master.WriteString("more\n")
	require.NoError(t, err)
	until("then more")
	assert.NoError(t, c.Wait())
}
