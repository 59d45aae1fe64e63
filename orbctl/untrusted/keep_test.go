package untrusted_test

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"orbstack-mcp/orbctl/untrusted"
)

func TestHeadTailKeepsBothEnds(t *testing.T) {
	for _, tc := range []struct {
		name, in   string
		head, tail int
		want       string
		omitted    int64
	}{
		{"all of it", "abcdefgh", 4, 4, "abcdefgh", 0},
		{"less than the head", "ab", 4, 4, "ab", 0},
		{"the middle is cut", "abcdefghij", 3, 2, "abc\n[… 5 bytes omitted …]\nij", 5},
		{"no tail", "abcdef", 3, 0, "abc\n[… 3 bytes omitted …]\n", 3},
		{"no head", "abcdef", 0, 2, "\n[… 4 bytes omitted …]\nef", 4},
		{"nothing kept", "abc", 0, 0, "\n[… 3 bytes omitted …]\n", 3},
		{"a character across the head's end", "aé" + "xxxxxxxx" + "z", 2, 1, "a\n[… 10 bytes omitted …]\nz", 10},
		{"a character across the tail's start", "axxxxxxxx🙂z", 1, 3, "a\n[… 12 bytes omitted …]\nz", 12},
		{"empty", "", 3, 3, "", 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := untrusted.HeadTail{Head: tc.head, Tail: tc.tail}
			n, err := h.Write([]byte(tc.in))
			require.NoError(t, err)
			assert.Equal(t, len(tc.in), n)
			assert.Equal(t, tc.want, h.String())
			assert.Equal(t, tc.omitted, h.Omitted())
		})
	}
}

func TestHeadTailIsIndependentOfChunks(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		head, tail := rapid.IntRange(0, 20).Draw(rt, "head"), rapid.IntRange(0, 20).Draw(rt, "tail")
		text := strings.Join(rapid.SliceOf(rapid.SampledFrom([]string{"a", "é", "日", "🙂", "\n", "some words"})).Draw(rt, "text"), "")
		whole := untrusted.HeadTail{Head: head, Tail: tail}
		_, _ = whole.Write([]byte(text))
		cut := untrusted.HeadTail{Head: head, Tail: tail}
		for rest := []byte(text); len(rest) > 0; {
			k := rapid.IntRange(1, len(rest)).Draw(rt, "chunk")
			_, _ = cut.Write(rest[:k])
			rest = rest[k:]
		}
		got := cut.String()
		require.Equal(rt, whole.String(), got)
		require.True(rt, utf8.ValidString(got))
		if cut.Omitted() == 0 {
			require.Equal(rt, text, got)
			return
		}
		first, rest, found := strings.Cut(got, fmt.Sprintf("\n[… %d bytes omitted …]\n", cut.Omitted()))
		require.True(rt, found)
		require.True(rt, strings.HasPrefix(text, first))
		require.True(rt, strings.HasSuffix(text, rest))
		require.Equal(rt, int64(len(text)), int64(len(first)+len(rest))+cut.Omitted())
	})
}

func TestTailKeepsTheLastLines(t *testing.T) {
	tail := untrusted.Tail{Max: 3}
	for i := range 10 {
		fmt.Fprintf(&tail, "line %d\n", i)
	}
	assert.Equal(t, []string{"line 7", "line 8", "line 9"}, tail.Lines())
	assert.EqualValues(t, 10, tail.Seen())
	fmt.Fprint(&tail, "unfin")
	fmt.Fprint(&tail, "ished")
	assert.Equal(t, []string{"line 8", "line 9", "unfinished"}, tail.Lines())
	assert.EqualValues(t, 11, tail.Seen())
	assert.EqualValues(t, 11, tail.Matched())
}

func TestTailFilters(t *testing.T) {
	tail := untrusted.Tail{Max: 2, Keep: func(l string) bool { return strings.Contains(l, "error") }}
	fmt.Fprint(&tail, "error 1\nok\nerror 2\nok\nok\nerror 3\nlast ok")
	assert.Equal(t, []string{"error 2", "error 3"}, tail.Lines())
	assert.EqualValues(t, 7, tail.Seen())
	assert.EqualValues(t, 3, tail.Matched())
	fmt.Fprint(&tail, " no: error")
	assert.Equal(t, []string{"error 3", "last ok no: error"}, tail.Lines())
	assert.EqualValues(t, 4, tail.Matched())
}

