package tools

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/internal/stdio"
	"orbstack-mcp/orbctl"
	"orbstack-mcp/orbctl/runner"
)

// lists is an orbctl that has the machines web and db, and tells how to look one up.
type lists struct {
	fails

	info func(machine string) error
}

func (l lists) Run(_ context.Context, c runner.Call) (runner.Result, error) {
	if c.Op == runner.OpList {
		return runner.Result{Stdout: `[{"id":"1","name":"web","state":"running"},{"id":"2","name":"db","state":"running"}]`}, nil
	}
	return runner.Result{Stdout: fmt.Sprintf(`{"record":{"id":"1","name":%q,"state":"running"}}`, c.Machine)}, l.info(c.Machine)
}

func (lists) Status(context.Context) (runner.Status, error) { return runner.Running, nil }

// A call may end just as its last look-up does. What it found is the answer then,
// and never an empty list.
func TestAListThatIsCutOffIsWholeOrAnError(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		info func(machine string, end func(error)) error
		err  error
	}{
		"all were looked up": {info: func(_ string, end func(error)) error { end(stdio.ErrShutdown); return nil }},
		"one was not": {info: func(machine string, end func(error)) error {
			end(stdio.ErrShutdown)
			if machine == "db" {
				return fmt.Errorf("orbctl info was not finished: %w", stdio.ErrShutdown)
			}
			return nil
		}, err: stdio.ErrShutdown},
		"one failed before": {info: func(machine string, end func(error)) error {
			if machine == "db" {
				return errors.New("pipes are broken")
			}
			end(stdio.ErrCancelled)
			return nil
		}, err: stdio.ErrCancelled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, end := context.WithCancelCause(t.Context())
			orb := orbctl.New(lists{info: func(machine string) error { return test.info(machine, end) }}, orbctl.Mac{})
			out, err := readList(ctx, &Call{Orb: orb}, listIn{})
			if test.err != nil {
				require.ErrorIs(t, err, test.err)
				return
			}
			require.NoError(t, err)
			text, err := json.Marshal(out)
			require.NoError(t, err)
			assert.Contains(t, string(text), `"machines":[{"name":"web"`)
			assert.Len(t, out.Machines, 2)
		})
	}
}
