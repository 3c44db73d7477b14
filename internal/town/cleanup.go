package town

import (
	"context"
	"fmt"
	"path/filepath"

	"gastown/beads"
	"gastown/internal/git"
	"gastown/worktree"
)

// cleanUp removes the worktree and the branch of an ended attempt, once all of it is on refs,
// and notes that nothing is left of it. What cannot be removed is told and tried again at the
// next start of the host.
func (w *worker) cleanUp(ctx context.Context, r worktree.Rescue) {
	var kept *worktree.Rescue
	if r.Ref != "" {
		kept = &r
	}
	err := w.h.t.removeWorktree(ctx, w.rig, w.path(), w.bead, w.n, kept)
	if err == nil {
		err = w.dropCheckpoint(ctx)
	}
	if err == nil {
		_, err = w.edit(func(a *beads.Attempt) { a.Worktree, a.Proc, a.Marker = "", nil, "" })
	}
	if err != nil {
		w.stays(err)
	}
}

// stays tells that a worktree could not be removed.
func (w *worker) stays(err error) {
	w.h.t.deps.Log.Error("remove worktree", "attempt", beads.AttemptKey(w.bead, w.n), "err", err)
	w.h.stuckAt(w.name)
	w.h.problem("worktree/"+beads.AttemptKey(w.bead, w.n), w.rig, w.bead, fmt.Sprintf("the worktree of %s stays: %v", w.name, err), "gastown doctor")
}

// discard removes the worktree and the branch of an attempt that never began, with what is in them.
func (t *Town) discard(ctx context.Context, rig string, id beads.ID, n int) error {
	repo, err := t.repo(ctx, rig)
	if err != nil {
		return err
	}
	branch := "refs/heads/" + beads.BranchName(id, n)
	trees, err := repo.WorktreeList(ctx)
	if err != nil {
		return err
	}
	for _, wt := range trees {
		if wt.Branch != branch || !t.holdsWorktree(rig, wt.Path) {
			continue
		}
		if err := repo.WorktreeRemove(ctx, wt.Path, git.RemoveForced); err != nil {
			return err
		}
	}
	return repo.DeleteRef(ctx, branch, "")
}

// holdsWorktree reports whether path is a place for a polecat's worktree, links resolved.
func (t *Town) holdsWorktree(rig, path string) bool {
	root := t.path("rigs", rig, "wt")
	if real, err := filepath.EvalSymlinks(root); err == nil {
		root = real
	}
	return filepath.Dir(path) == root
}

// removeWorktree removes an attempt's worktree and branch. rescue keeps what is uncommitted;
// nil: nothing is.
func (t *Town) removeWorktree(ctx context.Context, rig, path string, id beads.ID, n int, rescue *worktree.Rescue) error {
	repo, err := t.repo(ctx, rig)
	if err != nil {
		return err
	}
	if err := t.teardown(ctx, rig, path); err != nil {
		t.deps.Log.Warn("teardown", "worktree", path, "err", err)
	}
	if err := worktree.Remove(ctx, repo, path, worktree.RemoveOptions{Root: t.path("rigs", rig, "wt"), Rescue: rescue}); err != nil {
		return err
	}
	branch := "refs/heads/" + beads.BranchName(id, n)
	tips, err := repo.Lookup(ctx, branch)
	if err != nil || tips[0] == "" {
		return err
	}
	_, rc, err := t.rig(rig)
	if err != nil {
		return err
	}
	kept, err := repo.Containing(ctx, tips[0], "refs/gt/", "refs/heads/"+rc.Branch)
	if err != nil {
		return err
	}
	if kept == "" {
		return fmt.Errorf("branch %s: its tip is on no other ref", branch)
	}
	return repo.DeleteRef(ctx, branch, tips[0])
}
