package stdio

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/mark3labs/mcp-go/mcp"
)

// message is a JSON-RPC message that is well formed: a request (id and
// method), a notification (method), or a response (id, result or error).
type message struct {
	id     json.RawMessage // as the client wrote it
	method string
	params json.RawMessage // an object, or nil

	result, fault json.RawMessage // of a response

	modern    bool            // _meta names protocol version 2026-07-28 or later
	token     json.RawMessage // _meta.progressToken, as the client wrote it
	cancelled json.RawMessage // params.requestId of notifications/cancelled
}

// parse reads one line. The error is a *CodeError that says what is wrong with
// it, and goes to the client under the id of the message it came with.
func parse(text []byte) (message, error) {
	var e struct {
		JSONRPC json.RawMessage `json:"jsonrpc"`
		ID      json.RawMessage `json:"id"`
		Method  json.RawMessage `json:"method"`
		Params  json.RawMessage `json:"params"`
		Result  json.RawMessage `json:"result"`
		Error   json.RawMessage `json:"error"`
	}
	if err := json.Unmarshal(text, &e); err != nil {
		if _, shape := errors.AsType[*json.UnmarshalTypeError](err); !shape {
			return message{}, codeErrorf(mcp.PARSE_ERROR, "the line is not valid JSON: send one JSON-RPC message a line")
		}
		if text[0] == '[' {
			return message{}, codeErrorf(mcp.INVALID_REQUEST, "batches are not supported: send one JSON-RPC message a line")
		}
		return message{}, codeErrorf(mcp.INVALID_REQUEST, "the line is not a JSON-RPC message: it must be a JSON object")
	}
	var m message
	if e.ID != nil {
		if !validID(e.ID) {
			return m, codeErrorf(mcp.INVALID_REQUEST, "an id must be a string or a number of at most %d bytes", maxID)
		}
		m.id = e.ID
	}
	if string(e.JSONRPC) != `"2.0"` {
		return m, codeErrorf(mcp.INVALID_REQUEST, `jsonrpc must be "2.0"`)
	}
	if e.Method == nil {
		if m.id == nil || e.Result == nil && e.Error == nil {
			return m, codeErrorf(mcp.INVALID_REQUEST, "neither a request nor a response: method is missing")
		}
		m.result, m.fault = e.Result, e.Error
		return m, nil
	}
	if len(e.Method) > maxID || json.Unmarshal(e.Method, &m.method) != nil || m.method == "" {
		return m, codeErrorf(mcp.INVALID_REQUEST, "method must be a string of at most %d bytes", maxID)
	}
	if string(e.Params) == "null" {
		e.Params = nil
	}
	if e.Params != nil {
		if e.Params[0] != '{' {
			return m, codeErrorf(mcp.INVALID_PARAMS, "params must be an object")
		}
		m.params = e.Params
		m.readParams()
	}
	return m, nil
}

// readParams reads what the transport needs of params; whatever has an
// unexpected shape is left for mcp-go to refuse.
func (m *message) readParams() {
	var p struct {
		Meta      json.RawMessage `json:"_meta"`
		RequestID json.RawMessage `json:"requestId"`
	}
	_ = json.Unmarshal(m.params, &p)
	m.cancelled = p.RequestID
	var meta struct {
		Version json.RawMessage `json:"io.modelcontextprotocol/protocolVersion"`
		Token   json.RawMessage `json:"progressToken"`
	}
	if p.Meta == nil || json.Unmarshal(p.Meta, &meta) != nil {
		return
	}
	m.token = meta.Token
	var version string
	if json.Unmarshal(meta.Version, &version) == nil {
		m.modern = mcp.IsModernProtocol(version)
	}
}

// forServer is the message as mcp-go gets it, under an id of ours (0: a
// notification) and with nothing in it that was not looked at.
func (m *message) forServer(id uint64) json.RawMessage {
	var b bytes.Buffer
	b.Grow(len(m.params) + len(m.method) + 64)
	b.WriteString(`{"jsonrpc":"2.0"`)
	if id != 0 {
		b.WriteString(`,"id":`)
		b.WriteString(strconv.FormatUint(id, 10))
	}
	name, _ := json.Marshal(m.method) // a string always encodes
	b.WriteString(`,"method":`)
	b.Write(name)
	if m.params != nil {
		b.WriteString(`,"params":`)
		b.Write(m.params)
	}
	b.WriteByte('}')
	return b.Bytes()
}

// resultLine is the reply to request id. body is JSON in one line.
func resultLine(id json.RawMessage, body []byte) []byte {
	return fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%s,"result":%s}`+"\n", id, body)
}

// errorLine is the error reply to request id; id nil is written as null. Data
// that can't be encoded is left out.
func errorLine(id json.RawMessage, e *CodeError) []byte {
	if id == nil {
		id = json.RawMessage("null")
	}
	details := mcp.NewJSONRPCErrorDetails(e.Code, clip(e.Message, maxErrorText), e.Data)
	body, err := json.Marshal(details)
	if err != nil {
		details.Data = nil
		body, _ = json.Marshal(details) // an int and a string always encode
	}
	return fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%s,"error":%s}`+"\n", id, body)
}

// clip cuts s after at most n bytes and says so.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n] + fmt.Sprintf(" [… %d bytes omitted …]", len(s)-n)
}
