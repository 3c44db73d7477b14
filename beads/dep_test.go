package beads_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"gastown/beads"
)

func bead(id beads.ID, status beads.Status, deps ...beads.Dependency) *beads.Bead {
	b := &beads.Bead{ID: id, Title: string(id), Status: status, Type: beads.Task, CreatedAt: epoch, UpdatedAt: epoch}
	for _, d := range deps {
		d.IssueID = id
		b.Dependencies = append(b.Dependencies, d)
	}
	if status == beads.Closed {
		b.ClosedAt = new(epoch)
	}
	return b
}

func on(id beads.ID, typ beads.DepType) beads.Dependency {
	return beads.Dependency{DependsOn: id, Type: typ}
}

func gated(id beads.ID, gate string) beads.Dependency {
	return beads.Dependency{DependsOn: id, Type: beads.WaitsFor, Metadata: json.RawMessage(fmt.Sprintf("%q", `{"gate":"`+gate+`"}`))}
}

func TestBlockedBy(t *testing.T) {
	later := epoch.Add(time.Hour)
	deferred := bead("deferred", beads.Open)
	deferred.DeferUntil = &later
	set := []*beads.Bead{
		bead("open", beads.Open), bead("done", beads.Closed), bead("queued", beads.Submitted), deferred,
		bead("a", beads.Open, on("open", beads.Blocks)),
		bead("b", beads.Open, on("done", beads.Blocks)),
		bead("c", beads.Open, on("queued", beads.Conditional), on("nowhere", beads.WaitsFor)),
		bead("rel", beads.Open, on("open", beads.Related), on("open2", "tracks")),
		bead("p", beads.Open, on("open", beads.Blocks)),
		bead("p.1", beads.Open, on("p", beads.ParentChild), on("queued", beads.Blocks)),
		bead("p.1.1", beads.Open, on("p.1", beads.ParentChild)),
		bead("q", beads.Open), bead("q.1", beads.Open, on("q", beads.ParentChild)),
		bead("orphan", beads.Open, on("nowhere", beads.ParentChild)),
		bead("d.1", beads.Open, on("deferred", beads.ParentChild)),
		bead("f", beads.Open), bead("f.1", beads.Closed, on("f", beads.ParentChild)), bead("f.2", beads.Open, on("f", beads.ParentChild)),
		bead("all", beads.Open, gated("f", "all-children")), bead("any", beads.Open, gated("f", "any-children")),
	}
	g := beads.NewGraph(slices.Values(set))
	want := map[beads.ID][]beads.ID{
		"a": {"open"}, "c": {"nowhere", "queued"}, "p": {"open"}, "p.1": {"open", "queued"}, "p.1.1": {"open", "queued"}, "all": {"f"},
	}
	notReady := []beads.ID{"a", "c", "p", "p.1", "p.1.1", "all", "done", "queued", "deferred", "d.1", "f.1"}
	for _, b := range set {
		if diff := cmp.Diff(want[b.ID], g.BlockedBy(b.ID)); diff != "" {
			t.Errorf("%s: %s", b.ID, diff)
		}
		if got := g.Ready(b, epoch); got == slices.Contains(notReady, b.ID) {
			t.Errorf("%s ready %t", b.ID, got)
		}
	}
	if !g.Ready(deferred, later) {
		t.Error("still deferred")
	}
	if diff := cmp.Diff([]beads.ID{"a", "p", "p.1", "p.1.1"}, g.Unblocks("open")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]beads.ID{"nowhere"}, g.Missing()); diff != "" {
		t.Error(diff)
	}
	for _, typ := range []beads.Type{"gate", "message", "agent"} {
		b := bead("odd", beads.Open)
		b.Type = typ
		if g.Ready(b, epoch) {
			t.Errorf("a %s is work", typ)
		}
	}
}

