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
	Name   string // one of postureWalls
	Holds  Wall
	Detail string // what was seen
}

// postureWalls are what the script tries, in its order. The last one is a control: if
// it does not hold, the network could not be tried at all.
var postureWalls = [...]string{"mac_files", "mac_command", "ssh_agent", "docker_socket", "mac_network", "control"}

// PostureReport is what was tried in a machine: each wall, once.
type PostureReport struct{ Checks []PostureCheck }

// Posture tries what an isolated machine should not be able to do.
func Posture() (Script, []string, time.Duration) { return load("posture"), nil, 25 * time.Second }

// ParsePosture reads what Posture printed. A wall of which the output says nothing,
// since it was cut off, say, is Unknown. The error is ErrNoAnswer: it says nothing of
// any.
func ParsePosture(t Transcript) (PostureReport, error) {
	section, ok := t.Find("posture")
	if !ok {
		return PostureReport{}, ErrNoAnswer
	}
	states := map[string]Wall{"holds": Holds, "open": LiesOpen, "unknown": Unknown}
	said := map[string]PostureCheck{}
	for line := range strings.Lines(section.Text) {
		words := strings.SplitN(strings.TrimSpace(line), " ", 3)
		state, known := states[words[min(1, len(words)-1)]]
		if len(words) != 3 || !known {
			continue
		}
		if before, twice := said[words[0]]; !twice || before.Holds == Holds {
			said[words[0]] = PostureCheck{Name: words[0], Holds: state, Detail: short(words[2], maxWhy)}
		}
	}
	report := PostureReport{}
	told := false
	for _, name := range postureWalls {
		check, ok := said[name]
		if !ok {
			check = PostureCheck{Name: name, Detail: "the machine did not say what became of trying it"}
		}
		told = told || ok
		report.Checks = append(report.Checks, check)
	}
	if !told {
		return PostureReport{}, ErrNoAnswer
	}
	return report, nil
}
