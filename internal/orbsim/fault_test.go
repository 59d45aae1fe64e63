package orbsim

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/internal/orbsim/worldfile"
)

func waitEnded(t *testing.T, s *sim, calls int) {
	t.Helper()
	require.Eventually(t, func() bool {
		n := 0
		for _, r := range s.records() {
			if r.Event == "end" {
				n++
			}
		}
		return n == calls
	}, 10*time.Second, time.Millisecond)
}

func TestFaultsStrikeAfterAndSoManyTimes(t *testing.T) {
	f := newFaults([]worldfile.Fault{{Argv: "^list", Kind: "error", After: 1, Times: 2}, {Argv: "^list -r$", Kind: "empty"}})
	kind := func(args ...string) string {
		if x := f.strike(args); x != nil {
			return x.Kind
		}
		return ""
	}
	assert.Equal(t, []string{"", "error", "error", "", ""}, []string{kind("list"), kind("list"), kind("list"), kind("list"), kind("info")})
	assert.Equal(t, "empty", kind("list", "-r"), "one that is used up lets the next one strike")
}

func TestFaultsStrikeByChanceAndTheSameInEveryLife(t *testing.T) {
	life := func() (struck []int) {
		f := newFaults([]worldfile.Fault{{Argv: "^list", Kind: "error", Chance: 0.1}})
		for i := range 1000 {
			if f.strike([]string{"list"}) != nil {
				struck = append(struck, i)
			}
		}
		return struck
	}
	first := life()
	assert.InDelta(t, 100, len(first), 40)
	assert.Equal(t, first, life())
}

func TestKindsOfFaults(t *testing.T) {
	for _, c := range []struct {
		fault string
		want  result
	}{
		{"{argv: ^list}", result{err: "[-32098] internal error\n", exit: 1}},
		{"{argv: ^list, exit: 3, stderr: boom, stdout: half}", result{out: "half", err: "boom\n", exit: 3}},
		{"{argv: ^list, kind: empty}", result{}},
		{"{argv: ^list, kind: delay, delay: 1ms}", result{out: "dev\ndb\nweb\nlegacy\n"}},
		{"{argv: ^list, kind: truncated}", result{out: "dev\ndb\nwe"}},
		{"{argv: ^list, kind: garbage, stdout: '%%%'}", result{out: "%%%"}},
		{"{argv: ^list, kind: crash, stderr: fatal}", result{err: "fatal", exit: -1, signal: "killed"}},
		{"{argv: ^list, after: 1}", result{out: "dev\ndb\nweb\nlegacy\n"}},
	} {
		s := up(t, "extends: base\nfaults: ["+c.fault+"]")
		assert.Equal(t, c.want, s.orbctl("list", "-q"), c.fault)
	}
}

func TestGarbageIsNoJSONAndNoUTF8(t *testing.T) {
	s := up(t, "extends: base\nfaults: [{argv: ^list, kind: garbage}]")
	r := s.orbctl("list", "-f", "json")
	assert.Zero(t, r.exit)
	assert.NotEqual(t, r.out, string([]rune(r.out)), "it is not valid UTF-8")
}

func TestHugeOutputEndsWithTheClient(t *testing.T) {
	s := up(t, "extends: base\nfaults: [{argv: ^list, kind: huge}]")
	cmd := s.command("list")
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	for read := 0; read < 8<<20; {
		n, err := out.Read(make([]byte, 1<<20))
		require.NoError(t, err)
		read += n
	}
	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait()
	waitEnded(t, s, 1)
	assert.True(t, s.ended().ClientGone)
	assert.Equal(t, "huge", s.ended().Fault)
}

func TestAnErrorCanComeAfterTheWorkWasDone(t *testing.T) {
	s := up(t, "faults: [{argv: ^create, work: true, times: 1, stderr: \"machine didn't start in 30s (missing IP address)\"}]")
	assert.Equal(t, result{err: "machine didn't start in 30s (missing IP address)\n", exit: 1}, s.orbctl("create", "fedora", "f1"))
	assert.Equal(t, "running", s.machine("f1").State)
	assert.Equal(t, []string{"create f1"}, s.ended().Effects)
	assert.Equal(t, "error", s.ended().Fault)
}

func TestGuestOutputIsCutAndDroppedByFaultsToo(t *testing.T) {
	s := up(t, "machines: [{name: a}]\nfaults: [{argv: 'echo 1234567', kind: truncated}, {argv: 'echo x', kind: empty, work: true}]")
	assert.Equal(t, result{out: "1234"}, s.orbctl("run", "echo", "1234567"))
	assert.Equal(t, result{}, s.orbctl("run", "echo", "x"))
}
