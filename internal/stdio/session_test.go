package stdio

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEveryLegacyVersionIsNegotiated(t *testing.T) {
	for _, version := range []string{"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"} {
		f := newFixture()
		f.tool("version", func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			return mcp.NewToolResultText("speaks " + server.RequestProtocolVersion(ctx)), nil
		})
		got, err := exchange(t, f.MCPServer, Options{}, strings.Replace(initialize, "2025-11-25", version, 1), eras[0].call("1", "version", ""))
		require.NoError(t, err)
		assert.Contains(t, got[`"init"`][0].raw, `"protocolVersion":"`+version+`"`)
		assert.Contains(t, got["1"][0].raw, "speaks "+version)
	}
}

func TestRequestOfAClientThatHasNotSaidItsProtocolIsRefused(t *testing.T) {
	lines := []string{
		`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`,
		`{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"echo"}}`,
		`{"jsonrpc":"2.0","id":3,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2025-11-25"}}}`,
		`{"jsonrpc":"2.0","id":4,"method":"tools/list","params":{"_meta":[]}}`,
		`{"jsonrpc":"2.0","id":5,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":7}}}`,
	}
	got, err := exchange(t, newFixture().MCPServer, Options{}, append(lines, `{"jsonrpc":"2.0","id":"p","method":"ping"}`)...)
	require.NoError(t, err)
	for i := range lines {
		r := got[fmt.Sprint(i+1)][0]
		require.NotNil(t, r.Error, r.raw)
		assert.Equal(t, -32602, r.Error.Code)
		assert.Contains(t, r.Error.Message, "send initialize first")
	}
	assert.Equal(t, "{}", string(got[`"p"`][0].Result), "ping needs nothing")
}

func TestModernRequestsAreJudgedByThemselves(t *testing.T) {
	modern, legacy := eras[1], eras[0]
	got, err := exchange(t, newFixture().MCPServer, Options{},
		modern.request("1", "server/discover", ""),
		legacy.request("2", "tools/list", ""),
		modern.request("3", "initialize", `{"protocolVersion":"2025-11-25","capabilities":{}}`),
		legacy.request("4", "tools/list", ""),
		modern.request("5", "ping", ""),
		strings.Replace(modern.request("6", "tools/list", ""), "2026-07-28", "2099-01-01", 1),
		strings.Replace(modern.request("7", "tools/list", ""), `,"io.modelcontextprotocol/clientCapabilities":{}`, "", 1),
		modern.request("8", "tools/list", ""),
		legacy.request("9", "server/discover", ""),
	)
	require.NoError(t, err)
	for id, code := range map[string]int{"2": -32602, "3": -32601, "4": -32602, "5": -32601, "6": -32022, "7": -32602, "9": -32601} {
		require.NotNil(t, got[id][0].Error, id)
		assert.Equal(t, code, got[id][0].Error.Code, got[id][0].raw)
	}
	assert.Contains(t, got["1"][0].raw, `"2026-07-28"`)
	assert.Contains(t, string(got["6"][0].Error.Data), `"supported"`)
	assert.Contains(t, got["8"][0].raw, `"cacheScope"`)
}

func TestBothErasOnOnePipe(t *testing.T) {
	got, err := exchange(t, newFixture().MCPServer, Options{}, initialize,
		eras[0].call("1", "echo", ""), eras[1].call("2", "echo", ""), eras[0].call("3", "echo", ""))
	require.NoError(t, err)
	for id, complete := range map[string]bool{"1": false, "2": true, "3": false} {
		assert.Equal(t, complete, strings.Contains(got[id][0].raw, `"resultType":"complete"`), got[id][0].raw)
	}
}

