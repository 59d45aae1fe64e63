package orbctl_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"orbstack-mcp/orbctl"
	"orbstack-mcp/orbctl/runner"
	"orbstack-mcp/orbctl/untrusted"
)

func TestLogsStreamIntoTheSink(t *testing.T) {
	c, f := expect(t, prints(runner.OpLogs, "one\ntwo\n"))
	var sink strings.Builder
	end, err := c.Logs(t.Context(), "web", orbctl.LogsQuery{Verbose: true, Deadline: time.Second}, &sink)
	require.NoError(t, err)
	assert.True(t, end.Complete)
	assert.Equal(t, "one\ntwo\n", sink.String())
	assert.True(t, f.calls[0].Verbose)
	assert.Equal(t, time.Second, f.calls[0].Deadline)
}

// That a log was cut, or is none, is known only by its form.
func TestLogsOfWhichTheFormIsOddSaySo(t *testing.T) {
	for name, tt := range map[string]struct {
		res  runner.Result
		want orbctl.LogsEnd
	}{
		"whole":           {runner.Result{Stdout: "one\ntwo\n"}, orbctl.LogsEnd{Complete: true}},
		"nothing":         {runner.Result{}, orbctl.LogsEnd{Complete: true}},
		"half a line":     {runner.Result{Stdout: "one\ntw"}, orbctl.LogsEnd{Complete: true, MidLine: true}},
		"bytes of a file": {runner.Result{Stdout: "\uFFFD\n", Text: untrusted.Stats{InvalidUTF8: 3}}, orbctl.LogsEnd{Complete: true, NoText: 3}},
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := expect(t, step{op: runner.OpLogs, res: tt.res})
			end, err := c.Logs(t.Context(), "web", orbctl.LogsQuery{}, &strings.Builder{})
			require.NoError(t, err)
			assert.Equal(t, tt.want, end)
		})
	}
}

func TestLogsThatFollowEndWithTheDeadline(t *testing.T) {
	c, _ := expect(t, step{op: runner.OpLogs, res: runner.Result{Stdout: "one\n", Took: time.Second}, err: &runner.TimeoutError{Op: runner.OpLogs}})
	var sink strings.Builder
	end, err := c.Logs(t.Context(), "web", orbctl.LogsQuery{}, &sink)
	require.NoError(t, err)
	assert.Equal(t, orbctl.LogsEnd{Took: time.Second}, end)
	assert.Equal(t, "one\n", sink.String())
}

func TestLogsBeforeWhichStatusHangsAreAnError(t *testing.T) {
	c, _ := expect(t, step{op: runner.OpLogs, err: &runner.TimeoutError{Op: runner.OpStatus, After: time.Second}})
	_, err := c.Logs(t.Context(), "web", orbctl.LogsQuery{}, &strings.Builder{})
	failure(t, err, orbctl.Timeout)
}

func TestLogsThatFailAreAnErrorAfterWhatWasRead(t *testing.T) {
	c, _ := expect(t, step{op: runner.OpLogs, res: runner.Result{Stdout: "one\n", Stderr: "the log is broken", Exit: 1}})
	var sink strings.Builder
	_, err := c.Logs(t.Context(), "web", orbctl.LogsQuery{}, &sink)
	assert.Equal(t, "the log is broken", failure(t, err, orbctl.OrbctlFailed).Raw)
	assert.Equal(t, "one\n", sink.String())
}

func TestLogsOfACancelledCall(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c, _ := expect(t, step{op: runner.OpLogs, err: context.Canceled, also: func(context.Context, runner.Call, *runner.Result) { cancel() }})
	_, err := c.Logs(ctx, "web", orbctl.LogsQuery{}, &strings.Builder{})
	require.ErrorIs(t, err, context.Canceled)
}

// pieces writes a text into the log stream, cut as given.
func pieces(text ...string) step {
	return step{op: runner.OpLogs, also: func(_ context.Context, call runner.Call, _ *runner.Result) {
		for _, piece := range text {
			_, _ = io.WriteString(call.Stdout, piece)
		}
	}}
}

func TestABannerBeforeTheLogIsTakenOutOfTheStream(t *testing.T) {
	banner := sample(t, "update-banner.txt")
	var single []string
	for _, b := range []byte(banner + "\none\n\ntwo\n") {
		single = append(single, string([]byte{b}))
	}
	for name, tt := range map[string]struct {
		written []string
		sink    string
		seen    bool
	}{
		"in one piece":           {[]string{banner + "one\n\ntwo\n"}, "one\n\ntwo\n", true},
		"byte by byte":           {single, "one\n\ntwo\n", true},
		"alone":                  {[]string{banner}, "", true},
		"no banner":              {[]string{"\n", "one\n"}, "\none\n", false},
		"blank lines only":       {[]string{"\n\n"}, "\n\n", false},
		"a box of the guest":     {[]string{"╭──╮\n│ x│\n╰──╯\n", "one\n"}, "╭──╮\n│ x│\n╰──╯\none\n", false},
		"a box that never ends":  {[]string{"╭──╮\n│ OrbStack update available! │\n", "one\n"}, "╭──╮\n│ OrbStack update available! │\none\n", false},
		"a banner behind a line": {[]string{"one\n", banner}, "one\n" + banner, false},
		"a box of any length":    {[]string{"╭──╮\n", strings.Repeat("│ x│\n", 5000)}, "╭──╮\n" + strings.Repeat("│ x│\n", 5000), false},
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := expect(t, pieces(tt.written...))
			var sink strings.Builder
			_, err := c.Logs(t.Context(), "web", orbctl.LogsQuery{}, &sink)
			require.NoError(t, err)
			assert.Equal(t, tt.sink, sink.String())
			assert.Equal(t, tt.seen, c.Update().Seen())
		})
	}
}

func TestHowTheLogIsCutIntoWritesMakesNoDifference(t *testing.T) {
	banner := sample(t, "update-banner.txt")
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.SampledFrom([]string{"", banner, banner + "\n", "╭─", "│", "\n"}).Draw(rt, "head") +
			rapid.StringMatching(`[a╭│╰\n ]{0,20}`).Draw(rt, "rest")
		at := rapid.IntRange(0, len(text)).Draw(rt, "at")
		whole, _ := expect(t, pieces(text))
		halves, _ := expect(t, pieces(text[:at], text[at:]))
		var a, b strings.Builder
		_, _ = whole.Logs(t.Context(), "web", orbctl.LogsQuery{}, &a)
		_, _ = halves.Logs(t.Context(), "web", orbctl.LogsQuery{}, &b)
		if a.String() != b.String() {
			rt.Fatalf("%q in one piece, %q in two", a.String(), b.String())
		}
	})
}

func TestASinkThatFailsIsNotHidden(t *testing.T) {
	c, _ := expect(t, pieces("\n"))
	_, err := c.Logs(t.Context(), "web", orbctl.LogsQuery{}, brokenSink{})
	require.ErrorIs(t, err, errBroken)
}

var errBroken = errors.New("broken")

type brokenSink struct{}

func (brokenSink) Write([]byte) (int, error) { return 0, errBroken }
