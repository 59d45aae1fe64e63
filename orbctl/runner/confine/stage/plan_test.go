package stage_test

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/orbctl/runner/confine/stage"
)

const filter = "filter 060000000000ff7f\n"

func TestOnlyAWholePolicyIsOne(t *testing.T) {
	for text, ok := range map[string]bool{
		filter: true,
		"limit 4 0\nlandlock 8191 3 3\nallow 12 /with a blank/ and more\n" + filter: true,
		"":                               false,
		"limit 4 0\n":                    false, // no filter: no sandbox
		filter + "surprise 1\n":          false,
		filter + "\n":                    false,
		"limit 4\n" + filter:             false,
		"limit 4 -1\n" + filter:          false,
		"limit 4 0 0\n" + filter:         false,
		"limit 4 99999999999999999999\n": false,
		"landlock 0 0 0\n" + filter:      false,
		"allow 12 \n" + filter:           false,
		"allow /etc\n" + filter:          false,
		"filter 06\n":                    false,
		"filter 060000000000fF7f\n":      false,
	} {
		assert.Equal(t, ok, stage.Read(text), "%q", text)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("limit 4 0\nlandlock 8191 3 3\nallow 12 /etc\n" + filter)
	f.Fuzz(func(t *testing.T, text string) {
		if stage.Read(text) {
			require.True(t, strings.Contains(text, "filter "), "what has no filter is no policy")
		}
	})
}

func TestDecimal(t *testing.T) {
	for _, n := range []uint64{0, 7, 10, 125, math.MaxUint64} {
		assert.Equal(t, strconv.FormatUint(n, 10), stage.Decimal(n))
	}
}
