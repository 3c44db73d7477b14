package worktree

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pgregory.net/rapid"

	"gastown/internal/fault"
	"gastown/internal/git"
	"gastown/internal/proc"
)

// fixture is a town's repository with a person's checkout behind it.
type fixture struct {
	rapid.TB
	ctx  context.Context
	dir  string
	root string // of worktrees
	env  []string
	repo *git.Repo
	base string
}

func setup(t rapid.TB, dir string) *fixture {
	t.Helper()
	dir, err := filepath.EvalSymlinks(dir)
	f := &fixture{TB: t, ctx: context.Background(), dir: dir, root: filepath.Join(dir, "rigs", "wt")}
	f.ok(err)
	f.ok(os.MkdirAll(f.root, 0o755))
	f.write("home/.gitconfig", "[user]\nname = Ann\nemail = ann@example.org\n[init]\ndefaultBranch = main\n[core]\nexcludesFile = ~/ignored\n[advice]\ndetachedHead = false\n")
	f.write("home/ignored", "*.global\n")
	f.env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + filepath.Join(dir, "home"), "GIT_EDITOR=true"}
	src := filepath.Join(dir, "src")
	f.ok(os.MkdirAll(src, 0o755))
	f.run(src, "git", "init", "-q")
	for name, content := range map[string]string{"a": "a\n", "b": "b\n", "c d": "c\n", "dir/e": "e\n", "dir/f": "f\n", "crlf": "x\r\ny\r\n", "run": "#!/bin/sh\n",
		".gitattributes": "crlf text eol=crlf\n", ".gitignore": "*.log\n/build/\n"} {
		f.write("src/"+name, content)
	}
	f.ok(os.Symlink("a", filepath.Join(src, "link")))
	f.ok(os.Chmod(filepath.Join(src, "run"), 0o755))
	f.run(src, "git", "add", ".")
	f.run(src, "git", "commit", "-qm", "first")
	c, err := git.New(f.env).CloneBare(f.ctx, src, filepath.Join(dir, "rigs", "repo.git"), git.CloneOptions{})
	f.ok(err)
	f.repo, f.base = c.Repo, c.Tip
	return f
}

func (f *fixture) ok(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) write(name, content string) {
	f.Helper()
	p := filepath.Join(f.dir, name)
	f.ok(os.MkdirAll(filepath.Dir(p), 0o755))
	f.ok(os.WriteFile(p, []byte(content), 0o644))
}

// run starts a program as a person or agent would; a failure is returned as text.
func (f *fixture) run(dir string, argv ...string) string {
	var out strings.Builder
	code, err := proc.Run(f.ctx, proc.Cmd{Argv: argv, Dir: dir, Env: f.env, Stdout: &out, Stderr: &out})
	f.ok(err)
	if code != 0 {
		return fmt.Sprintf("exit %d: %s", code, out.String())
	}
	return out.String()
}

func (f *fixture) spec(name string, n int) Spec {
	return Spec{Root: f.root, Path: filepath.Join(f.root, name), Branch: fmt.Sprintf("refs/heads/gt/%s/%d", name, n), Base: f.base}
}

func (f *fixture) ensure(name string, n int) *git.Worktree {
	f.Helper()
	wt, err := Ensure(f.ctx, f.repo, f.spec(name, n))
	f.ok(err)
	return wt
}

func snapshotSpec(ref string) SnapshotSpec {
	return SnapshotSpec{Ref: ref, At: time.Unix(1700000000, 0).UTC()}
}

