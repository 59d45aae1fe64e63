package tools

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	"orbstack-mcp/orbctl"
	"orbstack-mcp/orbctl/untrusted"
)

// logWanted says which lines of a log are kept.
type logWanted struct {
	Lines   int
	Verbose bool
	Keep    func(line string) bool
	Follow  time.Duration
}

// A logTail is what was kept of a log.
type logTail struct {
	Lines         []string
	Read, Matched int64
	Followed      bool
	New           int64 // of Matched, those that came while following
	NewCut        int64 // new lines that had no room
	Complete      bool
	Doubts        []missing // what speaks against its being the whole log
}

const (
	followed   = 1000 // new lines kept beside the old ones
	totalBytes = 256 << 10
	settle     = 500 * time.Millisecond // what comes later than this after the first line is new,
	breath     = 20 * time.Millisecond  // once there was such a pause: what was there comes without any
	poll       = 2 * time.Second        // between two looks at a log that ends by itself
	newsBytes  = 2000                   // of new lines that one notification tells
)

// A logSink keeps the last lines and, while following, tells a client that listens
// of new ones. A line that it tells of is in the result too, unless so many came
// behind it that it is none of the last.
type logSink struct {
	ctx      context.Context //nolint:containedctx // an io.Writer for the time of one call
	progress *Progress
	old      untrusted.Tail // the last lines of what was there
	fresh    untrusted.Tail // what came while following
	keep     func(string) bool
	follow   bool
	began    time.Time // when the first line came
	heard    time.Time // when the last one came
	paused   bool
	caughtUp bool   // what comes now is new
	news     []byte // new lines that the client is yet to be told of, as far as they fit
	arrived  int    // all of those lines
	untold   int    // those that did not fit at all
	partial  []byte
	came     time.Time // when the last bytes of it did
	skip     int64     // lines of an earlier look that come again
}

func newLogSink(ctx context.Context, p *Progress, w logWanted) *logSink {
	return &logSink{
		ctx: ctx, progress: p, keep: w.Keep, follow: w.Follow > 0,
		old:   untrusted.Tail{Max: w.Lines, TotalBytes: totalBytes, Keep: w.Keep},
		fresh: untrusted.Tail{Max: followed, TotalBytes: totalBytes, Keep: w.Keep},
	}
}

// Write takes clean text as it comes.
func (s *logSink) Write(p []byte) (int, error) {
	if !s.follow {
		return s.old.Write(p)
	}
	n := len(p)
	s.came = time.Now()
	for len(p) > 0 {
		piece, rest, ended := bytes.Cut(p, []byte{'\n'})
		s.partial = append(s.partial, piece[:min(len(piece), max(0, 64<<10-len(s.partial)))]...)
		if ended {
			s.take(string(s.partial), s.came)
			s.partial = s.partial[:0]
		}
		p = rest
	}
	return n, nil
}

// line takes one line without its newline.
func (s *logSink) line(line string) { s.take(line, time.Now()) }

// take is line for one that came at that time.
func (s *logSink) take(line string, came time.Time) {
	if s.skip > 0 {
		s.skip--
		return
	}
	text := []byte(line + "\n")
	if !s.follow || !s.isNew(came) {
		_, _ = s.old.Write(text) // never fails
		return
	}
	_, _ = s.fresh.Write(text)
	if s.keep != nil && !s.keep(line) {
		return
	}
	if !s.progress.Wanted() {
		return
	}
	s.add(line)
	if s.progress.Ready() {
		s.tell()
	}
}

// add takes a line as news: the whole of it, its beginning, or only its number.
func (s *logSink) add(line string) {
	s.arrived++
	room := newsBytes - len(s.news)
	switch {
	case room <= 0:
		s.untold++
	case len(line) > room:
		s.news = append(s.news, strings.ToValidUTF8(line[:room], "")+"…\n"...)
	default:
		s.news = append(s.news, line+"\n"...)
	}
}

// isNew reports whether a line that comes now is none of those that were there
// when the following began. No log says so by itself.
func (s *logSink) isNew(now time.Time) bool {
	if s.began.IsZero() {
		s.began, s.heard = now, now
	}
	s.paused = s.paused || now.Sub(s.heard) >= breath
	s.caughtUp = s.caughtUp || s.paused && now.Sub(s.began) >= settle
	s.heard = now
	return s.caughtUp
}

