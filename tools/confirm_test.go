package tools

import (
	"context"
	"encoding/json"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/orbctl"
)

// asker is a consent of a call as it comes a second time, with a state and an answer.
func asker(s *seals, state, action string) *consent {
	c := &consent{policy: ConfirmAsk, within: time.Minute, canAsk: true, seals: s, tool: "vm_delete", digest: "d", state: state}
	if action != "" {
		c.answer = &mcp.ElicitationResult{}
		c.answer.Action = mcp.ElicitationResponseAction(action)
	}
	return c
}

var deleteIt = Question{About: "01ID", Plan: "Delete it.", Instead: "In the app."}

// stateOf asks, and gives what the client carries.
func stateOf(t *testing.T, s *seals) string {
	t.Helper()
	var ask *asking
	require.ErrorAs(t, asker(s, "", "").Confirm(deleteIt), &ask)
	assert.Equal(t, deleteIt, ask.question)
	return ask.state
}

func TestAYesIsForOneQuestion(t *testing.T) {
	t.Parallel()
	s := newTestSeals(t)
	c := asker(s, stateOf(t, s), "accept")
	require.NoError(t, c.Confirm(deleteIt))
	require.NoError(t, c.Confirm(deleteIt), "in the same call it is not asked twice")
	var f *failure
	require.ErrorAs(t, c.Confirm(Question{About: "01ID", Plan: "Delete another."}), &f, "another question needs another yes")
	assert.Equal(t, confirmationExpired, f.Code)
	require.ErrorAs(t, asker(s, c.state, "accept").Confirm(deleteIt), &f, "and another call as well")
	assert.Equal(t, confirmationExpired, f.Code)
}

func TestWhatIsNoYes(t *testing.T) {
	t.Parallel()
	s := newTestSeals(t)
	for name, c := range map[string]struct {
		consent *consent
		about   string
		code    code
	}{
		"no":                 {asker(s, stateOf(t, s), "decline"), "01ID", confirmationDeclined},
		"closed":             {asker(s, stateOf(t, s), "cancel"), "01ID", confirmationDeclined},
		"nothing":            {asker(s, stateOf(t, s), ""), "01ID", confirmationDeclined},
		"a word of its own":  {asker(s, stateOf(t, s), "yes"), "01ID", confirmationDeclined},
		"an empty one":       {&consent{policy: ConfirmAsk, canAsk: true, seals: s, tool: "vm_delete", digest: "d", state: stateOf(t, s), answer: &mcp.ElicitationResult{}}, "01ID", confirmationDeclined},
		"a yes without":      {asker(s, "", "accept"), "01ID", confirmationExpired},
		"to another machine": {asker(s, stateOf(t, s), "accept"), "01OTHER", "machine_changed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := deleteIt
			q.About = c.about
			var f *failure
			require.ErrorAs(t, c.consent.Confirm(q), &f)
			assert.Equal(t, c.code, f.Code)
			assert.NotEmpty(t, f.Hint)
			require.Error(t, c.consent.Confirm(q), "it does not become one")
		})
	}
}

// A tool that wants to ask something else after the yes than it asked before it
// does nothing.
func TestAToolThatChangesItsQuestionIsStopped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n, done := 0, false
		tool := Do(Tool{Name: "fickle"}, func(_ context.Context, c *Call, _ struct{}) (struct{}, error) {
			n++
			if err := c.Confirm(Question{About: "01ID", Plan: "First this."}); err != nil {
				return struct{}{}, err
			}
			if err := c.Confirm(Question{About: "01ID", Plan: "Then that."}); err != nil {
				return struct{}{}, err
			}
			done = true
			return struct{}{}, nil
		})
		s := &toolServer{
			orb: orbctl.New(fails{}, orbctl.Mac{}), seals: newTestSeals(t), log: slog.New(slog.DiscardHandler),
			options: Options{Policy: Policy{Confirm: ConfirmAsk, ConfirmWithin: time.Minute}},
		}
		handle := s.handler(tool)
		sum := asker(s.seals, "", "")
		sum.tool = "fickle"
		req := mcp.CallToolRequest{}
		req.Params.RawArguments = json.RawMessage(`{}`)
		// The digest that the server makes of these arguments is its own affair.
		sum.digest = s.newConsent(t.Context(), tool, json.RawMessage(`{}`), req).digest
		var ask *asking
		require.ErrorAs(t, sum.Confirm(Question{About: "01ID", Plan: "First this."}), &ask)
		req.Params.RequestState = ask.state
		yes := mcp.ElicitationResult{}
		yes.Action = mcp.ElicitationResponseActionAccept
		req.Params.InputResponses = mcp.InputResponses{answerKey: mcp.NewElicitationInputResponse(yes)}
		r, err := handle(t.Context(), req)
		require.NoError(t, err)
		assert.True(t, r.IsError)
		assert.Contains(t, r.Content[0].(mcp.TextContent).Text, "confirmation_expired: ")
		assert.Equal(t, 1, n)
		assert.False(t, done)
	})
}
