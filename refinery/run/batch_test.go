package run

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"gastown/beads"
	"gastown/internal/git"
	"gastown/refinery"
)

// together submits several beads so that they are taken as one batch.
func (r *rig) together(tips ...string) {
	r.t.Helper()
	r.cfg.Batch = true
	r.step(refinery.Pause{})
	for i, tip := range tips {
		r.submit(fmt.Sprintf("ma-%d", i+1), tip)
	}
	r.step(refinery.Resume{})
}

// quiet runs the loop until nothing is left to do, and gives all effects.
func (r *rig) quiet() []refinery.Effect {
	r.t.Helper()
	all := r.seen
	r.seen = nil
	for r.q.Run != nil {
		r.step(r.next())
		all = append(all, r.seen...)
		r.seen = nil
	}
	return all
}

func effects[T refinery.Effect](es []refinery.Effect) []T {
	var out []T
	for _, e := range es {
		if x, ok := e.(T); ok {
			out = append(out, x)
		}
	}
	return out
}

func TestBatchLandsOneMergePerBead(t *testing.T) {
	r := newRig(t, "test -f 3.txt")
	var tips []string
	for i := range 4 {
		tips = append(tips, r.work(map[string]string{fmt.Sprintf("%d.txt", i): "x\n"}))
	}
	r.together(tips...)
	all := r.quiet()
	if n := len(effects[refinery.RunGate](all)); n != 1 {
		t.Fatalf("%d gate runs, want 1", n)
	}
	settled := effects[refinery.Settle](all)
	log, err := r.repo.Log(context.Background(), git.LogOptions{From: r.tip(), FirstParent: git.FirstParent})
	if err != nil || len(log) != 5 || len(settled) != 4 {
		t.Fatal(err, len(log), settled)
	}
	for i, s := range settled {
		c := log[3-i]
		if c.Hash != s.Commit || c.Trailer("Attempt") != fmt.Sprintf("ma-%d/1", i+1) || c.Parents[1] != tips[i] {
			t.Fatalf("%d: %+v is not %+v", i, c, s)
		}
	}
	if moves, err := r.repo.Reflog(context.Background(), "refs/heads/main"); err != nil || len(moves) != 2 {
		t.Fatal(err, moves)
	}
	if r.begun[0].Log == "" || !strings.Contains(r.begun[0].Log, "ma-1-and-3") {
		t.Fatal(r.begun[0].Log)
	}
}

func TestBatchFindsItsCulprit(t *testing.T) {
	r := newRig(t, "test ! -f bad")
	r.cfg.Confirm = true
	var tips []string
	for i := range 4 {
		files := map[string]string{fmt.Sprintf("%d.txt", i): "x\n"}
		if i == 2 {
			files["bad"] = ""
		}
		tips = append(tips, r.work(files))
	}
	r.together(tips...)
	all := r.quiet()
	var gated []string
	for _, g := range effects[refinery.RunGate](all) {
		gated = append(gated, fmt.Sprint(max(len(g.Batch), 1)))
	}
	// All, the left half, ma-3 (ma-3 and ma-4 are known red), ma-3 again, ma-4.
	if got := strings.Join(gated, " "); got != "4 2 1 1 1" {
		t.Fatal(got)
	}
	back := effects[refinery.SendBack](all)
	if len(back) != 1 || back[0].Bead != "ma-3" || back[0].LogPath == "" || len(effects[refinery.Settle](all)) != 3 {
		t.Fatalf("%+v", back)
	}
}

func TestConflictWithTheBatchCutsIt(t *testing.T) {
	r := newRig(t, "true")
	r.together(
		r.work(map[string]string{"a.txt": "one\n"}),
		r.work(map[string]string{"README.md": "ours\n"}),
		r.work(map[string]string{"a.txt": "two\n"}),
		r.work(map[string]string{"z.txt": "z\n"}),
	)
	all := r.quiet()
	gates := effects[refinery.RunGate](all)
	if len(gates) != 2 || len(gates[0].Batch) != 2 {
		t.Fatalf("%+v", gates)
	}
	back := effects[refinery.SendBack](all)
	if len(back) != 1 || back[0].Bead != "ma-3" || back[0].Why != "conflict with main in a.txt" {
		t.Fatalf("%+v", back)
	}
	for _, want := range []string{"a.txt: main ", " yours ", "What changed them on main", "attempt ma-1/1 (git diff ", "What main did to them", "+one", "What this work did", "+two"} {
		if !strings.Contains(back[0].Log, want) {
			t.Errorf("%q is missing in %s", want, back[0].Log)
		}
	}
	if strings.Contains(back[0].Log, "z.txt") {
		t.Error("a file that does not conflict is shown")
	}
	if r.show("refs/heads/main", "z.txt") != "z\n" || r.show("refs/heads/main", "README.md") != "ours\n" {
		t.Fatal("the others did not land")
	}
}

