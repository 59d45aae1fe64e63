package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"orbstack-mcp/orbctl/runner/audit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// runWith is the program with a command line, nothing on stdin, and a home folder.
func runWith(t *testing.T, home string, args ...string) (out, errOut string, err error) {
	t.Helper()
	t.Setenv("HOME", home)
	t.Setenv("XDG_STATE_HOME", "")
	var o, e bytes.Buffer
	c := command()
	c.SetArgs(args)
	c.SetIn(strings.NewReader(""))
	c.SetOut(&o)
	c.SetErr(&e)
	err = c.ExecuteContext(t.Context())
	return o.String(), e.String(), err
}

// filled is a log with a few calls.
func filled(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "audit.jsonl")
	l := audit.Open(path, audit.Options{Version: "1", Log: slog.New(slog.DiscardHandler)})
	defer l.Close()
	for _, c := range []struct {
		call audit.Call
		end  *audit.End
	}{
		{audit.Call{Tool: "vm_list", Op: "list", Class: "read"}, &audit.End{MS: 12, Outcome: audit.OK}},
		{audit.Call{Tool: "vm_logs", Op: "logs", Class: "read", Machine: "web"}, &audit.End{MS: 15000, Exit: -1, Signal: "SIGTERM", Outcome: audit.Timeout}},
		{audit.Call{Op: "info", Class: "read", Machine: "db"}, &audit.End{MS: 7, Exit: 1, Outcome: audit.OK}},
		{audit.Call{Tool: "vm_list", Op: "list", Class: "read"}, &audit.End{Exit: -1, Outcome: audit.NotStarted}},
		{audit.Call{Tool: "vm_username_set", Op: "config-set", Class: "change", Argv: []string{"orbctl", "config", "set", "machine.web.username", "ann"}}, nil},
		{audit.Call{Tool: "vm_create", Op: "create", Class: "add", NewName: "web"}, &audit.End{MS: 9000, Outcome: audit.OK}},
		{audit.Call{Tool: "vm_clone", Op: "clone", Class: "add", Machine: "db", NewName: "web"}, &audit.End{MS: 800, Outcome: audit.OK}},
	} {
		id, err := l.Start(t.Context(), c.call)
		require.NoError(t, err)
		if c.end != nil {
			c.end.ID = id
			require.NoError(t, l.End(t.Context(), *c.end))
		}
	}
	require.NoError(t, l.Refuse(t.Context(), audit.Call{Tool: "orbstack_config_set", Op: "config-set", Class: "change", Rule: "policy: the server runs read-only"}))
	require.NoError(t, l.Err())
	return path
}

func TestAuditShowsATable(t *testing.T) {
	path := filled(t)
	out, errOut, err := runWith(t, t.TempDir(), "audit", "--audit-log", path)
	require.NoError(t, err)
	assert.Empty(t, errOut)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	var first audit.Start
	require.NoError(t, json.Unmarshal(text[:bytes.IndexByte(text, '\n')], &first))
	lines := strings.Split(out, "\n")
	assert.True(t, strings.HasPrefix(lines[1], first.At.Local().Format(time.DateTime)+"  "), "local time, the oldest first: %s", lines[1])
	for i := range lines[1 : len(lines)-1] {
		lines[i+1] = "TIME                 " + lines[i+1][len(time.DateTime)+2:]
	}
	assert.Equal(t, strings.TrimPrefix(`
TIME                 TOOL                 OPERATION   MACHINE   DECISION  MS     RESULT
TIME                 vm_list              list        -         allow     12     exit 0
TIME                 vm_logs              logs        web       allow     15000  timeout (SIGTERM)
TIME                 -                    info        db        allow     7      exit 1
TIME                 vm_list              list        -         allow     0      not_started
TIME                 vm_username_set      config-set  -         allow     -      no end: it still runs, or its server was killed
TIME                 vm_create            create      web       allow     9000   exit 0
TIME                 vm_clone             clone       db → web  allow     800    exit 0
TIME                 orbstack_config_set  config-set  -         refuse    -      policy: the server runs read-only
`, "\n"), strings.Join(lines, "\n"))
}

