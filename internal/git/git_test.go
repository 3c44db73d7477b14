package git

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gastown/internal/fault"
)

// fixture is a directory with a Runner whose person has a home of their own.
type fixture struct {
	*testing.T
	g   *Runner
	dir string
	ctx context.Context
}

func setup(t *testing.T) *fixture {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	home := filepath.Join(dir, "home")
	f := &fixture{T: t, dir: dir, ctx: t.Context()}
	f.write("home/.gitconfig", "[user]\nname = Ann Ö\nemail = ann@example.org\n[init]\ndefaultBranch = main\n[core]\nexcludesFile = ~/ignored\n[protocol \"file\"]\nallow = always\n")
	f.write("home/ignored", "*.global\n")
	f.g = New([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "GIT_DIR=/nonexistent", "GIT_INDEX_FILE=/nonexistent"})
	return f
}

func (f *fixture) write(name, content string) {
	f.Helper()
	p := filepath.Join(f.dir, name)
	f.ok(os.MkdirAll(filepath.Dir(p), 0o755))
	f.ok(os.WriteFile(p, []byte(content), 0o644))
}

func (f *fixture) ok(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

// git runs any verb as the person, in a directory of the fixture.
func (f *fixture) git(dir string, args ...string) string {
	f.Helper()
	_, out, err := f.g.run(f.ctx, call{dir: filepath.Join(f.dir, dir), env: f.g.open, args: args})
	f.ok(err)
	return strings.TrimSpace(string(out))
}

// user makes a person's checkout with one commit of README.md on branch.
func (f *fixture) user(name, branch string) {
	f.Helper()
	f.ok(os.MkdirAll(filepath.Join(f.dir, name), 0o755))
	f.git(name, "init", "-q", "-b", branch)
	f.write(filepath.Join(name, "README.md"), "hello\n")
	f.git(name, "add", ".")
	f.git(name, "commit", "-q", "-m", "first")
}

func (f *fixture) clone(src string) Cloned {
	f.Helper()
	c, err := f.g.CloneBare(f.ctx, src, filepath.Join(f.dir, "town", "repo.git"), CloneOptions{})
	f.ok(err)
	return c
}

// commit makes a commit on a ref of the repo that writes one file.
func (f *fixture) commit(r *Repo, ref, path, content string) string {
	f.Helper()
	parent, err := r.Resolve(f.ctx, ref)
	f.ok(err)
	blob, err := r.WriteBlob(f.ctx, []byte(content))
	f.ok(err)
	index := filepath.Join(f.T.TempDir(), "index")
	c := r.call("read-tree", parent[0])
	c.env = append(slices.Clone(c.env), "GIT_INDEX_FILE="+index)
	_, _, err = r.g.run(f.ctx, c)
	f.ok(err)
	c.args, c.in = []string{"update-index", "-z", "--index-info"}, []byte("100644 "+blob+"\t"+path+"\x00")
	_, _, err = r.g.run(f.ctx, c)
	f.ok(err)
	c.args, c.in = []string{"write-tree"}, nil
	_, tree, err := r.g.run(f.ctx, c)
	f.ok(err)
	hash, err := r.CommitTree(f.ctx, NewCommit{Tree: strings.TrimSpace(string(tree)), Parents: parent, Message: "write " + path, Author: FallbackIdent().At(time.Unix(1700000000, 0).UTC())})
	f.ok(err)
	f.ok(r.UpdateRef(f.ctx, ref, hash, parent[0], "test"))
	return hash
}

const mainRef = "refs/heads/main"

func TestVersion(t *testing.T) {
	f := setup(t)
	v, err := f.g.Version(f.ctx)
	f.ok(err)
	if !v.AtLeast(MinVersion()) || v.AtLeast(Version{99, 0, 0}) || !(Version{2, 40, 0}).AtLeast(Version{2, 39, 9}) {
		t.Error(v)
	}
}

func TestCloneOddSources(t *testing.T) {
	for _, tt := range []struct {
		name   string
		make   func(f *fixture) string
		branch string
		born   bool
		noRepo bool
	}{
		{"checkout", func(f *fixture) string { f.user("src", "main"); return "src" }, "main", true, false},
		{"trunk", func(f *fixture) string { f.user("src", "trunk"); return "src" }, "trunk", true, false},
		{"spaces", func(f *fixture) string { f.user("a b  ü\"'", "main"); return "a b  ü\"'" }, "main", true, false},
		{"dash", func(f *fixture) string { f.user("-x", "main"); return "-x" }, "main", true, false},
		{"colon", func(f *fixture) string { f.user("a:b", "main"); return "a:b" }, "main", true, false},
		{"empty directory", func(f *fixture) string { f.ok(os.Mkdir(filepath.Join(f.dir, "src"), 0o755)); return "src" }, "main", false, true},
		{"files without a repository", func(f *fixture) string { f.write("src/x", ""); return "src" }, "main", false, true},
		{"empty directory in another repository", func(f *fixture) string {
			f.user("outer", "main")
			f.ok(os.Mkdir(filepath.Join(f.dir, "outer/new"), 0o755))
			return "outer/new"
		}, "main", false, true},
		{"no commit", func(f *fixture) string {
			f.ok(os.Mkdir(filepath.Join(f.dir, "src"), 0o755))
			f.git("src", "init", "-q", "-b", "dev")
			return "src"
		}, "dev", false, false},
		{"bare without a branch", func(f *fixture) string { f.git("", "init", "-q", "--bare", "-b", "trunk", "src.git"); return "src.git" }, "trunk", false, false},
		{"bare", func(f *fixture) string {
			f.user("src", "main")
			f.git("", "clone", "-q", "--bare", "src", "src.git")
			return "src.git"
		}, "main", true, false},
		{"subdirectory", func(f *fixture) string {
			f.user("src", "main")
			f.write("src/sub/x", "")
			f.git("src", "add", ".")
			f.git("src", "commit", "-qm", "sub")
			return "src/sub"
		}, "main", true, false},
		{"shallow", func(f *fixture) string {
			f.user("one", "main")
			f.git("one", "commit", "-q", "--allow-empty", "-m", "second")
			f.git("", "clone", "-q", "--depth=1", "file://"+filepath.Join(f.dir, "one"), "src")
			return "src"
		}, "main", true, false},
		{"linked worktree", func(f *fixture) string {
			f.user("one", "main")
			f.git("one", "worktree", "add", "-q", "-b", "side", "../src")
			return "src"
		}, "main", true, false},
		{"another branch is checked out", func(f *fixture) string {
			f.user("src", "master")
			f.git("src", "checkout", "-q", "-b", "feature/x")
			return "src"
		}, "master", true, false},
		{"main and master", func(f *fixture) string {
			f.user("src", "main")
			f.git("src", "checkout", "-q", "-b", "master")
			return "src"
		}, "master", true, false},
		{"the remote calls another one default", func(f *fixture) string {
			f.user("hub", "develop")
			f.git("", "clone", "-q", "hub", "src")
			f.git("src", "checkout", "-q", "-b", "main")
			return "src"
		}, "develop", true, false},
		{"the remote's default is not here", func(f *fixture) string {
			f.user("hub", "develop")
			f.git("", "clone", "-q", "hub", "src")
			f.git("src", "branch", "-q", "-m", "work")
			return "src"
		}, "work", true, false},
		{"detached", func(f *fixture) string {
			f.user("src", "trunk")
			f.git("src", "branch", "main")
			f.git("src", "checkout", "-q", "--detach")
			return "src"
		}, "main", true, false},
		{"branch called gt", func(f *fixture) string {
			f.user("src", "main")
			f.git("src", "branch", "gt")
			f.git("src", "branch", "a/b")
			return "src"
		}, "main", true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := setup(t)
			src := filepath.Join(f.dir, tt.make(f))
			c := f.clone(src)
			if c.Branch != "refs/heads/"+tt.branch || (c.Tip != "") != tt.born || c.NoRepo != tt.noRepo {
				t.Fatalf("%+v", c)
			}
			head, err := c.Repo.HeadBranch(f.ctx)
			f.ok(err)
			heads, err := c.Repo.ForEachRef(f.ctx, "refs/heads")
			f.ok(err)
			if head != c.Branch || len(heads) > 1 {
				t.Errorf("HEAD %s, heads %v", head, heads)
			}
			if tt.born != (len(heads) == 1) {
				t.Errorf("heads %v", heads)
			}
			f.checkOwned(c.Repo)
			tip, err := c.Repo.InitRoot(f.ctx, c.Branch, FallbackIdent(), "root")
			f.ok(err)
			again, err := c.Repo.InitRoot(f.ctx, c.Branch, FallbackIdent(), "root")
			f.ok(err)
			if tip == "" || tip != again || (tt.born && tip != c.Tip) {
				t.Errorf("root %s %s", tip, again)
			}
			values, err := c.Repo.ReflogValues(f.ctx, c.Branch)
			f.ok(err)
			if !slices.Equal(values, []string{tip}) {
				t.Errorf("reflog %v", values)
			}
			w, err := c.Repo.WorktreeAdd(f.ctx, filepath.Join(f.dir, "town", "wt", "one two"), "refs/heads/gt/ma-1/1", tip)
			f.ok(err)
			st, err := w.Status(f.ctx, WithIgnored)
			f.ok(err)
			if !st.Clean() || st.Head != tip || st.Branch != "refs/heads/gt/ma-1/1" {
				t.Errorf("%+v", st)
			}
		})
	}
}

