package beads_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"gastown/beads"
)

var epoch = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func actions() []beads.Action {
	return []beads.Action{
		beads.Claim, beads.Submit, beads.Reject, beads.StrikeOut, beads.Land, beads.Finish, beads.Lose, beads.Kill,
		beads.Withdraw, beads.Overtake, beads.Ask, beads.Resolve, beads.Drop, beads.Reopen, beads.Defer, beads.Undefer, beads.Begin,
		beads.Question, beads.Answer, beads.Limit, beads.Unlimit, beads.Relaunch,
	}
}

func TestMove(t *testing.T) {
	legal := map[string]beads.Status{
		"open claim": beads.Working, "open finish": beads.Closed, "open drop": beads.Closed, "open defer": beads.Deferred,
		"open ask": beads.NeedsYou, "working submit": beads.Submitted, "working finish": beads.Closed, "working lose": beads.Open,
		"working kill": beads.Open, "working ask": beads.NeedsYou, "submitted reject": beads.Open,
		"submitted strike out": beads.NeedsYou, "submitted land": beads.Closed, "submitted withdraw": beads.Open,
		"needs_you resolve": beads.Open, "needs_you finish": beads.Closed, "needs_you drop": beads.Closed,
		"needs_you defer": beads.Deferred, "deferred undefer": beads.Open, "deferred drop": beads.Closed, "closed reopen": beads.Open,
		"open overtake": beads.Closed, "needs_you overtake": beads.Closed, "deferred overtake": beads.Closed, "closed overtake": beads.Closed,
	}
	for _, from := range beads.Statuses() {
		for _, on := range actions() {
			to, err := beads.Move(from, on)
			want, ok := legal[string(from)+" "+string(on)]
			var te *beads.TransitionError
			switch {
			case ok && (err != nil || to != want):
				t.Errorf("%s %s: %s, %v", from, on, to, err)
			case !ok && (!errors.As(err, &te) || to != from || te.From != string(from) || te.On != on):
				t.Errorf("%s %s: %s, %v", from, on, to, err)
			}
		}
	}
}

func TestAttemptsAndBeadsMoveTogether(t *testing.T) {
	states := []beads.AttemptState{
		beads.Starting, beads.Running, beads.Asking, beads.Limited, beads.Delivered, beads.Landed, beads.Rejected, beads.Killed, beads.Lost,
	}
	for _, from := range states {
		for _, on := range actions() {
			to, err := beads.MoveAttempt(from, on)
			if err != nil {
				continue
			}
			if !from.Live() && to.Live() {
				t.Errorf("%s %s: alive again", from, on)
			}
			status := beads.Open
			switch {
			case from == beads.Delivered:
				status = beads.Submitted
			case from.Live():
				status = beads.Working
			}
			bead, err := beads.Move(status, on)
			if err != nil {
				bead = status // an action of the attempt alone
			}
			if (bead == beads.Working) != to.Live() || (bead == beads.Submitted) != (to == beads.Delivered) {
				t.Errorf("%s %s: attempt %s, bead %s", from, on, to, bead)
			}
		}
	}
}

// TestAStateCountsFromItsBeginning, not from the last edit; before the first change, from when the bead was made.
func TestAStateCountsFromItsBeginning(t *testing.T) {
	made, moved := time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC), time.Date(2026, 11, 28, 10, 0, 0, 0, time.UTC)
	b := &beads.Bead{ID: "a-1", Status: beads.Open, CreatedAt: made, UpdatedAt: made}
	edit := func() { b = b.Clone(); b.UpdatedAt = b.UpdatedAt.Add(5 * time.Hour) }
	if edit(); !b.StateSince().Equal(made) {
		t.Errorf("open since %s", b.StateSince())
	}
	b, err := b.Asked("which?", moved)
	if err != nil {
		t.Fatal(err)
	}
	if edit(); !b.StateSince().Equal(moved) {
		t.Errorf("it needs a person since %s", b.StateSince())
	}
}

