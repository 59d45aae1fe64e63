package tools

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

// numbered is that many lines of a log.
func numbered(name string, from, to int) string {
	var b strings.Builder
	for i := from; i <= to; i++ {
		fmt.Fprintf(&b, "%s %d\n", name, i)
	}
	return b.String()
}

// What was there when the following began is bounded by lines; what comes then is
// all there, up to a bound of its own.
func TestFollowingKeepsTheLastOldLinesAndAllNewOnes(t *testing.T) {
	t.Parallel()
	type piece struct {
		after time.Duration
		text  string
	}
	soon := func(text string) piece { return piece{time.Second, text} }
	for name, tt := range map[string]struct {
		lines  int
		keep   string
		pieces []piece
		last   []string // the last lines kept, of so many
		kept   int
		counts [2]int64 // read, matched
		newCut int64
	}{
		"many old lines and none new": {
			lines: 2, pieces: []piece{{0, numbered("old", 1, 6000)}},
			last: []string{"old 5999", "old 6000"}, kept: 2, counts: [2]int64{6000, 6000},
		},
		"old lines that take long to read": {
			lines:  2,
			pieces: []piece{{0, numbered("old", 1, 3000)}, {15 * time.Millisecond, numbered("old", 3001, 4000)}, {19 * time.Millisecond, numbered("old", 4001, 6000)}},
			last:   []string{"old 5999", "old 6000"}, kept: 2, counts: [2]int64{6000, 6000},
		},
		"old and new": {
			lines: 1, pieces: []piece{{0, numbered("old", 1, 10)}, soon(numbered("new", 1, 3)), soon("new 4\n")},
			last: []string{"old 10", "new 1", "new 2", "new 3", "new 4"}, kept: 5, counts: [2]int64{14, 14},
		},
		"an old line without an end": {
			lines: 1, pieces: []piece{{0, "old 1\nold 2"}},
			last: []string{"old 2"}, kept: 1, counts: [2]int64{2, 2},
		},
		"a pattern": {
			lines: 1, keep: "[13]$", pieces: []piece{{0, numbered("old", 1, 4)}, soon(numbered("new", 1, 4))},
			last: []string{"old 3", "new 1", "new 3"}, kept: 3, counts: [2]int64{8, 4},
		},
		"a pattern that no old line has": {
			lines: 1, keep: "^new", pieces: []piece{{0, numbered("old", 1, 4)}, soon(numbered("new", 1, 4))},
			last: []string{"new 1", "new 2", "new 3", "new 4"}, kept: 4, counts: [2]int64{8, 4},
		},
		"more new lines than are kept": {
			lines: 2, pieces: []piece{{0, numbered("old", 1, 5)}, soon(numbered("new", 1, 1500))},
			last: []string{"new 1500"}, kept: 1000, counts: [2]int64{1505, 1505}, newCut: 500,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				wanted := logWanted{Lines: tt.lines, Follow: 10 * time.Second}
				if tt.keep != "" {
					wanted.Keep = regexp.MustCompile(tt.keep).MatchString
				}
				sink := newLogSink(t.Context(), nil, wanted)
				for _, p := range tt.pieces {
					time.Sleep(p.after) // of the bubble's own clock
					_, err := sink.Write([]byte(p.text))
					assert.NoError(t, err)
				}
				time.Sleep(time.Second)
				assert.True(t, sink.reachedEnd(time.Now()))
				got := sink.tail(true)
				assert.Len(t, got.Lines, tt.kept)
				assert.Equal(t, tt.last, got.Lines[max(0, len(got.Lines)-len(tt.last)):])
				assert.Equal(t, tt.counts, [2]int64{got.Read, got.Matched})
				assert.Equal(t, tt.newCut, got.NewCut)
			})
		})
	}
}

// What is still read when the time is up has not been followed.
func TestFollowingThatNeverCaughtUpSaysSo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sink := newLogSink(t.Context(), nil, logWanted{Lines: 2, Follow: time.Second})
		for i := range 200 {
			time.Sleep(5 * time.Millisecond)
			sink.line(fmt.Sprintf("old %d", i))
		}
		assert.False(t, sink.reachedEnd(time.Now()))
		assert.Equal(t, []string{"old 198", "old 199"}, sink.tail(false).Lines)
	})
}

// Of lines that a second look has beyond the first, none is old.
func TestAWholeSecondLookHasOnlyNewLines(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sink := newLogSink(t.Context(), nil, logWanted{Lines: 1, Follow: time.Second})
		_, _ = sink.Write([]byte("a\nb\n")) // never fails
		sink.again()
		_, _ = sink.Write([]byte("a\nb\nc\nd\n"))
		assert.Equal(t, []string{"b", "c", "d"}, sink.tail(true).Lines)
	})
}
