package guest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const goldenMark Mark = "MARK"

// goldenTranscripts are the transcripts in testdata/facts of one script.
func goldenTranscripts(tb testing.TB, script string) map[string]Transcript {
	tb.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "facts", script+".*.txt"))
	require.NoError(tb, err)
	require.NotEmpty(tb, files)
	out := map[string]Transcript{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(tb, err)
		out[strings.TrimSuffix(file, ".txt")] = ParseTranscript(goldenMark, string(text))
	}
	return out
}

// requireGolden compares a report with the .json beside its transcript.
func requireGolden(t *testing.T, base string, report any) {
	t.Helper()
	got, err := json.MarshalIndent(report, "", "\t")
	require.NoError(t, err)
	if os.Getenv("GUEST_GOLDEN") == "write" {
		require.NoError(t, os.WriteFile(base+".json", append(got, '\n'), 0o644))
	}
	want, err := os.ReadFile(base + ".json")
	require.NoError(t, err)
	assert.JSONEq(t, string(want), string(got))
}

func TestNetworkFactsOfEveryTranscriptAreAsRecorded(t *testing.T) {
	for base, transcript := range goldenTranscripts(t, "network") {
		t.Run(filepath.Base(base), func(t *testing.T) {
			report, err := ParseNetworkFacts(transcript)
			require.NoError(t, err)
			requireGolden(t, base, report)
		})
	}
}

func TestStatusFactsOfEveryTranscriptAreAsRecorded(t *testing.T) {
	for base, transcript := range goldenTranscripts(t, "status") {
		t.Run(filepath.Base(base), func(t *testing.T) {
			report, err := ParseStatusFacts(StatusQuery{User: "ada", Processes: 3}, transcript)
			require.NoError(t, err)
			requireGolden(t, base, report)
		})
	}
}
