package untrusted_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"orbstack-mcp/orbctl/untrusted"
)

func cleanInChunks(tb checker, in []byte, chunk int) (string, untrusted.Stats) {
	tb.Helper()
	var out bytes.Buffer
	c := untrusted.NewCleaner(&out)
	for len(in) > 0 {
		k := min(chunk, len(in))
		n, err := c.Write(in[:k])
		require.NoError(tb, err)
		require.Equal(tb, k, n)
		in = in[k:]
	}
	require.NoError(tb, c.Close())
	return out.String(), c.Stats()
}

func TestThreat12_CleaningRemovesWhatSteersOrHides(t *testing.T) {
	for _, tc := range []struct{ name, in, want string }{
		{"plain", "hello,\tworld\n", "hello,\tworld\n"},
		{"colour", "\x1b[31mred\x1b[0m", "red"},
		{"clear screen, reset", "\x1b[2Jx\x1bcy", "xy"},
		{"charset", "\x1b(Bx", "x"},
		{"title with BEL", "\x1b]0;title\x07x", "x"},
		{"hyperlink with ST", "\x1b]8;;http://a\x1b\\link\x1b]8;;\x1b\\", "link"},
		{"clipboard", "a\x1b]52;c;ZXZpbA==\x07b", "ab"},
		{"DCS", "a\x1bP+q544e\x1b\\b", "ab"},
		{"APC, PM, SOS", "a\x1b_x\x1b\\b\x1b^y\x1b\\c\x1bXz\x1b\\d", "abcd"},
		{"8-bit CSI", "\u009b31mred", "red"},
		{"8-bit OSC, 8-bit ST", "\u009d0;t\u009cx", "x"},
		{"8-bit DCS APC PM SOS", "\u0090a\u009c1\u009fa\u009c2\u009ea\u009c3\u0098a\u009c4", "1234"},
		{"bare byte 0x9b is no CSI", "\x9b31m", "\ufffd31m"},
		{"other C1", "a\u0084\u009cb", "ab"},
		{"C0 and DEL", "h\x00i\x08\x7f\x0b\x0c!", "hi!"},
		{"CRLF", "a\r\nb\r\r\nc", "a\nb\nc"},
		{"lone CR", "10%\r20%\rdone\r", "10%\n20%\ndone\n"},
		{"CR, erase line, LF", "a\r\x1b[K\nb", "a\nb"},
		{"NEL", "a\u0085b", "a\nb"},
		{"separators", "a\u2028b\u2029c", "a\nb\nc"},
		{"bidi", "ok\u202eevil\u202c\u2066x\u2069\u200e", "okevilx"},
		{"zero width", "a\u200bb\u200cc\u200dd\u2060e\ufefff", "abcdef"},
		{"soft hyphen", "pass\u00adword", "password"},
		{"variation selectors", "a\ufe0fb\U000e0100c", "abc"},
		{"tags", "x\U000e0049\U000e0047\U000e007f", "x"},
		{"Hangul fillers", "a\u115f\u1160\u3164\uffa0b", "ab"},
		{"noncharacters", "a\ufffe\U0001ffff\ufdd0b", "ab"},
		{"kept: accents, CJK, emoji, no-break space", "é日本🙂\u00a0ok", "é日本🙂\u00a0ok"},
		{"invalid bytes", "a\xffb\xc0\xafc", "a\ufffdb\ufffd\ufffdc"},
		{"surrogate half", "\xed\xa0\x80", "\ufffd\ufffd\ufffd"},
		{"cut character at the end", "a\xf0\x9f\x98", "a\ufffd\ufffd\ufffd"},
		{"a real U+FFFD stays", "a\ufffdb", "a\ufffdb"},

		{"unterminated OSC ends with its line", "\x1b]0;title\nnext", "0;title\nnext"},
		{"unterminated OSC at the end", "\x1b]0;title", "0;title"},
		{"unterminated OSC, ESC at the end", "\x1b]0;title\x1b", "0;title"},
		{"unterminated OSC before another sequence", "\x1b]0;title\x1b[1mx", "0;titlex"},
		{"unterminated OSC before an 8-bit one", "\x1b]0;a\u009b1mx", "0;ax"},
		{"cancelled string", "\x1bPabc\x18d", "abcd"},
		{"unterminated CSI", "\x1b[31\nx", "31\nx"},
		{"CSI broken by a letter beyond ASCII", "\x1b[31éx", "31éx"},
		{"control inside a CSI", "\x1b[3\x071mx", "x"},
		{"cancelled CSI", "\x1b[31\x1amx", "31mx"},
		{"ESC at the end", "a\x1b", "a"},
		{"ESC and a newline", "a\x1b\nb", "a\nb"},
		{"ESC ESC", "\x1b\x1b[1mx", "x"},
		{"intermediates do not open a string", "\x1b ]x", "x"},
		{"tab inside a title", "\x1b]0;a\tb\x07x", "x"},
		{"what is given back is clean", "\x1b]0;a\u202eb\x01c\nx", "0;abc\nx"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, _ := cleanInChunks(t, []byte(tc.in), 1<<20)
			assert.Equal(t, tc.want, got)
			assert.Equal(t, tc.want, untrusted.Clean(tc.in))
			checkCleaner(t, []byte(tc.in))
		})
	}
}

func TestCleanerCounts(t *testing.T) {
	_, got := cleanInChunks(t, []byte("\x1b[1mA\x1b[0m\x00\x07\u200b\U000e0041\xff\xfe\n"), 3)
	assert.Equal(t, untrusted.Stats{Bytes: 21, InvalidUTF8: 2, Escapes: 2, Controls: 2, Invisible: 2}, got)
	assert.Equal(t, untrusted.Stats{Bytes: 42, InvalidUTF8: 4, Escapes: 4, Controls: 4, Invisible: 4}, got.Plus(got))
}

