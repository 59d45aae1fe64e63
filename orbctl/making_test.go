package orbctl_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/orbctl"
	"orbstack-mcp/orbctl/runner"
)

// helps are the two runs that find out what an orbctl can do.
func helps(version, flags string) []step {
	return []step{prints(runner.OpVersion, "Version: "+version+" (1)\n"), prints(runner.OpHelp, "  -a, --arch string\n"+flags+"  -u, --user string\n")}
}

const newest = "      --cpus int\n      --isolate-network\n      --isolated\n      --memory string\n      --mount strings\n"

func plan(change func(*orbctl.Plan)) orbctl.Plan {
	p := orbctl.Plan{Name: "new", Create: runner.Create{Distro: "ubuntu"}}
	if change != nil {
		change(&p)
	}
	return p
}

// What an orbctl lacks is said before anything is looked at or made.
func TestAPlanIsHeldAgainstTheOrbctlThatRuns(t *testing.T) {
	isolated := func(p *orbctl.Plan) { p.Isolated = true }
	limited := func(p *orbctl.Plan) { p.Memory = "4G" }
	walled := func(p *orbctl.Plan) { p.IsolateNetwork = true }
	mounting := func(p *orbctl.Plan) { p.Isolated, p.Mounts = true, []string{"/Users/ana"} }
	asRoot := func(p *orbctl.Plan) { p.User = "root" }
	for _, c := range []struct {
		version, flags string
		change         func(*orbctl.Plan)
		kind           orbctl.Kind
		needs          string
	}{
		{"2.0.4", "", isolated, orbctl.UnsupportedVersion, "2.1.0"},
		{"2.0.4", "", limited, orbctl.UnsupportedVersion, "2.2.0"},
		{"2.1.2", "      --isolated\n", limited, orbctl.UnsupportedVersion, "2.2.0"},
		{"2.1.2", "      --isolated\n", walled, orbctl.UnsupportedVersion, "2.2.0"},
		{"2.1.2", "      --isolated\n", mounting, orbctl.UnsupportedVersion, "2.2.0"},
		{"2.2.3", newest, asRoot, orbctl.InvalidArgument, ""},
	} {
		client, _ := expect(t, helps(c.version, c.flags)...)
		_, err := client.Create(t.Context(), plan(c.change))
		assert.Equal(t, c.needs, failure(t, err, c.kind).Needs)
	}
	for _, change := range []func(*orbctl.Plan){nil, isolated, limited, walled, mounting} {
		client, _ := expect(t, append(helps("2.2.3", newest), lists("web"), does(runner.OpCreate), up("new"))...)
		made, err := client.Create(t.Context(), plan(change))
		require.NoError(t, err)
		assert.Equal(t, "new", made.Machine.Name)
	}
	client, _ := expect(t, append(helps("2.0.4", ""), lists("web"), does(runner.OpCreate), up("new"))...)
	_, err := client.Create(t.Context(), plan(asRoot))
	require.NoError(t, err, "broken since 2.2.0 only")
}

