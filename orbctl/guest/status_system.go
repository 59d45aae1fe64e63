package guest

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// readOS reads os-release(5).
func readOS(n *notes) *OS {
	text, ok := n.section("os", "os")
	if !ok {
		return nil
	}
	os := OS{}
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch value = word(unquote(value)); key {
		case "PRETTY_NAME":
			os.Name = value
		case "NAME":
			if os.Name == "" {
				os.Name = value
			}
		case "ID":
			os.ID = value
		case "VERSION_ID":
			os.Version = value
		case "VERSION_CODENAME":
			os.Codename = value
		}
	}
	if os == (OS{}) {
		n.miss("os", "os-release has none of the usual lines")
		return nil
	}
	return &os
}

// unquote takes the shell's quotes off a value of os-release.
func unquote(s string) string {
	if len(s) < 2 || s[0] != s[len(s)-1] || s[0] != '"' && s[0] != '\'' {
		return s
	}
	quote := s[0]
	s = s[1 : len(s)-1]
	if quote == '\'' || !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// readUname reads `uname -srm`.
func readUname(n *notes) (kernel, arch string) {
	text, ok := n.section("uname", "kernel")
	if !ok {
		return "", ""
	}
	words := strings.Fields(text)
	if len(words) < 3 {
		n.miss("kernel", "uname said: "+said(text, "nothing"))
		return "", ""
	}
	return word(words[1]), word(words[len(words)-1])
}

// readVM reads the figures of the shared virtual machine.
func readVM(n *notes) VM {
	var vm VM
	if text, ok := n.section("uptime", "vm_uptime"); ok {
		vm.Uptime = seconds(text)
	}
	if text, ok := n.section("loadavg", "vm_load"); ok {
		vm.Load = parseLoad(text)
		if vm.Load == nil {
			n.miss("vm_load", "/proc/loadavg said: "+said(text, "nothing"))
		}
	}
	if text, ok := n.section("cpus", "vm_cpus"); ok {
		if vm.CPUs, _ = strconv.Atoi(strings.TrimSpace(text)); vm.CPUs <= 0 {
			vm.CPUs = 0
			n.miss("vm_cpus", "nproc said: "+said(text, "nothing"))
		}
	}
	if text, ok := n.section("meminfo", "vm_memory"); ok {
		vm.MemTotal, vm.MemAvailable = kib(text, "MemTotal:"), kib(text, "MemAvailable:")
		if vm.MemTotal == 0 || vm.MemAvailable == 0 {
			n.miss("vm_memory", "/proc/meminfo does not tell both MemTotal and MemAvailable")
		}
	}
	return vm
}

func parseLoad(text string) *[3]float64 {
	words := strings.Fields(text)
	if len(words) < 3 {
		return nil
	}
	var load [3]float64
	for i := range load {
		f, err := strconv.ParseFloat(words[i], 64)
		if err != nil || f < 0 || f > 1e6 {
			return nil
		}
		load[i] = f
	}
	return &load
}

// kib is the number behind a key of /proc/meminfo and the like, which counts in
// KiB, as bytes; 0 without it.
func kib(text, key string) int64 {
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) >= 2 && words[0] == key {
			return scaled(words[1], 1024)
		}
	}
	return 0
}

// scaled is a whole number of units; 0 for what is none or does not fit.
func scaled(s string, unit int64) int64 {
	count, err := strconv.ParseInt(s, 10, 64)
	if err != nil || count < 0 || count > math.MaxInt64/unit {
		return 0
	}
	return count * unit
}

// seconds reads the first number of a text such as "1568.03 2811.36".
func seconds(text string) time.Duration {
	words := strings.Fields(text)
	if len(words) == 0 {
		return 0
	}
	f, err := strconv.ParseFloat(words[0], 64)
	if err != nil || f < 0 || f > 1e9 {
		return 0
	}
	return time.Duration(f * float64(time.Second))
}

