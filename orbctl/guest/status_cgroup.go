package guest

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// CPU is what the machine's cgroup used.
type CPU struct {
	Percent float64       // of one CPU, over Over: 250 is two and a half CPUs
	Over    time.Duration // between the two samples
	Total   time.Duration // CPU time since the machine started
	Limit   float64       // CPUs; 0: unlimited
}

// Memory is what the machine's cgroup holds.
type Memory struct {
	Used  int64 // bytes, without file cache that the kernel can drop at once
	Cache int64 // bytes of that cache
	Limit int64 // bytes; 0: unlimited
}

// InForce are the limits that the machine's cgroup shows: those that the kernel
// holds it to now. A pointer is nil where the cgroup shows none of its own, and
// 0 is no limit.
type InForce struct {
	CPUs   *float64
	Memory *int64 // bytes
}

// unlimitedV1 is from where on a cgroup v1 limit means none: the kernel writes
// the largest number of whole pages.
const unlimitedV1 = math.MaxInt64 / 2

// readCgroup reads the machine's own use of CPU and memory. The root cgroup is
// that of the whole VM, and its figures would be somebody else's.
func readCgroup(n *notes) (*CPU, *Memory) {
	s, ok := n.transcript.Find("cgroup")
	why := ""
	switch {
	case !ok:
		n.absent("cpu")
		n.absent("memory")
		return nil, nil
	case len(s.Args) < 2:
		why = "no cgroup is mounted in the machine at /sys/fs/cgroup"
	case s.Args[1] != "own":
		why = "the machine shows no cgroup of its own at /sys/fs/cgroup, only the root that all machines share"
	}
	if why != "" {
		n.miss("cpu", why)
		n.miss("memory", why)
		return nil, nil
	}
	text, _ := n.section("cgroup", "memory")
	values := pairs(text)
	if s.Args[0] == "v1" {
		values = asV2(values)
	}
	return readCPU(n, values), readMemory(n, values)
}

// readInForce says nothing of a limit that the cgroup has no file of.
func readInForce(t Transcript) InForce {
	s, ok := t.Find("cgroup")
	if !ok || len(s.Args) < 2 || s.Args[1] != "own" || s.Exit != 0 {
		return InForce{}
	}
	values := pairs(s.Text)
	if s.Args[0] == "v1" {
		values = asV2(values)
	}
	var f InForce
	if words := strings.Fields(values["cpu.max"]); len(words) == 2 {
		limit := cpuLimit(values["cpu.max"])
		if limit > 0 || words[0] == "max" || words[0] == "-1" {
			f.CPUs = &limit
		}
	}
	if limit := scaled(values["memory.max"], 1); limit > 0 || values["memory.max"] == "max" {
		f.Memory = &limit
	}
	return f
}

// pairs reads lines of a key and its values.
func pairs(text string) map[string]string {
	values := map[string]string{}
	for line := range strings.Lines(text) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			values[key] = value
		}
	}
	return values
}

// asV2 gives the values of cgroup v1 their names and forms of v2.
func asV2(v1 map[string]string) map[string]string {
	values := map[string]string{"inactive_file": v1["total_inactive_file"], "memory.max": v1["memory.limit_in_bytes"]}
	if used, ok := v1["memory.usage_in_bytes"]; ok {
		values["memory.current"] = used
	}
	if limit, err := strconv.ParseInt(v1["memory.limit_in_bytes"], 10, 64); err == nil && limit > unlimitedV1 {
		values["memory.max"] = "max"
	}
	values["cpu.max"] = v1["cpu.cfs_quota_us"] + " " + v1["cpu.cfs_period_us"]
	return values
}

func readMemory(n *notes, values map[string]string) *Memory {
	current, err := strconv.ParseInt(values["memory.current"], 10, 64)
	if err != nil || current < 0 {
		n.miss("memory", "the machine's cgroup has no memory.current: the memory controller is off for it")
		return nil
	}
	m := Memory{Cache: min(scaled(values["inactive_file"], 1), current)}
	m.Used = current - m.Cache
	if limit := values["memory.max"]; limit != "max" {
		m.Limit = scaled(limit, 1)
	}
	return &m
}

// readCPU compares the two samples.
func readCPU(n *notes, values map[string]string) *CPU {
	text1, ok1 := n.section("cpu1", "cpu")
	text2, ok2 := n.section("cpu2", "cpu")
	if !ok1 || !ok2 {
		return nil
	}
	used1, at1, ok1 := cpuSample(text1)
	used2, at2, ok2 := cpuSample(text2)
	if !ok1 || !ok2 || at2 <= at1 || used2 < used1 {
		n.miss("cpu", "the machine's cgroup gave no two CPU times to compare")
		return nil
	}
	cpu := CPU{Over: at2 - at1, Total: used2, Limit: cpuLimit(values["cpu.max"])}
	cpu.Percent = math.Round(1000*float64(used2-used1)/float64(cpu.Over)) / 10
	return &cpu
}

func cpuSample(text string) (used, at time.Duration, ok bool) {
	values := pairs(text)
	at = seconds(values["clock"])
	if s, found := values["usage_usec"]; found {
		used = time.Duration(scaled(s, int64(time.Microsecond)))
	} else {
		used = time.Duration(scaled(values["usage_nsec"], 1))
	}
	return used, at, at > 0 && used > 0
}

// cpuLimit is quota over period of cpu.max; "max" and -1 are no limit.
func cpuLimit(s string) float64 {
	words := strings.Fields(s)
	if len(words) != 2 {
		return 0
	}
	quota, period := scaled(words[0], 1), scaled(words[1], 1)
	if quota == 0 || period == 0 {
		return 0
	}
	return math.Round(100*float64(quota)/float64(period)) / 100
}
