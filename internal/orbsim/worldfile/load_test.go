package worldfile

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestBuiltInWorldsAreValid(t *testing.T) {
	require.Equal(t, []string{"base", "demo", "down", "empty", "old"}, Names())
	for _, name := range Names() {
		_, err := Load(name)
		require.NoError(t, err, name)
	}
}

func TestBaseIsTheWorldOfTheEvals(t *testing.T) {
	w, err := Load("base")
	require.NoError(t, err)
	assert.Equal(t, "2.2.3", w.Version)
	assert.Equal(t, "running", w.Status)
	assert.Equal(t, "dev", w.Default)
	assert.Equal(t, map[string]string{"cpu": "8", "memory_mib": "16384", "rosetta": "true", "machines.forward_ports": "true", "network.subnet4": "192.168.138.0/23"}, w.Config)
	var lines []string
	for _, m := range w.Machines {
		lines = append(lines, strings.Join([]string{m.Name, m.Distro, m.Arch, m.State, m.IP4, m.DefaultUsername}, " "))
	}
	assert.Equal(t, []string{
		"dev ubuntu:noble arm64 running 192.168.139.10 ana",
		"db debian:bookworm arm64 running 192.168.139.11 ana",
		"web ubuntu:noble arm64 running 192.168.139.12 ana",
		"legacy ubuntu:jammy amd64 stopped  ana",
	}, lines)
}

func TestDefaults(t *testing.T) {
	w, err := Parse([]byte("machines: [{name: a, listeners: [{kind: https, port: 443}]}, {name: b, default_username: root, distro: debian}]\nfaults: [{argv: x}]"))
	require.NoError(t, err)
	assert.Equal(t, Network{Subnet4: "192.168.139.0/24", Gateway4: "192.168.139.1", Subnet6: "fd07:b51a:cc66::/64", Proxy4: "192.168.138.0/24"}, w.Network)
	assert.Equal(t, Variants{ConfigGet: "value", Logs: "ends", EmptyList: "array"}, w.Variants)
	assert.Equal(t, "a", w.Default)
	assert.Equal(t, "error", w.Faults[0].Kind)
	a, b := w.Machines[0], w.Machines[1]
	assert.Equal(t, []string{"root", "ana"}, a.Users)
	assert.Equal(t, []string{"root"}, b.Users)
	assert.Equal(t, "debian:bookworm", b.Distro, "as orbctl takes a bare debian [seen]")
	assert.Equal(t, Listener{Kind: "https", Port: 443, Status: 200, Cert: "bad"}, a.Listeners[0])
	assert.Equal(t, IDOf("a"), a.ID)
	assert.Regexp(t, `^01K2G8[0-9A-HJKMNP-TV-Z]{20}$`, a.ID)
	assert.NotEqual(t, a.ID, b.ID)

	old, err := Parse([]byte("version: 2.0.4\nnetwork: {subnet4: 198.19.249.0/24, proxy4: 198.19.248.0/24}"))
	require.NoError(t, err)
	assert.Equal(t, "listing", old.Variants.ConfigGet, "2.0.x")
	assert.Equal(t, "198.19.249.1", old.Network.Gateway4)
	assert.Empty(t, old.Default)

	empty, err := Parse(nil)
	require.NoError(t, err)
	assert.Equal(t, "2.2.3", empty.Version)
}

func TestExtendsMergesByName(t *testing.T) {
	w, err := Parse([]byte(`
extends: base
version: 2.1.2
status: starting
default: web
banner: stderr
uid0: refuse
config: {cpu: "4", k8s.enable: "true"}
network: {subnet4: 192.168.139.0/24, gateway4: 192.168.139.2, subnet6: "fd00::/64", proxy4: 10.0.0.0/24}
variants: {logs: follows, late_address: 2s, live_limits: true}
machines:
  - {name: web, distro: alpine, ip4: 192.168.139.50}
  - {name: build}
guest_rules: [{argv: a}]
faults: [{argv: b}]
dns: [{name: c.example, type: A, values: [1.2.3.4]}]
`))
	require.NoError(t, err)
	assert.Empty(t, w.Extends)
	assert.Equal(t, "2.1.2 starting web stderr refuse", strings.Join([]string{w.Version, w.Status, w.Default, w.Banner, w.UID0}, " "))
	assert.Equal(t, "4", w.Config["cpu"])
	assert.Equal(t, "16384", w.Config["memory_mib"])
	assert.Equal(t, "true", w.Config["k8s.enable"])
	assert.Equal(t, "192.168.139.2", w.Network.Gateway4)
	assert.Equal(t, 2*time.Second, w.Variants.LateAddress)
	assert.True(t, w.Variants.LiveLimits)
	var names []string
	for _, m := range w.Machines {
		names = append(names, m.Name)
	}
	assert.Equal(t, []string{"dev", "db", "web", "legacy", "build"}, names)
	assert.Equal(t, "alpine:3.20", w.Machines[2].Distro)
	assert.Empty(t, w.Machines[2].Listeners, "a machine is replaced as a whole")

	base, err := Load("base")
	require.NoError(t, err)
	assert.Equal(t, "8", base.Config["cpu"], "the base itself is untouched")

	both, err := Parse([]byte("extends: demo\nfaults: [{argv: mine}]\ndns: [{name: x, rcode: REFUSED}]"))
	require.NoError(t, err)
	assert.Equal(t, "mine", both.Faults[0].Argv, "those of the file come first")
	assert.NotNil(t, both.Faults[1].Net)
	assert.Equal(t, "x", both.DNS[0].Name)
}

