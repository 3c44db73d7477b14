package town

import (
	"path/filepath"
	"strings"
	"testing"

	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/api"
	"gastown/internal/fault"
)

// TestOneRevertAtATime: of many who ask at once for the same revert, one gets it.
func TestOneRevertAtATime(t *testing.T) {
	l := newLab(t, `gate = [{name = "check", run = "true"}]`)
	id := l.create("one")
	l.sling(id)
	l.awaitStatus(id, beads.Closed)
	if a := l.attempt(id); len(a.Gates) == 0 || filepath.Dir(a.Gates[0].Log) != filepath.Join(l.dir, "logs", "gates", "app") {
		t.Errorf("the gate's output is no rig's own: %+v", a.Gates)
	}
	if _, err := api.RefineryPause.Do(t.Context(), l.person(), api.NameReq{Name: "app"}); err != nil {
		t.Fatal(err)
	}
	const many = 4
	answers := make(chan error, many)
	for range many {
		go func() {
			_, err := api.QueueRevert.Do(t.Context(), l.person(), api.BeadReq{Bead: id})
			answers <- err
		}()
	}
	made := 0
	for range many {
		switch err := <-answers; {
		case err == nil:
			made++
		case !fault.Is(err, fault.Refused):
			t.Error(err)
		}
	}
	if w, err := api.Why.Do(t.Context(), l.person(), api.BeadReq{Bead: id}); err != nil || !strings.HasSuffix(w.Why, " is to take it out again.") {
		t.Errorf("why: %q (%v)", w.Why, err)
	}
	for _, e := range l.list() {
		if e.Status == beads.Submitted {
			if _, err := api.QueueHold.Do(t.Context(), l.person(), api.BeadReq{Bead: e.ID}); err != nil {
				t.Fatal(err)
			}
			if w, err := api.Why.Do(t.Context(), l.person(), api.BeadReq{Bead: e.ID}); err != nil || w.Hint != "gastown queue release "+string(e.ID) {
				t.Errorf("what helps a held one: %q (%v)", w.Hint, err)
			}
		}
	}
	if made != 1 {
		t.Errorf("%d reverts of %s", made, id)
	}
}

// TestARevertIsOfTheAttemptThatLanded: a forge may merge an earlier one than the newest.
func TestARevertIsOfTheAttemptThatLanded(t *testing.T) {
	f := newForge(t)
	id := f.start("one", 2)
	f.proposed(id, 1)
	if _, err := api.QueueReject.Do(t.Context(), f.person(), api.RejectReq{Bead: id, Text: "not so"}); err != nil {
		t.Fatal(err)
	}
	f.awaitState(id, 2, beads.Asking)
	f.merges(1, "merge")
	f.settled(id, 1)
	e, err := api.QueueRevert.Do(t.Context(), f.person(), api.BeadReq{Bead: id})
	if err != nil {
		t.Fatal(err)
	}
	f.proposed(e.Bead, 2)
	f.merges(2, "merge")
	f.settled(e.Bead, 2)
	as := f.bead(id).Attempts
	if want := "taken out again by " + string(e.Bead); as[0].Why != want || as[1].Why == want {
		t.Errorf("attempts: %q, %q", as[0].Why, as[1].Why)
	}
	if err := f.town.store.View(func(tx *store.Tx) error {
		b, err := tx.Bead(id)
		if err == nil && !strings.Contains(b.Next.Note, "git log "+as[0].Tip+" shows it") {
			t.Error(b.Next.Note)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// TestARevertOfARevertBringsBack: the bead is merged again, as before; and a revert of that takes it out once more.
func TestARevertOfARevertBringsBack(t *testing.T) {
	for _, history := range []string{"merge", "linear"} {
		t.Run(history, func(t *testing.T) {
			l := newLab(t, "")
			if _, err := api.ConfigSet.Do(t.Context(), l.person(), api.ConfigReq{Key: "refinery.history", Value: history}); err != nil {
				t.Fatal(err)
			}
			id := l.create("one")
			l.sling(id)
			l.awaitStatus(id, beads.Closed)
			landed := l.bead(id).MergeCommit
			revert := func(id beads.ID) beads.ID {
				t.Helper()
				e, err := api.QueueRevert.Do(t.Context(), l.person(), api.BeadReq{Bead: id})
				if err != nil {
					t.Fatal(err)
				}
				l.awaitStatus(e.Bead, beads.Closed)
				return e.Bead
			}
			is := func(status beads.Status, commit string, in bool) {
				t.Helper()
				if b := l.bead(id); b.Status != status || b.MergeCommit != commit || l.has(l.repo(), "main", string(id)+".txt") != in {
					t.Errorf("%+v, want %s as %q", b.Bead, status, commit)
				}
			}
			out := revert(id)
			is(beads.Open, "", false)
			back := revert(out)
			is(beads.Closed, landed, true)
			if out := l.bead(out); out.Status != beads.Closed {
				t.Errorf("the revert that was taken back is %s", out.Status)
			}
			out = revert(back)
			is(beads.Open, "", false)
			revert(out)
			is(beads.Closed, landed, true)
			revert(id) // the bead itself, by its first landing
			is(beads.Open, "", false)
			l.gone()
		})
	}
}
