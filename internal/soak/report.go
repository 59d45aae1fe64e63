package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

const (
	mostChildren = 8       // two lanes of four (orbctl/runner)
	growth       = 10      // per cent that memory may grow between a tenth of the calls and all
	grain        = 2 << 10 // KiB that a heap of this size moves by without a reason
	warm         = 10_000  // calls until it has found its size; a tenth of fewer is early
	warming      = 8 << 10 // KiB that it may grow by until then
	moreThreads  = 8       // one for each child that can be waited for
)

// problems is everything that is wrong.
func (s soaking) problems() []string {
	all, _, _ := s.book.balance()
	add := func(bad bool, format string, args ...any) {
		if bad {
			all = append(all, fmt.Sprintf(format, args...))
		}
	}
	add(s.late.Children > 0, "%d child processes are left", s.late.Children)
	add(s.most.Children > mostChildren, "%d child processes at once, and %d are allowed", s.most.Children, mostChildren)
	add(s.late.Files != s.began.Files, "%d open files at the end, and %d at the start", s.late.Files, s.began.Files)
	add(s.late.Threads > s.early.Threads+moreThreads, "%d threads at the end, and %d after a tenth of the calls", s.late.Threads, s.early.Threads)
	more := max(s.early.RSS*growth/100, grain)
	if s.calls/10 < warm {
		more = max(more, warming)
	}
	add(s.late.RSS > s.early.RSS+more, "%d KiB resident at the end, and %d after a tenth of the calls", s.late.RSS, s.early.RSS)
	add(len(s.held) > 0, "locks are still held: %s", strings.Join(s.held, ", "))
	return all
}

// print is the figures as a table.
func (s soaking) print(w io.Writer) {
	_, cancelled, crossed := s.book.balance()
	fmt.Fprintf(w, "%d calls in %.0f s (%.0f a second), %d at a time; %d taken back, %d of these answered all the same\n",
		s.calls, s.took.Seconds(), float64(s.calls)/s.took.Seconds(), inFlight, cancelled, crossed)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\tstart\tafter a tenth\tend\tmost\t")
	for _, row := range []struct {
		name string
		of   func(sample) int
	}{
		{"resident KiB", func(x sample) int { return x.RSS }},
		{"open files", func(x sample) int { return x.Files }},
		{"threads", func(x sample) int { return x.Threads }},
		{"children", func(x sample) int { return x.Children }},
	} {
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t\n", row.name, row.of(s.began), row.of(s.early), row.of(s.late), row.of(s.most))
	}
	_ = t.Flush() // who does not read the table misses it
	fmt.Fprintf(w, "lock files: %d, held: %d\n", s.locks, len(s.held))
	for _, code := range slices.Sorted(maps.Keys(s.book.outcomes)) {
		fmt.Fprintf(w, "%8d %s\n", s.book.outcomes[code], code)
	}
}