func TestCommonDir(t *testing.T) {
	f := setup(t)
	f.user("src", "main")
	f.write("src/sub/x", "")
	f.git("src", "worktree", "add", "-q", "-b", "side", "../linked")
	f.git("", "clone", "-q", "--bare", "src", "bare.git")
	f.git("bare.git", "worktree", "add", "-q", "../ofbare", "main")
	f.git("", "init", "-q", "--separate-git-dir", filepath.Join(f.dir, "away.git"), "separate")
	f.git("src", "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", filepath.Join(f.dir, "bare.git"), "module")
	f.ok(os.Symlink("src", filepath.Join(f.dir, "link")))
	f.ok(os.MkdirAll(filepath.Join(f.dir, "plain/HEAD"), 0o755))
	f.write("broken/.git", "gitdir: /nowhere/at/all\n")
	for dir, want := range map[string]string{
		"src": "src/.git", "src/sub": "src/.git", "src/.git": "src/.git", "src/.git/refs": "src/.git", "linked": "src/.git", "link/sub": "src/.git",
		"bare.git": "bare.git", "bare.git/refs": "bare.git", "ofbare": "bare.git", "separate": "away.git", "src/module": "src/.git/modules/module", "plain": "", "broken": "",
	} {
		if want != "" {
			want = filepath.Join(f.dir, want)
		}
		if got := CommonDir(filepath.Join(f.dir, dir)); got != want {
			t.Errorf("%s: %q, want %q", dir, got, want)
		}
	}
}

