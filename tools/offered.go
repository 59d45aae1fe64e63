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

// instead is what is said where a sentence would send to a tool that is not offered, by
// the words that do so. Where there is no other way nothing is said.
var instead = []struct{ sends, says string }{
	{"vm_start", "If it should run, ask the user to start it."},
	{"vm_create", "If one is wanted, ask the user to make it."},
	{"Raise it with vm_limits_set", "Ask the user to raise it."},
	{"vm_list shows which", "Ask the user which there are."},
	{"vm_list shows them", "Ask the user which machine is meant."},
	{"with vm_list", "Ask the user what became of it."},
	{"with orbstack_config_get or vm_list", "Ask the user what became of it."},
	{"with orbstack_config_get", "Ask the user how OrbStack is set."},
	{"orbstack_config_get without key", "Ask the user which key is meant."},
	{"orbstack_status", "Ask the user whether OrbStack is well."},
}

// fit makes a text one that can be followed with the tools that are offered. It is
// the one place for that: whoever writes a sentence need not know the policy. What it
// is for are the hints of failures and the sentences of results (fitting).
func (p Policy) fit(text string) string {
	if p.lacks(text) == "" {
		return text
	}
	var said []string
	for sentence := range strings.SplitAfterSeq(text, ". ") {
		sentence = strings.TrimSpace(sentence)
		if tool := p.lacks(sentence); tool != "" {
			sentence = p.without(sentence, tool)
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

// without is what a sentence says before the part of it that sends to the tool, and
// what is said instead of that part.
func (p Policy) without(sentence, tool string) string {
	before, _, _ := strings.Cut(sentence, tool)
	end := -1
	for _, part := range []string{"; ", ": ", ", so "} {
		end = max(end, strings.LastIndex(before, part))
	}
	said := ""
	if end > 0 {
		said = before[:end] + "."
	}
	for _, other := range instead {
		if strings.Contains(sentence, other.sends) && p.lacks(other.sends) != "" {
			return strings.TrimSpace(said + " " + other.says)
		}
	}
	return said
}
