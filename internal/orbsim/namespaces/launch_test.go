//go:build linux

package namespaces

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// launch runs a test verb as the main process of a world in this one.
func launch(t *testing.T, args ...string) (exit int, stdout, stderr string) {
	t.Helper()
	inWorld(t)
	out, errs := outputFile(t), outputFile(t)
	exit, err := Launch(t.Context(), LaunchOptions{Args: append([]string{testVerb}, args...), Stdout: out, Stderr: errs})
	require.NoError(t, err)
	return exit, contentOf(t, out), contentOf(t, errs)
}

func TestLaunchReturnsTheExitCode(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		exit int
	}{
		"success":         {[]string{"exit", "0"}, 0},
		"failure":         {[]string{"exit", "3"}, 3},
		"signal":          {[]string{"die", "15"}, 143},
		"kill":            {[]string{"die", "9"}, 137},
		"world in world":  {[]string{"launch", testVerb, "exit", "7"}, 7},
		"command":         {[]string{"foreground", "sh", "-c", "exit 5"}, 5},
		"command's death": {[]string{"foreground", "sh", "-c", "kill -TERM $$"}, 143},
		"command missing": {[]string{"foreground", "/no/such/command"}, 127},
		"not executable":  {[]string{"foreground", "/etc/hostname"}, 126},
	} {
		t.Run(name, func(t *testing.T) {
			exit, _, stderr := launch(t, c.args...)
			assert.Equal(t, c.exit, exit, stderr)
		})
	}
}

func TestMainProcessIsNotPID1AndKnowsWhereItIs(t *testing.T) {
	_, stdout, _ := launch(t, "facts")
	var pid, parent, uid int
	var is bool
	_, err := fmt.Sscan(stdout, &pid, &parent, &is, &uid)
	require.NoError(t, err)
	assert.NotEqual(t, 1, pid)
	assert.Equal(t, 1, parent)
	assert.True(t, is)
	assert.Zero(t, uid)
}

func TestMacCommandKnowsNothingOfTheWorldsMakings(t *testing.T) {
	_, stdout, stderr := launch(t, "foreground", "sh", "-c", "env; cat /etc/resolv.conf; hostname; cat >&2", "x")
	assert.NotContains(t, stdout, worldEnv)
	assert.NotContains(t, stdout, cgroupEnv)
	assert.Contains(t, stdout, "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt")
	assert.Contains(t, stdout, "nameserver 127.0.0.1\n")
	assert.Contains(t, stdout, "\nmac\n")
	assert.Empty(t, stderr)
}

func TestSignalsReachTheCommand(t *testing.T) {
	inWorld(t)
	for name, verb := range map[string][]string{
		"the main process":  {"wait"},
		"the Mac's command": {"foreground", selfExe, testVerb, "wait"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, s := range []unix.Signal{unix.SIGTERM, unix.SIGINT, unix.SIGHUP} {
				c, _ := startLauncher(t, verb...)
				require.NoError(t, c.Process.Signal(s))
				assert.Equal(t, int(s), exitOf(c.Wait()))
			}
		})
	}
}

func TestEndOfContextEndsTheWorld(t *testing.T) {
	inWorld(t)
	for name, c := range map[string]struct {
		verb  string
		exit  int
		grace time.Duration
	}{
		"by SIGTERM":      {"wait", int(unix.SIGTERM), time.Minute},
		"or else SIGKILL": {"stubborn", 137, 50 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			r, w, err := os.Pipe()
			require.NoError(t, err)
			defer r.Close()
			go func() {
				_, _ = r.Read(make([]byte, 1))
				cancel(errors.New("enough"))
			}()
			exit, err := Launch(ctx, LaunchOptions{Args: []string{testVerb, c.verb}, Stdout: w, Grace: c.grace})
			require.ErrorContains(t, err, "enough")
			assert.Equal(t, c.exit, exit)
			require.NoError(t, w.Close())
		})
	}
}

func TestKillingAnyPartOfTheSpineLeavesNothing(t *testing.T) {
	inWorld(t)
	t.Setenv("TMPDIR", t.TempDir()) // other worlds of this host come and go in the common one
	mounts, scratch := mountCount(t), scratchContents(t)
	for name, which := range map[string]func([]process) int{
		"the launcher":     func(all []process) int { return pidOf(all, "launch") },
		"PID 1":            func(all []process) int { return pidOf(all, verbWorld) },
		"the main process": func(all []process) int { return pidOf(all, "busy") },
	} {
		t.Run(name, func(t *testing.T) {
			c, marker := startLauncher(t, "busy")
			all := marked(t, marker)
			require.GreaterOrEqual(t, len(all), 3, "the spine; machines have no environment of ours")
			require.Len(t, machineInits(t), 3)
			groups := groupsOfWorld(t, pidOf(all, verbWorld))
			began := time.Now()
			require.NoError(t, unix.Kill(which(all), unix.SIGKILL))
			_ = c.Wait()
			require.Eventually(t, func() bool { return len(marked(t, marker)) == 0 && len(machineInits(t)) == 0 }, 10*time.Second, 2*time.Millisecond)
			t.Logf("all gone in %v", time.Since(began))
			assert.Equal(t, mounts, mountCount(t))
			assert.Equal(t, scratch, scratchContents(t))
			swept := func() bool {
				return !slices.ContainsFunc(groups.folders(), func(folder string) bool {
					_, err := os.Stat(folder)
					return err == nil
				})
			}
			for deadline := time.Now().Add(10 * time.Second); !swept(); { // the next launch sweeps what a killed launcher could not
				require.True(t, time.Now().Before(deadline), "folders are left: %v", groups.folders())
				launch(t, "exit", "0")
			}
		})
	}
}