func TestAmong(t *testing.T) {
	f := setup(t)
	f.user("src", "main")
	f.write("src/.gitignore", "build/\nx.global\n")
	f.ok(os.MkdirAll(filepath.Join(f.dir, "src/build/deep"), 0o755))
	f.git("", "clone", "-q", "--bare", "src", "bare.git")
	for dir, want := range map[string]string{
		"src": "src", "src/new": "src", "src/new/er": "src", "src/build": "", "src/build/deep/er": "", "src/README.md/x": "src", "plain": "", "bare.git": "bare.git", "src/.git/x": "src/.git",
	} {
		if want != "" {
			want = filepath.Join(f.dir, want)
		}
		if got, err := f.g.Among(f.ctx, filepath.Join(f.dir, dir)); got != want || err != nil {
			t.Errorf("%s: %q %v, want %q", dir, got, err, want)
		}
	}
}

// checkOwned checks the settings of a town's repository.
func (f *fixture) checkOwned(r *Repo) {
	f.Helper()
	data, err := os.ReadFile(filepath.Join(r.Dir(), "config"))
	f.ok(err)
	for _, want := range []string{"repositoryformatversion = 1", "preciousObjects = true", "logAllRefUpdates = true", "bare = true", "auto = 0"} {
		if !strings.Contains(strings.ToLower(string(data)), strings.ToLower(want)) {
			f.Errorf("%s is missing in\n%s", want, data)
		}
	}
	if strings.Contains(string(data), "remote") {
		f.Errorf("a remote in\n%s", data)
	}
	if _, err := f.g.OpenRepo(f.ctx, r.Dir()); err != nil {
		f.Error(err)
	}
}

func TestCloneRefuses(t *testing.T) {
	f := setup(t)
	f.user("src", "main")
	dst := filepath.Join(f.dir, "x.git")
	if _, err := f.g.CloneBare(f.ctx, filepath.Join(f.dir, "src"), dst, CloneOptions{Branch: "none"}); !errors.Is(err, err) || !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
	if _, err := f.g.CloneBare(f.ctx, filepath.Join(f.dir, "absent"), dst, CloneOptions{}); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
	if _, err := f.g.CloneBare(f.ctx, filepath.Join(f.dir, "src"), dst, CloneOptions{Branch: "-x"}); !errors.Is(err, ErrBadName) {
		t.Error(err)
	}
	left, _ := filepath.Glob(filepath.Join(f.dir, "*"))
	if len(left) != 2 { // home, src
		t.Errorf("left behind: %v", left)
	}
	if _, err := f.g.OpenRepo(f.ctx, filepath.Join(f.dir, "src/.git")); !errors.Is(err, ErrNotOurs) {
		t.Error(err)
	}
	if _, err := f.g.OpenRepo(f.ctx, filepath.Join(f.dir, "none")); !errors.Is(err, ErrNotExist) {
		t.Error(err)
	}
}

