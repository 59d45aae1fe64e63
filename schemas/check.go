package schemas

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// Also is what a checker quietly accepts beside the schema, and never publishes.
type Also struct {
	Names  map[string]string            // another name of an argument → the argument
	Values map[string]map[string]string // argument → another word for a value, in small letters → the value
}

// A Checker holds arguments to a schema.
type Checker struct {
	schema Schema
	strict *jsonschema.Schema
	also   Also
	known  []string
}

// NewChecker prepares the check of arguments against s.
func NewChecker(s Schema, also Also) (*Checker, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(s.JSON()))
	if err != nil {
		return nil, fmt.Errorf("read derived schema: %w", err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	const url = "mem:///arguments.json"
	if err := c.AddResource(url, doc); err != nil {
		return nil, fmt.Errorf("add derived schema: %w", err)
	}
	strict, err := c.Compile(url)
	if err != nil {
		return nil, fmt.Errorf("compile derived schema: %w", err)
	}
	return &Checker{schema: s, strict: strict, also: also, known: slices.Sorted(maps.Keys(strict.Properties))}, nil
}

const (
	mostValues   = 10_000 // in one call: no tool can mean more
	mostProblems = 20     // that are told
)

// Check returns the arguments as the schema wants them, or what is wrong with
// them, in words and in a stable order: all of it, or twenty problems and how many
// more there are.
//
// What can only mean one thing is put right first: "5" is 5 where a whole number
// is wanted, 5 is "5" where text is, "x" is ["x"] where a list is, 3.0 is 3, " MX" is
// the word MX or mx out of a list of words; null and "" count as absent.
func (c *Checker) Check(raw json.RawMessage) (json.RawMessage, []string) {
	out, problems := c.check(raw)
	slices.Sort(problems)
	problems = slices.Compact(problems)
	if more := len(problems) - mostProblems; more > 0 {
		problems = append(problems[:mostProblems:mostProblems], fmt.Sprintf("and more: %d in all", mostProblems+more))
	}
	return out, problems
}

func (c *Checker) check(raw json.RawMessage) (json.RawMessage, []string) {
	if len(bytes.TrimSpace(raw)) == 0 {
		raw = json.RawMessage("{}")
	}
	v, err := decode(raw)
	if err != nil {
		return nil, []string{"the arguments are not valid JSON"}
	}
	if v == nil {
		v = map[string]any{}
	}
	args, ok := v.(map[string]any)
	if !ok {
		return nil, []string{"the arguments must be a JSON object, not " + jsonType(v)}
	}
	if values(v, mostValues+1) == 0 {
		return nil, []string{fmt.Sprintf("the arguments hold more than %d values", mostValues)}
	}
	problems := boundNumbers("", args)
	problems = append(problems, c.rename(args)...)
	if len(problems) > 0 {
		return nil, problems
	}
	coerceObject(args, c.schema.root)
	for name, words := range c.also.Values {
		if word, ok := args[name].(string); ok {
			if value := words[strings.ToLower(strings.TrimSpace(word))]; value != "" {
				args[name] = value
			}
		}
	}
	err = c.strict.Validate(args)
	var invalid *jsonschema.ValidationError
	if errors.As(err, &invalid) {
		return nil, c.problems(invalid)
	}
	if err != nil {
		return nil, []string{"the arguments could not be checked: " + err.Error()}
	}
	out, err := json.Marshal(args)
	if err != nil {
		return nil, []string{"the arguments could not be encoded: " + err.Error()}
	}
	return out, nil
}

// values is what is left, 0 at least, of left for other values than those in v: a validator finds
// something to say of each, and nobody would read it.
func values(v any, left int) int {
	left--
	switch v := v.(type) {
	case map[string]any:
		for _, e := range v {
			if left <= 0 {
				return 0
			}
			left = values(e, left)
		}
	case []any:
		for _, e := range v {
			if left <= 0 {
				return 0
			}
			left = values(e, left)
		}
	}
	return max(left, 0)
}

// rename moves aliased arguments to their names.
func (c *Checker) rename(args map[string]any) []string {
	var problems []string
	for _, alias := range slices.Sorted(maps.Keys(c.also.Names)) {
		value, given := args[alias]
		name := c.also.Names[alias]
		if !given || slices.Contains(c.known, alias) || !slices.Contains(c.known, name) {
			continue
		}
		delete(args, alias)
		if absent(value) {
			continue
		}
		if other, twice := args[name]; twice && !absent(other) && !reflect.DeepEqual(other, value) {
			problems = append(problems, fmt.Sprintf("%s and %s mean the same argument and differ: give %s only", name, alias, name))
			continue
		}
		args[name] = value
	}
	return problems
}

func decode(raw json.RawMessage) (any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one value")
	}
	return v, nil
}

func english() *message.Printer { return message.NewPrinter(language.English) }