func TestAllProblemsAtOnceInPlainWords(t *testing.T) {
	_, err := Parse([]byte(`
version: 3.0.0
status: asleep
default: nobody
banner: loud
uid0: maybe
variants: {logs: maybe, config_get: x, empty_list: y, late_address: -1s}
network: {gateway4: 10.0.0.1, proxy4: 192.168.139.0/25, subnet6: 1.2.3.0/24}
machines:
  - {name: a, ip4: 192.168.139.10}
  - {name: a, ip4: 192.168.139.10, id: short}
  - {name: a_b, distro: plan9, arch: mips, state: "half way", default_username: "x y"}
  - {name: docker, distro: "ubuntu:", rootfs: fancy, mounts: [/a]}
  - {distro: debian, ip4: 10.1.1.1, ip6: nonsense, limits: {cpu: -1}, http_port: 70000}
  - {name: i6, no_ip6: true, ip6: "fd07:b51a:cc66::5", files: {relative: x}}
  - {name: l, listeners: [{kind: smtp, port: 0}, {port: 1}, {kind: tcp, port: 80, address: here}, {kind: tcp, port: 80}, {kind: http, port: 80, status: 99, cert: odd}]}
dns:
  - {type: A, values: [x]}
  - {name: n, type: ZZ, rcode: MAYBE, from: space}
  - {name: m, values: [v]}
  - {name: o}
  - {name: p, type: A, values: [1.2.3.4], rcode: NXDOMAIN}
guest_rules: [{argv: "(", exit: 300, machine: ghost, delay: -1s}, {stdout: x}]
faults:
  - {argv: "(", kind: odd, exit: -1, times: -1, after: -1, chance: 1.5, delay: -1s}
  - {argv: x, net: {machine: ghost, kind: odd, port: -1, percent: 101}}
  - {net: {machine: l}}
`))
	var invalid *InvalidError
	require.ErrorAs(t, err, &invalid)
	text := "\n" + strings.Join(invalid.Problems, "\n") + "\n"
	for _, want := range []string{
		`version: "3.0.0" is not known`, `status: "asleep" is not one of running, starting, stopped`, `default: there is no machine "nobody"`,
		`banner: "loud"`, `uid0: "maybe"`, `variants.logs: "maybe"`, `variants.config_get: "x"`, `variants.empty_list: "y"`, `variants.late_address: is negative`,
		`network.gateway4: 10.0.0.1 lies outside 192.168.139.0/24`, `network.proxy4: 192.168.139.0/25 overlaps subnet4`, `network.subnet6: 1.2.3.0/24 is of the other address family`,
		`machines[1] (a): has the name of machines[0]`, `machines[1] (a).id: "short" is no ULID`,
		`machines[2] (a_b).name: "a_b": letters, digits, - and . only`, `machines[2] (a_b).distro: "plan9" is not one of alma, alpine,`, `machines[2] (a_b).arch: "mips"`,
		`machines[2] (a_b).state: "half way" is not a word`, `machines[2] (a_b): "x y" is no user name`,
		`machines[3] (docker).name: "docker" is a word of orbctl`, `machines[3] (docker).distro: "ubuntu:" ends with a colon`, `machines[3] (docker).rootfs: "fancy"`, `machines[3] (docker).mounts: only an isolated machine`,
		`machines[4] (): has no name`, `machines[4] ().ip4: 10.1.1.1 lies outside`, `machines[4] ().ip6: "nonsense" is not an IP address`, `machines[4] (): a limit`, `machines[4] ().http_port: 70000 is not within`,
		`machines[5] (i6): has ip6 and no_ip6`, `machines[5] (i6).files: "relative" is not a clean absolute path`,
		`listeners[0].kind: "smtp"`, `listeners[0].port: 0 is not within 1 and 65535`, `listeners[1].kind: is missing`, `listeners[2].address: "here"`, `listeners[4]: listens where listeners[3] does`, `listeners[4].status: 99`, `listeners[4].cert: "odd"`,
		`dns[0] (): has no name`, `dns[0] (): "x" is no address for a record of type A`, `dns[1] (n).type: "ZZ"`, `dns[1] (n).rcode: "MAYBE"`, `dns[1] (n).from: "space"`, `dns[2] (m): has values, so it needs a type`, `dns[3] (o): says nothing`, `dns[4] (p): has both values and the rcode`,
		`guest_rules[0].argv: "(" is no regular expression`, `guest_rules[0].exit: 300`, `guest_rules[0].machine: there is no machine "ghost"`, `guest_rules[0].delay: is negative`, `guest_rules[1].argv: is empty`,
		`faults[0].argv: "("`, `faults[0].kind: "odd"`, `faults[0].exit: -1`, `faults[0].times: -1`, `faults[0].after: -1`, `faults[0].chance: 1.5`, `faults[0].delay: is negative`,
		`faults[1].net.machine: there is no machine "ghost"`, `faults[1].net.kind: "odd"`, `faults[1].net.port: -1`, `faults[1].net.percent: 101`, `faults[1]: breaks either orbctl calls (argv) or the network (net), not both`, `faults[2].net.kind: is missing`,
	} {
		assert.Contains(t, text, want)
	}
	assert.Contains(t, err.Error(), "problems:\n")
}