func TestWhatBecomesOfACreate(t *testing.T) {
	quota := fails(runner.OpCreate, 1, "disk quota exceeded")
	missing := fails(runner.OpCreate, 1, "[-32098] create 'new': machine didn't start in 30s (missing IP address)")
	killed := step{op: runner.OpCreate, res: runner.Result{Exit: -1, Signal: "SIGKILL"}}
	for name, c := range map[string]struct {
		steps     []step
		kind      orbctl.Kind
		complains orbctl.Kind
		noAddress bool
		mayFinish bool
		took      time.Duration
	}{
		"made":                              {steps: []step{lists("web"), does(runner.OpCreate), up("new")}},
		"taken":                             {steps: []step{lists("web", "new")}, kind: orbctl.MachineExists},
		"taken, says orbctl":                {steps: []step{lists("web"), fails(runner.OpCreate, 1, "[-32098] create 'new': machine already exists: 'new'")}, kind: orbctl.MachineExists},
		"a flaky list":                      {steps: []step{fails(runner.OpList, 1, "no"), lists("web"), does(runner.OpCreate), up("new")}, took: time.Second},
		"no list":                           {steps: []step{fails(runner.OpList, 1, "no"), fails(runner.OpList, 1, "no"), fails(runner.OpList, 1, "no")}, kind: orbctl.OrbctlFailed, took: time.Second},
		"fails":                             {steps: []step{lists("web"), fails(runner.OpCreate, 1, "no"), gone("new"), lists("web")}, kind: orbctl.OrbctlFailed},
		"fails, and is there":               {steps: []step{lists("web"), fails(runner.OpCreate, 1, "no"), up("new")}, complains: orbctl.OrbctlFailed},
		"no disk":                           {steps: []step{lists("web"), quota, gone("new"), lists("web")}, kind: orbctl.DiskQuotaFull},
		"hangs though the machine is there": {steps: []step{lists("web"), late(runner.OpCreate), up("new")}, complains: orbctl.Timeout},
		"hangs, and nothing is there":       {steps: []step{lists("web"), late(runner.OpCreate), gone("new"), lists("web")}, kind: orbctl.Timeout, mayFinish: true},
		"dies, and nobody can look":         {steps: []step{lists("web"), killed, fails(runner.OpInfo, 1, "no"), fails(runner.OpInfo, 1, "no"), fails(runner.OpInfo, 1, "no")}, kind: orbctl.OrbctlFailed, mayFinish: true, took: time.Second},
		"says that it has no address":       {steps: []step{lists("web"), missing, naked("new"), naked("new"), up("new")}, complains: orbctl.Timeout, took: time.Second},
		"never has an address":              {steps: append([]step{lists("web"), does(runner.OpCreate), naked("new")}, always(naked("new"), 48)...), noAddress: true, took: 45 * time.Second},
		"is not to be found":                {steps: []step{lists("web"), does(runner.OpCreate), gone("new"), lists("web")}, kind: orbctl.MachineNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, f := expect(t, append(helps("2.2.3", newest), c.steps...)...)
				began := time.Now()
				made, err := client.Create(t.Context(), plan(nil))
				assert.LessOrEqual(t, time.Since(began), c.took)
				creates := 0
				for _, call := range f.calls {
					if call.Op == runner.OpCreate {
						creates++
					}
				}
				assert.LessOrEqual(t, creates, 1, "a create is never repeated")
				if c.kind != "" {
					assert.Equal(t, c.mayFinish, failure(t, err, c.kind).MayFinish)
					assert.Zero(t, made)
					return
				}
				require.NoError(t, err)
				assert.Equal(t, c.noAddress, made.NoAddress)
				if c.complains != "" {
					failure(t, made.Complaint, c.complains)
				} else {
					assert.NoError(t, made.Complaint)
				}
			})
		})
	}
}

// Which distributions there are is for orbctl to say, and its words for one that it
// does not have are not known (docs/orbctl-contract.md §5).
func TestACreateThatFailsForItsDistribution(t *testing.T) {
	for name, c := range map[string]struct {
		distro, says string
		kind         orbctl.Kind
		why          string
		nearest      []string
	}{
		"nobody knows it":              {"windows", "no", orbctl.InvalidArgument, "is nothing that OrbStack made a machine of", nil},
		"nobody knows it, but another": {"ubuntuu", "unknown distro: 'ubuntuu'", orbctl.InvalidArgument, "is nothing", []string{"ubuntu"}},
		"nobody knows its version":     {"ubuntu:nosuch", "image not found: ubuntu nosuch", orbctl.InvalidArgument, "ubuntu alone leaves it the choice", nil},
		"it is known":                  {"ubuntu", "no", orbctl.OrbctlFailed, "", nil},
		"its version may be":           {"ubuntu:noble", "the moon is in the way", orbctl.OrbctlFailed, "", nil},
		"something else is full":       {"windows", "disk quota exceeded", orbctl.DiskQuotaFull, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			client, _ := expect(t, append(helps("2.2.3", newest), lists("web"), fails(runner.OpCreate, 1, c.says), gone("new"), lists("web"))...)
			_, err := client.Create(t.Context(), plan(func(p *orbctl.Plan) { p.Distro = c.distro }))
			e := failure(t, err, c.kind)
			if c.kind != orbctl.InvalidArgument {
				return
			}
			assert.Equal(t, "distro", e.Problems[0].Field)
			assert.Contains(t, e.Problems[0].Why, c.why)
			assert.Equal(t, c.nearest, e.Nearest)
			assert.Equal(t, orbctl.Distros(), e.Have)
			assert.Equal(t, c.says, e.Raw, "what it said may be another reason")
		})
	}
	client, _ := expect(t, append(helps("2.2.3", newest), lists("web"), does(runner.OpCreate), up("new"))...)
	_, err := client.Create(t.Context(), plan(func(p *orbctl.Plan) { p.Distro = "newdistro:1" }))
	require.NoError(t, err, "orbctl may know more than this list")
}

