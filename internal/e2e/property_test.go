package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/orbctl/guest"
)

// patient are the tools that wait for what this stub never comes to. What they may
// put on a command line is tested in package tools, without processes.
var patient = map[string]bool{
	"vm_create": true, "vm_clone": true, "vm_start": true, "vm_stop": true, "vm_restart": true, "vm_rename": true, "vm_delete": true,
	"vm_default_set": true, "vm_exec": true, "vm_job": true, "vm_job_cancel": true, "vm_export": true, "vm_import": true, "vm_push": true, "vm_pull": true, "vm_copy": true,
	"vm_sandbox_create": true, "vm_checkpoint": true, "vm_rollback": true,
}

// Five hundred calls in each era, with whatever a model that is confused, or that
// was talked into it, may write: every answer is a tool's, and nothing but the
// operations of these tools ever stands on orbctl's command line.
func TestThreat03_WhateverIsAskedOrbctlSeesOnlyWhatItShould(t *testing.T) {
	t.Parallel()
	const calls, atOnce = 500, 50
	for i, e := range eras {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			s := openWith(t, "empty", e, nil, bin.server, "--sandbox", "off", "--orbctl", stub(t, dir))
			g := &nasty{rand.New(rand.NewPCG(42, uint64(i)))}
			schemas := inputs(t)
			maps.DeleteFunc(schemas, func(tool string, _ map[string][]string) bool { return patient[tool] })
			good := 0
			for range calls / atOnce {
				var tools []string
				var answers []<-chan message
				for range atOnce {
					tool := pick(g, slices.Sorted(maps.Keys(schemas)))
					_, answer := s.start("tools/call", args{"name": tool, "arguments": g.arguments(schemas[tool])})
					tools, answers = append(tools, tool), append(answers, answer)
				}
				for i, answer := range answers {
					m := s.wait(t, answer)
					require.Nil(t, m.Error, "%s: a protocol error", tools[i])
					r := s.result(t, tools[i], m)
					assert.NotEqual(t, "internal", r.code(), r.Text)
					if !r.IsError {
						good++
					}
				}
			}
			assert.Greater(t, good, calls/20, "some calls work, or this looks at nothing")

			seen := map[string]int{}
			for _, argv := range stubbed(t, dir) {
				verb, wrong := legal(argv)
				require.Empty(t, wrong, "orbctl %q", short(argv))
				seen[verb]++
			}
			for _, verb := range []string{"status", "version", "create", "list", "info", "default", "config show", "config get", "config set", "logs", "run"} {
				assert.NotZero(t, seen[verb], "%s was never reached: %v", verb, seen)
			}
		})
	}
}

// stub is an orbctl that writes down its words and answers at once. Where it
// writes is a part of it, since the environment does not get through to it.
func stub(t *testing.T, dir string) string {
	t.Helper()
	const machine = `{"id":"01K2G8TY5GM9C3CN95KCB4ZG8B","name":"%s","image":{"distro":"ubuntu","version":"noble","arch":"arm64"},"config":{"default_username":"ana"},"state":"%s"}`
	web, db := fmt.Sprintf(machine, "web", "running"), fmt.Sprintf(machine, "db", "stopped")
	script := `#!/bin/sh
printf '%s\0' "$@" >` + dir + `/$$.argv
case "$1 $2" in
"status "*) echo Running ;;
"version "*) echo 'Version: 2.2.3 (2020300)' ;;
"create --help") printf '  -a, --arch string\n      --forward-ssh-agent\n      --isolate-network\n      --isolated\n      --memory string\n      --mount strings\n  -u, --user string\n' ;;
"list "*) echo '[` + web + `,` + db + `]' ;;
"info web") echo '{"record":` + web + `,"disk_size":1,"ip4":"127.0.0.1"}' ;;
"info db") echo '{"record":` + db + `,"disk_size":1}' ;;
"default "*) echo web ;;
"config show") printf 'cpu: 1\nnew.key: 1\n' ;;
"config get") echo 1 ;;
"config set") ;;
"logs "*) echo a line ;;
"run "*) echo nothing of ours ;;
*) echo "[-32098] machine not found: '$2'" >&2; exit 1 ;;
esac
`
	file := filepath.Join(dir, "orbctl")
	require.NoError(t, os.WriteFile(file, []byte(script), 0o755))
	return file
}

