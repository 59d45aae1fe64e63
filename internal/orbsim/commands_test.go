package orbsim

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLifeOfAMachine(t *testing.T) {
	s := up(t, "extends: empty")
	require.Equal(t, result{out: "[]\n"}, s.orbctl("list", "-f", "json"))
	userData := filepath.Join(s.home, "user-data")
	require.NoError(t, os.WriteFile(userData, []byte("#cloud-config\n"), 0o600))
	require.Equal(t, result{}, s.orbctl("create", "ubuntu:24.04", "ci", "--cpus", "2", "--memory", "4G", "--disk=20G", "-c", userData, "--isolated", "--mount", "/Users/ana/src:/src"))
	m := s.machine("ci")
	assert.Regexp(t, `^[0-9A-HJKMNP-TV-Z]{26}$`, m.ID)
	sum := sha256.Sum256([]byte("#cloud-config\n"))
	assert.Equal(t, MachineState{
		ID: m.ID, Name: "ci", Distro: "ubuntu", Version: "noble", Arch: "arm64", State: "running", DefaultUsername: "ana", Isolated: true,
		CPULimit: 2, MemoryLimitMiB: 4096, DiskLimitBytes: 21474836480, Mounts: []string{"/Users/ana/src:/src"}, DiskSize: m.DiskSize,
		IP4: "192.168.139.10", IP6: m.IP6, UserDataSHA256: hex.EncodeToString(sum[:]),
	}, m)
	assert.Contains(t, s.orbctl("info", "ci", "-f", "json").out, `"mounts":[{"source":"/Users/ana/src","destination":"/src"}]`)
	assert.Equal(t, "ci", s.state().Default, "the first machine")

	require.Equal(t, result{}, s.orbctl("clone", "ci", "ci2"))
	assert.Equal(t, "stopped", s.machine("ci2").State)
	assert.NotEqual(t, m.ID, s.machine("ci2").ID)
	assert.Equal(t, "192.168.139.11", s.machine("ci2").IP4)
	require.Equal(t, result{}, s.orbctl("rename", "ci", "build"))
	assert.Equal(t, m.ID, s.machine("build").ID)
	assert.Equal(t, "running", s.machine("build").State)
	assert.Equal(t, "build", s.state().Default)
	require.Equal(t, result{}, s.orbctl("stop", "-f", "build"))
	assert.Equal(t, "stopped", s.machine("build").State)
	require.Equal(t, result{}, s.orbctl("restart", "build"))
	assert.Equal(t, "running", s.machine("build").State)
	require.Equal(t, result{}, s.orbctl("start", "-a"))
	assert.Equal(t, "running", s.machine("ci2").State)

	file := filepath.Join(s.home, "b.tar.zst")
	require.Equal(t, result{}, s.orbctl("export", "build", file))
	require.Equal(t, result{}, s.orbctl("import", file, "-n", "again"))
	assert.Equal(t, 2, s.machine("again").CPULimit)
	require.Equal(t, result{}, s.orbctl("delete", "-f", "again", "build"))
	require.Equal(t, result{}, s.orbctl("delete", "-a", "-f"))
	assert.Empty(t, s.state().Machines)
	assert.Equal(t, "none", s.state().Default)
}

func TestErrorsOfMachineCommands(t *testing.T) {
	s := up(t, "extends: base")
	for args, want := range map[string]string{
		"start nope":                        "[-32098] machine not found: 'nope'",
		"stop nope":                         "[-32098] machine not found: 'nope'",
		"delete -f nope":                    "[-32098] machine not found: 'nope'",
		"logs nope":                         "[-32098] machine not found: 'nope'",
		"default nope":                      "[-32098] machine not found: 'nope'",
		"run -m nope true":                  "[-32098] machine not found: 'nope'",
		"clone dev web":                     "[-32098] clone 'dev': machine already exists: 'web'",
		"rename dev web":                    "[-32098] rename 'dev': machine already exists: 'web'",
		"rename dev a_b":                    "[-32098] rename 'dev': invalid machine name: 'a_b'",
		"create debian a_b":                 "[-32098] create 'a_b': invalid machine name: 'a_b'",
		"create debian docker":              "[-32098] create 'docker': invalid machine name: 'docker'",
		"create plan9":                      "[-32098] unknown distro or version: 'plan9'",
		"create ubuntu:1.0 x":               "[-32098] unknown distro or version: 'ubuntu:1.0'",
		"create -a mips arch x":             "[-32098] create 'x': invalid architecture: 'mips'",
		"create --memory x4 void":           "[-32098] create 'void': memory: invalid size: 'x4'",
		"create --mount /a void":            "[-32098] create 'void': mounts are for isolated machines only",
		"create -p void":                    "[-32098] create 'void': cannot read a password: not a terminal",
		"list -f yaml":                      "unknown format: 'yaml'",
		"config get nope":                   "[-32098] unknown config key: 'nope'",
		"config set nope 1":                 "[-32098] unknown config key: 'nope'",
		"config set cpu many":               "[-32098] invalid value for 'cpu': 'many' is not an integer",
		"config set machine.dev.nope 1":     "[-32098] unknown config key: 'machine.dev.nope'",
		"config set machine.nope.cpu 1":     "[-32098] machine not found: 'nope'",
		"config set machine.dev.isolated 1": "[-32098] invalid value for 'machine.dev.isolated': '1' is not true or false",
		"config add cpu 1":                  "[-32098] config key is not a list: 'cpu'",
	} {
		assert.Equal(t, result{err: want + "\n", exit: 1}, s.orbctl(fields(args)...), args)
	}
	before := s.state()
	assert.Len(t, before.Machines, 4, "nothing was made")
}