// userHz is how many clock ticks a second the kernel shows to programs: 100 on
// every architecture that OrbStack has (proc_pid_stat(5)).
const userHz = 100

// readStart works out when the machine's PID 1 started: its field of
// /proc/1/stat counts ticks since the VM's boot, which /proc/stat dates.
func readStart(n *notes) (*time.Time, time.Duration) {
	const part = "uptime"
	stat, ok1 := n.section("pid1", part)
	btime, ok2 := n.section("btime", part)
	clock, ok3 := n.section("now", part)
	if !ok1 || !ok2 || !ok3 {
		return nil, 0
	}
	ticks, ok1 := startTicks(stat)
	boot, err1 := strconv.ParseInt(strings.TrimSpace(strings.TrimPrefix(btime, "btime ")), 10, 64)
	now, err2 := strconv.ParseInt(strings.TrimSpace(clock), 10, 64)
	if !ok1 || err1 != nil || err2 != nil || boot < 0 || boot > 1<<40 || now > 1<<40 {
		n.miss(part, "the start of PID 1, the boot time or the clock is not a number that makes sense")
		return nil, 0
	}
	start := time.Unix(boot, 0).Add(time.Duration(ticks) * (time.Second / userHz)).UTC()
	uptime := time.Unix(now, 0).Sub(start)
	// Boot time and clock are whole seconds, so a machine may seem to start just now.
	if uptime < -2*time.Second {
		n.miss(part, "PID 1 seems to have started in the future: the clock of the VM is wrong, or /proc is not the VM's")
		return nil, 0
	}
	return &start, max(uptime, 0)
}

// startTicks is field 22 of /proc/PID/stat. The name in field 2 may hold spaces,
// parentheses and newlines, so the count starts behind the last parenthesis.
func startTicks(stat string) (int64, bool) {
	words := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(words) < 20 {
		return 0, false
	}
	ticks, err := strconv.ParseInt(words[19], 10, 64)
	return ticks, err == nil && ticks >= 0 && ticks < 1<<40
}

// dfLine is the line of `df -Pk /`: the device's name may hold spaces.
var dfLine = regexp.MustCompile(`^(.*\S)\s+(\d+)\s+(-?\d+)\s+(-?\d+)\s+(?:\d+%|-)\s+/$`)

func readDisk(n *notes) *Disk {
	text, ok := n.section("df", "disk")
	if !ok {
		return nil
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if len(line) > 8*maxWord {
			continue
		}
		if m := dfLine.FindStringSubmatch(line); m != nil {
			return &Disk{Device: word(m[1]), Total: scaled(m[2], 1024), Used: scaled(m[3], 1024), Available: scaled(m[4], 1024)}
		}
	}
	n.miss("disk", "df said: "+said(text, "nothing"))
	return nil
}

// readFailedUnits reads `systemctl --failed --no-legend --plain`: name, load,
// active, sub, description. An older one draws a dot first in spite of --plain.
func readFailedUnits(n *notes) (systemd *bool, units []Unit) {
	s, runs := n.transcript.Find("failed")
	switch {
	case !runs && !n.transcript.Complete:
		n.absent("failed_units")
		return nil, nil
	case !runs:
		n.miss("failed_units", "the machine does not run systemd")
		return &runs, nil
	}
	text, ok := n.section("failed", "failed_units")
	if !ok {
		return &runs, nil
	}
	for line := range strings.Lines(text) {
		words := strings.Fields(strings.TrimLeft(line, "●*× "))
		if len(words) < 4 || words[2] != "failed" {
			continue
		}
		units = append(units, Unit{Name: word(words[0]), Description: word(strings.Join(words[4:], " "))})
	}
	if len(units) == 0 && strings.TrimSpace(s.Text) != "" {
		n.miss("failed_units", "systemctl said: "+said(text, "nothing"))
	}
	return &runs, firsts(n, "failed_units", units, MaxFailedUnits)
}
