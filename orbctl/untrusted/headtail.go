package untrusted

import (
	"fmt"
	"unicode/utf8"
)

// A HeadTail keeps the first Head and the last Tail bytes of what is written to
// it. Set both before the first Write. Memory is Head + Tail bytes at most.
// Give it clean text: it takes care to cut no character in two.
type HeadTail struct {
	Head, Tail int

	head  []byte
	ring  []byte // the last Tail bytes behind head; the oldest is at next once full
	next  int
	full  bool
	total int64
}

// Write takes all of p and never fails.
func (h *HeadTail) Write(p []byte) (int, error) {
	n := len(p)
	h.total += int64(n)
	k := min(h.Head-len(h.head), n)
	h.head = append(h.head, p[:k]...)
	h.keepLast(p[k:])
	return n, nil
}

func (h *HeadTail) keepLast(p []byte) {
	if over := len(p) - h.Tail; over > 0 {
		p = p[over:]
	}
	for len(p) > 0 {
		if !h.full && h.next == len(h.ring) && len(h.ring) < h.Tail {
			k := min(h.Tail-len(h.ring), len(p))
			h.ring = append(h.ring, p[:k]...)
			p = p[k:]
			h.next += k
		} else {
			k := copy(h.ring[h.next:], p)
			p = p[k:]
			h.next += k
		}
		if h.next == h.Tail {
			h.next, h.full = 0, true
		}
	}
}

// Omitted is how many bytes String leaves out.
func (h *HeadTail) Omitted() int64 {
	_, _, omitted := h.cut()
	return omitted
}

// String is the text, with "[… N bytes omitted …]" on a line of its own where
// something is missing.
func (h *HeadTail) String() string {
	head, tail, omitted := h.cut()
	if omitted == 0 {
		return string(head) + string(tail)
	}
	return fmt.Sprintf("%s\n[… %d bytes omitted …]\n%s", head, omitted, tail)
}

func (h *HeadTail) cut() (head, tail []byte, omitted int64) {
	head, tail = h.head, h.ring
	if h.full && h.next > 0 {
		tail = append(append(make([]byte, 0, len(h.ring)), h.ring[h.next:]...), h.ring[:h.next]...)
	}
	omitted = h.total - int64(len(head)) - int64(len(tail))
	if omitted == 0 {
		return head, tail, 0
	}
	n := wholeRunes(head)
	omitted += int64(len(head) - n)
	head = head[:n]
	for len(tail) > 0 && !utf8.RuneStart(tail[0]) {
		tail = tail[1:]
		omitted++
	}
	return head, tail, omitted
}

// wholeRunes is the length of p without a character that was cut at its end.
func wholeRunes(p []byte) int {
	for k := 1; k < utf8.UTFMax && k <= len(p); k++ {
		if i := len(p) - k; utf8.RuneStart(p[i]) {
			if !utf8.FullRune(p[i:]) {
				return i
			}
			break
		}
	}
	return len(p)
}