func TestApplyKeepsClosedAndItsTimeTogether(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := &beads.Bead{ID: "ma-abc", Status: beads.Open}
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			on := rapid.SampledFrom(actions()).Draw(t, "action")
			before := *b
			next, err := b.Apply(on, epoch)
			if diff := cmp.Diff(&before, b); diff != "" {
				t.Fatalf("changed in place: %s", diff)
			}
			if err == nil {
				b = next
			}
			if (b.Status == beads.Closed) != (b.ClosedAt != nil) || (b.Status == beads.Closed) != (b.CloseReason != "") && on != beads.Land && on != beads.Overtake {
				t.Fatalf("after %s: %+v", on, b)
			}
			if b.Status == beads.Closed && b.CloseReason == "" {
				b.CloseReason = "merged"
			}
		}
	})
}

func TestHowABeadCloses(t *testing.T) {
	b := &beads.Bead{ID: "ma-abc", Status: beads.Working, NeedsCode: true, Assignee: "toast", Sling: &beads.Sling{}}
	if _, err := b.Finished("words", epoch); !errors.Is(err, beads.ErrNeedsCode) {
		t.Errorf("got %v", err)
	}
	asked, err := b.Asked("cannot go on", epoch)
	if err != nil || asked.Status != beads.NeedsYou || asked.Reason != "cannot go on" || asked.Assignee != "" || asked.Sling != nil {
		t.Errorf("%+v, %v", asked, err)
	}
	b.Status = beads.Submitted
	merged, err := b.Merged("abc123", epoch)
	if err != nil || merged.CloseReason != "merged abc123" || merged.MergeCommit != "abc123" || merged.ClosedAt == nil {
		t.Errorf("%+v, %v", merged, err)
	}
	if struck, err := b.Asked("three times", epoch); err != nil || struck.Rejections != 1 || struck.Status != beads.NeedsYou {
		t.Errorf("%+v, %v", struck, err)
	}
	b.Status, b.NeedsCode = beads.Working, false
	done, err := b.Finished("words", epoch)
	if err != nil || done.CloseReason != "result" || done.Result != "words" || b.Status != beads.Working {
		t.Errorf("%+v, %v", done, err)
	}
	a := &beads.Attempt{Bead: "ma-abc", N: 1, State: beads.Limited, LimitedUntil: epoch}
	if a2, err := a.Apply(beads.Unlimit, epoch); err != nil || !a2.LimitedUntil.IsZero() || a.LimitedUntil.IsZero() || !a2.EndedAt.IsZero() {
		t.Errorf("%+v, %v", a2, err)
	}
}

func TestNewID(t *testing.T) {
	for _, c := range []struct{ count, want int }{{0, 3}, {163, 3}, {170, 4}, {983, 4}, {990, 5}, {5898, 5}, {5910, 6}, {35389, 6}, {35500, 7}} {
		if got := beads.HashLength(c.count); got != c.want {
			t.Errorf("beside %d: %d characters, want %d", c.count, got, c.want)
		}
	}
	taken := map[beads.ID]bool{}
	for i := range 2000 {
		id, err := beads.NewID("ma", len(taken), func(id beads.ID) bool { return taken[id] }, fmt.Sprint("title ", i), "", "dev", epoch)
		if err != nil || taken[id] || beads.Prefix(id) != "ma" || beads.RefSafe(id) != string(id) || !beads.ValidID(id) {
			t.Fatalf("%q, %v", id, err)
		}
		taken[id] = true
	}
	if _, err := beads.NewID("ma", 0, func(beads.ID) bool { return true }, "", "", "", epoch); err == nil {
		t.Error("an id that is taken")
	}
}

