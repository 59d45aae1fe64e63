package guest

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"orbstack-mcp/orbctl/untrusted"
)

// Bounds of one log line, and of what a script says beside the log.
const (
	MaxLogLine  = 16 << 10 // bytes; the rest of a longer line is counted and dropped
	maxAsideLen = 4 << 10
)

// A JournalStream reads what the script of Journal prints, while it prints it,
// and hands on the log lines, cleaned. It keeps one line in memory and is not
// safe for concurrent use. How the output is cut into writes makes no
// difference.
type JournalStream struct {
	mark Mark
	sink func(line string)

	line  []byte
	over  int  // bytes of the line that had no room
	blank bool // an empty line was read and not handed on: it may belong to the section's end

	section string // name of the open section
	aside   strings.Builder
	report  JournalReport
	done    bool
}

// JournalReport is what became of a JournalQuery, beside the lines themselves.
type JournalReport struct {
	Tool     string // journalctl, tail, dmesg: what read the lines; "" when nothing did
	Lines    int64  // handed on
	Complete bool   // the script reached its end; without it the lines are true, but not all
	Status   string // what `cloud-init status` says, for that source
	Said     string // the first words of the tool on stderr: a missing permission, a hint

	Missing []Missing
	Err     error // *ToolMissingError: there is no such log in this machine, for want of the tool
}

// NewJournalStream makes a stream for one run of the script with that mark. The
// sink gets each line without its newline.
func NewJournalStream(mark Mark, sink func(line string)) *JournalStream {
	return &JournalStream{mark: mark, sink: sink}
}

// Write takes all of p and never fails.
func (s *JournalStream) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		piece, rest, ended := bytes.Cut(p, []byte{'\n'})
		room := min(len(piece), MaxLogLine-len(s.line))
		s.line = append(s.line, piece[:room]...)
		s.over += len(piece) - room
		if ended {
			s.endLine()
		}
		p = rest
	}
	return n, nil
}

func (s *JournalStream) endLine() {
	line, over := string(bytes.TrimRight(s.line, "\r")), s.over
	s.line, s.over = s.line[:0], 0
	if words, ours := ourWords(s.mark, line); ours && over == 0 {
		s.ours(words)
		return
	}
	switch s.section {
	case "log":
		if line == "" && over == 0 {
			s.emitBlank()
			s.blank = true
			return
		}
		s.emitBlank()
		s.emit(line, over)
	case "stderr", "cloud-init":
		if s.aside.Len()+len(line) < maxAsideLen {
			s.aside.WriteString(line + "\n")
		}
	}
}

// ours takes a section line. The empty line before an end is the script's own.
func (s *JournalStream) ours(words []string) {
	switch {
	case words[0] == "begin" && len(words) > 1:
		s.closeSection(-1)
		s.section = words[1]
		s.begin(words[2:])
	case words[0] == "end" && s.section != "":
		exit := -1
		if len(words) > 1 {
			if code, err := strconv.Atoi(words[1]); err == nil {
				exit = code
			}
		}
		s.closeSection(exit)
	case words[0] == "done":
		s.report.Complete = true
	}
}

func (s *JournalStream) begin(args []string) {
	what := strings.Join(args, " ")
	switch s.section {
	case "log":
		s.report.Tool = word(what)
	case "none":
		s.none(what)
	}
}

// none is the script's word that there is nothing to read.
func (s *JournalStream) none(what string) {
	missing := func(part, why string) {
		s.report.Missing = append(s.report.Missing, Missing{Part: part, Why: why})
	}
	switch what {
	case "journalctl", "dmesg":
		s.report.Err = &ToolMissingError{Wanted: []string{what}}
	case "journal":
		missing("lines", "the machine has neither journalctl nor a readable /var/log/messages or /var/log/syslog")
	case "cloud-init":
		missing("lines", "there is no readable /var/log/cloud-init.log: the machine was not set up with user data, its image has no cloud-init, or the user may not read it")
	case "docker":
		missing("lines", "no Docker engine is installed in this machine; OrbStack's own engine runs outside of all machines and has no log here")
	case "docker-log":
		missing("lines", "a Docker engine is installed, but it logs neither to the journal nor to /var/log/docker.log, or the user may not read it")
	case "follow":
		missing("follow", "without a journal only a newer dmesg that has /dev/kmsg can wait for kernel messages: these are the ones so far")
	}
}

func (s *JournalStream) closeSection(exit int) {
	said := strings.TrimSpace(s.aside.String())
	s.aside.Reset()
	switch s.section {
	case "log":
		if exit < 0 {
			s.emitBlank()
		}
		if exit > 0 {
			s.report.Missing = append(s.report.Missing, Missing{Part: "lines", Why: fmt.Sprintf("%s failed with exit code %d", s.report.Tool, exit)})
		}
	case "stderr":
		if s.report.Said == "" {
			s.report.Said = short(said, 2*maxWhy)
		}
	case "cloud-init":
		s.report.Status = short(said, maxWhy)
	}
	s.section, s.blank = "", false
}

// journalctl's own remarks about an empty or a fresh journal are no log lines.
func (s *JournalStream) remark(line string) bool {
	return s.report.Tool == "journalctl" && (line == "-- No entries --" ||
		strings.HasPrefix(line, "-- Logs begin at ") || strings.HasPrefix(line, "-- Journal begins at "))
}

func (s *JournalStream) emitBlank() {
	if s.blank {
		s.blank = false
		s.hand("")
	}
}

func (s *JournalStream) emit(line string, over int) {
	if s.remark(line) {
		return
	}
	if over > 0 {
		line += fmt.Sprintf(" [… %d bytes omitted …]", over)
	}
	// A lone carriage return is a newline once it is clean.
	for piece := range strings.SplitSeq(untrusted.Clean(line), "\n") {
		s.hand(piece)
	}
}

func (s *JournalStream) hand(line string) {
	s.report.Lines++
	s.sink(line)
}

// Close ends the stream: a last line without a newline is handed on.
func (s *JournalStream) Close() error {
	if s.done {
		return nil
	}
	s.done = true
	// The last line may be the beginning of a section line that was cut off.
	if (len(s.line) > 0 || s.over > 0) && !strings.HasPrefix(string(s.mark)+" ", string(s.line)) {
		s.endLine()
	}
	s.closeSection(-1)
	if !s.report.Complete {
		s.report.Missing = append(s.report.Missing, Missing{Part: TheRest, Why: cutShort})
	}
	return nil
}

// Report is what became of the query; it is final after Close.
func (s *JournalStream) Report(q JournalQuery) JournalReport {
	r := s.report
	r.Missing = slices.Clip(r.Missing)
	if q.Since != "" && r.Tool != "" && r.Tool != "journalctl" {
		r.Missing = append(r.Missing, Missing{Part: "since", Why: r.Tool + " cannot choose by time: these are the last lines of any time"})
	}
	if strings.Contains(r.Said, "not seeing messages from other users") {
		r.Missing = append(r.Missing, Missing{Part: "messages of other users and the system", Why: "the journal shows them only to root and its own groups"})
	}
	if r.Tool != "" && r.Lines == 0 && r.Said != "" {
		r.Missing = append(r.Missing, Missing{Part: "lines", Why: r.Tool + " printed none and said: " + r.Said})
	}
	return r
}
