package refinery

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"gastown/beads"
)

// world is a repository, a runner and a crowd of people around one queue.
type world struct {
	t       *rapid.T
	q       Queue
	cfg     Config
	now     time.Time
	pending Action // the one action without an answer; StopGate is not one
	stop    bool   // it was told to stop

	target  string
	parent  map[string]string // commit: first parent
	tree    map[string]string // commit: tree, the sorted list of what is in it
	values  []string          // that we gave the target
	green   map[string]bool   // tree: all gates passed on exactly it
	passed  map[string]int    // "SEQ": gates passed in this run
	bad     map[string]bool   // attempts that make a gate fail
	settled map[beads.ID]int
	first   map[beads.ID]time.Time
	n       map[beads.ID]int
	honest  bool // no more faults
	tick0   bool // the event is a Tick: an action without an answer may be given up
	blameOK bool // the outcome just given may blame somebody
	ext     int
}

func newWorld(t *rapid.T) *world {
	w := &world{
		t: t, q: Queue{Rig: "app", Target: "root"}, now: start(), target: "root",
		parent: map[string]string{}, tree: map[string]string{"root": "readme"}, green: map[string]bool{}, passed: map[string]int{},
		bad: map[string]bool{}, settled: map[beads.ID]int{}, first: map[beads.ID]time.Time{}, n: map[beads.ID]int{},
		cfg: Config{Branch: "main", Confirm: rapid.Bool().Draw(t, "confirm"), Batch: rapid.IntRange(0, 3).Draw(t, "batch") > 0},
	}
	for i := range rapid.IntRange(1, 2).Draw(t, "gates") {
		w.cfg.Gates = append(w.cfg.Gates, Gate{Name: fmt.Sprint("g", i), Run: "x"})
	}
	return w
}

func (w *world) send(ev Event) {
	in := w.q
	before := asJSON(w.t, in)
	next, out := Step(in, ev, w.now, w.cfg)
	again, out2 := Step(in, ev, w.now, w.cfg)
	if !reflect.DeepEqual(next, again) || !reflect.DeepEqual(out, out2) {
		w.t.Fatalf("%T: not deterministic", ev)
	}
	if diff := cmp.Diff(before, asJSON(w.t, in)); diff != "" {
		w.t.Fatalf("%T changed its input: %s", ev, diff)
	}
	w.q = next
	_, w.tick0 = ev.(Tick)
	for _, e := range out {
		w.effect(e)
	}
	w.check(ev)
}

func (w *world) effect(e Effect) {
	switch e := e.(type) {
	case Build:
		w.order(e)
		w.pending, w.stop = e, false
	case RunGate:
		w.idle(e)
		w.pending, w.stop = e, false
	case Publish:
		w.idle(e)
		if w.q.Intent == nil || w.q.Intent.New != e.Intent.New {
			w.t.Fatalf("publish without a stored intent: %+v", e)
		}
		w.pending, w.stop = e, false
	case StopGate:
		w.stop = true
	case Settle:
		w.settled[e.Bead]++
		if !w.has(w.target, e.Bead) {
			w.t.Fatalf("%s settled, but it is not in %s", e.Bead, w.target)
		}
	case SendBack:
		if !w.blameOK {
			w.t.Fatalf("%s blamed: %s", e.Bead, e.Why)
		}
	}
}

// idle checks that no work is given while there is some; a build may be forgotten.
func (w *world) idle(e Action) {
	if w.pending != nil && !w.tick0 {
		w.t.Fatalf("%T while %T has no answer", e, w.pending)
	}
}

