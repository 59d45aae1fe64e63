package orbctl

import (
	"regexp"
	"strings"

	"orbstack-mcp/orbctl/runner"
	"orbstack-mcp/orbctl/untrusted"
)

// A Setting is a key and what is stored for it. What is stored may not be in
// force yet: many keys need a restart of OrbStack.
type Setting struct {
	Key   string
	Value string // one line of clean text; when not Set "", or "0" of a limit
	Set   bool
	// Redacted: Value is a URL that holds a user or a password, and that part
	// stands there as untrusted.Redacted. The true value never leaves this package.
	Redacted bool

	raw string // as stored
}

// newSetting keeps the stored text to compare and a safe form of it to show.
func newSetting(key, value string) Setting {
	s := Setting{Key: untrusted.Line(key), Set: value != "" && !isUnsetZero(key, value), raw: value}
	s.Value, s.Redacted = untrusted.Redact(untrusted.Line(value))
	return s
}

// isUnsetZero: the limits and ports of a machine that has none read as 0
// (docs/orbctl-contract.md §4).
func isUnsetZero(key, value string) bool {
	entry, _ := Lookup(key)
	return value == "0" && entry.Scope == MachineScope && entry.Default.Value == "0"
}

// settingLine is one line of `config show`. A key has no blank, so that a value
// with a colon in it is not taken for a key.
var settingLine = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9_.-]*):(?:[ \t]+(.*))?$`)

// ParseConfigShow reads what `config show` printed, one "key: value" a line, in
// its order (docs/orbctl-contract.md §4). A key with nothing behind the colon is
// not set. No line at all, a line of another form, and one without its end, are
// errors.
func ParseConfigShow(stdout string) ([]Setting, error) {
	text, _ := StripBanner(stdout)
	lines := textLines(text)
	if len(lines) == 0 {
		return nil, unreadable(runner.OpConfigShow, "", "it printed nothing")
	}
	settings := make([]Setting, 0, len(lines))
	for _, line := range lines {
		m := settingLine.FindStringSubmatch(line)
		if m == nil {
			return nil, unreadable(runner.OpConfigShow, text, "a line is no \"key: value\"")
		}
		settings = append(settings, newSetting(m[1], strings.TrimSpace(m[2])))
	}
	if isCut(text) {
		return nil, unreadable(runner.OpConfigShow, text, cutWhy)
	}
	return settings, nil
}

// isCut reports a text that stops within a line, or before its first one: every
// sample of orbctl's output ends with a newline.
func isCut(text string) bool { return !strings.HasSuffix(text, "\n") }

const cutWhy = "its output ends in the middle of a line"

// ParseConfigGet reads what `config get KEY` printed: the bare value, or on 2.0.x
// the whole listing, of which the line of KEY counts. Nothing is a key that is
// not set. Anything else cannot be told apart and is an error
// (docs/orbctl-contract.md §4).
//
// A listing that is well formed, knows keys of the catalogue and does not have
// KEY says that KEY is not set: some keys are listed only when they are.
func ParseConfigGet(key, stdout string) (Setting, error) {
	text, _ := StripBanner(stdout)
	lines := textLines(text)
	for _, line := range lines {
		if rest, ok := strings.CutPrefix(line, key+":"); ok && (rest == "" || rest[0] == ' ' || rest[0] == '\t') {
			return newSetting(key, strings.TrimSpace(rest)), nil
		}
	}
	switch {
	case len(lines) == 0 || isListing(text):
		return newSetting(key, ""), nil
	case len(lines) == 1:
		return newSetting(key, lines[0]), nil
	}
	e := unreadable(runner.OpConfigGet, text, "it printed several lines and none is this key's")
	e.Key = key
	return Setting{}, e
}

// isListing reports whether text is a whole listing: every line has a key and
// one of them, at least, is in the catalogue.
func isListing(text string) bool {
	settings, err := ParseConfigShow(text)
	if err != nil {
		return false
	}
	for _, s := range settings {
		if _, known := Lookup(s.Key); known {
			return true
		}
	}
	return false
}

// ParseDefault reads what `default` printed: the name of the default machine, or
// "" when there is none.
func ParseDefault(stdout string) (string, error) {
	text, _ := StripBanner(stdout)
	lines := textLines(text)
	switch {
	case len(lines) > 0 && isCut(text):
		return "", unreadable(runner.OpDefault, text, cutWhy)
	case len(lines) == 0, len(lines) == 1 && lines[0] == "none":
		return "", nil
	case len(lines) == 1 && !strings.ContainsAny(lines[0], " \t"):
		return untrusted.Line(lines[0]), nil
	}
	return "", unreadable(runner.OpDefault, text, "it printed something else than a name")
}

// textLines are the lines that are not blank, without the blanks around them.
func textLines(text string) []string {
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}
