package mcp

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"gastown/internal/api"
	"gastown/internal/fault"
)

// maxText caps a text in an answer, such as a log or a diff: about what a model is given of a
// tool's result before its program cuts by itself.
const maxText = 60_000

// defaultLimit is how many things a list has when a model does not say.
const defaultLimit = 50

// schema is a JSON Schema, as far as requests need one.
type schema struct {
	Type        string             `json:"type,omitempty"`
	Description string             `json:"description,omitempty"`
	Format      string             `json:"format,omitempty"`
	Items       *schema            `json:"items,omitempty"`
	Properties  map[string]*schema `json:"properties,omitempty"`
	Required    []string           `json:"required,omitempty"`
	Closed      *bool              `json:"additionalProperties,omitempty"`
}

// field is one argument of a tool, made of a request's field.
type field struct {
	name     string // the argument's
	key      string // in the request's JSON
	typ      reflect.Type
	optional bool
}

func fieldsOf(t reflect.Type) []field {
	var out []field
	for i := range t.NumField() {
		key, rest, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if key == "" || key == "-" {
			continue
		}
		f := field{name: key, key: key, typ: t.Field(i).Type, optional: strings.Contains(rest, "omit")}
		if f.typ == reflect.TypeFor[time.Duration]() {
			f.name = strings.TrimSuffix(key, "_ns")
		}
		out = append(out, f)
	}
	return out
}

// requestOf is the type of a verb's request.
func requestOf(v api.Verb) reflect.Type { return reflect.TypeOf(v.NewReq()).Elem() }

func inputOf(v api.Verb) *schema {
	return schemaOf(requestOf(v), v.Name)
}

// schemaOf describes a type. verb is where the words about its fields are looked up first.
func schemaOf(t reflect.Type, verb string) *schema {
	switch t {
	case reflect.TypeFor[time.Time]():
		return &schema{Type: "string", Format: "date-time"}
	case reflect.TypeFor[time.Duration]():
		return &schema{Type: "string"}
	case reflect.TypeFor[json.RawMessage]():
		return &schema{Type: "object"}
	case reflect.TypeFor[[]byte]():
		return &schema{Type: "string"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return schemaOf(t.Elem(), verb)
	case reflect.Slice:
		return &schema{Type: "array", Items: schemaOf(t.Elem(), verb)}
	case reflect.Struct:
		s := &schema{Type: "object", Properties: map[string]*schema{}, Closed: new(false)}
		for _, f := range fieldsOf(t) {
			p := schemaOf(f.typ, verb)
			p.Description = aboutField(verb, t.Name(), f.name)
			s.Properties[f.name] = p
			if !f.optional && f.typ.Kind() != reflect.Bool {
				s.Required = append(s.Required, f.name)
			}
		}
		return s
	case reflect.Bool:
		return &schema{Type: "boolean"}
	case reflect.Int, reflect.Int64, reflect.Uint64:
		return &schema{Type: "integer"}
	}
	return &schema{Type: "string"}
}

// decode makes a request of a tool's arguments.
func decode(v api.Verb, args json.RawMessage) (any, error) {
	given := map[string]json.RawMessage{}
	if len(args) > 0 {
		if err := json.Unmarshal(args, &given); err != nil {
			return nil, fault.Usagef("%s: the arguments are not an object: %w", v.Name, err)
		}
	}
	t := requestOf(v)
	known := fieldsOf(t)
	out := map[string]json.RawMessage{}
	for _, f := range known {
		val, ok := given[f.name]
		delete(given, f.name)
		if !ok || string(val) == "null" {
			if !f.optional && f.typ.Kind() != reflect.Bool && f.typ != reflect.TypeFor[time.Duration]() {
				return nil, fault.Usagef("%s: %q is missing", v.Name, f.name).WithHint("%s", aboutField(v.Name, t.Name(), f.name))
			}
			continue
		}
		var err error
		if out[f.key], err = plain(f.typ, val); err != nil {
			return nil, fault.Usagef("%s: %q: %w", v.Name, f.name, err)
		}
	}
	if len(given) > 0 {
		var names []string
		for _, f := range known {
			names = append(names, f.name)
		}
		return nil, fault.Usagef("%s: no argument %q", v.Name, slices.Sorted(maps.Keys(given))[0]).WithHint("it takes: %s", orElse(strings.Join(names, ", "), "none"))
	}
	data, err := json.Marshal(out)
	if err != nil {
		return nil, fault.Usagef("%s: %w", v.Name, err)
	}
	ptr := v.NewReq()
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(ptr); err != nil {
		return nil, fault.Usagef("%s: %w", v.Name, err)
	}
	req := v.Value(ptr)
	return modest(req), nil
}

// plain turns what a model writes of a type into what its JSON is.
func plain(t reflect.Type, val json.RawMessage) (json.RawMessage, error) {
	switch t {
	case reflect.TypeFor[time.Duration]():
		var s string
		if err := json.Unmarshal(val, &s); err != nil {
			return nil, fmt.Errorf("want a time such as \"90s\"")
		}
		d, err := time.ParseDuration(s)
		if err != nil {
			return nil, fmt.Errorf("%q is not a time such as \"90s\" or \"10m\"", s)
		}
		return json.Marshal(d)
	case reflect.TypeFor[[]byte]():
		var s string
		if err := json.Unmarshal(val, &s); err != nil {
			return nil, fmt.Errorf("want text")
		}
		return json.Marshal([]byte(s))
	}
	return val, nil
}

// modest limits what a model did not limit itself.
func modest(req any) any {
	switch r := req.(type) {
	case api.BeadListReq:
		if r.Limit == 0 {
			r.Limit = defaultLimit
		}
		return r
	case api.EventsReq:
		if r.Limit == 0 {
			r.Limit = defaultLimit
		}
		return r
	case api.LogReq:
		if r.Lines == 0 {
			r.Lines = 4 * defaultLimit
		}
		return r
	}
	return req
}

// encode is an answer as a JSON object: a list is its "items", and long texts are cut where they
// matter least.
func encode(res any) ([]byte, error) {
	switch r := res.(type) {
	case api.Exported:
		return json.Marshal(map[string]string{"text": head(string(r.Data))})
	case api.Peeked:
		r.Text = tail(r.Text)
		res = r
	case api.Diff:
		r.Text = head(r.Text)
		res = r
	}
	res = api.Lists(res)
	if reflect.ValueOf(res).Kind() == reflect.Slice {
		return json.Marshal(map[string]any{"items": res})
	}
	return json.Marshal(res)
}

// head keeps the beginning of a text.
func head(s string) string {
	if len(s) <= maxText {
		return s
	}
	return strings.ToValidUTF8(s[:maxText], "") + "\n[the rest is left out here]"
}

// tail keeps the end of a text.
func tail(s string) string {
	if len(s) <= maxText {
		return s
	}
	return "[the beginning is left out here]\n" + strings.ToValidUTF8(s[len(s)-maxText:], "")
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
