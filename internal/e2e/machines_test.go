package e2e

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const threeVersions = `
default: web
config: {cpu: "2"}
machines:
  - {name: web}
  - {name: db, state: stopped, distro: "debian:bookworm"}
`

// A machineCase is a call, what comes of it, and what it changes: nothing else.
type machineCase struct {
	name, tool string
	args       args
	code       string         // of the error, "" for a result
	says       map[string]any // fields of the result, by their paths
	changes    []string
	runs       []string // of orbctl, beside those that look
	only       []string // versions; nil: all
	details    string   // field of the error that names the version it needs
}

var (
	old  = []string{"2.0.4"}
	mid  = []string{"2.1.2"}
	last = []string{"2.2.3"}
)

// machineCases build on each other.
func machineCases() []machineCase {
	list := func(names ...string) args { return args{"machines": names} }
	const asks = "a person is asked for each command"
	return []machineCase{
		{name: "create", tool: "vm_create", args: args{"name": "new", "distro": "debian:trixie"}, says: map[string]any{"machine.name": "new", "machine.state": "running", "machine.distro": "debian:trixie", "exec": asks}, changes: []string{"+new"}, runs: []string{"create debian:trixie new"}},
		{name: "create, taken", tool: "vm_create", args: args{"name": "new", "distro": "debian"}, code: "machine_exists"},
		{name: "create, a word of orbctl", tool: "vm_create", args: args{"name": "docker", "distro": "debian"}, code: "invalid_argument"},
		{name: "create, no distro that is", tool: "vm_create", args: args{"name": "x", "distro": "plan9"}, code: "invalid_argument", runs: []string{"create plan9 x"}},
		{name: "create, no version that is", tool: "vm_create", args: args{"name": "x", "distro": "debian:nosuch"}, code: "invalid_argument", runs: []string{"create debian:nosuch x"}},
		{name: "create, a distro that is an option", tool: "vm_create", args: args{"name": "x", "distro": "--all"}, code: "invalid_argument"},
		{name: "create, a size that is none", tool: "vm_create", args: args{"name": "x", "distro": "debian", "memory": "much"}, code: "invalid_argument"},
		{name: "create, more than the Mac has", tool: "vm_create", args: args{"name": "x", "distro": "debian", "cpus": 9999, "memory": "999T"}, code: "invalid_argument"},
		{name: "create, mounts where all is open", tool: "vm_create", args: args{"name": "x", "distro": "debian", "mounts": []string{"/Users/ana"}}, code: "invalid_argument"},
		{name: "create, root for its user", tool: "vm_create", args: args{"name": "x", "distro": "debian", "user": "root"}, code: "invalid_argument", only: last},
		{name: "create, another user", tool: "vm_create", args: args{"name": "amd", "distro": "alpine", "user": "eve", "arch": "amd64"}, says: map[string]any{"machine.user": "eve", "machine.arch": "amd64"}, changes: []string{"+amd"}, runs: []string{"create --arch amd64 --user eve alpine amd"}},

		{name: "isolated before 2.1", tool: "vm_create", args: args{"name": "box", "distro": "debian", "isolated": true}, code: "unsupported_version", only: old, details: "2.1.0"},
		{name: "isolated in 2.1, without a wall that there is not", tool: "vm_create", args: args{"name": "box", "distro": "debian", "isolated": true}, says: map[string]any{"machine.isolated": true, "machine.isolate_network": nil, "exec": "free"}, changes: []string{"+box"}, runs: []string{"create --isolated debian box", "run -m box -w / posture"}, only: mid},
		{name: "isolated", tool: "vm_create", args: args{"name": "box", "distro": "debian", "isolated": true}, says: map[string]any{"machine.isolated": true, "machine.isolate_network": true, "exec": "free", "posture.4.check": "mac_network", "posture.4.holds": "yes"}, changes: []string{"+box"}, runs: []string{"create --isolated --isolate-network debian box", "run -m box -w / posture"}, only: last},
		{name: "isolated, with the network", tool: "vm_create", args: args{"name": "net", "distro": "debian", "isolated": true, "isolate_network": false}, says: map[string]any{"machine.isolate_network": nil, "posture.4.check": "mac_network", "posture.4.holds": "no"}, changes: []string{"+net"}, runs: []string{"create --isolated debian net", "run -m net -w / posture"}, only: last},
		{name: "an isolated network before 2.2", tool: "vm_create", args: args{"name": "x", "distro": "debian", "isolate_network": true}, code: "unsupported_version", only: []string{"2.0.4", "2.1.2"}, details: "2.2.0"},
		{name: "limits before 2.2", tool: "vm_create", args: args{"name": "x", "distro": "debian", "memory": "4G"}, code: "unsupported_version", only: []string{"2.0.4", "2.1.2"}, details: "2.2.0"},
		{name: "no limits before 2.2", tool: "vm_create", args: args{"name": "free", "distro": "debian", "memory": "unlimited", "cpus": "Unlimited"}, changes: []string{"+free"}, runs: []string{"create debian free"}, only: old},
		{name: "limits", tool: "vm_create", args: args{"name": "small", "distro": "debian", "cpus": 2, "memory": "4g", "disk": "64G"}, says: map[string]any{"machine.limits.cpus": 2.0}, changes: []string{"+small"}, runs: []string{"create --cpus 2 --memory 4G --disk 64G debian small"}, only: last},
		{name: "limits as vm_limits_set takes them", tool: "vm_create", args: args{"name": "same", "distro": "debian", "cpus": " 1 ", "memory": "1 GiB", "disk": "24 GB"}, changes: []string{"+same"}, runs: []string{"create --cpus 1 --memory 1G --disk 24G debian same"}, only: last},

		{name: "clone", tool: "vm_clone", args: args{"machine": "db", "new_name": "copy"}, says: map[string]any{"machine.name": "copy", "machine.state": "stopped"}, changes: []string{"+copy"}, runs: []string{"clone db copy"}},
		{name: "clone, taken", tool: "vm_clone", args: args{"machine": "db", "new_name": "web"}, code: "machine_exists"},
		{name: "clone of none", tool: "vm_clone", args: args{"machine": "dbb", "new_name": "x"}, code: "machine_not_found"},
		{name: "clone to an option", tool: "vm_clone", args: args{"machine": "db", "new_name": "-f"}, code: "invalid_argument"},

		{name: "start", tool: "vm_start", args: list("copy"), says: map[string]any{"machines.0.changed": true, "machines.0.state": "running"}, changes: []string{"copy state: stopped → running"}, runs: []string{"start copy"}},
		{name: "start again", tool: "vm_start", args: list("copy", "copy"), says: map[string]any{"machines.0.changed": false, "machines.0.state": "running", "machines.1": nil}},
		{name: "start, one of two", tool: "vm_start", args: list("copy", "nope"), says: map[string]any{"machines.0.machine": "copy", "machines.1.error.code": "machine_not_found"}},
		{name: "start none that is", tool: "vm_start", args: list("nope", "nada"), code: "machine_not_found"},
		{name: "start nothing", tool: "vm_start", args: list(), code: "invalid_argument"},
		{name: "start what has no name", tool: "vm_start", args: list(""), code: "invalid_argument"},
		{name: "start all", tool: "vm_start", args: list("--all"), code: "invalid_argument"},
		{name: "start by another word for it", tool: "vm_start", args: args{"machine": "copy"}, says: map[string]any{"machines.0.changed": false}},
		{name: "restart", tool: "vm_restart", args: list("copy"), says: map[string]any{"machines.0.changed": true, "machines.0.state": "running"}, runs: []string{"restart copy"}},
		{name: "restart of a stopped one", tool: "vm_restart", args: list("db"), code: "machine_not_running"},
		{name: "stop", tool: "vm_stop", args: list("copy"), says: map[string]any{"machines.0.changed": true, "machines.0.state": "stopped"}, changes: []string{"copy state: running → stopped"}, runs: []string{"stop copy"}},
		{name: "stop again", tool: "vm_stop", args: list("copy"), says: map[string]any{"machines.0.changed": false}},
		{name: "stop of none", tool: "vm_stop", args: list("nope"), code: "machine_not_found"},
		{name: "force", tool: "vm_stop", args: args{"machines": []string{"new"}, "force": true}, says: map[string]any{"machines.0.changed": true}, changes: []string{"new state: running → stopped"}, runs: []string{"stop -f new"}},

		{name: "rename", tool: "vm_rename", args: args{"machine": "copy", "new_name": "kopie.x"}, says: map[string]any{"before": "copy", "after": "kopie.x", "domain": "kopie.x.orb.local", "changed": true}, changes: []string{"+kopie.x", "-copy"}, runs: []string{"rename copy kopie.x"}},
		{name: "rename to itself", tool: "vm_rename", args: args{"machine": "web", "new_name": "web"}, says: map[string]any{"changed": false}},
		{name: "rename, taken", tool: "vm_rename", args: args{"machine": "kopie.x", "new_name": "web"}, code: "machine_exists"},
		{name: "rename of none", tool: "vm_rename", args: args{"machine": "copy", "new_name": "x"}, code: "machine_not_found"},
		{name: "rename to a word of orbctl", tool: "vm_rename", args: args{"machine": "db", "new_name": "all"}, code: "invalid_argument"},

		{name: "default", tool: "vm_default_set", args: args{"machine": "db"}, says: map[string]any{"before": "web", "after": "db", "changed": true}, changes: []string{"default: web → db"}, runs: []string{"default db"}},
		{name: "default again", tool: "vm_default_set", args: args{"machine": "db"}, says: map[string]any{"changed": false}},
		{name: "default of none that is", tool: "vm_default_set", args: args{"machine": "nope"}, code: "machine_not_found"},
		{name: "no default", tool: "vm_default_set", args: args{"machine": "none"}, says: map[string]any{"before": "db", "after": "", "changed": true}, changes: []string{"default: db → none"}, runs: []string{"default none"}},

		{name: "delete", tool: "vm_delete", args: args{"machine": "kopie.x"}, says: map[string]any{"machine": "kopie.x", "deleted": true}, changes: []string{"-kopie.x"}, runs: []string{"delete -f kopie.x"}},
		{name: "delete again", tool: "vm_delete", args: args{"machine": "kopie.x"}, code: "machine_not_found"},
		{name: "delete docker", tool: "vm_delete", args: args{"machine": "docker"}, code: "machine_not_found"},
		{name: "delete by ID", tool: "vm_delete", args: args{"machine": "01K2G8TY5GM9C3CN95KCB4ZG8B"}, code: "invalid_argument"},
		{name: "delete nothing", tool: "vm_delete", args: args{"machine": ""}, code: "invalid_argument"},
	}
}

