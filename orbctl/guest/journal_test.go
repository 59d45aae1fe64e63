package guest

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestQueriesThatCannotBeAskedAreRefused(t *testing.T) {
	good := JournalQuery{Source: SourceJournal, Lines: 10}
	for _, c := range []struct {
		field  string
		change func(q *JournalQuery)
	}{
		{"source", func(q *JournalQuery) { q.Source = "machine" }},
		{"unit", func(q *JournalQuery) { q.Unit = "-x" }},
		{"unit", func(q *JournalQuery) { q.Unit = "a b" }},
		{"unit", func(q *JournalQuery) { q.Unit = "ngin*" }},
		{"unit", func(q *JournalQuery) { q.Unit = "a\nb" }},
		{"unit", func(q *JournalQuery) { q.Unit = strings.Repeat("a", 256) }},
		{"unit", func(q *JournalQuery) { q.Source, q.Unit = SourceKernel, "a" }},
		{"lines", func(q *JournalQuery) { q.Lines = 0 }},
		{"lines", func(q *JournalQuery) { q.Lines = MaxJournalLines + 1 }},
		{"follow_seconds", func(q *JournalQuery) { q.Follow = -time.Second }},
		{"follow_seconds", func(q *JournalQuery) { q.Follow = time.Minute }},
		{"follow_seconds", func(q *JournalQuery) { q.Follow = 1500 * time.Millisecond }},
		{"since", func(q *JournalQuery) { q.Since = "yesterday" }},
		{"since", func(q *JournalQuery) { q.Since = "10" }},
		{"since", func(q *JournalQuery) { q.Since = "m" }},
		{"since", func(q *JournalQuery) { q.Since = "-10m" }},
		{"since", func(q *JournalQuery) { q.Since = "0s" }},
		{"since", func(q *JournalQuery) { q.Since = "1.5h" }},
		{"since", func(q *JournalQuery) { q.Since = "99999999999h" }},
		{"since", func(q *JournalQuery) { q.Since = "1901-01-01T00:00:00Z" }},
	} {
		q := good
		c.change(&q)
		_, _, _, err := Journal(q)
		var refused *JournalQueryError
		require.ErrorAs(t, err, &refused, "%+v", q)
		assert.Equal(t, c.field, refused.Field)
		assert.Contains(t, err.Error(), c.field)
	}
}

func TestSinceIsPutIntoJournalctlsWords(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "90s": "90s", "10m": "600s", "2h": "7200s", "1d": "86400s", "1w": "604800s", "1h30m": "5400s",
		"2026-01-31T09:00:00Z": "@1769850000", "2026-01-31T09:00:00.5-05:00": "@1769868000",
	} {
		got, err := journalSince(in)
		require.NoError(t, err, in)
		assert.Equal(t, want, got, in)
	}
}

func TestTheOwnLimitOfAJournalHoldsItsFollowing(t *testing.T) {
	_, args, limit, err := Journal(JournalQuery{Source: SourceKernel, Lines: 10, Follow: 30 * time.Second})
	require.NoError(t, err)
	assert.Equal(t, []string{"kernel", "", "10", "", "30"}, args)
	assert.Greater(t, limit, 40*time.Second)
}

// logOf puts log lines into the output of a script.
func logOf(tool, text string) string {
	return "noise of a shell\nMARK begin log " + tool + "\n" + text + "\n\nMARK end 0\nMARK begin stderr\n\n\nMARK end 0\nMARK done\n"
}

// stream reads an output in pieces of a size.
func stream(t interface{ Helper() }, out string, size int) ([]string, JournalReport) {
	t.Helper()
	var lines []string
	s := NewJournalStream(goldenMark, func(line string) { lines = append(lines, line) })
	for len(out) > 0 {
		n := min(size, len(out))
		_, _ = s.Write([]byte(out[:n]))
		out = out[n:]
	}
	_ = s.Close()
	_ = s.Close() // twice does no harm
	return lines, s.Report(JournalQuery{Source: SourceJournal})
}

func TestOnlyTheLinesOfTheLogAreHandedOn(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"empty lines are lines, but for the script's own", "a\n\n\nb\n", []string{"a", "", "", "b"}},
		{"an empty last line", "a\n\n", []string{"a", ""}},
		{"a look-alike mark", "M begin log x\nMARKbegin\n MARK end 0\nMARK", []string{"M begin log x", "MARKbegin", " MARK end 0", "MARK"}},
		{"escapes and tabs", "\x1b[31mred\x1b[0m\tx\u202e\r", []string{"red\tx"}},
		{"a progress bar", "10%\r20%", []string{"10%", "20%"}},
		{"no log", "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := strings.TrimSuffix(c.text, "\n")
			out := logOf("tail", text)
			if text == "" { // a command that printed nothing at all
				out = strings.Replace(out, "tail\n\n\n", "tail\n\n", 1)
			}
			lines, report := stream(t, out, 7)
			assert.Equal(t, c.want, lines)
			assert.Equal(t, int64(len(c.want)), report.Lines)
			assert.True(t, report.Complete)
			assert.Empty(t, report.Missing)
		})
	}
}