func TestIDParts(t *testing.T) {
	for _, c := range []struct {
		id     beads.ID
		prefix string
		parent beads.ID
	}{
		{"gt-a1b2", "gt", ""}, {"gt-a1b2.1.3", "gt", "gt-a1b2.1"}, {"bd-main-idj", "bd-main", ""}, {"gt-12", "gt", ""},
		{"app-some-words", "app", ""}, {"web-app-a1b2", "web-app", ""}, {"nohyphen", "", ""}, {"hq-cv-x1y2z", "hq-cv", ""},
	} {
		if p := beads.Prefix(c.id); p != c.prefix {
			t.Errorf("prefix of %s: %q", c.id, p)
		}
		if p := beads.Parent(c.id); p != c.parent {
			t.Errorf("parent of %s: %q", c.id, p)
		}
	}
	ids := slices.Values([]beads.ID{"gt-a1b", "gt-a1b.2", "gt-a1b.10", "gt-a1b.3.7", "gt-a1b2.99"})
	if id, err := beads.ChildID("gt-a1b", ids); id != "gt-a1b.11" || err != nil {
		t.Errorf("%q, %v", id, err)
	}
	if _, err := beads.ChildID("gt-a1b.1.2.3", ids); err == nil {
		t.Error("four levels deep")
	}
	for _, bad := range []string{"", "-x", "a b", "a\x00b", "a\nb", "\xff", "a\u202eb", strings.Repeat("x", 201)} {
		if beads.ValidID(beads.ID(bad)) {
			t.Errorf("%q is taken for an id", bad)
		}
	}
}

func TestRefSafeIsSafeAndInjective(t *testing.T) {
	seen := map[string]beads.ID{}
	rapid.Check(t, func(t *rapid.T) {
		id := beads.ID(rapid.OneOf(rapid.StringMatching(`[a-zA-Z0-9._/~^@{-]{1,12}(\.lock)?`), rapid.String()).Draw(t, "id"))
		ref := beads.RefSafe(id)
		if len(ref) == 0 || len(ref) > 200 || strings.Trim(ref, "abcdefghijklmnopqrstuvwxyz0123456789._-") != "" ||
			strings.Contains(ref, "..") || strings.HasPrefix(ref, ".") || strings.HasPrefix(ref, "-") ||
			strings.HasSuffix(ref, ".") || strings.HasSuffix(ref, ".lock") {
			t.Fatalf("%q -> %q", id, ref)
		}
		if other, ok := seen[ref]; ok && other != id {
			t.Fatalf("%q and %q -> %q", id, other, ref)
		}
		seen[ref] = id
	})
}

func TestCount(t *testing.T) {
	if got := beads.Count(0, "bead") + ", " + beads.Count(1, "bead") + ", " + beads.Count(2, "merge request"); got != "0 beads, 1 bead, 2 merge requests" {
		t.Error(got)
	}
}

func TestClean(t *testing.T) {
	for _, c := range []struct {
		in    string
		limit int
		want  string
	}{
		{"plain", 0, "plain"}, {"a\x1b[31mred\x1b[0m", 0, "ared"}, {"t\x1b]0;title\x07x", 0, "tx"}, {"t\x1b]0;open", 0, "t0;open"},
		{"two\nlines\tand", 0, "two lines and"}, {"bidi\u202eevil", 0, "bidievil"}, {"c1\u009b31mx", 0, "c1x"}, {"\xffbad", 0, "\ufffdbad"},
		{"abcdef", 4, "abc…"}, {"abcd", 4, "abcd"}, {"äöüß", 3, "äö…"}, {"\x1b", 0, ""}, {"a\x1b[12\nb", 0, "a12 b"},
	} {
		if got := beads.Clean(c.in, c.limit); got != c.want {
			t.Errorf("Clean(%q, %d) = %q, want %q", c.in, c.limit, got, c.want)
		}
	}
	if got := beads.CleanText("a\r\n\tb\x1b[1mc\x00"); got != "a\n\tbc" {
		t.Errorf("CleanText = %q", got)
	}
	rapid.Check(t, func(t *rapid.T) {
		s := beads.Clean(rapid.String().Draw(t, "s"), 20)
		if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }) || len([]rune(s)) > 20 {
			t.Fatalf("%q", s)
		}
		if again := beads.Clean(s, 20); again != s {
			t.Fatalf("%q -> %q", s, again)
		}
	})
}

