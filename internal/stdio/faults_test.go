package stdio

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestBadLinesAreAnsweredByWhatIsWrongAndTheServerLives(t *testing.T) {
	for name, test := range map[string]struct {
		line, id string
		code     int
		says     string
	}{
		"not JSON":                 {`this is not json`, "null", -32700, "not valid JSON"},
		"cut off":                  {`{"jsonrpc":"2.0","id":1,"method":"ping"`, "null", -32700, "not valid JSON"},
		"two in a line":            {`{"jsonrpc":"2.0","id":1,"method":"ping"}{}`, "null", -32700, "one JSON-RPC message a line"},
		"too deep":                 {strings.Repeat("[", 20000) + strings.Repeat("]", 20000), "null", -32700, "not valid JSON"},
		"no-break space":           {"\u00a0", "null", -32700, "not valid JSON"},
		"batch":                    {`[{"jsonrpc":"2.0","id":"b1","method":"ping"}]`, "null", -32600, "batches are not supported"},
		"empty batch":              {` []`, "null", -32600, "batches are not supported"},
		"a number":                 {`5`, "null", -32600, "JSON object"},
		"null":                     {`null`, "null", -32600, "jsonrpc"},
		"empty object":             {`{}`, "null", -32600, "jsonrpc"},
		"jsonrpc 1.0":              {`{"jsonrpc":"1.0","id":77,"method":"ping"}`, "77", -32600, `"2.0"`},
		"jsonrpc a number":         {`{"jsonrpc":2.0,"id":77,"method":"ping"}`, "77", -32600, `"2.0"`},
		"no jsonrpc":               {`{"id":"x","method":"ping"}`, `"x"`, -32600, `"2.0"`},
		"notification of 1.0":      {`{"jsonrpc":"1.0","method":"notifications/initialized"}`, "null", -32600, `"2.0"`},
		"notification of none":     {`{"method":"notifications/cancelled","params":{"requestId":1}}`, "null", -32600, `"2.0"`},
		"no method":                {`{"jsonrpc":"2.0","id":1}`, "1", -32600, "method"},
		"result without id":        {`{"jsonrpc":"2.0","result":{}}`, "null", -32600, "method"},
		"method a number":          {`{"jsonrpc":"2.0","id":1,"method":5}`, "1", -32600, "method must be a string"},
		"method empty":             {`{"jsonrpc":"2.0","id":1,"method":""}`, "1", -32600, "method must be a string"},
		"method endless":           {`{"jsonrpc":"2.0","id":1,"method":"` + strings.Repeat("m", 5000) + `"}`, "1", -32600, "at most 1024 bytes"},
		"id null":                  {`{"jsonrpc":"2.0","id":null,"method":"ping"}`, "null", -32600, "id must be"},
		"id an object":             {`{"jsonrpc":"2.0","id":{},"method":"ping"}`, "null", -32600, "id must be"},
		"id true":                  {`{"jsonrpc":"2.0","id":true,"method":"ping"}`, "null", -32600, "id must be"},
		"id endless":               {`{"jsonrpc":"2.0","id":"` + strings.Repeat("i", 5000) + `","method":"ping"}`, "null", -32600, "at most 1024 bytes"},
		"params an array":          {`{"jsonrpc":"2.0","id":1,"method":"ping","params":[1]}`, "1", -32602, "params must be an object"},
		"params a string":          {`{"jsonrpc":"2.0","id":1,"method":"ping","params":"x"}`, "1", -32602, "params must be an object"},
		"unknown method":           {`{"jsonrpc":"2.0","id":1,"method":"no/such/method"}`, "1", -32601, "no/such/method"},
		"name of the wrong type":   {`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":5}}`, "1", -32602, "name must not be a number"},
		"cursor of the wrong type": {`{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":[]}}`, "1", -32602, "cursor must not be an array"},
		"number beyond float64":    {`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"n":1e400}}}`, "1", -32602, "shape that MCP gives"},
		"unknown tool":             {`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"none"}}`, "1", -32602, "none"},
		"no such prompt":           {`{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"none"}}`, "1", -32602, "none"},
		"no such level":            {`{"jsonrpc":"2.0","id":1,"method":"logging/setLevel","params":{"level":"loud"}}`, "1", -32602, "loud"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := exchange(t, newFixture().MCPServer, Options{}, initialize, test.line, eras[0].call(`"after"`, "echo", `{"text":"alive"}`))
			require.NoError(t, err)
			require.Len(t, got, 3)
			require.Len(t, got[test.id], 1)
			r := got[test.id][0]
			require.NotNil(t, r.Error, r.raw)
			assert.Equal(t, test.code, r.Error.Code, r.raw)
			assert.Contains(t, r.Error.Message, test.says)
			assert.NotRegexp(t, `&\{|map\[|Go |json:`, r.raw)
			assert.Contains(t, got[`"after"`][0].raw, "alive")
		})
	}
}

