package orbctl

import (
	"bytes"
	"io"

	"orbstack-mcp/orbctl/guest"
)

// mostBefore is how much is looked through for the line; a banner has 1 KiB.
const mostBefore = 64 << 10

// behind passes on what comes after a line of a stream.
type behind struct {
	line string
	to   io.Writer
	seen []byte // before the line has come
	open bool
}

// output passes on what a script writes to stdout, and not what orbctl has written
// there before.
func output(mark guest.Mark, to io.Writer) *behind {
	return &behind{line: string(mark) + " " + guest.Output + "\n", to: to}
}

// Write fails as its writer does.
func (b *behind) Write(p []byte) (int, error) {
	if b.open {
		return b.to.Write(p)
	}
	b.seen = append(b.seen, p...)
	_, rest, found := bytes.Cut(b.seen, []byte(b.line)) // nobody else knows the mark yet
	if !found {
		if over := len(b.seen) - mostBefore; over > 0 {
			b.seen = append(b.seen[:0], b.seen[over:]...)
		}
		return len(p), nil
	}
	b.open, b.seen = true, nil
	if len(rest) > 0 {
		if _, err := b.to.Write(rest); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}
