package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"gastown/internal/fault"
)

// WorktreeInfo is one registered worktree.
type WorktreeInfo struct {
	Path     string
	Head     string // commit; "" when unborn or unreadable
	Branch   string // full ref; "" when detached
	Locked   string // the reason, "locked" when none was given; "" when not locked
	Prunable bool   // its directory is gone or does not point back
}

// unfinished is the lock reason of a worktree whose files are still being
// written; git refuses to prune it, and after a crash it says what to redo.
const unfinished = "gastown: checkout not finished"

// WorktreeList lists the registered worktrees, the repository itself left out.
func (r *Repo) WorktreeList(ctx context.Context) ([]WorktreeInfo, error) {
	_, out, err := r.g.run(ctx, r.call("worktree", "list", "--porcelain", "-z"))
	if err != nil {
		return nil, fmt.Errorf("list worktrees of %q: %w", r.dir, err)
	}
	var list []WorktreeInfo
	for _, block := range strings.Split(string(out), "\x00\x00") {
		var w WorktreeInfo
		bare := false
		for _, l := range strings.Split(strings.Trim(block, "\x00"), "\x00") {
			k, v, _ := strings.Cut(l, " ")
			switch k {
			case "worktree":
				w.Path = v
			case "HEAD":
				if v != ZeroHash {
					w.Head = v
				}
			case "branch":
				w.Branch = v
			case "bare":
				bare = true
			case "locked":
				w.Locked = firstOf(v, "locked")
			case "prunable":
				w.Prunable = true
			}
		}
		if w.Path != "" && !bare && w.Path != r.dir {
			list = append(list, w)
		}
	}
	return list, nil
}

// WorktreeAdd makes a worktree at path on branch (a full ref below refs/heads/).
// With base, a commit, the branch is created there and must not exist; with base
// "" the branch must exist. When it fails, neither the directory nor a branch it
// created is left. No upstream is configured. A path that is taken is an error.
func (r *Repo) WorktreeAdd(ctx context.Context, path, branch, base string) (*Worktree, error) {
	if err := CheckRef(branch); err != nil {
		return nil, err
	}
	name, ok := strings.CutPrefix(branch, "refs/heads/")
	if !ok || CheckBranch(name) != nil {
		return nil, fmt.Errorf("branch %q: %w", branch, ErrBadName)
	}
	if base == "" {
		return r.addWorktree(ctx, path, []string{name})
	}
	commit, err := r.ResolveCommit(ctx, base)
	if err != nil {
		return nil, err
	}
	if err := r.UpdateRef(ctx, branch, commit, ZeroHash, "gastown: attempt starts"); err != nil {
		return nil, err
	}
	w, err := r.addWorktree(ctx, path, []string{name})
	if err != nil {
		if derr := r.DeleteRef(context.WithoutCancel(ctx), branch, commit); derr != nil {
			return nil, fmt.Errorf("%w (and %v)", err, derr)
		}
		return nil, err
	}
	return w, nil
}

// WorktreeAddDetached is WorktreeAdd without a branch, at commit: a worktree that
// CheckoutDetached moves.
func (r *Repo) WorktreeAddDetached(ctx context.Context, path, commit string) (*Worktree, error) {
	hash, err := r.ResolveCommit(ctx, commit)
	if err != nil {
		return nil, err
	}
	w, err := r.addWorktree(ctx, path, []string{"--detach", hash})
	if err != nil {
		return nil, err
	}
	if err := copyFile(filepath.Join(w.gitDir, "index"), w.ownIndex()); err != nil {
		return nil, fmt.Errorf("add worktree %q: %w", path, err)
	}
	return w, nil
}

