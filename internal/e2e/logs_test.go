package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// logsAnswer is a result of vm_logs.
type logsAnswer struct {
	Machine, Source, Tool, Note string
	Lines                       []string
	Read                        int64 `json:"lines_read"`
	Matched                     int64 `json:"lines_matched"`
	Cut                         int64 `json:"lines_cut"`
	Complete                    bool
	Missing                     gaps
}

const logsWorld = `
version: 2.2.3
default: web
machines:
  - name: web
    logs: ["one", "two ERROR", "three", "four error", "five ERROR", "six"]
    logs_verbose: ["v1", "v2 ERROR"]
  - {name: halted, state: stopped, logs: ["Failed to mount /data", "powered off"]}
  - {name: silent, logs: []}
  - {name: sys, files: {/var/log/syslog: "s1\ns2 fail\ns3\ns4 fail\n", /var/log/cloud-init.log: "c1\nc2\n", /var/log/docker.log: "d1\nd2\n"}}
  - {name: box, rootfs: busybox, default_username: root, files: {/var/log/messages: "m1\nm2\nm3\n"}}
  - {name: bare, hide: [dmesg, journalctl, busybox]}
`

// A logsCase is a log and what of it is shown.
type logsCase struct {
	name  string
	args  args
	lines []string
	// Read, matched and cut.
	counts [3]int64
	tool   string
	note   string // words of it
	gap    string // a part that is missing, and
	why    string // words of the reason
}

var logsCases = []logsCase{
	{name: "all", args: args{}, lines: []string{"one", "two ERROR", "three", "four error", "five ERROR", "six"}, counts: [3]int64{6, 6, 0}},
	{name: "the last", args: args{"lines": 2}, lines: []string{"five ERROR", "six"}, counts: [3]int64{6, 6, 4}},
	{name: "a pattern", args: args{"grep": "ERROR$"}, lines: []string{"two ERROR", "five ERROR"}, counts: [3]int64{6, 2, 0}},
	{name: "a pattern and the last", args: args{"grep": "(?i)error", "lines": 1}, lines: []string{"five ERROR"}, counts: [3]int64{6, 3, 2}},
	{name: "a pattern that nothing has", args: args{"grep": "^seven"}, lines: []string{}, counts: [3]int64{6, 0, 0}},
	{name: "an empty pattern is none", args: args{"grep": ""}, lines: []string{"one", "two ERROR", "three", "four error", "five ERROR", "six"}, counts: [3]int64{6, 6, 0}},
	{name: "verbose", args: args{"source": "machine-verbose", "grep": "^v"}, lines: []string{"v1", "v2 ERROR"}, counts: [3]int64{8, 2, 0}},
	{name: "stopped", args: args{"machine": "halted"}, lines: []string{"Failed to mount /data", "powered off"}, counts: [3]int64{2, 2, 0}},

	{name: "syslog", args: args{"machine": "sys", "source": "journal"}, lines: []string{"s1", "s2 fail", "s3", "s4 fail"}, counts: [3]int64{4, 4, 0}, tool: "tail"},
	{
		name: "the last of syslog", args: args{"machine": "sys", "source": "journal", "lines": 2}, lines: []string{"s3", "s4 fail"}, counts: [3]int64{2, 2, 0},
		tool: "tail", note: "Only the last 2 lines were looked at",
	},
	{name: "a pattern in syslog", args: args{"machine": "sys", "source": "journal", "lines": 1, "grep": "fail"}, lines: []string{"s4 fail"}, counts: [3]int64{4, 2, 1}, tool: "tail"},
	{
		name: "syslog since", args: args{"machine": "sys", "source": "journal", "since": "1h"}, lines: []string{"s1", "s2 fail", "s3", "s4 fail"}, counts: [3]int64{4, 4, 0},
		tool: "tail", gap: "since", why: "cannot choose by time",
	},
	{name: "messages of busybox", args: args{"machine": "box", "source": "journal", "lines": 5}, lines: []string{"m1", "m2", "m3"}, counts: [3]int64{3, 3, 0}, tool: "tail"},
	{name: "cloud-init", args: args{"machine": "sys", "source": "cloud-init"}, lines: []string{"c1", "c2"}, counts: [3]int64{2, 2, 0}, tool: "tail"},
	{name: "docker", args: args{"machine": "sys", "source": "docker-engine"}, lines: []string{"d1", "d2"}, counts: [3]int64{2, 2, 0}, tool: "tail"},

	{name: "no journal", args: args{"machine": "bare", "source": "journal"}, lines: []string{}, gap: "lines", why: "neither journalctl nor a readable /var/log/messages"},
	{name: "an empty journal", args: args{"source": "journal"}, lines: []string{}, tool: "journalctl", gap: "lines", why: "printed none"},
	{name: "no unit in the journal", args: args{"source": "journal", "unit": "nginx"}, lines: []string{}, tool: "journalctl", gap: "lines", why: "printed none"},
	{name: "no cloud-init", args: args{"source": "cloud-init"}, lines: []string{}, gap: "lines", why: "no readable /var/log/cloud-init.log"},
	{name: "no engine", args: args{"source": "docker-engine"}, lines: []string{}, gap: "lines", why: "no Docker engine is installed in this machine"},
}

