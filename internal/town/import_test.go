package town

import (
	"fmt"
	"strings"
	"testing"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/internal/fault"
	"gastown/refinery"
)

func (l *lab) importAs(who api.Doer, lines ...string) api.Imported {
	l.t.Helper()
	out, err := api.BeadImport.Do(l.t.Context(), who, api.ImportReq{Data: []byte(strings.Join(lines, "\n"))})
	if err != nil {
		l.t.Fatal(err)
	}
	return out
}

const later = `"updated_at":"2099-01-01T00:00:00Z"`

// TestAnImportLandsNothing: a line that says merged is no landing, and frees nothing that waits for one.
func TestAnImportLandsNothing(t *testing.T) {
	l := newLab(t, "")
	id := l.create("one")
	closed := fmt.Sprintf(`{"id":%q,"title":"one","status":"closed","close_reason":"merged deadbeef","merge_commit":"deadbeef",%s}`, id, later)
	if out := l.importAs(l.mayor(), closed, `{"id":"ap-new1","title":"new","status":"closed","close_reason":"merged deadbeef"}`); out.Updated+out.Created != 0 || len(out.Warnings) != 2 {
		t.Errorf("the Mayor: %+v", out)
	}
	if b := l.bead(id); b.Status != beads.Open {
		t.Errorf("the Mayor closed it: %+v", b.Bead)
	}
	l.importAs(l.person(), closed, `{"id":"ap-new2","title":"new","status":"closed","close_reason":"merged deadbeef","merge_commit":"deadbeef"}`)
	if b := l.bead(id); b.Status != beads.Closed || b.MergeCommit != "" || !strings.HasPrefix(b.CloseReason, "dropped: ") {
		t.Errorf("%+v", b.Bead)
	}
	if b := l.bead("ap-new2"); b.Status != beads.Closed || b.MergeCommit != "" || b.Ending() != "elsewhere" {
		t.Errorf("%+v", b.Bead)
	}
	why, err := api.Why.Do(t.Context(), l.person(), api.BeadReq{Bead: "ap-new2"})
	if err != nil || !strings.Contains(why.Why, "closed elsewhere") {
		t.Errorf("%+v, %v", why, err)
	}
	two := l.create("two")
	l.sling(two)
	l.awaitStatus(two, beads.Closed)
	merge := l.bead(two).MergeCommit
	out := l.importAs(l.person(), fmt.Sprintf(`{"id":%q,"title":"TWO","status":"open",%s}`, two, later))
	if b := l.bead(two); b.Status != beads.Closed || b.MergeCommit != merge || b.Title != "TWO" || len(out.Warnings) != 1 {
		t.Errorf("a landed one: %+v, %+v", b.Bead, out)
	}
}

// TestAnImportKeepsTheLabelThatAsks: the Mayor cannot take it away by a file, and what landed with it had a yes.
func TestAnImportKeepsTheLabelThatAsks(t *testing.T) {
	l := newLab(t, `approve = ["risky"]`)
	b, err := api.BeadCreate.Do(t.Context(), l.person(), api.BeadCreateReq{Title: "one", Labels: []string{"risky"}})
	if err != nil {
		t.Fatal(err)
	}
	out := l.importAs(l.mayor(), fmt.Sprintf(`{"id":%q,"title":"one","labels":[],%s}`, b.ID, later), fmt.Sprintf(`{"id":%q,"title":"new title",%s}`, b.ID, later))
	if got := l.bead(b.ID); len(got.Labels) != 1 || got.Title != "new title" {
		t.Errorf("%+v, %+v", got.Bead, out)
	}
	out = l.importAs(l.mayor(), fmt.Sprintf(`{"id":%q,"title":"one","labels":["ui"],"updated_at":"2099-02-01T00:00:00Z"}`, b.ID))
	if got := l.bead(b.ID); len(got.Labels) != 1 || got.Labels[0] != "risky" || len(out.Warnings) != 1 || !strings.Contains(out.Warnings[0], "line 1: left out") {
		t.Errorf("%+v, %+v", got.Bead, out)
	}
	l.sling(b.ID)
	l.await("green", func() bool {
		return l.bead(b.ID).Status == beads.Closed || l.queued(b.ID).State == refinery.EntryApprove
	})
	if l.bead(b.ID).Status == beads.Closed {
		t.Error("it landed without a yes")
	}
}

// TestAnImportIsLaidOver: what a line does not carry stays, and each bead has an event of its own.
func TestAnImportIsLaidOver(t *testing.T) {
	l := newLab(t, "")
	b, err := api.BeadCreate.Do(t.Context(), l.person(), api.BeadCreateReq{Title: "which?", Type: "decision", Description: "long", Accept: "said"})
	if err != nil {
		t.Fatal(err)
	}
	l.job(b.ID, "exec gastown done --result 'the second'")
	l.sling(b.ID)
	l.awaitStatus(b.ID, beads.Closed)
	if _, err := api.BeadComment.Do(t.Context(), l.person(), api.CommentReq{Bead: b.ID, Text: "mine"}); err != nil {
		t.Fatal(err)
	}
	l.importAs(l.mayor(), fmt.Sprintf(`{"id":%q,"title":"which one?","status":"closed","comments":[{"id":"x","author":"bd","text":"theirs"}],%s}`, b.ID, later))
	got := l.bead(b.ID)
	if got.Result != "the second" || got.CloseReason != beads.CloseResult || got.CreatedBy != "you" || got.Priority != 2 || got.Description != "long" ||
		got.AcceptanceCriteria != "said" || len(got.Comments) != 2 {
		t.Errorf("%+v", got.Bead)
	}
	if e := l.newest(beads.EvImported); e.Actor != "mayor" || e.Bead != b.ID || e.Text != fmt.Sprintf(`imported %s: title "which?" -> "which one?", comments 1 -> 2`, b.ID) {
		t.Errorf("%+v", e)
	}
}

func TestAnImportMakesIdsAndNamesLines(t *testing.T) {
	l := newLab(t, "")
	out := l.importAs(l.mayor(), `{"title":"a title is enough","comments":[{"author":"x","text":"y"}]}`)
	id := l.newest(beads.EvImported).Bead
	if b := l.bead(id); out.Created != 1 || beads.Prefix(id) != "ap" || b.Title != "a title is enough" || b.Rig != "app" || b.Comments[0].IssueID != id {
		t.Errorf("%s %+v, %+v", id, b.Bead, out)
	}
	_, err := api.BeadImport.Do(t.Context(), l.person(), api.ImportReq{Data: []byte(`{"title":"t"}` + "\n" + `{"title":"t","priority":9}`)})
	if !fault.Is(err, fault.Usage) || !strings.Contains(err.Error(), "import: line 2: priority 9") {
		t.Error(err)
	}
}
