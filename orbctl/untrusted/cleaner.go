package untrusted

import (
	"io"
	"unicode/utf8"
)

// Stats counts what a Cleaner saw and took out.
type Stats struct {
	Bytes       int64 // read, before cleaning
	InvalidUTF8 int64 // bytes that were no UTF-8; each became U+FFFD
	Escapes     int64 // escape sequences (CSI, OSC, DCS, APC, PM, SOS and short ones)
	Controls    int64 // other control characters
	Invisible   int64 // characters that no reader sees: bidi controls, zero width, fillers, tags
}

// Plus adds the counts of two streams.
func (s Stats) Plus(o Stats) Stats {
	return Stats{
		Bytes:       s.Bytes + o.Bytes,
		InvalidUTF8: s.InvalidUTF8 + o.InvalidUTF8,
		Escapes:     s.Escapes + o.Escapes,
		Controls:    s.Controls + o.Controls,
		Invisible:   s.Invisible + o.Invisible,
	}
}

// state is where in an escape sequence the stream stands (ECMA-48 §5.3, §5.4, §5.6).
type state uint8

const (
	ground      state = iota
	afterEscape       // ESC, then intermediates 0x20–0x2f
	inControl         // CSI, until a final byte 0x40–0x7e
	inString          // OSC, DCS, SOS, PM, APC, until ST or BEL
	inStringEnd       // ESC inside a string: ST if a backslash follows
)

const (
	// maxHeld bounds how much of an unfinished sequence is held back. What does
	// not end within it was no sequence, and is given back as text.
	maxHeld = 4096
	// flushAt is how much clean text gathers before it is passed on.
	flushAt = 32 << 10
)

// A Cleaner passes text on to a writer without the characters that steer a
// terminal or that no reader sees. What comes out is valid UTF-8 and has no
// control character but newline and tab. The result does not depend on how the
// input was cut into writes, and cleaning it again changes nothing. Memory is
// constant.
//
//   - Escape sequences are removed, in the 7-bit form (ESC [) and the 8-bit form
//     (U+009B). A sequence that does not end on its line, or within 4096 bytes,
//     loses only its introducer: an unterminated one swallows no text.
//   - Carriage return, CR LF, NEL, U+2028 and U+2029 become a newline, so that
//     an overwritten line is never hidden and separated words stay separated.
//   - Bytes that are no UTF-8 become U+FFFD, each one. So do bare bytes 0x80 to
//     0x9f: in UTF-8 they are no C1 controls, but often halves of a character.
//
// A Cleaner is for one stream and one goroutine.
type Cleaner struct {
	w     io.Writer
	err   error
	stats Stats

	state   state
	held    []byte // clean text of the sequence that is open, without its introducer
	part    [utf8.UTFMax]byte
	npart   int
	pending bool // a carriage return that a line feed may still follow
	out     []byte
}

// NewCleaner returns a Cleaner that writes to w. Close it to get the last of the
// text.
func NewCleaner(w io.Writer) *Cleaner { return &Cleaner{w: w} }

// Stats is what was seen so far.
func (c *Cleaner) Stats() Stats { return c.stats }

// Write cleans p. It takes all of p; the error is the first one of the writer
// below, and stays.
func (c *Cleaner) Write(p []byte) (int, error) {
	c.stats.Bytes += int64(len(p))
	for i := 0; i < len(p); {
		if c.plain() {
			if run := printable(p[i:]); run > 0 {
				c.append(p[i : i+run])
				i += run
				continue
			}
			if utf8.FullRune(p[i:]) {
				r, size := utf8.DecodeRune(p[i:])
				c.decoded(r, size)
				i += size
				if len(c.out) >= flushAt {
					c.flush()
				}
				continue
			}
		}
		if c.npart == 0 && p[i] < utf8.RuneSelf {
			c.step(rune(p[i]))
		} else {
			c.part[c.npart] = p[i]
			c.npart++
			c.decodePart()
		}
		i++
		if len(c.out) >= flushAt {
			c.flush()
		}
	}
	c.flush()
	return len(p), c.err
}

// Close writes what was held back: an unfinished sequence as text, a cut
// character as U+FFFD, a last carriage return as a newline. It does not close
// the writer below.
func (c *Cleaner) Close() error {
	for n := c.npart; n > 0; n-- {
		c.decoded(utf8.RuneError, 1)
	}
	c.npart = 0
	c.giveBack()
	c.settle()
	c.flush()
	return c.err
}

// plain reports whether the next byte starts a character outside any sequence.
func (c *Cleaner) plain() bool { return c.state == ground && c.npart == 0 && !c.pending }

// printable is the length of the ASCII text at the start of p that needs no look.
func printable(p []byte) int {
	for i, b := range p {
		if (b < 0x20 || b >= 0x7f) && b != '\n' && b != '\t' {
			return i
		}
	}
	return len(p)
}

// decodePart steps over what is complete in part.
func (c *Cleaner) decodePart() {
	for c.npart > 0 && utf8.FullRune(c.part[:c.npart]) {
		r, size := utf8.DecodeRune(c.part[:c.npart])
		c.npart = copy(c.part[:], c.part[size:c.npart])
		c.decoded(r, size)
	}
}

