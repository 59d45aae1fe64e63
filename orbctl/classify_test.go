package orbctl_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/orbctl"
	"orbstack-mcp/orbctl/runner"
)

const goPanic = `panic: runtime error: invalid memory address or nil pointer dereference

goroutine 1 [running]:
main.main()
`

// Failures are told by exit code and the wordings of docs/orbctl-contract.md §5.
// A logs run is not repeated, so it shows each as it comes.
func TestFailuresAreToldByTheKnownWordings(t *testing.T) {
	tests := map[string]struct {
		stderr  string
		exit    int
		want    orbctl.Error
		listing bool // it asks for the names
	}{
		"not found": {
			stderr: sample(t, "info.not-found.stderr.txt"), exit: 1, listing: true,
			want: orbctl.Error{Kind: orbctl.MachineNotFound},
		},
		"not found, other code": {
			stderr: "[-32602] no machine found: 'nope'\n", exit: 1, listing: true,
			want: orbctl.Error{Kind: orbctl.MachineNotFound},
		},
		"not found, old": {
			stderr: "machine not found: nope\n", exit: 1, listing: true,
			want: orbctl.Error{Kind: orbctl.MachineNotFound},
		},
		"not found behind a banner": {
			stderr: sample(t, "update-banner.txt") + sample(t, "info.not-found.stderr.txt"), exit: 1, listing: true,
			want: orbctl.Error{Kind: orbctl.MachineNotFound},
		},
		"exists": {
			stderr: sample(t, "create.exists.stderr.txt"), exit: 1,
			want: orbctl.Error{Kind: orbctl.MachineExists},
		},
		"no address": {
			stderr: "[-32098] create 'web': machine didn't start in 30s (missing IP address)", exit: 1,
			want: orbctl.Error{Kind: orbctl.Timeout, MayFinish: true},
		},
		"VM late": {
			stderr: "start VM: timed out waiting for VM to start", exit: 1,
			want: orbctl.Error{Kind: orbctl.OrbStackStarting, MayFinish: true},
		},
		"quota": {
			stderr: "[-32098] rename: write /x: disk quota exceeded", exit: 1,
			want: orbctl.Error{Kind: orbctl.DiskQuotaFull},
		},
		"panic": {
			stderr: goPanic, exit: 2,
			want: orbctl.Error{Kind: orbctl.OrbctlFailed, Crashed: true},
		},
		"panic with a known wording in it": {
			stderr: "panic: machine not found: 'web'\n\ngoroutine 1 [running]:\n", exit: 2,
			want: orbctl.Error{Kind: orbctl.OrbctlFailed, Crashed: true},
		},
		"anything else": {
			stderr: "[-32000] the moon is full", exit: 1,
			want: orbctl.Error{Kind: orbctl.OrbctlFailed},
		},
		"a sentence that only resembles one": {
			stderr: "warning: a machine not found: 'x' was mentioned in a log", exit: 1,
			want: orbctl.Error{Kind: orbctl.OrbctlFailed},
		},
		"nothing at all": {
			exit: 3,
			want: orbctl.Error{Kind: orbctl.OrbctlFailed},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			steps := []step{fails(runner.OpLogs, tt.exit, tt.stderr)}
			if tt.listing {
				steps = append(steps, prints(runner.OpList, `[{"name":"web","state":"running"},{"name":"nop","state":"running"}]`))
				tt.want.Have, tt.want.Nearest = []string{"web", "nop"}, []string{"nop"}
			}
			c, _ := expect(t, steps...)
			_, err := c.Logs(t.Context(), "nope", orbctl.LogsQuery{}, &strings.Builder{})
			e := failure(t, err, tt.want.Kind)
			assert.Equal(t, "nope", e.Machine)
			assert.Equal(t, tt.want.Crashed, e.Crashed)
			assert.Equal(t, tt.want.MayFinish, e.MayFinish)
			assert.Equal(t, tt.want.Have, e.Have)
			assert.Equal(t, tt.want.Nearest, e.Nearest)
			assert.Equal(t, tt.exit, e.Exit)
			rest, _ := orbctl.StripBanner(tt.stderr)
			assert.Equal(t, strings.TrimSpace(rest), e.Raw)
			if e.Raw != "" {
				assert.NotContains(t, e.Error(), e.Raw)
			}
		})
	}
}

func TestASignalIsAFailureWhateverTheExitCode(t *testing.T) {
	c, _ := expect(t, step{op: runner.OpLogs, res: runner.Result{Signal: "SIGSEGV"}})
	_, err := c.Logs(t.Context(), "web", orbctl.LogsQuery{}, &strings.Builder{})
	e := failure(t, err, orbctl.OrbctlFailed)
	assert.Equal(t, "SIGSEGV", e.Signal)
	assert.Contains(t, e.Error(), "SIGSEGV")
}

