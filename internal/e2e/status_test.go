package e2e

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// statusAnswer is a result of vm_status_detailed.
type statusAnswer struct {
	Machine, State, Image, Arch, OS, Kernel string
	Isolated                                bool
	Limits                                  struct {
		CPUs        int
		MemoryBytes int64 `json:"memory_bytes"`
		DiskBytes   int64 `json:"disk_bytes"`
	}
	DiskBytes      int64 `json:"disk_bytes"`
	DiskLimitBytes int64 `json:"disk_limit_bytes"`
	DefaultUser    struct {
		Name   string
		Exists *bool
	} `json:"default_user"`
	StartedAt string `json:"started_at"`
	Uptime    *int64 `json:"uptime_seconds"`
	Memory    *struct {
		Used  int64 `json:"used_bytes"`
		Limit int64 `json:"limit_bytes"`
	}
	CPU *struct {
		Percent      float64
		TotalSeconds float64 `json:"total_seconds"`
		Limit        float64 `json:"limit_cpus"`
	}
	Root *struct {
		Total     int64 `json:"total_bytes"`
		Available int64 `json:"available_bytes"`
	} `json:"root_filesystem"`
	VMUptime    int64                         `json:"vm_uptime_seconds"`
	VMLoad      []float64                     `json:"vm_load"`
	VMCPUs      int                           `json:"vm_cpus"`
	VMMemory    int64                         `json:"vm_memory_bytes"`
	Count       int                           `json:"process_count"`
	Processes   []struct{ Name, User string } `json:"largest_processes"`
	Systemd     *bool
	FailedUnits []struct{ Name, Description string } `json:"failed_units"`
	Ports       []struct {
		Port                    int
		Protocol, Address, User string
	} `json:"listening_ports"`
	Users   []string
	Log     []string
	Missing gaps
	Note    string
}

// ports are "PROTOCOL PORT ADDRESS" of each.
func (a statusAnswer) ports() []string {
	all := []string{}
	for _, p := range a.Ports {
		all = append(all, fmt.Sprintf("%s %d %s", p.Protocol, p.Port, p.Address))
	}
	return all
}

// A statusCase is a machine and what is to be seen in it.
type statusCase struct {
	machine, image, os string
	disk               int64
	user               string
	exists             bool
	users, ports       []string
	note               string
	check              func(t *testing.T, got statusAnswer)
}

// defaultDisk is what a machine of the simulator takes on the disk.
const defaultDisk = 683962368

var statusCases = []statusCase{
	{
		machine: "web", image: "ubuntu:noble", os: "Ubuntu 24.04.3 LTS", disk: 2362232012, user: "ana", exists: true, users: []string{"root", "ana", "bob"},
		// A service on loopback cannot be reached from anywhere else: that is what
		// people look for here.
		ports: []string{"tcp 80 :: (all)", "udp 5353 :: (all)", "tcp 5432 127.0.0.1", "tcp 5433 ::1"},
		check: func(t *testing.T, got statusAnswer) {
			assert.Equal(t, []int64{2, 512 << 20, 40 << 30}, []int64{int64(got.Limits.CPUs), got.Limits.MemoryBytes, got.Limits.DiskBytes})
			assert.EqualValues(t, 40<<30, got.DiskLimitBytes)
			if got.Memory != nil {
				assert.EqualValues(t, 512<<20, got.Memory.Limit)
			}
			if got.CPU != nil {
				assert.InDelta(t, 2, got.CPU.Limit, 0.01)
			}
		},
	},
	{
		machine: "box", image: "alpine:3.20", os: "Alpine Linux v3.20", disk: defaultDisk, user: "root", exists: true, users: []string{"root"},
		ports: []string{"tcp 6379 :: (all)"},
		check: func(t *testing.T, got statusAnswer) {
			assert.Zero(t, got.DiskLimitBytes, "nobody set one")
			if got.Memory != nil {
				assert.Zero(t, got.Memory.Limit)
			}
		},
	},
	{
		machine: "strange", image: "ubuntu:noble", os: "Ubuntu 24.04.3 LTS", disk: defaultDisk, user: "ghost", users: []string{"root", "bob"},
		note: `asked as root: the machine has no user "ghost"`,
	},
	{
		machine: "walled", image: "ubuntu:noble", os: "Ubuntu 24.04.3 LTS", disk: defaultDisk, user: "ana", exists: true, users: []string{"root", "ana"},
		check: func(t *testing.T, got statusAnswer) { assert.True(t, got.Isolated) },
	},
}

