package town

import (
	"strings"
	"testing"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/internal/fault"
)

// TestABeadOfARemovedRig: nothing starts on it, and it says why.
func TestABeadOfARemovedRig(t *testing.T) {
	l := newLab(t, "")
	id := l.create("one")
	l.halt(api.Pause, "")
	l.sling(id)
	if _, err := api.RigRemove.Do(t.Context(), l.person(), api.NameReq{Name: "app"}); err != nil {
		t.Fatal(err)
	}
	l.halt(api.Resume, "") // it was slung before, and still does not start
	why, err := api.Why.Do(t.Context(), l.person(), api.BeadReq{Bead: id})
	if err != nil || why.Why != string(id)+": its rig app is not in the town any more." || why.Hint != "close it with: gastown bead close "+string(id) {
		t.Errorf("%+v, %v", why, err)
	}
	if _, err := api.Sling.Do(t.Context(), l.person(), api.SlingReq{Beads: []beads.ID{id}}); !fault.Is(err, fault.Refused) {
		t.Error(err)
	}
	ready, err := api.BeadReady.Do(t.Context(), l.person(), api.BeadListReq{})
	if b, st := l.bead(id), l.status(); err != nil || len(ready) > 0 || b.Ready || b.Status != beads.Open || len(b.Attempts) > 0 || st.Beads.Ready != 0 {
		t.Errorf("%+v, %v, %+v, %v", b, ready, st.Beads, err)
	}
}

// TestAutoStartsNoEpic: it is done by its children, also when those are.
func TestAutoStartsNoEpic(t *testing.T) {
	l := newLabOf(t, `dispatch = "auto"`, "", func(l *lab) {
		l.write("src/a.txt", "a\n")
		l.first()
	})
	l.halt(api.Pause, "")
	epic, err := api.BeadCreate.Do(t.Context(), l.person(), api.BeadCreateReq{Title: "all of it", Type: "epic"})
	if err != nil {
		t.Fatal(err)
	}
	child, err := api.BeadCreate.Do(t.Context(), l.person(), api.BeadCreateReq{Title: "a part", Parent: epic.ID})
	if err != nil {
		t.Fatal(err)
	}
	l.halt(api.Resume, "")
	l.awaitStatus(child.ID, beads.Closed)
	last := l.create("after it")
	l.awaitStatus(last, beads.Closed)
	if b := l.bead(epic.ID); b.Status != beads.Open || len(b.Attempts) > 0 {
		t.Errorf("%+v", b)
	}
	why, err := api.Why.Do(t.Context(), l.person(), api.BeadReq{Bead: epic.ID})
	if err != nil || !strings.Contains(why.Why, "nobody has slung it") {
		t.Errorf("%+v, %v", why, err)
	}
}
