package e2e

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A person is the user of a client: reads a plan and says accept, decline or
// cancel, or nothing at all.
type person func(plan string) string

// The answers that a person can give, beside none.
const (
	accept  = "accept"
	decline = "decline"
	closes  = "cancel" // the dialog
	silence = ""
	// refusal is no person's: a client that declared the ability and answers with
	// an error.
	refusal = "refusal"
)

// always is a person who gives one answer to everything.
func always(action string) person { return func(string) string { return action } }

// openAsking starts a server for a client whose user can be asked.
func openAsking(t testing.TB, world string, e era, p person, serverArgs ...string) *session {
	t.Helper()
	return openTo(t, world, e, p, nil, append([]string{bin.server}, serverArgs...)...)
}

// capabilities are what the client says that it can do.
func (s *session) capabilities() map[string]any {
	if s.person == nil {
		return map[string]any{}
	}
	return map[string]any{"elicitation": map[string]any{}}
}

// decide has the person read a plan.
func (s *session) decide(plan string) string {
	s.mu.Lock()
	s.plans = append(s.plans, plan)
	s.mu.Unlock()
	return s.person(plan)
}

// asked is every plan that the person has read so far.
func (s *session) asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.plans)
}

// answer is what a legacy client does with a question.
func (s *session) answer(m message) {
	var params struct {
		Message string         `json:"message"`
		Schema  map[string]any `json:"requestedSchema"`
	}
	if !assert.NoError(s.t, json.Unmarshal(m.Params, &params)) {
		return
	}
	assertNothingToFillIn(s.t, params.Schema)
	action := s.decide(params.Message)
	if action == silence {
		return
	}
	reply := map[string]any{"jsonrpc": "2.0", "id": m.ID, "result": answerOf(action)}
	if action == refusal {
		reply = map[string]any{"jsonrpc": "2.0", "id": m.ID, "error": map[string]any{"code": -32601, "message": "no dialog \x1b[2J here"}}
	}
	b, err := json.Marshal(reply)
	if assert.NoError(s.t, err) {
		_, _ = s.stdin.Write(append(b, '\n')) // a server that is gone needs none
	}
}

func answerOf(action string) map[string]any {
	if action == accept {
		return map[string]any{"action": action, "content": map[string]any{}}
	}
	return map[string]any{"action": action}
}

// assertNothingToFillIn: a model could fill in a field, and a person need not.
func assertNothingToFillIn(t testing.TB, schema map[string]any) {
	assert.Equal(t, "object", schema["type"])
	assert.Empty(t, schema["properties"])
}

// A question is what a modern server answers where a person has to agree.
type question struct{ Plan, State string }

func questionOf(t testing.TB, m message) (question, bool) {
	t.Helper()
	var wire struct {
		Type     string `json:"resultType"`
		State    string `json:"requestState"`
		Requests map[string]struct {
			Method string `json:"method"`
			Params struct {
				Message string         `json:"message"`
				Schema  map[string]any `json:"requestedSchema"`
			} `json:"params"`
		} `json:"inputRequests"`
	}
	require.NoError(t, json.Unmarshal(m.Result, &wire))
	if wire.Type != "input_required" {
		return question{}, false
	}
	require.Len(t, wire.Requests, 1)
	r, ok := wire.Requests["agreement"]
	require.True(t, ok)
	assert.Equal(t, "elicitation/create", r.Method)
	assertNothingToFillIn(t, r.Params.Schema)
	require.NotEmpty(t, wire.State)
	return question{r.Params.Message, wire.State}, true
}

// question calls a tool that has to ask, as a modern client.
func (s *session) question(t testing.TB, tool string, a args) question {
	t.Helper()
	m := s.request(t, "tools/call", args{"name": tool, "arguments": a})
	require.Nil(t, m.Error)
	q, ok := questionOf(t, m)
	require.True(t, ok, "%s asked nothing: %s", tool, m.Result)
	return q
}

// reply calls again with an answer; silence comes back without one.
func (s *session) reply(t testing.TB, tool string, a args, state, action string) message {
	t.Helper()
	params := args{"name": tool, "arguments": a, "requestState": state}
	if action != silence {
		params["inputResponses"] = args{"agreement": answerOf(action)}
	}
	return s.request(t, "tools/call", params)
}

// replied is reply and its result.
func (s *session) replied(t testing.TB, tool string, a args, state, action string) result {
	t.Helper()
	m := s.reply(t, tool, a, state, action)
	require.Nil(t, m.Error)
	return s.result(t, tool, m)
}
