package cli_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/internal/cli"
	"gastown/internal/fault"
)

// TestLine: a verb is performed on the town at hand, with the options that the shell has; what it prints is the answer.
func TestLine(t *testing.T) {
	town := &fake{}
	town.answer("bead.create", api.Bead{Bead: beads.Bead{ID: "ma-1", Title: "Sleepy"}})
	clock := func() time.Time { return now }
	text, err := cli.Line(t.Context(), town, t.TempDir(), clock, []string{"bead", "create", "Sleepy", "-d", "a b", "--agent", "codex"})
	if err != nil || text != "ma-1  Sleepy" {
		t.Errorf("%q, %v", text, err)
	}
	want := api.BeadCreateReq{Title: "Sleepy", Description: "a b", Agent: "codex"}
	if got := town.calls[0].req; !reflect.DeepEqual(got, want) {
		t.Errorf("asked %+v, want %+v", got, want)
	}
	for _, line := range []string{"up", "demo", "bead", "nonsense", "bead create x --nonsense", "events -f", "bead show"} {
		before := len(town.calls)
		_, err := cli.Line(t.Context(), town, t.TempDir(), clock, strings.Fields(line))
		if !fault.Is(err, fault.Usage) || len(town.calls) != before {
			t.Errorf("%s: %v, asked %v", line, err, town.verbs()[before:])
		}
	}
}

// TestLineOfEveryVerb: none needs what only a process of its own has.
func TestLineOfEveryVerb(t *testing.T) {
	for verb, usage := range cli.Usage() {
		args := strings.Fields(verb)
		for _, word := range strings.Fields(usage) {
			if word[0] != '[' {
				args = append(args, "1")
			}
		}
		t.Run(verb, func(t *testing.T) {
			town := &fake{}
			if _, err := cli.Line(t.Context(), town, t.TempDir(), func() time.Time { return now }, args); len(town.calls) == 0 && err == nil {
				t.Error("nothing is asked, and nothing is wrong")
			}
		})
	}
}

func TestOptions(t *testing.T) {
	all := cli.Options()
	if i := slices.IndexFunc(all["sling"], func(o cli.Option) bool { return o.Name == "--agent" }); i < 0 || all["sling"][i].Value != "PRESET[:MODEL]" {
		t.Errorf("of sling: %+v", all["sling"])
	}
	if len(all["status"]) != 0 {
		t.Errorf("of status: %+v", all["status"])
	}
}
