package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode"
	"unicode/utf8"

	"gastown/internal/api"
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
	if err := enc.Encode(api.Lists(v)); err != nil {
		return fault.Failf("encode the answer: %w", err)
	}
	if _, err := w.Write(inert(buf.Bytes())); err != nil {
		return fault.Failf("write the answer: %w", err)
	}
	return nil
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