// order checks the choice of a build against the rules, written once more: nothing
// that could go is passed over, and what goes together may.
func (w *world) order(b Build) {
	if _, ok := w.pending.(Build); !ok {
		w.idle(b)
	}
	at := func(id beads.ID) time.Time {
		e := w.q.Entries[index(w.q, id)]
		return e.SubmittedAt.Add([]time.Duration{-720, 10, 30, 100, 300}[e.Priority] * time.Minute)
	}
	taken := map[beads.ID]bool{}
	for _, p := range b.Parts {
		chosen := p.Bead
		taken[chosen] = true
		e := w.q.Entries[index(w.q, chosen)]
		if len(b.Parts) > 1 && (e.Priority == 0 || e.SentBack > 1 || e.AskFirst && !e.Approved || !w.cfg.Batch || w.q.Stop != nil) {
			w.t.Fatalf("%s shares a candidate: %+v", chosen, b.Parts)
		}
		for _, e := range w.q.Entries {
			if taken[e.Bead] || e.Held || e.State == EntryApprove || w.q.Stop != nil ||
				slices.ContainsFunc(e.Needs, func(n beads.ID) bool { return index(w.q, n) >= 0 }) {
				continue
			}
			if at(e.Bead).Before(at(chosen)) || at(e.Bead).Equal(at(chosen)) && e.Bead < chosen {
				w.t.Fatalf("%s goes before %s", chosen, e.Bead)
			}
		}
	}
}

func (w *world) has(commit string, id beads.ID) bool {
	for _, x := range strings.Fields(w.tree[commit]) {
		if strings.HasPrefix(x, string(id)+"/") {
			return true
		}
	}
	return false
}

func (w *world) check(ev Event) {
	w.blameOK = false
	for id, n := range w.settled {
		if n > 1 {
			w.t.Fatalf("%s landed %d times", id, n)
		}
	}
	if r := w.q.Run; r != nil && r.Base != "" && strings.HasPrefix(r.Base, "ext") {
		w.t.Fatalf("builds on %s, which no gate saw", r.Base)
	}
	for _, c := range w.values {
		if !w.green[w.tree[c]] {
			w.t.Fatalf("%s was a value of the target and its tree was not gated green", c)
		}
	}
	if (w.q.Run == nil) != (w.pending == nil) {
		_, building := w.pending.(Build)
		_, late := ev.(Tick)
		if w.q.Run != nil || !building && !late {
			w.t.Fatalf("after %T: run %+v, outstanding %+v", ev, w.q.Run, w.pending)
		}
		if p, ok := w.pending.(Publish); ok && rapid.Bool().Draw(w.t, "late publish") {
			w.publish(p.Intent)
		}
		w.pending, w.stop = nil, false // forgotten; its answer is stale
	}
	if len(w.q.Entries) > 0 && w.q.Run == nil && (w.q.State == Idle || w.q.State == Gating || w.q.State == Hung || w.q.State == Landing) {
		if runnable(w.q, w.cfg) >= 0 && Next(w.q, w.now, w.cfg).IsZero() {
			w.t.Fatalf("stuck in %q: %+v", w.q.State, w.q)
		}
	}
	for _, e := range w.q.Entries {
		if !e.SubmittedAt.Equal(w.first[e.Bead]) {
			w.t.Fatalf("%s lost its time", e.Bead)
		}
		if WhyNot(w.q, e.Bead, w.now) == "" {
			w.t.Fatal("no reason")
		}
	}
	if next := Next(w.q, w.now, w.cfg); !next.IsZero() && next.Before(w.now) {
		if r := w.q.Run; r == nil || !w.now.After(overdue(r)) && r.HungSince.IsZero() {
			w.t.Fatalf("next tick %s is past %s", next, w.now)
		}
	}
}

