package run

import (
	"context"
	"fmt"
	"testing"

	"gastown/beads"
	"gastown/refinery"
)

func TestRadar(t *testing.T) {
	r := newRig(t)
	a := r.work(map[string]string{"README.md": "from a\n", "a.go": "a\n"})
	b := r.work(map[string]string{"README.md": "from b\n"})
	c := r.work(map[string]string{"a.go": "a\n", "c.go": "c\n"})
	radar := Radar{Repo: r.repo}
	scan := func(target string) map[string]string {
		got := map[string]string{}
		bs := []refinery.Branch{{Bead: "ma-a", N: 1, Tip: a}, {Bead: "ma-b", N: 2, Tip: b}, {Bead: "ma-c", N: 1, Tip: c}, {Bead: "ma-d", N: 1, Files: []string{"c.go"}}}
		over, done := radar.Scan(context.Background(), target, bs)
		if !done {
			t.Error("not done")
		}
		for k, os := range over {
			for _, o := range os {
				got[k] += o.Text() + "; "
			}
		}
		if fmt.Sprint(bs[0].Files) != "[README.md a.go]" {
			t.Errorf("files: %v", bs[0].Files)
		}
		return got
	}
	want := map[string]string{
		"ma-a/1": "conflicts with ma-b in README.md; ma-c changes a.go too; ",
		"ma-b/2": "conflicts with ma-a in README.md; ",
		"ma-c/1": "ma-a changes a.go too; ma-d changes c.go too; ",
		"ma-d/1": "ma-c changes c.go too; ",
	}
	for range 2 { // the second time from memory
		if got := scan(r.root); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%v\nwant %v", got, want)
		}
	}
	moved := r.work(map[string]string{"c.go": "other\n"})
	if got := scan(moved)["ma-c/1"]; got != "conflicts with the target in c.go; "+want["ma-c/1"] {
		t.Errorf("after the target moved: %q", got)
	}
}

// TestRadarGoesOn: looks that end before all is tried keep what they found, and each branch gets its turn.
func TestRadarGoesOn(t *testing.T) {
	const branches = 12
	r := newRig(t)
	whole := Radar{Repo: r.repo}
	var tips []string
	for i := range branches {
		tips = append(tips, r.work(map[string]string{"same.txt": fmt.Sprint(i), fmt.Sprint(i): "x"}))
	}
	bs := func() (bs []refinery.Branch) {
		for i, tip := range tips {
			bs = append(bs, refinery.Branch{Bead: beads.ID(fmt.Sprintf("ma-%d", i)), N: 1, Tip: tip})
		}
		return bs
	}
	want, done := whole.Scan(t.Context(), r.root, bs())
	if !done || len(want) != branches {
		t.Fatalf("%d branches, done %t", len(want), done)
	}
	for k, os := range want {
		if n := len(os); n != pairsMost || !os[n-1].More || !os[0].Conflict {
			t.Errorf("%s: %d overlaps: %+v", k, len(os), os)
		}
	}
	// Every look is ended after three tries or so.
	short := Radar{Repo: r.repo}
	known := func() int { return len(short.changes) + len(short.tried) }
	first := map[string]bool{}
	for looks, got := 0, map[string][]refinery.Overlap(nil); ; looks++ {
		ctx, cancel := context.WithCancel(t.Context())
		before := known()
		limited := &endAfter{Context: ctx, end: func() bool { return known() >= before+3 }}
		got, done = short.Scan(limited, r.root, bs())
		cancel()
		if done {
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%v\nwant %v", got, want)
			}
			break
		}
		if first[short.begin] = true; known() <= before || looks > 100 {
			t.Fatalf("look %d found nothing new", looks)
		}
	}
	if len(first) < branches/2 {
		t.Errorf("only %d of %d branches had the first turn", len(first), branches)
	}
}

// endAfter is a context that has ended once something is so.
type endAfter struct {
	context.Context
	end func() bool
}

func (e *endAfter) Err() error {
	if e.end() {
		return context.DeadlineExceeded
	}
	return e.Context.Err()
}