// User data goes through a file that nobody else can read, and that is gone
// whatever becomes of the create.
func TestUserDataIsInAPrivateFileForAsLongAsItTakes(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	for _, end := range []error{nil, errors.New("broken")} {
		var file string
		create := step{op: runner.OpCreate, err: end, also: func(_ context.Context, call runner.Call, _ *runner.Result) {
			file = call.Create.UserData
			assert.Equal(t, runner.Approved, call.Clearance)
			assert.True(t, filepath.IsAbs(file))
			text, err := os.ReadFile(file)
			assert.NoError(t, err)
			assert.Equal(t, "#cloud-config\n", string(text))
			for path, want := range map[string]os.FileMode{file: 0o600, filepath.Dir(file): 0o700} {
				info, err := os.Lstat(path)
				if assert.NoError(t, err) {
					assert.Equal(t, want, info.Mode().Perm())
				}
			}
		}}
		steps := append(helps("2.2.3", newest), lists("web"), create)
		if end == nil {
			steps = append(steps, up("new"))
		}
		client, _ := expect(t, steps...)
		_, err := client.Create(t.Context(), plan(func(p *orbctl.Plan) { p.UserData, p.Clearance = "#cloud-config\n", runner.Approved }))
		assert.Equal(t, end == nil, err == nil)
		require.NotEmpty(t, file)
		assert.NoDirExists(t, filepath.Dir(file))
	}
}

func TestAClone(t *testing.T) {
	client, f := expect(t, up("web"), lists("web"), does(runner.OpClone), stopped("copy"))
	made, err := client.Clone(t.Context(), "web", "copy")
	require.NoError(t, err)
	assert.Equal(t, "copy", made.Machine.Name)
	assert.Equal(t, "copy", f.calls[2].NewName)

	client, _ = expect(t, gone("web"), lists("db"))
	_, err = client.Clone(t.Context(), "web", "copy")
	failure(t, err, orbctl.MachineNotFound)

	client, _ = expect(t, up("web"), lists("web", "copy"))
	_, err = client.Clone(t.Context(), "web", "copy")
	failure(t, err, orbctl.MachineExists)
}

func TestARename(t *testing.T) {
	for name, c := range map[string]struct {
		steps   []step
		to      string
		kind    orbctl.Kind
		changed bool
	}{
		"done":                          {steps: []step{lists("web"), up("web"), does(runner.OpRename), up("new")}, to: "new", changed: true},
		"to itself":                     {steps: []step{lists("web"), up("web")}, to: "web"},
		"taken":                         {steps: []step{lists("web", "new"), up("web")}, to: "new", kind: orbctl.MachineExists},
		"fails":                         {steps: []step{lists("web"), up("web"), fails(runner.OpRename, 1, "no"), gone("new"), lists("web")}, to: "new", kind: orbctl.OrbctlFailed},
		"fails, and is done":            {steps: []step{lists("web"), up("web"), fails(runner.OpRename, 1, "no"), up("new")}, to: "new", changed: true},
		"another one has the name then": {steps: []step{lists("web"), up("web"), does(runner.OpRename), looksAt("new", otherID, "running", "")}, to: "new", kind: orbctl.MachineChanged},
		"fails, another one has it":     {steps: []step{lists("web"), up("web"), fails(runner.OpRename, 1, "no"), looksAt("new", otherID, "running", "")}, to: "new", kind: orbctl.OrbctlFailed},
	} {
		t.Run(name, func(t *testing.T) {
			client, _ := expect(t, c.steps...)
			done, err := client.Rename(t.Context(), "web", c.to)
			if c.kind != "" {
				failure(t, err, c.kind)
				assert.Zero(t, done)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, c.changed, done.Changed)
			assert.Equal(t, webID, done.After.ID)
		})
	}
}

