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

var (
	pageLink = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading  = regexp.MustCompile(`(?m)^#+ (.*)$`)
	noAnchor = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
)

// Every link of a page to something else in the clone leads there.
func TestEveryLinkOfADocumentLeadsSomewhere(t *testing.T) {
	root := filepath.Join("..", "..")
	var pages []string
	for _, in := range []string{"*.md", "docs/*.md", "docs/adr/*.md"} {
		some, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(in)))
		require.NoError(t, err)
		require.NotEmpty(t, some, in)
		pages = append(pages, some...)
	}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, link := range pageLink.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(link[1], "://") {
				continue
			}
			file, anchor, _ := strings.Cut(link[1], "#")
			target := filepath.Join(filepath.Dir(page), filepath.FromSlash(file))
			if file == "" {
				target = page
			}
			_, err := os.Stat(target)
			if assert.NoError(t, err, "%s links to %s", page, link[1]) && anchor != "" {
				assert.Contains(t, anchors(t, target), anchor, "%s links to %s", page, link[1])
			}
		}
	}
}

// anchors are the names that a page's headings have, as GitHub makes them.
func anchors(t *testing.T, page string) []string {
	t.Helper()
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	var all []string
	for _, h := range heading.FindAllStringSubmatch(string(text), -1) {
		all = append(all, strings.ReplaceAll(noAnchor.ReplaceAllString(strings.ToLower(h[1]), ""), " ", "-"))
	}
	return all
}