// Every tool of the machines does what it says, on every version that there is to
// tell apart, and nothing else. Every tool on every version in both eras:
// TestEveryToolWorksOnEveryVersion.
func TestMachinesAreChangedAsAskedAndNotOtherwise(t *testing.T) {
	t.Parallel()
	for i, version := range slices.Concat(old, mid, last) {
		for _, e := range turn(i) {
			t.Run(string(e)+" "+version, func(t *testing.T) {
				t.Parallel()
				s := openAsking(t, "version: "+version+"\n"+threeVersions, e, always(accept))
				s.call(t, "vm_list", args{})
				before := s.now(t)
				for _, c := range machineCases() {
					if c.only != nil && !slices.Contains(c.only, version) {
						continue
					}
					mark := len(s.grave())
					r := s.call(t, c.tool, c.args)
					require.Equal(t, c.code, r.code(), "%s: %s", c.name, r.Text)
					for path, want := range c.says {
						assert.Equal(t, want, r.at(steps(path)...), "%s: %s in %s", c.name, path, r.Text)
					}
					if c.details != "" {
						assert.Equal(t, c.details, r.at("error", "details", "needs"), r.Text)
					}
					now := s.now(t)
					assert.Equal(t, append([]string(nil), c.changes...), changes(before, now), c.name)
					assert.Equal(t, append([]string(nil), c.runs...), append([]string(nil), s.grave()[mark:]...), c.name)
					before = now
				}
			})
		}
	}
}

