package orbctl_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/orbctl"
	"orbstack-mcp/orbctl/guest"
	"orbstack-mcp/orbctl/runner"
)

// A land is an orbctl with machines, each of which reaches all others by ping.
// Its calls may come at once.
type land struct {
	list  string
	info  map[string]string // what info prints of a machine; "" fails
	probe func(ctx context.Context, call runner.Call) (runner.Result, error)

	mu   sync.Mutex
	runs []string
}

func (l *land) Run(ctx context.Context, call runner.Call) (runner.Result, error) {
	l.mu.Lock()
	l.runs = append(l.runs, strings.TrimSpace(string(call.Op)+" "+call.Machine))
	l.mu.Unlock()
	switch call.Op {
	case runner.OpList:
		return runner.Result{Stdout: l.list}, nil
	case runner.OpInfo:
		if l.info[call.Machine] == "" {
			return runner.Result{Exit: 1, Stderr: "[-32098] machine not found: '" + call.Machine + "'"}, nil
		}
		return runner.Result{Stdout: l.info[call.Machine]}, nil
	}
	if l.probe != nil {
		return l.probe(ctx, call)
	}
	return pinged(call), nil
}

func (*land) Status(context.Context) (runner.Status, error) { return runner.Running, nil }

func (*land) Edition(string) runner.Edition { return "" }

func (*land) Hold(context.Context, ...runner.Call) (*runner.Hold, error) { return nil, nil }

// pinged is a machine that reaches every target of a map by ping.
func pinged(call runner.Call) runner.Result {
	var b strings.Builder
	m := string(call.Mark)
	fmt.Fprintf(&b, "%s begin os\nalpine\n%s end 0\n", m, m)
	for i := 4; i+1 < len(call.Guest); i += 2 {
		at, ping := fmt.Sprintf("%s@%d", m, (i-2)/2), fmt.Sprintf("%s@%d.ping", m, (i-2)/2)
		fmt.Fprintf(&b, "%[1]s %[2]s begin resolve 1 getent-ahosts - -\n%[1]s %[3]s STREAM\n%[1]s %[2]s end 0\n", at, m, call.Guest[i])
		if call.Guest[i] != "-" {
			fmt.Fprintf(&b, "%[1]s %[2]s begin try 2 4 %[3]s 1 iputils 2 - -\n%[1]s 64 bytes from x: icmp_seq=1 ttl=64 time=1.5 ms\n%[1]s %[2]s end 0\n", ping, m, call.Guest[i])
		}
	}
	return runner.Result{Stdout: b.String() + m + " done\n"}
}

// newLand has those machines; one whose name ends in - is stopped.
func newLand(names ...string) *land {
	l := &land{info: map[string]string{}}
	var list []string
	for i, name := range names {
		name, stopped := strings.CutSuffix(name, "-")
		state, ip4 := "running", fmt.Sprintf(`,"ip4":"192.168.139.%d"`, 10+i)
		if stopped {
			state, ip4 = "stopped", ""
		}
		record := fmt.Sprintf(`{"name":"%s","config":{},"state":"%s"}`, name, state)
		list, l.info[name] = append(list, record), `{"record":`+record+ip4+`}`
	}
	l.list = "[" + strings.Join(list, ",") + "]"
	return l
}

func (l *land) mapOf(t *testing.T, names []string, ports ...int) (orbctl.NetworkMap, error) {
	t.Helper()
	return orbctl.New(l, mac).NetworkMap(t.Context(), names, ports)
}

