package cli_test

import (
	"strings"
	"testing"

	"gastown/internal/api"
	"gastown/internal/cli"
)

// TestUsageOfEveryVerb: what can be typed has words that say what follows it.
func TestUsageOfEveryVerb(t *testing.T) {
	usage := cli.Usage()
	for _, v := range api.Table() {
		if _, ok := usage[strings.ReplaceAll(v.Name, ".", " ")]; !ok {
			t.Errorf("%s has none", v.Name)
		}
	}
	for verb, want := range map[string]string{"sling": "BEAD...", "bead create": "TITLE...", "status": ""} {
		if usage[verb] != want {
			t.Errorf("%s: %q, want %q", verb, usage[verb], want)
		}
	}
}
