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
	Files []string // changed since it left the target, uncommitted ones too; in order, each once
}

// Overlap is other work that changes the same files, or a target that does not merge.
type Overlap struct {
	With     beads.ID `json:"with,omitempty"` // empty: the target itself
	Attempt  int      `json:"attempt,omitempty"`
	Files    []string `json:"files"`              // in conflict, else changed by both; the first of them
	All      int      `json:"all,omitempty"`      // how many these are, where there are more
	Conflict bool     `json:"conflict,omitempty"` // their commits do not merge
	More     bool     `json:"more,omitempty"`     // of the last one: others change the same files as well
}

// Text is an overlap in words.
func (o Overlap) Text() string {
	with, files := cmp.Or(string(o.With), "the target"), oneLine(strings.Join(o.Files[:min(len(o.Files), 3)], ", "))
	if more := max(o.All, len(o.Files)) - 3; more > 0 {
		files += fmt.Sprintf(" and %d more", more)
	}
	text := fmt.Sprintf("%s changes %s too", with, files)
	if o.Conflict {
		text = fmt.Sprintf("conflicts with %s in %s", with, files)
	}
	if o.More {
		text += "; others share its files as well"
	}
	return text
}

// Sharing knows which branches change the same files. To make one takes as long as the files are many, to ask it
// about a branch as long as that branch's are: never as long as there are pairs.
type Sharing struct {
	branches []Branch
	by       map[string][]int // branches by file, in order
}

// Share makes the Sharing of some branches.
func Share(bs []Branch) Sharing {
	s := Sharing{bs, map[string][]int{}}
	for i, b := range bs {
		for _, f := range b.Files {
			s.by[f] = append(s.by[f], i)
		}
	}
	return s
}

// Shared is another branch, by index, that changes the same files.
type Shared struct {
	With  int
	Files []string // the first of them
	All   int
}

// Of finds the branches that change files of the i-th, at most so many and with at most so many names, and says
// whether there are more. Those that share what few others change are found first, and its neighbours in the list
// before those far away: what all change, as a list of dependencies, must not hide the rest.
func (s Sharing) Of(i, most, names int) (found []Shared, more bool) {
	files := slices.Clone(s.branches[i].Files)
	slices.SortStableFunc(files, func(a, b string) int { return len(s.by[a]) - len(s.by[b]) })
	seen := map[int]bool{i: true}
	for _, f := range files {
		at := s.by[f]
		self, _ := slices.BinarySearch(at, i)
		for d := 1; d < len(at) && !more; d++ {
			j := at[(self+d)%len(at)]
			if seen[j] {
				continue
			}
			if more = len(found) == most; !more {
				seen[j] = true
				found = append(found, Shared{With: j})
			}
		}
		if more {
			break
		}
	}
	for k := range found {
		found[k].both(s.branches[i].Files, s.branches[found[k].With].Files, names)
	}
	slices.SortFunc(found, func(a, b Shared) int { return a.With - b.With })
	return found, more
}

// both fills in the files that are in both lists, which are in order.
func (s *Shared) both(a, b []string, names int) {
	for len(a) > 0 && len(b) > 0 {
		switch c := strings.Compare(a[0], b[0]); {
		case c < 0:
			a = a[1:]
		case c > 0:
			b = b[1:]
		default:
			if s.All++; s.All <= names {
				s.Files = append(s.Files, a[0])
			}
			a, b = a[1:], b[1:]
		}
	}
}
