package runner_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/orbctl"
	"orbstack-mcp/orbctl/folders"
	"orbstack-mcp/orbctl/runner"
	"orbstack-mcp/tools"
	"orbstack-mcp/tools/job"
)

// An agreeable orbctl has every machine that anybody asks for, does whatever it is
// told, and writes down the command lines that would have been.
type agreeable struct {
	mu     sync.Mutex
	states map[string]string
	calls  []runner.Call
	argvs  [][]string
}

const agreeableMachine = `{"id":"01K2G8TY5GM9C3CN95KCB4ZG8B","name":%q,"image":{"distro":"ubuntu","version":"noble","arch":"arm64"},"config":{"default_username":"ana","isolated":%t},"state":%q}`

func (a *agreeable) Run(_ context.Context, call runner.Call) (runner.Result, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	argv, err := runner.Build(call)
	if err != nil {
		return runner.Result{}, err
	}
	a.calls, a.argvs = append(a.calls, call), append(a.argvs, argv)
	machine := func(name string) string {
		state := a.states[name]
		if state == "" {
			state = "running"
		}
		return fmt.Sprintf(agreeableMachine, name, strings.HasPrefix(name, "b"), state)
	}
	var out string
	switch call.Op {
	case runner.OpVersion:
		out = "Version: 2.2.3 (2020300)\n"
	case runner.OpHelp:
		out = "  -a, --arch string\n      --cpus int\n      --isolate-network\n      --isolated\n      --memory string\n      --mount strings\n  -u, --user string\n"
	case runner.OpList:
		out = "[" + machine("web") + "," + machine("docker") + "," + machine("db") + "]"
	case runner.OpInfo:
		out = `{"record":` + machine(call.Machine) + `,"disk_size":1,"ip4":"192.168.139.9"}`
	case runner.OpDefault:
		out = "web\n"
	case runner.OpConfigShow:
		out = "cpu: 1\nnew.key: 1\n"
	case runner.OpConfigGet:
		out = "1\n"
	case runner.OpStart, runner.OpRestart:
		a.states[call.Machine] = "running"
	case runner.OpStop, runner.OpForceStop:
		a.states[call.Machine] = "stopped"
	case runner.OpExec:
		if call.Stderr != nil {
			_, _ = fmt.Fprintf(call.Stderr, "%s began\n", call.Mark)
		}
	}
	if call.Stdout != nil {
		_, _ = call.Stdout.Write([]byte(out))
		out = ""
	}
	return runner.Result{Stdout: out}, nil
}

func (*agreeable) Status(context.Context) (runner.Status, error) { return runner.Running, nil }

func (*agreeable) Hold(context.Context, ...runner.Call) (*runner.Hold, error) { return nil, nil }

