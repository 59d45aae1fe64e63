package orbsim

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// foreground runs a child in a process group of its own to its end, passes
// signals on to it, gives it the terminal if there is one, and kills what it
// leaves behind: its group, and on Linux what has left the group too. A child that could not be started is 127 or 126, as in a shell.
// started hears of the group.
func foreground(cmd *exec.Cmd, started func(group int)) (int, error) {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT)
	defer signal.Stop(signals)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	const stdin = 0
	if _, err := unix.IoctlGetInt(stdin, unix.TIOCGPGRP); err == nil { // our controlling terminal
		cmd.SysProcAttr.Foreground, cmd.SysProcAttr.Ctty = true, stdin
	}
	end := adopt()
	defer end()
	if err := cmd.Start(); err != nil {
		if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
			return 127, fmt.Errorf("%s: command not found", cmd.Args[0])
		}
		return 126, fmt.Errorf("%s: cannot be executed: %w", cmd.Args[0], err)
	}
	group := cmd.Process.Pid
	started(group)
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case s := <-signals:
			if s, ok := s.(syscall.Signal); ok {
				_ = syscall.Kill(-group, s) // it may just have ended
			}
		case err := <-ended:
			_ = syscall.Kill(-group, syscall.SIGKILL) // most often there is nobody
			var exit *exec.ExitError
			if err != nil && !errors.As(err, &exit) {
				return ExitOwn, fmt.Errorf("wait for %s: %w", cmd.Args[0], err)
			}
			if ws, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
				return 128 + int(ws.Signal()), nil
			}
			return cmd.ProcessState.ExitCode(), nil
		}
	}
}
