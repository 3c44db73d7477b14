package town

import (
	"testing"
	"time"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/internal/fault"
)

func TestADateOfADeferral(t *testing.T) {
	l := newLab(t, "")
	id := l.create("one")
	until := func(at time.Time) error {
		_, err := api.BeadUpdate.Do(t.Context(), l.person(), api.BeadUpdateReq{Bead: id, Defer: &at})
		return err
	}
	if err := until(time.Now().Add(-time.Hour)); !fault.Is(err, fault.Usage) {
		t.Errorf("a date that has passed: %v", err)
	}
	for _, in := range []time.Duration{time.Hour, 2 * time.Hour, 300 * time.Millisecond} {
		at := time.Now().Add(in)
		if err := until(at); err != nil {
			t.Fatal(err)
		}
		if b := l.bead(id); time.Now().Before(at) && (b.Status != beads.Deferred || !b.DeferUntil.Equal(at)) {
			t.Errorf("%s until %v; want %s", b.Status, b.DeferUntil, at)
		}
	}
	l.awaitStatus(id, beads.Open) // by itself, when the date has come
	if b := l.bead(id); b.DeferUntil != nil || !b.Ready {
		t.Errorf("%+v", b.Bead)
	}
}
