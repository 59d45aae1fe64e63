package e2e

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// limitsWorld: the simulator stores a limit at once and applies it at the next
// start of the machine, one of the two things that OrbStack may do. With
// variants.live_limits it does the other.
const limitsWorld = `
default: web
machines:
  - {name: web, limits: {cpu: 1, memory_mib: 512}, disk_size: 1000000000}
  - {name: db, state: stopped, disk_size: 1000000000}
  - {name: a.b.c, disk_size: 1000000000}
faults:
  - {argv: '^config set machine.a.b.c.memory_mib', stderr: '[-32000] the moon is in the way'}
  - {argv: '^config set machine.a.b.c.cpu 0', stderr: '[-32000] the sun too', after: 1}
`

type limitsAnswer struct {
	Machine string
	Changed bool
	Limits  []struct {
		Limit, Before, After, Seen, Warning string
		Changed                             bool
		InForce                             string `json:"in_force"`
	}
	Note string
}

func TestLimitsAreSetAndSayWhenTheyHold(t *testing.T) {
	inBothEras(t, func(t *testing.T, e era) {
		s := open(t, limitsWorld, e)
		got := decode[limitsAnswer](t, s.call(t, "vm_limits_set", args{"machine": "web", "cpus": 1, "memory": "256M", "disk": "64G"}))
		assert.True(t, got.Changed)
		require.Len(t, got.Limits, 3)
		cpus, memory, disk := got.Limits[0], got.Limits[1], got.Limits[2]
		assert.Equal(t, []string{"cpus", "1", "1", "live", "1"}, []string{cpus.Limit, cpus.Before, cpus.After, cpus.InForce, cpus.Seen})
		assert.False(t, cpus.Changed)
		assert.Equal(t, []string{"memory", "512M", "256M", "after_restart", "512M"}, []string{memory.Limit, memory.Before, memory.After, memory.InForce, memory.Seen})
		assert.Equal(t, []string{"disk", "unlimited", "64G", "unknown", ""}, []string{disk.Limit, disk.Before, disk.After, disk.InForce, disk.Seen})
		assert.NotEmpty(t, got.Note)
		assert.Equal(t, []string{"config set machine.web.memory_mib 256", "config set machine.web.disk_bytes 68719476736"}, s.changesOf(0))

		mark := len(s.reached())
		got = decode[limitsAnswer](t, s.call(t, "vm_limits_set", args{"machine": "web", "memory": "0.25G"}))
		assert.False(t, got.Changed, "it is stored already")
		assert.Equal(t, "after_restart", got.Limits[0].InForce, "and waits still")
		assert.Empty(t, s.changesOf(mark))

		got = decode[limitsAnswer](t, s.call(t, "vm_limits_set", args{"machine": "db", "cpus": "unlimited", "memory": "1GiB"}))
		assert.Equal(t, "at_start", got.Limits[1].InForce)
		assert.Equal(t, "1G", got.Limits[1].After)
		for _, run := range s.booted() {
			assert.NotContains(t, run, "db", "a stopped machine is not woken")
		}
	})
}

func TestLimitsThatHoldAtOnceAreSaidToDoSo(t *testing.T) {
	inOneEra(t, func(t *testing.T, e era) {
		s := open(t, limitsWorld+"variants: {live_limits: true}\n", e)
		for _, memory := range []string{"256M", "1G", "unlimited"} {
			got := decode[limitsAnswer](t, s.call(t, "vm_limits_set", args{"machine": "web", "memory": memory}))
			require.Len(t, got.Limits, 1)
			limit := got.Limits[0]
			assert.Equal(t, []string{memory, "live", memory}, []string{limit.After, limit.InForce, limit.Seen})
			assert.True(t, limit.Changed)
		}
	})
}

func TestLimitsThatCannotBeSetChangeNothing(t *testing.T) {
	inOneEra(t, func(t *testing.T, e era) {
		s := open(t, limitsWorld, e)
		for _, c := range []struct {
			code string
			args args
			says string
		}{
			{"invalid_argument", args{"machine": "web"}, "none of them was given"},
			{"invalid_argument", args{"machine": "web", "cpus": "two", "memory": "4"}, "needs a unit"},
			{"invalid_argument", args{"machine": "web", "cpus": "1", "disk": "953M"}, "must not be below what the machine uses, 1000000000 bytes"},
			{"invalid_argument", args{"cpus": "1"}, "machine"},
			{"machine_not_found", args{"machine": "wbe", "cpus": "1"}, "web"},
		} {
			r := s.call(t, "vm_limits_set", c.args)
			assert.Equal(t, c.code, r.code(), r.Text)
			assert.Contains(t, r.Text, c.says)
		}
		assert.Empty(t, s.changesOf(0))

		for _, version := range []string{"old", "version: 2.1.2\nmachines: [{name: web}]\n"} {
			s := open(t, version, e)
			r := s.call(t, "vm_limits_set", args{"machine": "web", "cpus": "1"})
			assert.Equal(t, "unsupported_version", r.code(), r.Text)
			assert.Contains(t, r.Text, "cpu and memory_mib, which all machines share")
			assert.Empty(t, s.changesOf(0))
		}
	})
}

func TestLimitsAreSetAllOrNoneOfThem(t *testing.T) {
	inOneEra(t, func(t *testing.T, e era) {
		s := open(t, limitsWorld, e)
		all := args{"machine": "a.b.c", "cpus": "1", "memory": "256M", "disk": "64G"}
		r := s.call(t, "vm_limits_set", all)
		assert.Equal(t, "orbctl_failed", r.code(), r.Text)
		assert.Contains(t, r.Text, "The limit memory was not set. Set and put back to what it was: cpus. Not touched: disk. So nothing has changed.")
		assert.Equal(t, []string{"config set machine.a.b.c.cpu 1", "config set machine.a.b.c.memory_mib 256", "config set machine.a.b.c.cpu 0"}, s.changesOf(0))
		list := s.call(t, "vm_list", args{"name_contains": "a.b.c"})
		assert.Nil(t, list.at("machines", 0, "limits"))

		r = s.call(t, "vm_limits_set", all)
		assert.Contains(t, r.Text, "Changed, and could not be put back: cpus (orbctl_failed). Not touched: disk.")
		assert.NotContains(t, r.Text, "nothing has changed")
		list = s.call(t, "vm_list", args{"name_contains": "a.b.c"})
		assert.InDelta(t, 1, list.at("machines", 0, "limits", "cpus"), 0)
	})
}