func TestLinesThatAreNotToBeAnsweredAreNot(t *testing.T) {
	for name, line := range map[string]string{
		"blank": "", "spaces": " \t ", "carriage return": "\r",
		"unknown notification":      `{"jsonrpc":"2.0","method":"notifications/no_such"}`,
		"notification, odd params":  `{"jsonrpc":"2.0","method":"notifications/progress","params":[]}`,
		"request without id":        `{"jsonrpc":"2.0","method":"tools/call","params":{"name":"echo"}}`,
		"the same, odd params":      `{"jsonrpc":"2.0","method":"tools/call","params":[]}`,
		"response to nothing":       `{"jsonrpc":"2.0","id":1,"result":{}}`,
		"error response to nothing": `{"jsonrpc":"2.0","id":"server-1","error":{"code":1,"message":"x"}}`,
		"params null":               `{"jsonrpc":"2.0","method":"notifications/initialized","params":null}`,
	} {
		t.Run(name, func(t *testing.T) {
			inEachEra(t, func(t *testing.T, e era) {
				got, err := exchange(t, newFixture().MCPServer, Options{}, initialize, line, e.call("2", "echo", ""))
				require.NoError(t, err)
				assert.Len(t, got, 2)
			})
		})
	}
}

func TestCRLFAndMessagesInSeveralWritesAreAccepted(t *testing.T) {
	inEachEra(t, func(t *testing.T, e era) {
		c := serve(t, newFixture().MCPServer, Options{})
		c.begin(e)
		c.send(e.call("1", "echo", "") + "\r")
		assert.NotNil(t, c.next().Result)
		line := e.call("2", "echo", `{"text":"é😀"}`) + "\n"
		for i := range len(line) {
			_, err := c.in.Write([]byte(line[i : i+1]))
			require.NoError(t, err)
		}
		assert.Contains(t, c.next().raw, "é😀")
		c.end()
	})
}

func TestPanicIsAnsweredByAnInternalErrorAndLoggedWithItsStack(t *testing.T) {
	inEachEra(t, func(t *testing.T, e era) {
		logger, logged := logTo()
		got, err := exchange(t, newFixture().MCPServer, Options{Logger: logger}, initialize, e.call("1", "panic", ""), e.call("2", "echo", ""))
		require.NoError(t, err)
		require.Len(t, got["1"], 1)
		r := got["1"][0]
		assert.Equal(t, -32603, r.Error.Code)
		assert.NotRegexp(t, `&\{|map\[|goroutine|\.go:|0x`, r.raw)
		assert.Contains(t, logged.String(), "main_test.go:")
		assert.NotNil(t, got["2"][0].Result)
	})
}

func TestHandlerThatEndsItsGoroutineIsAnswered(t *testing.T) {
	inEachEra(t, func(t *testing.T, e era) {
		lines := []string{initialize}
		for _, id := range []string{"1", "2", "3"} { // more than there are slots: the slot comes back
			lines = append(lines, e.call(id, "exit", ""))
		}
		got, err := exchange(t, newFixture().MCPServer, Options{MaxCalls: 1}, append(lines, e.call("4", "echo", ""))...)
		require.NoError(t, err)
		for _, id := range []string{"1", "2", "3"} {
			require.Len(t, got[id], 1)
			assert.Equal(t, -32603, got[id][0].Error.Code)
		}
		assert.NotNil(t, got["4"][0].Result)
	})
}

