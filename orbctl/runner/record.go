package runner

import (
	"context"
	"errors"

	"orbstack-mcp/orbctl/runner/audit"
)

// toolKey is the key of the label that WithTool puts on a context.
type toolKey struct{}

// WithTool labels ctx with the name of the tool that calls. It is a label for
// the audit log, and nothing depends on it.
func WithTool(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, toolKey{}, name)
}

// toolOf is the label of ctx, or "".
func toolOf(ctx context.Context) string {
	name, _ := ctx.Value(toolKey{}).(string)
	return name
}

// record is a call as the audit log takes it. argv is nil if it came to none.
func (r *Runner) record(ctx context.Context, call Call, class Class, argv []string, rule string) audit.Call {
	c := audit.Call{Tool: toolOf(ctx), Op: string(call.Op), Class: class.String(), Machine: call.Machine, NewName: call.NewName, Rule: rule, Sandbox: r.sandbox.Level().Name}
	if name, ok := machineInArgs(call); ok {
		c.Machine = name
	}
	if argv == nil {
		return c
	}
	c.Argv = withName(argv)
	if !call.Script.Zero() {
		text := call.Script.Argv(call.Mark)[2] // sh -c TEXT …
		c.Scripts = map[string]string{text: call.Script.Name()}
	}
	if call.Op == OpConfigSet {
		c.Setting = call.Args[0]
	}
	return c
}

// machineInArgs is the machine that a call is about though it has no Machine: the
// one whose setting it changes, or the one that becomes the default one.
func machineInArgs(call Call) (name string, ok bool) {
	switch {
	case call.Op == OpConfigSet:
		return keyOf(call)
	case call.Op == OpDefaultSet && len(call.Args) > 0 && call.Args[0] != "none":
		return call.Args[0], true
	}
	return "", false
}

// begin records that a call is about to run. What reads or can be made good goes
// on when that fails, and the audit log has said so; what destroys or executes
// does not. The id is "" if there is no record.
func (r *Runner) begin(ctx context.Context, call Call, class Class, argv []string) (id string, err error) {
	if r.audit == nil {
		return "", nil
	}
	id, err = r.audit.Start(ctx, r.record(ctx, call, class, argv, "policy: class "+class.String()))
	switch {
	case err == nil:
		return id, nil
	case ctx.Err() != nil:
		return "", stopped(ctx, call.Op, context.Cause(ctx))
	case class == Destroy || class == Exec:
		return "", &AuditError{Op: call.Op, Path: r.audit.Path(), Err: err}
	default:
		return "", nil
	}
}

// refused records a call that a rule did not let through, and returns err, which
// says so. A call that failed for another reason is not recorded: it did nothing,
// and nobody forbade it.
func (r *Runner) refused(ctx context.Context, call Call, class Class, argv []string, err error) error {
	var (
		policy *RefusedError
		bad    *InvalidError
		gate   *GateError
		rule   string
	)
	switch {
	case r.audit == nil:
		return err
	case errors.As(err, &policy):
		rule = "policy: " + policy.Why
	case errors.As(err, &bad):
		rule = "argv: " + bad.Error()
	case errors.As(err, &gate):
		rule = "gate: " + gate.Error()
	default:
		return err
	}
	_ = r.audit.Refuse(ctx, r.record(ctx, call, class, argv, rule)) // the log has said so, and nothing is done anyway
	return err
}

// end records what became of the call id.
func (r *Runner) end(ctx context.Context, id string, res Result, err error) {
	if id == "" {
		return
	}
	e := audit.End{
		ID: id, Exit: res.Exit, Signal: res.Signal, MS: res.Took.Milliseconds(),
		StdoutBytes: res.StdoutBytes, StderrBytes: res.StderrBytes, Outcome: outcome(ctx, res, err),
	}
	if e.Outcome == audit.NotStarted {
		e.Exit = -1
	}
	_ = r.audit.End(ctx, e) // the log has said so; what is done is done
}

// outcome is how a call ended, in the audit log's words.
func outcome(ctx context.Context, res Result, err error) audit.Outcome {
	var (
		start *StartError
		late  *TimeoutError
		flood *OutputError
	)
	switch {
	case errors.As(err, &start) && res.Took == 0:
		return audit.NotStarted
	case errors.As(err, &late):
		return audit.Timeout
	case errors.As(err, &flood):
		return audit.OutputLimit
	case err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded):
		return audit.Timeout
	case err != nil && ctx.Err() != nil:
		return audit.Cancelled
	case res.Killed || res.Signal != "":
		return audit.Killed
	}
	return audit.OK
}
