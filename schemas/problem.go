package schemas

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// problems puts every cause of a failed validation into words.
func (c *Checker) problems(e *jsonschema.ValidationError) []string {
	var all []string
	var walk func(*jsonschema.ValidationError)
	walk = func(e *jsonschema.ValidationError) {
		for _, cause := range e.Causes {
			walk(cause)
		}
		if len(e.Causes) == 0 {
			all = append(all, c.problem(e))
		}
	}
	walk(e)
	return all
}

func (c *Checker) problem(e *jsonschema.ValidationError) string {
	at := short(strings.Join(e.InstanceLocation, "."))
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		return "missing " + strings.Join(k.Missing, ", ")
	case *kind.AdditionalProperties:
		return c.unknown(k.Properties)
	case *kind.Type:
		return fmt.Sprintf("%s must be %s, not %s", at, wanted(k.Want), got(k))
	case *kind.Enum:
		return fmt.Sprintf("%s must be one of %s", at, choices(k.Want))
	case *kind.Minimum:
		want, _ := k.Want.Float64()
		return fmt.Sprintf("%s must be at least %g", at, want)
	case *kind.Maximum:
		want, _ := k.Want.Float64()
		return fmt.Sprintf("%s must be at most %g", at, want)
	case *kind.MaxLength:
		return fmt.Sprintf("%s must be at most %d characters long", at, k.Want)
	case *kind.MinItems:
		return fmt.Sprintf("%s must hold at least %s", at, entries(k.Want))
	case *kind.MaxItems:
		return fmt.Sprintf("%s must hold at most %d entries", at, k.Want)
	}
	return at + ": " + e.ErrorKind.LocalizedString(english())
}

func entries(n int) string {
	if n == 1 {
		return "one entry"
	}
	return fmt.Sprintf("%d entries", n)
}

func (c *Checker) unknown(names []string) string {
	slices.Sort(names)
	const most = 5
	more := ""
	if len(names) > most {
		more = fmt.Sprintf(" and %d more", len(names)-most)
		names = names[:most]
	}
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = fmt.Sprintf("%q", short(n))
	}
	known := "it takes none"
	if len(c.known) > 0 {
		known = "known: " + strings.Join(c.known, ", ")
	}
	return fmt.Sprintf("unknown argument %s%s (%s)", strings.Join(quoted, ", "), more, known)
}

// The words for JSON's types.
func typeWord(t string) string {
	switch t {
	case "integer":
		return "a whole number"
	case "number":
		return "a number"
	case "string":
		return "text"
	case "boolean":
		return "true or false"
	case "array":
		return "a list"
	case "object":
		return "an object"
	case "null":
		return "null"
	}
	return t
}

func wanted(types []string) string {
	words := make([]string, len(types))
	for i, t := range types {
		words[i] = typeWord(t)
	}
	return strings.Join(words, " or ")
}

func got(k *kind.Type) string {
	if k.Got == "number" && slices.Contains(k.Want, "integer") {
		return "a number with a fraction"
	}
	return typeWord(k.Got)
}

func choices(want []any) string {
	words := make([]string, len(want))
	for i, w := range want {
		words[i] = fmt.Sprint(w)
	}
	return strings.Join(words, ", ")
}

func jsonType(v any) string {
	switch v.(type) {
	case nil:
		return typeWord("null")
	case bool:
		return typeWord("boolean")
	case string:
		return typeWord("string")
	case []any:
		return typeWord("array")
	case map[string]any:
		return typeWord("object")
	case json.Number:
		return typeWord("number")
	}
	return "something else"
}

// short bounds a name that the caller made up, so that an error stays small
// and shows no control characters.
func short(name string) string {
	const most = 60
	name = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, name)
	if r := []rune(name); len(r) > most {
		return string(r[:most]) + "…"
	}
	return name
}
