package api

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// TestListsAreThere: what an answer has a list of is an array also where there is nothing, and never left out.
func TestListsAreThere(t *testing.T) {
	seen := map[reflect.Type]bool{reflect.TypeFor[GateSpec](): true} // it is asked with, too
	var look func(reflect.Type)
	look = func(typ reflect.Type) {
		switch typ.Kind() {
		case reflect.Slice, reflect.Pointer:
			look(typ.Elem())
		case reflect.Struct:
			if seen[typ] || typ.PkgPath() != reflect.TypeFor[Verb]().PkgPath() {
				return
			}
			seen[typ] = true
			for i := range typ.NumField() {
				f := typ.Field(i)
				look(f.Type)
				if f.Type.Kind() == reflect.Slice && strings.Contains(f.Tag.Get("json"), "omitempty") {
					t.Errorf("%s.%s is left out where it is empty", typ.Name(), f.Name)
				}
			}
		}
	}
	for _, v := range Table() {
		look(reflect.TypeOf(v.NewRes()).Elem())
	}
	for _, v := range []any{Planned{}, &Planned{}, []Planned(nil), []Slung{{}}} {
		data, err := json.Marshal(Lists(v))
		if err != nil || strings.Contains(string(data), "null") {
			t.Errorf("%T: %s, %v", v, data, err)
		}
	}
}