func TestConflictWithTheTargetInABatch(t *testing.T) {
	r := newRig(t, "true")
	old := r.work(map[string]string{"a.txt": "two\n"})
	r.submit("ma-9", r.work(map[string]string{"a.txt": "one\n"}))
	until[refinery.Settle](r)
	r.together(r.work(map[string]string{"b.txt": "b\n"}), old, r.work(map[string]string{"c.txt": "c\n"}))
	all := r.quiet()
	if back := effects[refinery.SendBack](all); len(back) != 1 || back[0].Bead != "ma-2" {
		t.Fatalf("%+v", back)
	}
	if gates := effects[refinery.RunGate](all); len(gates) != 1 || len(gates[0].Batch) != 2 {
		t.Fatalf("%+v", gates)
	}
}

// A large forge once built each change of a group on the base of the group, so that
// each took back what those before it did; every check was green, as it had run on
// something else. Here the builder is made to do the same.
func TestGroupBuiltOnAWrongBaseIsRefused(t *testing.T) {
	r := newRig(t, "true")
	ctx := context.Background()
	tips := []string{r.work(map[string]string{"a.txt": "a\n"}), r.work(map[string]string{"b.txt": "b\n"})}
	in := refinery.Intent{Old: r.root}
	at := r.root
	for i, tip := range tips {
		tree, err := r.repo.TreeOf(ctx, tip) // not the merge: b.txt without a.txt
		if err != nil {
			t.Fatal(err)
		}
		p := refinery.BuildPart{Bead: beads.ID(fmt.Sprint("ma-", i)), N: 1, Title: "x"}
		at, err = r.repo.CommitTree(ctx, git.NewCommit{Tree: tree, Parents: []string{at, tip}, Message: message(refinery.Build{}, p), Author: who()})
		if err != nil {
			t.Fatal(err)
		}
		in.Parts = append(in.Parts, refinery.Part{Bead: p.Bead, N: 1, Tip: tip, Commit: at})
		in.New, in.Tree = at, tree
	}
	ev, ok := r.run.publish(ctx, refinery.Publish{Branch: "main", Intent: in}).(refinery.PublishRefused)
	if !ok || !strings.Contains(ev.Why, "ma-1/1 would undo what landed in a.txt") || r.tip() != r.root {
		t.Fatalf("%+v, main at %s", ev, r.tip())
	}
	// The queue drops the landing, and builds each of them anew.
	q, _ := refinery.Step(refinery.Queue{Seq: 4, Intent: &in, Entries: []refinery.Entry{{Bead: "ma-0", N: 1, State: refinery.EntryLanding}}, Run: &refinery.Run{Seq: 4, Phase: refinery.PhaseLand, Parts: in.Parts}},
		refinery.PublishRefused{Seq: 4, Why: "wrong"}, time.Now(), r.cfg)
	if q.Intent != nil || q.Run == nil || q.Run.Phase != refinery.PhaseBuild || len(q.Run.Parts) != 1 {
		t.Fatalf("%+v", q)
	}
}

func TestIntentOfOtherParts(t *testing.T) {
	r := newRig(t)
	ctx := context.Background()
	built := func(parts ...refinery.BuildPart) refinery.Built {
		return r.run.build(ctx, refinery.Build{Branch: "main", Parts: parts}).(refinery.Built)
	}
	one := refinery.BuildPart{Bead: "ma-1", N: 1, Tip: r.work(map[string]string{"a": "a"}), Date: time.Unix(1e9, 0)}
	two := refinery.BuildPart{Bead: "ma-2", N: 1, Tip: r.work(map[string]string{"b": "b"}), Date: time.Unix(1e9, 0)}
	b := built(one, two)
	good := refinery.Intent{Old: b.Base, New: b.Commit, Tree: b.Tree, Parts: b.Parts}
	if why, err := r.run.wrong(ctx, good); why != "" || err != nil {
		t.Fatal(why, err)
	}
	for name, change := range map[string]func(*refinery.Intent){
		"one missing":   func(in *refinery.Intent) { in.Parts = in.Parts[1:] },
		"last missing":  func(in *refinery.Intent) { in.Parts = in.Parts[:1] },
		"another's tip": func(in *refinery.Intent) { in.Parts[0].Tip = two.Tip },
		"another bead":  func(in *refinery.Intent) { in.Parts[0].Bead = "ma-7" },
		"another tree":  func(in *refinery.Intent) { in.Tree = b.BaseTree },
	} {
		in := good
		in.Parts = append([]refinery.Part(nil), good.Parts...)
		change(&in)
		if why, err := r.run.wrong(ctx, in); why == "" || err != nil {
			t.Errorf("%s: not seen (%v)", name, err)
		}
	}
}