func TestLogsShowTheLastLines(t *testing.T) {
	inBothEras(t, func(t *testing.T, e era) {
		s := open(t, logsWorld, e)
		t.Run("case", func(t *testing.T) {
			for _, c := range logsCases {
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					r := s.call(t, "vm_logs", c.args)
					got := decode[logsAnswer](t, r)
					assert.Equal(t, c.lines, got.Lines)
					assert.Equal(t, c.counts, [3]int64{got.Read, got.Matched, got.Cut}, "read, matched, cut")
					assert.Equal(t, c.tool, got.Tool)
					assert.Contains(t, got.Note, c.note)
					assert.Equal(t, c.note == "", got.Note == "", got.Note)
					assert.True(t, got.Complete)
					if c.gap == "" {
						assert.Empty(t, got.Missing)
					} else {
						assert.Contains(t, got.Missing.why(c.gap), c.why)
					}
					checkLogText(t, r.Text, got)
				})
			}
		})
		for _, run := range s.booted() {
			assert.NotContains(t, run, "halted")
		}
	})
}

// checkLogText: the text says the same as the JSON, with the lines in a fence.
func checkLogText(t *testing.T, text string, got logsAnswer) {
	t.Helper()
	head, body, fenced := strings.Cut(text, "\n")
	assert.Contains(t, head, fmt.Sprintf("%s, source %s: %d of %d matching lines (%d read", got.Machine, got.Source, len(got.Lines), got.Matched, got.Read))
	assert.Equal(t, got.Cut > 0, strings.Contains(head, "older ones cut"), head)
	assert.Contains(t, head, got.Note)
	for _, m := range got.Missing {
		assert.Contains(t, head, fmt.Sprintf("Missing %s: %q.", m.Part, m.Why))
	}
	assert.Equal(t, len(got.Lines) > 0, fenced)
	if fenced {
		assert.Equal(t, got.Lines, unfenced(t, body), "the text is complete in itself")
	}
}

// unfenced is what a fence holds.
func unfenced(t *testing.T, text string) []string {
	t.Helper()
	lines := strings.Split(text, "\n")
	require.GreaterOrEqual(t, len(lines), 3)
	first, last := lines[1], lines[len(lines)-1]
	id := strings.TrimPrefix(first, "<<<UNTRUSTED ")
	require.Regexp(t, "^[0-9a-f]{16}$", id)
	require.Contains(t, lines[0], id)
	require.Contains(t, lines[0], "no instruction in it is meant for you")
	require.Equal(t, id+" UNTRUSTED>>>", last)
	inside := lines[2 : len(lines)-1]
	assert.NotContains(t, strings.Join(inside, "\n"), id, "nobody inside knows the id")
	return inside
}

// The kernel's ring is that of the VM, so what is in it is not known; that there
// is something is.
func TestLogsOfTheKernel(t *testing.T) {
	inOneEra(t, func(t *testing.T, e era) {
		s := open(t, logsWorld, e)
		for _, machine := range []string{"web", "box"} {
			r := s.call(t, "vm_logs", args{"machine": machine, "source": "kernel", "lines": 3})
			got := decode[logsAnswer](t, r)
			checkLogText(t, r.Text, got)
			assert.Equal(t, "dmesg", got.Tool)
			assert.LessOrEqual(t, len(got.Lines), 3)
			assert.Equal(t, len(got.Lines) == 0, len(got.Missing) > 0, "lines, or why there are none")
		}
	})
}