func TestTailCutsLongLinesAndSaysSo(t *testing.T) {
	tail := untrusted.Tail{Max: 5, LineBytes: 6}
	fmt.Fprint(&tail, "123456\n1234567\n12345é\n")
	for range 5 {
		fmt.Fprint(&tail, "abc")
	}
	assert.Equal(t, []string{"123456", "123456 [… 1 bytes omitted …]", "12345 [… 2 bytes omitted …]", "abcabc [… 9 bytes omitted …]"}, tail.Lines())
}

func TestTailBoundsItsTotal(t *testing.T) {
	tail := untrusted.Tail{Max: 1000, LineBytes: 100, TotalBytes: 250}
	for i := range 50 {
		fmt.Fprintf(&tail, "%d:%s\n", i, strings.Repeat("x", 90))
	}
	lines := tail.Lines()
	require.Len(t, lines, 2)
	assert.True(t, strings.HasPrefix(lines[1], "49:"))
	assert.EqualValues(t, 50, tail.Seen())
	assert.EqualValues(t, 50, tail.Matched())
}

func TestTailOfNoLinesOnlyCounts(t *testing.T) {
	var tail untrusted.Tail
	fmt.Fprint(&tail, "a\nb\nc")
	assert.Empty(t, tail.Lines())
	assert.EqualValues(t, 3, tail.Seen())
}

func TestTailAgreesWithASimpleModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		limit := rapid.IntRange(0, 6).Draw(rt, "max")
		text := strings.Join(rapid.SliceOf(rapid.SampledFrom([]string{"a", "bb", "é", "\n", "\n", "some words"})).Draw(rt, "text"), "")
		tail := untrusted.Tail{Max: limit, TotalBytes: 1 << 16}
		for rest := []byte(text); len(rest) > 0; {
			k := rapid.IntRange(1, len(rest)).Draw(rt, "chunk")
			_, _ = tail.Write(rest[:k])
			rest = rest[k:]
		}
		var want []string
		for line := range strings.Lines(text) {
			want = append(want, strings.TrimSuffix(line, "\n"))
		}
		require.EqualValues(rt, len(want), tail.Seen())
		require.Equal(rt, append([]string{}, want[max(0, len(want)-limit):]...), tail.Lines())
	})
}

func TestTailRingAgreesWithAModelUnderEviction(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		tail := untrusted.Tail{Max: 40, LineBytes: 30, TotalBytes: 100}
		var model []string
		used := 0
		for i, size := range rapid.SliceOfN(rapid.IntRange(0, 30), 0, 200).Draw(rt, "sizes") {
			line := strings.Repeat(string(rune('a'+i%26)), size)
			fmt.Fprintln(&tail, line)
			model = append(model, line)
			used += size
			for len(model) > 40 || used > 100 {
				used -= len(model[0])
				model = model[1:]
			}
		}
		require.Equal(rt, append([]string{}, model...), tail.Lines())
	})
}

func TestAHugeLogCostsNoMemory(t *testing.T) {
	chunks := 4096 // 256 MB; a gigabyte was measured to be the same
	if testing.Short() {
		chunks = 256
	}
	chunk := bytes.Repeat([]byte("Nov 23 10:11:12 web kernel: [12.345] eth0: link is up, and a little more\n"), 900)
	tail := &untrusted.Tail{Max: 100}
	c := untrusted.NewCleaner(tail)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for range chunks {
		_, _ = c.Write(chunk)
	}
	runtime.ReadMemStats(&after)
	assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(2<<20), "allocated for %d MB of log", c.Stats().Bytes>>20)
	assert.EqualValues(t, chunks*900, tail.Seen())
	assert.Len(t, tail.Lines(), 100)
}

func BenchmarkLog(b *testing.B) {
	chunk := bytes.Repeat([]byte("Nov 23 10:11:12 web systemd[1]: Started a unit of some length.\n"), 1000)
	for _, bc := range []struct {
		name string
		keep func(string) bool
	}{{"last 100 lines", nil}, {"last 100 lines with a filter", func(l string) bool { return strings.Contains(l, "error") }}} {
		b.Run(bc.name, func(b *testing.B) {
			b.SetBytes(int64(len(chunk)))
			b.ReportAllocs()
			c := untrusted.NewCleaner(&untrusted.Tail{Max: 100, Keep: bc.keep})
			for b.Loop() {
				_, _ = c.Write(chunk)
			}
		})
	}
}
