package orbsim

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

const limitsWorld = `
version: 2.2.1
machines:
  - name: dc-a
    id: 01M1M7N61KT3MYNC8KGX55MSGN
    default_username: dev
    forward_ssh_agent: true
    limits: {cpu: 2, memory_mib: 2048, disk_bytes: 21474836480}
    disk_size: 683962368
    ip4: 192.168.139.10
    ip6: fd07:b51a:cc66:0:ac8c:31ff:fe6b:b491
  - name: ubuntu
    id: 01KHVDCW7HTAGRPMB823KADP9B
    distro: ubuntu:questing
    state: stopped
    default_username: dev
    disk_size: 847974400
`

const settingsWorld = `
version: 2.0.4
config:
  cpu: "11"
  memory_mib: "16384"
  network.subnet4: 192.168.138.0/23
  rosetta: "true"
  machine.gone.username: invalid-user
  machines.forward_ports: "true"
  machines.expose_ports_to_lan: "true"
  k8s.enable: "false"
  k8s.expose_services: "false"
  data_allow_backup: "false"
machines:
  - {name: db, default_username: postgres}
  - {name: web, default_username: ubuntu}
`

func TestOutputIsByteForByteWhatWasCaptured(t *testing.T) {
	for _, c := range []struct {
		world, args, sample string
		stderr              bool
		exit                int
	}{
		{world: "extends: old", args: "list -f json", sample: "list.v2.0.json"},
		{world: "extends: old", args: "ls --format json", sample: "list.v2.0.json"},
		{world: "extends: old", args: "info web -f json", sample: "info.v2.0.running.json"},
		{world: "extends: old", args: "info -f json 01K2G8TY5GM9C3CN95KCB4ZG8B", sample: "info.v2.0.running.json"},
		{world: "machines: [{name: dc-a, id: 01M1M7N61KT3MYNC8KGX55MSGN, default_username: dev}]", args: "list -f json", sample: "list.v2.2.json"},
		{world: limitsWorld, args: "info dc-a -f json", sample: "info.v2.2.running.limits.json"},
		{world: limitsWorld, args: "info ubuntu -f json", sample: "info.v2.2.stopped.json"},
		{world: limitsWorld, args: "version", sample: "version.txt"},
		{world: settingsWorld, args: "config show", sample: "config-show.txt"},
		{world: settingsWorld, args: "config get rosetta", sample: "config-show.txt"},
		{world: "extends: base", args: "info nope", sample: "info.not-found.stderr.txt", stderr: true, exit: 1},
		{world: "extends: base", args: "create ubuntu web", sample: "create.exists.stderr.txt", stderr: true, exit: 1},
		{world: "extends: base", args: "status", sample: "status.running.txt"},
		{world: "extends: down", args: "status", sample: "status.stopped.txt", exit: 1},
		{world: "variants: {empty_list: help}", args: "list -f json", sample: "no-machines.stderr.txt", stderr: true},
		{world: "variants: {empty_list: help_fails}", args: "list -f json", sample: "no-machines.stderr.txt", stderr: true, exit: 1},
		{world: "extends: base", args: "config set k8s.enable true", sample: "config-set.restart-hint.txt"},
	} {
		t.Run(c.sample+" "+c.args, func(t *testing.T) {
			r := up(t, c.world).orbctl(fields(c.args)...)
			want := result{out: sample(t, c.sample), exit: c.exit}
			if c.stderr {
				want.out, want.err = "", want.out
			}
			assert.Equal(t, want, r)
		})
	}
}

func TestUpdateBannerComesBeforeACommandsOwnOutput(t *testing.T) {
	banner := sample(t, "update-banner.txt")
	assert.Equal(t, result{out: banner + "Running\n"}, up(t, "extends: base\nbanner: stdout").orbctl("status"))
	assert.Equal(t, result{out: "Running\n", err: banner}, up(t, "extends: base\nbanner: stderr").orbctl("status"))
}

func TestStartingIsExitTwo(t *testing.T) {
	s := up(t, "extends: base\nstatus: starting")
	assert.Equal(t, result{out: "Starting\n", exit: 2}, s.orbctl("status"))
	assert.Equal(t, result{err: "start VM: timed out waiting for VM to start\n", exit: 1}, s.orbctl("list", "-f", "json"))
}

func TestFlagsFollowTheVersion(t *testing.T) {
	for version, has := range map[string]map[string]bool{
		"2.0.4": {"--arch": true, "--isolated": false, "--cpus": false, "--isolate-network": false},
		"2.1.2": {"--arch": true, "--isolated": true, "--cpus": false, "--isolate-network": false},
		"2.2.3": {"--arch": true, "--isolated": true, "--cpus": true, "--isolate-network": true, "--mount": true, "--forward-ssh-agent": true},
	} {
		s := up(t, "version: "+version)
		help := s.orbctl("create", "--help")
		assert.Zero(t, help.exit)
		assert.NotContains(t, help.out, "true|false", "pflag of that time had no such suffix")
		for flag, there := range has {
			assert.Equal(t, there, containsWord(help.out, flag), "%s in %s", flag, version)
		}
	}
}

func TestUnknownWordsFailAsCobraDoes(t *testing.T) {
	s := up(t, "extends: base")
	r := s.orbctl("frobnicate")
	assert.Equal(t, result{err: "Error: unknown command \"frobnicate\" for \"orbctl\"\nRun 'orbctl --help' for usage.\n", exit: 1}, r)
	r = s.orbctl("logs", "web", "--lines", "3")
	assert.Equal(t, 1, r.exit)
	assert.Empty(t, r.out)
	assert.Contains(t, r.err, "Error: unknown flag: --lines\nUsage:\n  orbctl logs NAME [flags]\n")
	r = s.orbctl("info")
	assert.Equal(t, 1, r.exit)
	assert.Contains(t, r.err, "Error: accepts 1 arg(s), received 0\nUsage:")
}
