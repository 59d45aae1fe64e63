package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/internal/orbsim"
)

// Machines of busybox boot fast. counter does not run, so that its user may be
// set unchecked.
const twoServersWorld = `
default: m0
config: {memory_mib: "1024", docker.node_name: first}
machines:
  - {name: m0, rootfs: busybox}
  - {name: m1, rootfs: busybox}
  - {name: m2, rootfs: busybox, state: stopped}
  - {name: counter, rootfs: busybox, state: stopped, http_port: 1, default_username: ana}
`

// Two servers share a world and a folder of locks and do a thousand random
// operations. Then the record of what reached orbctl has no two at once that
// touch the same; each ended as a model foretells that does them one by one, and
// so did the whole; and of what was read and then changed, nothing was lost.
func TestThreat21_TwoServersAgree(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	in := func(name string) string { return filepath.Join(folder, name) }
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(bin.sim, "run", worldArg(t, twoServersWorld), "--record", in("record"), "--state-before", in("before"), "--state", in("after"), "--", self, pairVerb, folder)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)

	var done report
	for i := range bothServers {
		r := readAs[report](t, in(fmt.Sprintf("report-%d.json", i)))
		done.Ran, done.Counts = append(done.Ran, r.Ran...), append(done.Counts, r.Counts...)
		done.Passed, done.Failed = append(done.Passed, r.Passed...), append(done.Failed, r.Failed...)
	}
	assert.Empty(t, done.Failed)
	before, after := readAs[orbsim.State](t, in("before")), readAs[orbsim.State](t, in("after"))
	record := (&record{file: in("record")}).read(t)
	assertNobodyCameBetween(t, record)
	assertReplays(t, before, after, record)
	assertReported(t, done, record)
	assertCounted(t, done.Counts, "memory_mib", 1024, after.Config["memory_mib"])
	assertCounted(t, done.Counts, "machine.counter.http_port", 1, after.Config["machine.counter.http_port"])
	assertPassedOn(t, done.Passed, "docker.node_name", "first", after.Config["docker.node_name"])
	assertPassedOn(t, done.Passed, "machine.counter.username", "ana", after.Config["machine.counter.username"])
}

func readAs[T any](t *testing.T, file string) (v T) {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &v))
	return v
}

// assertNobodyCameBetween reads the record in its order, which is that of the
// simulator: a start stands before anything happens, an end before the client
// has ended.
func assertNobodyCameBetween(t *testing.T, record []orbsim.Record) {
	t.Helper()
	under := map[int64]orbsim.Record{}
	together := 0 // of those that touch anything, so that it is seen that they can
	for _, r := range record {
		what, shared := touches(r.Argv)
		if r.Event == "end" {
			delete(under, r.N)
			continue
		}
		for _, other := range under {
			theirs, theyShare := touches(other.Argv)
			if len(what) > 0 && len(theirs) > 0 {
				together++
			}
			for _, name := range what {
				if (!shared || !theyShare) && slices.Contains(theirs, name) {
					assert.Fail(t, "two at once", "%q began during %q: both touch %s", brief(r.Argv), brief(other.Argv), name)
				}
			}
		}
		under[r.N] = r
	}
	assert.Empty(t, under, "the world ended before these did")
	assert.NotZero(t, together, "nothing was ever done at once, so nothing was tested")
}

// assertReplays applies the record to the model.
func assertReplays(t *testing.T, before, after orbsim.State, record []orbsim.Record) {
	t.Helper()
	m := modelOf(before)
	ended := map[int64]int{}
	for _, r := range record {
		if r.Event == "end" {
			ended[r.N] = *r.Exit
		}
	}
	worked, refused := map[string]int{}, map[string]int{}
	for _, r := range record {
		if what, _ := touches(r.Argv); r.Event == "end" || len(what) == 0 {
			continue
		}
		exit := m.apply(r.Argv)
		if exit >= 0 {
			assert.Equal(t, exit, ended[r.N], "call %d: %s", r.N, brief(r.Argv))
		}
		if exit == 0 {
			worked[r.Argv[0]]++
		} else {
			refused[r.Argv[0]]++
		}
	}
	for _, verb := range []string{"start", "stop", "restart", "rename", "clone", "delete", "default", "config"} {
		assert.NotZero(t, worked[verb], "%s never worked", verb)
	}
	t.Logf("worked %v, refused %v", worked, refused)

	have := modelOf(after)
	for name, x := range have.machines { // the ID of a clone is new
		if want, there := m.machines[name]; there && want.ID == "" {
			assert.NotContains(t, slices.Collect(idsOf(before)), x.ID)
			x.ID = ""
			have.machines[name] = x
		}
	}
	assert.Equal(t, m, have)
}

func idsOf(s orbsim.State) func(func(string) bool) {
	return func(yield func(string) bool) {
		for _, m := range s.Machines {
			if !yield(m.ID) {
				return
			}
		}
	}
}

// assertReported: what the servers were told is what happened.
func assertReported(t *testing.T, done report, record []orbsim.Record) {
	t.Helper()
	left := map[string]int{}
	for _, r := range record {
		if r.Event == "end" {
			left[fmt.Sprint(brief(r.Argv), *r.Exit)]++
		}
	}
	for _, o := range done.Ran {
		left[fmt.Sprint(brief(o.Argv), o.Exit)]--
	}
	for call, n := range left {
		assert.GreaterOrEqual(t, n, 0, "%s was reported %d times too often", call, -n)
	}
	assert.Greater(t, len(done.Ran), 500, "most operations are reported one by one")
}

// assertCounted: each step was taken once, and the last one is what is stored.
func assertCounted(t *testing.T, counts []count, key string, first int, last string) {
	t.Helper()
	taken := map[int]int{}
	for _, c := range counts {
		if c.Key == key {
			taken[c.From]++
		}
	}
	steps := 0
	for from, times := range taken {
		assert.Equal(t, 1, times, "%s: %d servers read %d and set the next", key, times, from)
		steps += times
	}
	assert.Equal(t, fmt.Sprint(first+steps), last, "%s: %d steps from %d", key, steps, first)
	assert.Greater(t, steps, 20, "%s: enough to get into each other's way", key)
}

// assertPassedOn: each change found what another had left, from the first to the
// last in one chain.
func assertPassedOn(t *testing.T, all []passed, key, first, last string) {
	t.Helper()
	next := map[string]string{}
	changes := 0
	for _, p := range all {
		if p.Key != key {
			continue
		}
		changes++
		assert.NotContains(t, next, p.Before, "%s: two changes found %q", key, p.Before)
		next[p.Before] = p.After
	}
	at := first
	for range changes {
		at = next[at]
	}
	assert.Equal(t, last, at, "%s: the chain of %d changes is broken: %v", key, changes, slices.Sorted(maps.Keys(next)))
	assert.Greater(t, changes, 20, "%s: enough to get into each other's way", key)
}
