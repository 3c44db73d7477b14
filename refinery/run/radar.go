package run

import (
	"context"
	"slices"

	"gastown/beads"
	"gastown/internal/git"
	"gastown/refinery"
)

// Radar tries work that has not landed against the target and against each other, where it
// changes the same files: milliseconds a pair, and a pair once. One goroutine uses it.
type Radar struct {
	Repo *git.Repo
	// tried is what did not merge, by two commits; files what a tip changed, by target and tip.
	tried map[[2]string][]string
	files map[[2]string][]string
}

const (
	pairsMost = 200  // pairs of branches with common files
	filesMost = 2000 // files of one branch that count
)

// Scan gives the overlaps of each branch, by attempt key, and fills in its files. A branch's
// Files are its uncommitted ones when it comes. What cannot be found out is left out.
func (r *Radar) Scan(ctx context.Context, target string, bs []refinery.Branch) map[string][]refinery.Overlap {
	tried, files := map[[2]string][]string{}, map[[2]string][]string{}
	out := map[string][]refinery.Overlap{}
	for i := range bs {
		b := &bs[i]
		if b.Tip == "" {
			continue
		}
		at := [2]string{target, b.Tip}
		changed, known := r.files[at]
		if !known {
			changed = r.changed(ctx, target, b.Tip)
		}
		files[at] = changed
		b.Files = append(slices.Clone(changed), b.Files...)
		slices.Sort(b.Files)
		b.Files = slices.Compact(b.Files)
		if c := r.conflict(ctx, tried, target, b.Tip); len(c) > 0 {
			add(out, *b, refinery.Overlap{Files: c, Conflict: true})
		}
	}
	for _, p := range refinery.SameFiles(bs, pairsMost) {
		a, b := bs[p.A], bs[p.B]
		o := refinery.Overlap{Files: p.Files}
		if a.Tip != "" && b.Tip != "" {
			if c := r.conflict(ctx, tried, a.Tip, b.Tip); len(c) > 0 {
				o.Files, o.Conflict = c, true
			}
		}
		with := func(b refinery.Branch) refinery.Overlap { w := o; w.With, w.Attempt = b.Bead, b.N; return w }
		add(out, a, with(b))
		add(out, b, with(a))
	}
	if ctx.Err() == nil {
		r.tried, r.files = tried, files // only what is still asked for is kept
	}
	return out
}

func add(out map[string][]refinery.Overlap, b refinery.Branch, o refinery.Overlap) {
	k := beads.AttemptKey(b.Bead, b.N)
	out[k] = append(out[k], o)
}

// changed lists what a tip changed since it left the target.
func (r *Radar) changed(ctx context.Context, target, tip string) []string {
	base, err := r.Repo.MergeBase(ctx, target, tip)
	if err != nil || base == "" {
		return nil
	}
	changes, err := r.Repo.DiffNames(ctx, base, tip)
	if err != nil {
		return nil
	}
	var out []string
	for _, c := range changes[:min(len(changes), filesMost)] {
		out = append(out, c.Path)
	}
	return out
}

// conflict lists the paths in which two commits do not merge.
func (r *Radar) conflict(ctx context.Context, now map[[2]string][]string, a, b string) []string {
	pair := [2]string{a, b}
	files, known := r.tried[pair]
	if !known {
		m, err := r.Repo.MergeTree(ctx, a, b)
		if err != nil {
			return nil // histories without a common start: a build says so
		}
		for _, c := range m.Conflicts {
			files = append(files, c.Path)
		}
	}
	now[pair] = files
	return files
}
