package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"unicode"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type args = map[string]any

// A result is what a tool answered.
type result struct {
	IsError    bool
	Text       string
	Structured map[string]any
	Raw        json.RawMessage
}

// call runs a tool and holds its answer to what is promised of every answer.
func (s *session) call(t testing.TB, tool string, a args) result {
	t.Helper()
	m := s.request(t, "tools/call", args{"name": tool, "arguments": a})
	require.Nil(t, m.Error, "%s answered with a protocol error: %v", tool, m.Error)
	if q, ok := questionOf(t, m); ok {
		m = s.reply(t, tool, a, q.State, s.decide(q.Plan))
		require.Nil(t, m.Error, "%s answered with a protocol error: %v", tool, m.Error)
	}
	return s.result(t, tool, m)
}

func (s *session) result(t testing.TB, tool string, m message) result {
	t.Helper()
	var wire struct {
		IsError bool `json:"isError"`
		Content []struct {
			Type string `json:"type"`
			Text string `json:"text"`
		} `json:"content"`
		Structured json.RawMessage `json:"structuredContent"`
		Type       string          `json:"resultType"`
	}
	require.NoError(t, json.Unmarshal(m.Result, &wire))
	require.Len(t, wire.Content, 1)
	require.Equal(t, "text", wire.Content[0].Type)
	if s.era == modern {
		require.Equal(t, "complete", wire.Type)
	}
	r := result{IsError: wire.IsError, Text: wire.Content[0].Text, Raw: wire.Structured}
	require.NoError(t, json.Unmarshal(wire.Structured, &r.Structured))
	assertHarmless(t, r.Text)
	if r.IsError {
		checkError(t, r)
	} else {
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(wire.Structured))
		require.NoError(t, err)
		assert.NoError(t, strictSchema(t, tool).Validate(v), "%s: %s", tool, wire.Structured)
	}
	return r
}

// checkError: the text starts with the code, and says what to do next.
func checkError(t testing.TB, r result) {
	t.Helper()
	assert.True(t, strings.HasPrefix(r.Text, r.code()+": "), "%q does not start with its code %q", r.Text, r.code())
	e, _ := r.Structured["error"].(map[string]any)
	details, _ := e["details"].(map[string]any)
	if r.code() != "cancelled" && details["problems"] == nil {
		assert.NotEmpty(t, e["hint"], "%s: no next step", r.Text)
	}
	assert.NotContains(t, r.Text, "%!", "a broken format")
	assert.NotContains(t, r.Text, "&{", "a Go value")
	assert.Less(t, len(r.Text), 1600, "an error is short")
}

// code is the error's code, "" for a result.
func (r result) code() string {
	e, _ := r.Structured["error"].(map[string]any)
	c, _ := e["code"].(string)
	return c
}

// at reads a field by its path: at("attempts", 0, "verdict").
func (r result) at(path ...any) any {
	var v any = r.Structured
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[p]
		case int:
			l, _ := v.([]any)
			if p >= len(l) {
				return nil
			}
			v = l[p]
		}
	}
	return v
}

// assertHarmless: no control or invisible character reaches the model.
func assertHarmless(t testing.TB, text string) {
	t.Helper()
	for _, r := range text {
		if r == '\n' || r == '\t' {
			continue
		}
		if unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029' || r >= 0xe0000 && r <= 0xe0fff || r >= 0xfe00 && r <= 0xfe0f {
			assert.Fail(t, "a control or invisible character", "%U in %.200q", r, text)
			return
		}
	}
}

// strictSchema is the whole output schema of a tool, from its golden file.
func strictSchema(t testing.TB, tool string) *jsonschema.Schema {
	t.Helper()
	s, err := compiled.get(tool)
	require.NoError(t, err)
	return s
}

var compiled = &schemaCache{schemas: map[string]*jsonschema.Schema{}}

type schemaCache struct {
	mu      sync.Mutex
	schemas map[string]*jsonschema.Schema
}

func (c *schemaCache) get(tool string) (*jsonschema.Schema, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.schemas[tool]; s != nil {
		return s, nil
	}
	b, err := os.ReadFile(filepath.Join("..", "..", "schemas", tool+".json"))
	if err != nil {
		return nil, err
	}
	var golden struct {
		Strict json.RawMessage `json:"strictOutputSchema"`
	}
	if err := json.Unmarshal(b, &golden); err != nil {
		return nil, err
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(golden.Strict))
	if err != nil {
		return nil, err
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("mem:///"+tool, doc); err != nil {
		return nil, err
	}
	s, err := compiler.Compile("mem:///" + tool)
	c.schemas[tool] = s
	return s, err
}
