package stdio

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// FuzzRecoverID: whatever the bytes and wherever they are cut, there is no
// panic, and what comes out is an id. Where the whole is a JSON object whose
// members occur once, it is that object's id.
func FuzzRecoverID(f *testing.F) {
	for _, seed := range []string{
		`{"id":1}`, `{"id":"a","params":{"id":2}}`, `{"a":"\\\"","id":-1e9}`, `{"\u0069d":1 , "b":[{"c":"]"}]}`, `{"id":`, `}`, `"`, `{"":{"":"\\"}}`,
		`[{"id":1}]`, `{"a":1,"id":"x\\"}`, `{"id":nul}`, "{\"a\":\"\x00\"}",
	} {
		f.Add([]byte(seed), uint16(len(seed)), uint16(0))
		f.Add([]byte(seed), uint16(len(seed)/2), uint16(len(seed)/2))
	}
	f.Fuzz(func(t *testing.T, text []byte, head, tail uint16) {
		got := recoverOutline(text[:min(int(head), len(text))], text[min(int(tail), len(text)):]).id
		if got != nil {
			require.True(t, validID(got) && json.Valid(got), "%q", got)
		}
		whole, ok := onlyID(text)
		if !ok {
			return
		}
		require.Equal(t, string(whole), string(recoverOutline(text, nil).id), "from the head")
		require.Equal(t, string(whole), string(recoverOutline(nil, text).id), "from the tail")
		if got != nil {
			require.Equal(t, string(whole), string(got), "cut")
		}
	})
}

// onlyID returns the id of a JSON object in which no member occurs twice.
func onlyID(text []byte) (json.RawMessage, bool) {
	if !json.Valid(text) {
		return nil, false
	}
	d := json.NewDecoder(bytes.NewReader(text))
	if first, err := d.Token(); err != nil || first != json.Delim('{') {
		return nil, false
	}
	seen := map[string]json.RawMessage{}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, false
		}
		var value json.RawMessage
		if d.Decode(&value) != nil {
			return nil, false
		}
		name, _ := key.(string)
		if _, twice := seen[name]; twice || len(name) > maxID/8 {
			return nil, false
		}
		seen[name] = value
	}
	if !validID(seen["id"]) {
		return nil, true
	}
	return seen["id"], true
}

// FuzzServeLine: whatever the lines, the server lives on, says nothing but
// JSON-RPC, and answers no more often than it was asked.
// What a call has after the end of input is for other tests: here the input ends
// when the last call is answered, however busy the computer is.
func FuzzServeLine(f *testing.F) {
	for _, e := range eras {
		f.Add([]byte(e.call("1", "echo", `{"text":"x"}`) + "\n" + e.callWithToken(`"1"`, "2", "progress", `{"n":3}`)))
		f.Add([]byte(e.call("1", "panic", "") + "\r\n" + cancelLine("1")))
		f.Add([]byte(e.request("1e400", "subscriptions/listen", `{"notifications":{"toolsListChanged":true}}`)))
		f.Add([]byte(e.request(`"é"`, "completion/complete", `{"ref":{"type":"ref/prompt","name":"ask"},"argument":{"name":"a","value":""}}`)))
	}
	for _, seed := range []string{``, `[]`, `{}`, `null`, `{"jsonrpc":"2.0","id":1,"result":{}}`, `{"jsonrpc":"2.0","id":{},"method":"ping"}`, "\x00\xff", `{"jsonrpc":"2.0","id":"\ud800","method":"ping"}`} {
		f.Add([]byte(seed))
	}
	fixture := newFixture()
	fixture.DeleteTools("slow", "deaf")
	f.Fuzz(func(t *testing.T, text []byte) {
		in := initialize + "\n" + string(text) + "\n" + eras[0].call(last, "echo", `{"text":"alive"}`) + "\n"
		if bytes.Contains(text, []byte(last)) {
			t.Skip("someone else's id")
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		answered, over := context.WithCancel(ctx)
		out := watched{over: over}
		lines := io.MultiReader(strings.NewReader(in), endsWith{answered})
		require.NoError(t, Serve(ctx, fixture.MCPServer, lines, &out, Options{MaxMessage: 4096, Drain: -1}))
		asked := bytes.Count([]byte(in), []byte("\n"))
		answers, alive := map[string]int{}, false
		for line := range strings.Lines(out.String()) {
			r := decode(t, line)
			require.Contains(t, line, `"jsonrpc":"2.0"`)
			if r.Method == "" {
				answers[r.id()]++
				asked--
			}
			alive = alive || r.id() == last && r.Error == nil
		}
		require.GreaterOrEqual(t, asked, 0, "more answers than lines")
		require.True(t, alive, "%s", out.String())
	})
}

// last is the id of the call that [FuzzServeLine] makes at the end.
const last = `"the last one"`

// watched is the output of a server that tells of the reply to the last call.
type watched struct {
	bytes.Buffer
	over context.CancelFunc
}

func (w *watched) Write(line []byte) (int, error) {
	defer func() {
		if bytes.Contains(line, []byte(last)) {
			w.over()
		}
	}()
	return w.Buffer.Write(line)
}

// endsWith is an input without a byte, which ends with its context.
type endsWith struct{ context.Context }

func (e endsWith) Read([]byte) (int, error) {
	<-e.Done()
	return 0, io.EOF
}
