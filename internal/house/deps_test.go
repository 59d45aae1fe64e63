package house

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The README names the packages that .ci/deps installs, in its order.
func TestTheREADMENamesThePackagesThatDepsInstalls(t *testing.T) {
	script, err := os.ReadFile(filepath.Join("..", "..", ".ci", "deps"))
	require.NoError(t, err)
	need := regexp.MustCompile(`(?m)^need=\((.*)\)$`).FindSubmatch(script)
	require.NotNil(t, need, ".ci/deps has no line need=(…)")
	var packages []string
	for _, word := range strings.Fields(string(need[1])) {
		_, pkg, ok := strings.Cut(word, ":")
		require.True(t, ok, "%s names no package", word)
		packages = append(packages, pkg)
	}
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	require.NoError(t, err)
	assert.Contains(t, string(readme), "`"+strings.Join(packages, " ")+"`")
}
