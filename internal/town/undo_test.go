package town

import (
	"strings"
	"testing"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/internal/fault"
)

func (l *lab) undo() string {
	l.t.Helper()
	ack, err := api.Undo.Do(l.t.Context(), l.person(), api.Empty{})
	if err != nil {
		l.t.Fatal(err)
	}
	return ack.Msg
}

// Kills of one action come back together; another action's do not join them.
func TestUndoOfSeveral(t *testing.T) {
	l := newLab(t, "")
	ids := []beads.ID{l.create("one"), l.create("two"), l.create("three")}
	for _, id := range ids {
		l.job(id, "echo $GASTOWN_BEAD > f; pwd | tell $GASTOWN_BEAD-$GASTOWN_ATTEMPT; exec sleep 1000")
	}
	l.sling(ids...)
	for _, id := range ids {
		l.told(string(id) + "-1")
	}
	for i, id := range ids {
		action := uint64(7)
		if i == 0 {
			action = 0
		}
		if _, err := api.PolecatKill.Do(t.Context(), l.person(), api.KillReq{Name: string(id), Action: action}); err != nil {
			t.Fatal(err)
		}
	}
	if msg := l.undo(); !strings.Contains(msg, "and 1 more") {
		t.Errorf("undo says %q", msg)
	}
	l.told(string(ids[1]) + "-2")
	l.told(string(ids[2]) + "-2")
	if b := l.bead(ids[0]); b.Status != beads.Open {
		t.Errorf("%s, of the action before, is %s", ids[0], b.Status)
	}
	if _, err := api.Undo.Do(t.Context(), l.person(), api.Empty{}); !fault.Is(err, fault.Refused) {
		t.Errorf("a second undo: %v", err)
	}
}

func TestUndoOfSlingAndEdit(t *testing.T) {
	l := newLab(t, "")
	one, two := l.create("one"), l.create("two")
	l.job(one, "echo 1 > f; echo . | tell one; exec sleep 1000")
	l.halt(api.Pause, "")
	l.sling(one, two)
	l.undo()
	l.halt(api.Resume, "")
	for _, id := range []beads.ID{one, two} {
		if b := l.bead(id); b.Sling != nil || b.Status != beads.Open {
			t.Errorf("after the undo %s is %s, slung %v", id, b.Status, b.Sling)
		}
	}
	l.sling(one)
	l.told("one")
	l.undo() // it has begun: its work is kept
	l.awaitStatus(one, beads.Open)
	if b := l.bead(one); b.Sling != nil || b.Next == nil || b.Next.Rescue == "" {
		t.Errorf("after the undo %s: slung %v, next %+v", one, b.Sling, b.Next)
	}

	zero, title := 0, "another"
	if _, err := api.BeadUpdate.Do(t.Context(), l.person(), api.BeadUpdateReq{Bead: two, Priority: &zero, Title: &title}); err != nil {
		t.Fatal(err)
	}
	// Who is no person is not in the way of the person's undo.
	if _, err := api.BeadUpdate.Do(t.Context(), l.town.As(api.Caller{Name: "mayor", Role: "mayor"}), api.BeadUpdateReq{Bead: one, Priority: &zero}); err != nil {
		t.Fatal(err)
	}
	l.undo()
	if b := l.bead(two); b.Priority != 2 || b.Title != "two" {
		t.Errorf("after the undo: P%d %s", b.Priority, b.Title)
	}
	if b := l.bead(one); b.Priority != 0 {
		t.Errorf("the Mayor's change is undone too")
	}
}
