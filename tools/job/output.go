package job

import (
	"bytes"
	"sync"
	"unicode/utf8"
)

// keepOutput is how much of a job's output can be read again, in bytes.
const keepOutput = 256 << 10

// An Output is what a job has printed: all of it is counted, and the last 256 KiB
// are kept. The zero value is empty. It never blocks a writer.
type Output struct {
	mu    sync.Mutex
	last  []byte
	total int64
}

// Write takes clean text, which is UTF-8.
func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.total += int64(len(p))
	o.last = append(o.last, p...)
	if len(o.last) > 2*keepOutput { // seldom, so that copying costs little
		o.last = append(o.last[:0], o.last[len(o.last)-keepOutput:]...)
	}
	return len(p), nil
}

// settle gives memory back: nothing more comes.
func (o *Output) settle() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.last = bytes.Clone(o.last[max(0, len(o.last)-keepOutput):])
}

// held is how many bytes it takes in memory.
func (o *Output) held() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return cap(o.last)
}

// A Part is a stretch of an output. Offsets are bytes from its very start.
type Part struct {
	Text     string
	From, To int64 // To is where the next part begins
	Lost     int64 // bytes between the offset that was asked for and From, which are kept no longer
	Total    int64 // bytes printed so far
}

// Read is at most so many bytes from an offset on; whole characters only.
func (o *Output) Read(offset int64, most int) Part {
	o.mu.Lock()
	defer o.mu.Unlock()
	first := o.total - int64(min(len(o.last), keepOutput))
	offset = min(max(offset, 0), o.total)
	from := max(offset, first)
	held := o.last[int64(len(o.last))-(o.total-from):]
	for len(held) > 0 && !utf8.RuneStart(held[0]) {
		held, from = held[1:], from+1
	}
	if len(held) > most {
		held = held[:most]
	}
	for cut := 0; cut < utf8.UTFMax && len(held) > 0; cut++ { // the last one may be there in part
		if r, size := utf8.DecodeLastRune(held); r != utf8.RuneError || size > 1 {
			break
		}
		held = held[:len(held)-1]
	}
	return Part{Text: string(held), From: from, To: from + int64(len(held)), Lost: from - offset, Total: o.total}
}
