package tools

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/internal/stdio"
	"orbstack-mcp/orbctl"
	"orbstack-mcp/orbctl/runner"
	"orbstack-mcp/orbctl/runner/audit"
)

// fails is an orbctl of which every run ends in the same way.
type fails struct {
	err   error
	panic any
}

func (f fails) Run(context.Context, runner.Call) (runner.Result, error) {
	if f.panic != nil {
		panic(f.panic)
	}
	return runner.Result{}, f.err
}

func (f fails) Status(context.Context) (runner.Status, error) { return runner.Running, f.err }

func (fails) Edition(string) runner.Edition { return "" }

func (fails) Hold(context.Context, ...runner.Call) (*runner.Hold, error) { return nil, nil }

// answer calls a tool as a server does, and gives what the model reads.
func answer(t *testing.T, tool Tool, orb orbctl.Runner, arguments string) (text string, f failure) {
	t.Helper()
	return answerIn(t.Context(), t, tool, orb, arguments)
}

func answerIn(ctx context.Context, t *testing.T, tool Tool, orb orbctl.Runner, arguments string) (text string, f failure) {
	t.Helper()
	s := &toolServer{orb: orbctl.New(orb, orbctl.Mac{}), log: slog.New(slog.DiscardHandler)}
	handle := s.handler(tool)
	req := mcp.CallToolRequest{}
	req.Params.RawArguments = json.RawMessage(arguments)
	r, err := handle(ctx, req)
	require.NoError(t, err, "never a protocol error")
	require.True(t, r.IsError)
	require.Len(t, r.Content, 1)
	wire, err := json.Marshal(r.StructuredContent)
	require.NoError(t, err)
	var structured struct{ Error failure }
	require.NoError(t, json.Unmarshal(wire, &structured))
	text = r.Content[0].(mcp.TextContent).Text
	require.True(t, strings.HasPrefix(text, string(structured.Error.Code)+": "), text)
	return text, structured.Error
}

// The queue of 512 is longer than what a client can have in flight.
func TestTooManyCallsAreBusy(t *testing.T) {
	t.Parallel()
	for _, tool := range []Tool{listMachines(), configGet()} {
		text, f := answer(t, tool, fails{err: &runner.BusyError{Waiting: 512}}, `{}`)
		assert.Equal(t, "busy: Too many calls are waiting for OrbStack.\nCall again when some of the earlier calls have been answered.", text)
		assert.True(t, f.Retryable)
	}
}

func TestAFaultOfOursIsInternal(t *testing.T) {
	t.Parallel()
	const report = "Please report it, with the arguments of the call."
	text, _ := answer(t, listMachines(), fails{panic: "index out of range [3]"}, `{}`)
	assert.Equal(t, "internal: vm_list broke down; the log of this server says where.\n"+report, text)

	text, f := answer(t, listMachines(), fails{err: errors.New("the \x1b[31mmoon")}, `{}`)
	assert.True(t, strings.HasPrefix(text, "internal: orbctl list failed in a way that this server does not know.\nThis is a fault of this server. "+report+"\n"), text)
	assert.Equal(t, "the moon", f.Details.Output)
	assert.Contains(t, text, "UNTRUSTED", "it may hold words from outside")
	assert.False(t, f.Retryable)

	broken := Do(Tool{Name: "broken"}, func(context.Context, *Call, struct{}) (struct{}, error) {
		return struct{}{}, fmt.Errorf("half of it: %w", errors.New("no idea"))
	})
	text, _ = answer(t, broken, fails{}, `{}`)
	assert.Equal(t, "internal: This server made a mistake: half of it: no idea.\n"+report, text)

	unspeakable := Do(Tool{Name: "unspeakable"}, func(context.Context, *Call, struct{}) (float64, error) { return 0, nil })
	unspeakable.do = func(context.Context, *Call, json.RawMessage) (any, error) { return func() {}, nil }
	text, _ = answer(t, unspeakable, fails{}, `{}`)
	assert.Equal(t, "internal: The result could not be encoded.\n"+report, text)
}

