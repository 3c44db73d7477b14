package run

import (
	"context"
	"maps"
	"slices"

	"gastown/beads"
	"gastown/internal/git"
	"gastown/refinery"
)

// Radar tries work that has not landed against the target and against each other, where it
// changes the same files: milliseconds a pair, and a pair once. One goroutine uses it.
type Radar struct {
	Repo *git.Repo

	changes map[string]changes  // by tip
	tried   map[[2]string]clash // by two commits
	begin   string              // attempt key of the branch that is looked at first: the last look ended before it
}

// changes are what a tip changed since it left the target.
type changes struct {
	target string // at which it was looked up last
	base   string // where it left
	files  []string
}

// clash is what does not merge.
type clash struct {
	files []string // the first of them
	all   int
}

const (
	pairsMost = 10   // other branches that one is tried against
	filesMost = 2000 // files of one branch that count
	namesMost = 10   // files that are named of what two have in common
)

// Scan gives the overlaps of each branch, by attempt key, and fills in its files. A branch's
// Files are its uncommitted ones when it comes. What cannot be found out is left out. Where ctx ends
// before all was tried, it gives what is known and reports that it is not done; the next Scan goes on from there.
func (r *Radar) Scan(ctx context.Context, target string, bs []refinery.Branch) (out map[string][]refinery.Overlap, done bool) {
	r.forget(target, bs)
	order := r.order(bs)
	for _, i := range order {
		if tip := bs[i].Tip; tip != "" && r.changes[tip].target == "" {
			r.learn(ctx, target, tip)
		}
	}
	for i := range bs {
		bs[i].Files = together(r.changes[bs[i].Tip].files, bs[i].Files)
	}
	sharing := refinery.Share(bs)
	out = map[string][]refinery.Overlap{}
	r.begin = ""
	for _, i := range order {
		k := beads.AttemptKey(bs[i].Bead, bs[i].N)
		if os := r.look(ctx, target, sharing, bs, i); len(os) > 0 {
			out[k] = os
		}
		if ctx.Err() != nil && r.begin == "" {
			r.begin = k
		}
	}
	return out, ctx.Err() == nil
}

// order is that of indices in which the branches get their turn.
func (r *Radar) order(bs []refinery.Branch) []int {
	first := max(0, slices.IndexFunc(bs, func(b refinery.Branch) bool { return beads.AttemptKey(b.Bead, b.N) == r.begin }))
	order := make([]int, len(bs))
	for k := range order {
		order[k] = (first + k) % len(bs)
	}
	return order
}

// forget drops what nobody asks for any more.
func (r *Radar) forget(target string, bs []refinery.Branch) {
	if r.changes == nil {
		r.changes, r.tried = map[string]changes{}, map[[2]string]clash{}
	}
	live := map[string]bool{target: true}
	for _, b := range bs {
		live[b.Tip] = true
	}
	maps.DeleteFunc(r.changes, func(tip string, _ changes) bool { return !live[tip] })
	maps.DeleteFunc(r.tried, func(k [2]string, _ clash) bool { return !live[k[0]] || !live[k[1]] })
}

// look finds the overlaps of one branch. Once ctx has ended it starts nothing, and tells what is known.
func (r *Radar) look(ctx context.Context, target string, sharing refinery.Sharing, bs []refinery.Branch, i int) (os []refinery.Overlap) {
	b := bs[i]
	if b.Tip != "" {
		if r.changes[b.Tip].target != target {
			r.learn(ctx, target, b.Tip) // in force with the next look
		}
		if c := r.clash(ctx, target, b.Tip); c.all > 0 {
			os = append(os, c.overlap())
		}
	}
	found, more := sharing.Of(i, pairsMost, namesMost)
	for _, s := range found {
		with := bs[s.With]
		o := refinery.Overlap{Files: s.Files, All: s.All}
		if b.Tip != "" && with.Tip != "" {
			if c := r.clash(ctx, min(b.Tip, with.Tip), max(b.Tip, with.Tip)); c.all > 0 {
				o = c.overlap()
			}
		}
		o.With, o.Attempt = with.Bead, with.N
		os = append(os, o)
	}
	if more {
		os[len(os)-1].More = true
	}
	return os
}

func (c clash) overlap() refinery.Overlap {
	return refinery.Overlap{Files: c.files, All: c.all, Conflict: true}
}

// learn looks up what a tip changed.
func (r *Radar) learn(ctx context.Context, target, tip string) {
	base, err := r.Repo.MergeBase(ctx, target, tip)
	if ctx.Err() != nil {
		return
	}
	c := r.changes[tip]
	if err != nil || c.target == "" || c.base != base {
		c.base, c.files = base, nil
		if err == nil && base != "" {
			all, _ := r.Repo.DiffNames(ctx, base, tip) // what cannot be found out is left out
			if ctx.Err() != nil {
				return
			}
			for _, ch := range all[:min(len(all), filesMost)] {
				c.files = append(c.files, ch.Path)
			}
			slices.Sort(c.files)
		}
	}
	c.target = target
	r.changes[tip] = c
}

// clash tries whether two commits merge, once.
func (r *Radar) clash(ctx context.Context, a, b string) clash {
	pair := [2]string{a, b}
	if c, known := r.tried[pair]; known || ctx.Err() != nil {
		return c
	}
	m, err := r.Repo.MergeTree(ctx, a, b)
	if ctx.Err() != nil {
		return clash{}
	}
	c := clash{all: len(m.Conflicts)} // histories without a common start are an error: a build says so
	for _, f := range m.Conflicts[:min(len(m.Conflicts), namesMost)] {
		c.files = append(c.files, f.Path)
	}
	if err != nil {
		c = clash{}
	}
	r.tried[pair] = c
	return c
}

// together joins two lists of files, of which the first is in order.
func together(known, more []string) []string {
	if len(more) == 0 {
		return known
	}
	all := slices.Concat(known, more)
	slices.Sort(all)
	return slices.Compact(all)
}
