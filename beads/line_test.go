package beads_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"gastown/beads"
)

// TestALineOverABead: a file is laid over what is here, it does not take its place.
func TestALineOverABead(t *testing.T) {
	now := epoch.Add(time.Hour)
	has := func() *beads.Bead {
		return &beads.Bead{
			ID: "a-1", Title: "one", Description: "long", AcceptanceCriteria: "it works", Status: beads.Open, Priority: 2, Type: beads.Task, NeedsCode: true,
			Labels: []string{"risky"}, Comments: []beads.Comment{{ID: "c1", Author: "you", Text: "keep"}}, CreatedBy: "you", CreatedAt: epoch, UpdatedAt: epoch,
			Rig: "app", Sling: &beads.Sling{By: "you"}, Rejections: 2, LastAttempt: 3, Metadata: json.RawMessage(`{"spec":"s@1"}`), Extra: map[string]json.RawMessage{"owner": json.RawMessage(`"x"`)},
		}
	}
	landed := func() *beads.Bead {
		b := has()
		b.Status, b.ClosedAt, b.MergeCommit, b.CloseReason, b.Sling = beads.Closed, new(epoch), "abc", "merged abc", nil
		return b
	}
	for _, c := range []struct {
		name, line string
		old        *beads.Bead
		changes    string
		left       string
		also       func(*beads.Bead) bool
	}{
		{"only a title", `{"title":"two"}`, has(), `title "one" -> "two"`, "", func(b *beads.Bead) bool {
			return b.Sling != nil && b.Rejections == 2 && b.Rig == "app" && b.CreatedBy == "you" && b.UpdatedAt.Equal(now)
		}},
		{"all of it", `{"title":"one","description":"short","priority":0,"labels":["ui"],"metadata":{"k":1},"zz":true,"needs_code":false,"rig":"web","created_by":"x"}`, has(),
			`priority P2 -> P0, labels risky -> ui, description "long" -> "short", metadata changed, other fields changed`, "", func(b *beads.Bead) bool {
				return string(b.Metadata) == `{"k":1,"spec":"s@1"}` && len(b.Extra) == 2 && b.Rig == "app"
			}},
		{"comments", `{"title":"one","comments":[{"id":"c1","author":"you","text":"keep"},{"id":"c2","author":"me","text":"new"}]}`, has(), "comments 1 -> 2", "", nil},
		{"merged elsewhere", `{"title":"one","status":"closed","close_reason":"merged deadbeef","merge_commit":"deadbeef","closed_at":"2026-05-01T11:00:00Z"}`, has(),
			"status open -> closed", "", func(b *beads.Bead) bool {
				return b.MergeCommit == "" && b.CloseReason == "dropped: closed elsewhere, merged deadbeef" && b.ClosedAt.Hour() == 11 && b.Ending() == "dropped"
			}},
		{"a landed one is open elsewhere", `{"title":"one","status":"open"}`, landed(), "", "it stays closed, the file says open", func(b *beads.Bead) bool {
			return b.MergeCommit == "abc" && b.CloseReason == "merged abc"
		}},
		{"one at work elsewhere", `{"title":"one","status":"in_progress"}`, has(), "metadata changed", "", nil},
		{"a status of nobody's", `{"title":"one","status":"pinned"}`, has(), "metadata changed", "", nil},
		{"put off", `{"title":"one","status":"deferred","defer_until":"2026-06-01T00:00:00Z"}`, has(), "status open -> deferred, deferred until none -> 2026-06-01T00:00:00Z", "", nil},
		{"at work here", `{"title":"one","status":"closed"}`, func() *beads.Bead { b := has(); b.Status = beads.Working; return b }(), "", "it stays working, the file says closed", nil},
	} {
		in, err := beads.Decode(strings.NewReader(c.line), now)
		if err != nil {
			t.Fatal(err)
		}
		got, left := in.Lines[0].Over(c.old, now)
		if changes := strings.Join(beads.Changes(c.old, got), ", "); changes != c.changes || left != c.left {
			t.Errorf("%s: %s, left %q", c.name, changes, left)
		}
		if c.also != nil && !c.also(got) {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}

func TestALineThatIsNew(t *testing.T) {
	in, err := beads.Decode(strings.NewReader(`{"id":"a-1","title":"one","status":"closed","close_reason":"merged abc","merge_commit":"abc"}`), epoch)
	if err != nil {
		t.Fatal(err)
	}
	b := in.Lines[0].New()
	if b.Status != beads.Closed || b.MergeCommit != "" || b.Ending() != "elsewhere" || string(b.Extra["merge_commit"]) != `"abc"` {
		t.Errorf("%+v", b)
	}
}

func TestEnding(t *testing.T) {
	for _, c := range []struct{ commit, reason, want string }{
		{"abc", "merged abc", "merged"}, {"", "merged abc", "elsewhere"}, {"", "dropped", "dropped"}, {"", "dropped: not wanted", "dropped"},
		{"", "result", "result"}, {"", "Done in 12", "elsewhere"}, {"", "", "elsewhere"}, {"", "dropped it", "elsewhere"},
	} {
		b := &beads.Bead{Status: beads.Closed, MergeCommit: c.commit, CloseReason: c.reason}
		if got := b.Ending(); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}