func TestJournalctlsOwnRemarksAreNoLogLines(t *testing.T) {
	out := strings.Replace(logOf("journalctl", "-- Logs begin at Mon --\n-- No entries --"), "stderr\n", "stderr\nNo journal files were found.", 1)
	lines, report := stream(t, out, 1<<20)
	assert.Empty(t, lines)
	assert.Equal(t, []Missing{{Part: "lines", Why: "journalctl printed none and said: No journal files were found."}}, report.Missing)
}

func TestALogThatEndsEarlyIsNotComplete(t *testing.T) {
	whole := logOf("tail", "one\ntwo")
	lines, report := stream(t, whole[:strings.Index(whole, "two")+2], 3)
	assert.Equal(t, []string{"one", "tw"}, lines)
	assert.False(t, report.Complete)
	require.Len(t, report.Missing, 1)
	assert.Equal(t, TheRest, report.Missing[0].Part)

	lines, _ = stream(t, whole[:strings.Index(whole, "MARK end")+3], 3)
	assert.Equal(t, []string{"one", "two", ""}, lines, "half a mark is none of the log's lines")
}

func TestAToolThatFailsIsNamed(t *testing.T) {
	_, report := stream(t, "MARK begin log tail\n\nMARK end 1\nMARK begin stderr\ntail: cannot open\n\nMARK end 0\nMARK done\n", 1<<20)
	require.Len(t, report.Missing, 2)
	assert.Equal(t, "tail failed with exit code 1", report.Missing[0].Why)
	assert.Contains(t, report.Missing[1].Why, "tail: cannot open")
}

func TestWhyThereIsNoLogIsSaid(t *testing.T) {
	for _, what := range []string{"journal", "cloud-init", "docker", "docker-log", "follow"} {
		_, report := stream(t, "MARK begin none "+what+"\n\nMARK end 0\nMARK done\n", 5)
		require.Len(t, report.Missing, 1, what)
		assert.NotEmpty(t, report.Missing[0].Why)
	}
	for _, tool := range []string{"journalctl", "dmesg"} {
		_, report := stream(t, "MARK begin none "+tool+"\n\nMARK end 0\nMARK done\n", 5)
		require.EqualError(t, report.Err, "the machine has no "+tool+"; install it in the machine with its package manager")
	}
}

func TestTheStatusOfCloudInitIsKept(t *testing.T) {
	_, report := stream(t, "MARK begin none cloud-init\n\nMARK end 0\nMARK begin cloud-init\nstatus: done\n\nMARK end 0\nMARK done\n", 5)
	assert.Equal(t, "status: done", report.Status)
}

func TestALineOfTenMegabytesIsCutAndCounted(t *testing.T) {
	lines, report := stream(t, logOf("tail", "a\n"+strings.Repeat("x", 10<<20)+"\nb"), 32<<10)
	require.Len(t, lines, 3)
	assert.Less(t, len(lines[1]), MaxLogLine+64)
	assert.True(t, strings.HasSuffix(lines[1], "x [… 10469376 bytes omitted …]"), lines[1][len(lines[1])-50:])
	assert.True(t, report.Complete)
}

func TestHowTheOutputIsCutMakesNoDifference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`(a|b|\n|\r|MARK |begin|end|done| |log|0|é|\x1b){0,60}`).Draw(t, "text")
		out := logOf("tail", text)
		whole, wholeReport := stream(t, out, len(out))
		pieces, report := stream(t, out, rapid.IntRange(1, 20).Draw(t, "size"))
		assert.Equal(t, whole, pieces)
		assert.Equal(t, wholeReport, report)
	})
}

func FuzzJournalStream(f *testing.F) {
	f.Add(logOf("journalctl", "a\n\nb"), uint8(3))
	f.Add("MARK begin none docker\n\nMARK end 0\nMARK done\n", uint8(1))
	f.Add("MARK begin log x\nMARK begin log y\n\n\nMARK end -1\nMARK end\nMARK done", uint8(2))
	f.Fuzz(func(t *testing.T, out string, size uint8) {
		whole, wholeReport := stream(t, out, len(out)+1)
		pieces, report := stream(t, out, int(size)+1)
		assert.Equal(t, whole, pieces)
		assert.Equal(t, wholeReport, report)
		requireCleanReport(t, report, report.Missing)
		for _, line := range pieces {
			requireCleanReport(t, strings.ReplaceAll(line, "\t", " "), nil)
		}
	})
}
