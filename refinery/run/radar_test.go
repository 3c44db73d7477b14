package run

import (
	"context"
	"fmt"
	"testing"

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
		for k, os := range radar.Scan(context.Background(), target, bs) {
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