func TestEnsure(t *testing.T) {
	f := setup(t, t.TempDir())
	wt := f.ensure("toast", 1)
	st, err := wt.Status(f.ctx, git.WithIgnored)
	f.ok(err)
	if !st.Clean() || len(st.Ignored) > 0 || st.Branch != "refs/heads/gt/toast/1" || st.Head != f.base {
		t.Fatalf("%+v", st)
	}
	if out := f.run(wt.Path(), "git", "status", "--porcelain"); out != "" {
		t.Error(out)
	}
	if out := f.run(wt.Path(), "git", "push"); !strings.Contains(out, "exit 128") {
		t.Error(out)
	}
	// Again, with work in it: nothing changes.
	f.write("rigs/wt/toast/new", "x")
	f.run(wt.Path(), "git", "commit", "-q", "--allow-empty", "-m", "work")
	f.ensure("toast", 1)
	if st, err := wt.Status(f.ctx, git.WithIgnored); err != nil || !slices.Equal(st.Untracked, []string{"new"}) || st.Head == f.base {
		t.Error(st, err)
	}
	// In the midst of a rebase, too.
	f.run(wt.Path(), "git", "checkout", "-q", "--detach")
	f.ensure("toast", 1)
	// Not for another attempt.
	s := f.spec("toast", 2)
	f.run(wt.Path(), "git", "checkout", "-q", "gt/toast/1")
	if _, err := Ensure(f.ctx, f.repo, s); !errors.Is(err, ErrOccupied) || !fault.Is(err, fault.Refused) {
		t.Error(err)
	}
	if h, _ := f.repo.Lookup(f.ctx, s.Branch); h[0] != "" {
		t.Error("a failed Ensure left its branch")
	}
}

func TestEnsureAfterACrash(t *testing.T) {
	for name, damage := range map[string]func(f *fixture, s Spec){
		"directory made": func(f *fixture, s Spec) { f.ok(os.MkdirAll(s.Path, 0o755)) },
		"branch made":    func(f *fixture, s Spec) { f.ok(f.repo.UpdateRef(f.ctx, s.Branch, f.base, git.ZeroHash, "")) },
		"directory gone": func(f *fixture, s Spec) { f.ensure("x", 1); f.ok(os.RemoveAll(s.Path)) },
		"emptied":        func(f *fixture, s Spec) { f.ensure("x", 1); f.ok(os.RemoveAll(s.Path)); f.ok(os.Mkdir(s.Path, 0o755)) },
		"only .git": func(f *fixture, s Spec) {
			f.ensure("x", 1)
			f.ok(os.RemoveAll(f.worktreeDir("x")))
			f.ok(os.RemoveAll(s.Path))
			f.write("rigs/wt/x/.git", "gitdir: "+f.worktreeDir("x")+"\n")
		},
		"files half written": func(f *fixture, s Spec) {
			f.ensure("x", 1)
			f.write(strings.TrimPrefix(f.worktreeDir("x"), f.dir)+"/locked", "gastown: checkout not finished")
			f.ok(os.Remove(filepath.Join(s.Path, "a")))
			f.ok(os.Remove(filepath.Join(f.worktreeDir("x"), "index")))
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := setup(t, t.TempDir())
			damage(f, f.spec("x", 1))
			wt := f.ensure("x", 1)
			if st, err := wt.Status(f.ctx, git.WithIgnored); err != nil || !st.Clean() || st.Head != f.base || st.Branch == "" {
				t.Error(st, err)
			}
		})
	}
}

func (f *fixture) worktreeDir(name string) string {
	return filepath.Join(f.repo.Dir(), "worktrees", name)
}

func TestEnsureRefuses(t *testing.T) {
	f := setup(t, t.TempDir())
	f.write("rigs/wt/taken/work", "precious")
	if _, err := Ensure(f.ctx, f.repo, f.spec("taken", 1)); !errors.Is(err, ErrOccupied) {
		t.Error(err)
	}
	s := f.spec("y", 1)
	s.Base = strings.Repeat("1", 40)
	if _, err := Ensure(f.ctx, f.repo, s); !errors.Is(err, git.ErrNotExist) {
		t.Error(err)
	}
	wt := f.ensure("z", 1)
	f.run(wt.Path(), "git", "commit", "-q", "--allow-empty", "-m", "x")
	head, err := wt.Head(f.ctx)
	f.ok(err)
	f.ok(f.repo.UpdateRef(f.ctx, "refs/heads/gt/q/1", f.base, git.ZeroHash, ""))
	s = f.spec("q", 1)
	s.Base = head.Commit
	if _, err := Ensure(f.ctx, f.repo, s); !errors.Is(err, ErrWrongBase) {
		t.Error(err)
	}
	f.ok(os.Symlink(f.dir, filepath.Join(f.root, "sym")))
	for _, p := range []string{filepath.Join(f.dir, "elsewhere"), f.root, filepath.Join(f.root, "../x"), filepath.Join(f.root, "sym"), filepath.Join(f.root, "sym/x"), "rel"} {
		s := f.spec("w", 1)
		s.Path = p
		if _, err := Ensure(f.ctx, f.repo, s); !errors.Is(err, ErrOutside) {
			t.Error(p, err)
		}
		if err := Remove(f.ctx, f.repo, p, RemoveOptions{Root: f.root}); !errors.Is(err, ErrOutside) {
			t.Error(p, err)
		}
	}
	if refs, err := f.repo.ForEachRef(f.ctx, "refs/heads/gt"); err != nil || len(refs) != 2 {
		t.Error(refs, err)
	}
}

