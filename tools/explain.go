package tools

import (
	"context"
	"errors"

	"orbstack-mcp/internal/stdio"
	"orbstack-mcp/orbctl"
	"orbstack-mcp/orbctl/guest"
)

// explain gives every error its words: what happened, the likely cause, what to
// do next. It is the only place that has them.
func explain(err error) *failure {
	var f *failure
	if errors.As(err, &f) {
		return f
	}
	if f := explainJob(err); f != nil {
		return f
	}
	var half *orbctl.LimitsError
	if errors.As(err, &half) {
		return wordsOfLimits(half)
	}
	var target *guest.TargetError
	if errors.As(err, &target) {
		return invalid(target.Error())
	}
	for _, end := range []error{stdio.ErrShutdown, stdio.ErrClientGone, stdio.ErrCancelled, context.Canceled} {
		if errors.Is(err, end) {
			return cut(end)
		}
	}
	var e *orbctl.Error
	if !errors.As(err, &e) {
		return &failure{Code: internalError, Message: "This server made a mistake: " + clip(err.Error()) + ".", Hint: "Please report it, with the arguments of the call."}
	}
	f = words(e)
	f.Code = code(e.Kind)
	return f
}

// cut is a call whose context ended before it did.
func cut(why error) *failure {
	return &failure{
		Code:    cancelled,
		Message: "The call was cut before it was done: " + why.Error() + ".",
		Hint:    "Reading has changed nothing. If it was to change something, look before trying again.",
	}
}

// invalid is an argument that is wrong, in words.
func invalid(problems ...string) *failure {
	return &failure{
		Code:    invalidArgument,
		Message: "Nothing was changed. Correct these arguments and call it again:",
		Details: details{Problems: problems},
	}
}