// stubbed is everything that reached the stub.
func stubbed(t *testing.T, dir string) [][]string {
	t.Helper()
	files, err := filepath.Glob(dir + "/*.argv")
	require.NoError(t, err)
	var all [][]string
	for _, file := range files {
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		all = append(all, strings.Split(strings.TrimSuffix(string(b), "\x00"), "\x00"))
	}
	return all
}

func short(argv []string) []string {
	argv = slices.Clone(argv)
	for i, word := range argv {
		if len(word) > 200 {
			argv[i] = word[:200] + "…"
		}
	}
	return argv
}

var (
	legalName = regexp.MustCompile(`\A[A-Za-z0-9][A-Za-z0-9.-]{0,62}\z`)
	legalKey  = regexp.MustCompile(`\A[a-z][A-Za-z0-9._-]*\z`)
	// shapes of the operations of these tools: N is a machine's name, K a key, V
	// a value, S one of our scripts, M its name, R its mark, and everything behind
	// it a guest's word. Every other word stands for itself.
	shapes = []string{
		"status", "version", "create --help", "list -f json", "info N -f json", "default",
		"config show", "config get K", "config set K V", "logs N", "logs N -a",
		"run -m N -w / sh -c S M R", "run -m N -u root -w / sh -c S M R",
	}
	legalMark = regexp.MustCompile(`\Am[0-9a-f]{16}\z`)
)

// legal says which operation argv is, or what is wrong with it.
func legal(argv []string) (verb, wrong string) {
	scripts := ourScripts()
	for _, shape := range shapes {
		words := strings.Fields(shape)
		open := words[0] == "run"
		if len(argv) < len(words) || len(argv) > len(words) && !open || !fits(words, argv, scripts) {
			continue
		}
		for _, word := range argv[len(words):] {
			if !harmlessWord(word) {
				return "", fmt.Sprintf("the guest's word %q", word)
			}
		}
		verb = words[0]
		if verb == "config" {
			verb += " " + words[1]
		}
		return verb, ""
	}
	return "", "no operation of these tools"
}

func fits(words, argv []string, scripts map[string]string) bool {
	for i, word := range words {
		got := argv[i]
		var ok bool
		switch word {
		case "N":
			ok = legalName.MatchString(got)
		case "K":
			ok = legalKey.MatchString(got)
		case "V":
			ok = got != "" && harmlessWord(got)
		case "S":
			ok = scripts["orbstack-mcp-"+strings.TrimPrefix(argv[i+1], "orbstack-mcp-")] == got
		case "M":
			ok = scripts[got] != ""
		case "R":
			ok = legalMark.MatchString(got)
		default:
			ok = got == word
		}
		if !ok {
			return false
		}
	}
	return true
}

// harmlessWord can be taken for nothing but a value: "-" alone is an operand.
func harmlessWord(word string) bool {
	return (word == "-" || !strings.HasPrefix(word, "-")) && !strings.ContainsFunc(word, unicode.IsControl)
}

// ourScripts are the texts of all scripts, by the name under which they run.
func ourScripts() map[string]string {
	texts := map[string]string{}
	add := func(s guest.Script) {
		argv := s.Argv("")
		texts[argv[3]] = argv[2]
	}
	network, _, _ := guest.NetworkFacts()
	status, _, _ := guest.StatusFacts(guest.StatusQuery{})
	users, _, _ := guest.Users("")
	journal, _, _, _ := guest.Journal(guest.JournalQuery{Source: guest.SourceJournal, Lines: 1})
	dns, _, _, _ := guest.DNS(guest.DNSQuery{Name: "x.example"})
	connectivity, _, _, _ := guest.Connectivity(guest.ConnectivityQuery{Legs: []guest.Leg{{Label: guest.ByName, Host: "x.example"}}, Method: guest.Ping, Count: 1, Timeout: 1e9})
	netmap, _, _, _ := guest.NetworkMap(guest.MapQuery{})
	for _, s := range []guest.Script{network, status, users, journal, dns, connectivity, netmap} {
		add(s)
	}
	return texts
}

// inputs are the arguments of each tool and, for those with few values, these.
func inputs(t *testing.T) map[string]map[string][]string {
	t.Helper()
	all := map[string]map[string][]string{}
	files, err := filepath.Glob("../../schemas/*.json")
	require.NoError(t, err)
	for _, file := range files {
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		var golden struct {
			Tool struct {
				InputSchema struct {
					Properties map[string]struct {
						Enum []string `json:"enum"`
					} `json:"properties"`
				} `json:"inputSchema"`
			} `json:"tool"`
		}
		require.NoError(t, json.Unmarshal(b, &golden))
		tool := strings.TrimSuffix(filepath.Base(file), ".json")
		all[tool] = map[string][]string{}
		for name, p := range golden.Tool.InputSchema.Properties {
			all[tool][name] = p.Enum
		}
	}
	return all
}

