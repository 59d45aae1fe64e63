package guest

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A JournalSource is a log inside a machine.
type JournalSource string

// The sources of vm_logs that live in the guest. OrbStack's own log of a machine
// is not among them (docs/orbctl-contract.md §7).
const (
	SourceJournal      JournalSource = "journal"       // systemd's journal, else /var/log/messages or syslog
	SourceKernel       JournalSource = "kernel"        // the kernel's ring buffer: all machines share one kernel
	SourceCloudInit    JournalSource = "cloud-init"    // its two files and its status
	SourceDockerEngine JournalSource = "docker-engine" // of an engine installed in the machine, not OrbStack's own
)

// Bounds of a JournalQuery.
const (
	MaxJournalLines  = 20000            // more than are shown, so that a filter has something to choose from
	MaxJournalFollow = 45 * time.Second // tools keep calls shorter than clients wait
)

// A JournalQuery says which log lines are wanted. It filters by nothing that the
// guest would have to be trusted for: whoever looks for a pattern asks for more
// lines and drops what does not match.
type JournalQuery struct {
	Source JournalSource
	Unit   string        // systemd unit, only for SourceJournal; "" is all
	Lines  int           // the last ones, 1 to MaxJournalLines
	Since  string        // RFC 3339, or how long ago: 90s, 10m, 2h, 1d; "" is any time
	Follow time.Duration // how long to wait for new lines, in whole seconds; 0: not at all
}

// JournalQueryError says which part of a JournalQuery cannot be asked.
type JournalQueryError struct {
	Field string // source, unit, lines, since, follow_seconds
	Value string
	Why   string
}

func (e *JournalQueryError) Error() string {
	return fmt.Sprintf("%s %q: %s", e.Field, e.Value, e.Why)
}

// Journal asks for log lines; what the script prints goes into a JournalStream.
// The answer needs rights in the guest: run it as root, or expect only the
// user's own messages. The error is a *JournalQueryError.
func Journal(q JournalQuery) (Script, []string, time.Duration, error) {
	since, err := q.check()
	if err != nil {
		return Script{}, nil, 0, err
	}
	follow := int(q.Follow / time.Second)
	args := []string{string(q.Source), q.Unit, strconv.Itoa(q.Lines), since, strconv.Itoa(follow)}
	return load("journal"), args, 15*time.Second + q.Follow, nil
}

// check validates the query and puts Since into journalctl's words.
func (q JournalQuery) check() (since string, err error) {
	switch q.Source {
	case SourceJournal, SourceKernel, SourceCloudInit, SourceDockerEngine:
	default:
		return "", &JournalQueryError{"source", string(q.Source), "must be one of journal, kernel, cloud-init, docker-engine"}
	}
	if q.Unit != "" && q.Source != SourceJournal {
		return "", &JournalQueryError{"unit", q.Unit, "goes with the source journal only"}
	}
	if err := checkUnit(q.Unit); err != nil {
		return "", err
	}
	if q.Lines < 1 || q.Lines > MaxJournalLines {
		return "", &JournalQueryError{"lines", strconv.Itoa(q.Lines), "must be 1 to " + strconv.Itoa(MaxJournalLines)}
	}
	if q.Follow < 0 || q.Follow > MaxJournalFollow || q.Follow%time.Second != 0 {
		return "", &JournalQueryError{"follow_seconds", q.Follow.String(), "must be a whole number of seconds from 0 to 45"}
	}
	return journalSince(q.Since)
}

// checkUnit accepts what systemd.unit(5) allows in a name. A pattern (*) is
// refused: it would mean a list of units.
func checkUnit(unit string) error {
	if strings.HasPrefix(unit, "-") || len(unit) > 255 {
		return &JournalQueryError{"unit", unit, "must have at most 255 characters and not begin with -"}
	}
	for _, r := range unit {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', strings.ContainsRune(`:_.\@-`, r):
		default:
			return &JournalQueryError{"unit", unit, `must have only letters, digits and : - _ . \ @`}
		}
	}
	return nil
}

// sinceUnits are the units of a duration; hours and less are Go's own.
var sinceUnits = map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour}

// journalSince is @SECONDS for a point in time, and SECONDSs for how long ago,
// which the guest's own clock then counts. The script puts the - of
// systemd.time(7) before it: no argument of a script may start with one.
func journalSince(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	if at, err := time.Parse(time.RFC3339, s); err == nil && at.Unix() >= 0 {
		return "@" + strconv.FormatInt(at.Unix(), 10), nil
	}
	ago := time.Duration(0)
	for rest := s; rest != ""; {
		digits := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
		if digits < 1 || digits > 6 {
			ago = 0
			break
		}
		count, _ := strconv.Atoi(rest[:digits])
		ago += time.Duration(count) * sinceUnits[rest[digits]]
		if sinceUnits[rest[digits]] == 0 || ago < 0 {
			ago = 0
			break
		}
		rest = rest[digits+1:]
	}
	if ago <= 0 {
		return "", &JournalQueryError{"since", s, "must be a time such as 2026-01-31T09:00:00Z or a duration such as 90s, 10m, 2h or 1d"}
	}
	return strconv.FormatInt(int64(ago/time.Second), 10) + "s", nil
}
