package orbctl_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/orbctl"
	"orbstack-mcp/orbctl/guest"
	"orbstack-mcp/orbctl/runner"
)

var web = orbctl.MachineInfo{Machine: orbctl.Machine{
	ID: "01K2G8TY5GM9C3CN95KCB4ZG8B", Name: "web", State: orbctl.Running,
	Config: orbctl.MachineConfig{DefaultUsername: "ubuntu"},
}}

// A section is what a script in the machine prints under one name.
type section struct{ name, text string }

// answers is a probe in which the script reaches its end.
func answers(sections ...section) step { return cut(append(sections, section{})...) }

// cut is a probe in which the script is stopped behind the sections; the section
// without a name is the end of the script.
func cut(sections ...section) step {
	return step{op: runner.OpProbe, also: func(_ context.Context, call runner.Call, res *runner.Result) {
		var b strings.Builder
		b.WriteString("a line of the guest's own\n")
		for _, s := range sections {
			if s.name == "" {
				fmt.Fprintf(&b, "%s done\n", call.Mark)
				continue
			}
			fmt.Fprintf(&b, "%s begin %s\n%s\n%s end 0\n", call.Mark, s.name, s.text, call.Mark)
		}
		res.Stdout = b.String()
	}}
}

const passwd = `root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
ubuntu:x:501:501::/home/ubuntu:/bin/bash
deploy:x:1001:1001::/home/deploy:/bin/sh
exit 0
5`

func TestAProbeIsOneRunInTheMachineThatWasRead(t *testing.T) {
	c, f := expect(t, answers(section{"passwd", passwd}))
	report, meta, err := c.Users(t.Context(), web, "deploy")
	require.NoError(t, err)
	assert.Len(t, report.Accounts, 4)
	assert.True(t, report.Named.Exists)
	assert.Equal(t, "ubuntu", meta.User)
	assert.False(t, meta.FellBack)

	call := f.calls[0]
	assert.Equal(t, "web", call.Machine)
	assert.Equal(t, orbctl.Running, call.State)
	assert.Empty(t, call.User, "the machine's default user")
	assert.Equal(t, []string{"deploy"}, call.Guest)
	assert.Equal(t, "users", call.Script.Name())
	_, _, limit := guest.Users("deploy")
	assert.Equal(t, limit+5*time.Second, call.Deadline)
}

func TestAMachineThatDoesNotRunIsNotAsked(t *testing.T) {
	c, _ := expect(t) // no run: it would boot the machine
	for _, state := range []string{"stopped", "starting", "frozen", ""} {
		m := web
		m.State = state
		_, _, err := c.NetworkFacts(t.Context(), m)
		e := failure(t, err, orbctl.MachineNotRunning)
		assert.Equal(t, "web", e.Machine)
		assert.Equal(t, state, e.State)
		_, _, err = c.Journal(t.Context(), m, guest.JournalQuery{Source: guest.SourceJournal, Lines: 5}, nil)
		failure(t, err, orbctl.MachineNotRunning)
	}
}

func TestAMissingDefaultUserIsAskedForAsRootOnce(t *testing.T) {
	for _, words := range []string{"user: unknown user ubuntu", "Error: user 'ubuntu' does not exist", "unable to find user ubuntu: no matching entries in passwd file"} {
		c, f := expect(t, fails(runner.OpProbe, 1, words), answers(section{"passwd", passwd}))
		_, meta, err := c.Users(t.Context(), web, "")
		require.NoError(t, err)
		assert.Equal(t, "root", f.calls[1].User)
		assert.Equal(t, "root", meta.User)
		assert.True(t, meta.FellBack)
		assert.Equal(t, `the machine has no user "ubuntu"`, meta.Reason)
	}
	c, _ := expect(t, fails(runner.OpProbe, 1, "user: unknown user ubuntu"), fails(runner.OpProbe, 1, "user: unknown user root"))
	_, meta, err := c.Users(t.Context(), web, "")
	assert.Equal(t, "user: unknown user root", failure(t, err, orbctl.OrbctlFailed).Raw)
	assert.True(t, meta.FellBack)
}

func TestWhatTheGuestSaysInAnAnswerIsNoMissingUser(t *testing.T) {
	one := answers(section{"passwd", "unknown user"})
	one.res.Exit, one.res.Stderr = 1, "unknown user ubuntu"
	c, _ := expect(t, one)
	_, meta, err := c.Users(t.Context(), web, "")
	require.NoError(t, err)
	assert.False(t, meta.FellBack)

	asRoot := web
	asRoot.Config.DefaultUsername = "root"
	c, _ = expect(t, fails(runner.OpProbe, 1, "unknown user root")) // not once more
	_, _, err = c.Users(t.Context(), asRoot, "")
	failure(t, err, orbctl.OrbctlFailed)
}

func TestWhatWasPrintedBeforeTheDeadlineIsAnAnswer(t *testing.T) {
	late := cut(section{"hostname", "web"})
	late.err = &runner.TimeoutError{Op: runner.OpProbe, After: time.Second}
	c, _ := expect(t, late, step{op: runner.OpProbe, err: late.err})

	report, _, err := c.NetworkFacts(t.Context(), web)
	require.NoError(t, err)
	assert.Equal(t, "web", report.Hostname)
	assert.NotEmpty(t, report.Missing, "and it says what is missing")

	_, _, err = c.NetworkFacts(t.Context(), web)
	e := failure(t, err, orbctl.Timeout)
	assert.False(t, e.MayFinish)
}

