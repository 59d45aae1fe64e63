package namespaces

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Run runs a command in the machine and waits for it. exit is the command's own
// code, 128+n if signal n ended it; 127 or 126 when it was not found or could
// not be executed, with a line about it on Stderr. err is about the machine: it
// is not running, has no such user (*NoUserError) or folder, or ctx has ended.
//
// The command is a child of this process in the machine's namespaces, on the
// descriptors it was given, in a session of its own, without a shell. At
// LevelUser every user runs as uid 0, because no other is mapped: HOME, USER and
// the working directory are the user's, the uid is not.
func (m *Machine) Run(ctx context.Context, c Command) (exit int, err error) {
	if len(c.Argv) == 0 || c.Argv[0] == "" {
		return ExitNotFound, errors.New("run: no command")
	}
	cmd, startErr, err := m.start(c)
	switch {
	case err != nil:
		return 1, err
	case startErr != nil:
		exit, words := startError(startErr)
		if c.Stderr != nil {
			_, _ = fmt.Fprintf(c.Stderr, "%s: %s\n", c.Argv[0], words)
		}
		return exit, nil
	}
	defer m.group.keepFresh()()
	return waitFor(ctx, cmd, c.KillOnCancel)
}

// start starts a command. startErr is about the command, err about the machine.
func (m *Machine) start(c Command) (cmd *exec.Cmd, startErr, err error) {
	if !m.group.hold() {
		return nil, nil, m.gone()
	}
	defer m.group.release()
	m.group.refresh()
	err = m.inside(namespaceFlags, func() error {
		u, err := m.account(c.User)
		if err != nil {
			return err
		}
		if cmd, err = m.command(c, u); err != nil {
			return err
		}
		if startErr = resolvePath(cmd); startErr == nil {
			startErr = cmd.Start()
		}
		return nil
	})
	if errors.Is(startErr, unix.ENOMEM) { // clone(2): "the PID namespace's init process has terminated"
		return nil, nil, m.gone()
	}
	return cmd, startErr, err
}

// waitFor waits for a command that runs. The end of ctx ends the waiting, and
// the command only with kill.
func waitFor(ctx context.Context, cmd *exec.Cmd, kill bool) (exit int, err error) {
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err = <-ended:
	case <-ctx.Done():
		if !kill {
			return 1, context.Cause(ctx)
		}
		_ = unix.Kill(-cmd.Process.Pid, unix.SIGKILL) // its session's process group; gone already is fine
		<-ended                                       //nolint:errcheck // how a killed command ended is known
		return 128 + int(unix.SIGKILL), context.Cause(ctx)
	}
	if cmd.ProcessState == nil {
		return 1, fmt.Errorf("wait for %s: %w", cmd.Args[0], err)
	}
	return exitCode(cmd.ProcessState.Sys().(syscall.WaitStatus)), nil
}

// LookupUser reads the machine's own /etc/passwd; "" is the default user.
func (m *Machine) LookupUser(name string) (User, error) {
	var u User
	err := m.inside(unix.CLONE_NEWNS, func() (err error) {
		u, err = m.account(name)
		return err
	})
	return u, err
}

// account looks an account up, on a thread inside.
func (m *Machine) account(name string) (User, error) {
	if name == "" {
		name = m.users[min(1, len(m.users)-1)].Name
		if m.config.DefaultUsername == "" {
			name = "root"
		}
	}
	f, err := os.Open("/etc/passwd")
	if err != nil {
		return User{}, fmt.Errorf("look up user %q: %w", name, err)
	}
	defer f.Close()
	if u, ok := findUser(f, name); ok {
		return u, nil
	}
	return User{}, &NoUserError{Machine: m.Name, User: name}
}

// command is c for a user, on a thread inside.
func (m *Machine) command(c Command, u User) (*exec.Cmd, error) {
	dir := c.Dir
	if dir == "" {
		dir = u.Home
	}
	if st, err := os.Stat(dir); err != nil || !st.IsDir() {
		if c.Dir != "" {
			return nil, fmt.Errorf("machine %s has no folder %s", m.Name, dir)
		}
		dir = "/" // a guest that has removed the home
	}
	unix.Umask(0o022) // of this thread alone
	cmd := &exec.Cmd{
		Path: c.Argv[0], Args: c.Argv, Dir: dir,
		Env: append([]string{
			"PATH=" + guestPath, "HOME=" + u.Home, "USER=" + u.Name, "LOGNAME=" + u.Name, "SHELL=" + u.Shell, "LANG=C.UTF-8",
		}, c.Env...),
		SysProcAttr: &syscall.SysProcAttr{Setsid: true},
	}
	// A nil *os.File is not a nil io.Reader.
	if c.Stdin != nil {
		cmd.Stdin = c.Stdin
	}
	if c.Stdout != nil {
		cmd.Stdout = c.Stdout
	}
	if c.Stderr != nil {
		cmd.Stderr = c.Stderr
	}
	if m.world.manyUsers {
		var groups []uint32
		if f, err := os.Open("/etc/group"); err == nil {
			groups = groupsOf(f, u.Name)
			_ = f.Close()
		}
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(u.UID), Gid: uint32(u.GID), Groups: groups}
	}
	return cmd, m.group.enter(cmd.SysProcAttr)
}

// resolvePath looks a command up in its own PATH, as execvp does: what is found
// but not executable is remembered, and reported when nothing better comes.
func resolvePath(cmd *exec.Cmd) error {
	name := cmd.Args[0]
	if strings.Contains(name, "/") {
		if !filepath.IsAbs(name) {
			cmd.Path = filepath.Join(cmd.Dir, name)
		}
		return nil
	}
	err := os.ErrNotExist
	for _, dir := range filepath.SplitList(lastEnv(cmd.Env, "PATH")) {
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(cmd.Dir, dir)
		}
		path := filepath.Join(dir, name)
		st, statErr := os.Stat(path)
		switch {
		case statErr != nil || st.IsDir():
		case st.Mode()&0o111 == 0:
			err = os.ErrPermission
		default:
			cmd.Path = path
			return nil
		}
	}
	return err
}

func lastEnv(env []string, name string) string {
	value := ""
	for _, e := range env {
		if v, ok := strings.CutPrefix(e, name+"="); ok {
			value = v
		}
	}
	return value
}