func TestStatusShowsHowAMachineIsDoing(t *testing.T) {
	inBothEras(t, func(t *testing.T, e era) {
		opened := time.Now()
		s := open(t, machinesWorld(t), e)
		t.Run("case", func(t *testing.T) {
			for _, c := range statusCases {
				t.Run(c.machine, func(t *testing.T) {
					t.Parallel()
					got := decode[statusAnswer](t, s.call(t, "vm_status_detailed", args{"machine": c.machine}))
					c.test(t, got)
					checkRunning(t, got, opened)
				})
			}
		})
	})
}

func (c statusCase) test(t *testing.T, got statusAnswer) {
	t.Helper()
	assert.Equal(t, []string{c.machine, "running", c.image, c.os, "arm64"}, []string{got.Machine, got.State, got.Image, got.OS, got.Arch})
	assert.Equal(t, c.disk, got.DiskBytes)
	assert.Equal(t, c.user, got.DefaultUser.Name)
	require.NotNil(t, got.DefaultUser.Exists)
	assert.Equal(t, c.exists, *got.DefaultUser.Exists, "whether the machine has its default user")
	assert.Equal(t, c.users, got.Users)
	assert.Equal(t, append([]string{}, c.ports...), got.ports())
	assert.Equal(t, c.note, got.Note)
	if c.check != nil {
		c.check(t, got)
	}
}

// checkRunning is what holds for every machine that runs.
func checkRunning(t *testing.T, got statusAnswer, opened time.Time) {
	t.Helper()
	started, err := time.Parse(time.RFC3339, got.StartedAt)
	require.NoError(t, err)
	// The kernel counts seconds from a start that is itself a whole second.
	assert.True(t, started.After(opened.Add(-2*time.Second)), "its PID 1 started with this test's world, not with the VM")
	require.NotNil(t, got.Uptime)
	assert.LessOrEqual(t, *got.Uptime, int64(time.Since(opened).Seconds())+2)
	assert.Greater(t, got.VMUptime, *got.Uptime, "the VM was there before the machine")
	assert.Len(t, got.VMLoad, 3)
	assert.Positive(t, got.VMCPUs)
	assert.Positive(t, got.VMMemory)
	assert.NotEmpty(t, got.Kernel)
	require.NotNil(t, got.Root)
	assert.Positive(t, got.Root.Total)
	// From the machine's own cgroup, or not at all: figures of the VM would be
	// somebody else's.
	assert.Equal(t, got.Memory == nil, got.Missing.why("memory") != "", "memory is there or missing with a reason")
	assert.Equal(t, got.CPU == nil, got.Missing.why("cpu") != "", "cpu is there or missing with a reason")
	if got.Memory != nil {
		assert.Less(t, got.Memory.Used, got.VMMemory/2, "the machine's, not the VM's")
	}
	assert.Equal(t, new(bool), got.Systemd)
	assert.Contains(t, got.Missing.why("failed_units"), "does not run systemd")
	assert.Equal(t, []struct{ Name, User string }{{"init", "root"}}, got.Processes, "the probe's own are left out")
	assert.Equal(t, 1, got.Count, "also when they are counted")
}

