package guest

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// factsShells are the shells that every script has to run under alike.
var factsShells = map[string][]string{"dash": {"dash"}, "bash": {"bash"}, "ash": {"busybox", "sh"}}

// needed is a program's path, or the end of the test: skipped on a developer's
// machine, failed where CI promises to have it.
func needed(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil && os.Getenv("CI") != "" {
		t.Fatalf("%s is not installed", name)
	}
	if err != nil {
		t.Skipf("%s is not installed", name)
	}
	return path
}

// inShells runs a script under each shell on this host, with extra commands first
// in PATH, and hands the outputs to check. The shells run in parallel, after the
// test's own function has returned.
func inShells(t *testing.T, commands map[string]string, script Script, args []string, check func(t *testing.T, out string)) {
	t.Helper()
	bin := t.TempDir()
	for name, text := range commands {
		require.NoError(t, os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+text+"\n"), 0o755))
	}
	for name, shell := range factsShells {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			needed(t, shell[0])
			argv := append(append([]string{}, shell...), script.Argv(goldenMark, args...)[1:]...)
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
			cmd.Env = []string{"PATH=" + bin + ":" + os.Getenv("PATH")}
			out, err := cmd.Output()
			require.NoError(t, err)
			check(t, string(out))
		})
	}
}

// A busyboxWorld is a root folder with busybox and nothing else, in namespaces of
// its own: a machine as small as they come.
type busyboxWorld struct {
	files map[string]string // path → text, beside a few of etc
	setup string            // sh, run in the namespaces before the chroot; $PWD is the root folder
	grows []growth          // one after the other, while the script runs
}

// A growth is text that comes at the end of a file when the script has printed
// something.
type growth struct{ printed, path, text string }

// printer is the script's stdout. It lets the world grow.
type printer struct {
	root  string
	grows []growth
	all   bytes.Buffer
	from  int // what is printed from here on counts for the next growth
}

func (p *printer) Write(b []byte) (int, error) {
	n, _ := p.all.Write(b)
	for len(p.grows) > 0 {
		g := p.grows[0]
		at := bytes.Index(p.all.Bytes()[p.from:], []byte(g.printed))
		if at < 0 {
			break
		}
		p.from += at + len(g.printed)
		p.grows = p.grows[1:]
		f, err := os.OpenFile(filepath.Join(p.root, g.path), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			return n, err
		}
		_, err = f.WriteString(g.text)
		if err := errors.Join(err, f.Close()); err != nil {
			return n, err
		}
	}
	return n, nil
}

// run asks a script in the world and gives back its stdout.
func (w busyboxWorld) run(t *testing.T, script Script, args ...string) string {
	t.Helper()
	busybox := needed(t, "busybox")
	root := t.TempDir()
	files := map[string]string{
		"etc/passwd":      "root:x:0:0:root:/root:/bin/sh\nada:x:501:501::/home/ada:/bin/sh\n",
		"etc/resolv.conf": "nameserver 0.250.250.200\n",
		"etc/os-release":  "ID=alpine\nPRETTY_NAME=\"Alpine Linux v3.20\"\n",
		"proc/.keep":      "", "sys/.keep": "", "dev/.keep": "", "tmp/.keep": "", "bin/.keep": "",
	}
	for path, text := range w.files {
		files[path] = text
	}
	for path, text := range files {
		path = filepath.Join(root, path)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	binary, err := os.ReadFile(busybox)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(root, "bin/busybox"), binary, 0o755))
	applets, err := exec.CommandContext(t.Context(), busybox, "--list").Output()
	require.NoError(t, err)
	for applet := range strings.FieldsSeq(string(applets)) {
		_ = os.Symlink("busybox", filepath.Join(root, "bin", applet)) // busybox itself is there
	}
	const enter = `set -e; cd "$1"; shift; mount -t proc proc proc; mount -t sysfs sysfs sys; mount --rbind /dev dev; eval "$1"; shift; exec chroot . "$@"`
	setup := w.setup
	if setup == "" {
		setup = ":"
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	argv := append([]string{"-c", enter, "world", root, setup, "/bin/busybox"}, script.Argv(goldenMark, args...)...)
	cmd := exec.CommandContext(ctx, "sh", argv...)
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWNET | syscall.CLONE_NEWPID | syscall.CLONE_NEWUTS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	stdout := printer{root: root, grows: w.grows}
	var stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		if !strings.Contains(stdout.all.String(), string(goldenMark)) {
			t.Skipf("this host allows no namespaces: %v: %s", err, stderr.String())
		}
		require.NoError(t, err, stderr.String())
	}
	return stdout.all.String()
}

func TestEveryScriptPassesShellcheck(t *testing.T) {
	shellcheck := needed(t, "shellcheck")
	connectivity, _, _, err := Connectivity(ConnectivityQuery{})
	require.NoError(t, err)
	netmap, _, _, err := NetworkMap(MapQuery{})
	require.NoError(t, err)
	for _, script := range []Script{load("network"), load("status", "accounts"), load("users", "accounts"), load("journal"), connectivity, netmap, load("dns", "attempt"), load("exec"), load("cancel"), load("put", "watch"), load("get", "watch"), load("posture")} {
		t.Run(script.Name(), func(t *testing.T) {
			argv := []string{"-s", "sh", "-"}
			if script.Name() == netmap.Name() { // it puts functions of its own in place of shared ones, which are never reached then
				argv = append([]string{"-e", "SC2317,SC2329"}, argv...)
			}
			cmd := exec.CommandContext(t.Context(), shellcheck, argv...)
			cmd.Stdin = strings.NewReader(script.text)
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, string(out))
		})
	}
}
