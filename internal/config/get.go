package config

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"gastown/internal/fault"
)

// Get returns one value by its dotted key, defaults included: a string, int, bool,
// list of strings or time.Duration. A rig, agent or gate that is not there is an
// error of kind NotFound, an unknown key of kind Usage.
func Get(data []byte, key string) (any, error) {
	d, err := parseDocument("town.toml", data)
	if err != nil {
		return nil, err
	}
	path, s, err := d.locate(key)
	if err != nil {
		return nil, err
	}
	c, err := Parse("town.toml", data)
	if err != nil {
		return nil, err
	}
	if path[0] == "agent" {
		if _, ok := c.Agents[path[1]]; !ok {
			return nil, fault.NotFoundf("there is no agent %q", path[1])
		}
	}
	v, err := c.value(s.pattern, path)
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", key, err)
	}
	return v, nil
}

// Text writes a value that Get gave as Set takes it: texts and times bare, lists as TOML.
func Text(v any) string {
	switch v := v.(type) {
	case []string:
		return encode(texts2any(v))
	case time.Duration:
		return showDuration(v)
	}
	return fmt.Sprint(v)
}

// value reads a field by the same names the schema uses: a key's name is its
// field's name in lower case.
func (c *Config) value(pattern string, path []string) (any, error) {
	v := reflect.ValueOf(*c)
	for _, part := range path {
		switch {
		case v.Kind() == reflect.Map:
			v = v.MapIndex(reflect.ValueOf(part))
		case v.Kind() == reflect.Slice:
			i, err := strconv.Atoi(strings.TrimPrefix(part, "#"))
			if err != nil || i >= v.Len() {
				return nil, fault.NotFoundf("there is no such gate")
			}
			v = v.Index(i)
		default:
			v = field(v, part)
		}
		if !v.IsValid() {
			return nil, errors.New("no field for " + pattern)
		}
	}
	if pattern == "rig.*.approve" {
		switch l := v.Interface().([]string); {
		case len(l) == 0:
			return "none", nil
		case l[0] == ApproveAll:
			return ApproveAll, nil
		}
	}
	return v.Interface(), nil
}

// field finds the field of a key: its name, or the plural of it (rig -> Rigs).
func field(v reflect.Value, key string) reflect.Value {
	for _, suffix := range []string{"", "s"} {
		if f := v.FieldByNameFunc(func(f string) bool { return strings.ToLower(f) == key+suffix }); f.IsValid() {
			return f
		}
	}
	return reflect.Value{}
}
