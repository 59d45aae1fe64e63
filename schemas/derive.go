package schemas

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/invopop/jsonschema"
)

// A Schema is the JSON Schema of one Go struct.
type Schema struct{ root *jsonschema.Schema }

// Of derives the schema of T. The rules come from T's tags: prose from
// jsonschema_description, constraints from jsonschema; a rule that belongs to a
// value's type comes from that type's JSONSchema method. All sub-schemas are
// written out in place, since several clients do not follow $ref.
func Of[T any]() Schema {
	r := jsonschema.Reflector{Anonymous: true, DoNotReference: true, ExpandedStruct: true}
	s := r.Reflect(new(T))
	s.Version = "" // MCP: 2020-12 where none is named
	if s.Properties == nil {
		s.Properties = jsonschema.NewProperties() // a tool without arguments has {}
	}
	return Schema{s}
}

// JSON is the whole schema: closed, with everything that is required.
func (s Schema) JSON() json.RawMessage { return encode(s.root) }

// Outline is the schema as clients get it of a result: the names and types of what
// every good result has at its top level, open and with nothing required. Some
// clients throw away an error result that does not fit a stricter one. What a
// result may have beside that is in the golden file and the docs: on the wire it
// would cost each session 2 KB that no model reads.
func (s Schema) Outline() json.RawMessage {
	open := jsonschema.Schema{Type: "object", Properties: jsonschema.NewProperties()}
	for p := s.root.Properties.Oldest(); p != nil; p = p.Next() {
		if !slices.Contains(s.root.Required, p.Key) {
			continue
		}
		o := &jsonschema.Schema{Type: p.Value.Type}
		if p.Value.Items != nil {
			o.Items = &jsonschema.Schema{Type: p.Value.Items.Type}
		}
		open.Properties.Set(p.Key, o)
	}
	return encode(&open)
}

// Property is one argument or one field of a result, for the documentation.
type Property struct {
	Name, Type, Description string
	Required                bool
	Default                 any
}

// Properties lists the top level in the order of the struct.
func (s Schema) Properties() []Property {
	required := map[string]bool{}
	for _, name := range s.root.Required {
		required[name] = true
	}
	var all []Property
	for p := s.root.Properties.Oldest(); p != nil; p = p.Next() {
		all = append(all, Property{
			Name: p.Key, Type: p.Value.Type, Description: p.Value.Description,
			Required: required[p.Key], Default: p.Value.Default,
		})
	}
	return all
}

func encode(s *jsonschema.Schema) json.RawMessage {
	b, err := json.Marshal(s)
	if err != nil {
		panic(fmt.Sprintf("schemas: a derived schema cannot be encoded: %v", err)) // a fault of the types, seen by the first test
	}
	return b
}
