package e2e

import (
	"flag"
	"hash/fnv"
	"testing"
)

// An era is a way to open and to speak: initialize of the old versions, or the
// _meta of each request since 2026-07-28.
type era string

const (
	legacy era = "2025-11-25"
	modern era = "2026-07-28"
)

var eras = []era{legacy, modern}

// What a tool finds out is the same in both eras; how it is asked and answered is
// not. So the tests of the transport, of confirmation and of every tool run in both,
// and what looks at many rows of one tool's content lets the eras take turns (ADR 14).
var whole = flag.Bool("whole", false, "run every row in both eras, where they take turns otherwise, and the rest that ADR 14 names")

// turn is the era of a row.
func turn(row int) []era {
	if *whole {
		return eras
	}
	return eras[row%len(eras) : row%len(eras)+1]
}

// turnOf is the era of a test that is a row by itself.
func turnOf(t testing.TB) []era {
	t.Helper()
	h := fnv.New32a()
	_, _ = h.Write([]byte(t.Name()))
	return turn(int(h.Sum32() >> 1))
}

// inBothEras runs a test with a client of each era, beside other tests: most of
// their time is somebody's patience.
func inBothEras(t *testing.T, test func(t *testing.T, e era)) {
	t.Helper()
	inEras(t, eras, test)
}

// inOneEra is inBothEras for a test that is a row by itself.
func inOneEra(t *testing.T, test func(t *testing.T, e era)) {
	t.Helper()
	inEras(t, turnOf(t), test)
}

func inEras(t *testing.T, in []era, test func(t *testing.T, e era)) {
	t.Helper()
	t.Parallel()
	for _, e := range in {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			test(t, e)
		})
	}
}