func TestWorkOfAnotherBeadWaitsForIt(t *testing.T) {
	r := newRig(t, "true")
	below := r.work(map[string]string{"a.txt": "a\n"})
	above := r.commit([]string{below}, map[string]string{"README.md": "hello\n", ".gitignore": "cache\n", "a.txt": "a\n", "b.txt": "b\n"})
	r.together(above, r.work(map[string]string{"c.txt": "c\n"}), below)
	settled := effects[refinery.Settle](r.quiet())
	var order []string
	for _, s := range settled {
		order = append(order, string(s.Bead))
	}
	if got := strings.Join(order, " "); got != "ma-2 ma-3 ma-1" {
		t.Fatal(got)
	}
	same := r.work(map[string]string{"d.txt": "d\n"})
	r.cfg.Batch = true
	r.step(refinery.Pause{})
	r.submit("mb-1", same)
	r.submit("mb-2", same)
	r.step(refinery.Resume{})
	if got := effects[refinery.Settle](r.quiet()); len(got) != 2 {
		t.Fatalf("two beads with one tip: %+v", got)
	}
}

// What was refused does not land inside another bead, unless a person lets it.
func TestRefusedWorkInsideAnotherBead(t *testing.T) {
	r := newRig(t, "true")
	evil := r.work(map[string]string{"evil.txt": "x"})
	two := r.commit([]string{evil}, map[string]string{"README.md": "hello\n", ".gitignore": "cache\n", "evil.txt": "x", "two.txt": "y"})
	r.run.Refused = func() (map[string]beads.ID, error) { return map[string]beads.ID{evil: "ma-1"}, nil }
	r.submit("ma-2", two)
	r.submit("ma-3", r.work(map[string]string{"three.txt": "z"}))
	if landed, back := r.over(); len(landed) != 1 || landed[0] != "ma-3" || len(back) > 0 {
		t.Fatalf("landed %v, sent back %v", landed, back)
	}
	if e := r.q.Entries[0]; e.State != refinery.EntryHeld || !strings.Contains(e.Why, "the work of ma-1") {
		t.Fatalf("%+v", e)
	}
	r.step(refinery.Release{Bead: "ma-2", By: "mayor"})
	if r.q.Run != nil {
		t.Fatal("an agent let in what was refused")
	}
	r.seen = nil
	r.submit("ma-1", r.commit([]string{evil}, map[string]string{"README.md": "hello\n", ".gitignore": "cache\n", "good.txt": "x"}))
	r.over()
	r.step(refinery.Release{Bead: "ma-2", By: "you", Person: true})
	if landed, _ := r.over(); len(landed) != 2 || landed[1] != "ma-2" {
		t.Fatalf("landed %v; %+v", landed, r.q.Entries)
	}

	// While the refused bead is in the queue again, the other waits for it.
	r.run.Refused = func() (map[string]beads.ID, error) { return map[string]beads.ID{evil: "mb-1"}, nil }
	evil = r.work(map[string]string{"b.txt": "x"})
	with := r.commit([]string{evil}, map[string]string{"README.md": "hello\n", ".gitignore": "cache\n", "b.txt": "x", "c.txt": "y"})
	again := r.commit([]string{evil}, map[string]string{"README.md": "hello\n", ".gitignore": "cache\n", "b.txt": "better"})
	r.cfg.Batch, r.seen = true, nil
	r.step(refinery.Pause{})
	r.submit("ma-4", with)
	r.submit("mb-1", again)
	r.step(refinery.Resume{})
	landed, back := r.over()
	if strings.Join(landed, " ") != "mb-1 ma-4" || len(back) > 0 {
		t.Fatalf("landed %v, sent back %v; %+v", landed, back, r.q.Entries)
	}
}

