package town

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gastown/beads"
	"gastown/beads/store"
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

// TestUndoOfAClose: the bead is what it was, whatever that was.
func TestUndoOfAClose(t *testing.T) {
	l := newLab(t, "")
	l.halt(api.Pause, "")
	slung, put, asks := l.create("slung"), l.create("put off"), l.create("asks")
	l.sling(slung)
	date := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	if _, err := api.BeadUpdate.Do(t.Context(), l.person(), api.BeadUpdateReq{Bead: put, Defer: &date}); err != nil {
		t.Fatal(err)
	}
	if err := l.town.update(func(tx *store.Tx) error {
		b, err := tx.Bead(asks)
		if err != nil {
			return err
		}
		c, err := b.Asked("which?", time.Now())
		return errors.Join(err, tx.PutBead(c))
	}); err != nil {
		t.Fatal(err)
	}
	for _, id := range []beads.ID{slung, put, asks} {
		was := l.bead(id)
		if _, err := api.BeadClose.Do(t.Context(), l.person(), api.BeadCloseReq{Bead: id, Reason: "no"}); err != nil {
			t.Fatal(err)
		}
		l.undo()
		was.UpdatedAt = time.Time{}
		now := l.bead(id)
		now.UpdatedAt = time.Time{}
		if diff := cmp.Diff(was, now); diff != "" {
			t.Errorf("%s: %s", id, diff)
		}
	}
	// A date that was changed comes back too.
	other := date.Add(time.Hour)
	if _, err := api.BeadUpdate.Do(t.Context(), l.person(), api.BeadUpdateReq{Bead: slung, Defer: &other}); err != nil {
		t.Fatal(err)
	}
	l.undo()
	if b := l.bead(slung); b.Status != beads.Open || b.Sling == nil || b.DeferUntil != nil {
		t.Errorf("%+v", b.Bead)
	}
}

// TestUndoSaysWhatLasts: an older action is not taken back in the place of the last one.
func TestUndoSaysWhatLasts(t *testing.T) {
	l := newLab(t, "")
	one, two := l.create("one"), l.create("two")
	if _, err := api.BeadUpdate.Do(t.Context(), l.person(), api.BeadUpdateReq{Bead: one, Title: new("wanted")}); err != nil {
		t.Fatal(err)
	}
	if _, err := api.BeadDepAdd.Do(t.Context(), l.person(), api.DepReq{Bead: two, On: one}); err != nil {
		t.Fatal(err)
	}
	if _, err := api.GetStatus.Do(t.Context(), l.person(), api.Empty{}); err != nil { // a look is no action
		t.Fatal(err)
	}
	_, err := api.Undo.Do(t.Context(), l.person(), api.Empty{})
	hint := fault.From(err).Hint
	if !fault.Is(err, fault.Refused) || !strings.Contains(hint, "gastown bead dep remove "+string(two)+" "+string(one)) || !strings.Contains(hint, "again takes back the change of "+string(one)) {
		t.Errorf("%v; %s", err, hint)
	}
	if b := l.bead(one); b.Title != "wanted" {
		t.Error("it took the change before back")
	}
	l.undo() // asked again
	if b := l.bead(one); b.Title != "one" {
		t.Errorf("title %q", b.Title)
	}
	// What the Mayor does is not the person's last action.
	if _, err := api.BeadUpdate.Do(t.Context(), l.person(), api.BeadUpdateReq{Bead: one, Title: new("again")}); err != nil {
		t.Fatal(err)
	}
	if _, err := api.BeadComment.Do(t.Context(), l.mayor(), api.CommentReq{Bead: one, Text: "x"}); err != nil {
		t.Fatal(err)
	}
	l.undo()
}