func TestEnsureInParallel(t *testing.T) {
	f := setup(t, t.TempDir())
	const n, rounds = 32, 10
	for round := range rounds {
		errs := make(chan error)
		for i := range n {
			go func() {
				s := f.spec(fmt.Sprint("p", i), round)
				wt, err := Ensure(f.ctx, f.repo, s)
				if err == nil {
					var st git.Status
					if st, err = wt.Status(f.ctx, git.WithoutIgnored); err == nil && !st.Clean() {
						err = fmt.Errorf("not clean: %v", st.Dirty())
					}
				}
				if err == nil {
					err = Remove(f.ctx, f.repo, s.Path, RemoveOptions{Root: f.root})
				}
				errs <- err
			}()
		}
		for range n {
			if err := <-errs; err != nil {
				t.Error(round, err)
			}
		}
	}
	if left, err := os.ReadDir(f.root); err != nil || len(left) != 0 {
		t.Error(left, err)
	}
	if list, err := f.repo.WorktreeList(f.ctx); err != nil || len(list) != 0 {
		t.Error(list, err)
	}
}

func TestRemoveRefuses(t *testing.T) {
	f := setup(t, t.TempDir())
	wt := f.ensure("x", 1)
	remove := func(r *Rescue) error { return Remove(f.ctx, f.repo, wt.Path(), RemoveOptions{Root: f.root, Rescue: r}) }
	refused := func(what string, err error) {
		t.Helper()
		var e *NotKeptError
		if !errors.Is(err, ErrNotKept) || !errors.As(err, &e) {
			t.Errorf("%s: %v", what, err)
		}
		if _, err := os.Lstat(wt.Path()); err != nil {
			t.Fatalf("%s: it is gone", what)
		}
	}
	f.write("rigs/wt/x/new", "1")
	refused("untracked", remove(nil))
	r, err := Snapshot(f.ctx, wt, snapshotSpec("refs/gt/rescue/x/1"))
	f.ok(err)
	f.write("rigs/wt/x/new", "2")
	refused("changed after the snapshot", remove(&r))
	f.ok(os.Chmod(filepath.Join(wt.Path(), "new"), 0o755))
	f.write("rigs/wt/x/new", "1")
	refused("mode changed after the snapshot", remove(&r))
	f.ok(os.Chmod(filepath.Join(wt.Path(), "new"), 0o644))
	f.run(wt.Path(), "git", "add", "new")
	refused("staged after the snapshot", remove(&r))
	f.run(wt.Path(), "git", "rm", "-q", "--cached", "new")
	f.ok(f.repo.DeleteRef(f.ctx, r.Ref, r.Commit))
	if err := remove(&r); !errors.Is(err, git.ErrNotExist) {
		t.Error("the rescue is gone:", err)
	}
	r, err = Snapshot(f.ctx, wt, snapshotSpec("refs/gt/rescue/x/1"))
	f.ok(err)

	// A snapshot that fails leaves everything.
	index := filepath.Join(wt.GitDir(), "index")
	good, err := os.ReadFile(index)
	f.ok(err)
	f.ok(os.WriteFile(index, []byte("garbage"), 0o644))
	if _, err := Snapshot(f.ctx, wt, snapshotSpec("refs/gt/rescue/x/2")); err == nil {
		t.Error("snapshot of a broken worktree")
	}
	if err := remove(&r); err == nil {
		t.Fatal("removed a broken worktree")
	}
	f.ok(os.WriteFile(index, good, 0o644))

	f.run(wt.Path(), "git", "checkout", "-q", "--detach")
	f.ok(os.Remove(filepath.Join(wt.Path(), "new")))
	f.run(wt.Path(), "git", "commit", "-q", "--allow-empty", "-m", "on no branch")
	refused("commit on no ref", remove(nil))
	head, err := wt.Head(f.ctx)
	f.ok(err)
	f.ok(f.repo.UpdateRef(f.ctx, "refs/gt/keep/x/1", head.Commit, git.ZeroHash, ""))
	f.ok(remove(nil))
	f.ok(remove(nil)) // again
	if _, err := os.Lstat(wt.Path()); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func TestRemoveWithoutItsDirectory(t *testing.T) {
	f := setup(t, t.TempDir())
	wt := f.ensure("x", 1)
	f.run(wt.Path(), "git", "checkout", "-q", "--detach")
	f.run(wt.Path(), "git", "commit", "-q", "--allow-empty", "-m", "on no branch")
	f.ok(os.RemoveAll(wt.Path()))
	if err := Remove(f.ctx, f.repo, wt.Path(), RemoveOptions{Root: f.root}); !errors.Is(err, ErrNotKept) {
		t.Error(err)
	}
	wt = f.ensure("y", 1)
	f.ok(os.RemoveAll(wt.Path()))
	f.ok(Remove(f.ctx, f.repo, wt.Path(), RemoveOptions{Root: f.root}))
}

func TestSnapshotOfNothing(t *testing.T) {
	f := setup(t, t.TempDir())
	wt := f.ensure("x", 1)
	r, err := Snapshot(f.ctx, wt, snapshotSpec("refs/gt/rescue/x/1"))
	f.ok(err)
	if !r.Clean || r.Commit != f.base || r.Head != f.base {
		t.Errorf("%+v", r)
	}
	if r, err := Restore(f.ctx, wt, r.Ref); err != nil || !r.Clean {
		t.Error(r, err)
	}
	f.ok(Remove(f.ctx, f.repo, wt.Path(), RemoveOptions{Root: f.root, Rescue: &r}))
}

// TestSnapshotKeepsWhatIsLeft: a commit that lost a file keeps nobody from keeping the rest.
func TestSnapshotKeepsWhatIsLeft(t *testing.T) {
	f := setup(t, t.TempDir())
	wt := f.ensure("x", 1)
	f.write("rigs/wt/x/new", "to be lost\n")
	f.run(wt.Path(), "git", "add", "new")
	f.run(wt.Path(), "git", "commit", "-qm", "new")
	hash := strings.TrimSpace(f.run(wt.Path(), "git", "rev-parse", "HEAD:new"))
	f.ok(os.Remove(filepath.Join(f.repo.Dir(), "objects", hash[:2], hash[2:])))
	f.write("rigs/wt/x/a", "A\n")
	r, err := Snapshot(f.ctx, wt, snapshotSpec("refs/gt/rescue/x/1"))
	if err != nil || r.Clean || !slices.Equal(r.Files, []string{"a"}) {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestRescuesAndShow(t *testing.T) {
	f := setup(t, t.TempDir())
	wt := f.ensure("x", 1)
	f.write("rigs/wt/x/a", "A\n")
	f.write("rigs/wt/x/new\nline", "1\n2\n")
	f.write("rigs/wt/x/x.log", "lost")
	f.write("rigs/wt/x/build/deep/o", "lost")
	f.write("rigs/wt/x/y.global", "lost")
	first, err := Snapshot(f.ctx, wt, snapshotSpec("refs/gt/rescue/ma-1.2/7"))
	f.ok(err)
	want := Rescue{Ref: "refs/gt/rescue/ma-1.2/7", Bead: "ma-1.2", N: 7, Commit: first.Commit, Head: f.base, Branch: "refs/heads/gt/x/1",
		When: time.Unix(1700000000, 0).UTC(), Stat: git.Stat{Files: 2, Added: 3, Removed: 1}, Files: []string{"a", "new\nline"}, Lost: []string{"build/", "x.log", "y.global"}}
	if diff := cmp.Diff(want, first); diff != "" {
		t.Error(diff)
	}
	loaded, err := Load(f.ctx, f.repo, first.Ref)
	f.ok(err)
	loaded.When = loaded.When.UTC()
	if diff := cmp.Diff(want, loaded); diff != "" {
		t.Error(diff)
	}
	list, err := Rescues(f.ctx, f.repo)
	f.ok(err)
	if len(list) != 1 || list[0].Stat != want.Stat || list[0].Head != f.base || list[0].Bead != "ma-1.2" {
		t.Errorf("%+v", list)
	}
	for _, base := range []string{"", f.base} {
		text, cut, err := Show(f.ctx, f.repo, first.Ref, base, 0)
		if err != nil || cut || !strings.Contains(text, "+A\n") || !strings.Contains(text, "+2\n") || strings.Contains(text, "lost") {
			t.Error(text, cut, err)
		}
	}
	// What a ref kept stays reachable when it is taken again, even from less.
	f.ok(os.Remove(filepath.Join(wt.Path(), "new\nline")))
	f.run(wt.Path(), "git", "checkout", "-q", "a")
	second, err := Snapshot(f.ctx, wt, snapshotSpec(first.Ref))
	f.ok(err)
	if ok, err := f.repo.IsAncestor(f.ctx, first.Commit, second.Commit); !ok || err != nil {
		t.Error(ok, err)
	}
	if _, err := Load(f.ctx, f.repo, second.Ref); err != nil {
		t.Error(err)
	}
	if _, err := Load(f.ctx, f.repo, "refs/gt/rescue/none/1"); !errors.Is(err, git.ErrNotExist) || !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
	if err := Drop(f.ctx, f.repo, "refs/heads/main", f.base); err == nil {
		t.Error("dropped main")
	}
	f.ok(Drop(f.ctx, f.repo, second.Ref, second.Commit))
}

// A rescue is shown with the commits it stands on, also where all of it was committed.
func TestShowHasTheCommitsToo(t *testing.T) {
	f := setup(t, t.TempDir())
	wt := f.ensure("x", 1)
	f.write("rigs/wt/x/done", "committed\n")
	f.run(wt.Path(), "git", "add", ".")
	f.run(wt.Path(), "git", "commit", "-q", "-m", "half")
	clean, err := Snapshot(f.ctx, wt, snapshotSpec("refs/gt/rescue/ma-1/1"))
	f.ok(err)
	f.write("rigs/wt/x/rest", "not committed\n")
	both, err := Snapshot(f.ctx, wt, snapshotSpec("refs/gt/rescue/ma-1/2"))
	f.ok(err)
	for _, c := range []struct {
		ref, base string
		want      []string
	}{
		{clean.Ref, f.base, []string{"+committed"}},
		{clean.Ref, "", nil},
		{both.Ref, f.base, []string{"+committed", "+not committed"}},
		{both.Ref, "", []string{"+not committed"}},
	} {
		text, _, err := Show(f.ctx, f.repo, c.ref, c.base, 0)
		f.ok(err)
		var got []string
		for line := range strings.Lines(text) {
			if strings.HasPrefix(line, "+") && !strings.HasPrefix(line, "+++") {
				got = append(got, strings.TrimSpace(line))
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s from %q: %q, want %q", c.ref, c.base, got, c.want)
		}
	}
}

func TestRestoreRefuses(t *testing.T) {
	f := setup(t, t.TempDir())
	wt := f.ensure("x", 1)
	f.write("rigs/wt/x/a", "A\n")
	f.write("rigs/wt/x/new", "1\n")
	r, err := Snapshot(f.ctx, wt, snapshotSpec("refs/gt/rescue/x/1"))
	f.ok(err)
	_, err = Restore(f.ctx, wt, r.Ref) // all of it is there already
	f.ok(err)
	for name, spoil := range map[string]func(wt *git.Worktree){
		"other change":     func(wt *git.Worktree) { f.write("rigs/wt/"+filepath.Base(wt.Path())+"/b", "x") },
		"same file":        func(wt *git.Worktree) { f.write("rigs/wt/"+filepath.Base(wt.Path())+"/a", "mine") },
		"same new file":    func(wt *git.Worktree) { f.write("rigs/wt/"+filepath.Base(wt.Path())+"/new", "mine") },
		"other new file":   func(wt *git.Worktree) { f.write("rigs/wt/"+filepath.Base(wt.Path())+"/n2", "mine") },
		"other staged one": func(wt *git.Worktree) { f.run(wt.Path(), "git", "rm", "-q", "--cached", "b") },
	} {
		t.Run(name, func(t *testing.T) {
			wt := f.ensure(strings.ReplaceAll(name, " ", ""), 1)
			spoil(wt)
			before := files(t, wt.Path())
			if _, err := Restore(f.ctx, wt, r.Ref); !errors.Is(err, ErrInTheWay) {
				t.Error(err)
			}
			if diff := cmp.Diff(before, files(t, wt.Path())); diff != "" {
				t.Error(diff)
			}
		})
	}
	other := f.ensure("y", 1)
	f.run(other.Path(), "git", "commit", "-q", "--allow-empty", "-m", "x")
	if _, err := Restore(f.ctx, other, r.Ref); !errors.Is(err, ErrNotOnHead) {
		t.Error(err)
	}
}

// files is every file of a worktree: mode and content.
func files(t rapid.TB, dir string) map[string]string {
	t.Helper()
	m := map[string]string{}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, p)
		if d.IsDir() || rel == ".git" {
			return nil
		}
		if d.Type()&fs.ModeSymlink != 0 {
			target, err := os.Readlink(p)
			m[rel] = "-> " + target
			return err
		}
		st, err := d.Info()
		if err != nil {
			return err
		}
		data, err := os.ReadFile(p)
		m[rel] = fmt.Sprintf("%v %s", st.Mode().Perm()&0o100 != 0, data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestPrepare(t *testing.T) {
	f := setup(t, t.TempDir())
	src := filepath.Join(f.dir, "src")
	f.write("src/.env", "SECRET=1\n")
	f.write("src/x.log", "already ignored")
	f.write("src/node_modules/m/i.js", "js")
	f.write("src/conf/one.local", "1")
	f.write("outside", "not yours")
	f.ok(os.Symlink("../outside", filepath.Join(src, "conf/two.local")))
	wt := f.ensure("x", 1)
	spec := PrepareSpec{Source: src, Copy: []string{".env", "a", "x.log", "conf/one*", "absent"}, Link: []string{"node_modules/"}}
	for range 2 {
		p, err := Prepare(f.ctx, wt, spec)
		f.ok(err)
		if !slices.Equal(p.Linked, []string{"node_modules"}) || !slices.Equal(p.Missing, []string{"absent"}) || !slices.Contains(p.Kept, "a") {
			t.Errorf("%+v", p)
		}
		if st, err := wt.Status(f.ctx, git.WithoutIgnored); err != nil || !st.Clean() {
			t.Error(st.Dirty(), err)
		}
	}
	got := files(t, wt.Path())
	if got[".env"] != "false SECRET=1\n" || got["a"] != "false a\n" || got["conf/one.local"] != "false 1" || got["node_modules"] != "-> "+filepath.Join(src, "node_modules") {
		t.Errorf("%v", got)
	}
	exclude, err := os.ReadFile(filepath.Join(f.repo.Dir(), "info/exclude"))
	f.ok(err)
	if string(exclude) != "/.env\n/conf/one.local\n/node_modules\n" {
		t.Errorf("%q", exclude)
	}
	for _, bad := range []PrepareSpec{{Copy: []string{"conf/*"}}, {Copy: []string{"../outside"}}, {Link: []string{"/etc"}}, {Copy: []string{".git/config"}}, {Copy: []string{"[x"}}, {Link: []string{"."}}} {
		bad.Source = src
		if _, err := Prepare(f.ctx, wt, bad); err == nil {
			t.Errorf("%+v", bad)
		}
	}
	if _, ok := files(t, wt.Path())["conf/two.local"]; ok {
		t.Error("a link out of the checkout was followed")
	}
	if data, err := os.ReadFile(filepath.Join(f.dir, "src/node_modules/m/i.js")); string(data) != "js" || err != nil {
		t.Error(err)
	}
	// Removing the worktree leaves what it links to.
	r, err := Snapshot(f.ctx, wt, snapshotSpec("refs/gt/rescue/x/1"))
	f.ok(err)
	f.ok(Remove(f.ctx, f.repo, wt.Path(), RemoveOptions{Root: f.root, Rescue: &r}))
	if _, err := os.Lstat(filepath.Join(src, "node_modules/m/i.js")); err != nil {
		t.Error(err)
	}
}
