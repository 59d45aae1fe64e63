//go:build linux

package namespaces

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/internal/orbsim/worldfile"
)

func TestMachineLooksLikeOrbStacks(t *testing.T) {
	w := openWorld(t, worldfile.World{})
	m := boot(t, w, worldfile.Machine{Name: "dev", Distro: "ubuntu:noble", DefaultUsername: "ana"})
	assert.Equal(t, "192.168.139.2", m.IP4.String())
	assert.Equal(t, "192.168.139.1", m.Gateway4.String())

	routes := sh(t, m, "ip route show").Out
	for _, line := range []string{ // docs/orbctl-contract.md §6
		"default via 192.168.139.1 dev eth0 proto dhcp src 192.168.139.2 metric 100 ",
		"192.168.139.0/24 dev eth0 proto kernel scope link src 192.168.139.2 metric 100 ",
		"192.168.139.1 dev eth0 proto dhcp scope link src 192.168.139.2 metric 100 ",
	} {
		assert.Contains(t, routes, line)
	}
	addresses := sh(t, m, "ip addr show eth0").Out
	assert.Regexp(t, `eth0@if\d+: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default`, addresses)
	assert.Contains(t, addresses, "inet 192.168.139.2/24 metric 100 brd 192.168.139.255 scope global dynamic eth0")
	assert.Contains(t, addresses, "inet6 "+m.IP6.String()+"/64 scope global mngtmpaddr noprefixroute ")
	mac, ok := macFromEUI64(m.IP6)
	require.True(t, ok)
	assert.Contains(t, addresses, "link/ether "+mac.String())

	assert.Equal(t, "nameserver 0.250.250.200\n", sh(t, m, "cat /etc/resolv.conf").Out)
	assert.Equal(t, "dev\ndev\n", sh(t, m, "hostname; cat /etc/hostname").Out)
	assert.Contains(t, sh(t, m, "cat /etc/os-release").Out, `PRETTY_NAME="Ubuntu 24.04.3 LTS"`)
	assert.Equal(t, "init\n", sh(t, m, "cat /proc/1/comm").Out)
	assert.Empty(t, sh(t, m, "ls -A /var/log /root").Err)
	assert.NotContains(t, sh(t, m, "ls /").Out, "work", "nothing of the host but /usr, /etc and /var")
}

func TestOldInstallHasItsOwnSubnetAndResolver(t *testing.T) {
	w := openWorld(t, worldfile.World{Network: worldfile.Network{Subnet4: "198.19.249.0/24"}})
	m := boot(t, w, worldfile.Machine{Name: "old", IP4: "198.19.249.161", IP6: "fd07:b51a:cc66:0:44a4:40ff:feee:ee1"})
	routes := sh(t, m, "ip route show").Out
	for _, line := range []string{ // testdata/guest-ip.old-subnet.txt
		"default via 198.19.249.1 dev eth0 proto dhcp src 198.19.249.161 metric 100 ",
		"198.19.248.200 via 198.19.249.1 dev eth0 proto dhcp src 198.19.249.161 metric 100 ",
		"198.19.249.0/24 dev eth0 proto kernel scope link src 198.19.249.161 metric 100 ",
		"198.19.249.1 dev eth0 proto dhcp scope link src 198.19.249.161 metric 100 ",
	} {
		assert.Contains(t, routes, line)
	}
	assert.Contains(t, sh(t, m, "ip link show eth0").Out, "link/ether 46:a4:40:ee:0e:e1", "the MAC address that the fixed address was made from")
	assert.Equal(t, "198.19.249.161\n", sh(t, m, "dig +short old.orb.local A").Out)
}