func TestOrdinaryUserHasAWorldToo(t *testing.T) {
	inWorld(t)
	_, manyUsers, err := userNamespace()
	require.NoError(t, err)
	if !manyUsers {
		t.Skip("the tests run as an ordinary user: all of them are about this")
	}
	for name, foreign := range map[string][]string{
		"on a plain host":                        nil,
		"where a runtime has mounts of its own":  {"/etc/hosts"},
		"where /etc and /var have foreign mount": {"/etc/hosts", "/var/cache"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, path := range foreign {
				require.NoError(t, unix.Mount(path, path, "", unix.MS_BIND, ""))
				defer func() { require.NoError(t, unix.Unmount(path, unix.MNT_DETACH)) }()
			}
			c := exec.Command(selfExe, testVerb, "launch", testVerb, "foreground", "sh", "-c", "cat /etc/resolv.conf; id -u")
			c.Dir = "/"
			c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
			out, err := c.CombinedOutput()
			require.NoError(t, err, string(out))
			assert.Contains(t, string(out), "nameserver 127.0.0.1\n")

			c = exec.Command(selfExe, testVerb, "launch", testVerb, "booted")
			c.Dir = "/"
			c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
			out, err = c.Output() // stderr has what a build with coverage complains about
			require.NoError(t, err, string(out))
			assert.Equal(t, "nameserver 0.250.250.200\nlib\n", string(out))
		})
	}
}

func TestWithoutEnvTakesNamesNotPrefixes(t *testing.T) {
	assert.Equal(t, []string{"AB=1", "C=A=2"}, withoutEnv([]string{"AB=1", "A=2", "C=A=2", "A="}, "A"))
}

// startLauncher starts this test binary as a launcher of a world, and waits
// until what is in there says "ready". marker is in the environment of the spine.
func startLauncher(t *testing.T, verb ...string) (c *exec.Cmd, marker string) {
	t.Helper()
	marker = "ORBSIM_TEST_MARK=" + strconv.Itoa(os.Getpid()) + t.Name() + strconv.FormatInt(time.Now().UnixNano(), 36)
	c = exec.Command(selfExe, append([]string{testVerb, "launch", testVerb}, verb...)...)
	c.Env = append(withoutEnv(os.Environ(), worldEnv), marker)
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	t.Cleanup(func() { _ = c.Process.Kill() })
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "ready\n", line)
	return c, marker
}

func exitOf(err error) int {
	var e *exec.ExitError
	if errors.As(err, &e) {
		return e.ExitCode()
	}
	return 0
}

// groupsOfWorld are the control groups that a launcher made for its world.
func groupsOfWorld(t *testing.T, pid1 int) cgroups {
	t.Helper()
	env, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid1), "environ"))
	require.NoError(t, err)
	var c cgroups
	for e := range strings.SplitSeq(string(env), "\x00") {
		if text, ok := strings.CutPrefix(e, cgroupEnv+"="); ok {
			require.NoError(t, json.Unmarshal([]byte(text), &c))
		}
	}
	return c
}

// process is one of /proc's.
type process struct {
	pid  int
	args []string
}

func pidOf(all []process, word string) int {
	for _, p := range all {
		if len(p.args) > 1 && (p.args[1] == word || p.args[1] == testVerb && len(p.args) > 2 && p.args[2] == word) {
			return p.pid
		}
	}
	return -1 // kill fails: nobody may be killed by chance
}

// marked are the living processes with the marker in their environment.
func marked(t *testing.T, marker string) []process {
	t.Helper()
	return processes(t, func(folder string) bool {
		env, _ := os.ReadFile(filepath.Join(folder, "environ"))
		return slices.Contains(strings.Split(string(env), "\x00"), marker)
	})
}

func machineInits(t *testing.T) []process {
	t.Helper()
	return processes(t, func(folder string) bool {
		line, _ := os.ReadFile(filepath.Join(folder, "cmdline"))
		return strings.Contains(string(line), verbMachine)
	})
}

func processes(t *testing.T, want func(folder string) bool) []process {
	t.Helper()
	folders, err := filepath.Glob("/proc/[0-9]*")
	require.NoError(t, err)
	var found []process
	for _, f := range folders {
		if !want(f) {
			continue
		}
		pid, _ := strconv.Atoi(filepath.Base(f))
		line, _ := os.ReadFile(filepath.Join(f, "cmdline"))
		found = append(found, process{pid, strings.Split(strings.TrimSuffix(string(line), "\x00"), "\x00")})
	}
	return found
}

func mountCount(t *testing.T) int {
	t.Helper()
	b, err := os.ReadFile("/proc/self/mountinfo")
	require.NoError(t, err)
	return strings.Count(string(b), "\n")
}

// scratchContents are the folders that a world covers, and the usual place for
// temporary files, as this world sees them.
func scratchContents(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, d := range append(scratchDirs(), os.TempDir()) {
		entries, _ := os.ReadDir(d)
		for _, e := range entries {
			if strings.Contains(e.Name(), "orbsim") || strings.Contains(d, "media") {
				all = append(all, filepath.Join(d, e.Name()))
			}
		}
	}
	return all
}
