package worktree

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"gastown/internal/fault"
	"gastown/internal/git"
)

// ErrOutside says that a path is not inside the directory that holds the town's
// worktrees; nothing was changed.
var ErrOutside error = fault.Refusedf("outside the town's worktrees")

// ErrOccupied says that the place of a worktree holds something else: files that
// are not of this attempt, or a worktree on another branch.
var ErrOccupied error = fault.Refusedf("the place is taken")

// ErrWrongBase says that the branch exists and does not contain the base.
var ErrWrongBase error = fault.Refusedf("the branch does not start from the base")

// Spec describes the worktree of one attempt. All fields are required.
type Spec struct {
	Root   string // the directory of the rig's worktrees: TOWN/rigs/NAME/wt
	Path   string // below Root
	Branch string // full ref: refs/heads/gt/BEAD/N
	Base   string // full hash of the commit the branch starts from
}

// Ensure makes the worktree, or finds it as an earlier call made it. After an
// error there is neither a directory nor a branch that this call created. Commits
// already on the branch are kept. The caller owns the result; one call per Path
// at a time.
func Ensure(ctx context.Context, repo *git.Repo, s Spec) (*git.Worktree, error) {
	if err := inside(s.Root, s.Path); err != nil {
		return nil, fmt.Errorf("make worktree %q: %w", s.Path, err)
	}
	wt, err := ensure(ctx, repo, s)
	if err != nil {
		return nil, fmt.Errorf("make worktree %q: %w", s.Path, err)
	}
	return wt, nil
}

func ensure(ctx context.Context, repo *git.Repo, s Spec) (*git.Worktree, error) {
	found, err := repo.Lookup(ctx, s.Branch, s.Base)
	if err != nil {
		return nil, err
	}
	tip, base := found[0], found[1]
	if base == "" {
		return nil, fault.NotFoundf("base %q: %w", s.Base, git.ErrNotExist)
	}
	if tip != "" && tip != base {
		if ok, err := repo.IsAncestor(ctx, base, tip); err != nil {
			return nil, err
		} else if !ok {
			return nil, fmt.Errorf("branch %s is at %.12s, base is %.12s: %w", s.Branch, tip, base, ErrWrongBase)
		}
	}
	if wt, err := repo.OpenWorktree(s.Path); err == nil {
		if wt, err := adopt(ctx, repo, wt, s); err != nil || wt != nil {
			return wt, err
		}
	} else if !errors.Is(err, git.ErrNoWorktree) {
		return nil, err
	}
	if err := clearPlace(s.Path); err != nil {
		return nil, err
	}
	if tip != "" {
		base = "" // the branch is there: take it as it is
	}
	return repo.WorktreeAdd(ctx, s.Path, s.Branch, base)
}

// adopt takes over a registration that exists already. It returns nil when the
// registration was stale and is now gone.
func adopt(ctx context.Context, repo *git.Repo, wt *git.Worktree, s Spec) (*git.Worktree, error) {
	list, err := repo.WorktreeList(ctx)
	if err != nil {
		return nil, err
	}
	var info git.WorktreeInfo
	for _, w := range list {
		if w.Path == wt.Path() {
			info = w
		}
	}
	_, statErr := os.Lstat(filepath.Join(wt.Path(), ".git"))
	if errors.Is(statErr, fs.ErrNotExist) {
		if err := clearPlace(wt.Path()); err != nil {
			return nil, err
		}
		return nil, repo.WorktreeRemove(ctx, wt.Path(), git.RemoveForced)
	}
	if info.Unfinished() { // a crash while its files were written; no agent was in it yet
		if info.Branch == s.Branch {
			return wt, wt.FinishCheckout(ctx)
		}
		return nil, repo.WorktreeRemove(ctx, wt.Path(), git.RemoveForced)
	}
	head, err := wt.Head(ctx)
	if err != nil {
		return nil, err
	}
	if head.Branch == s.Branch {
		return wt, nil
	}
	if head.Branch == "" { // detached by the agent, in the midst of a rebase perhaps
		if ours, err := ofAttempt(ctx, repo, wt, s); err != nil || ours {
			return wt, err
		}
	}
	return nil, fmt.Errorf("it is on %q, not on %s: %w", head.Branch, s.Branch, ErrOccupied)
}

// ofAttempt reports whether a detached worktree can be the spec's attempt: its
// HEAD has the base in its history.
func ofAttempt(ctx context.Context, repo *git.Repo, wt *git.Worktree, s Spec) (bool, error) {
	head, err := wt.Head(ctx)
	if err != nil || head.Commit == "" {
		return false, err
	}
	return repo.IsAncestor(ctx, s.Base, head.Commit)
}

// clearPlace removes what a crash inside `worktree add` leaves: an empty
// directory, or one that holds only its .git file. Anything else is ErrOccupied.
func clearPlace(path string) error {
	entries, err := os.ReadDir(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() != ".git" || !e.Type().IsRegular() {
			return fmt.Errorf("%s is there: %w", filepath.Join(path, e.Name()), ErrOccupied)
		}
	}
	if len(entries) == 1 {
		if err := os.Remove(filepath.Join(path, ".git")); err != nil {
			return err
		}
	}
	return os.Remove(path)
}

// inside refuses paths that are not strictly below root, links resolved.
func inside(root, path string) error {
	if root == "" || !filepath.IsAbs(root) || !filepath.IsAbs(path) {
		return fmt.Errorf("root %q, path %q must be absolute: %w", root, path, ErrOutside)
	}
	rootReal, err := filepath.EvalSymlinks(root)
	if errors.Is(err, fs.ErrNotExist) {
		rootReal, err = filepath.Clean(root), nil
	}
	if err != nil {
		return err
	}
	parent := filepath.Dir(path)
	if real, err := filepath.EvalSymlinks(parent); err == nil {
		parent = real
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	rel, err := filepath.Rel(rootReal, filepath.Join(parent, filepath.Base(path)))
	if err != nil || rel == "." || rel == ".." || strings.HasPrefix(rel, "../") {
		return fmt.Errorf("%q is not below %q: %w", path, root, ErrOutside)
	}
	if st, err := os.Lstat(path); err == nil && st.Mode()&fs.ModeSymlink != 0 {
		return fmt.Errorf("%q is a symbolic link: %w", path, ErrOutside)
	}
	return nil
}
