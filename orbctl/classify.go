package orbctl

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"orbstack-mcp/orbctl/guest"
	"orbstack-mcp/orbctl/runner"
	"orbstack-mcp/orbctl/untrusted"
)

// wordings are the texts by which a failure is known (docs/orbctl-contract.md
// §5). Anything else is OrbctlFailed with the text as it is. The first match
// counts; a group, if there is one, is the machine's name.
var wordings = []struct {
	text      *regexp.Regexp
	kind      Kind
	mayFinish bool
}{
	{text: regexp.MustCompile(`(?m)^(?:\[-32098\] )?machine not found: '?([^'\n]*)'?$`), kind: MachineNotFound},
	{text: regexp.MustCompile(`(?m)^(?:\[-32602\] )?no machine found: '?([^'\n]*)'?$`), kind: MachineNotFound},
	{text: regexp.MustCompile(`machine already exists: '?([^'\n]*)'?`), kind: MachineExists},
	{text: regexp.MustCompile(`machine didn't start in \d+s \(missing IP address\)`), kind: Timeout, mayFinish: true},
	{text: regexp.MustCompile(`start VM: timed out waiting for VM to start`), kind: OrbStackStarting, mayFinish: true},
	// The kernel's own words for EDQUOT, which Go and libc share.
	{text: regexp.MustCompile(`(?i)disk quota exceeded`), kind: DiskQuotaFull},
}

// panicked is how a Go program ends (orbctl by exit 2, docs/orbctl-contract.md §5).
var panicked = regexp.MustCompile(`(?m)^(panic: |fatal error: |goroutine \d+ \[)`)

// classify makes an Error of a run that ended with an exit code or a signal.
func classify(call runner.Call, res runner.Result) *Error {
	text, _ := StripBanner(res.Stderr)
	if strings.TrimSpace(text) == "" {
		text, _ = StripBanner(res.Stdout)
	}
	e := &Error{
		Kind: OrbctlFailed, Op: call.Op, Machine: about(call),
		Exit: res.Exit, Signal: res.Signal, Raw: clip(text),
	}
	e.Crashed = panicked.MatchString(text)
	// One that was killed or crashed may have done its work before.
	e.MayFinish = call.Op.Changes() && (e.Crashed || e.Signal != "")
	if e.Crashed {
		return e
	}
	for _, w := range wordings {
		m := w.text.FindStringSubmatch(text)
		if m == nil {
			continue
		}
		e.Kind, e.MayFinish = w.kind, w.mayFinish
		if len(m) > 1 && e.Machine == "" {
			e.Machine = untrusted.Line(m[1])
		}
		return e
	}
	return e
}

// about is the machine that a call is for, or that it makes.
func about(call runner.Call) string {
	if call.Machine == "" {
		return untrusted.Line(call.NewName)
	}
	return untrusted.Line(call.Machine)
}

// ended is explain for a call that may have failed because its context ended. A
// deadline of the caller's is a Timeout; a cancelled context gives an error that
// wraps its cause and is no *Error, for nobody waits for the answer.
func ended(ctx context.Context, call runner.Call, res runner.Result, err error) error {
	switch {
	case ctx.Err() == nil:
		return explain(call, res, err)
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return &Error{
			Kind: Timeout, Op: call.Op, Machine: about(call), After: res.Took,
			MayFinish: call.Op.Changes(), Err: err,
		}
	}
	return fmt.Errorf("orbctl %s: %w", call.Op, context.Cause(ctx))
}

// explain maps what the runner and the guest's parsers return to an *Error.
func explain(call runner.Call, res runner.Result, err error) error {
	e := &Error{Op: call.Op, Machine: about(call), Err: err}
	if own, ok := errors.AsType[*Error](err); ok {
		if own.Machine == "" {
			own.Machine = e.Machine
		}
		return own
	}
	if _, ok := errors.AsType[*runner.BinaryError](err); ok {
		e.Kind = OrbctlNotFound
	} else if gate, ok := errors.AsType[*runner.GateError](err); ok {
		e.gated(gate)
	} else if bad, ok := errors.AsType[*runner.InvalidError](err); ok {
		e.Kind = InvalidArgument
		e.Problems = []Problem{{Field: bad.Field, Value: untrusted.Line(bad.Value), Why: bad.Why}}
	} else if late, ok := errors.AsType[*runner.TimeoutError](err); ok {
		// The one that was late may be the gate's status: then nothing was begun.
		e.Kind, e.Op, e.After, e.MayFinish = Timeout, late.Op, late.After, late.Op.Changes()
		e.Raw = clip(res.Stderr)
	} else if busy, ok := errors.AsType[*runner.BusyError](err); ok {
		e.Kind = Busy
		if busy.What != "" {
			e.Why = busy.Error()
		}
	} else if stale, ok := errors.AsType[*runner.StaleError](err); ok {
		e.Kind, e.Why = Busy, stale.Error()+", each time anew"
	} else if lock, ok := errors.AsType[*runner.LockError](err); ok {
		e.Kind, e.Why = NotAllowed, lock.Error()
	} else if full, ok := errors.AsType[*runner.OutputError](err); ok {
		e.Kind, e.Limit, e.MayFinish = OutputLimit, full.Limit, call.Op.Changes()
	} else if no, ok := errors.AsType[*runner.RefusedError](err); ok {
		e.Kind, e.Why, e.Flag = NotAllowed, no.Why, no.Flag
	} else if blind, ok := errors.AsType[*runner.AuditError](err); ok {
		e.Kind, e.Why = NotAllowed, fmt.Sprintf("it could not be recorded, since the audit log %s %v", untrusted.Line(blind.Path), blind.Err)
	} else if odd, ok := errors.AsType[*runner.StatusError](err); ok {
		e.Kind, e.Exit, e.Signal, e.Raw = OrbctlFailed, odd.Exit, odd.Signal, clip(odd.Text)
		e.Op, e.Why, e.Unreadable = runner.OpStatus, "whether OrbStack runs is not known", true
	} else if start, ok := errors.AsType[*runner.StartError](err); ok {
		e.Kind, e.Why = OrbctlFailed, start.Error()
	} else if none, ok := errors.AsType[*guest.ToolMissingError](err); ok {
		e.Kind, e.Tools, e.Distro = GuestToolMissing, none.Wanted, none.Distro
	} else {
		e.Kind = Internal
	}
	return e
}

// NotRunning is the error of an operation that needs OrbStack, for a status that
// is not runner.Running.
func NotRunning(status runner.Status) *Error {
	e := &Error{}
	e.gated(&runner.GateError{Status: status})
	return e
}

func (e *Error) gated(gate *runner.GateError) {
	e.Status, e.Why = gate.Status, gate.Detail
	switch gate.Status {
	case runner.Starting:
		e.Kind = OrbStackStarting
	case runner.Unreachable:
		e.Kind = OrbStackNotReached
	default:
		e.Kind = OrbStackNotRunning
	}
}

// mayPass reports whether the same read may succeed a moment later: orbctl
// failed in a way that nobody knows, or printed what nobody can read.
func mayPass(err error) bool {
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Kind != OrbctlFailed {
		return false
	}
	return e.Err == nil || !isRunners(e.Err)
}

// isRunners tells an orbctl that could not be run, or whose status is odd and
// stays so for 2 s, from one that ran and failed.
func isRunners(err error) bool {
	_, notStarted := errors.AsType[*runner.StartError](err)
	_, odd := errors.AsType[*runner.StatusError](err)
	return notStarted || odd
}