// What runs beside a call has no net of its own under it: a panic there would end
// the server, and all other calls would go unanswered.
func TestWhatBreaksDownBesideACallIsInternal(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		tool      Tool
		orb       orbctl.Runner
		arguments string
	}{
		{startMachines(), fails{panic: "index out of range [3]"}, `{"machines":["web","db"]}`},
		{restartMachines(), fails{panic: "index out of range [3]"}, `{"machines":["web"]}`},
		{listMachines(), lists{info: func(string) error { panic("index out of range [3]") }}, `{}`},
		{networkMap(), lists{info: func(string) error { panic("index out of range [3]") }}, `{}`},
	} {
		var log bytes.Buffer
		s := &toolServer{orb: orbctl.New(test.orb, orbctl.Mac{}), log: slog.New(slog.NewTextHandler(&log, nil))}
		req := mcp.CallToolRequest{}
		req.Params.RawArguments = json.RawMessage(test.arguments)
		r, err := s.handler(test.tool)(t.Context(), req)
		require.NoError(t, err)
		assert.Equal(t, "internal: "+test.tool.Name+" broke down; the log of this server says where.\nPlease report it, with the arguments of the call.", r.Content[0].(mcp.TextContent).Text)
		assert.Contains(t, log.String(), "index out of range [3]")
		assert.Contains(t, log.String(), "explain_test.go", "the stack of where it was")
	}
}

// What cannot be read is called so, and nothing else is.
func TestAFailureSaysItsOwnReason(t *testing.T) {
	t.Parallel()
	type e = orbctl.Error
	for want, err := range map[string]*e{
		`orbctl delete for "web": the machine is still there.`:                                               {Op: runner.OpDelete, Machine: "web", Why: "the machine is still there", MayFinish: true},
		`orbctl run for "web": the file grew while it was read, so nothing of it was kept.`:                  {Op: runner.OpGet, Machine: "web", Why: "the file grew while it was read, so nothing of it was kept"},
		`orbctl run for "web": the machine could not write or read the file.`:                                {Op: runner.OpPut, Machine: "web", Why: "the machine could not write or read the file"},
		`orbctl list: cannot start /opt/orbctl: permission denied.`:                                          {Op: runner.OpList, Why: "cannot start /opt/orbctl: permission denied"},
		`orbctl list answered with something this server cannot read: its output is not JSON.`:               {Op: runner.OpList, Why: "its output is not JSON", Unreadable: true},
		`orbctl status answered with something this server cannot read: whether OrbStack runs is not known.`: {Op: runner.OpStatus, Why: "whether OrbStack runs is not known", Unreadable: true, Exit: 3},
		`orbctl status was ended by SIGKILL.`:                                                                {Op: runner.OpStatus, Why: "whether OrbStack runs is not known", Unreadable: true, Signal: "SIGKILL"},
	} {
		err.Kind = orbctl.OrbctlFailed
		assert.Equal(t, want, explain(err).Message)
	}
}

// Deleting and executing are not among the tools yet; their error is.
func TestWhatCannotBeRecordedIsRefused(t *testing.T) {
	t.Parallel()
	why := &runner.AuditError{Op: "delete", Path: "/state/audit.jsonl", Err: errors.New("cannot be written: no space left on device")}
	text, f := answer(t, listMachines(), fails{err: why}, `{}`)
	assert.Equal(t, "not_allowed: This server may not do that: it could not be recorded, since the audit log /state/audit.jsonl cannot be written: no space left on device.\n"+f.Hint, text)
	assert.Equal(t, "--audit-log", f.Details.Flag)
	for _, way := range []string{"free the disk", "--audit-log PATH", "--audit-log off"} {
		assert.Contains(t, f.Hint, way)
	}
	assert.False(t, f.Retryable)
}

func TestACallIsLabelledWithItsTool(t *testing.T) {
	t.Parallel()
	log := audit.Open(filepath.Join(t.TempDir(), "audit.jsonl"), audit.Options{Log: slog.New(slog.DiscardHandler)})
	defer log.Close()
	orb := runner.New(runner.Options{Home: t.TempDir(), Machines: []string{"another"}, Audit: log})
	all := []Tool{readLogs(), networkDetails()}
	for _, tool := range all {
		_, f := answer(t, tool, orb, `{"machine":"web"}`)
		assert.Equal(t, notAllowed, f.Code)
	}
	history, err := audit.Read(t.Context(), log.Path())
	require.NoError(t, err)
	require.Len(t, history.Entries, len(all))
	for i, tool := range all {
		assert.Equal(t, tool.Name, history.Entries[i].Tool)
	}
}

