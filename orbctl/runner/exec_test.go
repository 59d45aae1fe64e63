package runner_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/orbctl/runner"
)

// A command in a machine that can reach the Mac is as strong as a shell on the
// Mac. Whatever the tools let through, the runner asks why it may run.
func TestThreat16_CommandsRunOnlyWhereTheyMay(t *testing.T) {
	for name, tt := range map[string]struct {
		policy    runner.ExecPolicy
		clearance runner.Clearance
		readOnly  bool
		runs      bool
	}{
		"no policy":                         {"", runner.Approved, false, false},
		"off":                               {runner.ExecOff, runner.Approved, false, false},
		"isolated, nobody looked":           {runner.ExecIsolated, "", false, false},
		"isolated, contained":               {runner.ExecIsolated, runner.Contained, false, true},
		"isolated, a person agreed":         {runner.ExecIsolated, runner.Approved, false, true},
		"isolated, a word of somebody else": {runner.ExecIsolated, "yes", false, false},
		"all":                               {runner.ExecAll, "", false, true},
		"all, read-only":                    {runner.ExecAll, runner.Approved, true, false},
		"a policy that nobody knows":        {"on", runner.Contained, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			r := w.runner(t, func(o *runner.Options) { o.Exec, o.ReadOnly = tt.policy, tt.readOnly })
			for i, op := range []runner.Op{runner.OpExec, runner.OpPut} { // a file may be a program
				call := as(op, probe("web", "", "id"))
				call.Clearance = tt.clearance
				_, err := r.Run(t.Context(), call)
				if tt.runs {
					require.NoError(t, err)
					assert.Len(t, w.calls(t, "run"), i+1)
					continue
				}
				var refused *runner.RefusedError
				require.ErrorAs(t, err, &refused)
				assert.Equal(t, runner.Exec, refused.Class)
			}
			if tt.runs {
				return
			}
			assert.Empty(t, w.events(t), "not even status was asked")
		})
	}
}

// execute runs a command with that input.
func execute(t *testing.T, w world, stdin io.Reader) (runner.Result, error) {
	t.Helper()
	r := w.runner(t, func(o *runner.Options) { o.Exec = runner.ExecAll })
	call := command("web", "", "cat")
	call.Stdin = stdin
	return r.Run(t.Context(), call)
}

func TestACommandGetsItsInputWhole(t *testing.T) {
	w := newWorld(t, map[string]acts{"run": {Do: "hash-stdin"}})
	for name, input := range map[string][]byte{
		"nothing": {}, "a line": []byte("hello\n"), "any bytes": {0, 255, 27, '['}, "much": bytes.Repeat([]byte("0123456789abcdef"), 1<<18),
	} {
		t.Run(name, func(t *testing.T) {
			res, err := execute(t, w, bytes.NewReader(input))
			require.NoError(t, err)
			assert.Equal(t, fmt.Sprintf("%d %x\n", len(input), sha256.Sum256(input)), res.Stdout)
		})
	}
}

// The end of a source that failed must not pass for the end of the input.
func TestACommandWhoseInputFailsIsEnded(t *testing.T) {
	w := newWorld(t, map[string]acts{"run": {Do: "hash-stdin"}})
	torn := errors.New("the file was taken away")
	res, err := execute(t, w, io.MultiReader(strings.NewReader("half"), iotest.ErrReader(torn)))
	require.ErrorIs(t, err, torn)
	assert.Equal(t, "SIGKILL", res.Signal)
	assert.Empty(t, res.Stdout)
}

func TestACommandNeedNotReadItsInput(t *testing.T) {
	w := newWorld(t, map[string]acts{"run": {Out: "done\n", Exit: 3}})
	res, err := execute(t, w, bytes.NewReader(make([]byte, 8<<20)))
	require.NoError(t, err)
	assert.Equal(t, 3, res.Exit)
	assert.Equal(t, "done\n", res.Stdout)
}
