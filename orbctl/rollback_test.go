package orbctl_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/orbctl"
	"orbstack-mcp/orbctl/runner"
)

// orb is a Runner with machines that can be stopped, renamed, cloned and deleted.
type orb struct {
	machines  map[string]*orbMachine
	byDefault string
	made      int
	broken    string   // the call that fails, as changed has it
	changed   []string // the calls that were to change something
}

type orbMachine struct{ id, state, content string }

// rollbackWorld has a machine that changed since its checkpoint.
func rollbackWorld(state, broken string) *orb {
	return &orb{byDefault: "web", broken: broken, machines: map[string]*orbMachine{
		"web": {"01K2G8TY5GM9C3CN95KCB4ZG80", state, "changed"},
		"cp":  {"01K2G8TY5GM9C3CN95KCB4ZG81", "stopped", "kept"},
	}}
}

func (o *orb) Status(context.Context) (runner.Status, error) { return runner.Running, nil }

func (*orb) Edition(string) runner.Edition { return "" }

func (o *orb) Hold(context.Context, ...runner.Call) (*runner.Hold, error) { return nil, nil }

func (o *orb) Places(context.Context, int) (*runner.Places, error) { return nil, nil }

// record is a machine as list and info print it.
func (o *orb) record(name string) string {
	m := o.machines[name]
	return fmt.Sprintf(`{"id":%q,"name":%q,"image":{},"config":{"default_username":"ada"},"builtin":false,"state":%q}`, m.id, name, m.state)
}

func (o *orb) Run(_ context.Context, call runner.Call) (runner.Result, error) {
	switch call.Op {
	case runner.OpDefault:
		return runner.Result{Stdout: o.byDefault + "\n"}, nil
	case runner.OpList:
		var all []string
		for name := range o.machines {
			all = append(all, o.record(name))
		}
		return runner.Result{Stdout: "[" + strings.Join(all, ",") + "]"}, nil
	case runner.OpInfo:
		if o.machines[call.Machine] == nil {
			return runner.Result{Exit: 1, Stderr: "[-32098] Machine not found: '" + call.Machine + "'"}, nil
		}
		return runner.Result{Stdout: `{"record":` + o.record(call.Machine) + `,"ip4":"192.168.139.2"}`}, nil
	}
	words := append([]string{string(call.Op), call.Machine, call.NewName}, call.Args...)
	said := strings.Join(strings.Fields(strings.Join(words, " ")), " ")
	o.changed = append(o.changed, said)
	if said == o.broken {
		return runner.Result{Exit: 1, Stderr: "something broke"}, nil
	}
	m := o.machines[call.Machine]
	switch call.Op {
	case runner.OpStop:
		m.state = "stopped"
	case runner.OpStart:
		m.state = "running"
	case runner.OpRename:
		delete(o.machines, call.Machine)
		o.machines[call.NewName] = m
		if o.byDefault == call.Machine {
			o.byDefault = call.NewName
		}
	case runner.OpClone:
		o.made++
		o.machines[call.NewName] = &orbMachine{fmt.Sprintf("01K2G8TY5GM9C3CN95KCB4ZG9%d", o.made), "stopped", m.content}
	case runner.OpDelete:
		delete(o.machines, call.Machine)
	case runner.OpDefaultSet:
		o.byDefault = call.Args[0]
	default:
		return runner.Result{}, fmt.Errorf("a call that no rollback makes: %s", call.Op)
	}
	return runner.Result{}, nil
}

func agreed(orbctl.MachineInfo, orbctl.MachineInfo) error { return nil }

func TestRollbackPutsACloneInThePlace(t *testing.T) {
	for _, state := range []string{"running", "stopped"} {
		t.Run(state, func(t *testing.T) {
			o := rollbackWorld(state, "")
			before := o.machines["web"].id
			done, err := orbctl.New(o, mac).Rollback(t.Context(), "web", "cp", agreed)
			require.NoError(t, err)
			require.NoError(t, done.Complaint)
			assert.Empty(t, done.Aside)
			assert.Equal(t, before, done.Before.ID)
			assert.Equal(t, o.machines["web"].id, done.After.ID)
			assert.NotEqual(t, before, done.After.ID)
			assert.Equal(t, state, done.After.State)
			assert.Equal(t, "kept", o.machines["web"].content)
			assert.Equal(t, "web", o.byDefault)
			assert.Len(t, o.machines, 2, "the checkpoint stays, and nothing is left aside")
		})
	}
}

