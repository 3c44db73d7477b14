package git

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Overlay writes the tree of rev with some changes of another one applied (their new sides,
// as DiffNames gives them) and returns its hash. No worktree, ref or index is touched.
func (r *Repo) Overlay(ctx context.Context, rev string, changes []Change) (string, error) {
	if err := checkRevs(rev); err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(r.dir, ".overlay-")
	if err != nil {
		return "", fmt.Errorf("make an index: %w", err)
	}
	defer os.RemoveAll(dir)
	var info bytes.Buffer
	for _, c := range changes { // what goes first: a file may become a directory
		if c.Status == 'D' {
			fmt.Fprintf(&info, "0 %s\t%s\x00", ZeroHash[:len(c.OldHash)], c.Path)
		}
	}
	for _, c := range changes {
		if c.Status != 'D' {
			fmt.Fprintf(&info, "%s %s\t%s\x00", c.NewMode, c.NewHash, c.Path)
		}
	}
	run := func(in []byte, args ...string) (string, error) {
		c := r.call(args...)
		c.in, c.env = in, append(slices.Clone(c.env), "GIT_INDEX_FILE="+filepath.Join(dir, "index"))
		_, out, err := r.g.run(ctx, c)
		return strings.TrimSpace(string(out)), err
	}
	if _, err = run(nil, "read-tree", rev); err == nil {
		if _, err = run(info.Bytes(), "update-index", "-z", "--index-info"); err == nil {
			var tree string
			if tree, err = run(nil, "write-tree"); err == nil {
				return tree, nil
			}
		}
	}
	return "", fmt.Errorf("put %d files over %s: %w", len(changes), short(rev), err)
}
