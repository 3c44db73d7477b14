package town

import (
	"context"
	"errors"
	"slices"

	"gastown/beads"
	"gastown/beads/store"
	"gastown/internal/fault"
	"gastown/internal/git"
	"gastown/refinery/run"
)

// A submitted tip is frozen on a ref of its own (beads.KeepRef) until the target has it. In linear history,
// and where a forge squashes or rebases, the tip itself never comes there: then the store says as what it did.

const keepPrefix = "refs/gt/keep/"

// madeRef is beads.KeepRef of a commit that is frozen before there is a bead for it.
func madeRef(tip string) string { return keepPrefix + "made-" + tip + "/1" }

// acceptable refuses a tip that could not land, which its agent is still there to mend, and waits until what it
// adds to the target is on the disk: agents' git leaves that to the system, and soon their worktree goes.
func (t *Town) acceptable(ctx context.Context, repo *git.Repo, a *beads.Attempt, tip string) error {
	target, err := t.target(ctx, a.Rig)
	if err != nil {
		return err
	}
	base, changes, err := t.changes(ctx, repo, a.Rig, tip)
	if err != nil {
		return err
	}
	if base != "" {
		r := &run.Runner{Rig: a.Rig, Repo: repo, FoldsCase: t.foldsCase(a.Rig)}
		if why, _, err := r.Unfit(ctx, base, tip, changes); err != nil {
			return err
		} else if why != "" {
			return fault.Refusedf("done: %s", why).WithHint("take it out or give it another name, and commit that on %s; then call gastown done again", a.Branch)
		}
	}
	err = repo.Harden(ctx, tip, a.Base, target)
	if errors.Is(err, git.ErrNotExist) {
		return fault.Refusedf("done: the repository has lost a part of your commits: %w", err).WithHint("commit the files of it anew on %s; then call gastown done again", a.Branch)
	}
	return err
}

// changes are what a tip changes, and where it left the target; nothing where they have no common history.
func (t *Town) changes(ctx context.Context, repo *git.Repo, rig, tip string) (base string, changes []git.Change, err error) {
	target, err := t.target(ctx, rig)
	if err != nil {
		return "", nil, err
	}
	if base, err = repo.MergeBase(ctx, target, tip); err != nil || base == "" {
		return "", nil, err
	}
	changes, err = repo.DiffNames(ctx, base, tip)
	return base, changes, err
}

// foldsCase tells whether a rig's repository, or the directory it is of, is on a file system that takes names
// for one that differ in case only.
func (t *Town) foldsCase(rig string) func(context.Context) bool {
	return func(ctx context.Context) bool {
		repo, err := t.repo(ctx, rig)
		if err != nil {
			return false
		}
		if folds, err := repo.FoldsCase(ctx); err == nil && folds {
			return true
		}
		origin := t.settings().Rigs[rig].Origin
		if origin == "" || !git.IsLocal(origin) {
			return false
		}
		folds, err := t.git.FoldsCase(ctx, origin)
		return err == nil && folds
	}
}

// dropKept deletes the frozen tips that the target has: those in its history, and those of attempts of these
// beads, and of those that landed last, that landed in it as another commit. How many others are kept makes no
// difference.
func (t *Town) dropKept(ctx context.Context, rig string, ids ...beads.ID) error {
	repo, err := t.repo(ctx, rig)
	if err != nil {
		return err
	}
	target, err := t.target(ctx, rig)
	if err != nil {
		return err
	}
	t.keeping.Lock()
	defer t.keeping.Unlock()
	kept, err := repo.RefHashes(ctx, keepPrefix)
	if err != nil || len(kept) == 0 {
		return err
	}
	ids = slices.Clone(ids)
	var as []*beads.Attempt
	queued := map[string]bool{}
	err = t.store.View(func(tx *store.Tx) error {
		q, err := t.queue(tx, rig)
		for _, e := range q.Entries {
			queued[e.Tip] = true
		}
		for _, l := range q.Landed {
			ids = append(ids, l.Bead)
		}
		slices.Sort(ids)
		ids = slices.Compact(ids)
		for _, id := range ids {
			of, aerr := tx.AttemptsOf(id)
			as, err = append(as, of...), errors.Join(err, aerr)
		}
		return err
	})
	if err != nil {
		return err
	}
	within, err := repo.RefsWithin(ctx, target, keepPrefix)
	if err != nil {
		return err
	}
	names := landedAs(ctx, repo, target, kept, as)
	for _, ref := range within {
		names = append(names, ref.Name)
	}
	slices.Sort(names)
	var drop []git.RefUpdate
	for _, name := range slices.Compact(names) {
		if kept[name] != "" && !queued[kept[name]] {
			drop = append(drop, git.RefUpdate{Ref: name, Old: kept[name]})
		}
	}
	return repo.UpdateRefs(ctx, "", drop...)
}

// landedAs names the refs of attempts that landed, and of earlier ones that they went on from.
func landedAs(ctx context.Context, repo *git.Repo, target string, kept map[string]string, as []*beads.Attempt) (names []string) {
	for _, a := range as {
		if a.Tip == "" || a.Worktree != "" { // until it is cleared away, its branch needs another ref
			continue
		}
		for _, name := range []string{beads.KeepRef(a.Bead, a.N), madeRef(a.Tip)} {
			tip := kept[name]
			if tip != "" && slices.ContainsFunc(as, func(l *beads.Attempt) bool {
				return l.State == beads.Landed && l.Bead == a.Bead && contained(ctx, repo, tip, l.Tip) && contained(ctx, repo, l.Merge, target)
			}) {
				names = append(names, name)
			}
		}
	}
	return names
}