// addWorktree registers the worktree under the repository's lock and writes its
// files outside of it, so that a large checkout does not hold up the others.
func (r *Repo) addWorktree(ctx context.Context, path string, what []string) (*Worktree, error) {
	real, err := realPath(path)
	if err != nil {
		return nil, fmt.Errorf("add worktree %q: %w", path, err)
	}
	if err := emptyOrMissing(real); err != nil {
		return nil, fmt.Errorf("add worktree %q: %w", path, err)
	}
	if err := r.cleanConfig(ctx, r.configFiles()...); err != nil {
		return nil, err
	}
	args := []string{"worktree", "add", "--quiet", "--no-checkout", "--lock", "--reason", unfinished}
	if what[0] == "--detach" {
		args, what = append(args, "--detach"), what[1:]
	}
	err = r.locked(func() error {
		_, err := r.output(ctx, append(append(args, "--", real), what...)...)
		return err
	})
	if err == nil {
		var w *Worktree
		if w, err = r.OpenWorktree(real); err == nil {
			if err = w.FinishCheckout(ctx); err == nil {
				return w, nil
			}
		}
	}
	if derr := r.WorktreeRemove(context.WithoutCancel(ctx), real, RemoveForced); derr != nil {
		return nil, fmt.Errorf("add worktree %q: %w (and %v)", path, err, derr)
	}
	return nil, fmt.Errorf("add worktree %q: %w", path, err)
}

func emptyOrMissing(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if len(entries) > 0 {
		return fault.Refusedf("the directory is not empty")
	}
	return nil
}

// Unfinished reports whether the worktree's files were never completely written.
func (i WorktreeInfo) Unfinished() bool { return i.Locked == unfinished }

// FinishCheckout writes all files of a new worktree and marks it as complete.
// Only for one that is unfinished: what is in it is overwritten.
func (w *Worktree) FinishCheckout(ctx context.Context) error {
	if _, err := w.Run(ctx, nil, "", "reset", "--hard", "--quiet", "--no-recurse-submodules"); err != nil {
		return fmt.Errorf("write files of %q: %w", w.path, err)
	}
	if err := os.Remove(filepath.Join(w.gitDir, "locked")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("mark %q as complete: %w", w.path, err)
	}
	return nil
}

// RestoreMissing makes the directory of a worktree again that somebody deleted while its
// registration stayed, with the files of its index, and reports whether it was missing. HEAD
// and the index are as they were; what was never added to the index is gone. The directory
// appears complete or not at all. One call per worktree at a time.
func (w *Worktree) RestoreMissing(ctx context.Context) (bool, error) {
	if _, err := os.Lstat(w.path); !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	aside := filepath.Join(filepath.Dir(w.path), ".restoring-"+filepath.Base(w.path))
	err := os.RemoveAll(aside) // of a call that was killed
	if err == nil {
		err = os.MkdirAll(aside, 0o755)
	}
	if err == nil {
		there := &Worktree{repo: w.repo, path: aside, gitDir: w.gitDir}
		_, err = there.Run(ctx, nil, "", "checkout-index", "--all", "--quiet")
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(aside, ".git"), []byte("gitdir: "+w.gitDir+"\n"), 0o644)
	}
	if err == nil {
		err = os.Rename(aside, w.path)
	}
	if err != nil {
		return false, fmt.Errorf("restore worktree %q: %w", w.path, errors.Join(err, removeTree(aside)))
	}
	return true, nil
}

// RemoveMode says what WorktreeRemove does with changes.
type RemoveMode int

const (
	// RemoveClean refuses when git finds changes or untracked files.
	RemoveClean RemoveMode = iota
	// RemoveForced removes whatever is there, ignored files, submodules and
	// read-only directories too.
	RemoveForced
)

// WorktreeRemove removes the directory and the registration of the worktree at
// path and verifies that both are gone. One that is gone already is success.
// Branches stay. It does not look at what would be lost: package worktree does.
func (r *Repo) WorktreeRemove(ctx context.Context, path string, mode RemoveMode) error {
	real, err := realPath(path)
	if err != nil {
		return fmt.Errorf("remove worktree %q: %w", path, err)
	}
	if err := r.cleanConfig(ctx, r.configFiles()...); err != nil {
		return err
	}
	return r.locked(func() error {
		if err := r.removeLocked(ctx, real, mode); err != nil {
			return fmt.Errorf("remove worktree %q: %w", path, err)
		}
		return nil
	})
}

