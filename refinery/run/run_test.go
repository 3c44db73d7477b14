package run

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"gastown/beads"
	"gastown/internal/git"
	"gastown/internal/proc"
	"gastown/refinery"
)

func TestMain(m *testing.M) {
	proc.ShimMain()
	goleak.VerifyTestMain(m)
}

// rig is a real repository with a Runner and a host loop in miniature.
type rig struct {
	t      testing.TB
	run    *Runner
	repo   *git.Repo
	root   string // first commit
	q      refinery.Queue
	cfg    refinery.Config
	events chan refinery.Event
	seen   []refinery.Effect
	begun  []refinery.GateStarted
}

func who() git.Ident {
	return git.Ident{Name: "Ada", Email: "ada@example.com", When: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
}

func newRig(t testing.TB, gates ...string) *rig {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	env := []string{"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=" + dir, "SECRET_FREE=1", "GASTOWN_TOKEN=t", "GIT_DIR=/nonexistent"}
	g := git.New(env)
	repo, err := g.InitBare(ctx, filepath.Join(dir, "repo.git"), "main")
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, repo: repo, events: make(chan refinery.Event, 1), q: refinery.Queue{Rig: "app"}, cfg: refinery.Config{Branch: "main", History: "merge"}}
	for i, g := range gates {
		r.cfg.Gates = append(r.cfg.Gates, refinery.Gate{Name: []string{"test", "lint"}[i], Run: g, Timeout: 20 * time.Second})
	}
	r.run = &Runner{
		Rig: "app", Repo: repo, Git: g, GateDir: filepath.Join(dir, "gate"), LogDir: filepath.Join(dir, "logs"), TempDir: dir, Env: env,
		Lookup: func(name string) (string, bool) { return "value of " + name, name == "DATABASE_URL" },
		Ident:  func(context.Context) (git.Ident, error) { return who(), nil },
		Emit:   func(ev refinery.Event) { r.events <- ev },
	}
	r.root = r.commit(nil, map[string]string{"README.md": "hello\n", ".gitignore": "cache\n"})
	if err := repo.UpdateRef(ctx, "refs/heads/main", r.root, git.ZeroHash, "test"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.drain)
	return r
}

// drain takes what is still to come, so that no goroutine of the runner is left.
func (r *rig) drain() {
	done := make(chan struct{})
	go func() { r.run.Wait(); close(done) }()
	for {
		select {
		case <-r.events:
		case <-done:
			return
		}
	}
}

