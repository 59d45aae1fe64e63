package namespaces

import (
	"fmt"

	"orbstack-mcp/internal/orbsim/worldfile"
)

const cpuPeriod = 100_000 // microseconds, the kernel's default

// plainGroup is a cgroup v2 folder as files, in the form of the kernel's
// (Documentation/admin-guide/cgroup-v2.rst), with a machine's limits.
func plainGroup(limits worldfile.Limits) map[string]string {
	memory, cpu := "max", fmt.Sprintf("max %d", cpuPeriod)
	if limits.MemoryMiB > 0 {
		memory = fmt.Sprint(limits.MemoryMiB << 20)
	}
	if limits.CPU > 0 {
		cpu = fmt.Sprintf("%d %d", limits.CPU*cpuPeriod, cpuPeriod)
	}
	return map[string]string{
		"cgroup.controllers":     "cpuset cpu io memory hugetlb pids\n",
		"cgroup.subtree_control": "cpuset cpu io memory pids\n",
		"cgroup.procs":           "1\n",
		"cgroup.events":          "populated 1\nfrozen 0\n",
		"cgroup.type":            "domain\n", // only the hierarchy's root has none
		"cpu.max":                cpu + "\n",
		"cpu.stat":               cpuStat(0),
		"memory.max":             memory + "\n",
		"memory.high":            "max\n",
		"memory.current":         "0\n",
		"memory.swap.max":        "max\n",
		"memory.swap.current":    "0\n",
		"memory.events":          "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\noom_group_kill 0\n",
		"memory.stat":            "anon 0\nfile 0\nkernel 0\ninactive_file 0\n",
		"pids.current":           "1\n",
		"pids.max":               "max\n",
		"io.stat":                "",
	}
}

func cpuStat(usec int64) string {
	return fmt.Sprintf("usage_usec %d\nuser_usec %d\nsystem_usec 0\nnr_periods 0\nnr_throttled 0\nthrottled_usec 0\n", usec, usec)
}
