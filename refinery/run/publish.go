package run

import (
	"context"
	"fmt"

	"gastown/internal/git"
	"gastown/refinery"
)

// publish moves the target by compare-and-swap and looks whether it did. It may be
// repeated: a target that has the commit is published.
func (r *Runner) publish(ctx context.Context, a refinery.Publish) refinery.Event {
	// A git that writes a ref is never ended half way by our own shutdown.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), gitLimit)
	defer cancel()
	in := a.Intent
	ev, err := r.lookAt(ctx, a)
	if ev != nil || err != nil {
		return answer(a, ev, err)
	}
	if why, err := r.wrong(ctx, in); err != nil {
		return answer(a, nil, err)
	} else if why != "" {
		return refinery.PublishRefused{Seq: a.Seq, Why: why}
	}
	if err := r.detach(ctx, branchRef(a.Branch), in.Old); err != nil {
		return answer(a, nil, err)
	}
	why := "gastown: land"
	if in.Upstream != "" {
		why = "gastown: take in the origin's " + in.Upstream
	}
	for _, p := range in.Parts {
		why += " " + clean(key(p.Bead, p.N))
	}
	moved := r.Repo.UpdateRef(ctx, branchRef(a.Branch), in.New, in.Old, why)
	ev, err = r.lookAt(ctx, a)
	if ev == nil && err == nil {
		err = fmt.Errorf("%s is still at %s: %w", a.Branch, in.Old, moved)
	}
	return answer(a, ev, err)
}

func answer(a refinery.Publish, ev refinery.Event, err error) refinery.Event {
	if err != nil {
		return refinery.PublishErr{Seq: a.Seq, Err: err.Error()}
	}
	return ev
}

// lookAt reads the target: published, lost, or neither while it is at Old.
func (r *Runner) lookAt(ctx context.Context, a refinery.Publish) (refinery.Event, error) {
	in := a.Intent
	now, err := r.tip(ctx, a.Branch)
	if err != nil {
		return nil, err
	}
	if now == refinery.Gone {
		return refinery.PublishLost{Seq: a.Seq, Now: now}, nil
	}
	done, err := r.Repo.Within(ctx, in.New, now)
	if err != nil {
		return nil, fmt.Errorf("look for %s in %q: %w", in.New, a.Branch, err)
	}
	if done {
		if err := r.there(ctx, in, now); err != nil {
			return nil, err
		}
		return refinery.Published{Seq: a.Seq, Old: in.Old, New: in.New}, nil
	}
	if now == in.Old {
		return nil, nil
	}
	return refinery.PublishLost{Seq: a.Seq, Now: now}, nil
}

// StrayRef keeps what stood on the target when it was put back.
func StrayRef(commit string) string { return "refs/gt/stray/" + commit }

// PutBack moves the target from where others put it to where the Refinery left it. What was
// there is kept on StrayRef in the same transaction; found says which commit that is, empty
// where the target was right, or gone.
func (r *Runner) PutBack(ctx context.Context, branch, to string) (found string, err error) {
	// A git that writes a ref is never ended half way by our own shutdown.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), gitLimit)
	defer cancel()
	now, err := r.tip(ctx, branch)
	if err != nil || now == to {
		return "", err
	}
	updates := []git.RefUpdate{{Ref: branchRef(branch), New: to, Old: git.ZeroHash}}
	if now != refinery.Gone {
		found, updates[0].Old = now, now
		updates = append(updates, git.RefUpdate{Ref: StrayRef(now), New: now})
		if err := r.detach(ctx, branchRef(branch), now); err != nil {
			return "", err
		}
	}
	if err := r.Repo.UpdateRefs(ctx, "gastown: put back", updates...); err != nil {
		return "", fmt.Errorf("put %s back: %w", branch, err)
	}
	return found, nil
}

// detach takes every worktree of the town off the branch before it moves: one that
// stayed on it would show the landed work as reverted, and its next commit would
// revert it. Its files do not change.
func (r *Runner) detach(ctx context.Context, ref, commit string) error {
	list, err := r.Repo.WorktreeList(ctx)
	if err != nil {
		return fmt.Errorf("look who has %q checked out: %w", ref, err)
	}
	for _, info := range list {
		if info.Branch != ref || info.Prunable {
			continue
		}
		w, err := r.Repo.OpenWorktree(info.Path)
		if err == nil {
			_, err = w.Run(ctx, nil, "", "update-ref", "--no-deref", "-m", "gastown: the branch moves on", "HEAD", commit)
		}
		if err != nil {
			return fmt.Errorf("take worktree %q off %q: %w", info.Path, ref, err)
		}
	}
	return nil
}
