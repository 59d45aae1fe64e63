package stdio

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// asker is a fixture with a tool that asks the user, and keeps what it was told.
func asker(request mcp.ElicitationParams) (*fixture, chan error) {
	f := newFixture()
	errs := make(chan error, 10)
	f.tool("ask", func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		result, err := f.RequestElicitation(ctx, mcp.ElicitationRequest{Params: request})
		errs <- err
		if err != nil {
			return mcp.NewToolResultError(err.Error()), nil
		}
		return mcp.NewToolResultText(fmt.Sprintf("user: %s %v", result.Action, result.Content)), nil
	})
	return f, errs
}

var form = mcp.ElicitationParams{Message: "delete it?", RequestedSchema: map[string]any{"type": "object", "properties": map[string]any{}}}

func initializeWith(capabilities string) string {
	return strings.Replace(initialize, `"capabilities":{}`, `"capabilities":`+capabilities, 1)
}

// asked starts a call of ask, and returns the question as the client gets it.
func asked(t *testing.T, f *fixture, o Options) (*client, reply) {
	t.Helper()
	c := serve(t, f.MCPServer, o)
	c.send(initializeWith(`{"elicitation":{}}`))
	c.next()
	c.send(eras[0].call("1", "ask", ""))
	q := c.next()
	require.Equal(t, "elicitation/create", q.Method)
	require.Equal(t, "delete it?", q.Params.Message)
	return c, q
}

func TestUserIsAskedAndTheAnswerComesBackById(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, _ := asker(form)
		c, q := asked(t, f, Options{})
		assert.Equal(t, `"server-1"`, q.id())
		c.send(`{"jsonrpc":"2.0","id":1,"result":{"action":"decline"}}`, `{"jsonrpc":"2.0","id":"server-2","result":{"action":"decline"}}`)
		c.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":{"action":"accept","content":{"a":"b"}}}`, q.ID))
		c.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":{"action":"decline"}}`, q.ID))
		assert.Contains(t, c.next().raw, "user: accept map[a:b]")
		c.end()
	})
}

func TestClientThatCannotAskIsNotAsked(t *testing.T) {
	url := mcp.ElicitationParams{Mode: mcp.ElicitationModeURL, Message: "m", ElicitationID: "e", URL: "https://example.org"}
	for name, test := range map[string]struct {
		capabilities string
		request      mcp.ElicitationParams
		asked        bool
	}{
		"nothing declared":      {`{}`, form, false},
		"only web pages":        {`{"elicitation":{"url":{}}}`, form, false},
		"only forms, url asked": {`{"elicitation":{"form":{}}}`, url, false},
		"old style, url asked":  {`{"elicitation":{}}`, url, false},
		"old style":             {`{"elicitation":{}}`, form, true},
		"forms":                 {`{"elicitation":{"form":{}}}`, form, true},
		"web pages":             {`{"elicitation":{"url":{}}}`, url, true},
	} {
		t.Run(name, func(t *testing.T) {
			f, errs := asker(test.request)
			got, err := exchange(t, f.MCPServer, Options{}, initializeWith(test.capabilities), eras[0].call("1", "ask", ""))
			require.NoError(t, err)
			err = <-errs
			if test.asked {
				require.NotErrorIs(t, err, errElicitationNotDeclared)
				return
			}
			require.ErrorIs(t, err, errElicitationNotDeclared)
			require.ErrorIs(t, err, server.ErrElicitationNotSupported)
			assert.Len(t, got, 2)
		})
	}
}

func TestModernClientsNeverReceiveRequests(t *testing.T) {
	f, errs := asker(form)
	f.tool("ask-directly", func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		_, err := server.ClientSessionFromContext(ctx).(server.SessionWithElicitation).RequestElicitation(ctx, mcp.ElicitationRequest{Params: form})
		errs <- err
		return mcp.NewToolResultText("x"), nil
	})
	for _, tool := range []string{"ask", "ask-directly"} {
		line := strings.Replace(eras[1].call("1", tool, ""), `clientCapabilities":{}`, `clientCapabilities":{"elicitation":{}}`, 1)
		got, err := exchange(t, f.MCPServer, Options{}, initializeWith(`{"elicitation":{}}`), line)
		require.NoError(t, err)
		require.ErrorIs(t, <-errs, server.ErrServerInitiatedRequestUnsupported)
		assert.Len(t, got, 2)
	}
}

