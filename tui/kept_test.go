package tui

import (
	"strings"
	"testing"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/refinery"
)

// TestKeptWorkIsNotNothing: what a stopped attempt had not committed is on its rescue ref.
func TestKeptWorkIsNotNothing(t *testing.T) {
	m := fixedModel(sampleHost(120, 40), 120, 40)
	for _, c := range []struct {
		a    beads.Attempt
		want string
	}{
		{beads.Attempt{}, "nothing changed"},
		{beads.Attempt{Rescue: "refs/gt/rescue/ap-1/1"}, "work kept"},
		{beads.Attempt{Rescue: "refs/gt/rescue/ap-1/2", Carried: 2}, "nothing new, 2 commits from before kept"},
		{beads.Attempt{Rescue: "refs/gt/rescue/ap-1/1", Files: 1, Added: 2, Dirty: 1}, "0 commits · 1 file +2 -0 · 1 file uncommitted"},
		{beads.Attempt{Rescue: "refs/gt/rescue/ap-1/1", Commits: 1, Files: 1, Added: 2}, "1 commit · 1 file +2 -0"},
	} {
		if got := m.changeText(&c.a, nil); got != c.want {
			t.Errorf("%+v: %q, want %q", c.a, got, c.want)
		}
	}
}

// TestAHeldBeadIsMarkedAsThat, on the board as in the queue.
func TestAHeldBeadIsMarkedAsThat(t *testing.T) {
	h := sampleHost(200, 60)
	v := *h.View()
	v.Refineries[0].Queue[1].State = refinery.EntryHeld
	h.set(&v)
	p := drive(t, h, 200, 60)
	for _, row := range strings.Split(p.screen(), "\n") {
		if strings.Contains(row, "gt-a0d P2") && !strings.Contains(row, "= held") {
			t.Error(row)
		}
	}
}

// TestASentBackBeadIsMarkedAsThat, whether the Refinery did it or a person, whose word is no strike.
func TestASentBackBeadIsMarkedAsThat(t *testing.T) {
	b := &beads.Bead{ID: "gt-1", Status: beads.Open, LastAttempt: 1}
	last := &beads.Attempt{Bead: "gt-1", N: 1, Polecat: "nux", State: beads.Rejected, Why: "taken out of the queue by you"}
	r := beadFacts(&api.Bead{Bead: *b, Attempts: []*beads.Attempt{last}, Ready: true}, nil, nil, nil)
	if r.glyph != 'x' || r.word != "bounced" || r.waits != last.Why {
		t.Errorf("%c %s: %s", r.glyph, r.word, r.waits)
	}
}
