package git

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestHistoryCannotBeCutOff: what an agent writes into the shared repository changes nothing of what descends from what.
func TestHistoryCannotBeCutOff(t *testing.T) {
	f := setup(t)
	r, _, first := f.rig()
	f.commit(r, mainRef, "x", "x")
	tip := f.commit(r, mainRef, "y", "y")
	shallow := filepath.Join(r.Dir(), "shallow")
	f.ok(os.WriteFile(shallow, []byte(tip+"\n"), 0o644))
	if in, err := r.IsAncestor(f.ctx, first, tip); err != nil || !in {
		t.Errorf("%t, %v", in, err)
	}
	if _, err := os.Stat(shallow); err == nil {
		t.Error("the file is still there")
	}
	for _, junk := range []string{"", "no hash\n", first + "\n" + tip} {
		f.ok(os.WriteFile(shallow, []byte(junk), 0o644))
		if n, err := r.CountCommits(f.ctx, first, tip); err != nil || n != 2 {
			t.Errorf("%q: %d, %v", junk, n, err)
		}
	}
}

// TestAShallowCloneStaysOne, whatever else is said to be cut off.
func TestAShallowCloneStaysOne(t *testing.T) {
	f := setup(t)
	f.user("full", "main")
	f.git("full", "commit", "-q", "--allow-empty", "-m", "second")
	f.git("", "clone", "-q", "--depth", "1", "file://"+filepath.Join(f.dir, "full"), "src")
	c := f.clone(filepath.Join(f.dir, "src"))
	r, shallow := c.Repo, filepath.Join(c.Repo.Dir(), "shallow")
	tip := f.commit(r, mainRef, "x", "x")
	want := c.Tip + "\n"
	for _, more := range []string{"", tip + "\n"} {
		f.ok(os.WriteFile(shallow, []byte(more+want), 0o644))
		if n, err := r.CountCommits(f.ctx, c.Tip, tip); err != nil || n != 1 {
			t.Errorf("%d, %v", n, err)
		}
		if data, err := os.ReadFile(shallow); err != nil || string(data) != want {
			t.Errorf("%q, %v", data, err)
		}
	}
}

// TestAShallowMergeStaysCut: one of its parents is there by another way, the other is not.
func TestAShallowMergeStaysCut(t *testing.T) {
	f := setup(t)
	f.user("full", "main")
	for _, step := range [][]string{{"checkout", "-q", "-b", "side"}, {"commit", "-q", "--allow-empty", "-m", "side 1"}, {"commit", "-q", "--allow-empty", "-m", "side 2"},
		{"checkout", "-q", "main"}, {"commit", "-q", "--allow-empty", "-m", "on main"}, {"merge", "-q", "--no-ff", "-m", "merge", "side"}, {"commit", "-q", "--allow-empty", "-m", "last"}} {
		f.git("full", step...)
	}
	// The tip, and beside it a ref that has the merge's first parent, as a clone of several branches has.
	f.git("full", "branch", "first", "main~2")
	f.git("", "clone", "-q", "--depth", "2", "--no-single-branch", "file://"+filepath.Join(f.dir, "full"), "src")
	shallow, err := os.ReadFile(filepath.Join(f.dir, "src/.git/shallow"))
	f.ok(err)
	if merge := f.git("full", "rev-parse", "main~1"); !strings.Contains(string(shallow), merge) {
		t.Fatalf("%s is not in %q", merge, shallow)
	}
	r := f.clone(filepath.Join(f.dir, "src")).Repo
	if _, err := r.Log(f.ctx, LogOptions{From: mainRef}); err != nil {
		t.Error(err)
	}
	if data, err := os.ReadFile(filepath.Join(r.Dir(), "shallow")); err != nil || !strings.Contains(string(data), f.git("full", "rev-parse", "main~1")) {
		t.Errorf("%q, %v", data, err)
	}
}

// TestNothingIsBorrowed: objects of another place that may go become the repository's own.
func TestNothingIsBorrowed(t *testing.T) {
	f := setup(t)
	r, _, _ := f.rig()
	f.user("other", "main")
	theirs := f.git("other", "rev-parse", "HEAD")
	alternates := filepath.Join(r.Dir(), "objects", "info", "alternates")
	f.ok(os.MkdirAll(filepath.Dir(alternates), 0o755))
	f.ok(os.WriteFile(alternates, []byte(filepath.Join(f.dir, "other/.git/objects")+"\n/nowhere\n"), 0o644))
	f.git("town/repo.git", "update-ref", "refs/heads/borrowed", theirs)
	if got, err := r.ResolveCommit(f.ctx, "refs/heads/borrowed"); err != nil || got != theirs {
		t.Errorf("%s, %v", got, err)
	}
	f.ok(os.RemoveAll(filepath.Join(f.dir, "other")))
	if _, err := os.Stat(alternates); err == nil {
		t.Error("it still borrows")
	}
	f.ok(r.Whole(f.ctx, theirs))

	// A source that borrows itself gives a repository that does not.
	f.user("lender", "main")
	f.git("", "clone", "-q", "--shared", "lender", "borrower")
	c, err := f.g.CloneBare(f.ctx, filepath.Join(f.dir, "borrower"), filepath.Join(f.dir, "town/second.git"), CloneOptions{})
	f.ok(err)
	f.ok(os.RemoveAll(filepath.Join(f.dir, "lender")))
	f.ok(c.Repo.Whole(f.ctx, c.Tip))
	if data, err := os.ReadFile(filepath.Join(c.Repo.Dir(), "objects/info/alternates")); err == nil && strings.TrimSpace(string(data)) != "" {
		t.Errorf("it borrows from %s", data)
	}
}