// TestCloneRefusesSHA256 at once and in one sentence, and makes nothing of that kind itself.
func TestCloneRefusesSHA256(t *testing.T) {
	f := setup(t)
	f.git("", "init", "-q", "--object-format=sha256", "unborn")
	f.git("", "init", "-q", "--object-format=sha256", "born")
	f.git("born", "commit", "-q", "--allow-empty", "-m", "first")
	for _, src := range []string{filepath.Join(f.dir, "unborn"), filepath.Join(f.dir, "born"), "file://" + filepath.Join(f.dir, "born")} {
		_, err := f.g.CloneBare(f.ctx, src, filepath.Join(f.dir, "x.git"), CloneOptions{})
		if !fault.Is(err, fault.Refused) || !strings.HasSuffix(err.Error(), "its objects are named by SHA256, and only SHA-1 repositories are supported") {
			t.Error(err)
		}
	}
	f.write("home/.gitconfig", "[init]\ndefaultObjectFormat = sha256\n")
	f.ok(os.Mkdir(filepath.Join(f.dir, "empty"), 0o755))
	c := f.clone(filepath.Join(f.dir, "empty"))
	co, err := f.g.InitCheckout(f.ctx, filepath.Join(f.dir, "empty"), "main")
	if err != nil || !c.NoRepo || co.Format != "sha1" {
		t.Error(co, err)
	}
}

