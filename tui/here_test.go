package tui

import (
	"strings"
	"testing"

	"gastown/internal/api"
)

// TestHere: a next step is a key where it is about the selected row, else a : command, never one for a shell.
func TestHere(t *testing.T) {
	m := fixedModel(sampleHost(120, 40), 120, 40)
	for _, c := range []struct{ text, want string }{
		{"gastown bead show gt-c9d", "Enter open"},
		{"gastown diff gt-c9d, then gastown queue approve gt-c9d", "d diff, then A answer"},
		{"gastown polecat answer slit TEXT", "A answer"},
		{"gastown refinery restart myapp (r on the screen)", "r restart refinery"},
		{"look at it, then: `gastown refinery restart myapp` (r on the screen).", "look at it, then: r restart refinery."},
		{"gastown polecat peek slit (t on the screen) shows its terminal, gastown polecat restart slit (R on the screen) starts it again", "t shows its terminal, R starts it again"},
		{"add one: `gastown rig gate myapp 'COMMAND'`; or accept it: `gastown rig ungated myapp`", "add one: :rig gate myapp 'COMMAND'; or accept it: :rig ungated myapp"},
		{"Its work is kept: gastown rescue restore gt-9c1. Good.", "Its work is kept: :rescue restore gt-9c1. Good."},
		{"give it to another with: gastown polecat reassign toast", "give it to another with: :polecat reassign toast"},
		{"take in what it has now: `gastown rig fetch myapp --accept`", "take in what it has now: :rig fetch myapp --accept"},
		{"commit it and call gastown done again", "commit it and call gastown done again"},
		{"start it with: gastown, or gastown up", "start it with: gastown, or gastown up"},
		{"no step at all", "no step at all"},
	} {
		if got := m.here(c.text, "gt-c9d", "slit", "myapp"); got != c.want {
			t.Errorf("%q is %q, want %q", c.text, got, c.want)
		}
	}
}

// TestProblemsNameKeys, use the width there is, and are read in full.
func TestProblemsNameKeys(t *testing.T) {
	for _, size := range []Size{{80, 24}, {120, 40}, {200, 60}} {
		h := sampleHost(size.Cols, size.Rows)
		v := *h.View()
		v.Status.Problems = []api.Problem{
			{Key: "a", Who: "refinery myapp", What: `gate "unit": no output for 34s`, Since: noon(), Do: "`gastown refinery restart myapp` (r on the screen)", Rig: "myapp", Level: "hung"},
			{Key: "b", Who: "gt-c9d", What: "3 attempts ended without done; the last said something that was really rather long", Since: noon(), Do: "gastown bead show gt-c9d", Bead: "gt-c9d", Level: "asks"},
		}
		h.set(&v)
		p := drive(t, h, size.Cols, size.Rows)
		p.keys("ctrl+]", "!")
		for _, want := range []string{"refinery myapp", "no output for 34s", "r restart refinery", "Enter open"} {
			p.wantDialog(want)
		}
		if strings.Contains(p.dialog(), "gastown") {
			t.Errorf("%v: a command for a shell:\n%s", size, p.dialog())
		}
		if size.Cols >= 160 {
			p.wantDialog("something that was really rather long")
		}
		p.keys("down")
		words := strings.Join(strings.Fields(strings.ReplaceAll(p.dialog(), "║", " ")), " ")
		if !strings.Contains(words, "the last said something that was really rather long. Enter open") {
			t.Errorf("%v: the selected one is not read in full:\n%s", size, p.dialog())
		}
	}
}