// nasty makes arguments up.
type nasty struct{ *rand.Rand }

func pick[T any](g *nasty, from []T) T { return from[g.IntN(len(from))] }

// sane are values that lead somewhere, by the argument.
var sane = map[string][]any{
	"machine":  {"web", "web", "db", nil},
	"target":   {"web", "db:5432", "http://web.orb.local/?a=1&b=2", "192.168.139.10", "[::1]:80", "example.com"},
	"hostname": {"web.orb.local", "example.com", "127.0.0.1", "xn--bcher-kva.example", "bücher.example"},
	"key":      {"cpu", "rosetta", "machine.db.username", "machine.web.username", "machine.db.memory_mib", "new.key", "docker.node_name", "network_proxy", "machine.web.isolated", "network.subnet4"},
	"value":    {"1", "true", "false", "ana", "my-node", "10.20.0.0/16", "auto", "64"},
	"username": {"ana", "root", "eve"},
	"grep":     {"line", "^a", "(?i)LINE"},
	"unit":     {"ssh.service", "ssh"},
	"since":    {"10m", "2026-01-31T09:00:00Z"},
	"server":   {"127.0.0.1", nil},
	"prefix":   {"c", "machine.", nil},
	"from":     {"machine", "mac", "both"},

	"machines": {[]any{"web"}, []any{"db", "web"}, nil},
	"ports":    {[]any{80}, "443", nil},
	"cpus":     {"1", 1, "unlimited"},
	"memory":   {"256M", "unlimited"},
	"disk":     {"64G", "unlimited"},

	"name_contains":   {"w", "b", ""},
	"log_lines":       {0, 5},
	"lines":           {1, 20},
	"count":           {1, "1"},
	"timeout_seconds": {1, 1.0},
	"follow_seconds":  {0, nil},
	"port":            {80, "443"},
	"dry_run":         {true, false},
}

var cruel = []any{
	"", " ", "-", "--", "-a", "--all", "-x", "-f", "-m", "--help", "-oProxyCommand=reboot", "all", "none", "default", "docker", "reset", "stop", "start", "delete",
	"web -a", "web --all", "web; reboot", "$(reboot)", "`reboot`", "web\nstop", "web\x00", "\x1b[2J", "web\u202e", "\u200bweb", "🦊", "%s%n", "{{.}}", `"'\`, "../../etc/passwd", "/",
	"machine.--all.username", "machine..cpu", "machine.web.", "config", "reset\tx", "http://-x/", "-x:80", "[::1", "http://a@b@c/", "https://ana:pw@x/", "1.2.3.4.5", "0x7f.1", "fe80::1%eth0", "a..b", "(", "(?=x)", "+short", "@8.8.8.8",
	strings.Repeat("w", 64), strings.Repeat("a.", 300), strings.Repeat("x", 5000), strings.Repeat("é", 70000),
	-1, 0, 1.5, 99, 1e308, 1 << 53, true, false, nil,
	[]any{},
	[]any{"web", "--all"},
	args{},
	args{"machine": "web"},
	[]any{[]any{nil}},
}

// arguments are mostly of a tool's own, sane or cruel, and sometimes none at all.
func (g *nasty) arguments(properties map[string][]string) any {
	if g.IntN(50) == 0 {
		return pick(g, []any{nil, args{}, args{"": ""}, args{"-a": true, "--": 1}, args{"__proto__": args{}}, []any{"--all"}, "web", 5, true})
	}
	a := args{}
	worst := g.IntN(4) // of the arguments, so many are cruel
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		if g.IntN(4) == 0 && name != "count" && name != "timeout_seconds" {
			continue
		}
		choice := sane[name]
		if enum := properties[name]; len(enum) > 0 {
			choice = nil
			for _, value := range enum {
				choice = append(choice, value)
			}
		}
		// A long wait shows nothing.
		if g.IntN(8) < worst && name != "timeout_seconds" && name != "follow_seconds" && name != "count" {
			choice = cruel
		}
		if len(choice) > 0 {
			a[name] = pick(g, choice)
		}
	}
	if g.IntN(20) == 0 {
		a[fmt.Sprint(pick(g, cruel))] = pick(g, cruel)
	}
	return a
}