func TestAddressesAreTakenOnce(t *testing.T) {
	_, err := Parse([]byte("machines: [{name: a, ip4: 192.168.139.1}, {name: b, ip4: 192.168.139.9}, {name: c, ip4: 192.168.139.9}]"))
	assert.ErrorContains(t, err, "machines[0] (a).ip4: 192.168.139.1 is taken by the gateway")
	assert.ErrorContains(t, err, "machines[2] (c).ip4: 192.168.139.9 is taken by b")
	_, err = Parse([]byte("machines: [{name: a, id: 01K2G8TY5GM9C3CN95KCB4ZG8B}, {name: b, id: 01K2G8TY5GM9C3CN95KCB4ZG8B}]"))
	assert.ErrorContains(t, err, "is the id of a already")
}

func TestYAMLThatIsNoWorld(t *testing.T) {
	for text, want := range map[string]string{
		"varsion: 2.2.3":                  "line 1: field varsion is not a key of a world",
		"machines: [{name: a, ipv4: x}]":  "field ipv4 is not a key of a machine",
		"machines: 5":                     "cannot unmarshal",
		"a: [":                            "not YAML",
		"extends: nope":                   `no built-in world is named "nope"; there are base, demo, down, empty, old`,
		"version: 2.2.3\n---\nversion: x": "more than one YAML document",
		strings.Repeat("#", maxSize+1):    "at most 4 MiB",
	} {
		_, err := Parse([]byte(text))
		assert.ErrorContains(t, err, want)
	}
}

func TestLoadFromAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "w.yaml")
	require.NoError(t, os.WriteFile(file, []byte("extends: down\ndefault: web\n"), 0o600))
	w, err := Load(file)
	require.NoError(t, err)
	assert.Equal(t, "stopped", w.Status)
	assert.Equal(t, "web", w.Default)
	require.NoError(t, os.WriteFile(file, []byte("status: x\n"), 0o600))
	_, err = Load(file)
	assert.ErrorContains(t, err, file+": the world is not valid: status:")
	_, err = Load(file + "x")
	assert.True(t, errors.Is(err, os.ErrNotExist))
	_, err = Load("basse")
	assert.ErrorContains(t, err, `no built-in world and no file is named "basse"; built-in worlds: base, demo`)
	_, err = Load(t.TempDir())
	assert.ErrorContains(t, err, "read the world file")
}

func TestParseDistro(t *testing.T) {
	for in, want := range map[string]string{
		"ubuntu": "ubuntu noble", "ubuntu:24.04": "ubuntu noble", "ubuntu:jammy": "ubuntu jammy", "debian": "debian bookworm", "debian:13": "debian trixie",
		"alpine:edge": "alpine edge", "void": "void current", "arch:latest": "arch current", "void:current": "void current",
	} {
		name, version, ok := ParseDistro(in)
		assert.True(t, ok, in)
		assert.Equal(t, want, name+" "+version)
	}
	for _, in := range []string{"", "plan9", "ubuntu:", "ubuntu:1", "void:2"} {
		_, _, ok := ParseDistro(in)
		assert.False(t, ok, in)
	}
}

// FuzzWorld: whatever the text, the answer is a world that survives being
// completed again, or an error in words.
func FuzzWorld(f *testing.F) {
	for _, name := range Names() {
		text, _ := Source(name)
		f.Add(text)
	}
	f.Add("extends: old\nmachines: [{name: x, ip6: '::1'}]\n")
	f.Add("network: {subnet4: 0.0.0.0/0}\nmachines: [{}]\n")
	f.Fuzz(func(t *testing.T, text string) {
		w, err := Parse([]byte(text))
		if err != nil {
			if err.Error() == "" {
				t.Fatal("an error without words")
			}
			return
		}
		again, err := Complete(w)
		require.NoError(t, err)
		require.Equal(t, w, again)
	})
}