func TestCloneLeavesTheSourceAlone(t *testing.T) {
	f := setup(t)
	f.user("src", "main")
	f.write("src/README.md", "edited\n")
	f.write("src/new", "new\n")
	before := f.tree("src")
	c := f.clone(filepath.Join(f.dir, "src"))
	f.commit(c.Repo, mainRef, "x", "x")
	co, err := f.g.OpenCheckout(f.ctx, filepath.Join(f.dir, "src"))
	f.ok(err)
	st, err := co.Status(f.ctx)
	f.ok(err)
	if diff := cmp.Diff([]string{"README.md", "new"}, st.Dirty()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(before, f.tree("src")); diff != "" {
		t.Error(diff)
	}
}

// tree is every file below a directory of the fixture with its content.
func (f *fixture) tree(dir string) map[string]string {
	f.Helper()
	m := map[string]string{}
	root := filepath.Join(f.dir, dir)
	f.ok(filepath.WalkDir(root, func(p string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(p)
		m[strings.TrimPrefix(p, root)] = string(data)
		return err
	}))
	return m
}

func TestRefs(t *testing.T) {
	f := setup(t)
	f.user("src", "main")
	r := f.clone(filepath.Join(f.dir, "src")).Repo
	a, err := r.ResolveCommit(f.ctx, mainRef)
	f.ok(err)
	b := f.commit(r, mainRef, "x", "1")
	const ref = "refs/gt/keep/ma-1/1"
	f.ok(r.UpdateRef(f.ctx, ref, a, ZeroHash, "w"))
	f.ok(r.UpdateRef(f.ctx, ref, a, ZeroHash, "w")) // the same again is success
	err = r.UpdateRef(f.ctx, ref, b, ZeroHash, "w")
	var cas *CASError
	if !errors.Is(err, ErrCASLost) || !errors.As(err, &cas) || cas.Have != a || cas.Ref != ref || !fault.Is(err, fault.Refused) {
		t.Error(err)
	}
	f.ok(r.UpdateRef(f.ctx, ref, b, a, "w"))
	// All or nothing.
	err = r.UpdateRefs(f.ctx, "w", RefUpdate{"refs/gt/x", a, ZeroHash}, RefUpdate{ref, a, a})
	if !errors.Is(err, ErrCASLost) {
		t.Error(err)
	}
	if got, err := r.Lookup(f.ctx, "refs/gt/x", ref, "HEAD"); err != nil || !slices.Equal(got, []string{"", b, b}) {
		t.Error(got, err)
	}
	if _, err := r.Resolve(f.ctx, mainRef, "refs/none"); !errors.Is(err, ErrNotExist) || !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
	for _, bad := range []string{"-x", "", "a\nb", "a..b"} {
		if _, err := r.ResolveCommit(f.ctx, bad); !errors.Is(err, ErrBadName) {
			t.Error(bad, err)
		}
	}
	f.ok(r.DeleteRef(f.ctx, ref, b))
	f.ok(r.DeleteRef(f.ctx, ref, b))
	if values, err := r.ReflogValues(f.ctx, mainRef); err != nil || !slices.Equal(values, []string{b, a}) {
		t.Error(values, err)
	}
	if base, err := r.MergeBase(f.ctx, a, b); base != a || err != nil {
		t.Error(base, err)
	}
	for _, tt := range []struct {
		a, b string
		want bool
	}{{a, b, true}, {b, a, false}, {a, a, true}} {
		if ok, err := r.IsAncestor(f.ctx, tt.a, tt.b); ok != tt.want || err != nil {
			t.Error(tt, ok, err)
		}
	}
	absent := strings.Repeat("1", 40)
	for _, tt := range []struct {
		commit, tip string
		want, fails bool
	}{{a, b, true, false}, {b, a, false, false}, {a, a, true, false}, {absent, a, false, false}, {a, absent, false, true}} {
		if ok, err := r.Within(f.ctx, tt.commit, tt.tip); ok != tt.want || (err != nil) != tt.fails {
			t.Error(tt, ok, err)
		}
	}
	if ref, err := r.Containing(f.ctx, a, "refs/heads"); ref != mainRef || err != nil {
		t.Error(ref, err)
	}
}

func TestRefsRace(t *testing.T) {
	f := setup(t)
	f.user("src", "main")
	r := f.clone(filepath.Join(f.dir, "src")).Repo
	a, err := r.ResolveCommit(f.ctx, mainRef)
	f.ok(err)
	const n = 12
	errs := make(chan error)
	for i := range n {
		go func() {
			c, err := r.CommitTree(f.ctx, NewCommit{Tree: a + "^{tree}", Message: fmt.Sprint(i), Author: FallbackIdent().At(time.Unix(1, 0))})
			if err == nil {
				err = r.UpdateRef(f.ctx, mainRef, c, a, "race")
			}
			errs <- err
		}()
	}
	won := 0
	for range n {
		switch err := <-errs; {
		case err == nil:
			won++
		case !errors.Is(err, ErrCASLost):
			t.Error(err)
		}
	}
	if won != 1 {
		t.Errorf("%d won", won)
	}
}

func TestCheckRef(t *testing.T) {
	for ref, ok := range map[string]bool{
		"refs/heads/main": true, "refs/gt/keep/ma-1.2/3": true, "main": false, "refs/heads/a..b": false, "refs/heads/-x": true, "refs/heads/a b": false,
		"refs/heads/x.lock": false, "refs/heads/.x": false, "refs/heads/x/": false, "refs/heads/a@{b": false, "refs/heads/a\nb": false, "refs/heads/a//b": false,
	} {
		if err := CheckRef(ref); (err == nil) != ok {
			t.Error(ref, err)
		}
	}
	for b, ok := range map[string]bool{"main": true, "release/1.2": true, "@": false, "HEAD": false, "refs/heads/main": false, "-d": false, "": false} {
		if err := CheckBranch(b); (err == nil) != ok {
			t.Error(b, err)
		}
	}
}

func TestCommitIsDeterministic(t *testing.T) {
	f := setup(t)
	r, err := f.g.InitBare(f.ctx, filepath.Join(f.dir, "r.git"), "main")
	f.ok(err)
	tree, err := r.EmptyTree(f.ctx)
	f.ok(err)
	who := Ident{Name: "A <x>\n", Email: "", When: time.Unix(1700000000, 5).In(time.FixedZone("", 2*3600))}
	n := NewCommit{Tree: tree, Message: "subject\n\nbody\n\nBead: ma-1\nGate: test\n  and lint\nbead: ma-2\n\n", Author: who}
	a, err := r.CommitTree(f.ctx, n)
	f.ok(err)
	b, err := r.CommitTree(f.ctx, n)
	f.ok(err)
	if a != b {
		t.Error(a, b)
	}
	n.Parents = []string{a}
	c, err := r.CommitTree(f.ctx, n)
	f.ok(err)
	log, err := r.Log(f.ctx, LogOptions{From: c, FirstParent: FirstParent})
	f.ok(err)
	if len(log) != 2 || log[0].Hash != c || log[1].Hash != a || log[0].Parents[0] != a {
		t.Fatalf("%+v", log)
	}
	got := log[1]
	if got.Subject != "subject" || got.Trailer("Bead") != "ma-2" || got.Trailer("Gate") != "test and lint" || got.Trailer("None") != "" {
		t.Errorf("%+v", got)
	}
	if got.Author.Name != "A x" || got.Author.Email != "gastown@localhost" || got.Author.When.Format(time.RFC3339) != "2023-11-15T00:13:20+02:00" {
		t.Errorf("%+v", got.Author)
	}
	if only, err := r.Log(f.ctx, LogOptions{From: c, Not: []string{a}, Max: 5}); err != nil || len(only) != 1 {
		t.Error(only, err)
	}
	if n, err := r.CountCommits(f.ctx, a, c); n != 1 || err != nil {
		t.Error(n, err)
	}
}

func TestMergeTree(t *testing.T) {
	f := setup(t)
	f.user("src", "main")
	r := f.clone(filepath.Join(f.dir, "src")).Repo
	base, err := r.ResolveCommit(f.ctx, mainRef)
	f.ok(err)
	for _, ref := range []string{"refs/heads/a", "refs/heads/b", "refs/heads/c"} {
		f.ok(r.UpdateRef(f.ctx, ref, base, ZeroHash, ""))
	}
	a := f.commit(r, "refs/heads/a", "README.md", "from a\n")
	b := f.commit(r, "refs/heads/b", "README.md", "from b\n")
	c := f.commit(r, "refs/heads/c", "ü\n \"x", "c\n")
	m, err := r.MergeTree(f.ctx, a, c)
	f.ok(err)
	if !m.Clean || len(m.Conflicts) != 0 {
		t.Errorf("%+v", m)
	}
	m, err = r.MergeTree(f.ctx, a, b)
	f.ok(err)
	if m.Clean || len(m.Conflicts) != 1 || m.Conflicts[0].Path != "README.md" || len(m.Conflicts[0].Stages) != 3 {
		t.Errorf("%+v", m)
	}
	if m.Conflicts[0].Stages[1].Stage != 2 || m.Conflicts[0].Stages[1].Mode != "100644" {
		t.Errorf("%+v", m.Conflicts)
	}
	if _, err := r.MergeTree(f.ctx, a, ZeroHash); err == nil {
		t.Error("merged nothing")
	}
	changes, err := r.DiffNames(f.ctx, base, c)
	f.ok(err)
	if len(changes) != 1 || changes[0].Path != "ü\n \"x" || changes[0].Status != 'A' {
		t.Errorf("%+v", changes)
	}
	st, err := r.DiffStat(f.ctx, base, a)
	f.ok(err)
	if st != (Stat{1, 1, 1}) {
		t.Error(st)
	}
	text, cut, err := r.Diff(f.ctx, base, a, DiffOptions{})
	f.ok(err)
	if cut || !strings.Contains(text, "-hello\n+from a\n") {
		t.Error(text)
	}
	if text, cut, err := r.Diff(f.ctx, base, a, DiffOptions{MaxBytes: 10}); err != nil || !cut || len(text) != 10 {
		t.Error(text, cut, err)
	}
	data, err := r.Show(f.ctx, a, "README.md", 0)
	if string(data) != "from a\n" || err != nil {
		t.Error(string(data), err)
	}
	if _, err := r.Show(f.ctx, a, "none", 0); !errors.Is(err, ErrNotExist) {
		t.Error(err)
	}
	if _, err := r.Show(f.ctx, a, "../x", 0); !errors.Is(err, ErrBadName) {
		t.Error(err)
	}
	if _, err := r.Show(f.ctx, a, "README.md", 3); !fault.Is(err, fault.Refused) {
		t.Error(err)
	}
}

func TestIdent(t *testing.T) {
	f := setup(t)
	f.user("src", "main")
	id, err := f.g.Ident(f.ctx, filepath.Join(f.dir, "src"))
	f.ok(err)
	if id.String() != "Ann Ö <ann@example.org>" {
		t.Error(id)
	}
	f.git("src", "config", "user.email", "here@example.org")
	if id, err := f.g.Ident(f.ctx, filepath.Join(f.dir, "src")); err != nil || id.Email != "here@example.org" {
		t.Error(id, err)
	}
	bare := New([]string{"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent", "GIT_CONFIG_NOSYSTEM=1"})
	if id, err := bare.Ident(f.ctx, f.dir); err != nil || id != FallbackIdent() {
		t.Error(id, err)
	}
}