// The words that a model that is confused, or that was talked into it, may write.
var (
	cruelWords = []string{
		"", " ", "-", "--", "-a", "--all", "-f", "-m", "--help", "-oProxyCommand=reboot", "--machine=web", "all", "none", "default", "docker", "k8s", "Docker", "reset", "stop", "start", "delete",
		"web -a", "web --all", "web; reboot", "$(reboot)", "web\nstop", "web\x00", "\x1b[2J", "web\u202e", "\u200bweb", "🦊", "%s%n", `"'\`, "../../etc/passwd", "/", "~", ".", "..", ".web", "web.",
		"01K2G8TY5GM9C3CN95KCB4ZG8B", "01k2g8ty5gm9c3cn95kcb4zg8b", "machine.--all.username", "machine..cpu", "config", "reset\tx", "http://-x/", "[::1", "a..b", "+short", "@8.8.8.8", "/a:/b:/c", "/a:-b", "/..", "root", "wheel$",
		strings.Repeat("w", 63), strings.Repeat("w", 64), strings.Repeat("x", 2000),
	}
	saneWords = map[string][]string{
		"machine": {"web", "db", "box"}, "name": {"new", "box2"}, "new_name": {"new", "other"}, "distro": {"ubuntu", "debian:trixie"}, "arch": {"arm64"},
		"user": {"ana", "root"}, "username": {"ana", "root"}, "cpus": {"2"}, "memory": {"4G"}, "disk": {"64G", "unlimited"}, "command": {"echo hello", "id"}, "workdir": {"/tmp"},
		"key": {"cpu", "rosetta", "machine.db.username", "machine.web.isolated", "new.key", "network_proxy"}, "value": {"1", "true", "ana", "auto"}, "target": {"web", "db:5432", "http://web.orb.local/"},
		"hostname": {"web.orb.local", "example.com"}, "prefix": {"c"}, "grep": {"a"}, "unit": {"ssh.service"}, "since": {"10m"}, "user_data": {"#cloud-config\n"}, "machines": {"web", "db"}, "server": {"127.0.0.1"},
		"from_machine": {"web", "db"}, "to_machine": {"web", "db"}, "checkpoint": {"db"}, "label": {"before"},
	}
)

type model struct {
	*rand.Rand
	sane map[string][]string // words that work, by argument
}

func choose[T any](m model, from []T) T { return from[m.IntN(len(from))] }

func (m model) word(property string, cruelty int) string {
	if sane := m.sane[property]; len(sane) > 0 && m.IntN(8) >= cruelty {
		return choose(m, sane)
	}
	return choose(m, cruelWords)
}

type property struct {
	Type any      `json:"type"`
	Enum []string `json:"enum"`
}

func (m model) value(name string, p property, cruelty int) any {
	if m.IntN(40) < cruelty {
		return choose(m, []any{-1, 1.5, 1e308, true, nil, []any{}, []any{"web", "--all"}, map[string]any{"machine": "web"}, m.word(name, 8)})
	}
	switch {
	case len(p.Enum) > 0:
		return choose(m, p.Enum)
	case p.Type == "boolean":
		return m.IntN(2) == 0
	case p.Type == "integer":
		return 1 + m.IntN(10)
	case p.Type == "array":
		list := []any{}
		for range m.IntN(4) {
			list = append(list, m.word(name, cruelty))
		}
		return list
	case p.Type == "object":
		return map[string]any{choose(m, []string{"A", "PATH", "A B", "-x", "", "LD_PRELOAD"}): m.word(name, 8)}
	}
	return m.word(name, cruelty)
}

// call is a call of a tool with whatever arguments.
func (m model) call(t tools.Tool, properties map[string]property) map[string]any {
	a := map[string]any{}
	cruelty := m.IntN(5)
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		if m.IntN(5) > 0 {
			a[name] = m.value(name, properties[name], cruelty)
		}
	}
	if m.IntN(20) == 0 {
		a[choose(m, cruelWords)] = choose(m, cruelWords)
	}
	if properties["from"].Type != nil {
		a["from"] = "machine" // the Mac's own look-ups are no runs of orbctl
	}
	return map[string]any{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": map[string]any{"name": t.Name, "arguments": a}}
}

// Ten thousand calls over all tools, of a server that may do everything: nothing but
// the operations of the table ever stands on orbctl's command line, a machine is
// always named, and no word of the caller's is where a flag could be.
func TestThreat03_WhateverAToolIsAskedOnlyItsOwnStandsOnTheCommandLine(t *testing.T) {
	folder, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	file := filepath.Join(folder, "file")
	require.NoError(t, os.WriteFile(file, []byte("text"), 0o600))
	allowed, err := folders.Open("/", []string{folder})
	require.NoError(t, err)
	sane := maps.Clone(saneWords)
	sane["mounts"], sane["source"], sane["path"] = []string{folder, folder + ":/src"}, []string{file, "/etc/hosts"}, []string{file, filepath.Join(folder, "new")}
	sane["destination"] = []string{"/tmp/x", filepath.Join(folder, "new")}
	synctest.Test(t, func(t *testing.T) {
		const calls = 10_000
		orb := &agreeable{states: map[string]string{"db": "stopped"}}
		jobs := job.NewBook("")
		defer jobs.Close()
		server, err := tools.NewServer(orbctl.New(orb, orbctl.Mac{CPUs: 8, MemoryBytes: 16 << 30}), tools.Options{
			Policy:  tools.Policy{Exec: runner.ExecAll, Confirm: tools.ConfirmAllow, ConfirmWithin: time.Minute, Toolsets: []string{"all"}, AllowPaths: []string{folder}},
			Folders: allowed, Home: "/Users/ana", Jobs: jobs, JobAfter: 45 * time.Second, Log: slog.New(slog.DiscardHandler),
		})
		require.NoError(t, err)
		all := tools.All()
		properties := make([]map[string]property, len(all))
		for i, tool := range all {
			var schema struct{ Properties map[string]property }
			require.NoError(t, json.Unmarshal(tool.Input().JSON(), &schema))
			properties[i] = schema.Properties
		}
		m := model{rand.New(rand.NewPCG(7, 7)), sane}
		good := 0
		for range calls {
			i := m.IntN(len(all))
			wire, err := json.Marshal(m.call(all[i], properties[i]))
			require.NoError(t, err)
			mark := len(orb.argvs)
			reply, ok := server.HandleMessage(t.Context(), wire).(mcp.JSONRPCResponse)
			require.True(t, ok, "a protocol error for %.300s", wire)
			result, err := json.Marshal(reply.Result)
			require.NoError(t, err)
			assert.NotContains(t, string(result), `"code":"internal"`, "%.300s", wire)
			if !strings.Contains(string(result), `"isError":true`) {
				good++
			}
			for k := mark; k < len(orb.argvs); k++ {
				require.Empty(t, forbidden(orb.calls[k], orb.argvs[k]), "orbctl %.300q after %.300s", orb.argvs[k], wire)
			}
		}
		assert.Greater(t, good, calls/10, "some calls work, or this looks at nothing")
		seen := map[runner.Op]int{}
		for _, call := range orb.calls {
			seen[call.Op]++
		}
		for _, op := range runner.Ops() {
			if op != runner.OpStatus {
				assert.NotZero(t, seen[op], "%s was never reached: %v", op, seen)
			}
		}
	})
}

var (
	anyName = regexp.MustCompile(`\A[A-Za-z0-9][A-Za-z0-9.-]{0,62}\z`)
	anyID   = regexp.MustCompile(`(?i)\A[0-9A-HJKMNP-TV-Z]{26}\z`)
	notOurs = []string{"docker", "k8s", "none", "default", "all"}
	flagsOf = map[string][]string{
		"list": {"-f"}, "info": {"-f"}, "logs": {"-a"}, "stop": {"-f"}, "delete": {"-f"}, "run": {"-m", "-u", "-w"}, "import": {"-n"},
		"create": {"--arch", "--user", "--cpus", "--memory", "--disk", "--isolated", "--isolate-network", "--mount", "--user-data"},
	}
	anyVerb = []string{"status", "version", "list", "info", "default", "config", "logs", "run", "create", "start", "stop", "restart", "rename", "clone", "delete", "export", "import"}
)

// forbidden says what is wrong with a command line, "" if nothing is. It knows
// nothing of how the line was made.
func forbidden(call runner.Call, argv []string) string {
	verb, words := argv[0], argv[1:]
	if !slices.Contains(anyVerb, verb) {
		return "a command that is in no table"
	}
	if slices.Equal(words, []string{"--help"}) {
		return ""
	}
	if verb == "run" {
		first := slices.Index(argv, "sh")
		if first < 0 || !slices.Equal(argv[first:], call.Script.Argv(call.Mark, call.Guest...)) || call.Script.Zero() {
			return "a guest's words that are no script of ours"
		}
		words = argv[1:first]
	}
	var plain []string
	for i := 0; i < len(words); i++ {
		word := words[i]
		switch {
		case strings.ContainsFunc(word, unicode.IsControl):
			return "a control character"
		case !strings.HasPrefix(word, "-"):
			plain = append(plain, word)
		case word == "-" && verb == "config":
		case !slices.Contains(flagsOf[verb], word):
			return "a flag that is not ours: " + word
		case word == "-a" && (verb != "logs" || i == 0):
			return "-a"
		case slices.Contains([]string{"--isolated", "--isolate-network"}, word), word == "-a", word == "-f" && (verb == "stop" || verb == "delete"):
		default: // a flag with a value
			i++
			if i == len(words) || strings.HasPrefix(words[i], "-") {
				return "a flag for a flag's value"
			}
			if word == "-m" || word == "-n" {
				plain = append(plain, words[i])
			}
		}
	}
	names := plain
	switch verb {
	case "config":
		if len(plain) > 0 && !slices.Contains([]string{"show", "get", "set"}, plain[0]) {
			return "config " + plain[0]
		}
		return ""
	case "create", "import": // behind a distribution, a file
		names = plain[1:]
	case "export":
		names = plain[:1]
	case "default":
		if len(plain) == 0 || plain[0] == "none" {
			return ""
		}
	case "status", "version", "list":
		return ""
	}
	if want := map[string]int{"rename": 2, "clone": 2}[verb]; len(names) != max(1, want) {
		return fmt.Sprintf("%d machines", len(names))
	}
	for _, name := range names {
		switch {
		case !anyName.MatchString(name):
			return "no name: " + name
		case anyID.MatchString(name):
			return "an ID: " + name
		case slices.Contains(notOurs, strings.ToLower(name)) && !slices.Contains([]string{"info", "logs", "run"}, verb): // those only look, or run something in Docker's own
			return "no machine of the user's: " + name
		}
	}
	return ""
}

func (*agreeable) Edition(string) runner.Edition { return "" }

func (*agreeable) Places(context.Context, int) (*runner.Places, error) { return nil, nil }