// The last lines of OrbStack's log of the machine, as many as were asked for.
func TestStatusShowsTheLastLogLines(t *testing.T) {
	all := []string{"line 1", "line 2", "line 3", "line 4", "line 5", "line 6", "line 7", "line 8", "line 9", "line 10", "line 11", "line 12"}
	inOneEra(t, func(t *testing.T, e era) {
		s := open(t, machinesWorld(t), e)
		for _, tt := range []struct {
			asked any
			want  []string
			logs  bool // orbctl logs is run
		}{{nil, all[2:], true}, {0, []string{}, false}, {1, all[11:], true}, {"3", all[9:], true}, {200, all, true}} {
			mark := len(s.reached())
			got := decode[statusAnswer](t, s.call(t, "vm_status_detailed", args{"machine": "web", "log_lines": tt.asked}))
			assert.Equal(t, tt.want, got.Log, "log_lines %v", tt.asked)
			calls, _ := s.spawns(mark)
			assert.Equal(t, tt.logs, slices.Contains(calls, "logs web"), "%v", calls)
		}
		r := s.call(t, "vm_status_detailed", args{"machine": "web", "log_lines": 201})
		assert.Equal(t, "invalid_argument", r.code())
	})
}

// A stopped machine has its log and what OrbStack knows, and stays stopped.
func TestStatusOfAStoppedMachineBootsNothing(t *testing.T) {
	inOneEra(t, func(t *testing.T, e era) {
		s := open(t, machinesWorld(t), e)
		got := decode[statusAnswer](t, s.call(t, "vm_status_detailed", args{"machine": "halted"}))
		assert.Equal(t, []string{"halted", "stopped", "ubuntu:noble"}, []string{got.Machine, got.State, got.Image})
		assert.EqualValues(t, 1<<30, got.DiskLimitBytes)
		assert.Equal(t, []string{"the end"}, got.Log, "why it stopped is often in there")
		assert.Nil(t, got.DefaultUser.Exists, "nobody could be asked")
		assert.Nil(t, got.Systemd, "nobody looked")
		assert.Nil(t, got.Uptime)
		assert.Contains(t, got.Missing.why("everything from inside"), "the machine is stopped")
		assert.Empty(t, s.booted())
	})
}

// systemd's failed units, in a guest that has it; and a guest that lacks the
// tools says of each part that it is missing.
func TestStatusSaysWhatItCannotSee(t *testing.T) {
	world := `
version: 2.2.3
default: sysd
machines:
  - name: sysd
    files:
      /run/systemd/system/there: ""
      /usr/local/bin/systemctl: "#!/bin/sh\nprintf 'nginx.service loaded failed failed A web server\\npg.service loaded failed failed \\033[31mSQL\\n'\n"
  - {name: nogrep, hide: [grep, df, busybox], listeners: [{kind: tcp, port: 99}]}
`
	inOneEra(t, func(t *testing.T, e era) {
		s := open(t, world, e)
		sysd := decode[statusAnswer](t, s.call(t, "vm_status_detailed", args{}))
		require.NotNil(t, sysd.Systemd)
		assert.True(t, *sysd.Systemd)
		assert.Equal(t, []struct{ Name, Description string }{{"nginx.service", "A web server"}, {"pg.service", "SQL"}}, sysd.FailedUnits)
		assert.Empty(t, sysd.Missing.why("failed_units"))
		blind := decode[statusAnswer](t, s.call(t, "vm_status_detailed", args{"machine": "nogrep"}))
		for _, part := range []string{"uptime", "tcp ports", "tcp6 ports", "processes", "disk"} {
			assert.NotEmpty(t, blind.Missing.why(part), "%s is not empty but unknown", part)
		}
		assert.Nil(t, blind.Uptime)
	})
}

// What a machine uses of the CPU is measured, and not only since it started.
func TestStatusMeasuresABusyMachine(t *testing.T) {
	inOneEra(t, func(t *testing.T, e era) {
		busy := `o=$HOME/.orbstack/bin/orbctl; $o run -m web timeout 30 sh -c 'while :; do :; done' </dev/null >/dev/null 2>&1 & exec "$1"`
		s := openWith(t, one, e, nil, "sh", "-c", busy, "sh", bin.server)
		var got statusAnswer
		until(t, "the work of the machine", func() bool {
			got = decode[statusAnswer](t, s.call(t, "vm_status_detailed", args{"machine": "web", "log_lines": 0}))
			return got.CPU == nil || got.CPU.Percent > 0
		})
		if got.CPU == nil {
			t.Skip("this computer gives machines no control group for CPU time: ", got.Missing.why("cpu"))
		}
		assert.Positive(t, got.CPU.TotalSeconds)
	})
}
