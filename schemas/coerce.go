package schemas

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/invopop/jsonschema"
)

// coerceObject puts right in place what can only mean one thing.
func coerceObject(args map[string]any, s *jsonschema.Schema) {
	for p := s.Properties.Oldest(); p != nil; p = p.Next() {
		v, given := args[p.Key]
		if !given {
			continue
		}
		if absent(v) {
			delete(args, p.Key)
			continue
		}
		args[p.Key] = coerce(v, p.Value)
	}
}

func coerce(v any, s *jsonschema.Schema) any {
	switch s.Type {
	case "integer":
		return wholeNumber(v)
	case "number":
		if t, ok := v.(string); ok && isNumber(t) {
			if _, ok := inRange(t); ok { // boundNumbers has seen no text
				return json.Number(t)
			}
		}
	case "boolean":
		switch v {
		case "true":
			return true
		case "false":
			return false
		}
	case "string":
		switch v := v.(type) {
		case json.Number:
			if whole, ok := wholeNumber(v).(json.Number); ok { // 8192.0 is 8192
				return whole.String()
			}
			return v.String()
		case bool:
			return strconv.FormatBool(v)
		case string:
			return oneOf(v, s.Enum)
		}
	case "array":
		return list(v, s)
	case "object":
		m, ok := v.(map[string]any)
		if ok && s.Properties != nil {
			coerceObject(m, s)
		}
		if ok && s.AdditionalProperties != nil { // names of the caller's: an empty text is a value
			for name, value := range m {
				if s.Properties == nil || s.Properties.Value(name) == nil {
					m[name] = coerce(value, s.AdditionalProperties)
				}
			}
		}
	}
	return v
}

// oneOf is the one of the values that a word means when letter case and blanks around
// it do not count; else the word as it is.
func oneOf(word string, values []any) any {
	var meant any = word
	found := 0
	for _, value := range values {
		if text, ok := value.(string); ok && strings.EqualFold(strings.TrimSpace(word), text) {
			meant = value
			found++
		}
	}
	if found != 1 || slices.Contains(values, any(word)) {
		return word
	}
	return meant
}

func list(v any, s *jsonschema.Schema) any {
	all, ok := v.([]any)
	if !ok {
		if _, isObject := v.(map[string]any); isObject {
			return v
		}
		all = []any{v}
	}
	if s.Items != nil {
		for i := range all {
			all[i] = coerce(all[i], s.Items)
		}
	}
	return all
}

// wholeNumber writes 3.0, "3" and 3e0 as 3, which Go's decoder wants of an int.
func wholeNumber(v any) any {
	var text string
	switch v := v.(type) {
	case json.Number:
		text = v.String()
	case string:
		text = v
	default:
		return v
	}
	if _, err := strconv.ParseInt(text, 10, 64); err == nil && isNumber(text) {
		return json.Number(text)
	}
	f, ok := inRange(text)
	if !ok || f != math.Trunc(f) || !isNumber(text) {
		return v
	}
	return json.Number(strconv.FormatFloat(f, 'f', -1, 64))
}

// largest is the biggest whole number that every JSON reader keeps (RFC 8259 §6).
const largest = 1<<53 - 1

// isNumber reports whether text is a JSON number: ParseFloat also takes "inf", "0x1p4" and "1_000".
func isNumber(text string) bool {
	return json.Valid([]byte(text)) && text != "" && (text[0] == '-' || text[0] >= '0' && text[0] <= '9')
}

func absent(v any) bool { return v == nil || v == "" }

// boundNumbers refuses numbers that no argument can mean, before a validator
// spends memory on writing out 1e999999999.
func boundNumbers(at string, v any) []string {
	switch v := v.(type) {
	case map[string]any:
		var all []string
		for _, k := range slices.Sorted(maps.Keys(v)) {
			all = append(all, boundNumbers(join(at, k), v[k])...)
		}
		return all
	case []any:
		var all []string
		for i, e := range v {
			all = append(all, boundNumbers(join(at, strconv.Itoa(i)), e)...)
		}
		return all
	case json.Number:
		if _, ok := inRange(v.String()); !ok {
			return []string{fmt.Sprintf("%s: the number is out of range", short(at))}
		}
	}
	return nil
}

// inRange reads a number that is neither beyond what every reader keeps nor
// so small that it would be taken for zero.
func inRange(text string) (float64, bool) {
	f, err := strconv.ParseFloat(text, 64)
	mantissa, _, _ := strings.Cut(strings.ToLower(text), "e")
	vanished := f == 0 && strings.ContainsAny(mantissa, "123456789")
	return f, err == nil && math.Abs(f) <= largest && len(text) <= 40 && !vanished
}

func join(at, key string) string {
	if at == "" {
		return key
	}
	return at + "." + key
}
