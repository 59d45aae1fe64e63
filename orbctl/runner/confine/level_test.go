package confine_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/orbctl/runner/confine"
)

func TestModes(t *testing.T) {
	for _, name := range []string{"auto", "require", "off"} {
		m, err := confine.ParseMode(name)
		require.NoError(t, err)
		assert.Equal(t, confine.Mode(name), m)
	}
	for _, name := range []string{"", "on", "Auto"} {
		_, err := confine.ParseMode(name)
		require.ErrorContains(t, err, "is none of auto, require, off")
	}
}

func TestLevelReadsWell(t *testing.T) {
	assert.Equal(t, "landlock and seccomp", confine.Level{Name: "landlock and seccomp"}.String())
	assert.Equal(t, "seccomp; gaps: it may a; it may b", confine.Level{Name: "seccomp", Gaps: []string{"it may a", "it may b"}}.String())
	assert.Equal(t, "none: no reason", confine.Outside("no reason").Level().String())
}

func TestOffChangesNothing(t *testing.T) {
	for _, mode := range []confine.Mode{"", confine.Off} {
		s, err := confine.New(mode, "relative", "relative")
		require.NoError(t, err)
		assert.Equal(t, "none: switched off, so orbctl runs with the rights of this server", s.Level().String())
		out, ok := run(t, s, confine.Profile{ReadPath: "x"}, "sh", "-c", "echo $0 $LC_ALL; pwd", "word")
		assert.True(t, ok)
		assert.Equal(t, "word C\n/\n", out)
		assert.NoError(t, s.Failed(125, "anything"))
	}
}
