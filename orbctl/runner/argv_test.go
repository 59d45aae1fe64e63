package runner_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/orbctl/guest"
	"orbstack-mcp/orbctl/runner"
)

// anyScript is a script of package guest, whose words are not looked at here.
func anyScript() guest.Script {
	script, _, _ := guest.Users("")
	return script
}

var goodCalls = []struct {
	call runner.Call
	want string
}{
	{runner.Call{Op: runner.OpStatus}, "status"},
	{runner.Call{Op: runner.OpVersion}, "version"},
	{runner.Call{Op: runner.OpHelp, Args: []string{"create"}}, "create --help"},
	{runner.Call{Op: runner.OpList}, "list -f json"},
	{runner.Call{Op: runner.OpInfo, Machine: "web"}, "info web -f json"},
	{runner.Call{Op: runner.OpDefault}, "default"},
	{runner.Call{Op: runner.OpConfigShow}, "config show"},
	{runner.Call{Op: runner.OpConfigGet, Args: []string{"machine.my-web.1.cpu"}}, "config get machine.my-web.1.cpu"},
	{runner.Call{Op: runner.OpConfigSet, Args: []string{"cpu", "4"}}, "config set cpu 4"},
	{runner.Call{Op: runner.OpConfigSet, Args: []string{"data_dir", ""}}, "config set data_dir "},
	{runner.Call{Op: runner.OpLogs, Machine: "web.1"}, "logs web.1"},
	{runner.Call{Op: runner.OpLogs, Machine: "web", Verbose: true}, "logs web -a"},
	{probe("web", "", "a b", "$(x)"), "run -m web -w / sh -c SCRIPT orbstack-mcp-NAME m0123456789abcdef a b $(x)"},
	{probe("web", "root"), "run -m web -u root -w / sh -c SCRIPT orbstack-mcp-NAME m0123456789abcdef"},
	{runner.Call{Op: runner.OpStart, Machine: "web"}, "start web"},
	{runner.Call{Op: runner.OpStop, Machine: "web"}, "stop web"},
	{runner.Call{Op: runner.OpForceStop, Machine: "web"}, "stop -f web"},
	{runner.Call{Op: runner.OpRestart, Machine: "web"}, "restart web"},
	{runner.Call{Op: runner.OpRename, Machine: "web", NewName: "web-2"}, "rename web web-2"},
	{runner.Call{Op: runner.OpClone, Machine: "web", NewName: "copy"}, "clone web copy"},
	{runner.Call{Op: runner.OpDefaultSet, Args: []string{"web"}}, "default web"},
	{runner.Call{Op: runner.OpDefaultSet, Args: []string{"none"}}, "default none"},
	{runner.Call{Op: runner.OpDelete, Machine: "web"}, "delete -f web"},
	{created(runner.Create{Distro: "ubuntu"}), "create ubuntu web"},
	{
		created(runner.Create{Distro: "debian:trixie", Arch: "amd64", User: "me", CPUs: "2", Memory: "4G", Disk: "64G", Isolated: true, IsolateNetwork: true, Mounts: []string{"/a", "/b:/c"}, UserData: "/tmp/u"}),
		"create --arch amd64 --user me --cpus 2 --memory 4G --disk 64G --isolated --isolate-network --mount /a --mount /b:/c --user-data /tmp/u debian:trixie web",
	},
	{as(runner.OpPut, probe("web", "", "60", "/a b")), "run -m web -w / sh -c SCRIPT orbstack-mcp-NAME m0123456789abcdef 60 /a b"},
	{as(runner.OpGet, probe("web", "root", "~/x")), "run -m web -u root -w / sh -c SCRIPT orbstack-mcp-NAME m0123456789abcdef ~/x"},
	{runner.Call{Op: runner.OpExport, Machine: "web", File: "/a b/web.tar.zst"}, "export web /a b/web.tar.zst"},
	{runner.Call{Op: runner.OpImport, NewName: "new", File: "/a b/web.tar.zst"}, "import /a b/web.tar.zst -n new"},
	{command("web", "", "echo $HOME\n\tls"), "run -m web -w / sh -c SCRIPT orbstack-mcp-NAME m0123456789abcdef echo $HOME\n\tls"},
}