// What no fault of orbctl's brings about: word for word, as a client reads it.
func TestTheWordsOfAnAnswerThatIsNoYesOfAWaitAndOfAnEnd(t *testing.T) {
	t.Parallel()
	const unasked = "\nDo not try again unasked. Some clients answer no by themselves and show nobody anything: tell the user what you wanted to do."
	const anew = ". Nothing was changed.\nCall again without it, and the user is asked anew."
	s := newTestSeals(t)
	used := asker(s, stateOf(t, s), "decline")
	_ = used.Confirm(deleteIt)
	other := asker(s, stateOf(t, s), "accept")
	other.digest = "e"
	for name, c := range map[string]struct {
		err  error
		text string
	}{
		"no":               {asker(s, stateOf(t, s), "decline").Confirm(deleteIt), "confirmation_declined: The answer was no. Nothing was changed." + unasked},
		"closed":           {asker(s, stateOf(t, s), "cancel").Confirm(deleteIt), "confirmation_declined: The question was closed without an answer, which counts as no. Nothing was changed." + unasked},
		"no answer":        {asker(s, stateOf(t, s), "").Confirm(deleteIt), "confirmation_declined: The client came back without an answer, which counts as no. Nothing was changed." + unasked},
		"made up":          {asker(s, "x", "accept").Confirm(deleteIt), "confirmation_expired: The answer that came with this call does not count: its state is not one of this server's" + anew},
		"used":             {asker(s, used.state, "accept").Confirm(deleteIt), "confirmation_expired: The answer that came with this call does not count: it was used already, or is too old" + anew},
		"for another call": {other.Confirm(deleteIt), "confirmation_expired: The answer that came with this call does not count: it belongs to other arguments than it was given for" + anew},
		"another server": {
			&orbctl.Error{Kind: orbctl.Busy, Op: runner.OpStop, Why: (&runner.BusyError{What: "machine web", After: time.Minute}).Error()},
			"busy: Another operation on machine web was still under way after 1m0s. Nothing was done.\nSomebody else, perhaps another assistant, works on it. Look at its state and call again when that is done.",
		},
		"cancelled": {stdio.ErrCancelled, "cancelled: The call was cut before it was done: " + stdio.ErrCancelled.Error() + ".\nReading has changed nothing. If it was to change something, look before trying again."},
	} {
		assert.Equal(t, c.text, explain(c.err).text(), name)
	}
}

func TestACallThatWasCutSaysBy(t *testing.T) {
	t.Parallel()
	for _, end := range []error{context.Canceled, stdio.ErrShutdown, stdio.ErrCancelled, stdio.ErrClientGone} {
		f := explain(fmt.Errorf("orbctl list: %w", end))
		assert.Equal(t, cancelled, f.Code)
		assert.Equal(t, "The call was cut before it was done: "+end.Error()+".", f.Message)
		assert.NotEmpty(t, f.Hint)
	}
}

// Whichever way a tool tells that its context has ended, the reason is told.
func TestACallThatEndsWithItsContextSaysWhy(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(ctx context.Context) error{
		"its error":   func(ctx context.Context) error { return ctx.Err() },
		"around it":   func(ctx context.Context) error { return fmt.Errorf("look-up: %w", ctx.Err()) },
		"its cause":   context.Cause,
		"of orbctl's": func(ctx context.Context) error { return &orbctl.Error{Kind: orbctl.Internal, Err: ctx.Err()} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancelCause(t.Context())
			tool := Do(Tool{Name: "slow"}, func(ctx context.Context, _ *Call, _ struct{}) (struct{}, error) {
				cancel(stdio.ErrShutdown)
				return struct{}{}, end(ctx)
			})
			text, f := answerIn(ctx, t, tool, fails{}, `{}`)
			assert.Equal(t, cancelled, f.Code)
			assert.Contains(t, text, stdio.ErrShutdown.Error())
		})
	}
	other := Do(Tool{Name: "other"}, func(context.Context, *Call, struct{}) (struct{}, error) {
		return struct{}{}, &orbctl.Error{Kind: orbctl.Busy}
	})
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(stdio.ErrShutdown)
	_, f := answerIn(ctx, t, other, fails{}, `{}`)
	assert.Equal(t, code(orbctl.Busy), f.Code, "an error of its own stays")
}

func TestWordsForWhatNoToolOfThisVersionGives(t *testing.T) {
	t.Parallel()
	for _, e := range []*orbctl.Error{
		{Kind: orbctl.MachineChanged, Machine: "web"},
		{Kind: orbctl.FileExists, Path: "/tmp/x"},
		{Kind: orbctl.DiskQuotaFull, Machine: "web"},
		{Kind: "some new kind"},
	} {
		f := explain(e)
		assert.Equal(t, code(e.Kind), f.Code)
		assert.NotEmpty(t, f.Message)
		assert.NotEmpty(t, f.Hint)
		assert.NotContains(t, f.text(), "%!")
	}
}

func (fails) Places(context.Context, int) (*runner.Places, error) { return nil, nil }
