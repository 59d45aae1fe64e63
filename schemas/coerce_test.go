package schemas

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A map's names are the caller's: its values are put right, and none is dropped.
func TestValuesUnderNamesOfTheCallersArePutRight(t *testing.T) {
	t.Parallel()
	type in struct {
		Env map[string]string `json:"env,omitempty" jsonschema_description:"Names and values."`
	}
	c, err := NewChecker(Of[in](), Also{})
	require.NoError(t, err)
	got, problems := c.Check(json.RawMessage(`{"env":{"PORT":8080,"DEBUG":true,"EMPTY":""}}`))
	require.Empty(t, problems)
	assert.JSONEq(t, `{"env":{"PORT":"8080","DEBUG":"true","EMPTY":""}}`, string(got))
	for _, wrong := range []string{`{"env":{"A":["x"]}}`, `{"env":{"A":null}}`, `{"env":["A=x"]}`, `{"env":"A=x"}`} {
		_, problems = c.Check(json.RawMessage(wrong))
		assert.NotEmpty(t, problems, wrong)
	}
}

// A word out of a list is known whatever its letters' case and the blanks around it;
// no other word is taken for one.
func TestAWordOutOfAListIsKnownByItsLetters(t *testing.T) {
	t.Parallel()
	type in struct {
		Type   string `json:"type,omitempty" jsonschema:"enum=A,enum=AAAA,enum=MX" jsonschema_description:"Type."`
		Method string `json:"method,omitempty" jsonschema:"enum=tcp,enum=http" jsonschema_description:"Method."`
		Both   string `json:"both,omitempty" jsonschema:"enum=x,enum=X,enum=xy" jsonschema_description:"Two that differ in case only."`
		Text   string `json:"text,omitempty" jsonschema_description:"Any text."`
	}
	c, err := NewChecker(Of[in](), Also{Values: map[string]map[string]string{"method": {"curl": "http"}}})
	require.NoError(t, err)
	for given, want := range map[string]string{
		`{"type":"mx"}`: `{"type":"MX"}`, `{"type":" aaaa\n"}`: `{"type":"AAAA"}`, `{"type":"A"}`: `{"type":"A"}`,
		`{"method":"HTTP"}`: `{"method":"http"}`, `{"method":" CURL "}`: `{"method":"http"}`,
		`{"both":"x"}`: `{"both":"x"}`, `{"both":"X"}`: `{"both":"X"}`, `{"both":"XY"}`: `{"both":"xy"}`,
		`{"text":" MX "}`: `{"text":" MX "}`,
	} {
		got, problems := c.Check(json.RawMessage(given))
		require.Empty(t, problems, given)
		assert.JSONEq(t, want, string(got))
	}
	for _, wrong := range []string{`{"type":"m x"}`, `{"type":"MXX"}`, `{"type":"AAA"}`, `{"both":" x"}`, `{"method":"cur l"}`, `{"type":["mx"]}`} {
		_, problems := c.Check(json.RawMessage(wrong))
		assert.NotEmpty(t, problems, wrong)
	}
}
