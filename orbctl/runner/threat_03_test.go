package runner_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/orbctl/runner"
)

// verbs are the words of the table of commands in docs/orbctl-contract.md §2, and
// cobra's own two.
func verbs(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../../docs/orbctl-contract.md")
	require.NoError(t, err)
	_, rest, ok := strings.Cut(string(text), "## 2. Commands")
	require.True(t, ok)
	rest, _, ok = strings.Cut(rest, "\n### ")
	require.True(t, ok)
	quoted, first := regexp.MustCompile("`[^`]+`"), regexp.MustCompile(`[a-z0-9]+`)
	all := []string{"help", "completion"}
	for line := range strings.Lines(rest) {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| Command") {
			continue
		}
		cells := strings.Split(strings.ReplaceAll(line, `\|`, "/"), "|")
		cell := cells[1]
		if strings.TrimSpace(cell) == "others" {
			cell = cells[2]
		}
		for _, q := range quoted.FindAllString(cell, -1) {
			all = append(all, first.FindString(q))
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	for _, known := range []string{"ls", "new", "pull", "stop", "reset", "update", "login", "k8s", "debug", "usb", "shutdown"} {
		require.Contains(t, all, known, "the table is not read right")
	}
	return all
}

// mayReach is every command line that may reach orbctl, as N for a machine's name
// and K for a key, by its class.
var mayReach = map[string]runner.Class{
	"status": runner.Read, "version": runner.Read, "create --help": runner.Read, "list -f json": runner.Read, "info N -f json": runner.Read, "default": runner.Read,
	"config show": runner.Read, "config get K": runner.Read, "logs N": runner.Read, "logs N -a": runner.Read, "run probe": runner.Probe, "run command": runner.Exec,
	"config set cpu 4": runner.Change, "start N": runner.Change, "stop N": runner.Change, "restart N": runner.Change, "rename N x": runner.Change, "default N": runner.Change,
	"run put": runner.Exec, "run get": runner.Probe, "export N /a/b": runner.Add, "import /a/b -n x": runner.Add,
	"clone N x": runner.Add, "create ubuntu x": runner.Add, "stop -f N": runner.Destroy, "delete -f N": runner.Destroy,
}

// shape is a command line as mayReach has it.
func shape(argv []string) string {
	switch first := strings.Join(argv[:min(2, len(argv))], " "); {
	case argv[0] == "run":
		return "run " + argv[len(argv)-1]
	case first == "config get" && len(argv) == 3:
		return "config get K"
	case argv[0] == "default" && len(argv) == 2:
		return "default N"
	}
	return strings.ReplaceAll(strings.Join(argv, " "), "web", "N")
}

// spelled are ways to write a word for which a table that is not closed falls.
func spelled(word string) []string {
	return []string{word, word + " ", " " + word, strings.ToUpper(word), "config-" + word, word + "\x00", "-" + word, word + " web", word + "-a", "--" + word, word + "\n"}
}

// attempts are calls of an operation with values of every kind.
func attempts(op runner.Op) []runner.Call {
	ran := func(word string) runner.Call { c := probe("web", "", word); c.Op = op; return c }
	word := "probe"
	switch op {
	case runner.OpExec:
		word = "command"
	case runner.OpPut, runner.OpGet:
		word = string(op)
	}
	return []runner.Call{
		{Op: op},
		{Op: op, Machine: "web"},
		{Op: op, Machine: "web", Verbose: true},
		{Op: op, Machine: "web", NewName: "x"},
		{Op: op, NewName: "x", Create: &runner.Create{Distro: "ubuntu"}},
		{Op: op, Machine: "web", File: "/a/b"},
		{Op: op, NewName: "x", File: "/a/b"},
		{Op: op, Machine: "web", File: "-a"},
		{Op: op, Machine: "-a"},
		{Op: op, Machine: "--all"},
		{Op: op, Args: []string{"web"}},
		{Op: op, Args: []string{"create"}},
		{Op: op, Args: []string{"cpu"}},
		{Op: op, Args: []string{"cpu", "4"}},
		{Op: op, Args: []string{"reset", "-y"}},
		{Op: op, Args: []string{"--all"}},
		ran(word),
	}
}

// A word that is no operation is refused before anything runs, whatever it is
// called and whatever comes with it.
func TestThreat03_AWordOutsideOfTheTableIsRefused(t *testing.T) {
	w := newWorld(t, nil)
	r := w.runner(t)
	known := runner.Ops()
	tried := 0
	for _, verb := range append(verbs(t), "") {
		for _, name := range spelled(verb) {
			if slices.Contains(known, runner.Op(name)) {
				continue
			}
			for _, call := range attempts(runner.Op(name)) {
				_, err := r.Run(t.Context(), call)
				var refused *runner.RefusedError
				require.ErrorAs(t, err, &refused, "%q", name)
				assert.Contains(t, err.Error(), "refused")
				tried++
			}
		}
	}
	assert.Greater(t, tried, 4000)
	assert.Empty(t, w.events(t), "not even status was asked")
}

// Every verb of orbctl and every operation of the table, in every mode: what
// reaches orbctl is of the closed list, and of a class that the mode allows.
func TestThreat03_InEveryModeOnlyTheTableReachesOrbctl(t *testing.T) {
	names := runner.Ops()
	for _, verb := range verbs(t) {
		names = append(names, runner.Op(verb))
	}
	slices.Sort(names)
	names = slices.Compact(names)
	reached := map[string]bool{}
	for _, exec := range []runner.ExecPolicy{runner.ExecOff, runner.ExecIsolated, runner.ExecAll} {
		for _, readOnly := range []bool{false, true} {
			t.Run(fmt.Sprintf("exec %s, read-only %t", exec, readOnly), func(t *testing.T) {
				w := newWorld(t, nil)
				r := w.runner(t, func(o *runner.Options) { o.Exec, o.ReadOnly = exec, readOnly })
				ran := 0
				for _, name := range names {
					for _, call := range attempts(name) {
						if _, err := r.Run(t.Context(), lookedAt(r, call)); err == nil {
							ran++
						}
					}
				}
				require.Positive(t, ran)
				all := w.calls(t, "")
				for _, argv := range all {
					class, ok := mayReach[shape(argv)]
					require.True(t, ok, "orbctl %q", argv)
					assert.True(t, !readOnly || class == runner.Read || class == runner.Probe, "orbctl %q although read-only", argv)
					assert.True(t, exec == runner.ExecAll || class != runner.Exec, "orbctl %q although nobody agreed", argv)
					reached[shape(argv)] = true
				}
			})
		}
	}
	for line := range mayReach {
		assert.True(t, reached[line] || line == "status", "%s was never reached, or this looks at nothing", line)
	}
}
