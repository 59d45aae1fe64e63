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