func TestClientInfoAndCapabilitiesBelongToTheConnectionOrToTheModernRequest(t *testing.T) {
	f := newFixture()
	f.tool("who", func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		s := server.ClientSessionFromContext(ctx).(server.SessionWithClientInfo)
		return mcp.NewToolResultText(fmt.Sprintf("%s, elicits %t, ready %t", s.GetClientInfo().Name, s.GetClientCapabilities().Elicitation != nil, s.Initialized())), nil
	})
	who := func(name, caps string) string {
		return `{"jsonrpc":"2.0","id":"` + name + `","method":"tools/call","params":{"name":"who","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",` +
			`"io.modelcontextprotocol/clientInfo":{"name":"` + name + `","version":"1"},"io.modelcontextprotocol/clientCapabilities":` + caps + `}}}`
	}
	got, err := exchange(t, f.MCPServer, Options{}, initialize, who("a", `{"elicitation":{}}`), who("b", `{}`), eras[0].call(`"c"`, "who", ""))
	require.NoError(t, err)
	assert.Contains(t, got[`"a"`][0].raw, "a, elicits true, ready true")
	assert.Contains(t, got[`"b"`][0].raw, "b, elicits false, ready true")
	assert.Contains(t, got[`"c"`][0].raw, "test, elicits false, ready true")
}

func TestLogMessagesHeedTheLevelOfTheirEra(t *testing.T) {
	f := newFixture()
	f.tool("log", func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		for _, level := range []mcp.LoggingLevel{mcp.LoggingLevelDebug, mcp.LoggingLevelError} {
			if err := f.SendLogMessageToClient(ctx, mcp.NewLoggingMessageNotification(level, "l", string(level))); err != nil {
				return nil, err
			}
		}
		return mcp.NewToolResultText("logged"), nil
	})
	legacy := func(lines ...string) int {
		got, err := exchange(t, f.MCPServer, Options{}, append([]string{initialize}, lines...)...)
		require.NoError(t, err)
		require.NotNil(t, got["1"][0].Result, got["1"][0].raw)
		return len(got[""])
	}
	assert.Equal(t, 1, legacy(eras[0].call("1", "log", "")), "errors only, by default")
	assert.Equal(t, 2, legacy(eras[0].request("0", "logging/setLevel", `{"level":"debug"}`), eras[0].call("1", "log", "")))
	assert.Equal(t, 0, legacy(eras[1].call("1", "log", "")), "a modern request has to ask")
	asks := eras[1].request("1", "tools/call", `{"_meta":{"io.modelcontextprotocol/logLevel":"debug"},"name":"log"}`)
	assert.Equal(t, 2, legacy(asks))
}

func TestResourceSubscriptionsOfALegacyClientAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture()
		var kept server.ClientSession
		hooks := &server.Hooks{}
		hooks.AddOnRegisterSession(func(_ context.Context, s server.ClientSession) { kept = s })
		server.WithHooks(hooks)(f.MCPServer)
		c := serve(t, f.MCPServer, Options{})
		c.begin(eras[0])
		s := kept.(server.SessionWithResourceSubscriptions)
		for _, uri := range []string{"test://b", "test://a", "test://a"} {
			c.send(eras[0].request("1", "resources/subscribe", `{"uri":"`+uri+`"}`))
			assert.NotNil(t, c.next().Result)
		}
		assert.Equal(t, []string{"test://a", "test://b"}, s.SubscribedResources())
		assert.True(t, s.IsSubscribedToResource("test://a"))
		require.NoError(t, f.SendNotificationToSpecificClient(s.SessionID(), "notifications/resources/updated", map[string]any{"uri": "test://a"}))
		assert.Equal(t, "test://a", c.next().Params.URI)
		c.send(eras[0].request("1", "resources/unsubscribe", `{"uri":"test://a"}`))
		assert.NotNil(t, c.next().Result)
		assert.False(t, s.IsSubscribedToResource("test://a"))
		c.end()
	})
}

