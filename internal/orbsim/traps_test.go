package orbsim

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/internal/orbsim/worldfile"
)

func fields(s string) []string { return strings.Fields(s) }

func containsWord(text, word string) bool {
	for _, f := range strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == '\n' || r == ',' }) {
		if f == word {
			return true
		}
	}
	return false
}

func TestHomeUnsetPanicsEvenForVersion(t *testing.T) {
	s := up(t, "extends: base")
	cmd := s.command("version")
	cmd.Env = []string{"USER=ana"}
	r := finish(t, cmd, "")
	assert.Equal(t, 2, r.exit)
	assert.Empty(t, r.out)
	assert.Contains(t, r.err, "panic: $HOME is not defined\n\ngoroutine 1 [running]:")
}

func TestWithoutItsDaemonItLooksStopped(t *testing.T) {
	s := up(t, "extends: base")
	run := func(args ...string) result {
		cmd := s.command(args...)
		cmd.Env = []string{"HOME=/nonexistent"}
		return finish(t, cmd, "")
	}
	assert.Equal(t, result{out: "Stopped\n", exit: 1}, run("status"))
	assert.Contains(t, run("version").out, "Version: 2.")
	assert.Equal(t, result{err: "start VM: timed out waiting for VM to start\n", exit: 1}, run("list"))
}

func TestDoubleDashAfterRunIsRefused(t *testing.T) {
	s := up(t, "extends: base")
	assert.Equal(t, result{err: "Error: unknown flag --\n", exit: 1}, s.orbctl("run", "-m", "dev", "--", "true"))
	assert.Equal(t, result{err: "Error: unknown flag --\n", exit: 1}, s.orbctl("debug", "x", "--", "true"))
	assert.Equal(t, result{err: "Error: unknown flag --frob\n", exit: 1}, s.orbctl("run", "--frob", "true"))
	assert.Equal(t, result{err: "Error: flag needs an argument: -m\n", exit: 1}, s.orbctl("run", "-m"))
	assert.Equal(t, result{out: "-- -x\n"}, s.orbctl("run", "-m", "dev", "echo", "--", "-x"), "flag parsing stops at the first guest word")
}

func TestDeleteByIDPanicsSince221(t *testing.T) {
	for version, panics := range map[string]bool{"2.0.4": false, "2.1.2": false, "2.2.0": false, "2.2.1": true, "2.2.3": true} {
		s := up(t, "version: "+version+"\nmachines: [{name: a}, {name: b}]")
		r := s.orbctl("delete", "-f", s.machine("a").ID)
		if panics {
			assert.Equal(t, 2, r.exit, version)
			assert.Contains(t, r.err, "goroutine 1 [running]", version)
			assert.Len(t, s.state().Machines, 2, version)
		} else {
			assert.Equal(t, result{}, r, version)
			assert.Len(t, s.state().Machines, 1, version)
		}
	}
}

func TestDeleteAsksWithoutForce(t *testing.T) {
	s := up(t, "machines: [{name: a}, {name: b}]")
	r := finish(t, s.command("delete", "a"), "n\n")
	assert.Equal(t, result{err: "Delete a? This cannot be undone. [y/N] Aborted\n", exit: 1}, r)
	assert.Equal(t, 1, s.orbctl("delete", "a").exit, "an empty stdin is no yes")
	assert.Len(t, s.state().Machines, 2)
	r = finish(t, s.command("delete", "a"), "y\nrest")
	assert.Zero(t, r.exit)
	assert.Equal(t, []string{"delete a"}, s.ended().Effects)
	assert.Equal(t, int64(2), *s.ended().StdinBytes, "nothing behind the answer is read")
	require.Len(t, s.state().Machines, 1)
	assert.Equal(t, "ana", s.state().Config["machine.a.username"], "stays listed [seen]")
}

func TestBareStopAndStartActOnAllOfOrbStack(t *testing.T) {
	s := up(t, "extends: base")
	assert.Zero(t, s.orbctl("stop").exit)
	assert.Equal(t, []string{"stop orbstack"}, s.ended().Effects)
	assert.Equal(t, "stopped", s.state().Status)
	for _, m := range s.state().Machines {
		assert.Equal(t, "stopped", m.State, m.Name)
	}
	assert.Equal(t, "Stopped\n", s.orbctl("status").out)
	assert.Zero(t, s.orbctl("start").exit)
	assert.Equal(t, []string{"start orbstack"}, s.ended().Effects)
	assert.Equal(t, "running", s.machine("dev").State)
	assert.Equal(t, "stopped", s.machine("legacy").State, "it did not run before")
}