// created is the creation of a machine called web.
func created(n runner.Create) runner.Call {
	return runner.Call{Op: runner.OpCreate, NewName: "web", Create: &n}
}

// as is the call as another operation.
func as(op runner.Op, call runner.Call) runner.Call { call.Op = op; return call }

// command is a user's command in a machine.
func command(machine, user string, args ...string) runner.Call {
	call := probe(machine, user, args...)
	call.Op = runner.OpExec
	return call
}

// lookedAt is a call whose caller has looked at the machine just now.
func lookedAt(r *runner.Runner, call runner.Call) runner.Call {
	if call.State != "" {
		call.Seen = r.Edition(call.Machine)
	}
	return call
}

func probe(machine, user string, args ...string) runner.Call {
	return runner.Call{
		Op: runner.OpProbe, Machine: machine, User: user, State: "running",
		Script: anyScript(), Mark: "m0123456789abcdef", Guest: args,
	}
}

func TestArgvOfEachOperation(t *testing.T) {
	seen := map[runner.Op]bool{}
	for _, tc := range goodCalls {
		seen[tc.call.Op] = true
	}
	for _, op := range runner.Ops() {
		assert.True(t, seen[op], "%s has no good call", op)
	}
	for _, tc := range goodCalls {
		t.Run(tc.want, func(t *testing.T) {
			argv, err := runner.Build(tc.call)
			require.NoError(t, err)
			got := strings.Join(argv, " ")
			if s := tc.call.Script; !s.Zero() {
				got = strings.Replace(got, s.Argv("")[2], "SCRIPT", 1)
				got = strings.Replace(got, "orbstack-mcp-"+s.Name(), "orbstack-mcp-NAME", 1)
			}
			assert.Equal(t, tc.want, got)
		})
	}
}