func TestFilesUsersHiddenCommandsAndHalt(t *testing.T) {
	w := openWorld(t, worldfile.World{})
	config := worldfile.Machine{
		Name: "dev", DefaultUsername: "ana", Users: []string{"root", "ana", "bob"}, Hide: []string{"dig", "curl"},
		Files: map[string]string{"/etc/app/app.conf": "port=80\n", "/home/ana/bin/hi": "#!/bin/sh\necho hi\n", "/usr/local/bin/tool": "#!/bin/sh\necho tool\n"},
	}
	m := boot(t, w, config)
	assert.Equal(t, "port=80\n", sh(t, m, "cat /etc/app/app.conf").Out)
	assert.Equal(t, "hi\ntool\n", run(t, m, Command{Argv: []string{"sh", "-c", "./bin/hi; tool"}}).Out)
	assert.Equal(t, ExitNotFound, run(t, m, Command{Argv: []string{"dig"}}).Exit)
	assert.Equal(t, 127, sh(t, m, "curl").Exit)
	assert.Equal(t, "/home/ana\n", run(t, m, Command{Argv: []string{"pwd"}}).Out)
	assert.Equal(t, "ana /home/bob\n", run(t, m, Command{Argv: []string{"sh", "-c", "echo ana $HOME"}, User: "bob"}).Out)
	users := sh(t, m, "getent passwd root ana bob | cut -d: -f1,3,6").Out
	assert.Equal(t, "root:0:/root\nana:501:/home/ana\nbob:1000:/home/bob\n", users)
	if w.Level() == LevelRoot {
		assert.Equal(t, "501 501 27\n", run(t, m, Command{Argv: []string{"sh", "-c", "echo $(id -u) $(id -g) $(id -G | cut -d' ' -f2)"}}).Out)
		assert.NotZero(t, run(t, m, Command{Argv: []string{"touch", "/etc/nope"}}).Exit)
		assert.Equal(t, "ana\n", sh(t, m, "stat -c %U /home/ana/bin/hi").Out)
	} else {
		assert.Equal(t, "0\n", run(t, m, Command{Argv: []string{"id", "-u"}}).Out, "one uid only")
	}
	u, err := m.LookupUser("")
	require.NoError(t, err)
	assert.Equal(t, User{Name: "ana", UID: 501, GID: 501, Home: "/home/ana", Shell: "/bin/bash"}, u)
	_, err = m.Run(t.Context(), Command{Argv: []string{"id"}, User: "eve"})
	var unknown *NoUserError
	require.ErrorAs(t, err, &unknown)

	assert.Zero(t, sh(t, m, "echo kept >/etc/app/kept; rm /etc/app/app.conf").Exit)
	ip := m.IP4
	halt(t, m)
	halt(t, m)
	assert.False(t, m.Running())
	_, err = m.Run(t.Context(), Command{Argv: []string{"true"}})
	require.ErrorContains(t, err, "machine dev is not running")
	assert.Nil(t, w.Machine("dev"))

	m = boot(t, w, config)
	assert.Equal(t, ip, m.IP4)
	assert.Equal(t, "kept\n", sh(t, m, "cat /etc/app/kept").Out, "the disk is kept")
	assert.NotZero(t, sh(t, m, "cat /etc/app/app.conf").Exit, "files are put on a new disk only")
}

func TestBusyboxRootfs(t *testing.T) {
	w := openWorld(t, worldfile.World{})
	m := boot(t, w, worldfile.Machine{Name: "alp", Distro: "alpine:3.20", Rootfs: "busybox", Hide: []string{"wget"}, DefaultUsername: "ana"})
	boot(t, w, worldfile.Machine{Name: "b"})
	assert.Contains(t, sh(t, m, "ping -c 1 -W 2 b.orb.local").Out, "1 packets transmitted, 1 packets received, 0% packet loss")
	assert.Equal(t, "busybox\n", sh(t, m, "basename $(readlink /bin/sh)").Out)
	assert.Equal(t, ExitNotFound, run(t, m, Command{Argv: []string{"bash"}}).Exit)
	assert.Equal(t, ExitNotFound, run(t, m, Command{Argv: []string{"wget"}}).Exit)
	assert.Contains(t, sh(t, m, "cat /etc/os-release").Out, `ID="alpine"`)
	assert.Equal(t, "root\nhome\n", run(t, m, Command{Argv: []string{"sh", "-c", "cd / && ls -d root home | sort -r"}}).Out)
}

func TestInetutilsRootfs(t *testing.T) {
	w := openWorld(t, worldfile.World{})
	config := worldfile.Machine{Name: "gnu", Rootfs: "inetutils", DefaultUsername: "ana"}
	if _, err := cachedInetutils(); err != nil {
		_, err := w.Boot(t.Context(), config)
		require.ErrorContains(t, err, "apt-get download inetutils-ping")
		t.Skipf("the package is not in the cache; %s=1 fetches it", fetchEnv)
	}
	m := boot(t, w, config)
	assert.Contains(t, sh(t, m, "ping --version").Out, "GNU inetutils")
	r := run(t, m, Command{Argv: []string{"ping", "-c", "1", "gnu.orb.local"}})
	assert.Contains(t, r.Out, "1 packets transmitted, 1 packets received, 0% packet loss", r.Err)
	assert.Contains(t, sh(t, m, "ping6 -c 1 "+m.IP6.String()).Out, "1 packets received")
}

func TestPrepareFetchesOnlyWhatIsNeeded(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	require.NoError(t, Prepare(t.Context(), worldfile.World{Machines: []worldfile.Machine{{Rootfs: "host"}}}))
	t.Setenv("PATH", t.TempDir())
	err := Prepare(t.Context(), worldfile.World{Machines: []worldfile.Machine{{Rootfs: "inetutils"}}})
	require.ErrorContains(t, err, "fetch inetutils-ping: apt-get download")
}

