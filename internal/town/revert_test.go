package town

import (
	"path/filepath"
	"strings"
	"testing"

	"gastown/beads"
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
