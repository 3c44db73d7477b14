package git

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
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

// clearLocks looks at the files of dir and at all below its refs.
func clearLocks(dir string) (gone []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if e.Type().IsRegular() && strings.HasSuffix(e.Name(), lockSuffix) {
			if gone, err = removeLock(gone, filepath.Join(dir, e.Name())); err != nil {
				return gone, err
			}
		}
	}
	err = filepath.WalkDir(filepath.Join(dir, "refs"), func(p string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && d.Type().IsRegular() && strings.HasSuffix(p, lockSuffix) {
			gone, err = removeLock(gone, p)
		}
		return err
	})
	return gone, err
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
