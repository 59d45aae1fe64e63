package stdio

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

const (
	readChunk = 64 << 10
	headKept  = 64 << 10 // of a line too long: where its id is looked for
	tailKept  = 4 << 10
)

// line is one line of the input, or the error that ended it.
type line struct {
	text    []byte
	tooLong bool
	outline outline // of a line too long
	err     error   // io.EOF at the end of input
}

// readLines sends the lines of in until quit is closed, and into end, which has room
// for it, the error that ended them: who takes no lines for a while has to see it all
// the same. Blocked in Read it notices quit only at the next line or when in is closed.
func readLines(in io.Reader, limit int, lines chan<- line, end chan<- error, quit <-chan struct{}) {
	r := bufio.NewReaderSize(in, readChunk)
	for {
		l := readLine(r, limit)
		if l.err != nil {
			end <- l.err
			return
		}
		select {
		case lines <- l:
		case <-quit:
			return
		}
	}
}

// readLine reads up to the next newline, which it takes off. A line longer
// than limit is read to its end, but of it only head and tail are kept. A last
// line without a newline is a line.
func readLine(r *bufio.Reader, limit int) line {
	var text, head, tail []byte
	tooLong, some := false, false
	for {
		part, err := r.ReadSlice('\n')
		some = some || len(part) > 0
		if !tooLong && len(text)+len(bytes.TrimRight(part, "\r\n")) > limit {
			tooLong = true
			head = append(head, text[:min(len(text), headKept)]...)
			head = append(head, part[:min(len(part), headKept-len(head))]...)
			tail, text = append(tail, text[max(0, len(text)-tailKept):]...), nil
		}
		if tooLong {
			tail = append(tail, part...)
			tail = append(tail[:0], tail[max(0, len(tail)-tailKept):]...)
		} else {
			text = append(text, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case tooLong:
			return line{tooLong: true, outline: recoverOutline(head, tail)}
		case err != nil && (!some || !errors.Is(err, io.EOF)):
			return line{err: err}
		default:
			return line{text: bytes.Trim(text, " \t\r\n")} // the spaces of JSON, no others
		}
	}
}