func TestLint(t *testing.T) {
	ok := &beads.Bead{Title: "x", Type: beads.Bug, Description: "## Steps to Reproduce\n1. run\n\n**Acceptance criteria:** it stops"}
	if ps := beads.Lint(ok); len(ps) != 0 {
		t.Errorf("%v", ps)
	}
	bad := &beads.Bead{Title: strings.Repeat("x", 501), Type: beads.Bug, Priority: 9}
	ps := beads.Lint(bad)
	if len(ps) != 5 || !beads.Failing(ps) {
		t.Errorf("%v", ps)
	}
}

func TestTheTemplateIsAPlan(t *testing.T) {
	p := beads.ParsePlan(beads.Template, nil)
	if len(p.Problems) > 0 || len(p.Items) != 2 || p.Name != "Name of the plan" {
		t.Fatalf("%+v", p)
	}
	if p.Items[0].Acceptance != "- something a person or a test can check\n- the tests pass" || !slices.Equal(p.Items[1].Needs, []string{"store"}) ||
		p.Items[1].Acceptance == "" || p.Items[0].Priority != 1 || p.Items[0].Type != beads.Feature {
		t.Errorf("%+v", p.Items)
	}
	if !strings.Contains(p.Context, "What not to do.") || !strings.Contains(p.Context, "what exists") || strings.Contains(p.Context, "store") {
		t.Errorf("context %q", p.Context)
	}
}

func TestParsePlan(t *testing.T) {
	src, err := os.ReadFile("testdata/plan.md")
	if err != nil {
		t.Fatal(err)
	}
	p := beads.ParsePlan(string(src), func(id beads.ID) bool { return id == "ma-a1b" })
	want := []beads.PlanItem{
		{Key: "schema", Title: "Session table, with a key", Type: beads.Feature, Priority: 1, Line: 8,
			Description: "Make the table.\n\n```sh\n# not a heading\nType: not a field\n\nmake table\n```\n\n### Details\n\nThe details.",
			Acceptance:  "- the table exists\n- it has a key that goes over a line", Labels: []string{"db", "auth"}, Agent: "claude:opus"},
		{Key: "callback-route", Title: "Callback route", Type: beads.Task, Priority: 2, Line: 35, Description: "Do it.",
			Acceptance: "- 200 on success\n- 400 on failure", Needs: []string{"schema", "ma-a1b"}},
		{Key: "run-the-script", Title: "Run the script", Type: beads.Chore, Priority: 2, Line: 48,
			Description: "```sh\ntrue\n```", Needs: []string{"schema", "callback-route"}},
	}
	got := slices.Clone(p.Items)
	opt := cmp.FilterPath(func(path cmp.Path) bool {
		f, ok := path.Last().(cmp.StructField)
		return ok && (f.Name() == "needs" || f.Name() == "level")
	}, cmp.Ignore())
	if diff := cmp.Diff(want, got, opt); diff != "" {
		t.Error(diff)
	}
	if p.Name != "Auth revamp" || len(p.Problems) != 0 {
		t.Errorf("%q, %v", p.Name, p.Problems)
	}
	if p.Context != "Why.\n\n## Goals\n\n- [ ] not a bead\n\n## Out of scope\n\nThe rest." {
		t.Errorf("context %q", p.Context)
	}
}

