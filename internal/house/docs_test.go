package house

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/orbctl/guest"
	"orbstack-mcp/orbctl/mac"
	"orbstack-mcp/orbctl/runner"
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
		{"README.md", "tools", toolsTable(t)},
		{"docs/tools.md", "tools", toolsPages(t)},
		{"docs/tools.md", "verdicts", verdictTable()},
		{"docs/tools.md", "errors", failureTable()},
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

func toolsTable(t *testing.T) string {
	var b strings.Builder
	var usual, readOnly int
	b.WriteString("| tool | effect | offered | what for |\n|---|---|---|---|\n")
	for _, tool := range tools.All() {
		what, _, _ := strings.Cut(tool.Doc, " Use when ")
		fmt.Fprintf(&b, "| [`%s`](docs/tools.md#%s) | %s | %s | %s |\n", tool.Name, tool.Name, tool.Effect, offered(t, tool), cell(what))
		if started().Offers(tool) {
			usual++
		}
		if looking().Offers(tool) {
			readOnly++
		}
	}
	fmt.Fprintf(&b, "\nA server without flags offers %d of these %d, and %d with `--read-only`.%s\n", usual, len(tools.All()), readOnly, readsAndYet(t))
	return b.String()
}

func toolsPages(t *testing.T) string {
	var b strings.Builder
	var family tools.Family
	for _, tool := range tools.All() {
		if tool.Family != family {
			family = tool.Family
			fmt.Fprintf(&b, "\n## %s\n", strings.ToUpper(string(family[:1]))+string(family[1:]))
		}
		fmt.Fprintf(&b, "\n### %s\n\n%s\n\nEffect: %s. Offered %s%s.\n\n", tool.Name, tool.Doc, tool.Effect, offered(t, tool), withdrawn(tool))
		b.WriteString(properties("argument", tool.Input().Properties(), limitsOf(t, tool)))
		b.WriteString("\n" + properties("result", tool.Output().Properties(), nil))
	}
	return b.String() + "\n"
}

// started is the policy of a server without flags, looking that of one with
// --read-only.
func started() tools.Policy { return tools.Policy{Exec: runner.ExecIsolated} }
func looking() tools.Policy { return tools.Policy{Exec: runner.ExecIsolated, ReadOnly: true} }

// offered is what a server has to be started with to offer the tool: the first way
// that its own policy agrees to.
func offered(t *testing.T, tool tools.Tool) string {
	t.Helper()
	family := string(tool.Family)
	bySet, byFolder := started(), started()
	bySet.Toolsets = []string{"default", family}
	byFolder.AllowPaths = []string{"/"}
	switch {
	case looking().Offers(tool):
		return "by default, also with `--read-only`"
	case started().Offers(tool):
		return "by default"
	case bySet.Offers(tool):
		return "with `--toolsets default," + family + "`"
	case byFolder.Offers(tool):
		return "with `--allow-path FOLDER`"
	}
	require.Fail(t, "no single flag brings it", tool.Name)
	return ""
}

// withdrawn are the flags that take the tool away from a server that has all others.
func withdrawn(tool tools.Tool) string {
	text := ""
	for _, c := range []struct {
		flag string
		set  func(*tools.Policy)
	}{
		{"--machine", func(p *tools.Policy) { p.Machines = []string{"web"} }},
		{"--exec off", func(p *tools.Policy) { p.Exec = runner.ExecOff }},
	} {
		p := started()
		p.Toolsets, p.AllowPaths = []string{"all"}, []string{"/"}
		if c.set(&p); !p.Offers(tool) {
			text += ", not with `" + c.flag + "`"
		}
	}
	return text
}

// readsAndYet says why tools that read are not offered with --read-only. Those for
// jobs are offered with any tool that may leave one (tools.Policy).
func readsAndYet(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for _, tool := range tools.All() {
		if tool.Effect == tools.Reads && !looking().Offers(tool) {
			require.Equal(t, tools.Jobs, tool.Family, "%s: the reason below is another tool's", tool.Name)
			fmt.Fprintf(&b, " `%s` reads and is not among those: every tool that may leave a job changes something.", tool.Name)
		}
	}
	return b.String()
}

// limits is what an input schema allows beside a type.
type limits struct {
	Type        string `json:"type"`
	Description string `json:"description"`
	Default     any    `json:"default"`

	Enum       []string        `json:"enum"`
	Minimum    *int            `json:"minimum"`
	Maximum    *int            `json:"maximum"`
	MaxLength  *int            `json:"maxLength"`
	MinItems   *int            `json:"minItems"`
	MaxItems   *int            `json:"maxItems"`
	Items      *limits         `json:"items"`
	Additional json.RawMessage `json:"additionalProperties"`
}

// limitsOf are those of a tool's arguments, by name. A keyword of JSON Schema that
// limits does not know fails: the documentation would leave it out.
func limitsOf(t *testing.T, tool tools.Tool) map[string]limits {
	t.Helper()
	var root struct {
		Properties map[string]json.RawMessage `json:"properties"`
	}
	require.NoError(t, json.Unmarshal(tool.Input().JSON(), &root))
	all := map[string]limits{}
	for name, raw := range root.Properties {
		var l limits
		d := json.NewDecoder(bytes.NewReader(raw))
		d.DisallowUnknownFields()
		require.NoError(t, d.Decode(&l), "%s, %s", tool.Name, name)
		all[name] = l
	}
	return all
}

func (l limits) typ() string {
	if l.Items != nil {
		return l.Type + " of " + l.Items.typ()
	}
	return l.Type
}

// text is the limits as sentences, each with a space before it.
func (l limits) text() string {
	var b strings.Builder
	if len(l.Enum) > 0 {
		b.WriteString(" One of `" + strings.Join(l.Enum, "`, `") + "`.")
	}
	b.WriteString(between(l.Minimum, l.Maximum, ""))
	b.WriteString(between(nil, l.MaxLength, " characters"))
	b.WriteString(between(l.MinItems, l.MaxItems, " entries"))
	return b.String()
}

func between(least, most *int, what string) string {
	switch {
	case least != nil && most != nil:
		return fmt.Sprintf(" %d to %d%s.", *least, *most, what)
	case least != nil:
		return fmt.Sprintf(" At least %d%s.", *least, what)
	case most != nil:
		return fmt.Sprintf(" At most %d%s.", *most, what)
	}
	return ""
}

func properties(what string, all []schemas.Property, allowed map[string]limits) string {
	if len(all) == 0 {
		return "No " + what + "s.\n"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "| %s | type | |\n|---|---|---|\n", what)
	for _, p := range all {
		typ, text := p.Type, p.Description
		if l, ok := allowed[p.Name]; ok {
			typ = l.typ()
			text = strings.TrimSpace(text + l.text())
		}
		if what == "argument" && p.Required {
			text = "**Required.** " + text
		}
		if p.Default != nil {
			text += fmt.Sprintf(" Default: %v.", p.Default)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", p.Name, typ, cell(text))
	}
	return b.String()
}

// verdictTable is which verdict a method can give, and why not; from the Mac, where
// that is another answer.
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
			} else if possible, why := mac.Possible(m, v); !possible {
				text += "; not from the Mac: " + why
			}
			fmt.Fprintf(&b, " %s |", cell(text))
		}
		b.WriteString("\n")
	}
	return b.String()
}

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
