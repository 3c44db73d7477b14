package git

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestHardenFindsEveryNewObject holds what is brought to the disk against git's own list of what is new.
func TestHardenFindsEveryNewObject(t *testing.T) {
	f := setup(t)
	r, w, _ := f.rig()
	base, err := r.ResolveCommit(f.ctx, mainRef)
	f.ok(err)
	at := strings.TrimPrefix(w.Path(), f.dir+"/")
	commit := func(name, text string) string {
		f.write(filepath.Join(at, name), text)
		f.in(w, "add", "-A")
		f.in(w, "commit", "-q", "-m", name)
		return f.git(at, "rev-parse", "HEAD")
	}
	commit("a/b/c.txt", "1\n")
	left := commit("a/b/c.txt", "2\n")
	f.in(w, "checkout", "-q", "--detach", base)
	commit("a/x.txt", "3\n")
	f.in(w, "merge", "-q", "--no-ff", "-m", "join", left)
	f.ok(os.Remove(filepath.Join(w.Path(), "a/x.txt")))
	commit("a/x.txt/now-a-directory", "4\n")
	f.in(w, "checkout", "-q", "--orphan", "other")
	root := commit("of another root", "5\n")
	f.in(w, "checkout", "-q", "--detach", left)
	f.in(w, "merge", "-q", "--allow-unrelated-histories", "-m", "two roots", root)
	f.in(w, "update-index", "--add", "--cacheinfo", "160000,"+base+",sub")
	f.in(w, "commit", "-q", "-m", "a submodule")
	tip := f.git(at, "rev-parse", "HEAD")
	for _, hard := range [][]string{{base}, {base, left}, nil} {
		got, err := r.added(f.ctx, tip, hard)
		f.ok(err)
		want := strings.Fields(f.git("town/repo.git", append([]string{"rev-list", "--objects", "--no-object-names", tip, "--not"}, hard...)...))
		if len(want) < 3 {
			t.Fatalf("%q", want)
		}
		for _, hash := range want {
			if !slices.Contains(got, hash) {
				t.Errorf("beyond %v: %s is not found", hard, hash)
			}
		}
		if slices.Contains(got, base) && len(hard) > 0 {
			t.Errorf("beyond %v: it goes through what is hard", hard)
		}
		f.ok(r.Harden(f.ctx, tip, hard...))
	}
	f.git("town/repo.git", "repack", "-q", "-a")
	f.git("town/repo.git", "prune-packed")
	f.ok(r.Harden(f.ctx, tip))
}

// TestHardenMissesNothing: what cannot be brought to the disk is not said to be there.
func TestHardenMissesNothing(t *testing.T) {
	f := setup(t)
	r, _, _ := f.rig()
	base, err := r.ResolveCommit(f.ctx, mainRef)
	f.ok(err)
	tip := f.commit(r, mainRef, "x", "x")
	file := func(rev string) string {
		hash := f.git("town/repo.git", "rev-parse", rev)
		return filepath.Join(r.Dir(), "objects", hash[:2], hash[2:])
	}
	blob := file(tip + ":x")
	data, err := os.ReadFile(blob)
	f.ok(err)
	f.ok(r.Whole(f.ctx, tip, base))
	f.ok(os.Remove(blob))
	if err := r.Whole(f.ctx, tip, base); err == nil {
		t.Error("whole without a file")
	}
	if err := r.Harden(f.ctx, tip, base); !errors.Is(err, ErrNotExist) {
		t.Errorf("a file is missing: %v", err)
	}
	f.ok(os.WriteFile(blob, nil, 0o444))
	if err := r.Harden(f.ctx, tip, base); !errors.Is(err, ErrNotExist) {
		t.Errorf("a file is empty: %v", err)
	}
	f.ok(os.Remove(blob))
	f.ok(os.WriteFile(blob, data, 0o444))
	f.ok(r.Harden(f.ctx, tip, base))
	f.ok(os.Remove(file(tip)))
	if err := r.Harden(f.ctx, tip, base); err == nil {
		t.Error("the commit is missing")
	}
}
