package cli

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"unicode"
	"unicode/utf8"

	"gastown/internal/fault"
)

// writeJSON writes v as one JSON value and a line end. Lists are arrays also where they
// are nil, and no byte of it is a control character that a terminal would act on.
func writeJSON(w io.Writer, v any, pretty bool) error {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if pretty {
		enc.SetIndent("", "  ")
	}
	if v != nil {
		v = lists(reflect.ValueOf(v)).Interface()
	}
	if err := enc.Encode(v); err != nil {
		return fault.Failf("encode the answer: %w", err)
	}
	if _, err := w.Write(inert(buf.Bytes())); err != nil {
		return fault.Failf("write the answer: %w", err)
	}
	return nil
}

// lists is a copy of v in which no list is nil. v itself may be shared with the town.
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

// inert escapes what JSON leaves alone and a terminal does not: C1 controls, DEL and the
// characters that turn text around. They occur inside of strings only.
func inert(data []byte) []byte {
	if !bytes.ContainsFunc(data, acts) {
		return data
	}
	out := make([]byte, 0, len(data)+64)
	for len(data) > 0 {
		r, n := utf8.DecodeRune(data)
		if acts(r) {
			out = fmt.Appendf(out, `\u%04x`, r)
		} else {
			out = append(out, data[:n]...)
		}
		data = data[n:]
	}
	return out
}

func acts(r rune) bool {
	return r >= 0x7f && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r))
}
