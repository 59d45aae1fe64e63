package orbctl

import (
	"encoding/json"
	"errors"
	"strings"

	"orbstack-mcp/orbctl/runner"
	"orbstack-mcp/orbctl/untrusted"
)

// rawHead and rawTail bound what an Error keeps of a long text.
const (
	rawHead = 3 << 10
	rawTail = 1 << 10
)

// clip bounds a text from outside, cutting in the middle, and takes out what a
// URL may hold of a password, such as a proxy's in a listing.
func clip(text string) string {
	h := untrusted.HeadTail{Head: rawHead, Tail: rawTail}
	text = untrusted.RedactText(strings.TrimSpace(untrusted.Clean(text)))
	_, _ = h.Write([]byte(text)) // never fails
	return h.String()
}

// unreadable is output that came with exit 0 and does not say what it should.
func unreadable(op runner.Op, text, why string) *Error {
	return &Error{Kind: OrbctlFailed, Op: op, Why: why, Unreadable: true, Raw: clip(text)}
}

// unreadableJSON tells a cut output from one that is no JSON and from one of
// another shape.
func unreadableJSON(op runner.Op, text string, err error) *Error {
	e := unreadable(op, text, "its JSON has another shape than known")
	e.Err = err
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		e.Why = "its output is not JSON"
		if syntax.Error() == "unexpected end of JSON input" {
			e.Why = "its JSON ends in the middle"
		}
	}
	return e
}
