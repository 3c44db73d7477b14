package api

import (
	"encoding"
	"encoding/json"
	"reflect"
)

// Lists is a copy of an answer in which no list is nil, so that each is an array in JSON. The answer itself
// may be shared with the town.
func Lists(v any) any {
	if v == nil {
		return nil
	}
	return lists(reflect.ValueOf(v)).Interface()
}

func lists(v reflect.Value) reflect.Value {
	if !v.IsValid() || marshalsItself(v.Type()) {
		return v
	}
	switch v.Kind() {
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 && !v.IsNil() {
			return v
		}
		out := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		for i := range v.Len() {
			out.Index(i).Set(lists(v.Index(i)))
		}
		return out
	case reflect.Pointer:
		if v.IsNil() {
			return v
		}
		out := reflect.New(v.Type().Elem())
		out.Elem().Set(lists(v.Elem()))
		return out
	case reflect.Struct:
		out := reflect.New(v.Type()).Elem()
		out.Set(v)
		for i := range v.NumField() {
			if out.Field(i).CanSet() {
				out.Field(i).Set(lists(v.Field(i)))
			}
		}
		return out
	}
	return v
}

func marshalsItself(t reflect.Type) bool {
	for _, t := range []reflect.Type{t, reflect.PointerTo(t)} {
		if t.Implements(reflect.TypeFor[json.Marshaler]()) || t.Implements(reflect.TypeFor[encoding.TextMarshaler]()) {
			return true
		}
	}
	return false
}
