package guest

import (
	"strings"
	"time"
)

// A Wall is whether something holds that was tried.
type Wall int

// The walls' states.
const (
	Unknown  Wall = iota // it could not be tried
	Holds                // it was tried, and failed as it should
	LiesOpen             // it was tried, and worked
)

// String is yes, no or unknown.
func (w Wall) String() string {
	switch w {
	case Holds:
		return "yes"
	case LiesOpen:
		return "no"
	}
	return "unknown"
}

// A PostureCheck is one thing that an isolated machine should not be able to do.
type PostureCheck struct {
	Name   string // mac_files, mac_command, ssh_agent, docker_socket, mac_network, control
	Holds  Wall
	Detail string // what was seen
}

// PostureReport is what was tried in a machine.
type PostureReport struct{ Checks []PostureCheck }

// Posture tries what an isolated machine should not be able to do.
func Posture() (Script, []string, time.Duration) { return load("posture"), nil, 25 * time.Second }

// ParsePosture reads what Posture printed.
func ParsePosture(t Transcript) (PostureReport, error) {
	section, ok := t.Find("posture")
	if !ok {
		return PostureReport{}, ErrNoAnswer
	}
	states := map[string]Wall{"holds": Holds, "open": LiesOpen, "unknown": Unknown}
	var report PostureReport
	for line := range strings.Lines(section.Text) {
		words := strings.SplitN(strings.TrimSpace(line), " ", 3)
		if len(words) != 3 {
			continue
		}
		if state, ok := states[words[1]]; ok {
			report.Checks = append(report.Checks, PostureCheck{Name: words[0], Holds: state, Detail: words[2]})
		}
	}
	if len(report.Checks) == 0 {
		return PostureReport{}, ErrNoAnswer
	}
	return report, nil
}
