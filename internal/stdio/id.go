package stdio

import "encoding/json"

// validID reports whether raw, a JSON value, may be the id of a request: a
// string or a number (MCP forbids null, which JSON-RPC 2.0 §4 allows), of
// bounded length.
func validID(raw json.RawMessage) bool {
	return len(raw) > 0 && len(raw) <= maxID && (raw[0] == '"' || raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9')
}

// outline is what can be told of a message that was too long to be kept.
type outline struct {
	id       json.RawMessage // nil where none was found
	method   string
	response bool // it has a result or an error: an answer to a request of ours
}

// recoverOutline reads the members of a JSON object of which only the first
// and the last bytes are there. It takes the id from the head if it is there,
// and else from the tail, which is read backwards: seen from the end of a JSON
// text, which quote opens a string is never in doubt. It never takes an id
// from inside params. Input that is no JSON gives whatever precedes the fault.
func recoverOutline(head, tail []byte) outline {
	var o outline
	forward(head, o.take)
	if o.id == nil {
		backward(tail, o.take)
	}
	return o
}

func (o *outline) take(key, value []byte) {
	switch member(key) {
	case "id":
		if validID(value) && json.Valid(value) {
			o.id = append(json.RawMessage(nil), value...)
		}
	case "method":
		if len(value) <= maxID {
			_ = json.Unmarshal(value, &o.method) // not a string: no method
		}
	case "result", "error":
		o.response = true
	}
}

// member returns the name in a quoted key, "" if it is not a JSON string.
func member(key []byte) string {
	var s string
	if len(key) > maxID || json.Unmarshal(key, &s) != nil {
		return ""
	}
	return s
}

// forward calls each for the members at the start of an object, up to the
// first whose value is not whole; of that one there is the key alone.
func forward(b []byte, each func(key, value []byte)) {
	i := skipSpace(b, 0)
	if i == len(b) || b[i] != '{' {
		return
	}
	for {
		key := skipSpace(b, i+1)
		end, ok := skipString(b, key)
		if !ok {
			return
		}
		colon := skipSpace(b, end)
		if colon == len(b) || b[colon] != ':' {
			return
		}
		value := skipSpace(b, colon+1)
		valueEnd, ok := skipValue(b, value)
		if !ok {
			each(b[key:end], nil)
			return
		}
		i = skipSpace(b, valueEnd)
		if i == len(b) || b[i] != ',' && b[i] != '}' {
			return
		}
		each(b[key:end], b[value:valueEnd])
		if b[i] == '}' {
			return
		}
	}
}

// backward is forward from the other end: the members at the end of an
// object, last first, up to one that is not whole.
func backward(b []byte, each func(key, value []byte)) {
	i := trimSpace(b, len(b)) - 1
	if i < 0 || b[i] != '}' {
		return
	}
	for {
		valueEnd := trimSpace(b, i)
		value, ok := backValue(b, valueEnd)
		if !ok {
			return
		}
		colon := trimSpace(b, value) - 1
		if colon < 0 || b[colon] != ':' {
			return
		}
		end := trimSpace(b, colon)
		key, ok := backString(b, end)
		if !ok {
			return
		}
		i = trimSpace(b, key) - 1
		if i < 0 || b[i] != ',' && b[i] != '{' {
			return
		}
		each(b[key:end], b[value:valueEnd])
		if b[i] == '{' {
			return
		}
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// isBare reports whether c may stand in a number or in true, false, null.
func isBare(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c == 'E' || c == '+' || c == '-' || c == '.'
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && isSpace(b[i]) {
		i++
	}
	return i
}

func trimSpace(b []byte, end int) int {
	for end > 0 && isSpace(b[end-1]) {
		end--
	}
	return end
}

// skipString returns the end of the string that starts at i.
func skipString(b []byte, i int) (end int, ok bool) {
	if i >= len(b) || b[i] != '"' {
		return i, false
	}
	for i++; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1, true
		}
	}
	return i, false
}

// skipValue returns the end of the value that starts at i. Brackets are
// counted, not matched: what is read here was refused already.
func skipValue(b []byte, i int) (end int, ok bool) {
	if i >= len(b) {
		return i, false
	}
	if isBare(b[i]) {
		for i < len(b) && isBare(b[i]) {
			i++
		}
		return i, i < len(b) // at the end of the head it may go on
	}
	for depth := 0; i < len(b); {
		switch b[i] {
		case '"':
			if i, ok = skipString(b, i); !ok {
				return i, false
			}
		case '{', '[':
			depth++
			i++
		case '}', ']':
			depth--
			i++
		default:
			if depth <= 0 {
				return i, false
			}
			i++
		}
		if depth <= 0 {
			return i, depth == 0
		}
	}
	return i, false
}

// backString returns the start of the string that ends before end.
func backString(b []byte, end int) (start int, ok bool) {
	if end < 2 || b[end-1] != '"' {
		return 0, false
	}
	for i := end - 2; i >= 0; i-- {
		if b[i] != '"' {
			continue
		}
		escapes := 0
		for j := i - 1; j >= 0 && b[j] == '\\'; j-- {
			escapes++
		}
		if escapes%2 == 0 {
			return i, true
		}
	}
	return 0, false
}

// backValue returns the start of the value that ends before end.
func backValue(b []byte, end int) (start int, ok bool) {
	i := end
	if i > 0 && isBare(b[i-1]) {
		for i > 0 && isBare(b[i-1]) {
			i--
		}
		return i, i > 0 // at the start of the tail it may be longer
	}
	for depth := 0; i > 0; {
		switch b[i-1] {
		case '"':
			if i, ok = backString(b, i); !ok {
				return 0, false
			}
		case '}', ']':
			depth++
			i--
		case '{', '[':
			depth--
			i--
		default:
			if depth <= 0 {
				return 0, false
			}
			i--
		}
		if depth <= 0 {
			return i, depth == 0
		}
	}
	return 0, false
}
