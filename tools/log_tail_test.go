package tools

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// following is a sink that has read what was there, so that what comes is new; told
// gets what the client is told of.
func following(t *testing.T, told *[]string) *logSink {
	t.Helper()
	var p *Progress
	if told != nil {
		p = &Progress{send: func(_ context.Context, _ float64, message string) { *told = append(*told, message) }}
	}
	s := newLogSink(t.Context(), p, logWanted{Lines: 50, Follow: 45 * time.Second})
	s.line("old")
	time.Sleep(settle)
	return s
}

func TestNewLinesAreNotKeptForAClientThatDoesNotListen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := following(t, nil)
		for range 10_000 {
			s.line("new")
		}
		assert.Empty(t, s.news)
		assert.Zero(t, s.arrived)
		assert.Len(t, s.tail(true).Lines, followed, "the result has the last ones all the same")
	})
}

func TestWhatAClientIsToldOfIsBounded(t *testing.T) {
	for name, test := range map[string]struct {
		lines []string
		head  string
	}{
		"all fit":       {lines: []string{"one", "two"}, head: "2 new lines:\none\ntwo"},
		"too many":      {lines: strings.Split(strings.Repeat("0123456789\n", 1000)+"last", "\n"), head: "1001 new lines, of which 819 are not shown here:\n0123456789\n"},
		"one too long":  {lines: []string{strings.Repeat("é", 40_000)}, head: "1 new lines:\né"},
		"then one more": {lines: []string{strings.Repeat("é", 40_000), "more"}, head: "2 new lines, of which 1 are not shown here:\né"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var told []string
				s := following(t, &told)
				s.line("first") // is told at once, and the next ones have to wait
				for _, line := range test.lines {
					s.line(line)
				}
				assert.LessOrEqual(t, len(s.news), newsBytes+len("…\n"))
				s.tell()
				require.Len(t, told, 2)
				assert.Equal(t, "1 new lines:\nfirst", told[0])
				assert.True(t, strings.HasPrefix(told[1], test.head), "%.100s", told[1])
				assert.Less(t, len(told[1]), newsBytes+100)
				s.tell()
				assert.Len(t, told, 2, "nothing is told twice")
			})
		})
	}
}

// A result of following says how many of its lines are new; one that never caught up,
// or did not follow, cannot.
func TestFollowingSaysHowManyLinesAreNew(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tail logTail
		note string
	}{
		"some":            {logTail{Followed: true, Complete: true, New: 2, Matched: 5}, "New matching lines while following: 2."},
		"none":            {logTail{Followed: true, Complete: true}, "New matching lines while following: 0."},
		"never caught up": {logTail{Followed: true}, ""},
		"no following":    {logTail{Complete: true}, ""},
	} {
		assert.Equal(t, c.note, logsFrom("web", logOfMachine, c.tail).Note, name)
	}
}
