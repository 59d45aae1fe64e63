package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// decode reads the structured part of a result that is no error.
func decode[T any](t testing.TB, r result) T {
	t.Helper()
	require.False(t, r.IsError, r.Text)
	var v T
	require.NoError(t, json.Unmarshal(r.Raw, &v))
	return v
}

// gaps are the parts that a result says are missing.
type gaps []struct{ Part, Why string }

// why is the reason that a part is missing, "" when it is not.
func (g gaps) why(part string) string {
	for _, m := range g {
		if m.Part == part {
			return m.Why
		}
	}
	return ""
}

// booted are the runs of commands in machines so far: `run` boots a machine that
// is stopped, so a tool that only reads must not come to it.
func (s *session) booted() []string {
	var runs []string
	for _, call := range s.reached() {
		if strings.HasPrefix(call, "run ") {
			runs = append(runs, call)
		}
	}
	return runs
}
