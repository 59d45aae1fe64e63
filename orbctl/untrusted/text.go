package untrusted

import "strings"

// Clean cleans a whole text as a [Cleaner] does: newline and tab stay.
func Clean(s string) string {
	if isClean(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	c := NewCleaner(&b)
	_, _ = c.Write([]byte(s)) // a strings.Builder takes everything
	_ = c.Close()
	return b.String()
}

// isClean spares plain ASCII, which is nearly everything, the work.
func isClean(s string) bool {
	for i := range len(s) {
		if b := s[i]; (b < 0x20 || b >= 0x7f) && b != '\n' && b != '\t' {
			return false
		}
	}
	return true
}

// Line cleans a name or a value that is to stand inside a sentence: each run of
// newlines and tabs becomes one space, and the ends are trimmed.
func Line(s string) string {
	s = strings.TrimSpace(Clean(s))
	if !strings.ContainsAny(s, "\n\t") {
		return s
	}
	var b strings.Builder
	gap := false
	for _, r := range s {
		if r == '\n' || r == '\t' {
			gap = true
			continue
		}
		if gap {
			b.WriteByte(' ')
			gap = false
		}
		b.WriteRune(r)
	}
	return b.String()
}