func TestWhatRanWhenOrbStackWentDownRunsAgain(t *testing.T) {
	for _, downs := range [][]string{{"stop"}, {"stop", "stop"}, {"shutdown", "stop"}, {"stop", "shutdown"}, {"stop", "stop", "shutdown"}} {
		s := up(t, "extends: base")
		for i, down := range downs {
			require.Equal(t, result{}, s.orbctl(down))
			assert.Equal(t, i == 0, len(s.ended().Effects) == 1, "a second one changes nothing")
		}
		require.Zero(t, s.orbctl("start").exit)
		assert.Equal(t, "dev\ndb\nweb\n", s.orbctl("list", "-q", "-r").out, downs)
	}
	s := up(t, "extends: base\nstatus: starting")
	require.Zero(t, s.orbctl("stop").exit)
	assert.Equal(t, []string{"stop orbstack"}, s.ended().Effects)
	require.Zero(t, s.orbctl("start").exit)
	assert.Equal(t, "dev\ndb\nweb\n", s.orbctl("list", "-q", "-r").out, "it went down before they were up")
}

func TestRunBootsAStoppedMachineAndOrbStackItself(t *testing.T) {
	s := up(t, "extends: down")
	assert.Equal(t, result{out: "legacy\n"}, s.orbctl("run", "-m", "legacy", "hostname"))
	assert.Equal(t, []string{"start orbstack", "boot legacy"}, s.ended().Effects)
	assert.Equal(t, "running", s.machine("legacy").State)
}

func TestSSHAndBareOrbStartOrbStack(t *testing.T) {
	for _, c := range []struct {
		program, args string
		starts        bool
	}{
		{"orbctl", "ssh", true},
		{"orb", "ssh", true},
		{"orb", "", true},
		{"orb", "start", true},
		{"orb", "--help", false},
		{"orb", "ssh --help", false},
		{"orb", "status", false},
		{"orbctl", "", false},
	} {
		s := up(t, "extends: down")
		cmd := s.command(fields(c.args)...)
		cmd.Args[0] = c.program
		r := finish(t, cmd, "")
		assert.Empty(t, r.err, c)
		var effects []string
		if c.starts {
			effects = []string{"start orbstack"}
			assert.Equal(t, "running", s.machine("dev").State, c)
			assert.Zero(t, r.exit, c)
		}
		assert.Equal(t, effects, s.ended().Effects, c)
		assert.Equal(t, map[bool]string{true: "running", false: "stopped"}[c.starts], s.state().Status, c)
	}
	s := up(t, "extends: down\nstatus: starting")
	assert.Equal(t, result{err: "start VM: timed out waiting for VM to start\n", exit: 1}, s.orbctl("ssh"))
}

func TestReadsStartOrbStackOnlyWhereTheWorldSaysSo(t *testing.T) {
	s := up(t, "extends: down")
	for _, args := range []string{"list -f json", "info dev -f json", "config show", "default", "logs dev"} {
		assert.Equal(t, result{err: "[-32098] OrbStack is not running\n", exit: 1}, s.orbctl(fields(args)...), args)
	}
	assert.Equal(t, "stopped", s.state().Status)
	s = up(t, "extends: down\nvariants: {list_starts: true}")
	assert.Zero(t, s.orbctl("status").exit-1, "status never starts it")
	assert.Contains(t, s.orbctl("list", "-f", "json").out, `"name":"dev"`)
	assert.Equal(t, []string{"start orbstack"}, s.ended().Effects)
}

func TestCreateAsRootIsBrokenSince22(t *testing.T) {
	s := up(t, "version: 2.2.3")
	r := s.orbctl("create", "-u", "root", "debian", "x")
	assert.Equal(t, 1, r.exit)
	assert.Contains(t, r.err, "usermod: user root is currently used by process 1")
	assert.Empty(t, s.state().Machines)
	s = up(t, "version: 2.1.2")
	assert.Zero(t, s.orbctl("create", "-u", "root", "debian", "x").exit)
}

func TestCreateCanHangThoughTheMachineExists(t *testing.T) {
	s := up(t, "faults: [{argv: ^create, kind: hang, work: true, times: 1}]")
	cmd := s.command("create", "fedora", "f1")
	require.NoError(t, cmd.Start())
	require.Eventually(t, func() bool { m := s.state().Machines; return len(m) == 1 && m[0].State == "running" }, 10*time.Second, time.Millisecond)
	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait()
	require.Eventually(t, func() bool { r := s.records(); return r[len(r)-1].Event == "end" }, 10*time.Second, time.Millisecond)
	assert.True(t, s.ended().ClientGone)
	assert.Equal(t, []string{"create f1"}, s.ended().Effects)
	assert.Contains(t, s.orbctl("create", "fedora", "f1").err, "machine already exists: 'f1'")
}

func TestStopCanReturnEarly(t *testing.T) {
	s := up(t, "machines: [{name: a}, {name: b, state: stopped}]\nvariants: {early_stop: 300ms}")
	assert.Zero(t, s.orbctl("stop", "b").exit)
	assert.Empty(t, s.ended().Effects, "it was stopped already")
	assert.Zero(t, s.orbctl("stop", "a").exit)
	assert.Equal(t, "running", s.machine("a").State)
	assert.Equal(t, []string{"halt a"}, s.ended().Effects)
	require.Eventually(t, func() bool { return s.machine("a").State == "stopped" }, 10*time.Second, time.Millisecond)
}

