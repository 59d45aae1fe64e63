package e2e

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// listAnswer is a result of vm_list.
type listAnswer struct {
	Machines []listRow
	Total    int
	Note     string
}

type listRow struct {
	Name, State, Distro, Arch, IPv4, IPv6, User string
	DiskBytes                                   int64 `json:"disk_bytes"`
	Isolated                                    bool
	IsolateNetwork                              bool `json:"isolate_network"`
	Limits                                      *struct {
		CPUs        int
		MemoryBytes int64 `json:"memory_bytes"`
		DiskBytes   int64 `json:"disk_bytes"`
	}
	CreatedAt string `json:"created_at_inferred"`
	Missing   gaps
}

func (l listAnswer) names() []string {
	names := []string{}
	for _, m := range l.Machines {
		names = append(names, m.Name)
	}
	return names
}

const mixedWorld = `
version: 2.2.3
machines:
  - {name: web, id: 01K2G8TY5GM9C3CN95KCB4ZG8B, default_username: ana, ip4: 192.168.139.10, ip6: "fd07:b51a:cc66::10", disk_size: 2362232012, limits: {cpu: 2, memory_mib: 512, disk_bytes: 42949672960}}
  - {name: web-2, distro: "debian:bookworm", no_ip6: true, ip4: 192.168.139.11}
  - {name: db, state: stopped, arch: amd64, disk_size: 4096}
  - {name: cell, isolated: true, isolate_network: true, default_username: root, ip4: 192.168.139.12}
`

// All that OrbStack knows of each machine, old and new shapes of its JSON.
func TestListShowsWhatOrbStackKnows(t *testing.T) {
	inBothEras(t, func(t *testing.T, e era) {
		s := open(t, mixedWorld, e)
		got := decode[listAnswer](t, s.call(t, "vm_list", args{}))
		require.Equal(t, []string{"web", "web-2", "db", "cell"}, got.names())
		assert.Equal(t, 4, got.Total)
		web, second, db, cell := got.Machines[0], got.Machines[1], got.Machines[2], got.Machines[3]
		assert.Equal(t, []string{"running", "ubuntu:noble", "arm64", "192.168.139.10", "fd07:b51a:cc66::10", "ana"},
			[]string{web.State, web.Distro, web.Arch, web.IPv4, web.IPv6, web.User})
		assert.EqualValues(t, 2362232012, web.DiskBytes)
		require.NotNil(t, web.Limits)
		assert.Equal(t, []int64{2, 512 << 20, 40 << 30}, []int64{int64(web.Limits.CPUs), web.Limits.MemoryBytes, web.Limits.DiskBytes})
		assert.Equal(t, "2025-08-12T23:11:22Z", web.CreatedAt, "the time in its ULID")
		assert.Equal(t, []string{"debian:bookworm", "192.168.139.11", ""}, []string{second.Distro, second.IPv4, second.IPv6})
		assert.Nil(t, second.Limits, "unlimited is absent")
		assert.Equal(t, []string{"stopped", "amd64", "", ""}, []string{db.State, db.Arch, db.IPv4, db.IPv6})
		assert.EqualValues(t, 4096, db.DiskBytes)
		assert.True(t, cell.Isolated && cell.IsolateNetwork && !web.Isolated && !db.IsolateNetwork)
		assert.Equal(t, "root", cell.User)
		assert.Empty(t, s.booted())

		old := decode[listAnswer](t, open(t, "old", e).call(t, "vm_list", args{}))
		require.Equal(t, []string{"web", "db", "router"}, old.names())
		assert.Equal(t, []string{"ubuntu:jammy", "198.19.249.76", "ubuntu"}, []string{old.Machines[0].Distro, old.Machines[0].IPv4, old.Machines[0].User})
		assert.Nil(t, old.Machines[0].Limits, "2.0 has none")
	})
}

func TestListNarrows(t *testing.T) {
	inOneEra(t, func(t *testing.T, e era) {
		s := open(t, mixedWorld, e)
		for _, tt := range []struct {
			args args
			want []string
			note string
		}{
			{args{"state": "running"}, []string{"web", "web-2", "cell"}, ""},
			{args{"state": "stopped"}, []string{"db"}, ""},
			{args{"name_contains": "eb"}, []string{"web", "web-2"}, ""},
			{args{"name_contains": "WEB-"}, []string{"web-2"}, ""},
			{args{"state": "stopped", "name_contains": "web"}, []string{}, "None of the 4 machines matches"},
			{args{"state": "", "name_contains": nil}, []string{"web", "web-2", "db", "cell"}, ""},
		} {
			mark := len(s.reached())
			got := decode[listAnswer](t, s.call(t, "vm_list", tt.args))
			assert.Equal(t, tt.want, got.names(), "%v", tt.args)
			assert.Equal(t, 4, got.Total, "of how many")
			assert.Contains(t, got.Note, tt.note)
			assert.Equal(t, tt.note == "", got.Note == "")
			calls, _ := s.spawns(mark)
			assert.Len(t, calls, 1+len(tt.want), "only those that are shown are looked up: %v", calls)
		}
		r := s.call(t, "vm_list", args{"state": "paused"})
		assert.Equal(t, "invalid_argument", r.code())
	})
}

