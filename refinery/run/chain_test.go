package run

import (
	"testing"
	"time"

	"gastown/beads"
	"gastown/refinery"
)

// TestAChainTakesAllOfItsConvoy: what fits the target and not the chain is a conflict there.
func TestAChainTakesAllOfItsConvoy(t *testing.T) {
	for _, history := range []string{"merge", "linear"} {
		t.Run(history, func(t *testing.T) {
			r := newRig(t)
			one := r.work(map[string]string{"a.txt": "1\n"})
			part := func(id, tip string) refinery.BuildPart {
				return refinery.BuildPart{Bead: beads.ID(id), N: 1, Title: id, Tip: tip, Date: time.Unix(1e9, 0)}
			}
			build := func(p refinery.BuildPart, under ...refinery.BuildPart) refinery.Built {
				t.Helper()
				ev, err := r.run.candidate(t.Context(), refinery.Build{Branch: "main", Target: r.root, History: history, Parts: []refinery.BuildPart{p}, Under: under})
				if err != nil {
					t.Fatal(err)
				}
				return ev
			}
			first := part("ma-1", one)
			ev := build(part("ma-2", r.work(map[string]string{"b.txt": "2\n"})), first)
			if len(ev.Under) != 1 || len(ev.Parts) != 1 || ev.Under[0].Commit == "" || ev.Under[0].Tree == ev.Tree || ev.BaseTree == ev.Under[0].Tree {
				t.Fatalf("%+v", ev)
			}
			if alone := build(first); alone.Commit != ev.Under[0].Commit || alone.Tree != ev.Under[0].Tree {
				t.Errorf("the chain is not what was proposed: %+v", alone)
			}
			if r.show(ev.Commit, "a.txt") != "1\n" || r.show(ev.Commit, "b.txt") != "2\n" {
				t.Error("not all of it")
			}
			if ev := build(part("ma-3", r.work(map[string]string{"a.txt": "3\n"})), first); ev.Conflict == nil || ev.Conflict.Bead != "ma-3" || ev.Commit != "" {
				t.Errorf("%+v", ev)
			}
			if ev := build(part("ma-4", r.commit([]string{one}, map[string]string{"README.md": "hello\n", ".gitignore": "cache\n", "a.txt": "1\n"})), first); ev.AlreadyIn != "" || ev.Commit == "" || ev.Commit != ev.Under[0].Commit || ev.Tree != ev.Under[0].Tree {
				t.Errorf("what the chain has is not in the target: %+v", ev)
			}
		})
	}
}
