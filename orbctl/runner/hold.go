package runner

import (
	"context"
	"errors"
	"slices"
)

// A Hold is the locks of several calls that nobody may come between: look,
// change, look again. Each of them carries it as Call.Under.
type Hold struct {
	names   []string
	how     sharing
	release func()
}

// Hold takes, all at once, the locks that the calls would take one by one, and
// keeps other changes out until Release. Others may look meanwhile if none of the
// calls changes anything. It takes no place and runs nothing.
// The values of the calls are not checked, but for machines' names. Errors:
// *RefusedError for a call that is in no table, *InvalidError, those of a lock.
func (r *Runner) Hold(ctx context.Context, calls ...Call) (*Hold, error) {
	var names []string
	how := shared
	for _, call := range calls {
		row, ok := table[call.Op]
		if !ok {
			return nil, &RefusedError{Op: call.Op, Class: Exec, Why: "there is no such operation"}
		}
		if err := checkNames(call); err != nil {
			return nil, err
		}
		more, needs := row.lock(call, row.deadline)
		names, how = append(names, more...), max(how, needs)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	release, err := r.locks.take(ctx, names, how)
	if err != nil {
		return nil, r.unlocked(ctx, err)
	}
	return &Hold{names: names, how: how, release: release}, nil
}

// unlocked is the error of a lock that was not taken. Who can't reach the user's
// folders at all can't reach OrbStack either, and that says more.
func (r *Runner) unlocked(ctx context.Context, err error) error {
	if _, ok := errors.AsType[*LockError](err); !ok {
		return err
	}
	if _, ok := r.gate.known(); !ok {
		if r.lanes[short].enter(ctx, 1) != nil {
			return err
		}
		defer r.lanes[short].leave(1)
	}
	if gate := r.pass(ctx); gate != nil {
		return gate
	}
	return err
}

// Release gives the locks back. It may be called on a nil Hold.
func (h *Hold) Release() {
	if h != nil && h.release != nil {
		h.release()
	}
}

// covers reports whether all names are held well enough, so that nothing is left to
// take.
func (h *Hold) covers(names []string, how sharing) bool {
	for _, name := range names {
		if h == nil || how == alone && h.how != alone || !slices.Contains(h.names, name) {
			return false
		}
	}
	return true
}
