package guest

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// read puts a script's output through a stream.
func read(q JournalQuery, out string) ([]string, JournalReport) {
	var lines []string
	stream := NewJournalStream(goldenMark, func(line string) { lines = append(lines, line) })
	_, _ = stream.Write([]byte(out))
	_ = stream.Close()
	return lines, stream.Report(q)
}

// fakeJournalctl prints what it was asked, and one line more when it follows.
const fakeJournalctl = `
case " $* " in *" -q "*) echo x; exit 0;; esac
echo "2026-01-31T09:00:00+0000 web app[7]: asked: $*"
echo "Hint: You are currently not seeing messages from other users and the system." >&2
case " $* " in *" -f "*) echo "late"; exec sleep 100;; esac
`

func TestTheJournalIsAskedForWhatTheQuerySays(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		query JournalQuery
		want  string
	}{
		{"all", JournalQuery{Source: SourceJournal, Lines: 5}, "--no-pager -o short-iso -n 5"},
		{"unit", JournalQuery{Source: SourceJournal, Unit: `a-b\x2d@c.service`, Lines: 5}, `--no-pager -o short-iso -n 5 -u a-b\x2d@c.service`},
		{"since", JournalQuery{Source: SourceJournal, Lines: 5, Since: "1h30m"}, "--no-pager -o short-iso -n 5 --since=-5400s"},
		{"time", JournalQuery{Source: SourceJournal, Lines: 5, Since: "2026-01-31T09:00:00+01:00"}, "--no-pager -o short-iso -n 5 --since=@1769846400"},
		{"kernel", JournalQuery{Source: SourceKernel, Lines: 7}, "--no-pager -o short-iso -n 7 -k"},
		{"docker", JournalQuery{Source: SourceDockerEngine, Lines: 7}, "--no-pager -o short-iso -n 7 -u docker"},
	} {
		t.Run(c.name, func(t *testing.T) {
			script, args, _, err := Journal(c.query)
			require.NoError(t, err)
			inShells(t, map[string]string{"journalctl": fakeJournalctl}, script, args, func(t *testing.T, out string) {
				lines, report := read(c.query, out)
				assert.Equal(t, []string{"2026-01-31T09:00:00+0000 web app[7]: asked: " + c.want}, lines)
				assert.Equal(t, "journalctl", report.Tool)
				assert.True(t, report.Complete)
				require.Len(t, report.Missing, 1)
				assert.Equal(t, "messages of other users and the system", report.Missing[0].Part)
			})
		})
	}
}

// patience is the time that a follower has to print what it has, on a busy
// computer too; all of it passes.
const patience = 4 * time.Second

func TestFollowingEndsWhenItsTimeIsUp(t *testing.T) {
	t.Parallel()
	query := JournalQuery{Source: SourceJournal, Lines: 5, Follow: patience}
	script, args, _, err := Journal(query)
	require.NoError(t, err)
	inShells(t, map[string]string{"journalctl": fakeJournalctl}, script, args, func(t *testing.T, out string) {
		lines, report := read(query, out)
		require.Len(t, lines, 2)
		assert.Contains(t, lines[0], "-n 5 -f")
		assert.Equal(t, "late", lines[1])
		assert.True(t, report.Complete)
		assert.Equal(t, "Hint: You are currently not seeing messages from other users and the system.", report.Said)
	})
}

func TestAFollowerThatIgnoresItsEndIsKilled(t *testing.T) {
	t.Parallel()
	stubborn := `case " $* " in *" -q "*) echo x; exit 0;; esac; trap "" TERM; echo one; while :; do sleep 0.2; done`
	query := JournalQuery{Source: SourceJournal, Lines: 5, Follow: patience}
	script, args, _, err := Journal(query)
	require.NoError(t, err)
	inShells(t, map[string]string{"journalctl": stubborn}, script, args, func(t *testing.T, out string) {
		lines, report := read(query, out)
		assert.Equal(t, []string{"one"}, lines)
		assert.True(t, report.Complete)
	})
}