func TestLinearHistory(t *testing.T) {
	r := newRig(t, "true")
	r.cfg.History = "linear"
	ctx := context.Background()
	base := map[string]string{"README.md": "hello\n", ".gitignore": "cache\n"}
	with := func(kv ...string) map[string]string {
		m := map[string]string{}
		for k, v := range base {
			m[k] = v
		}
		for i := 0; i < len(kv); i += 2 {
			m[kv[i]] = kv[i+1]
		}
		return m
	}
	eve := git.Ident{Name: "Eve", Email: "eve@example.com", When: time.Unix(1.2e9, 0).UTC()}
	by := func(parent string, files map[string]string, msg string) string {
		tree, err := r.repo.TreeOf(ctx, r.commit(nil, files))
		if err != nil {
			t.Fatal(err)
		}
		c, err := r.repo.CommitTree(ctx, git.NewCommit{Tree: tree, Parents: []string{parent}, Message: msg, Author: eve})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	first := by(r.root, with("a.txt", "1\n"), "add a\n\nBody.\nAttempt: ma-9/1\n")
	tip := by(first, with("a.txt", "1\n", "b.txt", "1\n"), "add b\n\nSigned-off-by: Eve <eve@example.com>\n")
	other := r.work(map[string]string{"c.txt": "c\n"})
	r.together(other, tip)
	if s := effects[refinery.Settle](r.quiet()); len(s) != 2 {
		t.Fatalf("%+v", s)
	}
	log, err := r.repo.Log(ctx, git.LogOptions{From: r.tip()})
	if err != nil || len(log) != 4 {
		t.Fatal(err, len(log))
	}
	for i, c := range log[:3] {
		if len(c.Parents) != 1 {
			t.Fatalf("%d: not a line: %+v", i, c)
		}
	}
	if c := log[0]; c.Author.Name != "Eve" || !c.Author.When.Equal(eve.When) || c.Committer.Name != "Ada" || c.Subject != "add b" || c.Trailer("Attempt") != "ma-2/1" || c.Trailer("Signed-off-by") == "" {
		t.Fatalf("%+v", c)
	}
	if c := log[1]; c.Trailer("Attempt") != "ma-2/1" || strings.Contains(c.Message, "ma-9") || !strings.Contains(c.Message, "Body.") {
		t.Fatalf("a forged trailer is kept: %q", c.Message)
	}
	if tree, _ := r.repo.TreeOf(ctx, r.tip()); r.show(r.tip(), "a.txt") != "1\n" || tree == "" {
		t.Fatal("work is missing")
	}
	// The same attempt again, and its commits in another one, are in already.
	b := refinery.Build{Branch: "main", History: "linear", Parts: []refinery.BuildPart{{Bead: "ma-2", N: 1, Tip: tip, Date: time.Unix(1e9, 0)}}}
	if got := r.run.build(ctx, b).(refinery.Built); got.AlreadyIn != "ma-2" || got.Commit != log[0].Hash {
		t.Fatalf("the same attempt: %+v", got)
	}
	r.submit("ma-5", r.commit([]string{r.tip()}, with("a.txt", "2\n", "b.txt", "1\n", "c.txt", "c\n"))) // main goes on in the same file
	until[refinery.Settle](r)
	b.Parts[0] = refinery.BuildPart{Bead: "ma-6", N: 1, Tip: tip, Date: time.Unix(1e9, 0)}
	if got := r.run.build(ctx, b).(refinery.Built); got.AlreadyIn != "ma-6" {
		t.Fatalf("by patch: %+v", got)
	}
	b.Parts[0].Tip = by(tip, with("a.txt", "1\n", "b.txt", "2\n"), "change b")
	got := r.run.build(ctx, b).(refinery.Built)
	if got.Err != "" || len(got.Parts) != 1 || r.show(got.Commit, "b.txt") != "2\n" || r.show(got.Commit, "a.txt") != "2\n" {
		t.Fatalf("only what is new: %+v", got)
	}
	if again := r.run.build(ctx, b).(refinery.Built); again.Commit != got.Commit {
		t.Fatal("not deterministic")
	}
}

func TestLinearWithAMergeInside(t *testing.T) {
	r := newRig(t, "true")
	r.cfg.History = "linear"
	r.submit("ma-1", r.work(map[string]string{"a.txt": "a\n"}))
	until[refinery.Settle](r)
	side := r.work(map[string]string{"b.txt": "b\n"})
	tip := r.commit([]string{side, r.tip()}, map[string]string{"README.md": "hello\n", ".gitignore": "cache\n", "a.txt": "a\n", "b.txt": "b\n"})
	r.submit("ma-2", tip)
	s := until[refinery.Settle](r)
	log, err := r.repo.Log(context.Background(), git.LogOptions{From: s.Commit})
	if err != nil || len(log) != 3 || log[0].Subject != "Add ma-2" || r.show(s.Commit, "b.txt") != "b\n" {
		t.Fatalf("%v %+v", err, log)
	}
}