// limited is a machine that keeps the limits it was given while it ran.
type limited struct {
	Guest
	given *[]worldfile.Limits
}

func (g limited) SetLimits(l worldfile.Limits) error {
	*g.given = append(*g.given, l)
	return nil
}

type limitedEngine struct {
	Engine
	given []worldfile.Limits
}

func (e *limitedEngine) Boot(ctx context.Context, m worldfile.Machine) (Guest, error) {
	g, err := e.Engine.Boot(ctx, m)
	return limited{g, &e.given}, err
}

func TestLimitsHoldAtOnceWhereTheWorldSaysSo(t *testing.T) {
	for variants, want := range map[string][]worldfile.Limits{
		"{}":                  nil,
		"{live_limits: true}": {{CPU: 3}, {CPU: 3, MemoryMiB: 512}, {MemoryMiB: 512}},
	} {
		var e *limitedEngine
		s := upWith(t, "machines: [{name: a, limits: {cpu: 1}}, {name: b, state: stopped}]\nvariants: "+variants, func(o *Options) {
			e = &limitedEngine{Engine: o.Engine}
			o.Engine = e
		})
		for _, set := range []string{"a.cpu 3", "a.memory_mib 512", "a.disk_bytes 1", "a.username bob", "b.cpu 2", "a.cpu 0"} {
			require.Equal(t, result{}, s.orbctl(fields("config set machine."+set)...), set)
		}
		assert.Equal(t, 1, s.orbctl("config", "set", "machine.a.cpu", "many").exit)
		for i := range e.given {
			e.given[i].DiskBytes = 0
		}
		assert.Equal(t, want, e.given, variants)
		assert.Equal(t, "512", s.state().Config["machine.a.memory_mib"])
	}
}

func TestAddressesComeLateAfterStart(t *testing.T) {
	s := up(t, "machines: [{name: a, state: stopped}]\nvariants: {late_address: 400ms}")
	assert.Zero(t, s.orbctl("start", "a").exit)
	r := s.orbctl("info", "a", "-f", "json")
	assert.Contains(t, r.out, `"state":"running"`)
	assert.NotContains(t, r.out, "ip4")
	require.Eventually(t, func() bool {
		return strings.Contains(s.orbctl("info", "a", "-f", "json").out, `"ip4":"192.168.139.10"`)
	}, 10*time.Second, 20*time.Millisecond)
}

func TestUID0CanBeRefused(t *testing.T) {
	s := up(t, "uid0: refuse")
	if os.Getuid() == 0 {
		assert.Equal(t, result{err: "orbctl: refusing to run as root; run it as the user who is logged in\n", exit: 1}, s.orbctl("status"))
		assert.Len(t, s.records(), 2, "it is on record all the same")
	} else {
		assert.Equal(t, "Running\n", s.orbctl("status").out)
	}
	s = upWith(t, "uid0: refuse", func(o *Options) { o.UserUID0 = true })
	assert.Equal(t, "Running\n", s.orbctl("status").out, "uid 0 of a user namespace is an ordinary user's")
}

func TestUnderTheNameOrbAnUnknownWordIsALinuxCommand(t *testing.T) {
	s := up(t, "extends: base")
	cmd := s.command("hostname")
	cmd.Args[0] = "/usr/local/bin/orb"
	assert.Equal(t, result{out: "dev\n"}, finish(t, cmd, ""))
	cmd = s.command("status")
	cmd.Args[0] = "orb"
	assert.Equal(t, result{out: "Running\n"}, finish(t, cmd, ""))
}

func TestMachineAtItsQuotaCannotBeRenamedOrDeleted(t *testing.T) {
	s := up(t, "machines: [{name: db, disk_size: 21474836480, limits: {disk_bytes: 21474836480}}]")
	assert.Contains(t, s.orbctl("delete", "-f", "db").err, "disk quota exceeded")
	assert.Contains(t, s.orbctl("rename", "db", "db2").err, "disk quota exceeded")
	assert.Zero(t, s.orbctl("config", "set", "machine.db.disk_bytes", "42949672960").exit)
	assert.Zero(t, s.orbctl("rename", "db", "db2").exit)
}

func TestOutputOfAClientThatDiedIsNotHeldOpen(t *testing.T) {
	s := up(t, "extends: base")
	cmd := s.command("run", "-m", "dev", "sleep", "600")
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	require.Eventually(t, func() bool { return len(s.records()) > 0 }, 10*time.Second, time.Millisecond)
	require.NoError(t, cmd.Process.Kill())
	n, err := out.Read(make([]byte, 1)) // the end comes although the guest's command goes on
	assert.Zero(t, n)
	require.Error(t, err)
	var exit *exec.ExitError
	require.ErrorAs(t, cmd.Wait(), &exit)
}