func (r *Repo) removeLocked(ctx context.Context, real string, mode RemoveMode) error {
	if real == r.dir || strings.HasPrefix(r.dir, real+string(filepath.Separator)) {
		return fmt.Errorf("it holds the repository: %w", ErrNotOurs)
	}
	w, openErr := r.OpenWorktree(real)
	_, statErr := os.Lstat(real)
	if openErr != nil { // not registered
		if errors.Is(statErr, fs.ErrNotExist) {
			return nil
		}
		if mode != RemoveForced || !halfWorktree(real) {
			return openErr
		}
		return removeTree(real)
	}
	if mode == RemoveClean {
		_, err := r.output(ctx, "worktree", "remove", "--", real)
		return err
	}
	return r.discard(w)
}

// discard takes the directory away by one rename before anything in it is
// deleted, so that a crash never leaves a half-emptied worktree that looks like
// work; then the registration goes, as `git worktree remove` would do it.
func (r *Repo) discard(w *Worktree) error {
	parent := filepath.Dir(w.path)
	sweep(parent)
	aside, err := os.MkdirTemp(parent, asidePrefix)
	if errors.Is(err, fs.ErrNotExist) {
		return os.RemoveAll(w.gitDir) // not even the parent is left
	}
	if err != nil {
		return err
	}
	if err := os.Rename(w.path, filepath.Join(aside, "wt")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(err, os.Remove(aside))
	}
	if err := os.RemoveAll(w.gitDir); err != nil {
		return err
	}
	if err := removeTree(aside); err != nil {
		return err
	}
	if _, err := r.OpenWorktree(w.path); !errors.Is(err, ErrNoWorktree) {
		return fault.Failf("%s is still registered", w.path)
	}
	if _, err := os.Lstat(w.path); !errors.Is(err, fs.ErrNotExist) {
		return fault.Failf("%s was made again meanwhile", w.path)
	}
	return nil
}

// asidePrefix begins the names of directories on their way out.
const asidePrefix = ".removing-"

// sweep removes what an earlier removal could not finish. Best effort: what
// stays is tried again next time.
func sweep(parent string) {
	left, _ := filepath.Glob(filepath.Join(globQuote.Replace(parent), asidePrefix+"*"))
	for _, dir := range left {
		_ = removeTree(dir)
	}
}

var globQuote = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`)

// halfWorktree reports whether dir is what a crash inside `worktree add` leaves:
// nothing, or nothing but its .git file.
func halfWorktree(dir string) bool {
	entries, err := os.ReadDir(dir)
	return err == nil && (len(entries) == 0 || (len(entries) == 1 && entries[0].Name() == ".git" && entries[0].Type().IsRegular()))
}

// removeTree removes dir and everything in it, making directories writable that
// are not (module caches), and verifies that it is gone. Links are not followed.
func removeTree(dir string) error {
	err := os.RemoveAll(dir)
	for try := 0; err != nil && try < 3; try++ {
		_ = filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
			if d != nil && d.IsDir() {
				return os.Chmod(p, 0o700)
			}
			return nil
		})
		err = os.RemoveAll(dir)
	}
	if err != nil {
		return err
	}
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
		return fault.Failf("%s is still there", dir)
	}
	return nil
}

// Prune forgets registrations whose directory is gone. Locked ones stay.
func (r *Repo) Prune(ctx context.Context) error {
	return r.locked(func() error {
		if _, err := r.output(ctx, "worktree", "prune", "--expire=now"); err != nil {
			return fmt.Errorf("prune worktrees of %q: %w", r.dir, err)
		}
		return nil
	})
}