func TestFolderRootfs(t *testing.T) {
	w := openWorld(t, worldfile.World{})
	root := t.TempDir()
	require.NoError(t, makeBusybox(root))
	require.NoError(t, os.Symlink("/etc/motd-of-guest", filepath.Join(root, "motd"))) // would lead out of a root that is not entered
	m := boot(t, w, worldfile.Machine{Name: "own", Rootfs: root, Files: map[string]string{"/motd": "hello\n"}})
	assert.Equal(t, "hello\n", sh(t, m, "cat /motd").Out)
	assert.NoFileExists(t, filepath.Join(root, "etc/hostname"), "the folder itself is not written to")
	for _, bad := range []string{"relative", "/no/such/folder", "/tmp/a:b"} {
		_, err := w.Boot(t.Context(), worldfile.Machine{Name: "bad", Rootfs: bad})
		require.ErrorContains(t, err, "rootfs")
	}
	require.NoError(t, os.Symlink("/tmp", filepath.Join(root, "sys")))
	_, err := w.Boot(t.Context(), worldfile.Machine{Name: "evil", Rootfs: root})
	require.ErrorContains(t, err, "/sys of the rootfs is not a folder")
}

func TestBootErrorsLeaveNothingBehind(t *testing.T) {
	w := openWorld(t, worldfile.World{Machines: []worldfile.Machine{{Name: "fixed", IP4: "192.168.139.2"}}})
	for why, m := range map[string]worldfile.Machine{
		"taken by fixed":     {IP4: "192.168.139.2"},
		"is not in":          {IP4: "10.0.0.1"},
		"ip4: ParseAddr":     {IP4: "ten"},
		"ip6: ParseAddr":     {IP6: "six"},
		"not a command's":    {Hide: []string{"../etc/passwd"}},
		"none of tcp, udp":   {Listeners: []worldfile.Listener{{Kind: "gopher", Port: 70}}},
		"good, bad, expired": {Listeners: []worldfile.Listener{{Kind: "https", Port: 70, Cert: "fine"}}},
		"SRC:DEST":           {Mounts: []string{"src"}},
		"address already in": {Listeners: []worldfile.Listener{{Kind: "tcp", Port: 70}, {Kind: "tcp", Port: 70}}},
	} {
		m.Name = "x"
		_, err := w.Boot(t.Context(), m)
		require.ErrorContains(t, err, why)
		assert.Nil(t, w.Machine("x"))
		require.NoError(t, w.Remove("x"))
	}
	_, err := w.Boot(t.Context(), worldfile.Machine{Name: "../x"})
	require.ErrorContains(t, err, "letters, digits")
	m := boot(t, w, worldfile.Machine{Name: "x"})
	assert.Equal(t, "192.168.139.3", m.IP4.String(), "the fixed address is not handed out")
	_, err = w.Boot(t.Context(), worldfile.Machine{Name: "x"})
	require.ErrorContains(t, err, "running already")

	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = w.Boot(cancelled, worldfile.Machine{Name: "y"})
	require.ErrorIs(t, err, context.Canceled)
	boot(t, w, worldfile.Machine{Name: "y"})
}

func TestMachineThatDiesByItselfIsGone(t *testing.T) {
	w := openWorld(t, worldfile.World{})
	m := boot(t, w, worldfile.Machine{Name: "a"})
	assert.Zero(t, sh(t, m, "kill 1; kill -INT 1; kill -9 1; true").Exit, "its own root can't end PID 1")
	assert.True(t, m.Running())
	require.NoError(t, m.init.Process.Kill())
	select {
	case <-m.Done():
	case <-time.After(10 * time.Second):
		t.Fatal("not noticed")
	}
	assert.Nil(t, w.Machine("a"))
	assert.NotContains(t, onMac(t, w, "dig +short a.orb.local").Out, "192.168")
	boot(t, w, worldfile.Machine{Name: "a"})
}

func TestFiftyMachinesReachEachOther(t *testing.T) {
	w := openWorld(t, worldfile.World{})
	const count = 50
	machines := make([]*Machine, count)
	began := time.Now()
	var wait sync.WaitGroup
	slots := make(chan struct{}, 4)
	for i := range count {
		wait.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			m, err := w.Boot(t.Context(), worldfile.Machine{Name: fmt.Sprintf("m%d", i)})
			if assert.NoError(t, err) {
				machines[i] = m
			}
		})
	}
	wait.Wait()
	require.False(t, t.Failed())
	t.Logf("%d machines in %v", count, time.Since(began))
	seen := map[string]bool{}
	for _, m := range machines {
		seen[m.IP4.String()] = true
	}
	assert.Len(t, seen, count)
	for i := range count {
		wait.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			exit, err := machines[i].Run(t.Context(), Command{Argv: []string{"ping", "-c1", "-W5", fmt.Sprintf("m%d.orb.local", (i+1)%count)}})
			assert.NoError(t, err)
			assert.Zero(t, exit)
		})
	}
	wait.Wait()
}

