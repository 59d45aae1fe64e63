package tools

import (
	"regexp"
	"slices"
	"strings"
)

// aToolsName finds what may be the name of a tool. Not each is one: vm_cpus is a field.
var aToolsName = regexp.MustCompile(`\b(?:vm|orbstack)_[a-z_]+\b`)

// offers reports whether a tool of that name is in tools/list.
func (p Policy) offers(name string) bool {
	return slices.ContainsFunc(All(), func(t Tool) bool { return t.Name == name && p.refuse(t) == nil })
}

// lacks is the first tool that a text names and that is not offered, or "".
func (p Policy) lacks(text string) string {
	for _, name := range aToolsName.FindAllString(text, -1) {
		if slices.ContainsFunc(All(), func(t Tool) bool { return t.Name == name }) && !p.offers(name) {
			return name
		}
	}
	return ""
}

// instead is what a hint says where the tool that it would name is not offered. A
// tool that is not here has no other way, and its sentence is left out.
var instead = map[string]string{
	"vm_start":            "If it should run, ask the user to start it.",
	"vm_create":           "If one is wanted, ask the user to make it.",
	"vm_limits_set":       "Ask the user to raise it.",
	"vm_list":             "Ask the user how the machines are.",
	"orbstack_status":     "Ask the user whether OrbStack is well.",
	"orbstack_config_get": "Ask the user how OrbStack is set.",
}

// fit makes a hint one that can be followed with the tools that are offered. It is
// the one place for that: whoever writes a hint need not know the policy.
func (p Policy) fit(hint string) string {
	if p.lacks(hint) == "" {
		return hint
	}
	var said []string
	for sentence := range strings.SplitAfterSeq(hint, ". ") {
		sentence = strings.TrimSpace(sentence)
		if tool := p.lacks(sentence); tool != "" {
			sentence = instead[tool]
		}
		if sentence != "" && !slices.Contains(said, sentence) {
			said = append(said, sentence)
		}
	}
	if len(said) == 0 {
		return "Tell the user: this server was started without the tool that would help."
	}
	return strings.Join(said, " ")
}
