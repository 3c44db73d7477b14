package worktree

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestUnborn: a worktree on a branch without a commit is kept and comes back on
// any commit, with exactly its files and its index.
func TestUnborn(t *testing.T) {
	f := setup(t, t.TempDir())
	wt := f.ensure("x", 1)
	p := wt.Path()
	f.run(p, "git", "checkout", "-q", "--orphan", "new")
	f.put(p, "a", "changed\n")
	f.run(p, "git", "rm", "-qf", "b")
	f.run(p, "git", "add", "a")
	f.put(p, "loose", "l")
	before := f.see0(wt)
	r, err := Snapshot(f.ctx, wt, snapshotSpec(RescuePrefix+"x/1"))
	f.ok(err)
	if r.Head != "" || r.Clean {
		t.Errorf("%+v", r)
	}
	f.ok(Remove(f.ctx, f.repo, p, RemoveOptions{Root: f.root, Rescue: &r}))
	wt, err = Ensure(f.ctx, f.repo, Spec{Root: f.root, Path: p, Branch: "refs/heads/gt/x/2", Base: f.base})
	f.ok(err)
	for range 2 {
		_, err = Restore(f.ctx, wt, r.Ref)
		f.ok(err)
		if diff := cmp.Diff(before, f.see0(wt)); diff != "" {
			t.Fatal(diff)
		}
	}
}

// TestSubmodule: the commit a submodule is on is kept, changes inside are named as lost.
func TestSubmodule(t *testing.T) {
	f := setup(t, t.TempDir())
	wt := f.ensure("x", 1)
	p := wt.Path()
	if out := f.run(p, "git", "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", filepath.Join(f.dir, "src"), "sub"); out != "" {
		t.Fatal(out)
	}
	f.run(p, "git", "commit", "-qm", "submodule")
	f.run(filepath.Join(p, "sub"), "git", "commit", "-q", "--allow-empty", "-m", "inside")
	inside := strings.TrimSpace(f.run(filepath.Join(p, "sub"), "git", "rev-parse", "HEAD"))
	f.put(p, "sub/untracked", "x")
	r, err := Snapshot(f.ctx, wt, snapshotSpec(RescuePrefix+"x/1"))
	f.ok(err)
	if len(r.Lost) != 1 || !strings.HasPrefix(r.Lost[0], "sub/") {
		t.Errorf("%q", r.Lost)
	}
	changes, err := f.repo.DiffNames(f.ctx, r.Head, r.Commit)
	if err != nil || len(changes) != 1 || changes[0].NewHash != inside {
		t.Error(changes, inside, err)
	}
	f.ok(Remove(f.ctx, f.repo, p, RemoveOptions{Root: f.root, Rescue: &r}))
	if _, err := os.Lstat(p); err == nil {
		t.Error("it is still there")
	}
}