func TestResultThatCannotBeEncodedIsAnsweredByAnInternalError(t *testing.T) {
	for _, tool := range []string{"unencodable", "panics-while-encoded"} {
		inEachEra(t, func(t *testing.T, e era) {
			r := e.only(t, newFixture().MCPServer, e.call("1", tool, ""))
			assert.Equal(t, "1", r.id())
			assert.Equal(t, -32603, r.Error.Code)
			assert.Contains(t, r.Error.Message, "could not be encoded")
		})
	}
}

func TestPanicInANotificationHandlerIsSurvived(t *testing.T) {
	f := newFixture()
	f.AddNotificationHandler("notifications/x", func(context.Context, mcp.JSONRPCNotification) { panic("x") })
	got, err := exchange(t, f.MCPServer, Options{}, initialize, `{"jsonrpc":"2.0","method":"notifications/x"}`, eras[0].call("1", "echo", ""))
	require.NoError(t, err)
	assert.NotNil(t, got["1"][0].Result)
}

func TestErrorCodesOfHandlers(t *testing.T) {
	for name, test := range map[string]struct {
		method, params string
		legacy, modern int
		says           string
	}{
		"missing resource, ours":      {"resources/read", `{"uri":"test://missing"}`, -32002, -32602, "it was never there"},
		"missing resource, mcp-go's":  {"resources/read", `{"uri":"test://lost"}`, -32002, -32602, "not found"},
		"resource nobody has":         {"resources/read", `{"uri":"test://none"}`, -32002, -32602, "not found"},
		"resource that fails":         {"resources/read", `{"uri":"test://broken"}`, -32603, -32603, "it broke"},
		"missing prompt argument":     {"prompts/get", `{"name":"ask"}`, -32602, -32602, "needs the argument machine"},
		"method of the other era":     {"logging/setLevel", `{"level":"loud"}`, -32602, -32601, "l"},
		"subscribe, of the other era": {"resources/subscribe", `{}`, -32602, -32601, "re"},
	} {
		t.Run(name, func(t *testing.T) {
			inEachEra(t, func(t *testing.T, e era) {
				r := e.only(t, newFixture().MCPServer, e.request("1", test.method, test.params))
				require.NotNil(t, r.Error)
				want := test.legacy
				if e.modern {
					want = test.modern
				}
				assert.Equal(t, want, r.Error.Code, r.raw)
				assert.Contains(t, r.Error.Message, test.says)
			})
		})
	}
}

func TestExistingHooksAreKept(t *testing.T) {
	var seen []error
	hooks := &server.Hooks{}
	hooks.AddOnError(func(_ context.Context, _ any, _ mcp.MCPMethod, _ any, err error) { seen = append(seen, err) })
	r := eras[0].only(t, newFixture(server.WithHooks(hooks)).MCPServer, eras[0].request("1", "resources/read", `{"uri":"test://missing"}`))
	assert.Equal(t, -32002, r.Error.Code)
	assert.JSONEq(t, `{"uri":"test://missing"}`, string(r.Error.Data))
	require.Len(t, seen, 1)
	_, ok := errors.AsType[*CodeError](seen[0])
	assert.True(t, ok)
}

func TestErrorDataThatCannotBeEncodedIsLeftOut(t *testing.T) {
	text := errorLine([]byte("1"), &CodeError{Code: 5, Message: "m", Data: func() {}})
	assert.Equal(t, `{"jsonrpc":"2.0","id":1,"error":{"code":5,"message":"m"}}`+"\n", string(text))
}

func TestClipKeepsRunesWhole(t *testing.T) {
	assert.Equal(t, "é", clip("é", 2))
	assert.Equal(t, "a [… 4 bytes omitted …]", clip("aéé", 2))
}
