package namespaces

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// trustStore is where Debian's programs, and Go's, look for certificates.
const trustStore = "/etc/ssl/certs/ca-certificates.crt"

// loopback4 is where the Mac's resolver listens.
const loopback4 = "127.0.0.1"

// macSide covers /etc of the world, which is the Mac's, with a copy-on-write
// view that has the world's resolver and certificate authority in it. Machines
// leave it (machineinit_linux.go) and start from the host's own.
func macSide(base string, userXattr bool, ca []byte) error {
	// The host's own stays reachable for images.lower; its mounts come with it.
	host := filepath.Join(base, "lower", "etc-of-host")
	if err := os.MkdirAll(host, 0o755); err != nil {
		return err
	}
	if err := unix.Mount("/etc", host, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("keep the host's /etc: %w", err)
	}
	etc := filepath.Join(base, "etc")
	cover := overlay{lower: "/etc", upper: etc + "/upper", work: etc + "/work", userXattr: userXattr}
	if err := cover.own("ssl/certs"); err != nil {
		return err
	}
	switch err := cover.mount("/etc"); {
	case errors.Is(err, unix.EINVAL): // see images.lower
		copied := etc + "/copy"
		if err := copyTree(host, copied); err != nil {
			return err
		}
		if err := unix.Mount(copied, "/etc", "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("cover /etc: %w", err)
		}
	case err != nil:
		return err
	}
	roots, _ := os.ReadFile(trustStore) // a host without it: then it has one certificate
	for path, content := range map[string]string{
		"/etc/resolv.conf":   "nameserver " + loopback4 + "\noptions timeout:2 attempts:2\n",
		"/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n", // no resolver of the host's by a back door
		"/etc/hosts":         "127.0.0.1 localhost\n::1 localhost\n",
		"/etc/hostname":      "mac\n",
		trustStore:           string(bytes.TrimRight(roots, "\n")) + "\n" + string(ca),
	} {
		if err := replaceFile(path, content, 0o644); err != nil {
			return fmt.Errorf("the Mac's %s: %w", path, err)
		}
	}
	if err := unix.Sethostname([]byte("mac")); err != nil {
		return fmt.Errorf("name the Mac: %w", err)
	}
	return nil
}

// MacCommand is a command on the Mac's side: in the world's network, with the
// Mac's view of name service and trust, in a process group of its own. env is
// complete (nil: this process's); SSL_CERT_FILE is added when absent. files are
// the command's descriptors 0, 1, 2 and up; missing ones are /dev/null. A
// command that can't be found is the error of its Start.
func (w *World) MacCommand(argv, env []string, files []*os.File) *exec.Cmd {
	if env == nil {
		env = os.Environ()
	}
	env = withoutEnv(env, worldEnv, cgroupEnv)
	if !hasEnv(env, "SSL_CERT_FILE") {
		env = append(env, "SSL_CERT_FILE="+trustStore)
	}
	c := exec.Command(argv[0], argv[1:]...)
	c.Env = env
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	for i, f := range files {
		switch {
		case f == nil && i < 3: // an *os.File that is nil is not a nil io.Reader
		case i == 0:
			c.Stdin = f
		case i == 1:
			c.Stdout = f
		case i == 2:
			c.Stderr = f
		default:
			c.ExtraFiles = append(c.ExtraFiles, f)
		}
	}
	return c
}

func hasEnv(env []string, name string) bool {
	for _, e := range env {
		if strings.HasPrefix(e, name+"=") {
			return true
		}
	}
	return false
}

// Foreground starts a MacCommand, passes SIGTERM, SIGINT, SIGHUP, SIGQUIT,
// SIGUSR1 and SIGUSR2 of this process on to its process group, gives it the
// terminal when its stdin is one, and waits. exit is its own code, or 128+n for
// signal n; when it can't be started, 127 or 126 together with err.
func (w *World) Foreground(cmd *exec.Cmd) (exit int, err error) {
	signals := make(chan os.Signal, 64)
	signal.Notify(signals, forwarded()...)
	defer signal.Stop(signals)
	if in, ok := cmd.Stdin.(*os.File); ok && isTerminal(in) {
		signal.Ignore(unix.SIGTTOU) // the child gives itself the terminal from the background
		defer signal.Reset(unix.SIGTTOU)
		cmd.SysProcAttr.Foreground, cmd.SysProcAttr.Ctty = true, 0
	}
	if err := cmd.Start(); err != nil {
		exit, words := startError(err)
		return exit, fmt.Errorf("%s: %s", cmd.Args[0], words)
	}
	ended := make(chan struct{})
	passed := make(chan struct{})
	go func() {
		defer close(passed)
		for {
			select {
			case <-ended:
				return
			case s := <-signals:
				_ = unix.Kill(-cmd.Process.Pid, s.(syscall.Signal)) // gone already: ended is on the way
			}
		}
	}()
	err = cmd.Wait()
	close(ended)
	<-passed
	if cmd.ProcessState == nil {
		return 1, fmt.Errorf("wait for %s: %w", cmd.Args[0], err)
	}
	return exitCode(cmd.ProcessState.Sys().(syscall.WaitStatus)), nil
}

func isTerminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}
