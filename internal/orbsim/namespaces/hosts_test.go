//go:build linux

package namespaces

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"orbstack-mcp/internal/orbsim/worldfile"
)

// What this package says on hosts that lack something.

func TestMissingNftIsSaidClearly(t *testing.T) {
	t.Setenv("PATH", "/nowhere")
	_, err := findNft()
	if err != nil { // the usual folders are tried as well
		require.ErrorIs(t, err, errNoNft)
		require.ErrorContains(t, err, "apt-get install nftables")
	}
}

func TestOpenOutsideOfAWorldIsRefused(t *testing.T) {
	inWorld(t)
	t.Setenv(worldEnv, "")
	_, err := Open(worldfile.World{})
	require.ErrorContains(t, err, "not the main process of a Launch")
}

func TestSecondWorldInOneNamespaceIsRefused(t *testing.T) {
	w := openWorld(t, worldfile.World{})
	_, err := Open(worldfile.World{})
	require.ErrorContains(t, err, "has br0 already")
	boot(t, w, worldfile.Machine{Name: "a"}) // the first one is unharmed
}

func TestOpenRefusesBadWorlds(t *testing.T) {
	inWorld(t)
	mounts := mountCount(t)
	for want, f := range map[string]worldfile.World{
		"network.subnet4": {Network: worldfile.Network{Subnet4: "x"}},
		"dns[0] (a.test)": {DNS: []worldfile.Record{{Name: "a.test", Type: "B"}}},
		"none of drop":    {Faults: []worldfile.Fault{{Net: &worldfile.NetFault{Kind: "smoke"}}}},
		"taken by a":      {Machines: []worldfile.Machine{{Name: "a", IP4: "192.168.139.9"}, {Name: "b", IP4: "192.168.139.9"}}},
	} {
		_, err := Open(f)
		require.ErrorContains(t, err, want)
	}
	assert.Equal(t, mounts, mountCount(t), "nothing is left of what did not come up")
	openWorld(t, worldfile.World{})
}

func TestBusyboxMustBeStatic(t *testing.T) {
	if _, err := os.Stat("/bin/sh"); err != nil {
		t.Skip("no /bin/sh")
	}
	require.ErrorContains(t, checkStatic("/bin/sh"), "is not static (Debian: apt-get install busybox-static)")
	script := filepath.Join(t.TempDir(), "busybox")
	require.NoError(t, os.WriteFile(script, []byte("#!/bin/sh\n"), 0o755))
	require.ErrorContains(t, checkStatic(script), "look at")
}

func TestMacUsesSurviveAGuestThatWritesNonsense(t *testing.T) {
	assert.Empty(t, parseMacUses("\x1e\x1e\x1fx\x1e"))
	assert.Equal(t, []MacUse{{Machine: "a", Argv: []string{"", "b\nc"}}}, parseMacUses("a\x1f\x1fb\nc\x1e"))
}

func TestUnsupportedSaysWhatToDo(t *testing.T) {
	err := &UnsupportedError{Level: LevelNone, Why: "operation not permitted"}
	assert.True(t, strings.Contains(err.Error(), "guest_rules") && strings.Contains(err.Error(), "operation not permitted"))
}

func TestProbeFindsWhatTheseTestsRunOn(t *testing.T) {
	inWorld(t)
	want := LevelUser
	if _, manyUsers, err := userNamespace(); err == nil && manyUsers {
		want = LevelRoot
	}
	level, why := Probe()
	assert.Equal(t, want, level, why)
	t.Setenv(probeEnv, "1")
	level, why = Probe()
	assert.Equal(t, LevelNone, level)
	assert.Contains(t, why, "RunInit")
}

