package untrusted

// A ring is a queue of bytes in one slice that it goes around in.
type ring struct {
	buf   []byte
	start int
	used  int
}

// add appends p, for which there is room below limit. The slice doubles until
// it has reached limit.
func (r *ring) add(p []byte, limit int) {
	if need := r.used + len(p); need > len(r.buf) {
		grown := make([]byte, min(max(need, 2*len(r.buf), 4<<10), max(limit, need)))
		copy(grown, r.text(0, r.used))
		r.buf, r.start = grown, 0
	}
	at := r.start + r.used
	if at >= len(r.buf) {
		at -= len(r.buf)
	}
	k := copy(r.buf[at:], p)
	copy(r.buf, p[k:])
	r.used += len(p)
}

// drop removes the n oldest bytes.
func (r *ring) drop(n int) {
	r.used -= n
	r.start += n
	if r.start >= len(r.buf) && n > 0 {
		r.start -= len(r.buf)
	}
}

// text is the size bytes that begin at offset at from the oldest.
func (r *ring) text(at, size int) string {
	if size == 0 {
		return ""
	}
	at = (r.start + at) % len(r.buf)
	if end := at + size; end <= len(r.buf) {
		return string(r.buf[at:end])
	}
	k := len(r.buf) - at
	return string(r.buf[at:]) + string(r.buf[:size-k])
}
