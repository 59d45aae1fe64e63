package schemas_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/tiktoken-go/tokenizer"

	"orbstack-mcp/orbctl/runner"
	"orbstack-mcp/schemas"
	"orbstack-mcp/tools"
)

var update = flag.Bool("update", false, "write the golden files")

// golden is the tool as tools/list sends it, and its strict output schema.
func golden(t *testing.T, tool tools.Tool) []byte {
	t.Helper()
	wire, err := json.Marshal(tool.Definition())
	require.NoError(t, err)
	var file struct {
		Tool   json.RawMessage `json:"tool"`
		Strict json.RawMessage `json:"strictOutputSchema"`
	}
	file.Tool, file.Strict = wire, tool.Output().JSON()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	require.NoError(t, e.Encode(file))
	return b.Bytes()
}

func TestGoldenFilesAreWhatClientsSee(t *testing.T) {
	var want []string
	for _, tool := range tools.All() {
		file := tool.Name + ".json"
		want = append(want, file)
		got := golden(t, tool)
		if *update {
			require.NoError(t, os.WriteFile(file, got, 0o644))
		}
		have, err := os.ReadFile(file)
		require.NoError(t, err, "go test ./schemas -update writes it")
		assert.Equal(t, string(have), string(got), "%s: go test ./schemas -update rewrites it", file)
	}
	have, err := filepath.Glob("*.json")
	require.NoError(t, err)
	assert.ElementsMatch(t, want, have, "a golden file without a tool")
}

// Each of these has taken tools away from some client.
func TestEverySchemaIsOneThatEveryClientTakes(t *testing.T) {
	name := regexp.MustCompile(`^[a-z][a-z_]{0,59}$`)
	seen := map[string]bool{}
	for _, tool := range tools.All() {
		t.Run(tool.Name, func(t *testing.T) {
			assert.Regexp(t, name, tool.Name)
			assert.False(t, seen[tool.Name], "the name is taken")
			seen[tool.Name] = true
			assert.NotEmpty(t, tool.Title)
			assert.LessOrEqual(t, len(tool.Doc), 1024, "some clients cut a description there")
			assert.Contains(t, tool.Doc, "Use when ", "one sentence in the words of a user in trouble")
			for _, s := range []json.RawMessage{tool.Definition().RawInputSchema, tool.Definition().RawOutputSchema, tool.Output().JSON()} {
				var root map[string]any
				require.NoError(t, json.Unmarshal(s, &root))
				assert.Equal(t, "object", root["type"])
				assert.Contains(t, root, "properties")
				for _, key := range []string{"anyOf", "oneOf", "allOf", "$ref", "$defs", "$schema"} {
					assert.NotContains(t, root, key)
				}
				walk(t, tool.Name, root)
			}
			var in struct {
				Additional any `json:"additionalProperties"`
				Properties map[string]struct {
					Description string `json:"description"`
				} `json:"properties"`
			}
			require.NoError(t, json.Unmarshal(tool.Definition().RawInputSchema, &in))
			assert.Equal(t, false, in.Additional, "an unknown argument is refused, and the schema says so")
			_, err := schemas.NewChecker(tool.Input(), schemas.Also{})
			require.NoError(t, err, "a server compiles it when it is first called")
			for arg, p := range in.Properties {
				assert.NotEmpty(t, p.Description, "%s has no description", arg)
			}
			var out map[string]any
			require.NoError(t, json.Unmarshal(tool.Definition().RawOutputSchema, &out))
			assert.NotContains(t, out, "required", "an error result would break it")
			assert.NotContains(t, out, "additionalProperties")
		})
	}
}

// walk: no boolean schemas, no lists of types, no patterns, items for arrays.
func walk(t *testing.T, at string, s map[string]any) {
	t.Helper()
	assert.IsType(t, "", s["type"], "%s: exactly one type", at)
	assert.NotContains(t, s, "pattern", "%s: the server checks names; the schema is sent with every conversation", at)
	if s["type"] == "array" {
		items, ok := s["items"].(map[string]any)
		require.True(t, ok, "%s: an array without items", at)
		walk(t, at+"[]", items)
	}
	if inner, ok := s["additionalProperties"].(map[string]any); ok {
		walk(t, at+".*", inner)
	}
	properties, _ := s["properties"].(map[string]any)
	for name, p := range properties {
		sub, ok := p.(map[string]any)
		require.True(t, ok, "%s.%s is a boolean schema: one of them made every tool of a server vanish", at, name)
		walk(t, at+"."+name, sub)
	}
}

func TestHintsFollowFromTheEffect(t *testing.T) {
	for _, tool := range tools.All() {
		a := tool.Definition().Annotations
		for hint, v := range map[string]*bool{"readOnly": a.ReadOnlyHint, "destructive": a.DestructiveHint, "idempotent": a.IdempotentHint, "openWorld": a.OpenWorldHint} {
			require.NotNil(t, v, "%s: %s is not explicit", tool.Name, hint)
		}
		assert.Equal(t, tool.Effect == tools.Reads, *a.ReadOnlyHint, tool.Name)
		assert.Equal(t, tool.Effect == tools.Changes || tool.Effect == tools.Destroys, *a.DestructiveHint, tool.Name)
		assert.Equal(t, tool.OpenWorld, *a.OpenWorldHint, tool.Name)
	}
}

// The budget of TOOLS: what a model gets is sent with every conversation.
func TestDefinitionsStayWithinTheirTokens(t *testing.T) {
	codec, err := tokenizer.Get(tokenizer.O200kBase)
	require.NoError(t, err)
	const all, one, wire, most = 3300, 320, 22000, 25
	byDefault := tools.Policy{Exec: runner.ExecIsolated}
	count, total, bytesTotal := 0, 0, 0
	for _, tool := range tools.All() {
		d := tool.Definition()
		var compact bytes.Buffer
		require.NoError(t, json.Compact(&compact, d.RawInputSchema))
		ids, _, err := codec.Encode(strings.Join([]string{d.Name, d.Description, compact.String()}, "\n"))
		require.NoError(t, err)
		assert.LessOrEqual(t, len(ids), one, "%s takes too many tokens", tool.Name)
		b, err := json.Marshal(d)
		require.NoError(t, err)
		if byDefault.Offers(tool) {
			count, total, bytesTotal = count+1, total+len(ids), bytesTotal+len(b)
		}
		t.Logf("%-24s %4d tokens %5d bytes", tool.Name, len(ids), len(b))
	}
	assert.LessOrEqual(t, total, all)
	assert.LessOrEqual(t, bytesTotal, wire)
	assert.LessOrEqual(t, count, most)
	t.Logf("%d tools by default: %d tokens, %d bytes", count, total, bytesTotal)
}

func TestTheTableHasTheEightOperationsAndTheTwoForStarting(t *testing.T) {
	var names []string
	for _, tool := range tools.All() {
		names = append(names, tool.Name)
	}
	for _, want := range []string{
		"vm_network_details", "vm_test_connectivity", "vm_dns_lookup", "orbstack_config_get", "orbstack_config_set",
		"vm_username_set", "vm_logs", "vm_status_detailed", "vm_list", "orbstack_status",
	} {
		assert.True(t, slices.Contains(names, want), "%s is gone", want)
	}
}