func TestHintNamesTheSysctlThatForbids(t *testing.T) {
	folder := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(folder, "kernel"), 0o755))
	restrict := filepath.Join(folder, "kernel/apparmor_restrict_unprivileged_userns")
	require.NoError(t, os.WriteFile(restrict, []byte("0\n"), 0o644))
	assert.Empty(t, sysctlHint(folder, false))
	require.NoError(t, os.WriteFile(restrict, []byte("1\n"), 0o644))
	assert.Contains(t, sysctlHint(folder, false), "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0")
	assert.Empty(t, sysctlHint(folder, true), "root is not concerned")
}

func TestFoldersOfARootAreMadeWithoutFollowingLinks(t *testing.T) {
	root := t.TempDir()
	made, err := ensureFolder(root, "/a/b/c")
	require.NoError(t, err)
	assert.Equal(t, filepath.Join(root, "a/b/c"), made)
	assert.DirExists(t, made)
	again, err := ensureFolder(root, "/")
	require.NoError(t, err)
	assert.Equal(t, root, again)
	require.NoError(t, os.Symlink("/etc", filepath.Join(root, "a/out")))
	_, err = ensureFolder(root, "/a/out/x")
	require.ErrorContains(t, err, "/a/out/x of the rootfs is not a folder")
	assert.NoDirExists(t, "/etc/x")
}

func TestFoldersThatABootWritesTo(t *testing.T) {
	s := machineSpec{
		Links: map[string]string{"bin": "usr/bin"}, Texts: map[string]string{"/etc/hostname": "", "/etc/ssl/cert.pem": ""},
		Files: map[string]string{"/bin/x/tool": "", "/home/ana/notes": ""},
	}
	assert.Contains(t, s.written("/usr"), "bin/x")
	assert.Contains(t, s.written("/usr"), "local/sbin")
	assert.ElementsMatch(t, []string{"ssl"}, s.written("/etc"))
	assert.Contains(t, s.written("/"), "home/ana")
}

func TestOverlayOwnsRealFoldersOnly(t *testing.T) {
	o := overlay{lower: t.TempDir(), upper: t.TempDir()}
	require.NoError(t, os.MkdirAll(filepath.Join(o.lower, "a/b"), 0o750))
	require.NoError(t, os.Symlink("a", filepath.Join(o.lower, "link")))
	require.NoError(t, o.own("a/b/new", "link/b"))
	assert.DirExists(t, filepath.Join(o.upper, "a/b"))
	assert.NoDirExists(t, filepath.Join(o.upper, "a/b/new"))
	assert.NoFileExists(t, filepath.Join(o.upper, "link"))
}

func TestStartErrorsAreAShells(t *testing.T) {
	for want, err := range map[int]error{127: os.ErrNotExist, 126: os.ErrPermission} {
		exit, _ := startError(err)
		assert.Equal(t, want, exit)
	}
	exit, words := startError(unix.ENOEXEC)
	assert.Equal(t, 126, exit)
	assert.Equal(t, "exec format error", words)
	_, words = startError(unix.E2BIG)
	assert.Equal(t, unix.E2BIG.Error(), words)
}

func TestAddressesAreSettledBeforeTheFirstBoot(t *testing.T) {
	w := openWorld(t, worldfile.World{})
	ip4, ip6, err := w.Addresses(worldfile.Machine{Name: "a"})
	require.NoError(t, err)
	_, none, err := w.Addresses(worldfile.Machine{Name: "b", NoIP6: true})
	require.NoError(t, err)
	assert.False(t, none.IsValid())
	_, _, err = w.Addresses(worldfile.Machine{Name: "c", IP4: "here"})
	require.Error(t, err)
	m := boot(t, w, worldfile.Machine{Name: "a"})
	assert.Equal(t, ip4, m.IP4)
	assert.Equal(t, ip6, m.IP6)
	b := boot(t, w, worldfile.Machine{Name: "b", NoIP6: true})
	assert.NotContains(t, sh(t, b, "ip -6 addr show eth0").Out, "global")
	assert.Equal(t, []User{{Name: "root", Home: "/root", Shell: "/bin/bash"}}, m.Users())
	assert.DirExists(t, w.Dir())
}
