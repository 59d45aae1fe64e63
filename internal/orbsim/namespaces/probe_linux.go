package namespaces

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"orbstack-mcp/internal/orbsim/worldfile"
)

// probeLimit bounds a try, above all in a program that does not call RunInit.
const probeLimit = 10 * time.Second

// probeEnv stops such a program from probing in its probe.
const probeEnv = "ORBSIM_PROBING"

// Probe says what can be brought up here, by bringing it up: a world with one
// machine, and a command in it. why is the reason for LevelNetOnly and
// LevelNone, and a note otherwise. It takes about 30 ms.
func Probe() (level int, why string) {
	if os.Getenv(probeEnv) != "" {
		return LevelNone, "this is a probe already: main does not call RunInit"
	}
	err := try(verbProbe)
	if err == nil {
		if _, manyUsers, err := userNamespace(); err == nil && manyUsers && privileged() {
			return LevelRoot, "root: worlds with many users and control groups"
		}
		return LevelUser, "user namespaces: worlds without root, one uid"
	}
	if err := tryNetOnly(); err != nil {
		return LevelNone, fmt.Sprintf("the kernel refuses new namespaces: %v%s", err, sysctlHint("/proc/sys", privileged()))
	}
	return LevelNetOnly, err.Error() + sysctlHint("/proc/sys", privileged())
}

// sysctlHint names the kernel parameter that forbids user namespaces to
// ordinary users, as some distributions set it.
func sysctlHint(folder string, root bool) string {
	if root {
		return ""
	}
	for _, p := range []struct{ name, forbids, allows string }{
		{"kernel/apparmor_restrict_unprivileged_userns", "1", "0"}, // Ubuntu ≥ 23.10
		{"kernel/unprivileged_userns_clone", "0", "1"},             // Debian < 11, Arch hardened
		{"user/max_user_namespaces", "0", "10000"},                 // RHEL 7
	} {
		b, err := os.ReadFile(filepath.Join(folder, p.name))
		if err == nil && strings.TrimSpace(string(b)) == p.forbids {
			return fmt.Sprintf(" (sysctl -w %s=%s allows it to ordinary users)", strings.ReplaceAll(p.name, "/", "."), p.allows)
		}
	}
	return ""
}

// try starts a hidden verb in the namespaces of a world, and waits for its word.
func try(verb string) error {
	ctx, cancel := context.WithTimeout(context.Background(), probeLimit)
	defer cancel()
	resultR, resultW, err := os.Pipe()
	if err != nil {
		return err
	}
	defer resultR.Close()
	c := exec.CommandContext(ctx, selfExe, verb)
	c.Args[0] = os.Args[0]
	c.Env = append(os.Environ(), probeEnv+"=1")
	c.ExtraFiles = []*os.File{nil, resultW}
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: namespaceFlags}
	asRootOfUserNamespace(c.SysProcAttr)
	err = c.Start()
	_ = resultW.Close()
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = resultR.Close() })
	defer stop()
	word, _ := io.ReadAll(resultR)
	_ = c.Process.Kill()
	_ = c.Wait()
	switch {
	case string(word) == upWord:
		return nil
	case ctx.Err() != nil:
		return errors.New("the probe does not answer: main does not call RunInit")
	default:
		return errors.New(orElse(string(word), "the probe ended without a word"))
	}
}

// tryNetOnly starts nothing much in a network namespace.
func tryNetOnly() error {
	c := exec.Command(selfExe, verbProbe, "nothing")
	c.Env = append(os.Environ(), probeEnv+"=1")
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET}
	asRootOfUserNamespace(c.SysProcAttr)
	return c.Run()
}

// probeInit is the probe in its own namespaces. It is their PID 1, so that all
// that it has made goes with it.
func probeInit(args []string) {
	if len(args) > 0 {
		os.Exit(0)
	}
	r := openResult()
	r.must("make mounts private", unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
	r.must("mount /proc of the new PID namespace", unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""))
	w, err := open(worldfile.World{})
	r.must("open a world", err)
	m, err := w.Boot(context.Background(), worldfile.Machine{Name: "probe", IsolateNetwork: true})
	r.must("boot a machine", err)
	exit, err := m.Run(context.Background(), Command{Argv: []string{"true"}})
	r.must("run a command", err)
	if exit != 0 {
		r.must("run a command", fmt.Errorf("exit %d", exit))
	}
	r.up()
	os.Exit(0)
}
