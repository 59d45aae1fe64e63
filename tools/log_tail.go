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
	Complete      bool
}

const (
	followed   = 1000 // new lines kept beside the old ones
	totalBytes = 256 << 10
	settle     = 500 * time.Millisecond // what comes later than this after the first line is new
	poll       = 2 * time.Second        // between two looks at a log that ends by itself
	newsBytes  = 2000                   // of new lines that one notification tells
)

// A logSink keeps the last lines and, while following, tells a client that listens
// of new ones. A line that it tells of is in the result too, unless so many came
// behind it that it is none of the last.
type logSink struct {
	ctx      context.Context //nolint:containedctx // an io.Writer for the time of one call
	progress *Progress
	kept     untrusted.Tail
	keep     func(string) bool
	follow   bool
	began    time.Time
	news     []byte // new lines that the client is yet to be told of, as far as they fit
	fresh    int    // all of those lines
	untold   int    // those that did not fit at all
	partial  []byte
	skip     int64 // lines of an earlier look that come again
}

func newLogSink(ctx context.Context, p *Progress, w logWanted) *logSink {
	most := w.Lines
	if w.Follow > 0 {
		most += followed
	}
	return &logSink{ctx: ctx, progress: p, keep: w.Keep, follow: w.Follow > 0, kept: untrusted.Tail{Max: most, TotalBytes: totalBytes, Keep: w.Keep}}
}

// Write takes clean text as it comes.
func (s *logSink) Write(p []byte) (int, error) {
	if !s.follow {
		return s.kept.Write(p)
	}
	n := len(p)
	for len(p) > 0 {
		piece, rest, ended := bytes.Cut(p, []byte{'\n'})
		s.partial = append(s.partial, piece[:min(len(piece), max(0, 64<<10-len(s.partial)))]...)
		if ended {
			s.line(string(s.partial))
			s.partial = s.partial[:0]
		}
		p = rest
	}
	return n, nil
}

// line takes one line without its newline.
func (s *logSink) line(line string) {
	if s.skip > 0 {
		s.skip--
		return
	}
	_, _ = s.kept.Write([]byte(line + "\n")) // never fails
	if !s.follow || s.keep != nil && !s.keep(line) {
		return
	}
	now := time.Now()
	if s.began.IsZero() {
		s.began = now
	}
	if now.Sub(s.began) < settle {
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
	s.fresh++
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

// tell sends the lines that are new, bounded: the result has the last ones whole.
func (s *logSink) tell() {
	if s.fresh == 0 {
		return
	}
	head := fmt.Sprintf("%d new lines", s.fresh)
	if s.untold > 0 {
		head += fmt.Sprintf(", of which %d are not shown here", s.untold)
	}
	s.progress.Say(s.ctx, head+":\n"+strings.TrimSuffix(string(s.news), "\n"))
	s.news, s.fresh, s.untold = s.news[:0], 0, 0
}

func (s *logSink) tail(complete bool) logTail {
	if len(s.partial) > 0 {
		s.line(string(s.partial))
		s.partial = nil
	}
	return logTail{Lines: s.kept.Lines(), Read: s.kept.Seen(), Matched: s.kept.Matched(), Complete: complete}
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
			return sink.tail(end.Complete || w.Follow > 0), nil
		}
		c.Progress.Say(ctx, fmt.Sprintf("waiting for new lines, %d s left", int(left.Seconds())))
		if !pause(ctx, min(poll, left)) {
			return logTail{}, context.Cause(ctx)
		}
		sink.again()
	}
}

// again makes the sink pass over what it has read: the log starts from its
// beginning once more.
func (s *logSink) again() {
	read := s.tail(true).Read
	s.skip = read
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