func TestClientsRefusalAndNonsenseBecomeErrors(t *testing.T) {
	for answer, says := range map[string]string{
		`"error":{"code":-32601,"message":"not here"}`: "not here",
		`"error":7`:              "does not have the shape",
		`"result":7`:             "does not have the shape",
		`"result":{"action":[]}`: "does not have the shape",
	} {
		synctest.Test(t, func(t *testing.T) {
			f, errs := asker(form)
			c, q := asked(t, f, Options{})
			c.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,%s}`, q.ID, answer))
			assert.Contains(t, c.next().raw, says)
			err := <-errs
			if strings.HasPrefix(answer, `"error"`) {
				_, ok := errors.AsType[*ClientError](err)
				assert.True(t, ok)
			}
			c.end()
		})
	}
}

func TestAnswerThatIsTooLongBecomesAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, _ := asker(form)
		c, q := asked(t, f, Options{MaxMessage: 100_000})
		c.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":{"action":"accept","content":{"a":"%s"}}}`, q.ID, strings.Repeat("x", 200_000)))
		assert.Contains(t, c.next().raw, "longer than 100000 bytes")
		c.end()
	})
}

func TestQuestionIsTakenBackWhenItsCallEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, errs := asker(form)
		c, _ := asked(t, f, Options{})
		c.send(cancelLine("1"))
		back := c.next()
		assert.Equal(t, "notifications/cancelled", back.Method)
		assert.Contains(t, back.raw, `"requestId":"server-1"`)
		require.ErrorIs(t, <-errs, ErrCancelled)
		c.end()
	})
}

func TestQuestionEndsWithItsOwnDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture()
		f.tool("ask", func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			ctx, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			_, err := f.RequestElicitation(ctx, mcp.ElicitationRequest{Params: form})
			return mcp.NewToolResultText(err.Error()), nil
		})
		c, _ := asked(t, f, Options{})
		assert.Equal(t, "notifications/cancelled", c.next().Method)
		assert.Contains(t, c.next().raw, "deadline exceeded")
		c.end()
	})
}

func TestQuestionFailsAtOnceWhenTheClientClosesItsSide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, _ := asker(form)
		c, _ := asked(t, f, Options{})
		start := time.Now()
		require.NoError(t, c.in.Close())
		rest, err := c.rest()
		require.NoError(t, err)
		require.Len(t, rest, 1)
		assert.Contains(t, rest[0].raw, "no answer can come")
		assert.Zero(t, time.Since(start))
	})
}

func TestAnswerDuringTheDrainOfASignalCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, _ := asker(form)
		c, q := asked(t, f, Options{})
		c.cancel()
		synctest.Wait()
		c.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":{"action":"accept"}}`, q.ID))
		rest, err := c.rest()
		require.NoError(t, err)
		require.Len(t, rest, 1)
		assert.Contains(t, rest[0].raw, "user: accept")
	})
}

func TestNobodyIsAskedForACallThatIsOver(t *testing.T) {
	w := newWriter(io.Discard, func(*call) {})
	defer w.close(flush)
	a := newAsks(w)
	ctx, cancel := context.WithCancelCause(t.Context())
	k := &call{ctx: ctx, cancel: cancel}
	k.state.Store(stateAnswered)
	cancel(errOver)
	assert.ErrorContains(t, a.ask(t.Context(), k, "x", map[string]any{}, nil), "is over")
	assert.Error(t, a.ask(t.Context(), k, "x", func() {}, nil))
	a.end(io.EOF)
	assert.ErrorIs(t, a.ask(t.Context(), k, "x", map[string]any{}, nil), io.EOF)
}
