package git

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gastown/internal/proc"
)

const lockSuffix = ".lock"

// ClearLocks removes the lock files that a git process leaves which is killed while it writes: of the
// repository, of its refs and of its worktrees. Nothing else ever removes them, and every later write
// fails. The caller knows that no git process works in the repository. What was locked is whole: git
// writes beside it and renames. It returns what it removed.
func (r *Repo) ClearLocks() ([]string, error) {
	dirs := []string{r.dir}
	trees, err := os.ReadDir(filepath.Join(r.dir, "worktrees"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("clear locks of %q: %w", r.dir, err)
	}
	for _, t := range trees {
		dirs = append(dirs, filepath.Join(r.dir, "worktrees", t.Name()))
	}
	var gone []string
	for _, dir := range dirs {
		more, err := clearLocks(dir)
		gone = append(gone, more...)
		if err != nil {
			return gone, fmt.Errorf("clear locks of %q: %w", r.dir, err)
		}
	}
	return gone, nil
}

// ClearLocks is Repo.ClearLocks for what is the worktree's alone: its private files and its branch (a
// full ref; empty: none). The caller knows that no git process works in the worktree.
func (w *Worktree) ClearLocks(branch string) ([]string, error) {
	gone, err := clearLocks(w.gitDir)
	if err == nil && branch != "" {
		if err = CheckRef(branch); err == nil {
			gone, err = removeLock(gone, filepath.Join(w.repo.dir, filepath.FromSlash(branch)+lockSuffix))
		}
	}
	if err != nil {
		return gone, fmt.Errorf("clear locks of %q: %w", w.path, err)
	}
	return gone, nil
}

// clearLocks removes the locks of dir.
func clearLocks(dir string) (gone []string, err error) {
	found, err := findLocks(dir)
	for _, lock := range found {
		if err == nil {
			gone, err = removeLock(gone, lock)
		}
	}
	return gone, err
}

// findLocks looks at the files of dir and at all below its refs.
func findLocks(dir string) (found []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if e.Type().IsRegular() && strings.HasSuffix(e.Name(), lockSuffix) {
			found = append(found, filepath.Join(dir, e.Name()))
		}
	}
	err = filepath.WalkDir(filepath.Join(dir, "refs"), func(p string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && d.Type().IsRegular() && strings.HasSuffix(p, lockSuffix) {
			found = append(found, p)
		}
		return err
	})
	return found, err
}

// lockAge is how old a lock must be to be looked at: git holds one for milliseconds.
const lockAge = 2 * time.Second

// dropStale removes the locks, of the repository and its worktrees, that nobody holds any more: no git that was
// running when a lock was made runs there now, stopped ones counted. One that began later waits for it, or is
// read by it as nobody's. It returns what it removed.
func (r *Repo) dropStale() (gone []string) {
	// Where a git may work that holds a shared lock; one of a worktree is held from there, or from the repository.
	private, places := map[string]string{}, []string{r.dir}
	admins, _ := os.ReadDir(filepath.Join(r.dir, "worktrees"))
	for _, a := range admins {
		dir := filepath.Join(r.dir, "worktrees", a.Name())
		private[dir] = filepath.Dir(readLine(dir, "gitdir"))
		places = append(places, private[dir])
	}
	look := func(dir string, places ...string) {
		found, _ := findLocks(dir) // what cannot be read stays
		for _, lock := range found {
			was, err := os.Lstat(lock)
			if err != nil || time.Since(was.ModTime()) < lockAge || proc.RunningSince(was.ModTime(), "git", places...) {
				continue
			}
			now, err := os.Lstat(lock)
			if err != nil || !os.SameFile(was, now) || !was.ModTime().Equal(now.ModTime()) {
				continue // somebody took it meanwhile
			}
			gone, _ = removeLock(gone, lock)
		}
	}
	look(r.dir, places...)
	for dir, path := range private {
		look(dir, r.dir, path)
	}
	return gone
}

func removeLock(gone []string, path string) ([]string, error) {
	err := os.Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		return gone, nil
	}
	if err == nil {
		gone = append(gone, path)
	}
	return gone, err
}
