package guest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// requireCleanReport fails if a report holds text that steers a terminal, or a
// gap without a reason.
func requireCleanReport(t *testing.T, report any, missing []Missing) {
	t.Helper()
	text, err := json.Marshal(report)
	require.NoError(t, err)
	var all any
	require.NoError(t, json.Unmarshal(text, &all))
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case string:
			for _, r := range v {
				require.False(t, unicode.IsControl(r) || unicode.Is(unicode.Cf, r) && !unicode.Is(unicode.Prepended_Concatenation_Mark, r), "%q", v) // these leave a mark
			}
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			for _, e := range v {
				walk(e)
			}
		}
	}
	walk(all)
	for _, m := range missing {
		require.NotEmpty(t, m.Part)
		require.NotEmpty(t, m.Why)
	}
}

func TestTheMachinesUptimeIsThatOfItsFirstProcess(t *testing.T) {
	stat := "1 (a) b) S " + strings.Repeat("0 ", 18) + "250000 0"
	for _, c := range []struct {
		name, now, btime, stat string
		want                   time.Duration
		missing                bool
	}{
		{"an hour", "1000006100", "btime 1000000000", stat, time.Hour, false},
		{"just now, by whole seconds", "1000002499", "btime 1000000000", stat, 0, false},
		{"in the future", "1000000000", "btime 1000000000", stat, 0, true},
		{"no clock", "x", "btime 1000000000", stat, 0, true},
		{"short stat", "1000006100", "btime 1000000000", "1 (a) S 0", 0, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, err := newNotes(sections("pid1", c.stat, "btime", c.btime, "now", c.now))
			require.NoError(t, err)
			started, uptime := readStart(n)
			assert.Equal(t, c.missing, len(n.missing) > 0)
			assert.Equal(t, c.missing, started == nil)
			assert.Equal(t, c.want, uptime)
		})
	}
}

func TestACgroupWithoutControllersIsMissingNotZero(t *testing.T) {
	transcript := sections("cgroup", "", "cpu1", "clock 5.00", "cpu2", "clock 5.25")
	transcript.Sections[0].Args = []string{"v2", "own"}
	n, err := newNotes(transcript)
	require.NoError(t, err)
	cpu, memory := readCgroup(n)
	assert.Nil(t, cpu)
	assert.Nil(t, memory)
	assert.Len(t, n.missing, 2)
}

