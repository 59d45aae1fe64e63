package untrusted

import (
	"bytes"
	"fmt"
)

const (
	defaultLineBytes  = 4 << 10
	defaultTotalBytes = 1 << 20
	markRoom          = 64 // for the words that say how much of a line is missing
)

// A Tail keeps the last Max lines of what is written to it. Set its fields
// before the first Write. Memory is bounded by TotalBytes, whatever is written.
// Give it clean text.
type Tail struct {
	Max        int                    // lines kept
	LineBytes  int                    // a longer line is cut and says by how much; 0: 4 KiB
	TotalBytes int                    // of all kept lines, the oldest go first; 0: 1 MiB; at least one line is kept
	Keep       func(line string) bool // if set, only lines for which it is true; it sees the line cut to LineBytes

	line []byte // the line that is being written, up to LineBytes
	over int64  // how many bytes of it had no room
	open bool   // it has begun

	kept  ring
	sizes []int // of each kept line from first on, oldest first
	first int

	seen, matched int64
}

// Write takes all of p and never fails.
func (t *Tail) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			t.extend(p)
			break
		}
		if t.open {
			t.extend(p[:i])
			t.push(t.line, t.over)
			t.line, t.over, t.open = t.line[:0], 0, false
		} else {
			k := min(i, t.lineBytes())
			t.push(p[:k], int64(i-k))
		}
		p = p[i+1:]
	}
	return n, nil
}

// Seen is how many lines were written, kept or not. A last line without a
// newline counts.
func (t *Tail) Seen() int64 {
	if t.open {
		return t.seen + 1
	}
	return t.seen
}

// Matched is how many of the lines seen Keep was true for; without Keep, all of
// them. More than len(Lines()) means that older ones were let go.
func (t *Tail) Matched() int64 {
	if last, _ := cutLine(t.line, t.over); t.open && t.wants(last) {
		return t.matched + 1
	}
	return t.matched
}

// Lines are the kept lines, oldest first, without their newlines.
func (t *Tail) Lines() []string {
	lines := make([]string, 0, t.count()+1)
	at := 0
	for _, size := range t.sizes[t.first:] {
		lines = append(lines, t.kept.text(at, size))
		at += size
	}
	if !t.open {
		return lines
	}
	last, over := cutLine(t.line, t.over)
	if !t.wants(last) {
		return lines
	}
	lines = append(lines, string(marked(last, over)))
	return lines[max(0, len(lines)-t.Max):]
}

func (t *Tail) wants(line []byte) bool { return t.Keep == nil || t.Keep(string(line)) }

func (t *Tail) lineBytes() int {
	if t.LineBytes > 0 {
		return t.LineBytes
	}
	return defaultLineBytes
}

func (t *Tail) totalBytes() int {
	total := t.TotalBytes
	if total <= 0 {
		total = defaultTotalBytes
	}
	return max(total, t.lineBytes()+markRoom)
}

// extend adds to the line that is being written.
func (t *Tail) extend(p []byte) {
	k := min(len(p), t.lineBytes()-len(t.line))
	t.line = append(t.line, p[:k]...)
	t.over += int64(len(p) - k)
	t.open = true
}

// push ends a line of which over bytes had no room.
func (t *Tail) push(line []byte, over int64) {
	t.seen++
	line, over = cutLine(line, over)
	if !t.wants(line) {
		return
	}
	t.matched++
	if t.Max <= 0 {
		return
	}
	line = marked(line, over)
	for t.count() > 0 && (t.count() >= t.Max || t.kept.used+len(line) > t.totalBytes()) {
		t.kept.drop(t.sizes[t.first])
		t.first++
	}
	if t.first > len(t.sizes)/2 { // the queue moves down in its slice, so that it grows no further
		t.sizes = t.sizes[:copy(t.sizes, t.sizes[t.first:])]
		t.first = 0
	}
	t.kept.add(line, t.totalBytes())
	t.sizes = append(t.sizes, len(line))
}

func (t *Tail) count() int { return len(t.sizes) - t.first }

// cutLine takes off half a character where a line was cut.
func cutLine(line []byte, over int64) ([]byte, int64) {
	if over == 0 {
		return line, 0
	}
	n := wholeRunes(line)
	return line[:n], over + int64(len(line)-n)
}

// marked says at the end of a line how much of it is missing.
func marked(line []byte, over int64) []byte {
	if over == 0 {
		return line
	}
	return fmt.Appendf(bytes.Clone(line), " [… %d bytes omitted …]", over)
}
