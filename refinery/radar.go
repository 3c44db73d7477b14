package refinery

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"gastown/beads"
)

// Branch is work that has not landed: what a live attempt has by now, or a submitted tip.
type Branch struct {
	Bead  beads.ID
	N     int
	Tip   string   // newest commit; empty: none yet
	Files []string // changed since it left the target, uncommitted ones too
}

// Overlap is other work that changes the same files, or a target that does not merge.
type Overlap struct {
	With     beads.ID `json:"with,omitempty"` // empty: the target itself
	Attempt  int      `json:"attempt,omitempty"`
	Files    []string `json:"files"`              // in conflict, else changed by both
	Conflict bool     `json:"conflict,omitempty"` // their commits do not merge
}

// Text is an overlap in words.
func (o Overlap) Text() string {
	with, files := cmp.Or(string(o.With), "the target"), oneLine(strings.Join(o.Files[:min(len(o.Files), 3)], ", "))
	if more := len(o.Files) - 3; more > 0 {
		files += fmt.Sprintf(" and %d more", more)
	}
	if o.Conflict {
		return fmt.Sprintf("conflicts with %s in %s", with, files)
	}
	return fmt.Sprintf("%s changes %s too", with, files)
}

// Overlaps are branches a and b (by index) that change the same files.
type Overlaps struct {
	A, B  int
	Files []string
}

// SameFiles finds the pairs of branches that change the same files, at most so many.
func SameFiles(bs []Branch, most int) []Overlaps {
	by := map[string][]int{}
	for i, b := range bs {
		for _, f := range b.Files {
			if at := by[f]; len(at) == 0 || at[len(at)-1] != i {
				by[f] = append(at, i)
			}
		}
	}
	pairs := map[[2]int][]string{}
	for f, at := range by {
		for k, a := range at {
			for _, b := range at[k+1:] {
				pairs[[2]int{a, b}] = append(pairs[[2]int{a, b}], f)
			}
		}
	}
	var out []Overlaps
	for p, files := range pairs {
		slices.Sort(files)
		out = append(out, Overlaps{p[0], p[1], files})
	}
	slices.SortFunc(out, func(x, y Overlaps) int { return cmp.Or(x.A-y.A, x.B-y.B) })
	return out[:min(len(out), most)]
}