func TestPlanProblems(t *testing.T) {
	cases := []struct {
		name, src string
		want      []string
	}{
		{"empty", "", []string{"1 error: no beads"}},
		{"talk", "# P\n\n## Overview\n\ntext\n", []string{"1 error: no beads"}},
		{"unknown need", "## A\nNeeds: b\n- [ ] x\n", []string{`2 error: needs "b", which is no bead`}},
		{"itself", "## A\nNeeds: a\n- [ ] x\n", []string{"2 error: needs itself"}},
		{"cycle", "## A\nNeeds: B\n- [ ] x\n## B\nNeeds: C\n- [ ] x\n## C\nDepends on: A\n- [ ] x\n", []string{"1 error: needs go in a circle: a -> b -> c -> a"}},
		{"title twice", "## A\nNeeds: none\n- [ ] x\n## a\n- [ ] x\n", []string{"4 error: title", "1 warning: 2 beads and none"}},
		{"key twice", "## [k] A\n- [ ] x\n## [k] B\n- [ ] x\n## C\nNeeds: k\n- [ ] x\n", []string{`3 error: key "k"`}},
		{"no acceptance", "## A\nType: bug\n", []string{`1 error: "A" has no acceptance criteria`}},
		{"values", "## A\nPriority: soon\nType: two words\n- [ ] x\n", []string{"2 error: priority", `3 error: type "two words": not one of task, bug, feature, chore`}},
		{"an unknown type", "## A\nType: decison\n- [ ] x\n", []string{`2 error: type "decison": not one of task`}},
		{"long", "## " + strings.Repeat("x", 501) + "\n- [ ] x\n", []string{"1 error: title of 501"}},
		{"prose between beads", "## A\n- [ ] x\n## B to build\n\nprose\n\n### Details\n\nmore\n## C\nNeeds: A\n- [ ] x\n", []string{`3 warning: "B to build" is not a bead (no Type:, Needs:, acceptance)`}},
		{"prose at the end", "## A\nNeeds: none\n- [ ] x\n### B\n- [ ] y\n## Out of scope\n\n### D\n\nprose\n## E\n", []string{`11 warning: "E" is not a bead`}},
		{"groups and talk", "## Before\n\nprose\n## One\n### A\nType: task\n- [ ] x\n## Two\n\nprose\n### B\nNeeds: A\n- [ ] x\n## Notes\n\n### C\n\nprose\n", nil},
		{"prose among ###", "## One\n### A\n- [ ] x\n### B\n\nprose\n### C\nNeeds: A\n- [ ] x\n", []string{`4 warning: "B" is not a bead`}},
		{"no needs", "## A\n- [ ] x\n## B\n- [ ] x\n", []string{"1 warning: 2 beads and none"}},
	}
	for _, c := range cases {
		var got []string
		for _, p := range beads.ParsePlan(c.src, nil).Problems {
			got = append(got, fmt.Sprintf("%d %s: %s", p.Line, p.Severity, p.Msg))
		}
		for _, want := range c.want {
			if !slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, want) }) {
				t.Errorf("%s: %q is not in %q", c.name, want, got)
			}
		}
		if len(got) != len(c.want) {
			t.Errorf("%s: %q", c.name, got)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		beads.ParsePlan(strings.Join(rapid.SliceOf(rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
			"# A", "## B", "### Acceptance criteria", "```sh", "```", "- [ ] x", "Needs: b, c", "## [c] D", "Type: bug", "  more", "",
		}))).Draw(t, "lines"), "\n"), nil)
	})
}

func TestCleanReadsHostileTextOnce(t *testing.T) {
	long := strings.Repeat("\x1b]", 2<<20)
	began := time.Now()
	if got := beads.CleanText(long); got != "" {
		t.Errorf("%d characters are left of introducers", len(got))
	}
	if got := beads.CleanText(strings.Repeat("\x1b]\a\n", 1<<20)); strings.Trim(got, "\n") != "" {
		t.Error("something is left of commands that end")
	}
	// Read anew for each introducer this takes hours.
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("took %s", took)
	}
	for in, want := range map[string]string{
		"x\x1b]hidden 1\nshown 2\ay":      "xhidden 1\nshown 2y",
		"a\x1b(Bb":                        "ab",
		"a\x1b]0;title\ab\x1b]0;t\x1b\\c": "abc",
		"a\x1b[31mb\x1b[mc\u009b1md":      "abcd",
		"a\x1b[31\nb":                     "a31\nb",
		"end\x1b":                         "end",
	} {
		if got := beads.CleanText(in); got != want {
			t.Errorf("CleanText(%q) = %q, want %q", in, got, want)
		}
	}
}
