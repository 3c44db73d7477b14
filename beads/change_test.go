package beads_test

import (
	"strings"
	"testing"
	"time"

	"gastown/beads"
)

func TestByHand(t *testing.T) {
	legal := map[string]beads.Action{
		"open closed": beads.Drop, "open deferred": beads.Defer, "needs_you open": beads.Resolve, "needs_you closed": beads.Drop,
		"needs_you deferred": beads.Defer, "deferred open": beads.Undefer, "deferred closed": beads.Drop, "closed open": beads.Reopen,
	}
	for _, from := range beads.Statuses() {
		for _, to := range beads.Statuses() {
			on, ok := beads.ByHand(from, to)
			if want := legal[string(from)+" "+string(to)]; on != want || ok != (want != "") {
				t.Errorf("%s to %s: %q, %t; want %q", from, to, on, ok, want)
			}
		}
	}
}

func TestReserved(t *testing.T) {
	code := beads.Bead{Status: beads.Open, Type: beads.Task, NeedsCode: true, Labels: []string{"risky", "ui"}}
	with := func(b beads.Bead, change func(*beads.Bead)) *beads.Bead { change(&b); return &b }
	talk := with(code, func(b *beads.Bead) { b.NeedsCode, b.Type = false, beads.Decision })
	for _, c := range []struct {
		name   string
		old, b *beads.Bead
		want   string // in what is said; empty: nothing is
	}{
		{"a new task", nil, &code, ""},
		{"a new task without code", nil, with(code, func(b *beads.Bead) { b.NeedsCode = false }), "needs no code"},
		{"a new decision", nil, talk, ""},
		{"a new decision that needs code", nil, with(code, func(b *beads.Bead) { b.Type = beads.Decision }), ""},
		{"a new task that is closed", nil, with(code, func(b *beads.Bead) { b.Status = beads.Closed }), "landing closes it"},
		{"text", &code, with(code, func(b *beads.Bead) { b.Title, b.Type = "x", beads.Epic }), ""},
		{"a close", &code, with(code, func(b *beads.Bead) { b.Status = beads.Closed }), "landing closes it"},
		{"a close of what needs none", talk, with(*talk, func(b *beads.Bead) { b.Status = beads.Closed }), ""},
		{"a closed one", with(code, func(b *beads.Bead) { b.Status = beads.Closed }), with(code, func(b *beads.Bead) { b.Status = beads.Closed }), ""},
		{"no code any more", &code, with(code, func(b *beads.Bead) { b.NeedsCode = false }), "needs no code"},
		{"code after all", talk, with(*talk, func(b *beads.Bead) { b.NeedsCode = true }), ""},
		{"a decision that becomes a task without code", talk, with(*talk, func(b *beads.Bead) { b.Type = beads.Task }), "needs no code"},
		{"a task that a person exempted", with(code, func(b *beads.Bead) { b.NeedsCode = false }), with(code, func(b *beads.Bead) { b.NeedsCode, b.Type = false, beads.Bug }), ""},
		{"a label", &code, with(code, func(b *beads.Bead) { b.Labels = []string{"risky"} }), ""},
		{"the label", &code, with(code, func(b *beads.Bead) { b.Labels = []string{"ui"} }), "label risky"},
	} {
		if got := beads.Reserved(c.old, c.b, []string{"risky"}); c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q; want %q", c.name, got, c.want)
		}
	}
}

func TestRetype(t *testing.T) {
	for _, c := range []struct {
		from, to   beads.Type
		code, want bool
	}{
		{beads.Decision, beads.Task, false, true}, {beads.Task, beads.Spike, true, false}, {beads.Task, beads.Bug, true, true},
		{beads.Task, beads.Bug, false, false}, {beads.Spike, beads.Epic, true, true}, // a person said otherwise
	} {
		b := &beads.Bead{Type: c.from, NeedsCode: c.code}
		if b.Retype(c.to); b.Type != c.to || b.NeedsCode != c.want {
			t.Errorf("%+v: %s, %t", c, b.Type, b.NeedsCode)
		}
	}
}

func TestChanges(t *testing.T) {
	old := &beads.Bead{Title: "one", Status: beads.Open, Priority: 2, Type: beads.Task, NeedsCode: true, Description: strings.Repeat("x", 100)}
	for _, c := range []struct {
		change func(*beads.Bead)
		want   string
	}{
		{func(*beads.Bead) {}, ""},
		{func(b *beads.Bead) { b.Priority, b.Title = 0, "two\nlines" }, `priority P2 -> P0, title "one" -> "two lines"`},
		{func(b *beads.Bead) { b.Labels, b.NeedsCode = []string{"a", "b"}, false }, "needs code yes -> no, labels none -> a,b"},
		{func(b *beads.Bead) { b.Description += "y" }, "description changed"},
		{func(b *beads.Bead) { b.Description = "short" }, `description "` + strings.Repeat("x", 38) + `…" -> "short"`},
		{func(b *beads.Bead) { b.Status, b.DeferUntil = beads.Deferred, new(epoch) }, "status open -> deferred, deferred until none -> " + epoch.Format(time.RFC3339)},
		{func(b *beads.Bead) {
			b.Dependencies = []beads.Dependency{{DependsOn: "a-1", Type: beads.Blocks}, {DependsOn: "a-2", Type: beads.Related}}
		}, "waits for none -> a-1, a-2 (related)"},
		{func(b *beads.Bead) { b.Metadata, b.Comments = []byte("{}"), make([]beads.Comment, 1) }, "comments 0 -> 1, metadata changed"},
	} {
		b := old.Clone()
		c.change(b)
		if got := strings.Join(beads.Changes(old, b), ", "); got != c.want {
			t.Errorf("%s; want %s", got, c.want)
		}
	}
}
