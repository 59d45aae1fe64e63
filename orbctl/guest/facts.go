package guest

import (
	"errors"
	"strings"
	"unicode/utf8"

	"orbstack-mcp/orbctl/untrusted"
)

// ErrNoAnswer is why a report cannot be made at all: the output holds no section
// of the script. Its likely causes are a guest without sh, or output that was
// lost on the way.
var ErrNoAnswer = errors.New("the script in the machine printed nothing: its sh may be missing or broken")

const (
	maxWord = 256 // bytes of a name or value from the guest
	maxWhy  = 300 // bytes of a guest's words in Missing.Why
	maxMiss = 64  // entries of Missing; no honest machine has as many
)

// notes collects what a report has to say about its own gaps while it is made.
type notes struct {
	transcript Transcript
	missing    []Missing
	cut        map[string]int
	unreached  []string // parts whose sections a cut transcript does not hold
}

// newNotes refuses a transcript that says nothing.
func newNotes(t Transcript) (*notes, error) {
	if len(t.Sections) == 0 {
		return nil, ErrNoAnswer
	}
	return &notes{transcript: t}, nil
}

func (n *notes) miss(part, why string) {
	if len(n.missing) >= maxMiss {
		n.left("missing", 1)
		return
	}
	n.missing = append(n.missing, Missing{Part: part, Why: why})
}

// section finds the section that a part of the report is made from, or notes
// that the part is missing.
func (n *notes) section(name, part string) (string, bool) {
	s, ok := n.transcript.Find(name)
	switch {
	case !ok:
		n.absent(part)
		return "", false
	case s.Exit > 0:
		n.miss(part, said(s.Text, "the command that reads it failed"))
		return "", false
	case s.Exit < 0:
		// A cut last line reads as another value: /2 of /24.
		return s.Text[:strings.LastIndexByte(s.Text, '\n')+1], true
	}
	return s.Text, true
}

// absent notes a part whose section is not there.
func (n *notes) absent(part string) {
	if n.transcript.Complete {
		n.miss(part, "the machine has nothing to read it from")
		return
	}
	n.unreached = append(n.unreached, part)
}

// gaps are the Missing entries and the cut lists of a finished report.
func (n *notes) gaps() ([]Missing, map[string]int) {
	if !n.transcript.Complete {
		why := cutShort
		if len(n.unreached) > 0 {
			why += "; not read: " + strings.Join(n.unreached, ", ")
		}
		n.missing = append(n.missing, Missing{Part: TheRest, Why: why})
	}
	return n.missing, n.cut
}

// left notes how many entries of a list were left out.
func (n *notes) left(part string, count int) {
	if count <= 0 {
		return
	}
	if n.cut == nil {
		n.cut = map[string]int{}
	}
	n.cut[part] += count
}

// firsts bounds a list and notes what it left out.
func firsts[T any](n *notes, part string, list []T, most int) []T {
	if len(list) <= most {
		return list
	}
	n.left(part, len(list)-most)
	return list[:most:most]
}

// said is the last line of what a command printed, where the reason of a failure
// stands, or else instead.
func said(text, instead string) string {
	text = strings.TrimRight(text, " \t\r\n")
	if line := short(text[strings.LastIndexByte(text, '\n')+1:], maxWhy); line != "" {
		return line
	}
	return instead
}

// word makes a name or a value from the guest fit to be shown.
func word(s string) string { return short(s, maxWord) }

func short(s string, most int) string {
	// What is cut off below may as well not be cleaned: a line may have 10 MB.
	// Cleaning removes bytes, so some more than wanted go in.
	s = untrusted.Line(s[:min(len(s), 8*most)])
	if len(s) <= most {
		return s
	}
	end := most
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}
