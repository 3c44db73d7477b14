package git

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gastown/internal/fault"
)

// rig is a cloned checkout and one worktree of it.
func (f *fixture) rig() (*Repo, *Worktree, string) {
	f.Helper()
	f.user("src", "main")
	c := f.clone(filepath.Join(f.dir, "src"))
	w, err := c.Repo.WorktreeAdd(f.ctx, filepath.Join(f.dir, "wt", "toast"), "refs/heads/gt/ma-1/1", c.Tip)
	f.ok(err)
	return c.Repo, w, c.Tip
}

// in runs git in a worktree as an agent would.
func (f *fixture) in(w *Worktree, args ...string) {
	f.Helper()
	_, _, err := f.g.run(f.ctx, call{dir: w.Path(), env: f.g.open, args: args, okCode: 1})
	f.ok(err)
}

func TestStatus(t *testing.T) {
	f := setup(t)
	_, w, tip := f.rig()
	for name, text := range map[string]string{"staged": "1", "both": "1", "new\nline \"ü": "", ".gitignore": "*.log\nout/\n", "x.log": "", "y.global": "", "out/deep/z": "", "intent": ""} {
		f.write(filepath.Join("wt/toast", name), text)
	}
	f.in(w, "add", "staged", "both", ".gitignore")
	f.write("wt/toast/both", "2")
	f.in(w, "add", "-N", "intent")
	f.ok(os.Remove(filepath.Join(w.Path(), "README.md")))
	st, err := w.Status(f.ctx, WithIgnored)
	f.ok(err)
	check := func(what string, got, want []string) {
		t.Helper()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
	check("staged", st.Staged(), []string{".gitignore", "both", "staged"})
	check("changed", st.Changed(), []string{"README.md", "both", "intent"})
	check("untracked", st.Untracked, []string{"new\nline \"ü"})
	check("ignored", st.Ignored, []string{"out/", "x.log", "y.global"})
	if st.Head != tip || st.Branch != "refs/heads/gt/ma-1/1" || st.Clean() {
		t.Errorf("%+v", st)
	}
	i := slices.IndexFunc(st.Entries, func(e Entry) bool { return e.Path == "intent" })
	if !st.Entries[i].IntentToAdd() {
		t.Errorf("%+v", st.Entries[i])
	}
	if s, err := w.DiffStat(f.ctx, tip); err != nil || s.Files != 5 {
		t.Error(s, err)
	}
	if text, _, err := w.Diff(f.ctx, tip, DiffOptions{Paths: []string{"both"}}); err != nil || !strings.Contains(text, "+2") || strings.Contains(text, "README") {
		t.Error(text, err)
	}
}

func TestWorktreeAddTakesNothingTwice(t *testing.T) {
	f := setup(t)
	r, w, tip := f.rig()
	if _, err := r.WorktreeAdd(f.ctx, w.Path(), "refs/heads/gt/ma-2/1", tip); !fault.Is(err, fault.Refused) {
		t.Error(err)
	}
	if h, _ := r.Lookup(f.ctx, "refs/heads/gt/ma-2/1"); h[0] != "" {
		t.Error("the branch of a failed add is left")
	}
	if _, err := r.WorktreeAdd(f.ctx, filepath.Join(f.dir, "wt/b"), "refs/heads/gt/ma-1/1", ""); err == nil {
		t.Error("one branch in two worktrees")
	}
	if _, err := os.Lstat(filepath.Join(f.dir, "wt/b")); err == nil {
		t.Error("the directory of a failed add is left")
	}
	if _, err := r.WorktreeAdd(f.ctx, filepath.Join(f.dir, "wt/b"), "refs/heads/gt/ma-3/1", "refs/none"); !errors.Is(err, ErrNotExist) {
		t.Error(err)
	}
	list, err := r.WorktreeList(f.ctx)
	f.ok(err)
	want := []WorktreeInfo{{Path: w.Path(), Head: tip, Branch: "refs/heads/gt/ma-1/1"}}
	if diff := cmp.Diff(want, list); diff != "" {
		t.Error(diff)
	}
	data, err := os.ReadFile(filepath.Join(r.Dir(), "config"))
	f.ok(err)
	if strings.Contains(string(data), "branch \"gt") {
		t.Errorf("upstream configured:\n%s", data)
	}
}

func TestWorktreeRemove(t *testing.T) {
	f := setup(t)
	r, w, tip := f.rig()
	f.write("wt/toast/cache/mod/x", "")
	f.ok(os.Chmod(filepath.Join(w.Path(), "cache/mod"), 0o555))
	if err := r.WorktreeRemove(f.ctx, w.Path(), RemoveClean); err == nil {
		t.Fatal("removed with untracked files")
	}
	f.ok(r.WorktreeRemove(f.ctx, w.Path(), RemoveForced))
	f.ok(r.WorktreeRemove(f.ctx, w.Path(), RemoveForced)) // again
	if list, err := r.WorktreeList(f.ctx); err != nil || len(list) != 0 {
		t.Error(list, err)
	}
	left, err := os.ReadDir(filepath.Join(f.dir, "wt"))
	if err != nil || len(left) != 0 {
		t.Error(left, err)
	}
	// The directory went by itself.
	w, err = r.WorktreeAddDetached(f.ctx, filepath.Join(f.dir, "wt", "gone"), tip)
	f.ok(err)
	f.ok(os.RemoveAll(filepath.Join(f.dir, "wt")))
	f.ok(r.WorktreeRemove(f.ctx, w.Path(), RemoveForced))
	if _, err := r.OpenWorktree(w.Path()); !errors.Is(err, ErrNoWorktree) {
		t.Error(err)
	}
	// What is not ours stays.
	f.write("other/file", "x")
	if err := r.WorktreeRemove(f.ctx, filepath.Join(f.dir, "other"), RemoveForced); !errors.Is(err, ErrNoWorktree) {
		t.Error(err)
	}
	if err := r.WorktreeRemove(f.ctx, r.Dir(), RemoveForced); err == nil {
		t.Error("removed the repository")
	}
	if err := r.WorktreeRemove(f.ctx, f.dir, RemoveForced); err == nil {
		t.Error("removed everything")
	}
}

func TestADeletedDirectoryComesBackFromItsIndex(t *testing.T) {
	f := setup(t)
	_, w, _ := f.rig()
	head, err := w.Head(f.ctx)
	f.ok(err)
	f.write("wt/toast/staged", "kept")
	if _, err := w.Run(f.ctx, nil, "", "add", "staged"); err != nil {
		t.Fatal(err)
	}
	f.write("wt/toast/loose", "gone")
	if made, err := w.RestoreMissing(f.ctx); made || err != nil {
		t.Errorf("a directory that is there: %v, %v", made, err)
	}
	f.ok(os.RemoveAll(w.Path()))
	f.write("wt/.restoring-toast/half", "of a call that was killed")
	if made, err := w.RestoreMissing(f.ctx); !made || err != nil {
		t.Fatalf("restored %v, %v", made, err)
	}
	if data, err := os.ReadFile(filepath.Join(w.Path(), "staged")); string(data) != "kept" {
		t.Errorf("the staged file: %q, %v", data, err)
	}
	st, err := w.Status(f.ctx, WithoutIgnored)
	f.ok(err)
	if st.Head != head.Commit || len(st.Untracked)+len(st.Changed()) != 0 || len(st.Staged()) != 1 {
		t.Errorf("status: %+v; want the staged file alone at %s", st, head.Commit)
	}
	if entries, err := os.ReadDir(filepath.Join(f.dir, "wt")); err != nil || len(entries) != 1 {
		t.Errorf("beside it: %v, %v", entries, err)
	}
}

func TestCheckoutDetached(t *testing.T) {
	f := setup(t)
	r, w, _ := f.rig()
	next := f.commit(r, mainRef, "sub/x", "x")
	f.write("wt/toast/README.md", "dirt")
	f.write("wt/toast/y.global", "cache")
	f.write("wt/toast/z", "")
	checkout := func(commit string, clean CleanMode, ignored int) {
		t.Helper()
		told, err := w.CheckoutDetached(f.ctx, commit, clean)
		f.ok(err)
		st, err := w.Status(f.ctx, WithIgnored)
		f.ok(err)
		if !st.Clean() || st.Head != commit || st.Branch != "" || len(st.Ignored) != ignored {
			t.Errorf("%+v", st)
		}
		if told.Head != st.Head || told.Branch != "" || !told.Clean() {
			t.Errorf("told %+v", told)
		}
	}
	checkout(next, KeepIgnored, 1)
	checkout(next, CleanAll, 0)
	// Each of these is in the way of moving only what differs.
	third := f.commit(r, mainRef, "sub/x", "y")
	for name, dirt := range map[string]func(){
		"nothing":                   func() {},
		"a changed file that moves": func() { f.write("wt/toast/sub/x", "dirt") },
		"a changed file that stays": func() { f.write("wt/toast/README.md", "dirt") },
		"a missing file":            func() { f.ok(os.Remove(filepath.Join(w.Path(), "README.md"))) },
		"a file for a directory":    func() { f.ok(os.RemoveAll(filepath.Join(w.Path(), "sub"))); f.write("wt/toast/sub", "") },
		"something staged":          func() { f.write("wt/toast/new", ""); f.in(w, "add", "new") },
		"an untracked file":         func() { f.write("wt/toast/sub/z", "") },
		"an empty directory":        func() { f.ok(os.MkdirAll(filepath.Join(w.Path(), "empty/deep"), 0o755)) },
		"no index":                  func() { f.ok(os.Remove(filepath.Join(w.GitDir(), "index"))) },
		"a branch":                  func() { f.in(w, "checkout", "-q", "-B", "other", "HEAD~1") },
		"a HEAD that moved alone":   func() { f.in(w, "update-ref", "--no-deref", "HEAD", "HEAD~1") },
	} {
		t.Run(name, func(*testing.T) {
			for _, to := range []string{third, next, third} {
				dirt()
				checkout(to, KeepIgnored, 0)
				if _, err := os.Lstat(filepath.Join(w.Path(), "empty")); err == nil {
					t.Error("an empty directory is left")
				}
			}
			if data, err := os.ReadFile(filepath.Join(w.Path(), "sub/x")); err != nil || string(data) != "y" {
				t.Errorf("sub/x: %q, %v", data, err)
			}
		})
	}
	if h, err := r.ResolveCommit(f.ctx, "refs/heads/gt/ma-1/1"); err != nil || h == next {
		t.Error("the branch moved with HEAD", err)
	}
}

// TestAgentsConfigRunsNothing: what an agent writes into the repository's shared
// configuration does not run in our own calls.
func TestAgentsConfigRunsNothing(t *testing.T) {
	f := setup(t)
	r, w, tip := f.rig()
	trap := "touch " + filepath.Join(f.dir, "ran") + "; cat"
	f.write("wt/toast/.gitattributes", "* filter=evil diff=evil merge=evil\n")
	f.write("wt/toast/x", "x\n")
	f.in(w, "add", ".")
	f.in(w, "commit", "-qm", "attributes")
	f.write("extra", "[core]\nfsmonitor = "+trap+"\n[diff]\nexternal = "+trap+"\n")
	for k, v := range map[string]string{"core.fsmonitor": trap, "filter.evil.clean": trap, "filter.evil.smudge": trap, "diff.evil.textconv": trap,
		"merge.evil.driver": trap, "core.hooksPath": f.dir, "core.sshCommand": trap, "url.ext::x.insteadOf": f.dir, "include.path": filepath.Join(f.dir, "extra"),
		"alias.status": "!" + trap, "gpg.program": trap, "core.pager": trap, "user.name": "Agent"} {
		f.in(w, "config", k, v)
	}
	f.in(w, "config", "extensions.worktreeConfig", "true")
	f.in(w, "config", "--worktree", "filter.evil.clean", trap)
	f.write("reference-transaction", "#!/bin/sh\n"+trap+"\n")
	f.ok(os.Chmod(filepath.Join(f.dir, "reference-transaction"), 0o755))
	_ = os.Remove(filepath.Join(f.dir, "ran"))

	f.write("wt/toast/x", "y\n")
	if st, err := w.Status(f.ctx, WithIgnored); err != nil || len(st.Changed()) != 1 {
		t.Error(st, err)
	}
	_, err := w.DiffStat(f.ctx, tip)
	f.ok(err)
	head, err := w.Head(f.ctx)
	f.ok(err)
	_, err = r.MergeTree(f.ctx, head.Commit, tip)
	f.ok(err)
	_, err = r.WorktreeAddDetached(f.ctx, filepath.Join(f.dir, "wt/two"), head.Commit)
	f.ok(err)
	f.ok(r.UpdateRef(f.ctx, mainRef, head.Commit, tip, ""))
	f.ok(r.Fetch(f.ctx, filepath.Join(f.dir, "src"), "+refs/heads/*:refs/remotes/origin/*"))
	if _, err := os.Lstat(filepath.Join(f.dir, "ran")); err == nil {
		t.Error("something ran")
	}
	data, err := os.ReadFile(filepath.Join(r.Dir(), "config"))
	f.ok(err)
	if strings.Contains(string(data), "evil") || !strings.Contains(string(data), "Agent") {
		t.Errorf("%s", data)
	}
}

func TestWorktreePointingElsewhere(t *testing.T) {
	f := setup(t)
	_, w, _ := f.rig()
	before := f.tree("src")
	// The agent turns its .git file, then the registration, towards the person's checkout.
	f.ok(os.WriteFile(filepath.Join(w.Path(), ".git"), []byte("gitdir: "+filepath.Join(f.dir, "src/.git")+"\n"), 0o644))
	_, err := w.CheckoutDetached(f.ctx, "HEAD", KeepIgnored)
	f.ok(err)
	f.ok(os.WriteFile(filepath.Join(w.GitDir(), "commondir"), []byte(filepath.Join(f.dir, "src/.git")), 0o644))
	if _, err := w.CheckoutDetached(f.ctx, "HEAD", CleanAll); !errors.Is(err, ErrNotOurs) {
		t.Error(err)
	}
	if diff := cmp.Diff(before, f.tree("src")); diff != "" {
		t.Error(diff)
	}
}

func TestReadOnlyVerbs(t *testing.T) {
	f := setup(t)
	f.user("src", "main")
	for _, args := range [][]string{{"checkout", "-q", "main"}, {"reset", "--hard"}, {"stash"}, {"clean", "-fd"}, {"merge", "x"}, {"commit"}, {"worktree", "add", "x"},
		{"symbolic-ref", "HEAD", "refs/heads/x"}, {"config", "a.b", "c"}, {"config", "-z", "a.b"}, {"update-ref", "x"}, {"remote", "add", "x"}, {"branch", "x"}, {"gc"}, {}} {
		if readOnly(args) {
			t.Errorf("%v is allowed in a person's checkout", args)
		}
		if len(args) > 0 {
			if _, err := f.g.readIn(f.ctx, filepath.Join(f.dir, "src"), 0, args...); !errors.Is(err, ErrForbidden) {
				t.Error(args, err)
			}
		}
	}
}

func TestExclude(t *testing.T) {
	f := setup(t)
	r, w, _ := f.rig()
	for range 2 {
		f.ok(r.Exclude("a b*", "dir/x[1]"))
	}
	f.write("wt/toast/a b*", "")
	f.write("wt/toast/dir/x[1]", "")
	f.write("wt/toast/a bc", "")
	st, err := w.Status(f.ctx, WithoutIgnored)
	f.ok(err)
	if !slices.Equal(st.Untracked, []string{"a bc"}) {
		t.Error(st.Untracked)
	}
	ignored, err := w.Ignored(f.ctx, []string{"a b*", "a bc", "q.global"})
	if err != nil || !slices.Equal(ignored, []string{"a b*", "q.global"}) {
		t.Error(ignored, err)
	}
	data, _ := os.ReadFile(filepath.Join(r.Dir(), "info/exclude"))
	if strings.Count(string(data), "\n") != 2 {
		t.Errorf("%q", data)
	}
}

func TestUnfinishedCheckoutIsSeen(t *testing.T) {
	f := setup(t)
	r, _, tip := f.rig()
	path := filepath.Join(f.dir, "wt", "half")
	_, err := r.output(f.ctx, "worktree", "add", "-q", "--no-checkout", "--lock", "--reason", unfinished, "--detach", "--", path, tip)
	f.ok(err)
	list, err := r.WorktreeList(f.ctx)
	f.ok(err)
	i := slices.IndexFunc(list, func(i WorktreeInfo) bool { return i.Path == path })
	if i < 0 || !list[i].Unfinished() {
		t.Fatalf("%+v", list)
	}
	f.ok(r.Prune(f.ctx))
	w, err := r.OpenWorktree(path)
	f.ok(err)
	f.ok(w.FinishCheckout(f.ctx))
	if list, err := r.WorktreeList(f.ctx); err != nil || list[i].Unfinished() {
		t.Error(list, err)
	}
	if st, err := w.Status(f.ctx, WithoutIgnored); err != nil || !st.Clean() {
		t.Error(st, err)
	}
}

func TestParallelAddAndCommit(t *testing.T) {
	f := setup(t)
	r, _, tip := f.rig()
	errs := make(chan error)
	const n = 16
	for i := range n {
		go func() {
			w, err := r.WorktreeAdd(f.ctx, filepath.Join(f.dir, "wt", fmt.Sprint("p", i)), fmt.Sprintf("refs/heads/gt/p/%d", i), tip)
			if err == nil {
				_, err = w.Status(f.ctx, WithoutIgnored)
			}
			if err == nil && i%2 == 0 {
				err = r.WorktreeRemove(f.ctx, w.Path(), RemoveForced)
			}
			errs <- err
		}()
	}
	for range n {
		f.ok(<-errs)
	}
	if list, err := r.WorktreeList(f.ctx); err != nil || len(list) != n/2+1 {
		t.Error(len(list), err)
	}
}
