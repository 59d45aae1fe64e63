package orbsim

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
)

// VerbSweep is the hidden verb of the process that cleans up after an orbsim
// that was killed outside namespaces, where the kernel does not do it.
const VerbSweep = "__sweep"

// sweeper is a fresh home, and the small helper that removes it, and ends the
// command, as soon as the pipe to this process ends. It may be nil.
type sweeper struct {
	home   string
	helper *exec.Cmd
	pipe   io.WriteCloser
}

func newSweeper() (*sweeper, error) {
	home, err := os.MkdirTemp("", "orbsim-")
	if err != nil {
		return nil, fmt.Errorf("make a home: %w", err)
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	s := &sweeper{home: home, helper: exec.Command(self, VerbSweep, home)}
	s.helper.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // a Ctrl-C is not for it
	if s.pipe, err = s.helper.StdinPipe(); err == nil {
		err = s.helper.Start()
	}
	if err != nil {
		_ = os.RemoveAll(home)
		return nil, fmt.Errorf("start the helper that cleans up: %w", err)
	}
	return s, nil
}

// watch tells the helper which process group is the command's; 0 is none.
func (s *sweeper) watch(group int) {
	if s != nil {
		_, _ = fmt.Fprintln(s.pipe, group) // without the helper, only kill -9 leaves something
	}
}

// close is the orderly end.
func (s *sweeper) close() {
	if s == nil {
		return
	}
	_ = os.RemoveAll(s.home) // the helper tries again
	s.watch(0)
	_ = s.pipe.Close()
	_ = s.helper.Wait()
}

// Sweep is that helper: when its stdin ends it kills the group that was named
// last and removes dir. What has left the group lives on then, and only then.
func Sweep(dir string) error {
	signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	group := 0
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		group, _ = strconv.Atoi(lines.Text()) // our own words; anything else is no group
	}
	if group > 1 {
		_ = syscall.Kill(-group, syscall.SIGKILL) // it may be gone
	}
	return os.RemoveAll(dir)
}