func TestLimitsAreShownAndKeptWherePossible(t *testing.T) {
	w := openWorld(t, worldfile.World{})
	m := boot(t, w, worldfile.Machine{Name: "small", Limits: worldfile.Limits{CPU: 2, MemoryMiB: 256}})
	big := boot(t, w, worldfile.Machine{Name: "big"})
	assert.Equal(t, "268435456\n200000 100000\n", sh(t, m, "cd /sys/fs/cgroup && cat memory.max cpu.max").Out)
	assert.Equal(t, "max\nmax 100000\n", sh(t, big, "cd /sys/fs/cgroup && cat memory.max cpu.max").Out)
	assert.Regexp(t, `^[1-9]\d+\n$`, sh(t, m, "cat /sys/fs/cgroup/memory.current").Out)
	assert.True(t, strings.HasPrefix(sh(t, m, "cat /sys/fs/cgroup/cpu.stat").Out, "usage_usec "))
	if memory := m.group.v1["memory"]; memory != "" {
		limit, err := os.ReadFile(filepath.Join(memory, "memory.limit_in_bytes"))
		require.NoError(t, err)
		assert.Equal(t, "268435456\n", string(limit))
		hog := sh(t, m, "head -c 400m /dev/zero | tail >/dev/null; echo survived")
		assert.Equal(t, "survived\n", hog.Out)
		assert.NotEmpty(t, hog.Err, "tail is killed by the limit")
		assert.Contains(t, sh(t, m, "cat /proc/self/cgroup").Out, filepath.Base(memory))
	}
}

func TestLimitsOfARunningMachineCanBeChanged(t *testing.T) {
	w := openWorld(t, worldfile.World{})
	m := boot(t, w, worldfile.Machine{Name: "a", Limits: worldfile.Limits{CPU: 2}})
	for _, c := range []struct {
		limits     worldfile.Limits
		shown      string
		memory, us string // of v1
	}{
		{worldfile.Limits{CPU: 1, MemoryMiB: 256}, "268435456\n100000 100000\n", "268435456\n", "100000\n"},
		{worldfile.Limits{MemoryMiB: 512}, "536870912\nmax 100000\n", "536870912\n", "-1\n"},
		{worldfile.Limits{}, "max\nmax 100000\n", "9223372036854771712\n", "-1\n"},
	} {
		require.NoError(t, m.SetLimits(c.limits))
		assert.Equal(t, c.shown, sh(t, m, "cd /sys/fs/cgroup && cat memory.max cpu.max").Out)
		for file, want := range map[string]string{filepath.Join(m.group.v1["memory"], "memory.limit_in_bytes"): c.memory, filepath.Join(m.group.v1["cpu"], "cpu.cfs_quota_us"): c.us} {
			if filepath.IsAbs(file) {
				b, err := os.ReadFile(file)
				require.NoError(t, err)
				assert.Equal(t, want, string(b), file)
			}
		}
	}
	halt(t, m)
	require.ErrorContains(t, m.SetLimits(worldfile.Limits{}), "not running")
}

// The hierarchy need not have controllers for this: membership is what counts.
func TestMachinesLiveInTheirOwnV2Group(t *testing.T) {
	w := openWorld(t, worldfile.World{})
	if w.Level() != LevelRoot {
		t.Skip("control groups need root")
	}
	folder := ""
	for _, hierarchy := range []string{cgroupRoot, filepath.Join(cgroupRoot, "unified")} {
		if _, err := os.Stat(filepath.Join(hierarchy, "cgroup.procs")); err == nil {
			folder, _ = os.MkdirTemp(hierarchy, "orbsim-test-")
			break
		}
	}
	if folder == "" {
		t.Skip("no writable cgroup v2 here")
	}
	defer removeCgroup(folder)
	w.cgroups = cgroups{V2: folder}
	m := boot(t, w, worldfile.Machine{Name: "a", DefaultUsername: "ana"})
	assert.Contains(t, run(t, m, Command{Argv: []string{"cat", "/proc/self/cgroup"}}).Out, "0::/"+filepath.Base(folder)+"/machine-1\n")
	assert.Contains(t, sh(t, m, "cat /sys/fs/cgroup/cgroup.procs").Out, "1\n", "its own group is the root of what it sees")
	assert.Contains(t, sh(t, m, "cat /sys/fs/cgroup/cpu.stat").Out, "usage_usec ")
	halt(t, m)
	assert.NoDirExists(t, filepath.Join(folder, "machine-1"))
}
