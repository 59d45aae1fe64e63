package tools

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"orbstack-mcp/orbctl/untrusted"
)

// A failure is what the model reads when a tool fails: the text starts with the
// code, then what happened and what to do next; structuredContent.error holds
// the same in parts.
type failure struct {
	Code      code    `json:"code"`
	Message   string  `json:"message"`
	Hint      string  `json:"hint,omitempty"`
	Retryable bool    `json:"retryable"`
	Details   details `json:"details,omitzero"`
}

// details are the facts behind a failure. Text from outside stands in Output
// only; as a JSON string it needs no fence.
type details struct {
	Problems []string `json:"problems,omitempty"`
	Machine  string   `json:"machine,omitempty"`
	State    string   `json:"state,omitempty"`
	Machines []string `json:"machines,omitempty"`
	Users    []string `json:"users,omitempty"`
	Nearest  []string `json:"nearest,omitempty"`
	Key      string   `json:"key,omitempty"`
	Needs    string   `json:"needs,omitempty"`
	Running  string   `json:"running,omitempty"`
	Tools    []string `json:"tools,omitempty"`
	Flag     string   `json:"flag,omitempty"`
	Tried    []string `json:"tried,omitempty"`
	Exit     int      `json:"exit,omitempty"`
	Output   string   `json:"output,omitempty"`

	turnOn string // the flag, with its value, that would offer the tool
}

// A code is the name of a kind of failure. Most are orbctl.Kinds; those that
// only this package gives stand here.
type code string

const (
	invalidArgument code = "invalid_argument"
	notAllowed      code = "not_allowed"
	internalError   code = "internal"
	cancelled       code = "cancelled"
	jobNotFound     code = "job_not_found"

	confirmationDeclined    code = "confirmation_declined"
	confirmationExpired     code = "confirmation_expired"
	confirmationUnavailable code = "confirmation_unavailable"
)

// Error makes a failure an error, so that a tool's function can return one.
func (f *failure) Error() string { return string(f.Code) + ": " + f.Message }

// nothingChanged is what a failure says to whoever wanted a change.
const nothingChanged = "Nothing was changed."

// ofReading is a failure of a tool that changes nothing anyway.
func (f *failure) ofReading() *failure {
	read := *f
	read.Message = strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(f.Message, nothingChanged), nothingChanged))
	return &read
}

// maxOutput is how much of a program's own words an error text may hold, so
// that it stays within 150 tokens or so of ours beside it.
const maxOutput = 600

// text is the failure as one text block.
func (f *failure) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", f.Code, f.Message)
	if len(f.Details.Problems) > 0 {
		b.WriteString("\n- " + strings.Join(f.Details.Problems, "\n- "))
	}
	if f.Hint != "" {
		b.WriteString("\n" + f.Hint)
	}
	if f.Details.Output != "" {
		b.WriteString("\n" + untrusted.FenceWithin(f.Details.Output, maxOutput))
	}
	return b.String()
}

// clip bounds text for details.output; whole runes only.
func clip(text string) string {
	text = strings.TrimSpace(untrusted.Clean(text))
	if len(text) <= maxOutput {
		return text
	}
	cut := maxOutput
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…"
}
