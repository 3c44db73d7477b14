package git

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func (f *fixture) checkout(name string) *Checkout {
	f.Helper()
	c, err := f.g.OpenCheckout(f.ctx, filepath.Join(f.dir, name))
	f.ok(err)
	return c
}

func TestPushCheckout(t *testing.T) {
	f := setup(t)
	f.user("my src's \"ü\"", "main")
	src := "my src's \"ü\""
	r := f.clone(filepath.Join(f.dir, src)).Repo
	f.write(src+"/.git/hooks/post-update", "#!/bin/sh\ntouch "+f.dir+"/ran\n")
	f.write(src+"/.git/hooks/push-to-checkout", "#!/bin/sh\ntouch "+f.dir+"/ran\n")
	f.ok(os.Chmod(filepath.Join(f.dir, src, ".git/hooks/post-update"), 0o755))
	f.ok(os.Chmod(filepath.Join(f.dir, src, ".git/hooks/push-to-checkout"), 0o755))
	f.write(src+"/untracked", "mine")
	config := f.tree(src)["/.git/config"]

	next := f.commit(r, mainRef, "sub/x", "1\n")
	for range 2 { // the second finds it done
		d, err := r.PushCheckout(f.ctx, f.checkout(src), next, mainRef, nil, nil)
		f.ok(err)
		if d.New != next {
			t.Errorf("%+v", d)
		}
	}
	tree := f.tree(src)
	if tree["/sub/x"] != "1\n" || tree["/untracked"] != "mine" || tree["/.git/config"] != config {
		t.Errorf("%v", tree)
	}
	if st, err := f.checkout(src).Status(f.ctx); err != nil || !slices.Equal(st.Dirty(), []string{"untracked"}) || st.Head != next {
		t.Error(st, err)
	}
	if _, err := os.Lstat(filepath.Join(f.dir, "ran")); err == nil {
		t.Error("a hook ran")
	}
}