// No machine is a list of none and not an error, whichever way OrbStack says it.
func TestListOfNoMachines(t *testing.T) {
	inOneEra(t, func(t *testing.T, e era) {
		for _, variant := range []string{"array", "help", "help_fails"} {
			t.Run(variant, func(t *testing.T) {
				t.Parallel()
				s := open(t, "extends: empty\nvariants: {empty_list: "+variant+"}\n", e)
				r := s.call(t, "vm_list", args{})
				got := decode[listAnswer](t, r)
				assert.Zero(t, got.Total)
				assert.Contains(t, string(r.Raw), `"machines":[]`)
				assert.Contains(t, got.Note, "OrbStack has no machines")
			})
		}
	})
}

// Beyond 20 machines one call stays one run of orbctl, and says how to narrow.
func TestListOfManyMachinesIsNamesAndStates(t *testing.T) {
	var world strings.Builder
	world.WriteString("version: 2.2.3\nmachines:\n")
	for i := range 25 {
		fmt.Fprintf(&world, "  - {name: m%02d, state: %s}\n", i, map[bool]string{true: "running", false: "stopped"}[i < 3])
	}
	inOneEra(t, func(t *testing.T, e era) {
		s := open(t, world.String(), e)
		mark := len(s.reached())
		got := decode[listAnswer](t, s.call(t, "vm_list", args{}))
		require.Len(t, got.Machines, 25)
		assert.Equal(t, 25, got.Total)
		assert.Equal(t, listRow{Name: "m24", State: "stopped"}, got.Machines[24], "names and states only")
		assert.Contains(t, got.Note, "25 machines match: names and states only")
		assert.Contains(t, got.Note, "at most 20")
		calls, _ := s.spawns(mark)
		assert.Equal(t, []string{"list -f json"}, calls)

		mark = len(s.reached())
		few := decode[listAnswer](t, s.call(t, "vm_list", args{"state": "running"}))
		require.Equal(t, []string{"m00", "m01", "m02"}, few.names())
		for _, m := range few.Machines {
			_, err := netip.ParseAddr(m.IPv4)
			require.NoError(t, err, "narrowed, they come with their addresses")
		}
		calls, _ = s.spawns(mark)
		assert.Len(t, calls, 4)

		mark = len(s.reached())
		twenty := decode[listAnswer](t, s.call(t, "vm_list", args{"name_contains": "m0"}))
		assert.Len(t, twenty.Machines, 10)
		calls, _ = s.spawns(mark)
		assert.Len(t, calls, 11)
	})
}

// A look-up that fails marks its own row; what `list` said stays true.
func TestListMarksTheMachineThatCouldNotBeLookedUp(t *testing.T) {
	world := mixedWorld + `
faults:
  - {argv: "^info web ", kind: error, stderr: "[-32098] the disk is on fire \e[31m\u202e"}
  - {argv: "^info cell ", kind: garbage}
`
	inOneEra(t, func(t *testing.T, e era) {
		s := open(t, world, e)
		got := decode[listAnswer](t, s.call(t, "vm_list", args{}))
		require.Equal(t, []string{"web", "web-2", "db", "cell"}, got.names())
		for _, i := range []int{0, 3} {
			row := got.Machines[i]
			assert.NotEmpty(t, row.Missing.why("addresses and disk use"), row.Name)
			assert.Equal(t, []string{"running", "ubuntu:noble", ""}, []string{row.State, row.Distro, row.IPv4})
			assert.Zero(t, row.DiskBytes)
		}
		for _, i := range []int{1, 2} {
			assert.Empty(t, got.Machines[i].Missing, got.Machines[i].Name)
			assert.Positive(t, got.Machines[i].DiskBytes)
		}
	})
}

// A machine that goes while the list is made is not the end of the list.
func TestListSurvivesAMachineThatGoes(t *testing.T) {
	world := mixedWorld + `
faults:
  - {argv: "^info db ", kind: error, stderr: "[-32098] machine not found: 'db'"}
`
	inOneEra(t, func(t *testing.T, e era) {
		s := open(t, world, e)
		got := decode[listAnswer](t, s.call(t, "vm_list", args{}))
		i := slices.Index(got.names(), "db")
		require.GreaterOrEqual(t, i, 0)
		assert.Contains(t, got.Machines[i].Missing.why("addresses and disk use"), `No machine named "db"`)
	})
}

// Machines are looked up side by side, not one after the other.
func TestListLooksMachinesUpSideBySide(t *testing.T) {
	world := mixedWorld + "faults: [{argv: '^info', kind: delay, delay: 2s}]\n"
	inOneEra(t, func(t *testing.T, e era) {
		s := open(t, world, e)
		got := decode[listAnswer](t, s.call(t, "vm_list", args{}))
		assert.Len(t, got.Machines, 4)
		assert.Greater(t, s.atOnce("info"), 1)
	})
}
