package orbctl_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/orbctl"
	"orbstack-mcp/orbctl/guest"
	"orbstack-mcp/orbctl/runner"
)

// runs is a run of a command that writes to stderr what says makes of its mark.
func runs(exit int, stdout string, says func(mark string) string) step {
	return step{op: runner.OpExec, res: runner.Result{Exit: exit, Stdout: stdout}, also: func(_ context.Context, call runner.Call, res *runner.Result) {
		res.Stdout = string(call.Mark) + " output\n" + res.Stdout
		res.Stderr = says(string(call.Mark))
		if call.Stderr != nil {
			for piece := range strings.SplitAfterSeq(res.Stderr, "e") { // in pieces, as they come
				_, _ = io.WriteString(call.Stderr, piece)
			}
		}
	}}
}

func machineFor(t *testing.T, state string) orbctl.MachineInfo {
	t.Helper()
	client, _ := expect(t, looksAt("web", webID, state, ""))
	m, err := client.Machine(t.Context(), "web")
	require.NoError(t, err)
	return m
}

func command(text string) orbctl.Command {
	return orbctl.Command{Command: guest.Command{Text: text, Limit: time.Minute}, Clearance: runner.Contained}
}

func TestWhatBecomesOfACommand(t *testing.T) {
	for name, c := range map[string]struct {
		steps  []step
		want   orbctl.Executed
		kind   orbctl.Kind
		isOpen bool
	}{
		"ends": {
			steps: []step{runs(3, "out\n", func(m string) string { return m + " began\nerr\nno newline" })},
			want:  orbctl.Executed{User: "ana", Exit: 3, Stdout: "out\n", Stderr: "err\nno newline"},
		},
		"is late": {
			steps: []step{runs(124, "", func(m string) string { return m + " began\nerr\n" + m + " late\n" })},
			want:  orbctl.Executed{User: "ana", Exit: 124, Late: true, Stderr: "err\n"},
		},
		"says the words of its script": {
			steps: []step{runs(0, "", func(m string) string { return m + " began\n" + m + " open\n" + m + " nodir\n" + m + "x open\n" })},
			want:  orbctl.Executed{User: "ana", Stderr: "MARKx open\n"},
		},
		"would see the Mac": {steps: []step{runs(125, "", func(m string) string { return m + " open\n" })}, kind: orbctl.NotAllowed, isOpen: true},
		"has no folder":     {steps: []step{runs(126, "", func(m string) string { return m + " nodir\n" })}, kind: orbctl.InvalidArgument},
		"never began":       {steps: []step{runs(1, "", func(string) string { return "what do you mean?\n" })}, kind: orbctl.OrbctlFailed},
		"began not, though another says so": {
			steps: []step{runs(0, "m0123456789abcdef began\n", func(string) string { return "m0123456789abcdef began\n" })}, kind: orbctl.OrbctlFailed,
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := machineFor(t, "running")
			client, f := expect(t, c.steps...)
			done, err := client.Exec(t.Context(), m, command("true"))
			assert.Equal(t, c.isOpen, orbctl.NotContained(err))
			if c.kind != "" {
				failure(t, err, c.kind)
				assert.Zero(t, done)
				return
			}
			require.NoError(t, err)
			c.want.Stderr = strings.ReplaceAll(c.want.Stderr, "MARK", string(f.calls[0].Mark))
			assert.Equal(t, c.want, done)
		})
	}
}

func TestACommandIsNotRunWhereNothingRuns(t *testing.T) {
	m := machineFor(t, "stopped")
	client, _ := expect(t)
	_, err := client.Exec(t.Context(), m, command("true"))
	failure(t, err, orbctl.MachineNotRunning)
}

func TestWhatACommandIsToldAndWhatItSays(t *testing.T) {
	m := machineFor(t, "running")
	client, f := expect(t, looksAt("web", webID, "running", ""), runs(0, "out\n", func(m string) string { return m + " began\nerr\n" }))
	var seen bytes.Buffer
	c := command("cat")
	c.Dir, c.Env, c.User, c.Stdin, c.Out, c.Clearance = "/tmp", []string{"A=b"}, "eve", strings.NewReader("x"), &seen, runner.Approved
	done, err := client.Exec(t.Context(), m, c)
	require.NoError(t, err)
	assert.Equal(t, "eve", done.User)
	assert.ElementsMatch(t, []string{"out", "err"}, strings.Fields(seen.String()), "of both streams, and without our own words")
	call := f.calls[1]
	assert.Equal(t, []string{"60", "/tmp", "anywhere", "A=b", "-", "cat"}, call.Guest)
	assert.Equal(t, runner.Approved, call.Clearance)
	assert.Equal(t, "running", call.State)
	assert.Greater(t, call.Deadline, time.Minute+5*time.Second, "the script's own limit comes first")

	client, f = expect(t, runs(0, "", func(m string) string { return m + " began\n" }))
	_, err = client.Exec(t.Context(), m, command("id"))
	require.NoError(t, err)
	assert.Equal(t, []string{"60", "-", "contained", "-", "id"}, f.calls[0].Guest, "what is to be contained looks for itself")
}

