package runner_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/orbctl/runner"
)

// A lockCase is two calls, the first of which has its locks: whether the second
// has to wait.
var lockCases = map[string]struct {
	first, second runner.Call
	waits         bool
}{
	"two changes of a machine":               {named(runner.OpStop, "web"), named(runner.OpStart, "web"), true},
	"changes of two machines":                {named(runner.OpStop, "web"), named(runner.OpStart, "db"), false},
	"a look beside a change":                 {named(runner.OpStop, "web"), probe("web", ""), true},
	"two looks":                              {probe("web", ""), probe("web", ""), false},
	"a change beside a look":                 {probe("web", ""), named(runner.OpStop, "web"), true},
	"a change beside a command":              {command("web", ""), named(runner.OpDelete, "web"), true},
	"a list beside a change":                 {named(runner.OpStop, "web"), list, false},
	"an info beside a change":                {named(runner.OpDelete, "web"), named(runner.OpInfo, "web"), false},
	"a log beside a change":                  {named(runner.OpDelete, "web"), named(runner.OpLogs, "web"), false},
	"the name that is to be":                 {runner.Call{Op: runner.OpRename, Machine: "web", NewName: "db"}, named(runner.OpStart, "db"), true},
	"two that swap names":                    {runner.Call{Op: runner.OpRename, Machine: "web", NewName: "db"}, runner.Call{Op: runner.OpRename, Machine: "db", NewName: "web"}, true},
	"a machine's setting and the machine":    {set("machine.web.username"), named(runner.OpStop, "web"), true},
	"a setting of another machine":           {set("machine.my.web.cpu"), named(runner.OpStop, "web"), false},
	"a machine called as the settings' lock": {named(runner.OpStop, "settings"), set("cpu"), false},
	"two settings of OrbStack":               {set("cpu"), set("memory_mib"), true},
	"the default machine":                    {makeDefault("web"), set("cpu"), true},
	"the machine that is to be the default":  {named(runner.OpDelete, "web"), makeDefault("web"), true},
	"another machine than the default":       {named(runner.OpDelete, "web"), makeDefault("db"), false},
	"no default machine":                     {named(runner.OpDelete, "none"), makeDefault("none"), false},
	"names that are one on a Mac's disk":     {named(runner.OpStop, "Web"), named(runner.OpStart, "web"), true},
	"a long look beside a change":            {named(runner.OpStop, "web"), follow("web"), true},
	"a change beside a file that comes":      {transfer(runner.OpGet, "web"), named(runner.OpStop, "web"), true},
}

func named(op runner.Op, machine string) runner.Call { return runner.Call{Op: op, Machine: machine} }

// follow is a look that takes long.
func follow(machine string) runner.Call {
	call := probe(machine, "")
	call.Deadline = 45 * time.Second
	return call
}

func transfer(op runner.Op, machine string) runner.Call {
	call := probe(machine, "")
	call.Op = op
	return call
}

func makeDefault(machine string) runner.Call {
	return runner.Call{Op: runner.OpDefaultSet, Args: []string{machine}}
}

func set(key string) runner.Call {
	return runner.Call{Op: runner.OpConfigSet, Args: []string{key, "1"}}
}

func TestWhoWaitsForWhom(t *testing.T) {
	for name, tt := range lockCases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := runner.NewLocks("")
				release, err := l.Take(t.Context(), tt.first)
				require.NoError(t, err)
				second := make(chan error, 1)
				go func() {
					give, err := l.Take(t.Context(), tt.second)
					if err == nil {
						give()
					}
					second <- err
				}()
				synctest.Wait()
				assert.Equal(t, tt.waits, len(second) == 0)
				release()
				require.NoError(t, <-second)
				assert.Zero(t, l.Used(), "nothing is left behind")
			})
		})
	}
}

func TestNobodyOvertakesAChangeThatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := runner.NewLocks("")
		release, err := l.Take(t.Context(), probe("web", ""))
		require.NoError(t, err)
		order := make(chan string, 2)
		for _, who := range []struct {
			name string
			call runner.Call
		}{{"change", named(runner.OpStop, "web")}, {"look", probe("web", "")}} {
			go func() {
				give, err := l.Take(t.Context(), who.call)
				assert.NoError(t, err)
				order <- who.name
				give()
			}()
			synctest.Wait()
		}
		assert.Empty(t, order, "the look waits behind the change")
		release()
		assert.Equal(t, "change", <-order)
		assert.Equal(t, "look", <-order)
	})
}

func TestWaitingForALockEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := runner.NewLocks("")
		release, err := l.Take(t.Context(), named(runner.OpStop, "web"))
		require.NoError(t, err)
		defer release()
		_, err = l.Take(t.Context(), named(runner.OpStart, "web"))
		var busy *runner.BusyError
		require.ErrorAs(t, err, &busy)
		assert.Equal(t, "another operation on machine web was still under way after 1m0s", err.Error())

		why := errors.New("the client said so")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(why) })
		_, err = l.Take(ctx, named(runner.OpStart, "web"))
		require.ErrorIs(t, err, why)
	})
}

// Two Runners stand for two servers: they share nothing but the folder.
func TestServersShareTheirLocksThroughFiles(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "state", "locks")
	one, two := runner.NewLocks(folder), runner.NewLocks(folder)
	release, err := one.Take(t.Context(), named(runner.OpStop, "web"))
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = two.Take(ctx, probe("web", ""))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	give, err := two.Take(t.Context(), named(runner.OpStop, "db"))
	require.NoError(t, err, "another machine's lock is another file")
	give()
	release()
	give, err = two.Take(t.Context(), named(runner.OpStart, "web"))
	require.NoError(t, err)
	give()

	info, err := os.Stat(filepath.Join(folder, "machine-web.lock"))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

// Counting up in a file, which goes wrong as soon as two do it at once.
func TestNoTwoChangesAtOnceAcrossServers(t *testing.T) {
	folder := t.TempDir()
	const servers, each = 4, 50
	var inside, most, count int
	var mu sync.Mutex
	var all sync.WaitGroup
	for range servers {
		l := runner.NewLocks(folder)
		for range each {
			all.Go(func() {
				release, err := l.Take(t.Context(), named(runner.OpStop, "web"))
				if !assert.NoError(t, err) {
					return
				}
				mu.Lock()
				inside++
				most = max(most, inside)
				mu.Unlock()
				mu.Lock()
				inside--
				count++
				mu.Unlock()
				release()
			})
		}
	}
	all.Wait()
	assert.Equal(t, 1, most)
	assert.Equal(t, servers*each, count)
}

// Without the file, reading goes on and changing does not.
func TestALockFileThatCannotBeUsed(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "locks")
	require.NoError(t, os.WriteFile(folder, nil, 0o600), "a file where the folder should be")
	l := runner.NewLocks(folder)
	give, err := l.Take(t.Context(), probe("web", ""))
	require.NoError(t, err)
	give()
	_, err = l.Take(t.Context(), named(runner.OpStop, "web"))
	var lock *runner.LockError
	require.ErrorAs(t, err, &lock)
	assert.Contains(t, err.Error(), "machine-web.lock cannot be used")
	assert.Zero(t, l.Used())
}

// A Mac's file system takes two names for one file: the second lock of one call
// would wait for the first.
func TestAMachineMayBeRenamedToItsNameInOtherLetters(t *testing.T) {
	l := runner.NewLocks(t.TempDir())
	give, err := l.Take(t.Context(), runner.Call{Op: runner.OpRename, Machine: "Web", NewName: "web"})
	require.NoError(t, err)
	give()
	files, err := os.ReadDir(l.Folder())
	require.NoError(t, err)
	require.Len(t, files, 1)
	assert.Equal(t, "machine-web.lock", files[0].Name())
}

// Each folder is that of several servers; without one, each Runner is alone.
func TestAnEditionLastsUntilSomebodyChangesTheMachine(t *testing.T) {
	for name, folder := range map[string]string{"in this process": "", "between servers": t.TempDir()} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			one := w.runner(t, func(o *runner.Options) { o.Locks = folder })
			two := one
			if folder != "" {
				two = w.runner(t, func(o *runner.Options) { o.Locks = folder })
			}
			first := one.Edition("web")
			for _, harmless := range []runner.Call{list, probe("web", ""), named(runner.OpStop, "db"), named(runner.OpInfo, "web")} {
				_, err := two.Run(t.Context(), harmless)
				require.NoError(t, err)
				assert.Equal(t, first, one.Edition("web"), "%s", harmless.Op)
			}
			seen := map[runner.Edition]bool{first: true}
			for _, change := range []runner.Call{named(runner.OpStop, "web"), set("machine.web.cpu"), named(runner.OpStop, "WEB"), {Op: runner.OpRename, Machine: "db", NewName: "web"}} {
				_, err := two.Run(t.Context(), change)
				require.NoError(t, err)
				assert.False(t, seen[one.Edition("web")], "%s", change.Op)
				seen[one.Edition("web")] = true
			}
			hold, err := two.Hold(t.Context(), named(runner.OpStop, "web"))
			require.NoError(t, err)
			during := one.Edition("web")
			assert.False(t, seen[during], "a change that has begun")
			hold.Release()
			assert.NotEqual(t, during, one.Edition("web"), "and one that has ended")
		})
	}
	w := newWorld(t, nil)
	assert.Empty(t, w.runner(t).Edition("../../etc/passwd"))
}