func TestSubscriptionIsAcknowledgedFirstAndEndsByCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const id = `9007199254740993`
		e := eras[1]
		f := newFixture()
		c := serve(t, f.MCPServer, Options{MaxCalls: 1})
		listen := `{"notifications":{"toolsListChanged":true,"resourceSubscriptions":["test://a"]}}`
		c.send(e.request(id, "subscriptions/listen", listen))
		ack := c.next()
		assert.Equal(t, "notifications/subscriptions/acknowledged", ack.Method)
		assert.Equal(t, id, string(ack.Params.Meta[mcp.MetaKeySubscriptionID]))

		c.send(e.call("1", "echo", ""))
		assert.NotNil(t, c.next().Result, "it holds no slot")

		f.tool("new", nil)
		changed := c.next()
		assert.Equal(t, "notifications/tools/list_changed", changed.Method)
		assert.Equal(t, id, string(changed.Params.Meta[mcp.MetaKeySubscriptionID]))
		f.AddPrompt(mcp.NewPrompt("new"), nil) // not asked for

		c.send(cancelLine(id))
		synctest.Wait()
		f.tool("newer", nil)
		c.end()
	})
}

func TestSubscriptionIsAnsweredAtOnceWhenTheServerEnds(t *testing.T) {
	for _, signal := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			e := eras[1]
			c := serve(t, newFixture().MCPServer, Options{})
			c.send(e.request(`"s"`, "subscriptions/listen", `{"notifications":{"toolsListChanged":true}}`), e.request(`"none"`, "subscriptions/listen", `{}`))
			seen := map[string]int{}
			for range 3 {
				r := c.next()
				seen[r.Method+r.id()]++
			}
			assert.Equal(t, map[string]int{"notifications/subscriptions/acknowledged": 2, `"none"`: 1}, seen, "the empty one ends at once")
			if signal {
				c.cancel()
			} else {
				require.NoError(t, c.in.Close())
			}
			rest, err := c.rest()
			require.NoError(t, err)
			require.Len(t, rest, 1)
			assert.Equal(t, `"s"`, rest[0].id())
			var result struct {
				Meta map[string]json.RawMessage `json:"_meta"`
			}
			require.NoError(t, json.Unmarshal(rest[0].Result, &result))
			assert.Equal(t, `"s"`, string(result.Meta[mcp.MetaKeySubscriptionID]))
		})
	}
}

func TestNothingPrecedesTheAcknowledgement(t *testing.T) {
	w := &strings.Builder{}
	c := &conn{o: Options{}.withDefaults(), calls: newTable(Options{}.withDefaults())}
	c.out = newWriter(w, c.calls.remove)
	c.base = newSession(newAsks(c.out), nil)
	k := &call{message: message{id: []byte("1"), modern: true}, at: listening, ctx: t.Context()}
	s := c.listenSession(k)
	_, active := s.SubscriptionFilter()
	assert.True(t, active)
	note := func(method string) mcp.JSONRPCNotification {
		return mcp.JSONRPCNotification{JSONRPC: "2.0", Notification: mcp.Notification{Method: method}}
	}
	s.NotificationChannel() <- note("early")
	s.NotificationChannel() <- note(mcp.MethodNotificationSubscriptionsAcknowledged)
	s.NotificationChannel() <- note("late")
	s.box.close()
	c.out.close(flush)
	var order []string
	for text := range strings.Lines(w.String()) {
		order = append(order, decode(t, text).Method)
	}
	assert.Equal(t, []string{mcp.MethodNotificationSubscriptionsAcknowledged, "early", "late"}, order)
}

func TestSubscriptionsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := serve(t, newFixture().MCPServer, Options{})
		for i := range maxListens + 1 {
			c.send(eras[1].request(fmt.Sprint(i), "subscriptions/listen", `{"notifications":{"toolsListChanged":true}}`))
		}
		refused := 0
		for range maxListens + 1 {
			if r := c.next(); r.Error != nil {
				refused++
				assert.Equal(t, codeBusy, r.Error.Code)
			}
		}
		assert.Equal(t, 1, refused)
	})
}
