package run

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gastown/internal/git"
	"gastown/refinery"
)

// slot is the one gate worktree of a rig. Its path stays the same: build caches
// depend on it.
const slot = "1"

// checkout makes the gate worktree exactly the commit and its tree. A worktree that
// cannot be made so is made anew, once.
func (r *Runner) checkout(ctx context.Context, path string, a refinery.RunGate) error {
	fresh := a.Fresh
	for {
		st, err := r.place(ctx, path, a.Commit, fresh)
		if err == nil {
			err = r.verify(ctx, path, a, st)
		}
		if err == nil || fresh || ctx.Err() != nil {
			return err
		}
		fresh = true
	}
}

// place puts the gate worktree at the commit and says how it stands then.
func (r *Runner) place(ctx context.Context, path, commit string, fresh bool) (st git.Status, err error) {
	if !fresh {
		if w, err := r.Repo.OpenWorktree(path); err == nil {
			return w.CheckoutDetached(ctx, commit, git.KeepIgnored)
		}
	}
	if err := r.Repo.WorktreeRemove(ctx, path, git.RemoveForced); err != nil {
		return st, fmt.Errorf("remove gate worktree %q: %w", path, err)
	}
	w, err := r.Repo.WorktreeAddDetached(ctx, path, commit)
	if err == nil {
		st, err = w.Status(ctx, git.TrackedOnly)
	}
	if err != nil {
		return st, fmt.Errorf("add gate worktree %q: %w", path, err)
	}
	return st, nil
}

// verify holds how the worktree stands against what is to be gated.
func (r *Runner) verify(ctx context.Context, path string, a refinery.RunGate, st git.Status) error {
	w, err := r.Repo.OpenWorktree(path)
	if err != nil {
		return fmt.Errorf("open gate worktree %q: %w", path, err)
	}
	// Our own calls name the repository; what runs in the worktree follows this file.
	link, err := os.ReadFile(filepath.Join(path, ".git"))
	if err != nil || strings.TrimSpace(string(link)) != "gitdir: "+w.GitDir() {
		return fmt.Errorf("gate worktree %q has a wrong .git file (%v)", path, err)
	}
	tree, err := r.Repo.TreeOf(ctx, st.Head)
	if err != nil {
		return fmt.Errorf("tree of gate worktree %q: %w", path, err)
	}
	if st.Head != a.Commit || tree != a.Tree || st.Branch != "" {
		return fmt.Errorf("gate worktree %q is at %s (tree %s), not at %s (tree %s)", path, st.Head, tree, a.Commit, a.Tree)
	}
	if !st.Clean() {
		return fmt.Errorf("gate worktree %q is not clean: %.200q", path, st.Dirty())
	}
	return nil
}

// prepareLimit bounds the checkout of a gate worktree; the refinery gives up later.
const prepareLimit = 9 * time.Minute