func TestAProbeWithoutAnAnswer(t *testing.T) {
	for name, tt := range map[string]struct {
		step step
		kind orbctl.Kind
		also func(*orbctl.Error)
	}{
		"no sh": {fails(runner.OpProbe, 127, "sh: not found"), orbctl.GuestToolMissing, func(e *orbctl.Error) {
			assert.Equal(t, []string{"sh"}, e.Tools)
		}},
		"sh may not run": {fails(runner.OpProbe, 126, ""), orbctl.GuestToolMissing, nil},
		"a panic":        {fails(runner.OpProbe, 2, goPanic), orbctl.OrbctlFailed, func(e *orbctl.Error) { assert.True(t, e.Crashed) }},
		"silence": {prints(runner.OpProbe, "welcome!\n"), orbctl.OrbctlFailed, func(e *orbctl.Error) {
			assert.Equal(t, "the script in the machine printed nothing", e.Why)
			assert.Equal(t, "welcome!", e.Raw)
		}},
		"the end only": {answers(), orbctl.OrbctlFailed, nil},
		"busy":         {step{op: runner.OpProbe, err: &runner.BusyError{}}, orbctl.Busy, nil},
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := expect(t, tt.step)
			_, _, err := c.StatusFacts(t.Context(), web, guest.StatusQuery{})
			e := failure(t, err, tt.kind)
			if tt.also != nil {
				tt.also(e)
			}
		})
	}
}

func TestAMachineThatIsGoneByThen(t *testing.T) {
	c, _ := expect(t, fails(runner.OpProbe, 1, "[-32098] machine not found: 'web'"), prints(runner.OpList, sample(t, "list.v2.2.json")))
	_, _, err := c.NetworkFacts(t.Context(), web)
	assert.Equal(t, []string{"dc-a"}, failure(t, err, orbctl.MachineNotFound).Have)
}

func TestACancelledProbeIsNoErrorOfTheMachine(t *testing.T) {
	gone := errors.New("the client went away")
	ctx, cancel := context.WithCancelCause(t.Context())
	c, _ := expect(t, step{op: runner.OpProbe, err: gone, also: func(context.Context, runner.Call, *runner.Result) { cancel(gone) }})
	_, _, err := c.NetworkFacts(ctx, web)
	require.ErrorIs(t, err, gone)
	var e *orbctl.Error
	assert.NotErrorAs(t, err, &e)
}

func TestJournal(t *testing.T) {
	query := guest.JournalQuery{Source: guest.SourceJournal, Lines: 5}

	t.Run("lines come as root, as they are read", func(t *testing.T) {
		c, f := expect(t, answers(section{"log journalctl", "one\ntwo"}, section{"stderr", ""}))
		var lines []string
		report, meta, err := c.Journal(t.Context(), web, query, func(line string) { lines = append(lines, line) })
		require.NoError(t, err)
		assert.Equal(t, []string{"one", "two"}, lines)
		assert.True(t, report.Complete)
		assert.Equal(t, "root", meta.User)
		assert.False(t, meta.FellBack)
		assert.Equal(t, "root", f.calls[0].User)
	})
	t.Run("a deadline leaves what was read", func(t *testing.T) {
		late := cut(section{"log journalctl", "one"})
		late.err = &runner.TimeoutError{}
		c, _ := expect(t, late)
		n := 0
		report, _, err := c.Journal(t.Context(), web, query, func(string) { n++ })
		require.NoError(t, err)
		assert.Equal(t, 1, n)
		assert.False(t, report.Complete)
	})
	t.Run("a deadline before anything is a timeout", func(t *testing.T) {
		c, _ := expect(t, step{op: runner.OpProbe, err: &runner.TimeoutError{}})
		_, _, err := c.Journal(t.Context(), web, query, func(string) {})
		failure(t, err, orbctl.Timeout)
	})
	t.Run("no tool in the machine", func(t *testing.T) {
		c, _ := expect(t, answers(section{"none journalctl", ""}))
		_, _, err := c.Journal(t.Context(), web, query, func(string) {})
		e := failure(t, err, orbctl.GuestToolMissing)
		assert.Equal(t, []string{"journalctl"}, e.Tools)
		assert.Equal(t, "web", e.Machine)
	})
	t.Run("a wrong question is not asked", func(t *testing.T) {
		c, _ := expect(t)
		_, _, err := c.Journal(t.Context(), web, guest.JournalQuery{Source: guest.SourceKernel, Unit: "x", Lines: 1}, nil)
		e := failure(t, err, orbctl.InvalidArgument)
		assert.Equal(t, "unit", e.Problems[0].Field)
	})
}

func TestATargetThatCannotBeAskedForCostsNoRun(t *testing.T) {
	c, _ := expect(t)
	_, _, err := c.Connectivity(t.Context(), web, guest.ConnectivityQuery{Method: guest.Ping, Legs: []guest.Leg{{Label: "name", Host: "-oProxyCommand"}}})
	assert.Equal(t, "target", failure(t, err, orbctl.InvalidArgument).Problems[0].Field)
	_, _, err = c.DNS(t.Context(), web, guest.DNSQuery{Name: "example.com", Type: "SOAP"})
	assert.Equal(t, "type", failure(t, err, orbctl.InvalidArgument).Problems[0].Field)
}

func TestReachAndDNSAreOneRunEach(t *testing.T) {
	silent := step{op: runner.OpProbe, err: &runner.TimeoutError{}}
	c, f := expect(t, silent, silent)
	_, _, err := c.Connectivity(t.Context(), web, guest.ConnectivityQuery{Method: guest.TCP, Port: 22, Legs: []guest.Leg{{Label: "address", Host: "192.168.139.7"}}})
	failure(t, err, orbctl.Timeout)
	_, _, err = c.DNS(t.Context(), web, guest.DNSQuery{Name: "example.com"})
	failure(t, err, orbctl.Timeout)
	assert.Equal(t, "connectivity", f.calls[0].Script.Name())
	assert.Equal(t, "dns", f.calls[1].Script.Name())
}
