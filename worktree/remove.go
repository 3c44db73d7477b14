package worktree

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"gastown/internal/fault"
	"gastown/internal/git"
)

// ErrNotKept says that a worktree was not removed, because something in it is
// not reachable from a ref. The error in the chain is a *NotKeptError.
var ErrNotKept error = fault.Refusedf("it holds work that no ref keeps")

// NotKeptError tells what would have been lost.
type NotKeptError struct {
	Path  string   // the worktree
	Why   string   // "uncommitted changes", "commits on no ref", ...
	Files []string // some of them
}

// Error names the worktree, the reason and the first file.
func (e *NotKeptError) Error() string {
	msg := fmt.Sprintf("worktree %q stays: %s", e.Path, e.Why)
	if len(e.Files) > 0 {
		msg += fmt.Sprintf(" (%q", e.Files[0])
		if len(e.Files) > 1 {
			msg += fmt.Sprintf(" and %d more", len(e.Files)-1)
		}
		msg += ")"
	}
	return msg
}

// Unwrap makes errors.Is(err, ErrNotKept) true.
func (e *NotKeptError) Unwrap() error { return ErrNotKept }

// RemoveOptions says what Remove may rely on.
type RemoveOptions struct {
	Root string // required: the directory of the rig's worktrees
	// Rescue is a snapshot of the worktree. Without one, only a worktree in which
	// nothing is uncommitted goes.
	Rescue *Rescue
}

// Remove removes a worktree after proving that all of it is kept: HEAD is in the
// history of a ref below refs/heads or refs/gt, and what is uncommitted is, read
// again now, what Rescue keeps. Ignored files go. It verifies that directory and
// registration are gone; a worktree that is gone already is success. Otherwise
// nothing is touched and the error is a *NotKeptError, ErrOutside, or what stopped
// the proof.
func Remove(ctx context.Context, repo *git.Repo, path string, o RemoveOptions) error {
	if err := inside(o.Root, path); err != nil {
		return fmt.Errorf("remove worktree %q: %w", path, err)
	}
	wt, err := repo.OpenWorktree(path)
	if errors.Is(err, git.ErrNoWorktree) {
		if err := clearPlace(path); err != nil {
			return fmt.Errorf("remove worktree %q: %w", path, err)
		}
		return nil
	}
	if err != nil {
		return err
	}
	if err := proveKept(ctx, wt, o.Rescue); err != nil {
		return fmt.Errorf("remove worktree %q: %w", path, err)
	}
	return repo.WorktreeRemove(ctx, path, git.RemoveForced)
}

// proveKept is nil when everything in the worktree is reachable from refs.
func proveKept(ctx context.Context, wt *git.Worktree, r *Rescue) error {
	if isHalf(wt.Path()) { // no files; its HEAD may still be all that names a commit
		found, err := wt.Repo().Lookup(ctx, "worktrees/"+filepath.Base(wt.GitDir())+"/HEAD")
		if err != nil || found[0] == "" {
			return err
		}
		return proveReachable(ctx, wt, found[0])
	}
	c, err := capture(ctx, wt)
	if err != nil {
		return err
	}
	if c.head.Commit != "" {
		if err := proveReachable(ctx, wt, c.head.Commit); err != nil {
			return err
		}
	}
	if c.clean {
		return nil
	}
	if r == nil {
		return &NotKeptError{Path: wt.Path(), Why: "uncommitted changes", Files: toStrings(c.state.Files)}
	}
	kept, s, err := load(ctx, wt.Repo(), r.Ref)
	if err != nil {
		return err
	}
	if kept.Commit != r.Commit || kept.Clean || s.Head != c.head.Commit {
		return &NotKeptError{Path: wt.Path(), Why: "it changed after the snapshot", Files: toStrings(c.state.Files)}
	}
	for rev, want := range map[string]string{r.Commit: c.work, r.Commit + "^2": c.index, r.Commit + "^3": c.loose} {
		have, err := wt.Repo().TreeOf(ctx, rev)
		if err != nil {
			return err
		}
		if have != want {
			return &NotKeptError{Path: wt.Path(), Why: "it changed after the snapshot", Files: toStrings(c.state.Files)}
		}
	}
	return nil
}

// proveReachable is nil when a ref that stays has the commit in its history.
func proveReachable(ctx context.Context, wt *git.Worktree, commit string) error {
	ref, err := wt.Repo().Containing(ctx, commit, "refs/heads", "refs/gt")
	if err == nil && ref == "" {
		return &NotKeptError{Path: wt.Path(), Why: "its commits are on no ref"}
	}
	return err
}

// isHalf reports whether the directory is missing, or holds nothing but its .git file.
func isHalf(path string) bool {
	entries, err := os.ReadDir(path)
	if err != nil {
		return errors.Is(err, fs.ErrNotExist)
	}
	return len(entries) == 0 || (len(entries) == 1 && entries[0].Name() == ".git")
}
