package guest

import (
	"strconv"
	"strings"
)

// A Section is what one command of a script printed, between the lines
//
//	MARK begin NAME [WORD…]
//	MARK end EXIT
//
// stdout and stderr of the command are both in Text, unless the script keeps
// them apart in two sections.
type Section struct {
	Name string
	Args []string // the words behind NAME on the begin line
	Text string   // without the final newline
	Exit int      // the command's exit status; -1 when the section was cut
}

// A Transcript is everything that a script printed, in order.
type Transcript struct {
	Sections []Section
	Complete bool // the script reached its end: MARK done

	mark    Mark
	streams map[string]*strings.Builder
}

// Stream is what the script printed on lines of the form
//
//	MARK@ID …
//
// in a transcript of its own: that of one of several parts that run at once. It is
// as complete as the whole, since no part says that it is at its end.
func (t Transcript) Stream(id string) Transcript {
	var out string
	if b := t.streams[id]; b != nil {
		out = b.String()
	}
	part := ParseTranscript(t.mark, out)
	part.Complete = t.Complete
	return part
}

// ParseTranscript reads a script's output. Lines outside sections are dropped: they
// come from the guest's own shell start-up or from OrbStack's banner.
func ParseTranscript(mark Mark, out string) Transcript {
	t := Transcript{mark: mark}
	var open *Section
	var text []string
	closeWith := func(exit int) {
		open.Text, open.Exit = strings.TrimSuffix(strings.Join(text, "\n"), "\n"), exit
		t.Sections = append(t.Sections, *open)
		open, text = nil, nil
	}
	for line := range strings.Lines(out) {
		line = strings.TrimRight(line, "\r\n")
		if t.streamed(line) {
			continue
		}
		words, ours := ourWords(mark, line)
		switch {
		case !ours && open != nil:
			text = append(text, line)
		case !ours:
		case words[0] == "begin" && len(words) > 1:
			if open != nil {
				closeWith(-1)
			}
			open = &Section{Name: words[1], Args: words[2:]}
		case words[0] == "end" && open != nil:
			exit := -1
			if len(words) > 1 {
				if n, err := strconv.Atoi(words[1]); err == nil {
					exit = n
				}
			}
			closeWith(exit)
		case words[0] == "done":
			t.Complete = true
		}
	}
	if open != nil {
		closeWith(-1)
	}
	return t
}

// streamed takes a line that belongs to a stream.
func (t *Transcript) streamed(line string) bool {
	rest, ok := strings.CutPrefix(line, string(t.mark)+"@")
	if !ok {
		return false
	}
	id, text, _ := strings.Cut(rest, " ")
	if t.streams == nil {
		t.streams = map[string]*strings.Builder{}
	}
	if t.streams[id] == nil {
		t.streams[id] = &strings.Builder{}
	}
	_, _ = t.streams[id].WriteString(text + "\n") // a Builder takes everything
	return true
}

func ourWords(mark Mark, line string) ([]string, bool) {
	rest, ok := strings.CutPrefix(line, string(mark)+" ")
	if !ok {
		return nil, false
	}
	words := strings.Fields(rest)
	return words, len(words) > 0
}

// Find returns the first section of that name.
func (t Transcript) Find(name string) (Section, bool) {
	for _, s := range t.Sections {
		if s.Name == name {
			return s, true
		}
	}
	return Section{}, false
}
