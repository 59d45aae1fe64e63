package untrusted

import "unicode"

// Controls that mean something to a Cleaner (ECMA-48 §8.3).
const (
	bel = '\x07'
	can = '\x18'
	sub = '\x1a'
	esc = '\x1b'

	nel = '\u0085'
	dcs = '\u0090'
	sos = '\u0098'
	csi = '\u009b'
	st  = '\u009c'
	osc = '\u009d'
	pm  = '\u009e'
	apc = '\u009f'

	lineSeparator      = '\u2028'
	paragraphSeparator = '\u2029'
)

// isC0 reports a control character that is never shown: C0 without newline and
// tab, and DEL.
func isC0(r rune) bool { return r < 0x20 && r != '\n' && r != '\t' || r == 0x7f }

// isC1 reports an 8-bit control character.
func isC1(r rune) bool { return r >= 0x80 && r <= 0x9f }

// hidden are the characters that leave no mark on a page but reach a model all
// the same, or that turn the order of what is shown: Unicode's
// Default_Ignorable_Code_Point, the bidi controls, interlinear annotation.
// The two separators are in step, where they become newlines.
var hidden = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x00ad, Hi: 0x00ad, Stride: 1}, // soft hyphen
		{Lo: 0x034f, Hi: 0x034f, Stride: 1}, // combining grapheme joiner
		{Lo: 0x061c, Hi: 0x061c, Stride: 1}, // Arabic letter mark
		{Lo: 0x115f, Hi: 0x1160, Stride: 1}, // Hangul fillers
		{Lo: 0x17b4, Hi: 0x17b5, Stride: 1}, // Khmer inherent vowels
		{Lo: 0x180b, Hi: 0x180f, Stride: 1}, // Mongolian variation selectors
		{Lo: 0x200b, Hi: 0x200f, Stride: 1}, // zero width, direction marks
		{Lo: 0x202a, Hi: 0x202e, Stride: 1}, // bidi embeddings and overrides
		{Lo: 0x2060, Hi: 0x206f, Stride: 1}, // word joiner, invisible operators, bidi isolates
		{Lo: 0x3164, Hi: 0x3164, Stride: 1}, // Hangul filler
		{Lo: 0xfdd0, Hi: 0xfdef, Stride: 1}, // noncharacters
		{Lo: 0xfe00, Hi: 0xfe0f, Stride: 1}, // variation selectors
		{Lo: 0xfeff, Hi: 0xfeff, Stride: 1}, // byte order mark
		{Lo: 0xffa0, Hi: 0xffa0, Stride: 1}, // halfwidth Hangul filler
		{Lo: 0xfff0, Hi: 0xfffb, Stride: 1}, // reserved, interlinear annotation
	},
	R32: []unicode.Range32{
		{Lo: 0x13430, Hi: 0x1343f, Stride: 1}, // Egyptian hieroglyph format controls
		{Lo: 0x1bca0, Hi: 0x1bca3, Stride: 1}, // shorthand format controls
		{Lo: 0x1d173, Hi: 0x1d17a, Stride: 1}, // musical format controls
		{Lo: 0xe0000, Hi: 0xe0fff, Stride: 1}, // tags, variation selectors supplement
	},
}

func invisible(r rune) bool {
	if r < 0xad {
		return false
	}
	return unicode.Is(hidden, r) || r&0xfffe == 0xfffe // U+xFFFE and U+xFFFF are noncharacters
}
