package worktree

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// operations are the files and directories of a worktree's private git directory
// that say what is under way, and what that is called.
var operations = []struct{ file, name string }{
	{"MERGE_HEAD", "merge"}, {"rebase-merge", "rebase"}, {"rebase-apply", "rebase"},
	{"CHERRY_PICK_HEAD", "cherry-pick"}, {"REVERT_HEAD", "revert"}, {"BISECT_LOG", "bisect"},
	{"MERGE_MSG", ""}, {"MERGE_MODE", ""}, {"SQUASH_MSG", ""}, {"AUTO_MERGE", ""}, {"REBASE_HEAD", ""},
	{"ORIG_HEAD", ""}, {"sequencer", ""}, {"BISECT_START", ""}, {"BISECT_TERMS", ""}, {"BISECT_NAMES", ""},
}

// resumable are the operation files Restore puts back: those of a merge,
// cherry-pick or revert that ends with the next commit. A rebase is not put back:
// it owns HEAD and a branch, and the worktree it is restored into has others.
var resumable = []string{"MERGE_HEAD", "MERGE_MSG", "MERGE_MODE", "SQUASH_MSG", "CHERRY_PICK_HEAD", "REVERT_HEAD"}

// operationFiles lists the operation's files below gitdir/ and names it. Without
// an operation there are none.
func operationFiles(gitDir string) ([]*file, string, error) {
	var files []*file
	name := ""
	for _, op := range operations {
		root := filepath.Join(gitDir, op.file)
		err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if name == "" {
				name = op.name
			} else if op.name == "rebase" {
				name = op.name // a rebase stops in a cherry-pick: the outer name counts
			}
			if !d.Type().IsRegular() {
				return nil
			}
			rel, err := filepath.Rel(gitDir, p)
			files = append(files, &file{path: "gitdir/" + filepath.ToSlash(rel), mode: "100644", disk: p})
			return err
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, "", err
		}
	}
	if name == "" {
		return nil, "", nil // leftovers such as ORIG_HEAD say nothing by themselves
	}
	return files, name, nil
}

// mentioned lists the commits that operation files and the attempt's stashes name,
// so that the rescue keeps them reachable.
func (b *builder) mentioned(ctx context.Context, ops []*file) ([]string, error) {
	var names []string
	for _, f := range ops {
		data, err := os.ReadFile(f.disk)
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			return nil, err
		}
		for _, w := range strings.Fields(string(data)) {
			if len(w) == 40 && strings.Trim(w, "0123456789abcdef") == "" {
				names = append(names, w)
			}
		}
	}
	stashes, err := b.stashes(ctx)
	if err != nil {
		return nil, err
	}
	found, err := b.wt.Repo().Lookup(ctx, append(names, stashes...)...)
	if err != nil {
		return nil, err
	}
	found = slices.DeleteFunc(found, func(h string) bool { return h == "" || h == b.c.head.Commit })
	slices.Sort(found)
	return slices.Compact(found), nil
}

// stashes lists the stash entries made on this worktree's branch. All worktrees
// share one stash: another one could drop them.
func (b *builder) stashes(ctx context.Context) ([]string, error) {
	branch, ok := strings.CutPrefix(b.c.head.Branch, "refs/heads/")
	if !ok {
		return nil, nil
	}
	if _, err := os.Lstat(filepath.Join(b.wt.Repo().Dir(), "logs", "refs", "stash")); err != nil {
		return nil, nil // no stash was ever made: no process for it
	}
	entries, err := b.wt.Repo().Reflog(ctx, "refs/stash")
	if err != nil {
		return nil, err
	}
	var found []string
	for _, e := range entries {
		if strings.Contains(e.Why, "n "+branch+":") { // "WIP on B: ...", "On B: ..."
			found = append(found, e.Hash)
		}
	}
	return found, nil
}

// isNotDir reports whether a part of the path is a file.
func isNotDir(err error) bool { return errors.Is(err, syscall.ENOTDIR) }

// copyFile copies an index; one that does not exist stays so.
func copyFile(from, to string) error {
	in, err := os.Open(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