func TestSettings(t *testing.T) {
	s := up(t, "extends: base")
	assert.Equal(t, result{out: "8\n"}, s.orbctl("config", "get", "cpu"))
	assert.Equal(t, result{out: "\n"}, s.orbctl("config", "get", "k8s.enable"), "unset, though it has a default")
	assert.Equal(t, result{out: "\n"}, s.orbctl("config", "get", "data_dir"), "unset")
	assert.Equal(t, result{out: "0\n"}, s.orbctl("config", "get", "machine.dev.cpu"))
	assert.Equal(t, result{}, s.orbctl("config", "set", "machine.dev.cpu", "2"))
	assert.Equal(t, 2, s.machine("dev").CPULimit)
	assert.Equal(t, "2", s.state().Config["machine.dev.cpu"])
	assert.Equal(t, result{}, s.orbctl("config", "set", "machine.dev.username", "bob"))
	assert.Equal(t, "bob", s.machine("dev").DefaultUsername)
	assert.Equal(t, result{}, s.orbctl("config", "add", "network.proxy.exclude", "a.example"))
	assert.Equal(t, result{}, s.orbctl("config", "add", "network.proxy.exclude", "b.example"))
	assert.Equal(t, result{out: "a.example,b.example\n"}, s.orbctl("config", "get", "network.proxy.exclude"))
	assert.Equal(t, result{}, s.orbctl("config", "remove", "network.proxy.exclude", "a.example"))
	assert.Equal(t, "b.example", s.state().Config["network.proxy.exclude"])
	assert.Equal(t, restartHint, s.orbctl("config", "reset").out)
	assert.Equal(t, []string{"config reset"}, s.ended().Effects)

	old := up(t, "extends: old")
	assert.Contains(t, old.orbctl("config", "set", "machine.web.cpu", "2").err, "unknown config key", "no limits of machines before 2.2")
	assert.Contains(t, old.orbctl("config", "get", "cpu").out, "\nmemory_mib: 16384\n", "2.0.x prints the whole listing")
}

func TestUserNameOfAMachineThatIsGoneMakesRoomForTheNextOne(t *testing.T) {
	const key = "machine.web.username"
	for name, again := range map[string]string{
		"created": "create -u bob ubuntu web", "renamed to": "rename bobs web", "cloned to": "clone bobs web", "imported": "import bobs.tar.zst -n web",
	} {
		t.Run(name, func(t *testing.T) {
			s := up(t, "machines: [{name: web, default_username: ana}, {name: bobs, default_username: bob}]")
			require.Zero(t, s.orbctl("delete", "-f", "web").exit)
			require.Contains(t, s.orbctl("config", "show").out, key+": ana\n", "stays listed [seen]")
			archive := filepath.Join(s.home, "bobs.tar.zst")
			require.Zero(t, s.orbctl("export", "bobs", archive).exit)
			require.Equal(t, result{}, s.orbctl(fields(strings.Replace(again, "bobs.tar.zst", archive, 1))...))
			listing := s.orbctl("config", "show").out
			assert.Equal(t, 1, strings.Count(listing, key), listing)
			assert.Contains(t, listing, key+": bob\n")
			assert.Equal(t, "bob", s.state().Config[key])
			require.Zero(t, s.orbctl("rename", "web", "other").exit)
			assert.NotContains(t, s.orbctl("config", "show").out, key, "the machine has taken its name along")
		})
	}
}