func TestLogsOfABusyboxMachine(t *testing.T) {
	t.Parallel()
	many := strings.Repeat("old\n", 50) + "Jan 31 09:00:00 tiny daemon.info init: one\n\n  two, indented\n"
	last := []string{"Jan 31 09:00:00 tiny daemon.info init: one", "", "  two, indented"}
	world := busyboxWorld{files: map[string]string{"var/log/messages": many, "var/log/docker.log": many, "var/log/cloud-init.log": many}}
	for _, c := range []struct {
		name  string
		query JournalQuery
		world busyboxWorld
		lines []string
		tool  string
		miss  []string
	}{
		{"messages", JournalQuery{Source: SourceJournal, Lines: 3}, world, last, "tail", nil},
		{"since does nothing", JournalQuery{Source: SourceJournal, Lines: 3, Since: "10m"}, world, last, "tail", []string{"since"}},
		{"docker", JournalQuery{Source: SourceDockerEngine, Lines: 3}, world, last, "tail", nil},
		{"cloud-init", JournalQuery{Source: SourceCloudInit, Lines: 3}, world, last, "tail", nil},
		{"no log", JournalQuery{Source: SourceJournal, Lines: 3}, busyboxWorld{}, nil, "", []string{"lines"}},
		{"no docker", JournalQuery{Source: SourceDockerEngine, Lines: 3}, busyboxWorld{}, nil, "", []string{"lines"}},
		{"no cloud-init", JournalQuery{Source: SourceCloudInit, Lines: 3}, busyboxWorld{}, nil, "", []string{"lines"}},
		// It ends when the new line was seen, long before its time is up.
		{"following", JournalQuery{Source: SourceJournal, Lines: 3, Follow: 5 * patience}, busyboxWorld{
			files: world.files, setup: `chroot . /bin/busybox sh -c 'until [ -e /tmp/seen ]; do sleep 0.1; done; kill "$(pidof tail)"' >/dev/null 2>&1 &`,
			grows: []growth{{"two, indented", "var/log/messages", "new\n"}, {"new", "tmp/seen", ""}},
		}, append(last, "new"), "tail", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			script, args, _, err := Journal(c.query)
			require.NoError(t, err)
			lines, report := read(c.query, c.world.run(t, script, args...))
			assert.Equal(t, c.lines, lines)
			assert.Equal(t, c.tool, report.Tool)
			assert.True(t, report.Complete)
			require.NoError(t, report.Err)
			parts := []string(nil)
			for _, m := range report.Missing {
				parts = append(parts, m.Part)
			}
			assert.Equal(t, c.miss, parts)
		})
	}
}

func TestAUnitNeedsAJournal(t *testing.T) {
	t.Parallel()
	query := JournalQuery{Source: SourceJournal, Unit: "nginx.service", Lines: 3}
	script, args, _, err := Journal(query)
	require.NoError(t, err)
	_, report := read(query, busyboxWorld{files: map[string]string{"var/log/messages": "x\n"}}.run(t, script, args...))
	var missing *ToolMissingError
	require.ErrorAs(t, report.Err, &missing)
	assert.Equal(t, []string{"journalctl"}, missing.Wanted)
}

func TestKernelMessagesComeFromTheRingWithoutAJournal(t *testing.T) {
	t.Parallel()
	commands := map[string]string{
		"journalctl": `exit 1`,
		"dmesg":      `case $1 in --help) echo " -W, --follow-new";; --follow-new) echo "[9.0] new"; exec sleep 50;; *) printf '[1.0] a\n[2.0] b\n[3.0] c\n';; esac`,
	}
	query := JournalQuery{Source: SourceKernel, Lines: 2, Follow: patience}
	script, args, _, err := Journal(query)
	require.NoError(t, err)
	inShells(t, commands, script, args, func(t *testing.T, out string) {
		if strings.HasSuffix(t.Name(), "/ash") {
			t.Skip("this busybox's sh prefers the dmesg that is built in")
		}
		lines, report := read(query, out)
		assert.Equal(t, []string{"[2.0] b", "[3.0] c", "[9.0] new"}, lines)
		assert.Equal(t, "dmesg", report.Tool)
	})
}

// Some programs end in good order when their time is up, as dig does with 0, which
// is not an answer. What ends in time keeps its own status.
func TestAProgramWhoseTimeIsUpIsNotTakenForOneThatIsDone(t *testing.T) {
	t.Parallel()
	script := Script{name: "limited", text: mustRead("prelude") + `
orderly='trap "exit 0" TERM; sleep 100 >/dev/null 2>&1 & wait'
begin orderly; limited 1 sh -c "$orderly"; end $?
begin deaf; limited 1 sh -c 'trap "" TERM; while :; do sleep 0.2; done'; end $?
begin quick; limited 100 sh -c 'exit 0'; end $?
begin failed; limited 100 sh -c 'exit 9'; end $?
finish
`}
	inShells(t, nil, script, nil, func(t *testing.T, out string) {
		for name, exit := range map[string]int{"orderly": 143, "deaf": 143, "quick": 0, "failed": 9} {
			s, ok := ParseTranscript(goldenMark, out).Find(name)
			require.True(t, ok)
			assert.Equal(t, exit, s.Exit, name)
		}
	})
}

// limited must leave nobody who holds the caller's pipes: the test's own time
// limit would strike.
func TestAWatchdogDoesNotOutliveItsCommand(t *testing.T) {
	t.Parallel()
	script := Script{name: "limited", text: mustRead("prelude") + "begin log\nout=$(limited 300 echo quick)\necho \"$out\"\nlimited 300 sh -c 'exit 5'\nend $?\nfinish\n"}
	inShells(t, nil, script, nil, func(t *testing.T, out string) {
		log, _ := ParseTranscript(goldenMark, out).Find("log")
		assert.Equal(t, "quick", log.Text)
		assert.Equal(t, 5, log.Exit)
	})
}
