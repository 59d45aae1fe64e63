package orbctl

import (
	"bytes"
	"context"
	"errors"
	"io"
	"time"

	"orbstack-mcp/orbctl/guest"
	"orbstack-mcp/orbctl/runner"
	"orbstack-mcp/orbctl/untrusted"
)

// A LogsQuery chooses from OrbStack's own log of a machine.
type LogsQuery struct {
	Verbose  bool          // everything, with -a
	Deadline time.Duration // how long to read; 0: the runner's own
}

// LogsEnd is how the reading of a log ended.
type LogsEnd struct {
	Complete bool          // the log ended; if not, the deadline came first and what was read is not all
	MidLine  bool          // it ended without a newline: there may have been more
	NoText   int64         // bytes that were no UTF-8, each of which became U+FFFD
	Took     time.Duration // reading
}

// Logs reads OrbStack's own log of a machine, running or not, into sink as it
// comes, cleaned, without bound and without the update banner: one run. Whether
// the real `logs` ends or follows is not known (docs/orbctl-contract.md §7), so
// the deadline is no error: Complete is false then. On an error, what is in
// sink already is true, but not all.
func (c *Client) Logs(ctx context.Context, machine string, q LogsQuery, sink io.Writer) (LogsEnd, error) {
	head := &bannerFilter{to: sink}
	call := runner.Call{
		Op: runner.OpLogs, Machine: machine, Verbose: q.Verbose, Deadline: q.Deadline, Stdout: head,
	}
	res, err := c.run(ctx, call)
	sinkErr := head.Close()
	if head.seen {
		c.note(runner.Result{Stdout: head.text})
	}
	switch {
	case logIsLate(err) && ctx.Err() == nil && sinkErr == nil:
		return LogsEnd{Took: res.Took}, nil
	case err != nil:
		return LogsEnd{Took: res.Took}, c.withNames(ctx, err)
	}
	return LogsEnd{Complete: true, MidLine: head.midLine, NoText: res.Text.InvalidUTF8, Took: res.Took}, sinkErr
}

// logIsLate: the log's own deadline came, and not that of status before it, which
// would be a log of which nothing was read.
func logIsLate(err error) bool {
	late, ok := errors.AsType[*runner.TimeoutError](err)
	return ok && late.Op == runner.OpLogs
}

// bannerFilter passes a stream on without an update banner at its start. It
// holds back no more than the box may be long.
type bannerFilter struct {
	to   io.Writer
	held []byte
	open bool // the start is over
	seen bool
	text string // the banner
	rest bool   // something after the banner was passed on

	midLine bool // the last byte that came was no newline
}

const maxBanner = 8 << 10

func (f *bannerFilter) Write(p []byte) (int, error) {
	n := len(p)
	if n > 0 {
		f.midLine = p[n-1] != '\n'
	}
	if f.open && (!f.seen || f.rest) {
		_, err := f.to.Write(p)
		return n, err
	}
	f.held = append(f.held, p...)
	if f.open {
		return n, f.skipBlankLines()
	}
	if !f.undecided() {
		return n, f.release()
	}
	return n, nil
}

// skipBlankLines takes the blank lines behind a banner away, as StripBanner does.
func (f *bannerFilter) skipBlankLines() error {
	for {
		line, after, whole := bytes.Cut(f.held, []byte("\n"))
		if len(bytes.TrimSpace(line)) > 0 || len(line) > maxBanner {
			held := f.held
			f.held, f.rest = nil, true
			_, err := f.to.Write(held)
			return err
		}
		if !whole { // it may become a line with something in it
			return nil
		}
		f.held = after
	}
}

// undecided reports whether what is held may still be the beginning of a banner:
// nothing but blank lines and whole or growing box lines.
func (f *bannerFilter) undecided() bool {
	if len(f.held) > maxBanner {
		return false
	}
	for line := range bytes.Lines(f.held) {
		text := bytes.TrimSpace(line)
		switch {
		case len(text) == 0:
		case bytes.HasPrefix(text, []byte("╰")) && bytes.HasSuffix(line, []byte("\n")):
			return false // the box is whole
		case !startsBoxLine(text):
			return false
		}
	}
	return true
}

// startsBoxLine reports whether text begins with the left edge of a box, or is
// the first bytes of one.
func startsBoxLine(text []byte) bool {
	for _, edge := range []string{"╭", "│", "╰"} {
		if bytes.HasPrefix(text, []byte(edge)) || bytes.HasPrefix([]byte(edge), text) {
			return true
		}
	}
	return false
}

func (f *bannerFilter) release() error {
	f.open = true
	rest, seen := StripBanner(string(f.held))
	if seen {
		f.seen, f.text = true, string(f.held)
	}
	f.held, f.rest = nil, rest != ""
	if rest == "" {
		return nil
	}
	_, err := io.WriteString(f.to, rest)
	return err
}

// Close passes on what is held.
func (f *bannerFilter) Close() error {
	if f.open || len(f.held) == 0 {
		return nil
	}
	return f.release()
}

// Journal reads a log inside a machine that runs, and hands each line to sink as
// it comes, cleaned: one run. It asks as root, since the journal shows other
// users no more than their own messages. A report whose Complete is false has
// true lines, but not all.
func (c *Client) Journal(
	ctx context.Context, m MachineInfo, q guest.JournalQuery, sink func(line string),
) (guest.JournalReport, ProbeMeta, error) {
	script, args, limit, err := guest.Journal(q)
	if bad, ok := errors.AsType[*guest.JournalQueryError](err); ok {
		return guest.JournalReport{}, ProbeMeta{}, invalid(bad.Field, untrusted.Line(bad.Value), bad.Why)
	} else if err != nil {
		return guest.JournalReport{}, ProbeMeta{}, &Error{Kind: Internal, Err: err}
	}
	mark := guest.NewMark()
	stream := guest.NewJournalStream(mark, sink)
	call := runner.Call{
		Op: runner.OpProbe, Machine: m.Name, User: "root",
		Script: script, Mark: mark, Guest: args, Deadline: limit + margin, Stdout: stream,
	}
	var report guest.JournalReport
	meta, err := c.inMachine(ctx, m, call, func(runner.Result) bool {
		_ = stream.Close() // never fails
		report = stream.Report(q)
		return report.Complete || report.Tool != "" || len(report.Missing) > 1 || report.Err != nil
	})
	if err != nil {
		return report, meta, err
	}
	if report.Err != nil {
		return report, meta, explain(call, runner.Result{}, report.Err)
	}
	return report, meta, nil
}