// steps is a path such as machines.0.state.
func steps(path string) []any {
	var all []any
	for word := range strings.SplitSeq(path, ".") {
		if len(word) == 1 && word[0] >= '0' && word[0] <= '9' {
			all = append(all, int(word[0]-'0'))
			continue
		}
		all = append(all, word)
	}
	return all
}

// A misfortune is a world in which something goes wrong on the way of one call.
type misfortune struct {
	name    string
	world   string // faults and variants
	tool    string
	args    args
	code    string
	says    map[string]any
	note    string // words in the note, where one is due
	changes []string
}

func misfortunes() []misfortune {
	create := args{"name": "new", "distro": "debian"}
	web, db := args{"machines": []string{"web"}}, args{"machines": []string{"db"}}
	const (
		isUp    = "machines.0.state"
		changed = "machines.0.changed"
	)
	fault := func(argv, rest string) string { return "faults: [{argv: '" + argv + "', " + rest + "}]\n" }
	return []misfortune{
		{"create fails, and the machine is there", fault("^create debian", "work: true"), "vm_create", create, "", map[string]any{"machine.state": "running"}, "yet the machine is there", []string{"+new"}},
		{"create dies, and the machine is there", fault("^create debian", "kind: crash, work: true"), "vm_create", create, "", map[string]any{"machine.state": "running"}, "yet the machine is there", []string{"+new"}},
		{"create fails", fault("^create debian", "exit: 1"), "vm_create", create, "orbctl_failed", nil, "", nil},
		{"create dies", fault("^create debian", "kind: crash"), "vm_create", create, "orbctl_failed", nil, "", nil},
		{"create has no disk left", fault("^create debian", "stderr: 'disk quota exceeded'"), "vm_create", create, "disk_quota_full", nil, "", nil},
		{"a list that fails once", fault("^list", "times: 1"), "vm_create", create, "", map[string]any{"machine.state": "running"}, "", []string{"+new"}},
		{"a list that fails always", fault("^list", "exit: 1"), "vm_create", create, "orbctl_failed", nil, "", nil},
		{"a list that is empty for no reason", fault("^list", "kind: empty"), "vm_create", create, "orbctl_failed", nil, "", nil},
		{"a late address after create", "variants: {late_address: 700ms}\n", "vm_create", create, "", map[string]any{"machine.ipv4": "192.168.139.4"}, "", []string{"+new"}},
		{"a late address", "variants: {late_address: 700ms}\n", "vm_start", db, "", map[string]any{isUp: "running", "machines.0.ipv4": "192.168.139.3"}, "", []string{"db state: stopped → running"}},
		{"a stop that returns early", "variants: {early_stop: 700ms}\n", "vm_stop", web, "", map[string]any{isUp: "stopped", changed: true}, "", []string{"web state: running → stopped"}},
		{"start fails", fault("^start", "exit: 1"), "vm_start", db, "orbctl_failed", nil, "", nil},
		{"start fails, and the machine runs", fault("^start", "work: true"), "vm_start", db, "", map[string]any{isUp: "running", changed: true}, "yet this is how the machine is now", []string{"db state: stopped → running"}},
		{"stop dies, and the machine is stopped", fault("^stop", "kind: crash, work: true"), "vm_stop", web, "", map[string]any{isUp: "stopped", changed: true}, "yet this is how the machine is now", []string{"web state: running → stopped"}},
		{"restart fails, and nobody knows whether it was", fault("^restart", "exit: 1"), "vm_restart", web, "orbctl_failed", nil, "", nil},
		{"rename fails, and it is done", fault("^rename", "work: true"), "vm_rename", args{"machine": "db", "new_name": "other"}, "", map[string]any{"after": "other", "changed": true}, "yet it is renamed", []string{"+other", "-db"}},
		{"rename fails", fault("^rename", "exit: 1"), "vm_rename", args{"machine": "db", "new_name": "other"}, "orbctl_failed", nil, "", nil},
		{"clone fails", fault("^clone", "exit: 1"), "vm_clone", args{"machine": "db", "new_name": "copy"}, "orbctl_failed", nil, "", nil},
		{"clone says nothing and does nothing", fault("^clone", "kind: empty"), "vm_clone", args{"machine": "db", "new_name": "copy"}, "machine_not_found", nil, "", nil},
		{"delete fails", fault("^delete", "exit: 1"), "vm_delete", args{"machine": "db"}, "orbctl_failed", nil, "", nil},
		{"delete fails, and it is gone", fault("^delete", "work: true"), "vm_delete", args{"machine": "db"}, "", map[string]any{"deleted": true}, "", []string{"-db"}},
		{"delete says nothing and does nothing", fault("^delete", "kind: empty"), "vm_delete", args{"machine": "db"}, "orbctl_failed", nil, "", nil},
		{"delete, and nobody can look", fault("^list", "exit: 1"), "vm_delete", args{"machine": "db"}, "orbctl_failed", nil, "", []string{"-db"}},
		{"default says nothing and does nothing", fault("^default db", "kind: empty"), "vm_default_set", args{"machine": "db"}, "orbctl_failed", nil, "", nil},
	}
}

