package town

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
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
	if msg := l.undo(); !strings.Contains(msg, " goes on with "+string(ids[0])) {
		t.Errorf("a second undo, of the action before: %q", msg)
	}
	l.told(string(ids[0]) + "-2")
}

// A second undo takes back the action before; what an undo did is nothing to take back. Who is stopped by it is told.
func TestUndoTwice(t *testing.T) {
	l := newLab(t, "")
	id := l.create("one")
	l.job(id, "echo $GASTOWN_ATTEMPT > f; echo . | tell at$GASTOWN_ATTEMPT; exec sleep 1000")
	s := l.sling(id)
	l.told("at1")
	if _, err := api.PolecatReassign.Do(t.Context(), l.person(), api.ReassignReq{Name: s[0].Polecat, To: "rust", Agent: "mine"}); err != nil {
		t.Fatal(err)
	}
	l.told("at2")
	if what, _ := l.host.undoNow(); what != "reassign of "+string(id)+", which stops rust" {
		t.Errorf("u would undo the %s", what)
	}
	if msg := l.undo(); !strings.Contains(msg, "rust is stopped; "+s[0].Polecat+" goes on with "+string(id)) {
		t.Errorf("undo says %q", msg)
	}
	l.told("at3")
	if msg := l.undo(); !strings.Contains(msg, "undid the sling of "+string(id)+": "+s[0].Polecat+" is stopped and its work kept") {
		t.Errorf("a second undo says %q", msg)
	}
	l.awaitNobody()
	if b := l.bead(id); b.Status != beads.Open || b.Sling != nil {
		t.Errorf("it is %s, slung %v", b.Status, b.Sling)
	}
	if _, err := api.Undo.Do(t.Context(), l.person(), api.Empty{}); !fault.Is(err, fault.Refused) {
		t.Errorf("a third undo: %v", err)
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

// TestUndoOfASlingThatAnswered: a bead that needed a person needs them again, whoever began on it meanwhile.
func TestUndoOfASlingThatAnswered(t *testing.T) {
	l := newLab(t, "")
	for _, begins := range []bool{false, true} {
		id := l.create("asks")
		l.job(id, "echo 1 > f; echo . | tell $GASTOWN_BEAD; exec sleep 1000")
		if err := l.town.update(func(tx *store.Tx) error {
			b, err := tx.Bead(id)
			if err != nil {
				return err
			}
			c, err := b.Asked("3 attempts in a row failed", time.Now())
			c.Failures = 3
			return errors.Join(err, tx.PutBead(c))
		}); err != nil {
			t.Fatal(err)
		}
		if begins {
			l.halt(api.Resume, "")
			l.sling(id)
			l.told(string(id))
		} else {
			l.halt(api.Pause, "")
			l.sling(id)
		}
		if msg := l.undo(); !strings.Contains(msg, string(id)+" needs you again: 3 attempts in a row failed") || strings.Contains(msg, "its work kept") != begins {
			t.Error(msg)
		}
		b := l.bead(id)
		if b.Status != beads.NeedsYou || b.Reason != "3 attempts in a row failed" || b.Failures != 3 || b.Sling != nil || (b.Next != nil) != begins {
			t.Errorf("%+v", b.Bead)
		}
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
	if v := l.host.Refresh(); v.Undo != "" {
		t.Errorf("u says that it would undo the %s", v.Undo)
	}
	_, err := api.Undo.Do(t.Context(), l.person(), api.Empty{})
	hint := fault.From(err).Hint
	if !fault.Is(err, fault.Refused) || !strings.Contains(hint, "gastown bead dep remove "+string(two)+" "+string(one)) || !strings.Contains(hint, "again takes back the change of "+string(one)) {
		t.Errorf("%v; %s", err, hint)
	}
	if b := l.bead(one); b.Title != "wanted" {
		t.Error("it took the change before back")
	}
	if v := l.host.Refresh(); v.Undo != "change of "+string(one) {
		t.Errorf("u would undo the %q", v.Undo)
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
	// Under a newer action it is told in its turn, not passed over.
	if _, err := api.BeadUpdate.Do(t.Context(), l.person(), api.BeadUpdateReq{Bead: one, Title: new("older")}); err != nil {
		t.Fatal(err)
	}
	if _, err := api.BeadComment.Do(t.Context(), l.person(), api.CommentReq{Bead: one, Text: "x"}); err != nil {
		t.Fatal(err)
	}
	if _, err := api.BeadUpdate.Do(t.Context(), l.person(), api.BeadUpdateReq{Bead: one, Title: new("newer")}); err != nil {
		t.Fatal(err)
	}
	l.undo()
	if _, err := api.Undo.Do(t.Context(), l.person(), api.Empty{}); !fault.Is(err, fault.Refused) || !strings.Contains(err.Error(), "a comment on "+string(one)) {
		t.Errorf("%v", err)
	}
	if b := l.bead(one); b.Title != "older" {
		t.Errorf("title %q", b.Title)
	}
	l.undo()
	if b := l.bead(one); b.Title != "one" {
		t.Errorf("title %q", b.Title)
	}
}

// TestUndoForgetsWhatIsThrough: what has landed since is not offered any more, and not in the way of what was done before.
func TestUndoForgetsWhatIsThrough(t *testing.T) {
	l := newLab(t, "")
	one, two, three := l.create("one"), l.create("two"), l.create("three")
	l.job(two, "echo . | tell two; exec sleep 1000")
	if _, err := api.BeadUpdate.Do(t.Context(), l.person(), api.BeadUpdateReq{Bead: one, Title: new("wanted")}); err != nil {
		t.Fatal(err)
	}
	l.sling(one, two) // two actions in one
	l.told("two")
	l.awaitStatus(one, beads.Closed)
	if v := l.host.Refresh(); v.Undo != "sling of "+string(two)+", which stops "+l.bead(two).Assignee {
		t.Errorf("u would undo the %s", v.Undo)
	}
	l.undo()
	l.awaitStatus(two, beads.Open)
	l.sling(three)
	l.awaitStatus(three, beads.Closed)
	if v := l.host.Refresh(); v.Undo != "change of "+string(one) {
		t.Errorf("u would undo the %s", v.Undo)
	}
}

// TestUndoIsLookedAtWhileItIsTaken: the screen's view and the verb look at once at what can still be taken back.
func TestUndoIsLookedAtWhileItIsTaken(t *testing.T) {
	l := newLab(t, "")
	id := l.create("one")
	var looks, both sync.WaitGroup
	both.Add(2)
	for _, over := range []bool{true, false} {
		l.town.canUndo(api.Person(), 7, undoStep{what: "change", bead: id, over: func(*beads.Bead) bool {
			if over { // once in each look
				both.Done()
				both.Wait()
			}
			return over
		}})
	}
	for range 2 {
		looks.Go(l.host.forgetGone)
	}
	looks.Wait()
	if what, _ := l.host.undoNow(); what != "change" {
		t.Errorf("u would undo the %s", what)
	}
}

// TestUndoIsOfAPersonsOwnActions: what the Mayor does to polecats since then stays as the Mayor wants it.
func TestUndoIsOfAPersonsOwnActions(t *testing.T) {
	l := newLab(t, "")
	killed, given, edited := l.create("killed"), l.create("given on"), l.create("edited")
	for _, id := range []beads.ID{killed, given} {
		l.job(id, "echo x > f; echo . | tell $GASTOWN_BEAD-$GASTOWN_ATTEMPT; exec sleep 1000")
	}
	l.sling(killed, given)
	l.told(string(killed) + "-1")
	l.told(string(given) + "-1")
	if _, err := api.BeadUpdate.Do(t.Context(), l.person(), api.BeadUpdateReq{Bead: edited, Title: new("anew")}); err != nil {
		t.Fatal(err)
	}
	if _, err := api.PolecatKill.Do(t.Context(), l.mayor(), api.KillReq{Name: string(killed)}); err != nil {
		t.Fatal(err)
	}
	if _, err := api.PolecatReassign.Do(t.Context(), l.mayor(), api.ReassignReq{Name: string(given), To: "rust"}); err != nil {
		t.Fatal(err)
	}
	l.told(string(given) + "-2")
	if msg := l.undo(); !strings.HasPrefix(msg, "undid the change of "+string(edited)) {
		t.Errorf("undo says %q", msg)
	}
	if b := l.bead(edited); b.Title != "edited" {
		t.Errorf("title %q", b.Title)
	}
	if b := l.bead(killed); b.Status != beads.Open {
		t.Errorf("what the Mayor had killed is %s", b.Status)
	}
	if w, err := l.town.worker(string(given)); err != nil || w.name != "rust" {
		t.Errorf("what the Mayor gave on is with %+v, %v", w, err)
	}
}

// TestUndoOfARemovedRigHelps: what it advises works.
func TestUndoOfARemovedRigHelps(t *testing.T) {
	l := newLab(t, "")
	if _, err := api.RigRemove.Do(t.Context(), l.person(), api.NameReq{Name: "app"}); err != nil {
		t.Fatal(err)
	}
	_, err := api.Undo.Do(t.Context(), l.person(), api.Empty{})
	if hint := fault.From(err).Hint; !strings.Contains(hint, "move rigs/app in the town's directory away, then: gastown rig add app PATH") {
		t.Errorf("%v; %s", err, hint)
	}
	if err := os.Rename(l.town.path("rigs", "app"), filepath.Join(l.root, "away")); err != nil {
		t.Fatal(err)
	}
	if _, err := api.RigAdd.Do(t.Context(), l.person(), api.RigAddReq{Name: "app", Source: l.src}); err != nil {
		t.Error(err)
	}
}