func TestUnterminatedStringSwallowsNothing(t *testing.T) {
	rest := strings.Repeat("x", 10000)
	for _, intro := range []string{"\x1b]", "\x1bP", "\x1b_", "\x1b^", "\x1bX", "\u009d", "\u0090"} {
		got, _ := cleanInChunks(t, []byte(intro+rest), 64)
		assert.Equal(t, rest, got, "%q", intro)
	}
	digits := strings.Repeat("1", 10000)
	got, _ := cleanInChunks(t, []byte("\x1b["+digits), 64)
	assert.Equal(t, digits, got)
}

func TestCleanerReportsTheWritersError(t *testing.T) {
	full := errors.New("disk full")
	c := untrusted.NewCleaner(failing{full})
	n, err := c.Write([]byte("abc"))
	assert.Equal(t, 3, n)
	require.ErrorIs(t, err, full)
	require.ErrorIs(t, c.Close(), full)
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// checkCleaner holds for every input.
func checkCleaner(tb checker, in []byte) {
	tb.Helper()
	whole, stats := cleanInChunks(tb, in, len(in)+1)
	require.True(tb, utf8.ValidString(whole), "no UTF-8: %q from %q", whole, in)
	for _, r := range whole {
		bad := r < 0x20 && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0 || untrusted.Invisible(r) || r == 0x2028 || r == 0x2029
		require.False(tb, bad, "%U is left in %q from %q", r, whole, in)
	}
	for _, chunk := range []int{1, 2, 3, 7} {
		cut, cutStats := cleanInChunks(tb, in, chunk)
		require.Equal(tb, whole, cut, "chunks of %d, from %q", chunk, in)
		require.Equal(tb, stats, cutStats, "chunks of %d, from %q", chunk, in)
	}
	packed, err := json.Marshal(whole)
	require.NoError(tb, err)
	var unpacked string
	require.NoError(tb, json.Unmarshal(packed, &unpacked))
	require.Equal(tb, whole, unpacked, "JSON carries it unchanged, from %q", in)
	again, _ := cleanInChunks(tb, []byte(whole), 5)
	require.Equal(tb, whole, again, "not idempotent, from %q", in)
	require.Equal(tb, whole, untrusted.Clean(string(in)))
	if line := untrusted.Line(string(in)); strings.ContainsAny(line, "\n\t") || line != untrusted.Line(line) {
		require.Fail(tb, "Line is no line, or not idempotent", "%q from %q", line, in)
	}
}

// nasty draws text made of what a terminal or a decoder reacts to.
func nasty() *rapid.Generator[string] {
	piece := rapid.OneOf(
		rapid.SampledFrom([]string{
			"\x1b", "\x1b[", "\x1b]", "\x1bP", "\x1b_", "\x1b\\", "\u009b", "\u009d", "\u009c", "\u0085", "\x07", "\x18", "\r", "\n", "\r\n", "\t", "\x00", "\x7f",
			"31m", "0;t", ";", " ", "abc", "é", "日", "🙂", "\u200b", "\u202e", "\U000e0041", "\u2028", "\xff", "\xf0\x9f", "\xe2\x80", "\xc2", "\x9b", "\xed\xa0\x80",
		}),
		rapid.String(),
	)
	return rapid.Map(rapid.SliceOfN(piece, 0, 40), func(s []string) string { return strings.Join(s, "") })
}

func TestThreat12_CleaningHoldsForNastyText(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) { checkCleaner(rt, []byte(nasty().Draw(rt, "in"))) })
}

func FuzzCleaner(f *testing.F) {
	for _, s := range []string{"\x1b[31mx", "a\xff\xe2\x28\xa1", "\u009b1m", "\x1bP+q\x1b\\", "\xf0\x9f\x98", "\r\r\n\u2028\U000e0001", "\x1b]0;a\x1b]1;b\x07c", "\x1b(\xc2\x9d\x1b"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) { checkCleaner(t, in) })
}

func TestLine(t *testing.T) {
	for in, want := range map[string]string{
		"web":                         "web",
		"  a\n\tb  c \n":              "a b  c",
		"\x1b[1mweb\x1b[0m\r\nIGNORE": "web IGNORE",
		"":                            "",
		"\n\t":                        "",
	} {
		assert.Equal(t, want, untrusted.Line(in), "%q", in)
	}
}

func BenchmarkCleaner(b *testing.B) {
	noise := make([]byte, 64<<10)
	x := uint32(1)
	for i := range noise {
		x = x*1664525 + 1013904223
		noise[i] = byte(x >> 24)
	}
	for _, bc := range []struct {
		name string
		text []byte
	}{
		{"ascii", bytes.Repeat([]byte("Nov 23 10:11:12 web systemd[1]: Started a unit of some length.\n"), 1000)},
		{"ansi+utf8", bytes.Repeat([]byte("\x1b[32mhello\x1b[0m wörld ✓ line\r\n"), 2000)},
		{"noise", noise},
	} {
		b.Run(bc.name, func(b *testing.B) {
			b.SetBytes(int64(len(bc.text)))
			b.ReportAllocs()
			c := untrusted.NewCleaner(io.Discard)
			for b.Loop() {
				_, _ = c.Write(bc.text)
			}
		})
	}
}

// checker is a *testing.T, *testing.F or *rapid.T.
type checker interface {
	require.TestingT
	Helper()
}

// A character of Unicode's that formats and leaves no mark itself does not pass.
func TestFormatCharactersThatLeaveNoMarkAreHidden(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if unicode.Is(unicode.Cf, r) {
			assert.Equal(t, !unicode.Is(unicode.Prepended_Concatenation_Mark, r), untrusted.Invisible(r), "%U", r)
		}
	}
}