// commit makes a commit of exactly these files.
func (r *rig) commit(parents []string, files map[string]string) string {
	r.t.Helper()
	ctx := context.Background()
	var es []git.TreeEntry
	for name, text := range files {
		h, err := r.repo.WriteBlob(ctx, []byte(text))
		if err != nil {
			r.t.Fatal(err)
		}
		es = append(es, git.TreeEntry{Mode: "100644", Type: "blob", Hash: h, Name: name})
	}
	tree, err := r.repo.MakeTree(ctx, es)
	if err != nil {
		r.t.Fatal(err)
	}
	c, err := r.repo.CommitTree(ctx, git.NewCommit{Tree: tree, Parents: parents, Message: "work\n", Author: who()})
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

// work is a tip that adds files to the first commit's.
func (r *rig) work(files map[string]string) string {
	r.t.Helper()
	all := map[string]string{"README.md": "hello\n", ".gitignore": "cache\n"}
	for k, v := range files {
		all[k] = v
	}
	return r.commit([]string{r.root}, all)
}

func (r *rig) step(ev refinery.Event) {
	r.t.Helper()
	var out []refinery.Effect
	r.q, out = refinery.Step(r.q, ev, time.Now(), r.cfg)
	r.seen = append(r.seen, out...)
	for _, e := range out {
		if a, ok := e.(refinery.Action); ok {
			r.run.Do(context.Background(), a)
		}
	}
}

func (r *rig) submit(id, tip string) {
	r.t.Helper()
	r.step(refinery.Submit{Entry: refinery.Entry{
		Bead: beads.ID(id), N: 1, Polecat: "amber", Title: "Add " + id, Tip: tip, Priority: 2, QueuedAt: time.Date(2026, 1, 2, 4, 0, 0, 0, time.UTC),
	}})
}

// next takes one event of the runner.
func (r *rig) next() refinery.Event {
	r.t.Helper()
	select {
	case ev := <-r.events:
		if s, ok := ev.(refinery.GateStarted); ok {
			r.begun = append(r.begun, s)
		}
		return ev
	case <-time.After(30 * time.Second):
		r.t.Fatalf("the runner is silent; queue %+v", r.q)
		return nil
	}
}

// until runs the loop until an effect of type T was asked for.
func until[T refinery.Effect](r *rig) T {
	r.t.Helper()
	for {
		for i, e := range r.seen {
			if x, ok := e.(T); ok {
				r.seen = r.seen[i+1:]
				return x
			}
		}
		r.seen = nil
		r.step(r.next())
	}
}

func (r *rig) tip() string {
	r.t.Helper()
	c, err := r.repo.ResolveCommit(context.Background(), "refs/heads/main")
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

func (r *rig) show(rev, path string) string {
	r.t.Helper()
	data, err := r.repo.Show(context.Background(), rev, path, 0)
	if err != nil {
		r.t.Fatal(err)
	}
	return string(data)
}

func TestLandsInOrder(t *testing.T) {
	r := newRig(t, "test -f a.txt || test -f b.txt", `test "$(cat README.md)" = hello`)
	r.submit("ma-1", r.work(map[string]string{"a.txt": "a\n"}))
	r.submit("ma-2", r.work(map[string]string{"b.txt": "b\n"}))
	first, second := until[refinery.Settle](r), until[refinery.Settle](r)
	if first.Bead != "ma-1" || second.Bead != "ma-2" || r.tip() != second.Commit {
		t.Fatalf("%+v, %+v, main at %s", first, second, r.tip())
	}
	if r.show("refs/heads/main", "a.txt") != "a\n" || r.show("refs/heads/main", "b.txt") != "b\n" {
		t.Fatal("work is missing")
	}
	log, err := r.repo.Log(context.Background(), git.LogOptions{From: second.Commit, FirstParent: git.FirstParent})
	if err != nil || len(log) != 3 {
		t.Fatal(err, len(log))
	}
	c := log[0]
	for k, want := range map[string]string{"Bead": "ma-2", "Attempt": "ma-2/1", "Polecat": "amber", "Gate": "test, lint"} {
		if got := c.Trailer(k); got != want {
			t.Errorf("trailer %s: %q, want %q", k, got, want)
		}
	}
	if c.Subject != "Add ma-2" || c.Author.Name != "Ada" || c.Committer.Name != "Ada" || !c.Author.When.Equal(time.Date(2026, 1, 2, 4, 0, 0, 0, time.UTC)) || len(c.Parents) != 2 || c.Parents[0] != first.Commit {
		t.Fatalf("%+v", c)
	}
	entries, err := r.repo.Reflog(context.Background(), "refs/heads/main")
	if err != nil || len(entries) != 3 || entries[0].Why != "gastown: land ma-2/1" {
		t.Fatalf("%v %+v", err, entries)
	}
}

func TestBuildIsDeterministic(t *testing.T) {
	r := newRig(t)
	b := refinery.Build{Seq: 1, Branch: "main", Parts: []refinery.BuildPart{{Bead: "ma-1", N: 1, Tip: r.work(map[string]string{"a": "1"}), Date: time.Unix(1e9, 0)}}}
	one := r.run.build(context.Background(), b).(refinery.Built)
	two := r.run.build(context.Background(), b).(refinery.Built)
	if one.Err != "" || one.Commit == "" || one.Commit != two.Commit || one.Base != r.root {
		t.Fatalf("%+v\n%+v", one, two)
	}
	if c, err := r.repo.ResolveCommit(context.Background(), candidateRef); err != nil || c != one.Commit {
		t.Fatal(c, err)
	}
}

func TestBuildRefusals(t *testing.T) {
	r := newRig(t)
	ctx := context.Background()
	other := r.commit(nil, map[string]string{"x": "x"})
	same := r.commit([]string{r.root}, map[string]string{"README.md": "hello\n", ".gitignore": "cache\n"})
	build := func(tip string, change func(*refinery.Build)) refinery.Built {
		b := refinery.Build{Seq: 1, Branch: "main", Target: r.tip(), Parts: []refinery.BuildPart{{Bead: "ma-1", N: 1, Tip: tip, Date: time.Unix(1e9, 0)}}}
		if change != nil {
			change(&b)
		}
		return r.run.build(ctx, b).(refinery.Built)
	}
	if b := build(strings.Repeat("1", 40), nil); b.Missing != "ma-1" || !strings.Contains(b.Err, "1111") {
		t.Errorf("missing tip: %+v", b)
	}
	if b := build(other, nil); b.Conflict == nil || !strings.Contains(b.Conflict.Detail, "no commit in common") {
		t.Errorf("unrelated: %+v", b)
	}
	if b := build(r.root, nil); b.AlreadyIn != "ma-1" || b.Commit != r.root {
		t.Errorf("ancestor: %+v", b)
	}
	if b := build(same, nil); b.AlreadyIn != "ma-1" {
		t.Errorf("empty: %+v", b)
	}
	if b := build(same, func(b *refinery.Build) { b.History = "octopus" }); !strings.Contains(b.Err, `"octopus" is not available`) {
		t.Errorf("octopus: %+v", b)
	}
	if b := build(same, func(b *refinery.Build) { b.Branch = "trunk" }); !strings.Contains(b.Err, "refs/heads/trunk") {
		t.Errorf("no branch: %+v", b)
	}
	if b := build(same, func(b *refinery.Build) { b.Target = other }); b.Base != r.root || b.Commit != "" || b.Err == "" {
		t.Errorf("moved: %+v", b)
	}
}

func TestHostileTitle(t *testing.T) {
	b := refinery.Build{Gates: []refinery.Gate{{Name: "test\nBead: x"}}}
	got := message(b, refinery.BuildPart{Bead: "ma-1", N: 2, Polecat: "am\rber\nGate: none", Title: "ok\n\nBead: evil\x1b[31m\u2028Gate: none\u202e"})
	want := "ok Bead: evil[31m Gate: none\n\nBead: ma-1\nAttempt: ma-1/2\nPolecat: am ber Gate: none\nGate: test Bead: x\n"
	if got != want {
		t.Fatalf("%q", got)
	}
}

func TestConflictNamesFiles(t *testing.T) {
	r := newRig(t, "true")
	r.submit("ma-1", r.work(map[string]string{"a.txt": "one\n"}))
	until[refinery.Settle](r)
	r.submit("ma-2", r.work(map[string]string{"a.txt": "two\n", "c.txt": "c\n"}))
	s := until[refinery.SendBack](r)
	if len(s.Files) != 1 || s.Files[0] != "a.txt" || s.Why != "conflict with main in a.txt" || !strings.Contains(s.Log, "a.txt: main ") {
		t.Fatalf("%+v", s)
	}
}

func TestRedIsSentBackWithItsLog(t *testing.T) {
	r := newRig(t, `test ! -f bad || { i=0; while [ $i -lt 500 ]; do i=$((i+1)); echo "line $i"; done; exit 3; }`)
	r.submit("ma-1", r.work(map[string]string{"bad": ""}))
	s := until[refinery.SendBack](r)
	lines := strings.Split(s.Log, "\n")
	if len(lines) != 200 || lines[199] != "line 500" || !strings.Contains(s.Why, "exit 3") {
		t.Fatalf("%d lines: %+v", len(lines), s)
	}
	data, err := os.ReadFile(s.LogPath)
	if err != nil || strings.Count(string(data), "\n") != 500 {
		t.Fatal(err, len(data))
	}
	if st, _ := os.Stat(s.LogPath); st.Mode().Perm() != 0o600 {
		t.Fatal(st.Mode())
	}
	if r.tip() != r.root {
		t.Fatal("red work landed")
	}
}

func TestATargetMovedDuringAGateIsPutBack(t *testing.T) {
	r := newRig(t, "test -f a.txt")
	r.q.Target = r.root
	r.submit("ma-1", r.work(map[string]string{"a.txt": "a\n"}))
	for {
		ev := r.next()
		r.step(ev)
		if _, ok := ev.(refinery.Built); ok {
			break
		}
	}
	ext := r.work(map[string]string{"ext.txt": "x"})
	if err := r.repo.UpdateRef(context.Background(), "refs/heads/main", ext, r.root, "somebody else"); err != nil {
		t.Fatal(err)
	}
	for r.q.Run != nil {
		r.step(r.next())
	}
	if !r.q.Moved() || r.tip() != ext {
		t.Fatalf("%s %s", r.q.State, r.q.Reason)
	}
	if found, err := r.run.PutBack(t.Context(), "main", r.q.Target); err != nil || found != ext {
		t.Fatal(found, err)
	}
	r.step(refinery.TargetMoved{Commit: r.root, Known: r.root})
	s := until[refinery.Settle](r)
	if r.show(s.Commit, "a.txt") != "a\n" || r.tip() != s.Commit || r.show(ext, "ext.txt") != "x" {
		t.Fatal("the work, or what stood there, was lost")
	}
}

func TestCrashBetweenPublishAndSettle(t *testing.T) {
	for _, published := range []bool{true, false} {
		r := newRig(t, "true")
		r.submit("ma-1", r.work(map[string]string{"a.txt": "a\n"}))
		for r.q.Intent == nil {
			var out []refinery.Effect
			r.q, out = refinery.Step(r.q, r.next(), time.Now(), r.cfg)
			for _, e := range out {
				if a, ok := e.(refinery.Action); ok && (r.q.Intent == nil || published) {
					r.run.Do(context.Background(), a)
				}
			}
		}
		if published {
			if _, ok := r.next().(refinery.Published); !ok {
				t.Fatal("not published")
			}
		}
		data, err := json.Marshal(r.q) // all that the crash leaves
		if err != nil {
			t.Fatal(err)
		}
		r.q = refinery.Queue{}
		if err := json.Unmarshal(data, &r.q); err != nil {
			t.Fatal(err)
		}
		inv := r.run.Inventory(context.Background(), r.q, "main")
		if inv.IntentDone != published || inv.Err != "" {
			t.Fatalf("%+v", inv)
		}
		r.step(inv)
		s := until[refinery.Settle](r)
		if s.Bead != "ma-1" || r.tip() != s.Commit || r.q.Total != 1 {
			t.Fatalf("%+v", s)
		}
	}
}

func TestPublishTakesWorktreesOffTheBranch(t *testing.T) {
	r := newRig(t, "true")
	ctx := context.Background()
	path := filepath.Join(filepath.Dir(r.run.GateDir), "wt")
	if _, err := r.repo.WorktreeAdd(ctx, path, "refs/heads/main", ""); err != nil {
		t.Fatal(err)
	}
	r.submit("ma-1", r.work(map[string]string{"a.txt": "a\n"}))
	until[refinery.Settle](r)
	w, err := r.repo.OpenWorktree(path)
	if err != nil {
		t.Fatal(err)
	}
	st, err := w.Status(ctx, git.WithoutIgnored)
	if err != nil || !st.Clean() || st.Head != r.root || st.Branch != "" {
		t.Fatalf("%v %+v", err, st)
	}
}

func TestPublishErrors(t *testing.T) {
	r := newRig(t)
	ctx := context.Background()
	tip := r.work(map[string]string{"a": "a"})
	in := refinery.Intent{Old: r.root, New: tip, Tree: "wrong"}
	if ev, ok := r.run.publish(ctx, refinery.Publish{Branch: "main", Intent: in}).(refinery.PublishRefused); !ok || r.tip() != r.root {
		t.Fatalf("another tree than the gated one: %+v", ev)
	}
	other := r.commit(nil, map[string]string{"x": "x"})
	if err := r.repo.UpdateRef(ctx, "refs/heads/main", other, "", "rewritten"); err != nil {
		t.Fatal(err)
	}
	if ev, ok := r.run.publish(ctx, refinery.Publish{Branch: "main", Intent: in}).(refinery.PublishLost); !ok || ev.Now != other {
		t.Fatalf("%+v", ev)
	}
	if moved, err := r.run.Look(ctx, r.root, "main"); err != nil || moved == nil || *moved != (refinery.TargetMoved{Commit: other, Known: r.root}) {
		t.Fatalf("%+v %v", moved, err)
	}
	for _, stray := range []string{other, ""} {
		if stray == "" {
			if err := r.repo.DeleteRef(ctx, "refs/heads/main", ""); err != nil {
				t.Fatal(err)
			}
		}
		found, err := r.run.PutBack(ctx, "main", r.root)
		if err != nil || found != stray || r.tip() != r.root {
			t.Errorf("found %q, want %q; %v", found, stray, err)
		}
	}
	if kept, err := r.repo.ResolveCommit(ctx, StrayRef(other)); err != nil || kept != other {
		t.Errorf("%q, %v", kept, err)
	}
}

func TestPanicIsAnAnswer(t *testing.T) {
	r := newRig(t)
	r.run.Ident = func(context.Context) (git.Ident, error) { panic("boom") }
	r.run.Do(context.Background(), refinery.Build{Seq: 7, Branch: "main", Parts: []refinery.BuildPart{{Bead: "a", N: 1, Tip: r.root}}})
	if b, ok := r.next().(refinery.Built); !ok || b.Seq != 7 || !strings.Contains(b.Err, "boom") {
		t.Fatalf("%+v", b)
	}
	r.run.Ident = func(context.Context) (git.Ident, error) { return git.Ident{}, errors.New("no name") }
	r.run.Do(context.Background(), refinery.Build{Seq: 8, Branch: "main"})
	if b, ok := r.next().(refinery.Built); !ok || b.Err != "find the identity to land with: no name" {
		t.Fatalf("%+v", b)
	}
}