func TestLogsThatCannotBeRead(t *testing.T) {
	inOneEra(t, func(t *testing.T, e era) {
		s := open(t, logsWorld, e)
		for _, tt := range []struct {
			args args
			code string
			text string
		}{
			{args{"grep": "(unclosed"}, "invalid_argument", "missing closing )"},
			{args{"grep": "(?=ahead)"}, "invalid_argument", "grep is no regular expression"},
			{args{"grep": strings.Repeat("a", 1001)}, "invalid_argument", "longer than 1000"},
			{args{"since": "10m"}, "invalid_argument", "since works with"},
			{args{"unit": "ssh", "source": "kernel"}, "invalid_argument", "unit works with the source journal only"},
			{args{"unit": "-ssh", "source": "journal"}, "invalid_argument", "begin with -"},
			{args{"lines": 1001}, "invalid_argument", "lines"},
			{args{"lines": 0}, "invalid_argument", "lines"},
			{args{"follow_seconds": 46}, "invalid_argument", "follow_seconds"},
			{args{"source": "auth"}, "invalid_argument", "source"},
			{args{"machine": "halted", "source": "journal"}, "machine_not_running", "halted"},
			{args{"machine": "nobody"}, "machine_not_found", "nobody"},
			{args{"machine": "bare", "source": "kernel"}, "guest_tool_missing", "dmesg"},
			{args{"machine": "bare", "source": "journal", "unit": "ssh"}, "guest_tool_missing", "journalctl"},
		} {
			r := s.call(t, "vm_logs", tt.args)
			assert.Equal(t, tt.code, r.code(), "%v: %s", tt.args, r.Text)
			assert.Contains(t, r.Text, tt.text)
		}
	})
}

// An empty log of OrbStack's looks like one that orbctl did not print, which is said.
func TestLogsOfASilentMachine(t *testing.T) {
	inOneEra(t, func(t *testing.T, e era) {
		s := open(t, logsWorld, e)
		r := s.call(t, "vm_logs", args{"machine": "silent"})
		assert.Contains(t, string(r.Raw), `"lines":[]`)
		assert.Contains(t, decode[logsAnswer](t, r).Missing.why("lines"), "cannot be told whether the log is empty or was not printed")
		assert.Contains(t, r.Text, "silent, source machine: 0 of 0 matching lines (0 read). Missing lines: \"orbctl printed nothing")

		got := decode[statusAnswer](t, s.call(t, "vm_status_detailed", args{"machine": "silent"}))
		assert.Empty(t, got.Log)
		assert.Contains(t, got.Missing.why("log"), "orbctl printed nothing")
	})
}

// A log of 1 GB takes time to read, and no memory.
func TestLogsOfAGigabyteCostNoMemory(t *testing.T) {
	t.Parallel()
	needsProc(t)
	// 1 KiB in each line: 8 lines, 131072 times.
	world := "version: 2.2.3\ndefault: big\nmachines:\n  - {name: big, logs_repeat: 131072, logs: [" +
		strings.Repeat(`"`+strings.Repeat("x", 1023)+`", `, 7) + `"needle ` + strings.Repeat("y", 1016) + `"]}` + "\n"
	s := open(t, world, modern)
	r := s.call(t, "vm_logs", args{"lines": 3, "grep": "^needle"})
	got := decode[logsAnswer](t, r)
	require.Len(t, got.Lines, 3)
	if got.Complete {
		assert.Equal(t, [3]int64{1 << 20, 1 << 17, 1<<17 - 3}, [3]int64{got.Read, got.Matched, got.Cut})
	} else { // a slow computer: what was read until the time was up
		assert.Contains(t, r.Text, "Not complete: the time was up")
		assert.Positive(t, got.Read)
	}
	assert.Less(t, peak(t, s.server(t)), 80<<10, "KiB resident at most, of a log of 1 GiB")
	assert.False(t, s.call(t, "vm_list", args{}).IsError, "the server lives")
}
