package house

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/orbctl/guest"
	"orbstack-mcp/schemas"
	"orbstack-mcp/tools"
)

var update = flag.Bool("update", false, "rewrite what is generated in the documentation")

// What the documentation says of the tools is derived from the table, between
// two comment lines of each page.
func TestGeneratedPartsOfTheDocumentationAreUpToDate(t *testing.T) {
	for _, part := range []struct {
		file, name, text string
	}{
		{"README.md", "tools", toolsTable()},
		{"docs/tools.md", "tools", toolsPages()},
		{"docs/tools.md", "verdicts", verdictTable()},
	} {
		t.Run(part.file+" "+part.name, func(t *testing.T) {
			file := filepath.Join("..", "..", filepath.FromSlash(part.file))
			b, err := os.ReadFile(file)
			require.NoError(t, err)
			begin, end := fmt.Sprintf("<!-- %s: generated, `make docs` rewrites it -->\n", part.name), fmt.Sprintf("<!-- end of %s -->", part.name)
			before, rest, ok := strings.Cut(string(b), begin)
			require.True(t, ok, "the line %q is gone", begin)
			_, after, ok := strings.Cut(rest, end)
			require.True(t, ok, "the line %q is gone", end)
			want := before + begin + part.text + end + after
			if *update {
				require.NoError(t, os.WriteFile(file, []byte(want), 0o644))
				return
			}
			assert.Equal(t, want, string(b), "make docs rewrites it")
		})
	}
}

func toolsTable() string {
	var b strings.Builder
	b.WriteString("| tool | effect | what for |\n|---|---|---|\n")
	for _, tool := range tools.All() {
		what, _, _ := strings.Cut(tool.Doc, " Use when ")
		fmt.Fprintf(&b, "| [`%s`](docs/tools.md#%s) | %s | %s |\n", tool.Name, tool.Name, tool.Effect, cell(what))
	}
	return b.String()
}

func toolsPages() string {
	var b strings.Builder
	var family tools.Family
	for _, tool := range tools.All() {
		if tool.Family != family {
			family = tool.Family
			fmt.Fprintf(&b, "\n## %s\n", strings.ToUpper(string(family[:1]))+string(family[1:]))
		}
		fmt.Fprintf(&b, "\n### %s\n\n%s Effect: %s.\n\n", tool.Name, tool.Doc, tool.Effect)
		b.WriteString(properties("argument", tool.Input().Properties()))
		b.WriteString("\n" + properties("result", tool.Output().Properties()))
	}
	return b.String() + "\n"
}

func properties(what string, all []schemas.Property) string {
	if len(all) == 0 {
		return "No " + what + "s.\n"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "| %s | type | |\n|---|---|---|\n", what)
	for _, p := range all {
		text := cell(p.Description)
		if what == "argument" && p.Required {
			text = "**Required.** " + text
		}
		if p.Default != nil {
			text += fmt.Sprintf(" Default: %v.", p.Default)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", p.Name, p.Type, text)
	}
	return b.String()
}

// verdictTable is which verdict a method can give, and why not.
func verdictTable() string {
	var b strings.Builder
	b.WriteString("| verdict |")
	for _, m := range guest.Methods() {
		fmt.Fprintf(&b, " %s |", m)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(guest.Methods())) + "\n")
	for _, v := range guest.Verdicts() {
		fmt.Fprintf(&b, "| `%s` |", v)
		for _, m := range guest.Methods() {
			text := "yes"
			if possible, why := guest.Possible(m, v); !possible {
				text = "n/a: " + why
			}
			fmt.Fprintf(&b, " %s |", cell(text))
		}
		b.WriteString("\n")
	}
	return b.String()
}

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
