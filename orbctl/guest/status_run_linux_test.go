package guest

import (
	"net"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestStatusFactsUnderEveryShell(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() }) // the shells run later
	packets, err := net.ListenPacket("udp4", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = packets.Close() })
	address := netip.MustParseAddrPort(listener.Addr().String())
	udp := netip.MustParseAddrPort(packets.LocalAddr().String())

	query := StatusQuery{User: "root", Processes: 2}
	script, args, _ := StatusFacts(query)
	inShells(t, nil, script, args, func(t *testing.T, out string) {
		transcript := ParseTranscript(goldenMark, out)
		require.True(t, transcript.Complete)
		report, err := ParseStatusFacts(query, transcript)
		require.NoError(t, err)

		assert.NotEmpty(t, report.OS.Name)
		assert.NotEmpty(t, report.Kernel)
		assert.NotEmpty(t, report.Arch)
		assert.Positive(t, report.VM.Uptime)
		assert.NotNil(t, report.VM.Load)
		assert.Positive(t, report.VM.CPUs)
		assert.Greater(t, report.VM.MemTotal, report.VM.MemAvailable)
		require.NotNil(t, report.Started)
		assert.WithinDuration(t, time.Now().Add(-report.Uptime), *report.Started, time.Minute)
		assert.Positive(t, report.Disk.Total)
		assert.Equal(t, Named{Name: "root", Known: true, Exists: true, Account: report.DefaultUser.Account}, report.DefaultUser)
		assert.Len(t, report.Processes, 2)
		assert.True(t, slices.IsSortedFunc(report.Processes, func(a, b Process) int { return int(b.RSS - a.RSS) }))
		assert.Greater(t, report.ProcessCount, 1)
		i := slices.IndexFunc(report.Ports, func(p Port) bool { return p.Number == address.Port() && p.Protocol == "tcp" })
		require.NotEqual(t, -1, i, "%v", report.Ports)
		assert.Equal(t, address.Addr(), report.Ports[i].Address)
		assert.Equal(t, uint32(os.Getuid()), report.Ports[i].UID)
		assert.True(t, slices.ContainsFunc(report.Ports, func(p Port) bool { return p.Number == udp.Port() && p.Protocol == "udp" }))
		assert.Empty(t, report.Cut)
	})
}

// cgroup2 puts files of cgroup v2 where a machine has them. Its CPU time is a pipe
// with a higher number for whoever looks next.
const cgroup2 = `
mount -t tmpfs none sys/fs/cgroup
dir=sys/fs/cgroup$GROUP
mkdir -p $dir
echo cpu memory >sys/fs/cgroup/cgroup.controllers
echo domain >$dir/cgroup.type
echo 104857600 >$dir/memory.current
echo max >$dir/memory.max
echo 150000 100000 >$dir/cpu.max
echo inactive_file 4857600 >$dir/memory.stat
mkfifo $dir/cpu.stat
( i=0; while sleep 0.02; do i=$((i+1)); echo usage_usec "${i}000000" >$dir/cpu.stat; done ) >/dev/null 2>&1 &
`

func TestStatusFactsOfABusyboxMachineWithACgroup(t *testing.T) {
	query := StatusQuery{User: "eve", Processes: 2}
	script, args, _ := StatusFacts(query)
	report, err := ParseStatusFacts(query, ParseTranscript(goldenMark, busyboxWorld{setup: cgroup2}.run(t, script, args...)))
	require.NoError(t, err)
	assert.Equal(t, &Memory{Used: 100000000, Cache: 4857600}, report.Memory)
	require.NotNil(t, report.CPU)
	assert.InDelta(t, 1.5, report.CPU.Limit, 0.001)
	assert.Positive(t, report.CPU.Percent)
	assert.Less(t, report.Uptime, time.Minute, "of the machine, not of the virtual machine")
	assert.Equal(t, Named{Name: "eve", Known: true}, report.DefaultUser)
	require.Len(t, report.Users, 2)
	assert.Equal(t, []string{"root", "ada"}, []string{report.Users[0].Name, report.Users[1].Name})
	assert.Equal(t, new(bool), report.Systemd)
	assert.Contains(t, report.Missing, Missing{Part: "failed_units", Why: "the machine does not run systemd"})
}

