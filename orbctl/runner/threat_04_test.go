package runner_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/orbctl/runner"
)

// Whatever the tools let through: of a server that only reads, no operation that
// is neither Read nor Probe comes to orbctl, and all others do.
func TestThreat04_ReadOnlyRefusesEveryOperationThatChanges(t *testing.T) {
	w := newWorld(t, nil)
	r := w.runner(t, func(o *runner.Options) { o.ReadOnly = true })
	refusedOps, ranOps := map[runner.Op]bool{}, map[runner.Op]bool{}
	for _, tc := range goodCalls {
		op := tc.call.Op
		before := len(w.events(t))
		tc.call.Clearance = runner.Approved
		_, err := r.Run(t.Context(), tc.call)
		if class := runner.ClassOf(op); class == runner.Read || class == runner.Probe {
			require.NoError(t, err, tc.want)
			ranOps[op] = true
			continue
		}
		var refused *runner.RefusedError
		require.ErrorAs(t, err, &refused, tc.want)
		assert.Equal(t, runner.ClassOf(op), refused.Class)
		assert.Contains(t, err.Error(), "read-only")
		assert.Len(t, w.events(t), before, "%s reached orbctl", tc.want)
		refusedOps[op] = true
	}
	for _, op := range runner.Ops() {
		assert.Equal(t, op.Changes(), refusedOps[op], op)
		assert.Equal(t, !op.Changes(), ranOps[op], op)
	}
}
