package run

import (
	"context"
	"errors"
	"fmt"

	"gastown/internal/git"
	"gastown/refinery"
)

// upstream makes a candidate of the origin's tip: the tip itself where the target is in
// its history, so that nothing is added over there, else a merge of both.
func (r *Runner) upstream(ctx context.Context, a refinery.Build, at point) (ev refinery.Built, err error) {
	up := a.Upstream
	tip, err := r.Repo.ResolveCommit(ctx, up.Tip)
	if errors.Is(err, git.ErrNotExist) {
		ev.Upstream = refinery.UpstreamGone
		return ev, nil
	}
	if err != nil {
		return ev, fmt.Errorf("resolve the origin's %q: %w", up.Tip, err)
	}
	common, err := r.Repo.MergeBase(ctx, at.commit, tip)
	switch {
	case err != nil:
		return ev, fmt.Errorf("merge base of %s and %s: %w", at.commit, tip, err)
	case up.Instead != "":
	case common == tip:
		ev.Upstream = refinery.UpstreamIn
		return ev, nil
	case common == at.commit:
		ev.Commit = tip
		ev.Tree, err = r.Repo.TreeOf(ctx, tip)
		return ev, err
	case common == "":
		ev.Conflict = &refinery.Conflict{Detail: fmt.Sprintf("%s has no commit in common with %s", tip, a.Branch)}
		return ev, nil
	}
	m, err := r.mergeUpstream(ctx, at, tip, up.Instead)
	if err != nil {
		return ev, fmt.Errorf("merge %s into %s: %w", tip, at.commit, err)
	}
	if !m.Clean {
		ev.Conflict = &refinery.Conflict{}
		for _, f := range m.Conflicts {
			ev.Conflict.Files = append(ev.Conflict.Files, f.Path)
		}
		return ev, nil
	}
	who, err := r.Ident(ctx)
	if err != nil {
		return ev, fmt.Errorf("find the identity to land with: %w", err)
	}
	ev.Tree = m.Tree
	ev.Commit, err = r.Repo.CommitTree(ctx, git.NewCommit{
		Tree: m.Tree, Parents: []string{at.commit, tip}, Author: who.At(up.Date),
		// It goes to everybody who pulls: where the origin is on this machine is not in it.
		Message: fmt.Sprintf("Merge what %s gained at its origin\n\nUpstream: %s\n", clean(a.Branch), tip),
	})
	return ev, err
}

// mergeUpstream merges the origin's tip; where it stands instead of another commit, what changed from that one.
func (r *Runner) mergeUpstream(ctx context.Context, at point, tip, instead string) (git.Merge, error) {
	if instead == "" {
		return r.Repo.MergeTree(ctx, at.commit, tip)
	}
	return r.mergeFrom(ctx, instead, at.commit, tip)
}

// wrongUpstream looks at a landing of the origin's tip as wrong does at one of beads.
func (r *Runner) wrongUpstream(ctx context.Context, in refinery.Intent) (string, error) {
	if in.New == in.Upstream {
		kept, err := r.Repo.Within(ctx, in.Old, in.New)
		if err != nil || kept {
			return "", err
		}
		return fmt.Sprintf("the origin's %s does not contain %s", in.New, in.Old), nil
	}
	log, err := r.Repo.Log(ctx, git.LogOptions{From: in.New, Max: 1})
	if err != nil {
		return "", fmt.Errorf("look at %s: %w", in.New, err)
	}
	if len(log) != 1 || len(log[0].Parents) != 2 || log[0].Parents[0] != in.Old || log[0].Parents[1] != in.Upstream {
		return fmt.Sprintf("%s is not a merge of %s and the origin's %s", in.New, in.Old, in.Upstream), nil
	}
	return "", nil
}