// The runner's errors become kinds, are not repeated, and stay reachable.
func TestTheRunnersErrorsKeepTheirFacts(t *testing.T) {
	tests := map[string]struct {
		err  error
		want orbctl.Error
	}{
		"no orbctl":   {&runner.BinaryError{}, orbctl.Error{Kind: orbctl.OrbctlNotFound}},
		"stopped":     {&runner.GateError{Status: runner.Stopped, Detail: "it said so"}, orbctl.Error{Kind: orbctl.OrbStackNotRunning, Status: runner.Stopped, Why: "it said so"}},
		"starting":    {&runner.GateError{Status: runner.Starting}, orbctl.Error{Kind: orbctl.OrbStackStarting, Status: runner.Starting}},
		"unreachable": {&runner.GateError{Status: runner.Unreachable}, orbctl.Error{Kind: orbctl.OrbStackNotReached, Status: runner.Unreachable}},
		"invalid": {
			&runner.InvalidError{Field: "machine", Value: "-x\n", Why: "begins with a dash"},
			orbctl.Error{Kind: orbctl.InvalidArgument, Problems: []orbctl.Problem{{Field: "machine", Value: "-x", Why: "begins with a dash"}}},
		},
		"late":    {&runner.TimeoutError{After: time.Second}, orbctl.Error{Kind: orbctl.Timeout, After: time.Second}},
		"busy":    {&runner.BusyError{}, orbctl.Error{Kind: orbctl.Busy}},
		"flood":   {&runner.OutputError{Limit: 4 << 20}, orbctl.Error{Kind: orbctl.OutputLimit, Limit: 4 << 20}},
		"refused": {&runner.RefusedError{Why: "read-only"}, orbctl.Error{Kind: orbctl.NotAllowed, Why: "read-only"}},
		"no record": {
			&runner.AuditError{Op: runner.OpConfigSet, Path: "/state/audit\x1b[1m.jsonl", Err: errors.New("is a symbolic link")},
			orbctl.Error{Kind: orbctl.NotAllowed, Why: "it could not be recorded, since the audit log /state/audit.jsonl is a symbolic link"},
		},
		"no start":   {&runner.StartError{Path: "/x/orbctl", Err: errors.New("exec format error")}, orbctl.Error{Kind: orbctl.OrbctlFailed, Why: "cannot start /x/orbctl: exec format error"}},
		"odd status": {&runner.StatusError{Exit: 7, Text: "huh"}, orbctl.Error{Kind: orbctl.OrbctlFailed, Exit: 7, Raw: "huh", Why: "whether OrbStack runs is not known", Unreadable: true}},
		"unforeseen": {errors.New("the pipe burst"), orbctl.Error{Kind: orbctl.Internal}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c, _ := expect(t, step{op: runner.OpInfo, err: tt.err})
			_, err := c.Machine(t.Context(), "web")
			e := failure(t, err, tt.want.Kind)
			tt.want.Op, tt.want.Machine, tt.want.Err = e.Op, "web", tt.err
			assert.Equal(t, tt.want, *e)
			require.ErrorIs(t, err, tt.err)
			assert.NotEmpty(t, e.Error())
		})
	}
}

func TestACancelledCallIsNoErrorOfOrbStack(t *testing.T) {
	gone := errors.New("the client went away")
	ctx, cancel := context.WithCancelCause(t.Context())
	c, _ := expect(t, step{op: runner.OpList, err: gone, also: func(context.Context, runner.Call, *runner.Result) { cancel(gone) }})
	_, err := c.Machines(ctx)
	require.ErrorIs(t, err, gone)
	var e *orbctl.Error
	assert.NotErrorAs(t, err, &e)
}

func TestACallersDeadlineIsATimeout(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	c, _ := expect(t, step{op: runner.OpList, err: context.DeadlineExceeded})
	_, err := c.Machines(ctx)
	failure(t, err, orbctl.Timeout)
}

func TestLongRawTextsAreCutInTheMiddle(t *testing.T) {
	_, err := orbctl.ParseList("x"+strings.Repeat("y", 1<<20)+"z", "")
	e := failure(t, err, orbctl.OrbctlFailed)
	assert.Less(t, len(e.Raw), 5<<10)
	assert.True(t, strings.HasPrefix(e.Raw, "xy") && strings.HasSuffix(e.Raw, "yz"))
}

func TestErrorsAreOneLineWithTheFacts(t *testing.T) {
	for want, e := range map[string]orbctl.Error{
		`machine_not_found: orbctl info: machine "wbe": exit 1`:           {Kind: orbctl.MachineNotFound, Op: runner.OpInfo, Machine: "wbe", Exit: 1},
		`invalid_argument: key "cpu": value must be 1 to 8`:               {Kind: orbctl.InvalidArgument, Key: "cpu", Problems: []orbctl.Problem{{Field: "value", Why: "must be 1 to 8"}}},
		`orbctl_failed: orbctl list: it printed null, not a list`:         {Kind: orbctl.OrbctlFailed, Op: runner.OpList, Why: "it printed null, not a list", Raw: "null"},
		`guest_tool_missing: orbctl probe: machine "web": ended by SIGHU`: {Kind: orbctl.GuestToolMissing, Op: runner.OpProbe, Machine: "web", Signal: "SIGHU"},
	} {
		assert.Equal(t, want, e.Error())
	}
}
