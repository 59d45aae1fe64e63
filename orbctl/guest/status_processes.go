package guest

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// A Process is one process of the machine.
type Process struct {
	PID  int
	Name string // the kernel's, at most 15 bytes of the program's name
	RSS  int64  // bytes in memory; what processes share counts in each
	UID  uint32
	User string // name of UID; "" when the machine's list has none
}

// readProcesses reads the lines of interest of all /proc/PID/status, without
// those of the script itself.
func readProcesses(n *notes, names map[uint32]string, most int) (int, []Process) {
	text, ok := n.section("procs", "processes")
	if !ok {
		return 0, nil
	}
	s, _ := n.transcript.Find("procs")
	count, self := 0, -1
	if len(s.Args) == 2 {
		count, _ = strconv.Atoi(s.Args[0])
		self, _ = strconv.Atoi(s.Args[1])
	}
	var all []Process
	var one Process
	parent := 0
	keep := func() {
		if one.PID > 0 && one.PID != self && parent != self && one.RSS > 0 {
			one.User = names[one.UID]
			all = append(all, one)
		}
	}
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch key {
		case "Name":
			keep()
			one, parent = Process{Name: word(value)}, 0
		case "Pid":
			one.PID, _ = strconv.Atoi(value)
		case "PPid":
			parent, _ = strconv.Atoi(value)
		case "Uid":
			one.UID = realUID(value)
		case "VmRSS":
			one.RSS = scaled(strings.TrimSuffix(value, " kB"), 1024)
		}
	}
	keep()
	if len(all) == 0 {
		n.miss("processes", "no /proc/PID/status could be read: grep is missing, or /proc hides other users' processes")
	}
	slices.SortStableFunc(all, func(a, b Process) int { return cmp.Compare(b.RSS, a.RSS) })
	return max(count-1, 0), slices.Clip(all[:min(max(most, 0), len(all))])
}

func realUID(s string) uint32 {
	first, _, _ := strings.Cut(s, "\t")
	uid, _ := strconv.ParseUint(first, 10, 32)
	return uint32(uid)
}