func (c *Cleaner) decoded(r rune, size int) {
	if r == utf8.RuneError && size == 1 {
		c.stats.InvalidUTF8++
	}
	c.step(r)
}

// step takes the stream one character further.
func (c *Cleaner) step(r rune) {
	if c.state == inStringEnd {
		if r == '\\' {
			c.forget()
			return
		}
		c.open(afterEscape) // no ST: that ESC begins another sequence
	}
	switch {
	case r == esc && c.state == inString:
		c.state = inStringEnd
	case r == esc:
		c.open(afterEscape)
	case isC1(r):
		c.c1(r)
	case r == '\r':
		c.giveBack()
		c.pending = true
	case r == '\n':
		c.newline()
	case r == lineSeparator, r == paragraphSeparator:
		c.stats.Invisible++
		c.newline()
	case c.state == ground:
		c.text(r)
	case c.state == afterEscape:
		c.escaped(r)
	case c.state == inControl:
		c.control(r)
	default:
		c.inside(r)
	}
}

// c1 takes an 8-bit control. Each ends the sequence before it (ECMA-48 §5.4).
func (c *Cleaner) c1(r rune) {
	switch r {
	case csi:
		c.open(inControl)
	case dcs, sos, osc, pm, apc:
		c.open(inString)
	case st:
		if c.state == inString {
			c.forget()
			return
		}
		c.stats.Controls++
		c.giveBack()
	case nel:
		c.stats.Controls++
		c.newline()
	default:
		c.stats.Controls++
		c.giveBack()
	}
}

// escaped takes the character behind ESC or behind ESC's intermediates.
func (c *Cleaner) escaped(r rune) {
	switch {
	case r >= 0x20 && r <= 0x2f:
		c.hold(r)
	case r == '[' && len(c.held) == 0:
		c.state = inControl
	case (r == ']' || r == 'P' || r == 'X' || r == '^' || r == '_') && len(c.held) == 0:
		c.state = inString
	case r >= 0x30 && r <= 0x7e:
		c.forget()
	default:
		c.misplaced(r)
	}
}

// control takes a character of a CSI sequence.
func (c *Cleaner) control(r rune) {
	switch {
	case r >= 0x20 && r <= 0x3f:
		c.hold(r)
	case r >= 0x40 && r <= 0x7e:
		c.forget()
	default:
		c.misplaced(r)
	}
}

// inside takes a character of a string sequence.
func (c *Cleaner) inside(r rune) {
	switch {
	case r == bel: // xterm's end of an OSC, which everybody uses
		c.forget()
	case r == can, r == sub:
		c.stats.Controls++
		c.giveBack()
	case invisible(r):
		c.stats.Invisible++
	case isC0(r):
		c.stats.Controls++
	default:
		c.hold(r)
	}
}

// misplaced takes a character that cannot belong to the open sequence. A control
// character is dropped and the sequence goes on, as terminals do.
func (c *Cleaner) misplaced(r rune) {
	if isC0(r) && r != can && r != sub {
		c.stats.Controls++
		return
	}
	c.giveBack()
	c.text(r)
}

// text takes a character outside any sequence.
func (c *Cleaner) text(r rune) {
	switch {
	case isC0(r):
		c.stats.Controls++
	case invisible(r):
		c.stats.Invisible++
	default:
		c.settle()
		c.out = utf8.AppendRune(c.out, r)
	}
}

func (c *Cleaner) newline() {
	c.giveBack()
	c.pending = false
	c.out = append(c.out, '\n')
}

// open begins a sequence; one that was open had no end.
func (c *Cleaner) open(s state) {
	c.giveBack()
	c.state = s
	c.stats.Escapes++
}

func (c *Cleaner) hold(r rune) {
	c.held = utf8.AppendRune(c.held, r)
	if len(c.held) > maxHeld {
		c.giveBack()
	}
}

// forget drops a sequence that has come to its end.
func (c *Cleaner) forget() { c.state, c.held = ground, c.held[:0] }

// giveBack treats the open sequence as text, but for its introducer.
func (c *Cleaner) giveBack() {
	if len(c.held) > 0 {
		c.settle()
		c.append(c.held)
	}
	c.forget()
}

// settle turns a carriage return that no line feed followed into a newline.
func (c *Cleaner) settle() {
	if c.pending {
		c.pending = false
		c.out = append(c.out, '\n')
	}
}

func (c *Cleaner) append(p []byte) {
	if len(p) >= flushAt { // long and clean: no need to copy it
		c.flush()
		c.pass(p)
		return
	}
	c.out = append(c.out, p...)
	if len(c.out) >= flushAt {
		c.flush()
	}
}

func (c *Cleaner) flush() {
	c.pass(c.out)
	c.out = c.out[:0]
}

func (c *Cleaner) pass(p []byte) {
	if len(p) == 0 || c.err != nil {
		return
	}
	if _, err := c.w.Write(p); err != nil {
		c.err = err
	}
}
