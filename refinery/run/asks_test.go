package run

import (
	"testing"

	"gastown/refinery"
)

// TestWhatAGateRuns: only what can make a gate test less asks.
func TestWhatAGateRuns(t *testing.T) {
	r := newRig(t, "true")
	gates := []refinery.Gate{{Name: "test", Run: "make test && npm test"}}
	for name, tt := range map[string]struct {
		before, after string
		want          string
	}{
		"changed":           {"100644 Makefile a", "100644 Makefile b", "it changes Makefile (what the gate test runs)"},
		"new":               {"", "100644 Makefile a", ""},
		"new and first":     {"100644 Makefile a", "100644 GNUmakefile a", "it changes GNUmakefile (what the gate test runs) and 1 more like it"},
		"a dependency":      {`100644 package.json {"scripts":{"test":"x"}}`, `100644 package.json {"scripts":{"test":"x"},"dependencies":{"a":"1"}}`, ""},
		"a script":          {`100644 package.json {"scripts":{"test":"x"}}`, `100644 package.json {"scripts":{"test":"true"}}`, "it changes package.json (what the gate test runs)"},
		"not to be read":    {`100644 package.json {"scripts":{"test":"x"}}`, `100644 package.json {`, "it changes package.json (what the gate test runs)"},
		"a link in place":   {`100644 package.json {}`, `120000 package.json other.json`, "it changes package.json (what the gate test runs)"},
		"gone":              {`100644 package.json {}`, "100644 other x", "it changes package.json (what the gate test runs)"},
		"nothing of a gate": {"100644 a.go a", "100644 a.go b", ""},
	} {
		t.Run(name, func(t *testing.T) {
			from := r.root
			if tt.before != "" {
				from = r.tree(tt.before)
			}
			changes, err := r.run.Repo.DiffNames(t.Context(), from, r.tree(tt.after))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := r.run.Asks(t.Context(), changes, gates); got != tt.want || err != nil {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}
