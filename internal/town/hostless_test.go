package town

import (
	"strings"
	"testing"
	"time"

	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/api"
	"gastown/refinery"
)

// TestWithoutAHostNothingIsAtWork: what the store says of a killed host's work is not told as going on.
func TestWithoutAHostNothingIsAtWork(t *testing.T) {
	l := newLab(t, "")
	work, queued, slung := l.create("work"), l.create("queued"), l.create("slung")
	l.crash(func(tx *store.Tx) error {
		for _, id := range []beads.ID{work, queued, slung} {
			b, err := tx.Bead(id)
			if err != nil {
				return err
			}
			b = b.Clone()
			b.Sling = &beads.Sling{By: "you"}
			if err := tx.PutBead(b); err != nil {
				return err
			}
		}
		for i, id := range []beads.ID{work, queued} {
			a, err := store.Claim(tx, store.ClaimReq{Bead: id, Polecat: []string{"toast", "nux"}[i], Preset: "mine", Token: string(id)})
			if err != nil {
				return err
			}
			if a, err = a.Apply(beads.Begin, time.Now()); err != nil {
				return err
			}
			if err := tx.PutAttempt(a); err != nil {
				return err
			}
		}
		if _, _, err := store.Step(tx, queued, 1, beads.Submit, time.Now(), func(_ *beads.Bead, a *beads.Attempt) { a.Tip = "tip" }); err != nil {
			return err
		}
		return tx.PutQueue(&refinery.Queue{Rig: "app", State: refinery.Hung, Since: time.Now(), Entries: []refinery.Entry{{Bead: queued, N: 1, State: refinery.EntryGating}},
			Run: &refinery.Run{Seq: 1, Parts: []refinery.Part{{Bead: queued, N: 1}}, Phase: refinery.PhaseGate, HungSince: time.Now()}})
	})
	l.open()
	for id, want := range map[beads.ID]string{
		work:   "was at work with toast (attempt 1) when the host ended; it goes on when the host is up",
		queued: "waits for the host, which is not running",
		slung:  "waits for the host, which is not running",
	} {
		if w, err := api.Why.Do(t.Context(), l.person(), api.BeadReq{Bead: id}); err != nil || !strings.Contains(w.Why, want) || w.Hint != startHost {
			t.Errorf("why %s: %+v, %v; want %q", id, w, err, want)
		}
	}
	s := l.status()
	if r := s.Rigs[0].Refinery; r.State != refinery.Idle || r.Phase != "" || len(s.Problems) > 0 {
		t.Errorf("refinery %+v, problems %+v", r, s.Problems)
	}
	if len(s.Polecats) != 1 || !s.Polecats[0].HostGone || s.Queue[0].State != refinery.EntryQueued || s.Beads.Slung != 1 {
		t.Errorf("status %+v", s)
	}
	if _, err := api.Sling.Do(t.Context(), l.person(), api.SlingReq{Beads: []beads.ID{work}}); err == nil || !strings.Contains(err.Error(), "goes on when it is up") {
		t.Errorf("sling: %v", err)
	}
}
