package tools

import (
	"reflect"
	"slices"
	"strings"
)

// sentences are the fields of results that hold sentences of ours, by their names in
// JSON. What comes from a machine or from OrbStack stands in others and stays as it is.
var sentences = []string{"meaning", "note", "problem", "problems", "restart", "undo", "warning", "what_to_do"}

// fitting is a result whose sentences, and the hints of failures in it, name no tool
// that is not offered. Every result leaves through it; what was given is not altered.
func (p Policy) fitting(result any) any {
	if result == nil {
		return nil
	}
	return p.fittingValue(reflect.ValueOf(result), false).Interface()
}

// fittingValue is a copy of v; ours says that the texts in it are sentences of ours.
func (p Policy) fittingValue(v reflect.Value, ours bool) reflect.Value {
	switch v.Kind() {
	case reflect.String:
		if ours {
			return reflect.ValueOf(p.fit(v.String())).Convert(v.Type())
		}
	case reflect.Pointer:
		if f, ok := v.Interface().(*failure); ok && f != nil {
			return reflect.ValueOf(p.fittingFailure(f))
		}
		if !v.IsNil() {
			fits := reflect.New(v.Type().Elem())
			fits.Elem().Set(p.fittingValue(v.Elem(), ours))
			return fits
		}
	case reflect.Interface:
		if !v.IsNil() {
			return p.fittingValue(v.Elem(), ours)
		}
	case reflect.Struct:
		fits := reflect.New(v.Type()).Elem()
		fits.Set(v)
		for i := range v.NumField() {
			if field := v.Type().Field(i); field.IsExported() {
				name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
				fits.Field(i).Set(p.fittingValue(v.Field(i), slices.Contains(sentences, name)))
			}
		}
		return fits
	case reflect.Slice:
		if !v.IsNil() {
			fits := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
			for i := range v.Len() {
				fits.Index(i).Set(p.fittingValue(v.Index(i), ours))
			}
			return fits
		}
	case reflect.Map:
		if !v.IsNil() {
			fits := reflect.MakeMapWithSize(v.Type(), v.Len())
			for key, value := range v.Seq2() {
				fits.SetMapIndex(key, p.fittingValue(value, slices.Contains(sentences, key.String())))
			}
			return fits
		}
	}
	return v
}

// fittingFailure is a failure whose hint names no tool that is not offered.
func (p Policy) fittingFailure(f *failure) *failure {
	fits := *f
	fits.Hint = p.fit(f.Hint)
	return &fits
}
