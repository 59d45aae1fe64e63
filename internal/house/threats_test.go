package house

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// threats is how many rows the table of docs/security.md has.
const threats = 27

var (
	threatRow  = regexp.MustCompile(`(?m)^\| (\d+) \|.*\| ([^|]*) \|$`)
	threatLink = regexp.MustCompile("\\[`(TestThreat\\d\\d_\\w+)`\\]\\(\\.\\./([^)]+)\\)")
	threatFunc = regexp.MustCompile(`(?m)^func (TestThreat(\d\d)_\w+)\(`)
)

// threatTests are the tests of threats in the tree: the file of each, by its name.
func threatTests(t *testing.T) map[string]string {
	t.Helper()
	root := filepath.Join("..", "..")
	all := map[string]string{}
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root && strings.HasPrefix(d.Name(), ".") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(path)
		rel, _ := filepath.Rel(root, path)
		for _, m := range threatFunc.FindAllStringSubmatch(string(text), -1) {
			assert.Empty(t, all[m[1]], "%s is there twice", m[1])
			all[m[1]] = filepath.ToSlash(rel)
		}
		return err
	}))
	return all
}

// Every row of the table of threats has a test that is there, and every test of a
// threat stands in its row.
func TestEveryThreatHasItsTests(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "security.md"))
	require.NoError(t, err)
	tests := threatTests(t)
	told := map[string]bool{}
	rows := threatRow.FindAllStringSubmatch(string(page), -1)
	require.Len(t, rows, threats)
	for i, row := range rows {
		t.Run(row[1], func(t *testing.T) {
			require.Equal(t, strconv.Itoa(i+1), row[1], "the rows are in order")
			prefix := "TestThreat" + strings.Repeat("0", 2-len(row[1])) + row[1] + "_"
			links := threatLink.FindAllStringSubmatch(row[2], -1)
			for _, link := range links {
				assert.True(t, strings.HasPrefix(link[1], prefix), "%s is no test of row %d", link[1], i+1)
				assert.Equal(t, tests[link[1]], link[2], "%s is in another file, or nowhere", link[1])
				told[link[1]] = true
			}
			assert.NotEmpty(t, links, "threat %d has no test", i+1)
		})
	}
	for name, file := range tests {
		assert.True(t, told[name], "%s (%s) does not stand in docs/security.md", name, file)
	}
}
