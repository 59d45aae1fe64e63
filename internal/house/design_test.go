package house

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func readPage(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(name)))
	require.NoError(t, err)
	return string(b)
}

// The plan's table of modules and the modules that go.mod asks for itself are the
// same, and so are the versions where the plan names one.
func TestThePlanNamesTheModulesThatThereAre(t *testing.T) {
	direct := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^\t(\S+) (v\S+)$`).FindAllStringSubmatch(readPage(t, "go.mod"), -1) {
		direct[m[1]] = m[2]
	}
	require.NotEmpty(t, direct)
	_, section, ok := strings.Cut(readPage(t, "docs/design.md"), "\n## Dependencies")
	require.True(t, ok)
	told := map[string]bool{}
	for _, row := range regexp.MustCompile(`(?m)^\| ([^|]*\.[^|]*) \|`).FindAllStringSubmatch(section, -1) {
		for _, module := range strings.Split(row[1], ", ") {
			name, version, _ := strings.Cut(module, " ")
			told[name] = true
			assert.Contains(t, direct, name, "go.mod does not ask for it")
			if version != "" {
				assert.Equal(t, direct[name], version, name)
			}
		}
	}
	for name := range direct {
		assert.True(t, told[name], "the plan does not name %s", name)
	}
}

// Each room of the plan is there, but for those to come, and each package is a room
// or is named in the line of the folder above it.
func TestThePlanNamesTheRoomsThatThereAre(t *testing.T) {
	_, section, ok := strings.Cut(readPage(t, "docs/design.md"), "\n## Rooms\n")
	require.True(t, ok)
	section, _, _ = strings.Cut(section, "\n## ")
	rooms := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^(\S+)/ +(.*)$`).FindAllStringSubmatch(section, -1) {
		rooms[m[1]] = m[2]
		if !strings.HasSuffix(m[2], "(to come)") {
			assert.DirExists(t, filepath.Join("..", "..", filepath.FromSlash(m[1])))
		}
	}
	require.NotEmpty(t, rooms)
	for _, pkg := range packages(t) {
		if _, ok := rooms[pkg.path]; !ok {
			assert.Contains(t, rooms[path.Dir(pkg.path)], path.Base(pkg.path)+"/", "%s is in no room", pkg.path)
		}
	}
}
