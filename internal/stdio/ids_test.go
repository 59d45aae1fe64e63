package stdio

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestIdsComeBackByteForByte(t *testing.T) {
	ids := []string{
		`0`, `-1`, `7`, `"7"`, `""`, `9007199254740991`, `9007199254740993`, `123456789012345678901234567890`,
		`1e400`, `-1E+400`, `1.50`, `"a b\u00e9\u{}"`, `"\u003c&>"`, `"<tag>"`, `"é😀"`, `"\/"`, `"` + strings.Repeat("x", 900) + `"`,
	}
	inEachEra(t, func(t *testing.T, e era) {
		lines := []string{initialize}
		for _, id := range ids {
			if json.Valid([]byte(id)) {
				lines = append(lines, e.call(id, "echo", `{"text":"x"}`), e.request(strconv.Itoa(len(lines)*1000), "tools/list", ""))
			}
		}
		got, err := exchange(t, newFixture().MCPServer, Options{}, lines...)
		require.NoError(t, err)
		assert.Len(t, got, len(lines))
		for _, id := range ids {
			if json.Valid([]byte(id)) {
				require.Len(t, got[id], 1, id)
				assert.NotNil(t, got[id][0].Result, got[id][0].raw)
			}
		}
	})
}

func TestSecondRequestUnderAnIdInFlightIsRefusedAndTheFirstUnharmed(t *testing.T) {
	inEachEra(t, func(t *testing.T, e era) {
		synctest.Test(t, func(t *testing.T) {
			f := newFixture()
			c := serve(t, f.MCPServer, Options{})
			c.begin(e)
			c.send(e.call("7", "deaf", ""), e.call("7", "echo", ""), e.request("7", "tools/list", ""))
			for range 2 {
				r := c.next()
				assert.Equal(t, "null", r.id())
				assert.Equal(t, -32600, r.Error.Code)
				assert.JSONEq(t, `{"requestId":7}`, string(r.Error.Data))
			}
			close(f.release)
			r := c.next()
			assert.Equal(t, "7", r.id())
			assert.Contains(t, r.raw, "released")
			c.end()
		})
	})
}

func TestProgressTokenComesBackByteForByte(t *testing.T) {
	for _, token := range []string{`1`, `"1"`, `9007199254740993`, `"t<&>"`} {
		inEachEra(t, func(t *testing.T, e era) {
			c := serve(t, newFixture().MCPServer, Options{})
			c.begin(e)
			c.send(e.callWithToken("1", token, "progress", `{"n":1}`))
			var want, got any
			note := c.next()
			require.NoError(t, json.Unmarshal([]byte(token), &want))
			require.NoError(t, json.Unmarshal(note.Params.Token, &got))
			assert.Equal(t, want, got)
			if token[0] != '"' {
				assert.Equal(t, token, string(note.Params.Token))
			}
			assert.Equal(t, "1", c.next().id())
			c.end()
		})
	}
}

func TestIdIsRecoveredFromHeadOrTail(t *testing.T) {
	big := strings.Repeat(`x\"{`, 50_000)
	for name, test := range map[string]struct {
		line, id, method string
		response         bool
	}{
		"id first":            {`{"jsonrpc":"2.0","id":"a","method":"m","params":{"id":1,"x":"` + big + `"}}`, `"a"`, "m", false},
		"id last":             {`{"jsonrpc":"2.0","method":"m","params":{"x":"` + big + `","id":1},"id":-7.5e3 }` + "\r\n", `-7.5e3`, "m", false},
		"id before last":      {`{"params":{"x":["` + big + `"]} , "id" : "b\"\\" , "method":"m"}`, `"b\"\\"`, "m", false},
		"id only in params":   {`{"method":"m","params":{"id":3,"x":"` + big + `","id":4}}`, ``, "m", false},
		"escaped key":         {`{"\u0069d":5,"params":"` + big + `"}`, `5`, "", false},
		"id in the middle":    {`{"a":"` + big + `","id":5,"b":"` + big + `"}`, ``, "", false},
		"id null":             {`{"id":null,"params":"` + big + `"}`, ``, "", false},
		"id an object":        {`{"id":{"a":1},"params":"` + big + `"}`, ``, "", false},
		"id too long":         {`{"id":"` + big + `"}`, ``, "", false},
		"response":            {`{"id":"server-1","error":{},"result":"` + big + `"}`, `"server-1"`, "", true},
		"response, id last":   {`{"error":{},"result":"` + big + `","id":"server-1"}`, `"server-1"`, "", true},
		"response, cut off":   {`{"jsonrpc":"2.0","id":"server-1","result":{"x":"` + big + `"}}`, `"server-1"`, "", true},
		"response, id behind": {`{"result":{"x":"` + big + `"},"id":"server-1"}`, `"server-1"`, "", true},
		"broken after the id": {`{"id":9, oh dear ` + big, `9`, "", false},
		"not an object":       {`["id",1,"` + big + `"]`, ``, "", false},
		"a string":            {`"` + big + `"`, ``, "", false},
		"nested before":       {`{"params":{"a":[{"id":1},[]]},"id":2,"x":"` + big + `"}`, `2`, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			head, tail := test.line[:headKept], test.line[len(test.line)-tailKept:]
			o := recoverOutline([]byte(head), []byte(tail))
			assert.Equal(t, test.id, string(o.id))
			assert.Equal(t, test.method, o.method)
			assert.Equal(t, test.response, o.response)
		})
	}
}

// Cut anywhere, the recovered id is the message's own id or none; whole, it is
// always found.
func TestRecoveredIdIsNeverAnotherOne(t *testing.T) {
	value := rapid.OneOf(
		rapid.Map(rapid.String(), func(s string) string { b, _ := json.Marshal(s); return string(b) }),
		rapid.SampledFrom([]string{`1`, `-2.5e7`, `true`, `null`, `[]`, `{}`, `{"id":99}`, `[{"id":98},"]}",{"a":"\\\""}]`, `"\"id\":97"`, `"\\"`}),
	)
	space := rapid.SampledFrom([]string{"", " ", "\t ", "  "})
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.SampledFrom([]string{`1`, `"x"`, `"\"\\"`, `1e400`, `-0.5`, `"}"`}).Draw(t, "id")
		members := []string{`"id"` + space.Draw(t, "s") + ":" + space.Draw(t, "s") + id}
		for i := range rapid.IntRange(0, 5).Draw(t, "others") {
			members = append(members, strconv.Quote("k"+strconv.Itoa(i))+":"+value.Draw(t, "value"))
		}
		members = rapid.Permutation(members).Draw(t, "order")
		text := []byte("{" + space.Draw(t, "s") + strings.Join(members, space.Draw(t, "s")+","+space.Draw(t, "s")) + space.Draw(t, "s") + "}")
		require.True(t, json.Valid(text))
		require.Equal(t, id, string(recoverOutline(text, nil).id), "whole, from the head: %s", text)
		require.Equal(t, id, string(recoverOutline(nil, text).id), "whole, from the tail: %s", text)
		head, tail := rapid.IntRange(0, len(text)).Draw(t, "head"), rapid.IntRange(0, len(text)).Draw(t, "tail")
		if got := recoverOutline(text[:head], text[tail:]).id; got != nil {
			require.Equal(t, id, string(got), "%s cut at %d and %d", text, head, tail)
		}
	})
}