func TestAMapAsksEachMachineOnceForAllOthers(t *testing.T) {
	l := newLand("a", "b", "c", "off-")
	m, err := l.mapOf(t, nil)
	require.NoError(t, err)
	assert.ElementsMatch(t, []string{"list", "info a", "info b", "info c", "probe a", "probe b", "probe c"}, l.runs)
	require.Len(t, m.Rows, 3)
	assert.Equal(t, 4, m.Total)
	for _, r := range m.Rows {
		require.NoError(t, r.Err)
		require.Len(t, r.Cells, 4)
		for _, c := range r.Cells {
			assert.NotEqual(t, r.Machine.Name, c.To)
			assert.Equal(t, guest.OK, c.Verdict)
		}
	}

	l = newLand("a", "off-", "b")
	m, err = l.mapOf(t, []string{"off", "b", "b"}, 443, 80, 443)
	require.NoError(t, err)
	assert.Equal(t, []int{80, 443}, m.Ports)
	assert.Equal(t, []string{"list", "info b"}, l.runs, "one alone has nobody to reach, and a stopped one is left alone")
	require.Len(t, m.Rows, 2)
	assert.Equal(t, "stopped", m.Rows[0].Machine.State)
}

func TestAMachineThatCannotBeAskedIsARowThatSaysWhy(t *testing.T) {
	l := newLand("a", "b", "c", "d..e", "f")
	l.info["b"] = ""                                                             // it is gone since the list
	l.info["f"] = newLand("f-").info["f"]                                        // it was stopped since
	l.info["c"] = strings.Replace(l.info["c"], `,"ip4":"192.168.139.12"`, "", 1) // it has no address yet
	l.probe = func(_ context.Context, call runner.Call) (runner.Result, error) {
		if call.Machine == "c" {
			return runner.Result{Exit: 127, Stderr: "sh: not found"}, nil
		}
		return pinged(call), nil
	}
	m, err := l.mapOf(t, nil)
	require.NoError(t, err)
	require.Len(t, m.Rows, 5)
	a, b, c, d, f := m.Rows[0], m.Rows[1], m.Rows[2], m.Rows[3], m.Rows[4]
	require.NoError(t, a.Err)
	require.Len(t, a.Cells, 1, "by the name of c: it has no address, and the others cannot be reached")
	assert.Equal(t, "c", a.Cells[0].To)
	assert.Equal(t, guest.ByName, a.Cells[0].Label)
	failure(t, b.Err, orbctl.MachineNotFound)
	failure(t, c.Err, orbctl.GuestToolMissing)
	failure(t, d.Err, orbctl.InvalidArgument)
	assert.Equal(t, "stopped", f.Machine.State)
	require.NoError(t, f.Err)
}

func TestAMapOfWhichNothingIsKnownIsAnError(t *testing.T) {
	l := newLand("a", "b")
	l.probe = func(_ context.Context, call runner.Call) (runner.Result, error) {
		return runner.Result{}, &runner.TimeoutError{Op: call.Op}
	}
	_, err := l.mapOf(t, nil)
	failure(t, err, orbctl.Timeout)

	ctx, cancel := context.WithCancel(t.Context())
	l.probe = func(context.Context, runner.Call) (runner.Result, error) {
		cancel()
		return runner.Result{}, context.Canceled
	}
	_, err = orbctl.New(l, mac).NetworkMap(ctx, nil, nil)
	assert.True(t, errors.Is(err, context.Canceled), "%v", err)
}

func TestAMapIsBounded(t *testing.T) {
	var names []string
	for i := range 21 {
		names = append(names, fmt.Sprintf("m%d", i))
	}
	for name, c := range map[string]struct {
		names []string
		ports []int
		why   string
	}{
		"all":          {nil, nil, "is needed: 21 machines run"},
		"named":        {names, nil, "at most 20; 21 were named"},
		"ports":        {names[:2], []int{1, 2, 3, 4, 5, 6}, "at most 5"},
		"no port":      {nil, []int{80, 0}, "1 to 65535"},
		"no such port": {nil, []int{65536}, "1 to 65535"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLand(names...)
			_, err := l.mapOf(t, c.names, c.ports...)
			assert.Contains(t, failure(t, err, orbctl.InvalidArgument).Problems[0].Why, c.why)
			assert.LessOrEqual(t, len(l.runs), 1)
		})
	}
	_, err := newLand("web").mapOf(t, []string{"wbe"})
	assert.Equal(t, []string{"web"}, failure(t, err, orbctl.MachineNotFound).Nearest)
}

func (l *land) Places(context.Context, int) (*runner.Places, error) { return nil, nil }