func TestDefaultMachine(t *testing.T) {
	s := up(t, "extends: base")
	assert.Equal(t, result{out: "dev\n"}, s.orbctl("default"))
	assert.Equal(t, result{}, s.orbctl("default", "web"))
	assert.Equal(t, result{out: "web\n"}, s.orbctl("run", "hostname"))
	assert.Equal(t, result{}, s.orbctl("default", "none"))
	assert.Equal(t, result{out: "none\n"}, s.orbctl("default"))
	assert.Equal(t, 1, s.orbctl("run", "hostname").exit)
}

func TestTextForms(t *testing.T) {
	s := up(t, "extends: base")
	assert.Equal(t, "dev\ndb\nweb\nlegacy\n", s.orbctl("list", "-q").out)
	assert.Equal(t, "dev\ndb\nweb\n", s.orbctl("list", "-q", "-r").out)
	assert.Contains(t, s.orbctl("list").out, "legacy  stopped  ubuntu  jammy     amd64\n")
	assert.Contains(t, s.orbctl("info", "db").out, "IPv4: 192.168.139.11\n")
	assert.Contains(t, s.orbctl("ssh").out, "32222")
	assert.Contains(t, s.orbctl().out, "Available Commands:")
	assert.Zero(t, s.orbctl("update", "--check").exit)
	assert.Equal(t, 3, up(t, "banner: stderr").orbctl("update", "--check").exit)
	assert.Equal(t, result{err: "orbsim: top is not simulated\n", exit: 1}, s.orbctl("top"))
	assert.Equal(t, []string{"top"}, s.ended().Effects)
}

func TestResetDestroysEverything(t *testing.T) {
	s := up(t, "extends: base")
	assert.Equal(t, 1, s.orbctl("reset").exit)
	assert.Len(t, s.state().Machines, 4)
	assert.Zero(t, s.orbctl("reset", "-y").exit)
	assert.Empty(t, s.state().Machines)
	assert.Equal(t, "reset orbstack", s.ended().Effects[0])
}

func TestLogs(t *testing.T) {
	s := up(t, "machines: [{name: a, logs: [one, two], logs_verbose: [debug]}, {name: b, logs: [x], logs_repeat: 3}, {name: c}, {name: d, state: stopped}, {name: e, logs: []}]")
	assert.Equal(t, result{out: "one\ntwo\n"}, s.orbctl("logs", "a"))
	assert.Equal(t, result{out: "one\ntwo\ndebug\n"}, s.orbctl("log", "-a", "a"))
	assert.Equal(t, result{out: "x\nx\nx\n"}, s.orbctl("console", "b"))
	assert.Contains(t, s.orbctl("logs", "c").out, "Hostname set to <c>")
	assert.Equal(t, result{}, s.orbctl("logs", "d"))
	assert.Equal(t, result{}, s.orbctl("logs", "e"))
}

func TestLogsThatFollowEndWithTheClient(t *testing.T) {
	s := up(t, "machines: [{name: a, logs: [one]}]\nvariants: {logs: follows}")
	cmd := s.command("logs", "a")
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line := make([]byte, 4)
	_, err = out.Read(line)
	require.NoError(t, err)
	assert.Equal(t, "one\n", string(line))
	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait()
	waitEnded(t, s, 1)
	assert.True(t, s.ended().ClientGone)
}

func TestHugeLogsAreNotHeldInMemory(t *testing.T) {
	s := up(t, "machines: [{name: a, logs: ['"+strings.Repeat("x", 1023)+"'], logs_repeat: 65536}]")
	cmd := s.command("logs", "a")
	var n countWriter
	cmd.Stdout = &n
	require.NoError(t, cmd.Run())
	assert.Equal(t, int64(64<<20), int64(n))
}

type countWriter int64

func (c *countWriter) Write(p []byte) (int, error) { *c += countWriter(len(p)); return len(p), nil }

func TestManyCallsAtOnce(t *testing.T) {
	s := up(t, "extends: base")
	var wg sync.WaitGroup
	const calls = 150
	results := make([]result, calls)
	for i := range results {
		wg.Go(func() { results[i] = s.orbctl("info", "dev", "-f", "json") })
	}
	wg.Wait()
	for _, r := range results {
		require.Equal(t, results[0], r)
		require.Zero(t, r.exit)
	}
	assert.Equal(t, int64(calls), s.d.Calls())
	starts, ends := map[int64]bool{}, map[int64]bool{}
	for _, r := range s.records() {
		if r.Event == "start" {
			starts[r.N] = true
		} else {
			assert.True(t, starts[r.N], "the start comes first")
			ends[r.N] = true
		}
	}
	assert.Len(t, starts, calls)
	assert.Len(t, ends, calls)
}