func TestAuditShowsWhatWasAskedFor(t *testing.T) {
	path := filled(t)
	for args, want := range map[string][]string{
		"--last 2":                     {"clone", "config-set"},
		"--machine web":                {"logs", "config-set", "create", "clone"},
		"--machine db":                 {"info", "clone"},
		"--tool vm_list":               {"list", "list"},
		"--tool vm_list --last 1":      {"list"},
		"--tool vm_list --machine web": nil,
	} {
		out, errOut, err := runWith(t, t.TempDir(), append(strings.Fields("audit --json --audit-log "+path), strings.Fields(args)...)...)
		require.NoError(t, err, args)
		var ops []string
		for line := range strings.Lines(out) {
			var e audit.Entry
			require.NoError(t, json.Unmarshal([]byte(line), &e))
			ops = append(ops, e.Op)
			assert.Equal(t, strings.HasSuffix(e.Op, "set"), e.End == nil)
		}
		assert.Equal(t, want, ops, args)
		assert.Equal(t, want == nil, strings.Contains(errOut, "no such call in "+path), "%s: %s", args, errOut)
	}
}

func TestAuditSaysWhatItCannotShow(t *testing.T) {
	path := filled(t)
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString("garbage\n" + `{"v":1,"id":"gone","event":"end"}` + "\n" + `{"v":1,"id":"x","event":"start","op":"li\u001b[31mst\ta\u202e\nb","machine":"` + strings.Repeat("m", 200) + `"}` + "\n" + `{"v":1,"id":"hal`)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	out, errOut, err := runWith(t, t.TempDir(), "audit", "--audit-log", path, "--last", "1")
	require.NoError(t, err)
	assert.Equal(t, fmt.Sprintf("orbstack-mcp: 2 damaged or unknown lines of %s are left out\norbstack-mcp: 1 calls whose beginning was rotated away are left out\n", path), errOut)
	lines := strings.Split(out, "\n")
	require.Len(t, lines, 3)
	assert.Contains(t, lines[1], "  list a b   "+strings.Repeat("m", 80)+"…  ", "text from the file steers no terminal")
}

func TestAuditNeedsALog(t *testing.T) {
	home := t.TempDir()
	for _, tc := range []struct{ args, want string }{
		{"audit", usualAudit(home) + " is missing, so nothing was recorded in it"},
		{"audit --audit-log off", "there is no log to show"},
		{"audit --audit-log here.jsonl", `"here.jsonl" is neither an absolute path nor off`},
		{"audit --last 0", "--last: 0 is not 1 or more"},
		{"audit more", `unknown command "more"`},
	} {
		out, _, err := runWith(t, home, strings.Fields(tc.args)...)
		require.ErrorContains(t, err, tc.want)
		assert.Empty(t, out)
	}
}

func TestServerKeepsItsAuditLogInTheStateFolder(t *testing.T) {
	home := t.TempDir()
	_, _, err := runWith(t, home, "--log-level", "error")
	require.NoError(t, err)
	_, err = os.Stat(usualAudit(home))
	require.NoError(t, err)

	home = t.TempDir()
	_, _, err = runWith(t, home, "--audit-log", "off")
	require.NoError(t, err)
	_, err = os.Stat(usualAudit(home))
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestServerGoesOnWithoutTheUsualLogAndStopsWithoutANamedOne(t *testing.T) {
	home := t.TempDir()
	state := filepath.Dir(filepath.Dir(usualAudit(home))) // it is to hold our folder
	require.NoError(t, os.MkdirAll(filepath.Dir(state), 0o700))
	require.NoError(t, os.WriteFile(state, nil, 0o600))
	_, errOut, err := runWith(t, home)
	require.NoError(t, err)
	assert.Equal(t, 1, strings.Count(errOut, "the audit log cannot be written"), errOut)

	path := filepath.Join(state, "audit.jsonl")
	_, _, err = runWith(t, home, "--audit-log", path)
	require.EqualError(t, err, "--audit-log: "+path+" is in a folder that cannot be made: not a directory")
	_, _, err = runWith(t, home, "--audit-log", "~/audit.jsonl")
	require.ErrorContains(t, err, "neither an absolute path nor off")
}
