package fault_test

import (
	"strings"
	"testing"

	"gastown/internal/fault"
)

func TestNearest(t *testing.T) {
	names := []string{"bead", "bead list", "bead dep add", "cost", "mail", "polecat", "polecat answer", "polecat kill", "queue list", "sling", "status", "up", "convoy list", "rescue list"}
	for typed, want := range map[string]string{
		"slnig gr-1": "sling", "statsu": "status", "bead lst": "bead list", "baed": "bead", "answer toast yes": "polecat answer",
		"kill": "polecat kill", "pole": "polecat", "list": "", "foo": "", "xx": "", "": "",
	} {
		if got := strings.Join(fault.Nearest(strings.Fields(typed), names), ", "); got != want {
			t.Errorf("%q: %q, want %q", typed, got, want)
		}
	}
}