func TestPushCheckoutLeavesWhatIsInTheWay(t *testing.T) {
	for _, tt := range []struct {
		name    string
		make    func(f *fixture)
		path    string // what the delivered commit writes
		problem DeliveryProblem
		paths   []string
	}{
		{"edited", func(f *fixture) { f.write("src/README.md", "edited") }, "x", CheckoutDirty, []string{"README.md"}},
		{"staged", func(f *fixture) { f.write("src/n", ""); f.git("src", "add", "n") }, "x", CheckoutDirty, []string{"n"}},
		{"untracked in the way", func(f *fixture) { f.write("src/x", "mine") }, "x", CheckoutBlocked, []string{"x"}},
		{"ignored in the way", func(f *fixture) { f.write("src/x.global", "mine") }, "x.global", CheckoutBlocked, []string{"x.global"}},
		{"ignored below", func(f *fixture) { f.write("src/d/x.global", "mine") }, "d", CheckoutBlocked, []string{"d/x.global"}},
		{"ignored file where a directory goes", func(f *fixture) { f.write("src/a.global", "mine") }, "a.global/b", CheckoutBlocked, []string{"a.global"}},
		{"commit of its own", func(f *fixture) { f.git("src", "commit", "-q", "--allow-empty", "-m", "own") }, "x", CheckoutDiverged, nil},
		{"merge under way", func(f *fixture) { f.write("src/.git/MERGE_HEAD", f.git("src", "rev-parse", "HEAD")+"\n") }, "x", CheckoutBusy, nil},
		{"rebase under way", func(f *fixture) {
			f.git("src", "checkout", "-q", "--detach")
			f.write("src/.git/rebase-merge/head-name", "refs/heads/main\n")
		}, "x", CheckoutBusy, nil},
		{"another worktree has it, edited", func(f *fixture) {
			f.git("src", "checkout", "-q", "-b", "side")
			f.git("src", "worktree", "add", "-q", "../second", "main")
			f.write("second/README.md", "edited")
		}, "x", CheckoutDirty, []string{"README.md"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := setup(t)
			f.user("src", "main")
			r := f.clone(filepath.Join(f.dir, "src")).Repo
			next := f.commit(r, mainRef, tt.path, "theirs\n")
			tt.make(f)
			before := f.tree("src")
			_, err := r.PushCheckout(f.ctx, f.checkout("src"), next, mainRef, nil, nil)
			var de *DeliveryError
			if !errors.Is(err, ErrNotDelivered) || !errors.As(err, &de) || de.Problem != tt.problem || !slices.Equal(de.Paths, tt.paths) {
				t.Fatalf("%v", err)
			}
			if tt.name == "untracked in the way" && !strings.HasSuffix(err.Error(), "x is in the way, and not committed there") {
				t.Error(err)
			}
			if diff := cmp.Diff(before, f.tree("src")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPushCheckoutOtherShapes(t *testing.T) {
	t.Run("not checked out", func(t *testing.T) {
		f := setup(t)
		f.user("src", "main")
		r := f.clone(filepath.Join(f.dir, "src")).Repo
		next := f.commit(r, mainRef, "x", "x")
		f.git("src", "checkout", "-q", "-b", "side")
		f.write("src/README.md", "edited")
		d, err := r.PushCheckout(f.ctx, f.checkout("src"), next, mainRef, nil, nil)
		if err != nil || d.Moved != "" || f.git("src", "rev-parse", "main") != next || f.tree("src")["/README.md"] != "edited" {
			t.Error(d, err)
		}
	})
	t.Run("unborn", func(t *testing.T) {
		f := setup(t)
		f.ok(os.Mkdir(filepath.Join(f.dir, "src"), 0o755))
		f.write("src/notes", "mine")
		c := f.clone(filepath.Join(f.dir, "src"))
		_, err := c.Repo.InitRoot(f.ctx, c.Branch, FallbackIdent(), "root")
		f.ok(err)
		next := f.commit(c.Repo, c.Branch, "x", "x")
		co, err := f.g.InitCheckout(f.ctx, filepath.Join(f.dir, "src"), "main")
		f.ok(err)
		if d, err := c.Repo.PushCheckout(f.ctx, co, next, c.Branch, nil, nil); err != nil || d.Moved == "" {
			t.Error(d, err)
		}
		if tree := f.tree("src"); tree["/x"] != "x" || tree["/notes"] != "mine" {
			t.Error(tree)
		}
	})
	t.Run("bare", func(t *testing.T) {
		f := setup(t)
		f.user("one", "main")
		f.git("", "clone", "-q", "--bare", "one", "src.git")
		r := f.clone(filepath.Join(f.dir, "src.git")).Repo
		next := f.commit(r, mainRef, "x", "x")
		if d, err := r.PushCheckout(f.ctx, f.checkout("src.git"), next, mainRef, nil, nil); err != nil || d.New != next || d.Moved != "" {
			t.Error(d, err)
		}
	})
	t.Run("file and directory change places", func(t *testing.T) {
		f := setup(t)
		f.user("src", "main")
		f.write("src/d/a", "a")
		f.git("src", "add", ".")
		f.git("src", "commit", "-qm", "d")
		r := f.clone(filepath.Join(f.dir, "src")).Repo
		next := f.commit(r, mainRef, "d", "now a file") // index-info replaces d/a
		if _, err := r.PushCheckout(f.ctx, f.checkout("src"), next, mainRef, nil, nil); err != nil {
			t.Error(err)
		}
		back := f.commit(r, mainRef, "d/a", "again a directory")
		if _, err := r.PushCheckout(f.ctx, f.checkout("src"), back, mainRef, nil, nil); err != nil {
			t.Error(err)
		}
		if f.tree("src")["/d/a"] != "again a directory" {
			t.Error(f.tree("src"))
		}
	})
}

func TestPushFetchLsRemote(t *testing.T) {
	f := setup(t)
	f.user("one", "main")
	f.git("", "clone", "-q", "--bare", "--", "one", "-origin.git")
	origin := filepath.Join(f.dir, "-origin.git")
	c := f.clone(origin)
	next := f.commit(c.Repo, mainRef, "x", "x")
	f.ok(c.Repo.Push(f.ctx, origin, next, mainRef, c.Tip))
	f.ok(c.Repo.Push(f.ctx, origin, next, mainRef, c.Tip)) // done already
	refs, err := f.g.LsRemote(f.ctx, origin, mainRef)
	if err != nil || len(refs) != 1 || refs[0].Hash != next {
		t.Error(refs, err)
	}
	// Somebody else pushed meanwhile.
	f.git("one", "remote", "add", "o", origin)
	f.git("one", "pull", "-q", "o", "main")
	f.git("one", "commit", "-q", "--allow-empty", "-m", "other")
	f.git("one", "push", "-q", "o", "main")
	mine := f.commit(c.Repo, mainRef, "y", "y")
	if err := c.Repo.Push(f.ctx, origin, mine, mainRef, next); !errors.Is(err, ErrRejected) {
		t.Error(err)
	}
	if err := c.Repo.Push(f.ctx, origin, mine, "refs/heads/gt-pr", ""); err != nil {
		t.Error(err)
	}
	// Over what is ours, and over nothing else.
	other := f.commit(c.Repo, mainRef, "z", "z")
	if err := c.Repo.PushOver(f.ctx, origin, other, "refs/heads/gt-pr", c.Tip); !errors.Is(err, ErrRejected) {
		t.Error(err)
	}
	f.ok(c.Repo.PushOver(f.ctx, origin, c.Tip, "refs/heads/gt-pr", mine))
	f.ok(c.Repo.PushOver(f.ctx, origin, c.Tip, "refs/heads/gt-pr", mine)) // done already
	f.ok(c.Repo.Fetch(f.ctx, origin, "+refs/heads/*:refs/remotes/origin/*"))
	theirs, err := c.Repo.ResolveCommit(f.ctx, "refs/remotes/origin/main")
	f.ok(err)
	if theirs != f.git("one", "rev-parse", "HEAD") {
		t.Error(theirs)
	}
	// Never back.
	if err := c.Repo.Push(f.ctx, origin, c.Tip, mainRef, theirs); !errors.Is(err, ErrRejected) {
		t.Error(err)
	}
	for _, bad := range []string{"", "ext::sh -c touch% x", "--upload-pack=x://y"} {
		if _, err := f.g.LsRemote(f.ctx, bad); err == nil {
			t.Error(bad)
		}
	}
	if _, err := os.Lstat(filepath.Join(c.Repo.Dir(), "FETCH_HEAD")); err == nil {
		t.Error("FETCH_HEAD was written")
	}
	if url, err := f.checkout("one").PushURL(f.ctx, "o"); url != origin || err != nil {
		t.Error(url, err)
	}
	if url, err := f.checkout("one").PushURL(f.ctx, "none"); url != "" || err != nil {
		t.Error(url, err)
	}
}