func TestWavesAndCycles(t *testing.T) {
	set := []*beads.Bead{
		bead("a", beads.Open), bead("b", beads.Open, on("a", beads.Blocks)), bead("c", beads.Open, on("a", beads.Blocks), on("outside", beads.Blocks)),
		bead("d", beads.Open, on("b", beads.Blocks), on("c", beads.WaitsFor)), bead("e", beads.Closed), bead("outside", beads.Open),
		bead("e.1", beads.Open, on("e", beads.Blocks)), bead("x", beads.Open, on("y", beads.Blocks)), bead("y", beads.Open, on("x", beads.Blocks)),
		bead("d.1", beads.Open, on("d", beads.ParentChild)),
	}
	urgent := bead("z", beads.Open)
	set[0].Priority, set[6].Priority, urgent.Priority = 2, 1, 0
	set = append(set, urgent)
	g := beads.NewGraph(slices.Values(set))
	got := g.Waves([]beads.ID{"d.1", "d", "c", "b", "a", "e", "e.1", "x", "y", "z", "none"})
	if diff := cmp.Diff([][]beads.ID{{"z", "e.1", "a"}, {"b", "c"}, {"d", "d.1"}}, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]beads.ID{"x", "y", "x"}, g.Cycle()); diff != "" {
		t.Error(diff)
	}
	for _, c := range []struct {
		from, to beads.ID
		want     []beads.ID
	}{
		{"a", "d", []beads.ID{"a", "d", "b", "a"}}, {"d", "a", nil}, {"a", "a", []beads.ID{"a", "a"}}, {"a", "none", nil},
		{"a", "d.1", []beads.ID{"a", "d.1", "d", "b", "a"}},
	} {
		if diff := cmp.Diff(c.want, g.WouldCycle(c.from, c.to)); diff != "" {
			t.Errorf("%s on %s: %s", c.from, c.to, diff)
		}
	}
}

// TestGraphStaysAcyclic adds what WouldCycle allows: then all beads fit into waves, in order.
func TestGraphStaysAcyclic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 12).Draw(t, "n")
		var set []*beads.Bead
		var ids []beads.ID
		for i := range n {
			ids = append(ids, beads.ID(fmt.Sprint("b", i)))
			set = append(set, bead(ids[i], beads.Open))
		}
		types := []beads.DepType{beads.Blocks, beads.ParentChild, beads.WaitsFor, beads.Conditional}
		for range rapid.IntRange(0, 30).Draw(t, "edges") {
			from, to := rapid.IntRange(0, n-1).Draw(t, "from"), rapid.IntRange(0, n-1).Draw(t, "to")
			if beads.NewGraph(slices.Values(set)).WouldCycle(ids[from], ids[to]) == nil {
				set[from].Dependencies = append(set[from].Dependencies, on(ids[to], rapid.SampledFrom(types).Draw(t, "type")))
			}
		}
		g := beads.NewGraph(slices.Values(set))
		if c := g.Cycle(); c != nil {
			t.Fatalf("cycle %v", c)
		}
		done := 0
		for _, wave := range g.Waves(ids) {
			now := beads.NewGraph(slices.Values(set))
			for _, id := range wave {
				if by := now.BlockedBy(id); len(by) > 0 {
					t.Fatalf("%s in its wave is blocked by %v", id, by)
				}
				for _, freed := range now.Unblocks(id) {
					if !slices.Contains(now.BlockedBy(freed), id) {
						t.Fatalf("%s does not wait for %s", freed, id)
					}
				}
				done++
			}
			for _, id := range wave {
				set[slices.Index(ids, id)].Status = beads.Closed
			}
		}
		if done != n {
			t.Fatalf("%d of %d in waves", done, n)
		}
	})
}

func TestOrders(t *testing.T) {
	low, old, a, b := bead("l", beads.Open), bead("z", beads.Open), bead("a", beads.Working), bead("b", beads.NeedsYou)
	low.Priority = 3
	old.CreatedAt = epoch.Add(-time.Hour)
	set := []*beads.Bead{low, a, b, old}
	order := func(cmp func(a, b *beads.Bead) int) string {
		out := ""
		for _, b := range slices.SortedFunc(slices.Values(set), cmp) {
			out += string(b.ID)
		}
		return out
	}
	if got := order(beads.ReadyOrder) + " " + order(beads.AttentionOrder); got != "zabl bazl" {
		t.Error(got)
	}
}

func TestWished(t *testing.T) {
	slung := &beads.Sling{}
	for _, c := range []struct {
		name           string
		b              beads.Bead
		launched, auto bool
		want           bool
	}{
		{"nobody", beads.Bead{Type: beads.Task}, false, false, false},
		{"slung", beads.Bead{Type: beads.Epic, Sling: slung, Stopped: true}, false, false, true},
		{"in a launched convoy", beads.Bead{Type: beads.Epic}, true, false, true},
		{"all that is ready", beads.Bead{Type: beads.Decision}, false, true, true},
		{"an epic is done by its children", beads.Bead{Type: beads.Epic}, false, true, false},
		{"a milestone", beads.Bead{Type: beads.Milestone}, false, true, false},
		{"stopped by a person", beads.Bead{Type: beads.Task, Stopped: true}, true, true, false},
	} {
		if got := c.b.Wished(c.launched, c.auto); got != c.want {
			t.Errorf("%s: %t", c.name, got)
		}
	}
}
