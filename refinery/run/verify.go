package run

import (
	"context"
	"fmt"

	"gastown/internal/git"
	"gastown/refinery"
)

// wrong looks at a landing as if the builder could not be trusted, and says what is
// wrong with it, or "". The line from Old to New must be made of exactly the parts,
// New must have the gated tree, and no part may take back what the target or a part
// before it did: a merge queue of a large forge once built groups on a wrong base, each
// reverting the changes before it, with every check green.
func (r *Runner) wrong(ctx context.Context, in refinery.Intent) (string, error) {
	tree, err := r.Repo.TreeOf(ctx, in.New)
	if err != nil {
		return "", fmt.Errorf("tree of %s: %w", in.New, err)
	}
	if tree != in.Tree {
		return fmt.Sprintf("%s has tree %s and %s was gated", in.New, tree, in.Tree), nil
	}
	if in.Upstream != "" {
		return r.wrongUpstream(ctx, in)
	}
	at := in.Old
	for _, p := range in.Parts {
		if p.Commit == "" || p.Tip == "" {
			at = ""
			break // decided by an older version
		}
		if why, err := r.wrongPart(ctx, p, at); err != nil || why != "" {
			return why, err
		}
		at = p.Commit
	}
	if at != "" && len(in.Parts) > 0 && at != in.New {
		return fmt.Sprintf("%s is not the last of its parts, %s", in.New, at), nil
	}
	return "", nil
}

func (r *Runner) wrongPart(ctx context.Context, p refinery.Part, at string) (string, error) {
	name := key(p.Bead, p.N)
	line, err := r.Repo.Log(ctx, git.LogOptions{From: p.Commit, Not: []string{at}, FirstParent: git.FirstParent, Max: mostPicks + 1})
	if err != nil {
		return "", fmt.Errorf("line of %s: %w", name, err)
	}
	if len(line) == 0 || len(line[len(line)-1].Parents) == 0 || line[len(line)-1].Parents[0] != at {
		return fmt.Sprintf("the commits of %s do not follow %s", name, at), nil
	}
	for _, c := range line {
		if c.Trailer("Attempt") != name {
			return fmt.Sprintf("%s is said to be of %s and is of %q", c.Hash, name, c.Trailer("Attempt")), nil
		}
		if len(c.Parents) > 2 || len(c.Parents) == 2 && (len(line) > 1 || c.Parents[1] != p.Tip) {
			return fmt.Sprintf("%s merges something other than the tip of %s", c.Hash, name), nil
		}
	}
	return r.undoes(ctx, p, at)
}

// undoes finds a file that the part did not touch and that is, with it, what it was
// where the part began, although it was changed since.
func (r *Runner) undoes(ctx context.Context, p refinery.Part, at string) (string, error) {
	common, err := r.Repo.MergeBase(ctx, at, p.Tip)
	if err != nil || common == "" || common == at {
		return "", err
	}
	since, err := r.Repo.DiffNames(ctx, common, at)
	if err != nil {
		return "", err
	}
	was := map[string]git.Change{}
	for _, c := range since {
		was[c.Path] = c
	}
	own, err := r.Repo.DiffNames(ctx, common, p.Tip)
	if err != nil {
		return "", err
	}
	for _, c := range own {
		delete(was, c.Path)
	}
	if len(was) == 0 {
		return "", nil
	}
	now, err := r.Repo.DiffNames(ctx, at, p.Commit)
	if err != nil {
		return "", err
	}
	for _, c := range now {
		if w, ok := was[c.Path]; ok && w.OldHash == c.NewHash && w.OldMode == c.NewMode {
			return fmt.Sprintf("%s would undo what landed in %s", key(p.Bead, p.N), clean(c.Path)), nil
		}
	}
	return "", nil
}

// there looks at the target after the swap: it has the tree that was gated, as long as
// nobody went on from it, and every tip that was merged.
func (r *Runner) there(ctx context.Context, in refinery.Intent, now string) error {
	if now == in.New {
		tree, err := r.Repo.TreeOf(ctx, now)
		if err != nil || tree != in.Tree {
			return fmt.Errorf("the target has tree %s after the landing, and %s was gated (%v)", tree, in.Tree, err)
		}
	}
	if up := in.Upstream; up != "" {
		if has, err := r.Repo.Within(ctx, up, now); err != nil || !has {
			return fmt.Errorf("the origin's %s is not in the target after its landing (%v)", up, err)
		}
	}
	for _, p := range in.Parts {
		for _, c := range []string{p.Commit, r.mergedTip(ctx, p)} {
			if c == "" {
				continue
			}
			if in, err := r.Repo.Within(ctx, c, now); err != nil || !in {
				return fmt.Errorf("%s of %s is not in the target after its landing (%v)", c, key(p.Bead, p.N), err)
			}
		}
	}
	return nil
}

// mergedTip is the tip of a part that landed by a merge commit, else "".
func (r *Runner) mergedTip(ctx context.Context, p refinery.Part) string {
	if p.Commit == "" {
		return ""
	}
	log, err := r.Repo.Log(ctx, git.LogOptions{From: p.Commit, Max: 1})
	if err != nil || len(log) == 0 || len(log[0].Parents) != 2 {
		return ""
	}
	return p.Tip
}
