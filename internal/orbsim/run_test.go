package orbsim

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestGuestRulesAnswerBeforeTheEngine(t *testing.T) {
	s := up(t, `
extends: base
guest_rules:
  - {machine: web, argv: '^systemctl is-active', stdout: "inactive\n", stderr: "x\n", exit: 3}
  - {argv: '^sh -c .*uptime', stdout: "up 3 days\n", delay: 5ms}
  - {argv: '^hostname$', machine: legacy, stdout: "ruled\n"}
`)
	assert.Equal(t, result{out: "inactive\n", err: "x\n", exit: 3}, s.orbctl("run", "-m", "web", "systemctl", "is-active", "nginx"))
	assert.Equal(t, "^systemctl is-active", s.ended().GuestRule)
	assert.Equal(t, result{out: "up 3 days\n"}, s.orbctl("run", "-m", "db", "sh", "-c", "w; uptime"))
	assert.Equal(t, result{out: "ruled\n"}, s.orbctl("run", "-m", "legacy", "hostname"))
	assert.Equal(t, []string{"boot legacy"}, s.ended().Effects, "the machine is booted all the same")
}

func TestStdinOfARuledCommandIsOnRecord(t *testing.T) {
	s := up(t, "extends: base\nguest_rules: [{argv: ^tee, stdout: ok}]")
	data := strings.Repeat("x", 1<<20)
	assert.Equal(t, result{out: "ok"}, finish(t, s.command("run", "-m", "dev", "tee", "/etc/app"), data))
	sum := sha256.Sum256([]byte(data))
	assert.Equal(t, hex.EncodeToString(sum[:]), s.ended().StdinSHA256)
}

func TestACommandThatNobodyCanPlayIsAGap(t *testing.T) {
	s := up(t, "extends: base")
	r := s.orbctl("run", "-m", "dev", "nginx", "-t")
	assert.Equal(t, ExitGap, r.exit)
	assert.Contains(t, r.err, "neither: nginx")
	assert.True(t, s.ended().Gap)
}

func TestStdinAndExitCodePassThrough(t *testing.T) {
	s := up(t, "extends: base")
	data := strings.Repeat("\x00\xffdata\n", 100_000)
	r := finish(t, s.command("run", "-m", "dev", "cat"), data)
	require.Zero(t, r.exit)
	require.Equal(t, data, r.out)
	sum := sha256.Sum256([]byte(data))
	assert.Equal(t, int64(len(data)), *s.ended().StdinBytes)
	assert.Equal(t, hex.EncodeToString(sum[:]), s.ended().StdinSHA256)
	assert.Equal(t, 1, s.orbctl("run", "-m", "dev", "false").exit)
}

func TestUserOfACommand(t *testing.T) {
	s := up(t, "machines: [{name: dev, default_username: olduser, users: [root, ana]}]")
	assert.Equal(t, result{err: "user: unknown user olduser\n", exit: 1}, s.orbctl("run", "whoami"))
	assert.Equal(t, result{out: "ana\n"}, s.orbctl("run", "-u", "ana", "whoami"))
	assert.Equal(t, result{out: "root\n"}, s.orbctl("run", "--user=root", "-mdev", "whoami"))
}

func TestIsolatedMachineHasNotTheMacsFolders(t *testing.T) {
	s := up(t, "machines: [{name: box, isolated: true}, {name: open}]")
	cmd := s.command("run", "-m", "box", "whoami")
	cmd.Dir = s.home
	assert.Equal(t, result{err: "[-32098] run: chdir " + s.home + ": no such file or directory\n", exit: 1}, finish(t, cmd, ""))
	assert.Equal(t, "ana\n", s.orbctl("run", "-m", "box", "-w", "/", "whoami").out)
	cmd = s.command("run", "-m", "open", "whoami")
	cmd.Dir = s.home
	assert.Equal(t, "ana\n", finish(t, cmd, "").out)
}

func TestTheClientGoingAwayDoesNotEndTheGuestsCommand(t *testing.T) {
	s := up(t, "extends: base")
	cmd := s.command("run", "-m", "dev", "sleep", "600")
	require.NoError(t, cmd.Start())
	require.Eventually(t, func() bool { return len(s.records()) == 1 }, 10*time.Second, time.Millisecond)
	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait()
	waitEnded(t, s, 1)
	end := s.ended()
	assert.True(t, end.ClientGone)
	assert.Nil(t, end.StdinBytes)
}

func TestTheRecordHoldsWhatReachedTheCLI(t *testing.T) {
	s := up(t, "extends: base")
	s.orbctl("run", "-m", "dev", "echo", "a b", "")
	records := s.records()
	require.Len(t, records, 2)
	start, end := records[0], records[1]
	assert.Equal(t, "start", start.Event)
	assert.Equal(t, []string{"run", "-m", "dev", "echo", "a b", ""}, start.Argv)
	assert.Equal(t, []string{"HOME=" + s.home, "USER=ana", "SECRET=canary"}, start.Env[:3])
	assert.Equal(t, "/", start.Cwd)
	assert.Equal(t, "orbctl", start.Program)
	assert.NotZero(t, start.PID)
	require.NotNil(t, start.UID)
	assert.Equal(t, "end", end.Event)
	assert.Equal(t, int64(1), end.N)
	require.NotNil(t, end.Exit)
	assert.Zero(t, *end.Exit)
	assert.False(t, end.ClientGone)
	assert.WithinDuration(t, time.Now(), end.Time, time.Minute)
}

func TestStateIsReadFromOutside(t *testing.T) {
	s := up(t, "extends: base\nmachines: [{name: a, files: {/etc/app: text}}]")
	b, err := ReadState(s.home, true)
	require.NoError(t, err)
	assert.Contains(t, string(b), `"/etc/app":"text"`)
	assert.Contains(t, string(b), `"status":"running"`)
	assert.Zero(t, s.d.Calls(), "looking is no call of orbctl")
	_, err = ReadState("/nonexistent", false)
	assert.ErrorContains(t, err, "no simulator answers below /nonexistent")
}

func TestTwoDaemonsDoNotShareAHome(t *testing.T) {
	s := up(t, "extends: empty")
	_, err := Start(t.Context(), Options{World: s.d.world, Engine: s.d.engine, Home: s.home})
	assert.ErrorContains(t, err, "another simulator listens")
	_, err = Start(t.Context(), Options{World: s.d.world, Engine: s.d.engine, Home: "/tmp/" + strings.Repeat("x", 120)})
	assert.ErrorContains(t, err, "use a shorter --home")
}
