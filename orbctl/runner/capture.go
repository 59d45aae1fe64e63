package runner

import (
	"bytes"
	"errors"
	"io"

	"orbstack-mcp/orbctl/untrusted"
)

const (
	wholeLimit = 4 << 20  // of a stdout that is kept whole
	floodLimit = 16 << 20 // more than that on stderr, or of a command on stdout, is a flood
	headBytes  = 24 << 10
	tailBytes  = 8 << 10
)

// Ends keeps of a text what a Result keeps: its first 24 KiB and its last 8 KiB.
func Ends() *untrusted.HeadTail { return &untrusted.HeadTail{Head: headBytes, Tail: tailBytes} }

// A stream takes one output of the child: it cleans it and counts it.
type stream struct {
	op    Op
	name  string
	limit int64 // bytes before cleaning; 0: none
	clean *untrusted.Cleaner
	raw   io.Writer // gets it as it is, and clean nothing; nil: none
	bytes int64     // that raw got
	ended func()    // nil: nobody wants to know
	cue   *cue      // nil: nobody waits for one
}

// A cue is called once, when its word has come.
type cue struct {
	word []byte
	call func()
	tail []byte // of what came: a part of the word may be in it
}

func (c *cue) hear(p []byte) {
	if c == nil || c.call == nil {
		return
	}
	c.tail = append(c.tail, p...)
	if bytes.Contains(c.tail, c.word) {
		c.call()
		c.call, c.tail = nil, nil
		return
	}
	c.tail = append(c.tail[:0], c.tail[max(0, len(c.tail)-len(c.word)):]...)
}

// Write takes what fits; the rest is an *OutputError.
func (s *stream) Write(p []byte) (int, error) {
	s.cue.hear(p)
	if s.raw != nil && len(p) > 0 {
		n, err := s.raw.Write(p)
		s.bytes += int64(n)
		return n, err
	}
	room := s.limit - s.clean.Stats().Bytes
	if s.limit == 0 || int64(len(p)) <= room {
		return s.clean.Write(p)
	}
	n, err := s.clean.Write(p[:room])
	if err == nil {
		err = &OutputError{Op: s.op, Stream: s.name, Limit: s.limit}
	}
	return n, err
}

// A capture is both outputs of a child.
type capture struct {
	stdout, stderr *stream

	text bytes.Buffer        // stdout, if it is kept whole
	out  *untrusted.HeadTail // stdout, if only its ends are
	err  *untrusted.HeadTail

	unwritten error // of Call.Stderr, when it was closed
}

// end says that nothing more comes: what was held back is passed on.
func (s *stream) end() {
	if s.ended != nil {
		s.ended()
	}
}

// newCapture keeps stdout as b says, or passes it on to the call's own writer.
func newCapture(call Call, b bound) *capture {
	op, w := call.Op, call.Stdout
	c := &capture{err: Ends()}
	limit := int64(0)
	switch {
	case w != nil:
	case b == whole:
		w, limit = &c.text, wholeLimit
	default:
		c.out = Ends()
		w = c.out
	}
	if b == capped {
		limit = floodLimit
	}
	c.stdout = &stream{op: op, name: "stdout", limit: limit, clean: untrusted.NewCleaner(w)}
	var stderr io.Writer = c.err
	if call.Stderr != nil {
		stderr = io.MultiWriter(c.err, call.Stderr)
	}
	c.stderr = &stream{op: op, name: "stderr", limit: floodLimit, clean: untrusted.NewCleaner(stderr)}
	c.stdout.raw = call.Raw
	if closer, ok := call.Stderr.(io.Closer); ok {
		c.stderr.ended = func() { c.unwritten = errors.Join(c.stderr.clean.Close(), closer.Close()) }
	}
	return c
}

// fill puts what was captured into res. Its error is that of the caller's writer.
func (c *capture) fill(res *Result) error {
	err := errors.Join(c.stdout.clean.Close(), c.stderr.clean.Close(), c.unwritten)
	res.Stdout, res.Stderr = c.text.String(), c.err.String()
	res.Omitted = c.err.Omitted()
	if c.out != nil {
		res.Stdout = c.out.String()
		res.Omitted += c.out.Omitted()
	}
	stdout, stderr := c.stdout.clean.Stats(), c.stderr.clean.Stats()
	res.StdoutBytes, res.StderrBytes = stdout.Bytes+c.stdout.bytes, stderr.Bytes
	res.Text = stdout.Plus(stderr)
	return err
}