func TestOSReleaseValuesLoseTheShellsQuotes(t *testing.T) {
	for in, want := range map[string]string{`"a \"b\" \$c"`: `a "b" $c`, `'a\b'`: `a\b`, `plain`: `plain`, `"`: `"`, `""`: ``, ``: ``, `"a\"`: `a\`} {
		assert.Equal(t, want, unquote(in), in)
	}
}

func TestPeopleAreNeitherRootNorServices(t *testing.T) {
	list := parsePasswd("root:x:0:0::/root:/bin/bash\nada:x:501:501::/home/ada:\npostgres:x:26:26::/v:/bin/bash\nnobody:x:65534:65534::/:/bin/sh\nnix:x:30001:1::/:/run/x/nologin\nbad:x:-1:0::/:/bin/sh\n:x:5:5::/:/bin/sh\nexit 0\n8")
	people := []string{}
	for _, a := range list.accounts {
		if a.Person() {
			people = append(people, a.Name)
		}
	}
	assert.Equal(t, []string{"ada"}, people)
	assert.Len(t, list.accounts, 5)
	assert.True(t, list.ended)
}

func TestOnlyPlainNamesAreLookedUp(t *testing.T) {
	for name, want := range map[string]string{"ada": "ada", "Ada.L@corp-x": "Ada.L@corp-x", "-f": "", "501": "", "a b": "", "a\nb": "", "ü": "", "": ""} {
		_, args, _ := Users(name)
		assert.Equal(t, []string{want}, args, name)
		_, args, _ = StatusFacts(StatusQuery{User: name})
		assert.Equal(t, []string{want}, args, name)
	}
}

func TestAFailedUnitsAnswerIsNotTakenForNone(t *testing.T) {
	n, err := newNotes(sections("failed", "Failed to list units: Connection timed out"))
	require.NoError(t, err)
	systemd, units := readFailedUnits(n)
	require.NotNil(t, systemd)
	assert.True(t, *systemd)
	assert.Empty(t, units)
	assert.Equal(t, []Missing{{Part: "failed_units", Why: "systemctl said: Failed to list units: Connection timed out"}}, n.missing)

	n, err = newNotes(sections("failed", ""))
	require.NoError(t, err)
	_, units = readFailedUnits(n)
	assert.Empty(t, units)
	assert.Empty(t, n.missing, "none is an answer")

	n, err = newNotes(sections("uname", "6.0"))
	require.NoError(t, err)
	systemd, _ = readFailedUnits(n)
	assert.Equal(t, new(bool), systemd, "a whole answer without it")
	n.transcript.Complete = false
	systemd, _ = readFailedUnits(n)
	assert.Nil(t, systemd, "the answer was cut before it")
}

func TestStatusFactsOfAHostileMachineAreBoundedAndClean(t *testing.T) {
	var procs, tcp, failed, passwd strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&procs, "Name:\tp%d\x1b[31m\u202e\nPid:\t%d\nPPid:\t1\nUid:\t0\t0\nVmRSS:\t%d kB\n", i, i+10, i+1)
		fmt.Fprintf(&tcp, "%d: 0100007F:%04X 00000000:0000 0A 0:0 0:0 0 0 0 %d 1\n", i, i+1, i)
		fmt.Fprintf(&failed, "u%d.service\x1b[0m loaded failed failed %s\n", i, strings.Repeat("d", 1000))
		fmt.Fprintf(&passwd, "u%d:x:%d:1::/home:/bin/sh\n", i, 1000+i)
	}
	passwd.WriteString("exit 0\n3001")
	transcript := sections("procs", procs.String(), "tcp", tcp.String(), "failed", failed.String(), "passwd", passwd.String(),
		"os", "PRETTY_NAME="+strings.Repeat("\x1b[31mx", 2<<20), "df", strings.Repeat("a ", 5<<20))
	transcript.Sections[0].Args = []string{"3000", "2"}
	r, err := ParseStatusFacts(StatusQuery{User: "u2999", Processes: 1 << 30}, transcript)
	require.NoError(t, err)
	requireCleanReport(t, r, r.Missing)
	assert.Len(t, r.Processes, MaxProcesses)
	assert.Equal(t, "p2999", r.Processes[0].Name)
	assert.Len(t, r.Ports, MaxPorts)
	assert.Len(t, r.FailedUnits, MaxFailedUnits)
	assert.LessOrEqual(t, len(r.FailedUnits[0].Description), maxWord+len("…"))
	assert.Len(t, r.Users, MaxAccounts)
	assert.True(t, r.DefaultUser.Exists)
	assert.Equal(t, map[string]int{"ports": 3000 - MaxPorts, "failed_units": 3000 - MaxFailedUnits, "users": 3000 - MaxAccounts}, r.Cut)
}

func TestAMissingToolSaysHowToGetIt(t *testing.T) {
	require.EqualError(t, &ToolMissingError{Wanted: []string{"dig", "host"}, Distro: "alpine"}, "the machine has none of dig, host; install dig in the machine with apk add bind-tools")
	require.EqualError(t, &ToolMissingError{Wanted: []string{"dig", "host"}, Distro: "?"}, "the machine has none of dig, host; install one in the machine with its package manager")
	require.EqualError(t, &ToolMissingError{Wanted: []string{"ping"}, Distro: "?"}, "the machine has no ping; install it in the machine with its package manager")
}

func FuzzStatusFacts(f *testing.F) {
	for _, transcript := range goldenTranscripts(f, "status") {
		for _, s := range transcript.Sections {
			f.Add(s.Name, strings.Join(s.Args, " "), s.Text, s.Exit)
		}
	}
	f.Fuzz(func(t *testing.T, name, args, text string, exit int) {
		transcript := sections("pid1", "1 (x) S "+strings.Repeat("1 ", 20), "btime", "btime 100", "now", "200", "cgroup", "memory.current 5", "cpu1", "clock 1.0\nusage_usec 5")
		transcript.Sections[3].Args = []string{"v2", "own"}
		transcript.Complete = exit%2 == 0
		// The section in question comes first, since the first one of a name counts.
		transcript.Sections = append([]Section{{Name: name, Args: strings.Fields(args), Text: text, Exit: exit}}, transcript.Sections...)
		r, err := ParseStatusFacts(StatusQuery{User: "ada", Processes: 5}, transcript)
		require.NoError(t, err)
		requireCleanReport(t, r, r.Missing)
		assert.LessOrEqual(t, len(r.Processes), 5)
		assert.GreaterOrEqual(t, r.Uptime, time.Duration(0))
		if r.CPU != nil {
			assert.GreaterOrEqual(t, r.CPU.Percent, 0.0)
		}
		if r.Memory != nil {
			assert.GreaterOrEqual(t, r.Memory.Used, int64(0))
		}
	})
}
