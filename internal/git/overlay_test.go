package git

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOverlay(t *testing.T) {
	f := setup(t)
	f.user("src", "main")
	r := f.clone(filepath.Join(f.dir, "src")).Repo
	base, err := r.ResolveCommit(f.ctx, mainRef)
	f.ok(err)
	for _, ref := range []string{"refs/heads/a", "refs/heads/b"} {
		f.ok(r.UpdateRef(f.ctx, ref, base, ZeroHash, ""))
	}
	f.commit(r, "refs/heads/b", "README.md", "changed\n")
	tip := f.commit(r, "refs/heads/b", "ü\n \"x_test", "test\n")
	all, err := r.DiffNames(f.ctx, base, tip)
	f.ok(err)
	var only []Change
	for _, c := range all {
		if strings.HasSuffix(c.Path, "_test") {
			only = append(only, c)
		}
	}
	tree, err := r.Overlay(f.ctx, base, only)
	f.ok(err)
	got, err := r.DiffNames(f.ctx, base, tree)
	f.ok(err)
	if len(all) != 2 || len(got) != 1 || got[0].Path != "ü\n \"x_test" || got[0].Status != 'A' {
		t.Errorf("of %+v there is %+v", all, got)
	}
	back, err := r.DiffNames(f.ctx, tip, base) // deletions
	f.ok(err)
	tree, err = r.Overlay(f.ctx, tip, back)
	f.ok(err)
	if want, err := r.TreeOf(f.ctx, base); err != nil || tree != want {
		t.Errorf("tree %s, want %s (%v)", tree, want, err)
	}
	if left, err := filepath.Glob(filepath.Join(r.Dir(), ".overlay-*")); err != nil || len(left) > 0 {
		t.Errorf("left: %v (%v)", left, err)
	}
	if _, err := os.Stat(filepath.Join(r.Dir(), "index")); err == nil {
		t.Error("the repository has an index now")
	}
}