func TestMuchOutputOfACommandIsCutInTheMiddle(t *testing.T) {
	m := machineFor(t, "running")
	var lines strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&lines, "line %d\n", i)
	}
	client, _ := expect(t, runs(0, lines.String(), func(m string) string { return m + " began\n" }))
	done, err := client.Exec(t.Context(), m, command("seq"))
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(done.Stdout, "line 0\n"))
	assert.True(t, strings.HasSuffix(done.Stdout, "line 19999\n"))
	assert.Less(t, len(done.Stdout), 34<<10)
	assert.Greater(t, done.Omitted, int64(lines.Len()-34<<10))
}

// A command that writes without end is ended in the machine too; what it had
// written is its result, and of no exit code anything is known.
func TestACommandThatWritesTooMuchIsEndedAndShowsWhatItWrote(t *testing.T) {
	for _, stream := range []string{"stdout", "stderr"} {
		m := machineFor(t, "running")
		flood := &runner.OutputError{Op: runner.OpExec, Stream: stream, Limit: 16 << 20}
		floods := runs(-1, "out\n", func(m string) string { return m + " began\nerr\n" })
		floods.res.Argv, floods.err = []string{"orbctl"}, flood
		client, f := expect(t, floods, does(runner.OpProbe))
		done, err := client.Exec(t.Context(), m, command("yes"))
		require.NoError(t, err)
		assert.Equal(t, orbctl.Executed{User: "ana", Exit: -1, Flood: flood, Stdout: "out\n", Stderr: "err\n"}, done)
		assert.Equal(t, []string{string(f.calls[0].Mark)}, f.calls[1].Guest)
		assert.Equal(t, "cancel", f.calls[1].Script.Name())
	}
}

// Whoever stops waiting for a command ends it: a second run, as root, that knows it
// by its mark.
func TestACommandThatNobodyWaitsForIsEnded(t *testing.T) {
	for name, broken := range map[string]error{
		"the call is cancelled":  nil,
		"orbctl is late":         &runner.TimeoutError{Op: runner.OpExec, After: time.Minute},
		"its input breaks":       errors.New("broken pipe"),
		"too much is said of it": &runner.OutputError{Op: runner.OpExec, Limit: 1},
	} {
		t.Run(name, func(t *testing.T) {
			m := machineFor(t, "running")
			why := errors.New("changed my mind")
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			command1 := step{op: runner.OpExec, res: runner.Result{Argv: []string{"orbctl"}}, err: broken, also: func(context.Context, runner.Call, *runner.Result) {
				if broken == nil {
					cancel(why)
				}
			}}
			if broken == nil {
				command1.err = context.Canceled
			}
			var ends runner.Call
			client, f := expect(t, command1, step{op: runner.OpProbe, also: func(ctx context.Context, call runner.Call, _ *runner.Result) {
				assert.NoError(t, ctx.Err(), "it has time of its own")
				_, bounded := ctx.Deadline()
				assert.True(t, bounded)
				ends = call
			}})
			_, err := client.Exec(ctx, m, command("sleep 60"))
			require.Error(t, err)
			if broken == nil {
				require.ErrorIs(t, err, why)
			}
			assert.Equal(t, []string{string(f.calls[0].Mark)}, ends.Guest)
			assert.NotEqual(t, f.calls[0].Mark, ends.Mark)
			assert.Equal(t, "root", ends.User)
			assert.Equal(t, "cancel", ends.Script.Name())
		})
	}
}

// Before there was a process, nothing is left in the machine that could be ended.
func TestACommandThatWasNeverBegunIsNotEnded(t *testing.T) {
	for kind, before := range map[orbctl.Kind]error{
		orbctl.Busy:       &runner.BusyError{What: "machine web", After: time.Minute},
		orbctl.NotAllowed: &runner.AuditError{Path: "/log", Err: errors.New("is full")},
	} {
		client, f := expect(t, step{op: runner.OpExec, err: before})
		_, err := client.Exec(t.Context(), machineFor(t, "running"), command("true"))
		failure(t, err, kind)
		assert.Len(t, f.calls, 1)
	}
}