func (w *world) submit() {
	id := beads.ID(rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f"}).Draw(w.t, "bead"))
	if index(w.q, id) >= 0 || w.settled[id] > 0 {
		return
	}
	w.n[id]++
	e := Entry{Bead: id, N: w.n[id], SentBack: w.n[id] - 1, Priority: rapid.IntRange(0, 4).Draw(w.t, "priority"), AskFirst: rapid.IntRange(0, 9).Draw(w.t, "ask") == 0}
	if id > "a" && rapid.IntRange(0, 3).Draw(w.t, "needs") == 0 {
		e.Needs = []beads.ID{beads.ID(string(id[0] - 1))}
	}
	if _, ok := w.first[id]; !ok || w.q.First[id].IsZero() {
		w.first[id] = w.now
	}
	w.bad[fmt.Sprintf("%s/%d", id, e.N)] = rapid.IntRange(0, 3).Draw(w.t, "bad") == 0 && !w.honest
	w.send(Submit{e})
}

// answer performs the outstanding action and reports it.
func (w *world) answer() {
	switch a := w.pending.(type) {
	case Build:
		w.pending = nil
		w.answerBuild(a)
	case RunGate:
		w.pending = nil
		w.answerGate(a)
	case Publish:
		w.pending = nil
		w.answerPublish(a)
	}
}

func (w *world) fault(p int, what string) bool {
	return !w.honest && rapid.IntRange(0, 99).Draw(w.t, what) < p
}

func (w *world) answerBuild(a Build) {
	if w.fault(8, "build error") {
		w.send(Built{Seq: a.Seq, Err: "disk full"})
		return
	}
	at := w.target
	if at != a.Target {
		w.send(Built{Seq: a.Seq, Base: at, Err: "it is not at " + a.Target})
		return
	}
	var parts []Part
	for i, p := range a.Parts {
		part := fmt.Sprintf("%s/%d", p.Bead, p.N)
		switch {
		case w.has(w.target, p.Bead):
			w.send(Built{Seq: a.Seq, Base: w.target, AlreadyIn: p.Bead, Commit: w.target})
			return
		case w.fault(5, "conflict"):
			w.blameOK = true
			w.send(Built{Seq: a.Seq, Base: w.target, Conflict: &Conflict{Bead: p.Bead, N: p.N, Files: []string{"x"}}})
			return
		}
		if i > 0 && w.fault(5, "conflict with the batch") {
			break
		}
		c := at + "+" + part
		w.parent[c] = at
		w.tree[c] = w.tree[at] + " " + part
		at = c
		parts = append(parts, Part{Bead: p.Bead, N: p.N, Commit: c, Change: "+" + part})
	}
	w.blameOK = true // a known verdict may be acted on
	w.send(Built{Seq: a.Seq, Base: w.target, BaseTree: w.tree[w.target], Commit: at, Tree: w.tree[at], Parts: parts})
}

func (w *world) red(tree string) bool {
	return slices.ContainsFunc(strings.Fields(tree), func(p string) bool { return w.bad[p] })
}

func (w *world) answerGate(a RunGate) {
	if w.fault(80, "started") {
		w.pending = a
		w.send(GateStarted{Seq: a.Seq, Gate: a.Index, PID: 1})
		if w.pending == nil || w.stop {
			w.stopped(a)
			return
		}
		w.pending = nil
	}
	done := GateDone{Seq: a.Seq, Gate: a.Index, Outcome: Pass, Took: time.Second}
	switch {
	case w.stop:
		w.stopped(a)
		return
	case w.fault(10, "hang"):
		done.Outcome = TimedUp
	case w.fault(8, "infra"):
		done.Outcome = Infra
	case w.fault(5, "broken"):
		done.Outcome = Broken
	case w.red(a.Tree):
		done.Outcome, done.Code = Fail, 1
	}
	w.blameOK = done.Outcome == Fail || done.Outcome == TimedUp
	if run := fmt.Sprint(a.Seq); done.Outcome == Pass {
		if a.Index == w.passed[run] {
			w.passed[run]++
		}
		if w.passed[run] == len(w.cfg.Gates) {
			w.green[a.Tree] = true
		}
	}
	w.send(done)
}

func (w *world) stopped(a RunGate) {
	w.pending, w.stop = nil, false
	o := Stopped
	if w.fault(30, "race") {
		o = rapid.SampledFrom([]Outcome{Pass, Fail, Broken, Infra, TimedUp}).Draw(w.t, "outcome of a stopped gate")
	}
	w.send(GateDone{Seq: a.Seq, Gate: a.Index, Outcome: o})
}

func (w *world) answerPublish(a Publish) {
	did := w.publish(a.Intent)
	if w.fault(15, "publish error") {
		w.send(PublishErr{Seq: a.Seq, Err: "lost contact"})
		return
	}
	if did {
		w.send(Published{Seq: a.Seq, Old: a.Intent.Old, New: a.Intent.New})
		return
	}
	w.send(PublishLost{Seq: a.Seq, Now: w.target})
}

// publish is the compare-and-swap; it reports whether the target has it.
func (w *world) publish(in Intent) bool {
	if w.contains(in.New) {
		return true
	}
	if w.target != in.Old {
		return false
	}
	w.target = in.New
	w.values = append(w.values, in.New)
	return true
}

func (w *world) contains(commit string) bool {
	for c := w.target; c != ""; c = w.parent[c] {
		if c == commit {
			return true
		}
	}
	return false
}

// move is an agent that moves the target itself. Nothing on it may be built on or kept.
func (w *world) move() {
	w.ext++
	c := fmt.Sprint("ext", w.ext)
	w.parent[c], w.tree[c] = w.target, w.tree[w.target]+" "+c
	w.target = c
	if rapid.Bool().Draw(w.t, "told") {
		w.send(TargetMoved{Commit: c, Known: w.q.Target})
	}
}

// putBack is what lets a queue go on whose target was moved.
func (w *world) putBack() {
	w.target = w.q.Target
	w.send(TargetMoved{Commit: w.target, Known: w.target})
}

// crash loses everything but the stored queue; what was under way may have happened.
func (w *world) crash() {
	if p, ok := w.pending.(Publish); ok && rapid.Bool().Draw(w.t, "published") {
		w.publish(p.Intent)
	}
	w.pending, w.stop = nil, false
	data, err := json.Marshal(w.q)
	if err != nil {
		w.t.Fatal(err)
	}
	w.q = Queue{}
	if err := json.Unmarshal(data, &w.q); err != nil {
		w.t.Fatal(err)
	}
	ev := Restarted{Target: w.target}
	if in := w.q.Intent; in != nil {
		ev.IntentDone = w.contains(in.New)
	}
	w.send(ev)
}

func (w *world) tick() {
	dt := time.Duration(rapid.IntRange(0, 400).Draw(w.t, "seconds")) * time.Second
	w.now = w.now.Add(dt)
	w.send(Tick{})
}

// drain plays fair until nothing is left, and fails if that takes too long.
func (w *world) drain() {
	w.honest = true
	for i := 0; ; i++ {
		if i > 500 {
			w.t.Fatalf("never drained: %+v", w.q)
		}
		if len(w.q.Entries) == 0 && w.q.Run == nil {
			return
		}
		switch {
		case w.pending != nil:
			w.answer()
		case w.q.Moved():
			w.putBack()
		case w.q.State == MainRed || w.q.State == Paused || w.q.State == Failed:
			w.send(Resume{})
		case !Next(w.q, w.now, w.cfg).IsZero():
			if next := Next(w.q, w.now, w.cfg); next.After(w.now) {
				w.now = next
			}
			w.send(Tick{})
		default:
			for _, e := range w.q.Entries {
				w.send(Release{Bead: e.Bead})
				w.send(Approve{Bead: e.Bead})
			}
		}
	}
}

func TestQueueInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		bead := func() beads.ID {
			return beads.ID(rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f"}).Draw(t, "bead"))
		}
		for range rapid.IntRange(1, 120).Draw(t, "steps") {
			switch k := rapid.IntRange(0, 99).Draw(t, "what"); {
			case k < 18:
				w.submit()
			case k < 65:
				w.answer()
			case k < 75:
				w.tick()
			case k < 78:
				w.send(Hold{Bead: bead()})
			case k < 81:
				w.send(Release{Bead: bead()})
			case k < 83:
				w.send(Drop{Bead: bead()})
			case k < 85:
				w.send(Approve{Bead: bead()})
			case k < 87:
				w.send(Pause{})
			case k < 90:
				w.send(Resume{})
			case k < 93:
				w.send(Restart{})
			case k < 96:
				w.move()
			case k < 98:
				w.crash()
			default: // an answer of long ago
				w.send(GateDone{Seq: w.q.Seq + 1, Outcome: Pass})
				w.send(Published{})
			}
		}
		w.drain()
		for id, n := range w.settled {
			if n == 1 && !w.has(w.target, id) {
				t.Fatalf("%s settled but lost", id)
			}
		}
	})
}