// reachedEnd reports whether the reading that ended then had come to the end of
// what was there, and waited.
func (s *logSink) reachedEnd(then time.Time) bool {
	return s.caughtUp || s.heard.IsZero() || then.Sub(s.heard) >= breath
}

// tell sends the lines that are new, bounded: the result has the last ones whole.
func (s *logSink) tell() {
	if s.arrived == 0 {
		return
	}
	head := fmt.Sprintf("%d new lines", s.arrived)
	if s.untold > 0 {
		head += fmt.Sprintf(", of which %d are not shown here", s.untold)
	}
	s.progress.Say(s.ctx, head+":\n"+strings.TrimSuffix(string(s.news), "\n"))
	s.news, s.arrived, s.untold = s.news[:0], 0, 0
}

func (s *logSink) tail(complete bool) logTail {
	if len(s.partial) > 0 {
		s.take(string(s.partial), s.came)
		s.partial = nil
	}
	lines, fresh := s.old.Lines(), s.fresh.Lines()
	t := logTail{Read: s.old.Seen() + s.fresh.Seen(), Matched: s.old.Matched() + s.fresh.Matched(), Complete: complete, Followed: s.follow, New: s.fresh.Matched()}
	if t.NewCut = s.fresh.Matched() - int64(len(fresh)); t.NewCut > 0 {
		lines = nil // no hole between the old ones and the new
	}
	t.Lines = within(append(lines, fresh...), totalBytes)
	return t
}

// within is the last of the lines, as many as have room.
func within(lines []string, room int) []string {
	first := len(lines)
	for first > 0 && len(lines[first-1]) <= room {
		first--
		room -= len(lines[first])
	}
	return lines[first:]
}

// machineLog reads OrbStack's own log of a machine. Whether `orbctl logs` ends
// or goes on is not known (docs/orbctl-contract.md §7): one that goes on is read
// until the time is up, one that ends is looked at again while following.
func machineLog(ctx context.Context, c *Call, machine string, w logWanted) (logTail, error) {
	sink := newLogSink(ctx, c.Progress, w)
	until := time.Now().Add(w.Follow)
	for {
		end, err := c.Orb.Logs(ctx, machine, orbctl.LogsQuery{Verbose: w.Verbose, Deadline: max(0, time.Until(until))}, sink)
		if err != nil {
			return logTail{}, err
		}
		left := time.Until(until)
		if left <= 0 || !end.Complete {
			// Following until the time is up is what was asked for, not a cut.
			t := sink.tail(end.Complete || w.Follow > 0 && sink.reachedEnd(until))
			t.Doubts = doubts(end, t)
			return t, nil
		}
		c.Progress.Say(ctx, fmt.Sprintf("waiting for new lines, %d s left", int(left.Seconds())))
		if !pause(ctx, min(poll, left)) {
			return logTail{}, context.Cause(ctx)
		}
		sink.again()
	}
}

// doubts is what can be known of a log that orbctl did not print well: whatever it
// prints is the log (docs/orbctl-contract.md §7).
func doubts(end orbctl.LogsEnd, t logTail) []missing {
	var all []missing
	if t.Read == 0 && end.Complete {
		all = append(all, missing{Part: "lines", Why: "orbctl printed nothing: it cannot be told whether the log is empty or was not printed"})
	}
	if t.Read == 0 && !end.Complete {
		all = append(all, missing{Part: "lines", Why: "orbctl had printed nothing when the time was up: it cannot be told whether the log is empty"})
	}
	if end.MidLine {
		all = append(all, missing{Part: "the end", Why: "what orbctl printed ends in the middle of a line: there may be more"})
	}
	if end.NoText > 0 {
		all = append(all, missing{Part: "characters", Why: fmt.Sprintf("%d bytes that orbctl printed are no text (U+FFFD stands for each): this may not be the log", end.NoText)})
	}
	return all
}

// again makes the sink pass over what it has read: the log starts from its
// beginning once more, and what it has beyond that is new.
func (s *logSink) again() {
	read := s.tail(true).Read
	s.skip, s.caughtUp = read, true
}

func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
