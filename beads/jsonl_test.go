package beads_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"gastown/beads"
)

func decode(t *testing.T, lines ...string) *beads.Import {
	t.Helper()
	in, err := beads.Decode(strings.NewReader(strings.Join(lines, "\n")), epoch)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func beadsOf(in *beads.Import) []*beads.Bead {
	var out []*beads.Bead
	for _, l := range in.Lines {
		out = append(out, l.Bead)
	}
	return out
}

func TestDecodeARealLine(t *testing.T) {
	in := decode(t, "\ufeff"+`{"id":"bd-main-idj","title":"Pattern <pass>","status":"in_progress","priority":2,"issue_type":"chore","owner":"dev@example.com","created_at":"2026-04-18T16:19:12Z","created_by":"dev","updated_at":"2026-04-18T16:30:16Z","started_at":"2026-04-18T16:30:16Z","dependencies":[{"issue_id":"bd-main-idj","depends_on_id":"gt-guyt5","type":"blocks","created_at":"2025-12-31T02:16:10Z","created_by":"mayor","metadata":"{}"}],"comments":[{"id":7,"issue_id":"bd-main-idj","author":"a","text":"t","created_at":"2026-04-18T16:30:16Z"}],"spec_id":"s1","dependency_count":1,"dependent_count":0,"comment_count":1,"parent":"x"}`, "",
		`{"_type":"memory","key":"k","value":"v"}`, `{"_schema":1}`, `{"id":"bd-x","title":"t","status":"tombstone"}`)
	if len(beadsOf(in)) != 1 || in.Counts != (beads.Counts{Beads: 1, Memories: 1, Dependencies: 1, Comments: 1, Skipped: 2}) {
		t.Fatalf("%+v", in)
	}
	b := beadsOf(in)[0]
	if b.Status != beads.Open || string(b.Metadata) != `{"bd_status":"in_progress"}` || !b.NeedsCode || b.Comments[0].ID != "7" ||
		string(b.Extra["owner"]) != `"dev@example.com"` || len(b.Extra) != 2 || in.Memories[0].Value != "v" {
		t.Errorf("%+v", b)
	}
	var out bytes.Buffer
	if _, err := beads.Encode(&out, beadsOf(in)); err != nil {
		t.Fatal(err)
	}
	want := `{"_type":"issue","id":"bd-main-idj","title":"Pattern <pass>","spec_id":"s1","status":"open","priority":2,"issue_type":"chore","owner":"dev@example.com","created_at":"2026-04-18T16:19:12Z","created_by":"dev","updated_at":"2026-04-18T16:30:16Z","started_at":"2026-04-18T16:30:16Z","metadata":{"bd_status":"in_progress"},"dependencies":[{"issue_id":"bd-main-idj","depends_on_id":"gt-guyt5","type":"blocks","created_at":"2025-12-31T02:16:10Z","created_by":"mayor","metadata":"{}"}],"comments":[{"id":"7","issue_id":"bd-main-idj","author":"a","text":"t","created_at":"2026-04-18T16:30:16Z"}],"rig":"","needs_code":true,"dependency_count":1,"dependent_count":0,"comment_count":1}` + "\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

func TestDecodeLegacyAndDefaults(t *testing.T) {
	in := decode(t, `{"title":"only a title"}`, `{"id":"a-1","title":"t","status":"pinned","issue_type":"enhancement","metadata":[1],"wisp":true}`,
		`{"id":"a-2","title":"t","status":"closed","issue_type":"adr","updated_at":"2026-01-01T00:00:00Z","rig":5}`,
		`{"id":"a-3","title":"t","dependencies":[{"depends_on_id":"a-1"},{"depends_on_id":"a-1","type":"related"},{"depends_on_id":"a-3"},{"issue_id":"a-9","depends_on_id":"a-1"},{"depends_on_id":""},{"depends_on_id":4}]}`,
		`{"id":"a-4","title":"t","status":"blocked","gastown_status":"needs_you","reason":"why"}`)
	first, pinned, closed, deps, asks := beadsOf(in)[0], beadsOf(in)[1], beadsOf(in)[2], beadsOf(in)[3], beadsOf(in)[4]
	if first.Status != beads.Open || first.Type != beads.Task || first.Priority != 0 || !first.CreatedAt.Equal(epoch) || first.Metadata != nil {
		t.Errorf("%+v", first)
	}
	if pinned.Status != beads.Deferred || pinned.Type != beads.Feature || string(pinned.Metadata) != `{"bd_status":"pinned","metadata":[1]}` || string(pinned.Extra["ephemeral"]) != "true" {
		t.Errorf("%+v", pinned)
	}
	if closed.Type != beads.Decision || closed.NeedsCode || closed.ClosedAt == nil || closed.ClosedAt.Year() != 2026 || string(closed.Extra["rig"]) != "5" {
		t.Errorf("%+v", closed)
	}
	if len(deps.Dependencies) != 1 || deps.Dependencies[0].Type != beads.Blocks || deps.Dependencies[0].IssueID != "a-3" || len(in.Problems) != 5 || in.Problems[0].Line != 4 {
		t.Errorf("%+v, %v", deps, in.Problems)
	}
	if asks.Status != beads.NeedsYou || asks.Reason != "why" || asks.Metadata != nil {
		t.Errorf("%+v", asks)
	}
}

func TestDecodeNamesTheBadLine(t *testing.T) {
	for _, bad := range []string{`{`, `[]`, `{"title":""}`, `{"title":"t","priority":7}`, `{"title":"t","priority":"high"}`, `{"title":"t","id":"a b"}`,
		`{"title":"t","_type":"other"}`, `{"title":"` + strings.Repeat("x", 501) + `"}`, `{"title":"t","created_at":"yesterday"}`} {
		_, err := beads.Decode(strings.NewReader(`{"title":"t"}`+"\n\n"+bad+"\n"), epoch)
		if err == nil || !strings.HasPrefix(err.Error(), "line 3: ") {
			t.Errorf("%.40s: %v", bad, err)
		}
	}
	for bad, want := range map[string]string{
		"not json": "not JSON from character 2 on; want one bead a line, as `gastown bead export` and `bd export` write them", `[]`: "not a JSON object; want",
		`{"title":"t","priority":"high"}`: `field "priority": want a whole number, not "high"`, `{"title":"t","priority":9}`: "priority 9, want 0 (highest) to 4",
		`{"title":"t","labels":"a"}`: `field "labels": want a list of texts, not "a"`, `{"title":7}`: `field "title": want text, not 7`,
		`{"title":"t","created_at":"yesterday"}`: `field "created_at": want a time such as 2026-01-02T15:04:05Z, not "yesterday"`,
		`{"id":"a-1"}`:                           "no title", `{"title":"t","id":"a b"}`: `id "a b": want no spaces`,
	} {
		if _, err := beads.Decode(strings.NewReader(bad), epoch); err == nil || !strings.HasPrefix(err.Error(), "line 1: "+want) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	big := `{"title":"t","description":"` + strings.Repeat("x", 10<<20) + `"}`
	if in := decode(t, big); len(beadsOf(in)[0].Description) != 10<<20 {
		t.Error("a long line was cut")
	}
	if _, err := beads.Decode(strings.NewReader("\n"+strings.Repeat("x", 65<<20)), epoch); err == nil || err.Error() != "line 2: longer than 64 MB" {
		t.Errorf("got %v", err)
	}
}

// TestEncodeTypes: one type that bd does not know and it takes nothing of the file.
func TestEncodeTypes(t *testing.T) {
	for typ, want := range map[beads.Type]string{
		beads.Milestone: `"issue_type":"milestone"`, "gate": `"issue_type":"gate"`, "frob": `"issue_type":"task"`, "merge-request": `"issue_type":"task"`,
	} {
		b := bead("a-1", beads.Open)
		b.Type = typ
		var out bytes.Buffer
		if _, err := beads.Encode(&out, []*beads.Bead{b}); err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("%s: %v, %s", typ, err, out.String())
		}
		if got := beadsOf(decode(t, out.String()))[0].Type; got != typ {
			t.Errorf("%s came back as %s", typ, got)
		}
	}
	for word, want := range map[string]beads.Type{"Bug": beads.Bug, "feat": beads.Feature, "ADR": beads.Decision, " story ": beads.Story, "": "", "decison": "", "message": ""} {
		if got, err := beads.ParseType(word); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", word, got, err)
		}
	}
}

func TestEncodeOrderAndWhatStaysHere(t *testing.T) {
	a, b, c, d := bead("a-1", beads.Working), bead("a-2", beads.NeedsYou), bead("a-3", beads.Closed, on("a-1", beads.ParentChild)), bead("a-4", beads.Open)
	a.Priority, b.Priority, c.Priority = 1, 1, 0
	b.CreatedAt = epoch.Add(time.Hour)
	a.Sling, a.Next, a.LastAttempt, a.Failures = &beads.Sling{By: "me"}, &beads.Start{Note: "n"}, 3, 2
	d.Type = "message"
	var out bytes.Buffer
	n, err := beads.Encode(&out, []*beads.Bead{a, b, c, d})
	if err != nil || n.Beads != 3 {
		t.Fatal(n, err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	for i, want := range []string{`"parent":"a-1"}`, `"status":"blocked"`, `"dependent_count":1`} {
		if !strings.HasPrefix(lines[i], `{"_type":"issue","id":"a-`+fmt.Sprint(3-i)) || !strings.Contains(lines[i], want) {
			t.Errorf("line %d: %s", i+1, lines[i])
		}
	}
	for _, not := range []string{"sling", "next", "last_attempt", "failures", "a-4"} {
		if strings.Contains(out.String(), not) {
			t.Errorf("%s went out", not)
		}
	}
}

// TestJSONLRoundTrip: what went out comes back, but for the work that was going on.
func TestJSONLRoundTrip(t *testing.T) {
	at := rapid.Custom(func(t *rapid.T) time.Time {
		return epoch.Add(time.Duration(rapid.Int64Range(-1e15, 1e15).Draw(t, "ns")))
	})
	text := rapid.StringN(0, 40, -1)
	raw := rapid.SampledFrom([]json.RawMessage{json.RawMessage(`{"a":[1,null,"<&>"]}`), json.RawMessage(`true`), json.RawMessage(`"x"`)})
	one := rapid.Custom(func(t *rapid.T) *beads.Bead {
		opt := func(name string) *time.Time { return rapid.Ptr(at, true).Draw(t, name) }
		b := &beads.Bead{
			Title: "t" + text.Draw(t, "title"), Description: text.Draw(t, "description"), Design: text.Draw(t, "design"),
			AcceptanceCriteria: text.Draw(t, "accept"), Notes: text.Draw(t, "notes"), Status: rapid.SampledFrom(beads.Statuses()).Draw(t, "status"),
			Priority: rapid.IntRange(0, 4).Draw(t, "priority"), Type: rapid.SampledFrom([]beads.Type{beads.Task, beads.Spike, "odd"}).Draw(t, "type"),
			Labels: rapid.SliceOfN(text, 0, 3).Draw(t, "labels"), EstimatedMinutes: rapid.IntRange(0, 99).Draw(t, "minutes"),
			ExternalRef: text.Draw(t, "ref"), CreatedAt: at.Draw(t, "created"), CreatedBy: text.Draw(t, "by"), UpdatedAt: at.Draw(t, "updated"),
			StartedAt: opt("started"), DueAt: opt("due"), DeferUntil: opt("defer"), Rig: text.Draw(t, "rig"), Agent: text.Draw(t, "agent"),
			NeedsCode: rapid.Bool().Draw(t, "code"), Reason: text.Draw(t, "reason"), Result: text.Draw(t, "result"), MergeCommit: text.Draw(t, "merge"),
		}
		if rapid.Bool().Draw(t, "metadata") {
			b.Metadata = raw.Draw(t, "meta")
		}
		b.Extra = rapid.MapOfN(rapid.SampledFrom([]string{"owner", "payload", "sling", "extra", "zz"}), raw, 0, 3).Draw(t, "extra")
		if b.Status == beads.Closed {
			b.ClosedAt, b.CloseReason = new(at.Draw(t, "closed")), text.Draw(t, "close reason")
		}
		return b
	})
	rapid.Check(t, func(t *rapid.T) {
		set := rapid.SliceOfN(one, 0, 4).Draw(t, "beads")
		want := map[beads.ID]*beads.Bead{}
		for i, b := range set {
			b.ID = beads.ID(fmt.Sprintf("a-%d", i))
			if i > 0 {
				b.Dependencies = []beads.Dependency{{IssueID: b.ID, DependsOn: "a-0", Type: beads.Blocks, CreatedAt: epoch, Metadata: json.RawMessage(`"{}"`)}}
				b.Comments = []beads.Comment{{ID: "1", IssueID: b.ID, Author: "x", Text: b.Title, CreatedAt: epoch}}
			}
			c := b.Clone()
			if c.Status == beads.Working || c.Status == beads.Submitted {
				c.Status = beads.Open
			}
			want[b.ID] = c
		}
		var first, second bytes.Buffer
		if _, err := beads.Encode(&first, set); err != nil {
			t.Fatal(err)
		}
		in, err := beads.Decode(bytes.NewReader(first.Bytes()), epoch)
		if err != nil || len(in.Problems) > 0 {
			t.Fatal(err, in)
		}
		got := map[beads.ID]*beads.Bead{}
		for _, l := range in.Lines {
			got[l.Bead.ID] = l.Bead
			over, left := l.Over(want[l.Bead.ID], epoch)
			if diff := beads.Changes(want[l.Bead.ID], over); len(diff) > 0 || left != "" {
				t.Fatalf("laid over itself: %s %s", diff, left)
			}
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
		if _, err := beads.Encode(&second, beadsOf(in)); err != nil {
			t.Fatal(err)
		}
		again, err := beads.Decode(&second, epoch)
		if err != nil || cmp.Diff(beadsOf(in), beadsOf(again)) != "" {
			t.Fatal(err, cmp.Diff(beadsOf(in), beadsOf(again)))
		}
	})
}
