package town

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/config"
	"gastown/internal/git"
	"gastown/refinery"
)

// A convoy's one pull request shows the chain of its beads that are green (refinery.Queue.Chain),
// and grows as others become so. What comes back goes to the bead that it is about.

// sharesPR is the convoy whose one pull request a bead is to be in, or "".
func (t *Town) sharesPR(tx *store.Tx, b *beads.Bead) (string, error) {
	rc := t.settings().Rigs[b.Rig]
	if rc.Deliver != config.DeliverPR || rc.PR != config.PRConvoy {
		return "", nil
	}
	cs, err := tx.Convoys()
	slices.SortFunc(cs, func(a, b *beads.Convoy) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), strings.Compare(a.Name, b.Name))
	})
	for _, c := range cs {
		if c.State != beads.ConvoyDone && slices.Contains(c.Beads, b.ID) {
			return c.Name, nil
		}
	}
	return "", err
}

// convoyKey is the key of the record of a convoy's pull request; a rig has one of its own.
func convoyKey(rig, convoy string) string { return "convoy/" + rig + "/" + convoy }

// convoyOf is the convoy that a key is of.
func convoyOf(key string) (string, bool) {
	rest, ok := strings.CutPrefix(key, "convoy/")
	_, name, _ := strings.Cut(rest, "/")
	return name, ok
}

// prBranch is where what a key is of is pushed to. Where two convoys come to the same, the second
// finds commits there that it did not push, and gets another one.
func prBranch(key string) string {
	name, ok := convoyOf(key)
	if !ok {
		return "gt/" + beads.RefSafe(beads.ID(key))
	}
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	return "gt/convoy-" + cmp.Or(strings.Join(words, "-"), beads.RefSafe(beads.ID(name)))
}

// describeConvoy says what a convoy's proposal is to show.
func describeConvoy(tx *store.Tx, p *proposal) {
	last := p.entries[len(p.entries)-1]
	all := len(p.entries)
	if cv, err := tx.Convoy(last.Convoy); err == nil {
		all = len(cv.Beads)
	}
	p.chain, p.title = last.Chain, beads.Clean(last.Convoy, 200)
	p.tip = p.chain[len(p.chain)-1].Commit
	var b strings.Builder
	fmt.Fprintf(&b, "%d of the %d beads of this convoy, each tested on those before it:\n", len(p.entries), all)
	for _, e := range p.entries {
		fmt.Fprintf(&b, "\n- %s: %s", e.Bead, beads.Clean(e.Title, 200))
	}
	p.body = b.String() + "\n"
}

// meant are the entries of a proposal that a finding is about, in their order: for remarks on
// lines those that change the file, else the newest, which was the last to change anything.
func (c forgeCall) meant(ctx context.Context, p *proposal, f refinery.Finding) ([]refinery.Entry, error) {
	if len(p.entries) == 1 || f.Ask {
		return p.entries, nil
	}
	last := len(p.entries) - 1
	at := map[int]bool{}
	for _, r := range f.Asked {
		i, err := c.changes(ctx, p, r.Path)
		if err != nil {
			return nil, err
		}
		at[i] = true
	}
	if len(at) == 0 {
		at[last] = true
	}
	var out []refinery.Entry
	for i, e := range p.entries {
		if at[i] {
			out = append(out, e)
		}
	}
	return out, nil
}

// changes is the last entry of a chain that changes a file, else the last of all.
func (c forgeCall) changes(ctx context.Context, p *proposal, path string) (int, error) {
	target, err := c.t.target(ctx, c.rig)
	if err != nil {
		return 0, err
	}
	for i := len(p.entries) - 1; path != "" && i >= 0; i-- {
		base, err := c.r.Repo.MergeBase(ctx, target, p.entries[i].Tip)
		if err != nil {
			return 0, err
		}
		files, err := c.r.Repo.DiffNames(ctx, base, p.entries[i].Tip)
		if err != nil {
			return 0, err
		}
		if slices.ContainsFunc(files, func(f git.Change) bool { return f.Path == path }) {
			return i, nil
		}
	}
	return len(p.entries) - 1, nil
}

// rebuild has a chain built anew that conflicts with the target as it is by now; which of its
// beads does is found there.
func (c forgeCall) rebuild(ctx context.Context, p *proposal) error {
	target, err := c.t.target(ctx, c.rig)
	if err != nil || contained(ctx, c.r.Repo, target, p.tip) {
		return err // the forge's word is of before
	}
	e := p.entries[0]
	return c.t.update(func(tx *store.Tx) error {
		return c.t.feed(tx, c.rig, refinery.ForgeStale{Bead: e.Bead, N: e.N})
	})
}
