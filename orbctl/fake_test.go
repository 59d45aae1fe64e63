package orbctl_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"orbstack-mcp/orbctl"
	"orbstack-mcp/orbctl/runner"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var update = flag.Bool("update", false, "write the golden files anew")

// mac is the computer of the tests.
var mac = orbctl.Mac{CPUs: 8, MemoryBytes: 16 << 30}

// A step is one run that a test expects, and what comes of it.
type step struct {
	op   runner.Op
	res  runner.Result
	err  error
	also func(ctx context.Context, call runner.Call, res *runner.Result) // looks at the call, or changes the result
}

// A fake is a Runner that expects exactly the runs it was made with.
type fake struct {
	t     *testing.T
	mu    sync.Mutex
	steps []step
	calls []runner.Call

	status    runner.Status
	statusErr error
}

// expect makes a Client whose Runner allows the steps, in this order, and fails
// the test when one is left or one comes too much: the spawn counts are hard.
func expect(t *testing.T, steps ...step) (*orbctl.Client, *fake) {
	t.Helper()
	f := &fake{t: t, steps: steps, status: runner.Running}
	t.Cleanup(func() { assert.Empty(t, f.steps, "runs that never came") })
	return orbctl.New(f, mac), f
}

func (f *fake) Run(ctx context.Context, call runner.Call) (runner.Result, error) {
	f.mu.Lock()
	f.calls = append(f.calls, call)
	if len(f.steps) == 0 {
		f.mu.Unlock()
		f.t.Errorf("one run too many: %s %s %q", call.Op, call.Machine, call.Args)
		return runner.Result{}, context.Canceled
	}
	next := f.steps[0]
	f.steps = f.steps[1:]
	f.mu.Unlock()
	assert.Equal(f.t, next.op, call.Op)
	if next.also != nil {
		next.also(ctx, call, &next.res)
	}
	if call.Stdout != nil {
		_, _ = call.Stdout.Write([]byte(next.res.Stdout))
		next.res.Stdout = ""
	}
	return next.res, next.err
}

func (f *fake) Status(context.Context) (runner.Status, error) { return f.status, f.statusErr }

func (f *fake) Places(context.Context, int) (*runner.Places, error) { return nil, nil }

// Edition is how many runs came before.
func (f *fake) Edition(string) runner.Edition {
	f.mu.Lock()
	defer f.mu.Unlock()
	return runner.Edition(fmt.Sprint(len(f.calls)))
}

func (f *fake) Hold(context.Context, ...runner.Call) (*runner.Hold, error) { return nil, nil }

// prints is a run with exit 0 and that on stdout.
func prints(op runner.Op, stdout string) step {
	return step{op: op, res: runner.Result{Stdout: stdout}}
}

// fails is a run with that exit code and that on stderr.
func fails(op runner.Op, exit int, stderr string) step {
	return step{op: op, res: runner.Result{Exit: exit, Stderr: stderr}}
}

func sample(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return string(b)
}

// failure asserts that err is an *Error of that kind.
func failure(t testing.TB, err error, kind orbctl.Kind) *orbctl.Error {
	t.Helper()
	var e *orbctl.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, kind, e.Kind, "%v", e)
	return e
}
