package house

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The README names the packages that .ci/deps installs, in its order.
func TestTheREADMENamesThePackagesThatDepsInstalls(t *testing.T) {
	need := regexp.MustCompile(`(?m)^need=\((.*)\)$`).FindStringSubmatch(readPage(t, ".ci/deps"))
	require.NotNil(t, need, ".ci/deps has no line need=(…)")
	var packages []string
	for _, word := range strings.Fields(need[1]) {
		_, pkg, ok := strings.Cut(word, ":")
		require.True(t, ok, "%s names no package", word)
		packages = append(packages, pkg)
	}
	assert.Contains(t, readPage(t, "README.md"), "`"+strings.Join(packages, " ")+"`")
}