func TestNothingRunsInAMachineThatWasChangedSinceItWasLookedAt(t *testing.T) {
	for _, looks := range []runner.Call{probe("web", ""), follow("web"), command("web", ""), transfer(runner.OpGet, "web"), transfer(runner.OpPut, "web")} {
		t.Run(string(looks.Op)+" "+looks.Deadline.String(), func(t *testing.T) {
			w := newWorld(t, nil)
			r := w.runner(t)
			looks.Seen = r.Edition("web")
			_, err := r.Run(t.Context(), named(runner.OpStop, "web"))
			require.NoError(t, err)
			_, err = r.Run(t.Context(), looks)
			var stale *runner.StaleError
			require.ErrorAs(t, err, &stale)
			assert.Equal(t, "machine web was changed after it was looked at", err.Error())
			assert.Empty(t, w.calls(t, "run"))

			looks.Seen = r.Edition("web")
			_, err = r.Run(t.Context(), looks)
			require.NoError(t, err)
			assert.Len(t, w.calls(t, "run"), 1)
		})
	}
}

// A state that was read while somebody stopped the machine is old when its turn
// comes.
func TestACallThatWaitedForAChangeIsStale(t *testing.T) {
	w := newWorld(t, nil)
	r := w.runner(t)
	hold, err := r.Hold(t.Context(), named(runner.OpStop, "web"))
	require.NoError(t, err)
	for _, looks := range []runner.Call{probe("web", ""), follow("web")} {
		looks.Seen = r.Edition("web")
		waited := make(chan error, 1)
		go func() {
			_, err := r.Run(t.Context(), looks)
			waited <- err
		}()
		defer func() {
			var stale *runner.StaleError
			require.ErrorAs(t, <-waited, &stale)
			assert.Empty(t, w.calls(t, "run"))
		}()
	}
	hold.Release()
}

// Two looks together, which a copy is, keep changes out and other looks not.
func TestAHoldOfLooksIsShared(t *testing.T) {
	w := newWorld(t, nil)
	r := w.runner(t)
	hold, err := r.Hold(t.Context(), transfer(runner.OpPut, "web"), transfer(runner.OpGet, "db"))
	require.NoError(t, err)
	defer hold.Release()
	for _, machine := range []string{"web", "db"} {
		_, err = r.Run(t.Context(), probe(machine, ""))
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		stop := named(runner.OpStop, machine)
		stop.Under = hold // which is not enough for it
		_, err = r.Run(ctx, stop)
		require.ErrorIs(t, err, context.DeadlineExceeded)
	}
}

func TestAHoldCoversItsCallsAndKeepsOthersOut(t *testing.T) {
	w := newWorld(t, nil)
	folder := t.TempDir()
	r := w.runner(t, func(o *runner.Options) { o.Locks = folder })
	hold, err := r.Hold(t.Context(), set("machine.web.cpu"))
	require.NoError(t, err)
	inside := set("machine.web.cpu")
	inside.Under = hold
	_, err = r.Run(t.Context(), inside)
	require.NoError(t, err, "its own lock does not stop it")

	other := w.runner(t, func(o *runner.Options) { o.Locks = folder })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = other.Run(ctx, named(runner.OpStop, "web"))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	hold.Release()
	_, err = other.Run(t.Context(), named(runner.OpStop, "web"))
	require.NoError(t, err)
	assert.Len(t, w.calls(t, "stop"), 1)
	(*runner.Hold)(nil).Release()

	_, err = r.Hold(t.Context(), named(runner.OpStop, "../../x"))
	var bad *runner.InvalidError
	require.ErrorAs(t, err, &bad)
	hold, err = r.Hold(t.Context(), set("machine.../../x.cpu"))
	require.NoError(t, err, "what is no machine's name is no file's name either")
	hold.Release()
	files, err := os.ReadDir(folder)
	require.NoError(t, err)
	for _, f := range files {
		assert.Contains(t, []string{"machine-web.lock", "settings.lock"}, f.Name())
	}
}