func TestADelete(t *testing.T) {
	no := errors.New("no")
	builtin := prints(runner.OpInfo, `{"record":{"id":"01K2G8TY5GM9C3CN95KCB4ZG8B","name":"web","builtin":true,"image":{"distro":"docker"},"config":{},"state":"running"}}`)
	noList := always(fails(runner.OpList, 1, "no"), 3)
	for name, c := range map[string]struct {
		steps     []step
		answer    error
		kind      orbctl.Kind // of the error, "" for none
		mayFinish bool
	}{
		"done":                  {steps: []step{up("web"), does(runner.OpDelete), lists("db")}},
		"the last one":          {steps: []step{up("web"), does(runner.OpDelete), prints(runner.OpList, "[]")}},
		"refused":               {steps: []step{up("web")}, answer: no},
		"there is none":         {steps: []step{gone("web"), lists("db")}, kind: orbctl.MachineNotFound},
		"a part of OrbStack":    {steps: []step{builtin}, kind: orbctl.InvalidArgument},
		"fails":                 {steps: []step{up("web"), fails(runner.OpDelete, 1, "no"), lists("web")}, kind: orbctl.OrbctlFailed},
		"fails, and it is gone": {steps: []step{up("web"), fails(runner.OpDelete, 1, "no"), lists("db")}},
		"late, and it is gone":  {steps: []step{up("web"), late(runner.OpDelete), lists("db")}},
		"late":                  {steps: []step{up("web"), late(runner.OpDelete), lists("web")}, kind: orbctl.Timeout, mayFinish: true},
		"no effect":             {steps: []step{up("web"), does(runner.OpDelete), lists("web")}, kind: orbctl.OrbctlFailed, mayFinish: true},
		"nobody can look":       {steps: append([]step{up("web"), does(runner.OpDelete)}, noList...), kind: orbctl.OrbctlFailed, mayFinish: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, _ := expect(t, c.steps...)
				m, err := client.Delete(t.Context(), "web", func(m orbctl.MachineInfo) error {
					assert.Equal(t, webID, m.ID)
					return c.answer
				})
				switch {
				case c.answer != nil:
					require.ErrorIs(t, err, c.answer)
				case c.kind != "":
					assert.Equal(t, c.mayFinish, failure(t, err, c.kind).MayFinish)
				default:
					require.NoError(t, err)
					assert.Equal(t, webID, m.ID)
				}
			})
		})
	}
}

func TestAnotherDefaultMachine(t *testing.T) {
	says := func(name string) step { return prints(runner.OpDefault, name+"\n") }
	for name, c := range map[string]struct {
		name  string
		steps []step
		want  orbctl.DefaultChange
		kind  orbctl.Kind
	}{
		"another":        {"web", []step{up("web"), says("db"), does(runner.OpDefaultSet), says("web")}, orbctl.DefaultChange{Before: "db", After: "web", Changed: true}, ""},
		"the same":       {"web", []step{up("web"), says("web")}, orbctl.DefaultChange{Before: "web", After: "web"}, ""},
		"none":           {"none", []step{says("db"), does(runner.OpDefaultSet), says("none")}, orbctl.DefaultChange{Before: "db", Changed: true}, ""},
		"no such one":    {"web", []step{gone("web"), lists("db")}, orbctl.DefaultChange{}, orbctl.MachineNotFound},
		"no effect":      {"web", []step{up("web"), says("db"), does(runner.OpDefaultSet), says("db")}, orbctl.DefaultChange{}, orbctl.OrbctlFailed},
		"fails":          {"web", []step{up("web"), says("db"), fails(runner.OpDefaultSet, 1, "no"), says("db")}, orbctl.DefaultChange{}, orbctl.OrbctlFailed},
		"late, and done": {"web", []step{up("web"), says("db"), late(runner.OpDefaultSet), says("web")}, orbctl.DefaultChange{Before: "db", After: "web", Changed: true}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			client, _ := expect(t, c.steps...)
			done, err := client.SetDefault(t.Context(), c.name)
			if c.kind != "" {
				failure(t, err, c.kind)
			} else {
				require.NoError(t, err)
			}
			assert.Equal(t, c.want, done)
		})
	}
}