func TestValuesThatCannotStandOnTheCommandLine(t *testing.T) {
	long := strings.Repeat("a", 64)
	info := func(name string) runner.Call { return runner.Call{Op: runner.OpInfo, Machine: name} }
	set := func(args ...string) runner.Call { return runner.Call{Op: runner.OpConfigSet, Args: args} }
	for _, tc := range []struct {
		name, field string
		call        runner.Call
	}{
		{"no machine", "machine", info("")},
		{"a flag for a machine", "machine", info("--all")},
		{"a dot first", "machine", info(".web")},
		{"an underscore", "machine", info("my_web")},
		{"a space", "machine", info("web db")},
		{"a newline behind the name", "machine", info("web\n")},
		{"letters beyond ASCII", "machine", info("wéb")},
		{"64 characters", "machine", info(long)},
		{"an ID", "machine", info("01HX3ZK8Q4T6V9W2Y5B7D1F3G8")},
		{"logs without a machine", "machine", runner.Call{Op: runner.OpLogs}},
		{"a probe without a machine", "machine", probe("", "")},
		{"a flag for a user", "username", probe("web", "-x")},
		{"a user with a space", "username", probe("web", "a b")},
		{"a guest's argument like a flag", "guest argument", probe("web", "", "-rf")},
		{"a guest's argument with a NUL", "guest argument", probe("web", "", "a\x00b")},
		{"a guest's argument with a newline", "guest argument", probe("web", "", "a\nb")},
		{"a mark of nobody's", "mark", func() runner.Call { c := probe("web", ""); c.Mark = "x y"; return c }()},
		{"help for a command that changes things", "command", runner.Call{Op: runner.OpHelp, Args: []string{"reset"}}},
		{"help for nothing", "arguments", runner.Call{Op: runner.OpHelp}},
		{"config-get without a key", "arguments", runner.Call{Op: runner.OpConfigGet}},
		{"a key like a flag", "key", runner.Call{Op: runner.OpConfigGet, Args: []string{"--help"}}},
		{"a key with a space", "key", set("cpu memory", "1")},
		{"a key for config-get", "key", runner.Call{Op: runner.OpConfigGet, Args: []string{""}}},
		{"a negative value", "value", set("cpu", "-1")},
		{"a flag for a value", "value", set("cpu", "--help")},
		{"a NUL in a value", "value", set("data_dir", "/a\x00b")},
		{"an escape in a value", "value", set("data_dir", "\x1b[31m")},
		{"an 8-bit control in a value", "value", set("data_dir", "\u009b")},
		{"a value that is no UTF-8", "value", set("data_dir", "\xff")},
		{"a value of 128 KiB", "arguments", set("data_dir", strings.Repeat("x", 128<<10))},
		{"one value too many", "arguments", set("cpu", "1", "2")},
		{"a command like a flag", "guest argument", command("web", "", "--all")},
		{"a command with an escape", "guest argument", command("web", "", "echo \x1b[2J")},
		{"create of nothing", "distro", runner.Call{Op: runner.OpCreate, NewName: "web"}},
		{"create without a name", "name", runner.Call{Op: runner.OpCreate, Create: &runner.Create{Distro: "ubuntu"}}},
		{"create docker", "name", runner.Call{Op: runner.OpCreate, NewName: "docker", Create: &runner.Create{Distro: "ubuntu"}}},
		{"a flag for a distro", "distro", created(runner.Create{Distro: "--isolated"})},
		{"a distro with two colons", "distro", created(runner.Create{Distro: "ubuntu:noble:x"})},
		{"an arch", "arch", created(runner.Create{Distro: "ubuntu", Arch: "riscv64"})},
		{"no CPUs", "cpus", created(runner.Create{Distro: "ubuntu", CPUs: "0"})},
		{"negative memory", "memory", created(runner.Create{Distro: "ubuntu", Memory: "-4G"})},
		{"a flag for a disk", "disk", created(runner.Create{Distro: "ubuntu", Disk: "--help"})},
		{"a mount of a machine that is not isolated", "mounts", created(runner.Create{Distro: "ubuntu", Mounts: []string{"/a"}})},
		{"a mount like a flag", "mounts", created(runner.Create{Distro: "ubuntu", Isolated: true, Mounts: []string{"-x"}})},
		{"a mount with ..", "mounts", created(runner.Create{Distro: "ubuntu", Isolated: true, Mounts: []string{"/a/../b"}})},
		{"two mounts in one", "mounts", created(runner.Create{Distro: "ubuntu", Isolated: true, Mounts: []string{"/a:/b,/c"}})},
		{"two mounts without destinations", "mounts", created(runner.Create{Distro: "ubuntu", Isolated: true, Mounts: []string{"/a,/c"}})},
		{"a mount in quotes", "mounts", created(runner.Create{Distro: "ubuntu", Isolated: true, Mounts: []string{`/a:/b"`}})},
		{"a mount with two colons", "mounts", created(runner.Create{Distro: "ubuntu", Isolated: true, Mounts: []string{"/a:/b:/c"}})},
		{"user data that is relative", "user_data", created(runner.Create{Distro: "ubuntu", UserData: "u"})},
		{"a distro for list", "distro", runner.Call{Op: runner.OpList, Create: &runner.Create{Distro: "ubuntu"}}},
		{"start without a machine", "machine", runner.Call{Op: runner.OpStart}},
		{"stop without a machine", "machine", runner.Call{Op: runner.OpStop}},
		{"restart of all", "machine", runner.Call{Op: runner.OpRestart, Machine: "-a"}},
		{"stop of a machine called all", "machine", runner.Call{Op: runner.OpForceStop, Machine: "all"}},
		{"delete by ID", "machine", runner.Call{Op: runner.OpDelete, Machine: "01HX3ZK8Q4T6V9W2Y5B7D1F3G8"}},
		{"delete docker", "machine", runner.Call{Op: runner.OpDelete, Machine: "docker"}},
		{"delete Docker", "machine", runner.Call{Op: runner.OpDelete, Machine: "Docker"}},
		{"stop k8s", "machine", runner.Call{Op: runner.OpStop, Machine: "k8s"}},
		{"rename to nothing", "new_name", runner.Call{Op: runner.OpRename, Machine: "web"}},
		{"rename to a flag", "new_name", runner.Call{Op: runner.OpRename, Machine: "web", NewName: "-f"}},
		{"clone to an ID", "new_name", runner.Call{Op: runner.OpClone, Machine: "web", NewName: "01HX3ZK8Q4T6V9W2Y5B7D1F3G8"}},
		{"a new name for stop", "new_name", runner.Call{Op: runner.OpStop, Machine: "web", NewName: "x"}},
		{"a flag for a default machine", "machine", runner.Call{Op: runner.OpDefaultSet, Args: []string{"--help"}}},
		{"no default machine", "arguments", runner.Call{Op: runner.OpDefaultSet}},
		{"a machine for list", "machine", runner.Call{Op: runner.OpList, Machine: "web"}},
		{"arguments for default", "arguments", runner.Call{Op: runner.OpDefault, Args: []string{"web"}}},
		{"a user for info", "username", runner.Call{Op: runner.OpInfo, Machine: "web", User: "root"}},
		{"verbose info", "verbose", runner.Call{Op: runner.OpInfo, Machine: "web", Verbose: true}},
		{"a state for logs", "script", runner.Call{Op: runner.OpLogs, Machine: "web", State: "running"}},
		{"export to nowhere", "path", runner.Call{Op: runner.OpExport, Machine: "web"}},
		{"export to a flag", "path", runner.Call{Op: runner.OpExport, Machine: "web", File: "--help"}},
		{"export to a relative path", "path", runner.Call{Op: runner.OpExport, Machine: "web", File: "a/b"}},
		{"export by way of ..", "path", runner.Call{Op: runner.OpExport, Machine: "web", File: "/a/../b"}},
		{"export to the root folder", "path", runner.Call{Op: runner.OpExport, Machine: "web", File: "/"}},
		{"export to a path with a newline", "path", runner.Call{Op: runner.OpExport, Machine: "web", File: "/a\nb"}},
		{"export of docker", "machine", runner.Call{Op: runner.OpExport, Machine: "docker", File: "/a/b"}},
		{"import without a name", "name", runner.Call{Op: runner.OpImport, File: "/a/b"}},
		{"import as docker", "name", runner.Call{Op: runner.OpImport, NewName: "docker", File: "/a/b"}},
		{"import into a machine", "machine", runner.Call{Op: runner.OpImport, Machine: "web", NewName: "new", File: "/a/b"}},
		{"a file for list", "path", runner.Call{Op: runner.OpList, File: "/a/b"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := runner.Build(tc.call)
			var invalid *runner.InvalidError
			require.ErrorAs(t, err, &invalid)
			assert.Equal(t, tc.field, invalid.Field)
			assert.NotEmpty(t, invalid.Why)
			assert.True(t, strings.HasPrefix(err.Error(), tc.field+" "), "%v", err)
		})
	}
}

func TestARefusedValueOfASettingIsNotInTheError(t *testing.T) {
	_, err := runner.Build(runner.Call{Op: runner.OpConfigSet, Args: []string{"network_proxy", "-http://me:hunter2@proxy"}})
	var invalid *runner.InvalidError
	require.ErrorAs(t, err, &invalid)
	assert.NotContains(t, fmt.Sprintf("%+v %v", *invalid, err), "hunter2")
}