// Whatever orbctl says, what is reported is what is there.
func TestWhatIsReportedIsWhatIsThere(t *testing.T) {
	t.Parallel()
	for i, m := range misfortunes() {
		e := eras[i%2]
		t.Run(string(e)+" "+m.name, func(t *testing.T) {
			t.Parallel()
			s := openAsking(t, threeVersions+m.world, e, always(accept))
			s.call(t, "orbstack_config_get", args{"key": "cpu"})
			before := s.now(t)
			mark := len(s.grave())
			r := s.call(t, m.tool, m.args)
			assert.Equal(t, m.code, r.code(), r.Text)
			for path, want := range m.says {
				assert.Equal(t, want, r.at(steps(path)...), r.Text)
			}
			note, _ := r.at("note").(string)
			if inner, ok := r.at("machines", 0, "note").(string); ok {
				note = inner
			}
			assert.Contains(t, note, m.note)
			assert.Equal(t, m.note == "", note == "", note)
			assert.Equal(t, m.changes, changes(before, s.now(t)))
			assert.LessOrEqual(t, len(s.grave())-mark, 1, "a change is never repeated: %q", s.grave())
			if m.code != "" && m.changes != nil {
				assert.Contains(t, r.Text, "may still have been made")
			}
		})
	}
}

// Who waits for machines is told for which, and told nothing where all goes fast.
func TestWaitingForMachinesIsTold(t *testing.T) {
	inBothEras(t, func(t *testing.T, e era) {
		s := open(t, threeVersions+"faults: [{argv: '^(start|stop|restart) db', kind: delay, delay: 2500ms}]\n", e)
		for _, tool := range []string{"vm_start", "vm_restart", "vm_stop"} {
			r, told := s.told(t, tool, args{"machines": []string{"db", "nope"}}, tool)
			require.False(t, r.IsError, r.Text)
			assert.Equal(t, true, r.at("machines", 0, "changed"), r.Text)
			require.NotEmpty(t, told, tool)
			checkTold(t, told, tool, nil)
			assert.Equal(t, "1 of 2 done, waiting for db", told[len(told)-1].Message)
		}
	})
}