// Until the clone is there, the machine as it was is there afterwards: under its
// name, with its ID, and running if it ran.
func TestARollbackThatFailsBeforeItsCloneGivesTheMachineBack(t *testing.T) {
	for _, state := range []string{"running", "stopped"} {
		for _, broken := range []string{"stop web", "rename web web-before-rollback", "clone cp web"} {
			if state == "stopped" && broken == "stop web" {
				continue
			}
			t.Run(state+" "+broken, func(t *testing.T) {
				o := rollbackWorld(state, broken)
				before := *o.machines["web"]
				_, err := orbctl.New(o, mac).Rollback(t.Context(), "web", "cp", agreed)
				failure(t, err, orbctl.OrbctlFailed)
				assert.Contains(t, o.changed, broken)
				require.Len(t, o.machines, 2)
				require.NotNil(t, o.machines["web"])
				assert.Equal(t, before, *o.machines["web"])
				assert.Equal(t, "web", o.byDefault)
			})
		}
	}
}

// A machine that an earlier rollback left aside is not overwritten, and costs
// the machine nothing.
func TestARollbackWhoseNameAsideIsTakenGivesTheMachineBack(t *testing.T) {
	o := rollbackWorld("running", "")
	o.machines["web-before-rollback"] = &orbMachine{"01K2G8TY5GM9C3CN95KCB4ZG82", "stopped", "older"}
	_, err := orbctl.New(o, mac).Rollback(t.Context(), "web", "cp", agreed)
	failure(t, err, orbctl.MachineExists)
	assert.Equal(t, orbMachine{"01K2G8TY5GM9C3CN95KCB4ZG80", "running", "changed"}, *o.machines["web"])
	assert.Equal(t, "older", o.machines["web-before-rollback"].content)
}

// Once the clone is there it is rolled back, and what else failed is told.
func TestARollbackThatFailsAfterItsCloneSaysWhat(t *testing.T) {
	for broken, aside := range map[string]string{"start web": "", "delete web-before-rollback": "web-before-rollback", string(runner.OpDefaultSet) + " web": ""} {
		t.Run(broken, func(t *testing.T) {
			o := rollbackWorld("running", broken)
			done, err := orbctl.New(o, mac).Rollback(t.Context(), "web", "cp", agreed)
			require.NoError(t, err)
			assert.Contains(t, o.changed, o.broken)
			failure(t, done.Complaint, orbctl.OrbctlFailed)
			assert.Equal(t, aside, done.Aside)
			assert.Equal(t, "kept", o.machines["web"].content)
		})
	}
}

// If not even its name can be given back, the error says where the machine is.
func TestARollbackThatCannotBeUndoneSaysWhereTheMachineIs(t *testing.T) {
	o := rollbackWorld("stopped", "")
	both := &brokenTwice{orb: o, calls: []string{"clone cp web", "rename web-before-rollback web"}}
	_, err := orbctl.New(both, mac).Rollback(t.Context(), "web", "cp", agreed)
	e := failure(t, err, orbctl.OrbctlFailed)
	assert.Contains(t, e.Error(), "web-before-rollback")
	assert.Equal(t, "changed", o.machines["web-before-rollback"].content)
}

// brokenTwice is an orb on which several calls fail.
type brokenTwice struct {
	*orb
	calls []string
}

func (b *brokenTwice) Run(ctx context.Context, call runner.Call) (runner.Result, error) {
	if len(b.calls) > 0 && b.calls[0] == strings.Join([]string{string(call.Op), call.Machine, call.NewName}, " ") {
		b.broken, b.calls = b.calls[0], b.calls[1:]
	}
	return b.orb.Run(ctx, call)
}

func TestARollbackThatIsRefusedChangesNothing(t *testing.T) {
	no := errors.New("no")
	for name, c := range map[string]struct {
		machine, checkpoint string
		agree               func(m, cp orbctl.MachineInfo) error
		says                string
	}{
		"declined":      {"web", "cp", func(orbctl.MachineInfo, orbctl.MachineInfo) error { return no }, "no"},
		"itself":        {"web", "web", agreed, "is the machine itself"},
		"no machine":    {"none", "cp", agreed, "none"},
		"no checkpoint": {"web", "none", agreed, "none"},
		"a long name":   {strings.Repeat("a", 60), "cp", agreed, "too long for a rollback"},
	} {
		t.Run(name, func(t *testing.T) {
			o := rollbackWorld("running", "")
			_, err := orbctl.New(o, mac).Rollback(t.Context(), c.machine, c.checkpoint, c.agree)
			require.ErrorContains(t, err, c.says)
			assert.Empty(t, o.changed)
		})
	}
}