func TestStatusFactsDoNotTakeTheSharedCgroupForTheMachines(t *testing.T) {
	query := StatusQuery{}
	script, args, _ := StatusFacts(query)
	for name, setup := range map[string]string{
		"root of v2":     cgroup2 + "rm sys/fs/cgroup/cgroup.type",
		"root of v1":     "mount -t tmpfs none sys/fs/cgroup; mkdir sys/fs/cgroup/memory; echo 5 >sys/fs/cgroup/memory/memory.usage_in_bytes; touch sys/fs/cgroup/memory/release_agent",
		"nothing at all": "mount -t tmpfs none sys/fs",
	} {
		t.Run(name, func(t *testing.T) {
			report, err := ParseStatusFacts(query, ParseTranscript(goldenMark, busyboxWorld{setup: setup}.run(t, script, args...)))
			require.NoError(t, err)
			assert.Nil(t, report.CPU)
			assert.Nil(t, report.Memory)
			parts := []string{}
			for _, m := range report.Missing {
				parts = append(parts, m.Part)
			}
			assert.Subset(t, parts, []string{"cpu", "memory"})
		})
	}
}

func TestUsersUnderEveryShell(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"root", "no-such-user", "", "-x", "0"} {
		script, args, _ := Users(name)
		inShells(t, nil, script, args, func(t *testing.T, out string) {
			report, err := ParseUsers(name, ParseTranscript(goldenMark, out))
			require.NoError(t, err)
			assert.Empty(t, report.Missing)
			assert.Contains(t, report.Accounts, Account{Name: "root", Home: "/root", Shell: "/bin/bash", Login: true})
			assert.Equal(t, name == "root", report.Named.Exists)
			assert.Equal(t, name != "", report.Named.Known)
		})
	}
}

func TestAUserOfADirectoryServiceIsFoundByName(t *testing.T) {
	t.Parallel()
	getent := `if [ "$2" = ada ]; then echo "ada:*:70001:70001:Ada:/home/ada:/bin/bash"; elif [ -n "$2" ]; then exit 2; else cat /etc/passwd; fi`
	script, args, _ := Users("ada")
	inShells(t, map[string]string{"getent": getent}, script, args, func(t *testing.T, out string) {
		report, err := ParseUsers("ada", ParseTranscript(goldenMark, out))
		require.NoError(t, err)
		assert.True(t, report.Named.Exists)
		assert.Equal(t, uint32(70001), report.Named.Account.UID)
	})
}

func TestAListOfUsersThatFailedIsNotTakenForWhole(t *testing.T) {
	t.Parallel()
	getent := `echo "root:x:0:0::/root:/bin/sh"; exit 3`
	script, args, _ := Users("ada")
	inShells(t, map[string]string{"getent": getent}, script, args, func(t *testing.T, out string) {
		report, err := ParseUsers("ada", ParseTranscript(goldenMark, out))
		require.NoError(t, err)
		assert.False(t, report.Named.Known)
		assert.Len(t, report.Missing, 2)
		assert.Len(t, report.Accounts, 1)
	})
}

func TestAHugeListOfUsersIsCutWithACount(t *testing.T) {
	t.Parallel()
	getent := `[ -z "$2" ] || exit 2; i=0; while [ $i -lt 3000 ]; do echo "user$i:x:$((i+1000)):1::/home/user$i:/bin/sh"; i=$((i+1)); done`
	script, args, _ := Users("user2999")
	inShells(t, map[string]string{"getent": getent}, script, args, func(t *testing.T, out string) {
		report, err := ParseUsers("user2999", ParseTranscript(goldenMark, out))
		require.NoError(t, err)
		assert.Len(t, report.Accounts, MaxAccounts)
		assert.Equal(t, 3000-MaxAccounts, report.Cut[partUsers])
		assert.Equal(t, Named{Name: "user2999", Known: true}, report.Named, "getent knows better than a cut list")
	})
}
