package refinery

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gastown/beads"
)

func start() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

// drive feeds events to Step and keeps what it asked for.
type drive struct {
	t   *testing.T
	q   Queue
	cfg Config
	now time.Time
	out []Effect // of the last event
	all []Effect
}

func newDrive(t *testing.T) *drive {
	t.Helper()
	return &drive{t: t, q: Queue{Rig: "app"}, now: start(), cfg: Config{
		Branch: "main", History: "merge", Gates: []Gate{{Name: "test", Run: "make test"}},
	}}
}

func (d *drive) send(evs ...Event) {
	d.t.Helper()
	for _, ev := range evs {
		in := d.q
		before := asJSON(d.t, in)
		d.q, d.out = Step(in, ev, d.now, d.cfg)
		if diff := cmp.Diff(before, asJSON(d.t, in)); diff != "" {
			d.t.Fatalf("%T changed its input: %s", ev, diff)
		}
		d.all = append(d.all, d.out...)
	}
}

// asJSON is a copy that shares nothing.
func asJSON(t interface{ Fatal(...any) }, q Queue) string {
	data, err := json.Marshal(q)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func (d *drive) after(dt time.Duration, evs ...Event) {
	d.t.Helper()
	d.now = d.now.Add(dt)
	d.send(evs...)
}

func (d *drive) submit(ids ...string) {
	d.t.Helper()
	for _, id := range ids {
		d.send(Submit{Entry{Bead: beads.ID(id), N: 1, Polecat: "amber", Title: "t", Tip: "tip-" + id, Priority: 2}})
	}
}

// built answers the build in progress for the given base.
func (d *drive) built(base string) {
	d.t.Helper()
	r := d.q.Run
	d.q.Target = base
	c := fmt.Sprintf("%s+%s/%d", base, r.Parts[0].Bead, r.Parts[0].N)
	d.send(Built{Seq: r.Seq, Base: base, BaseTree: "T" + base, Commit: c, Tree: "T" + c, Parts: []Part{{Bead: r.Parts[0].Bead, N: r.Parts[0].N, Commit: c}}})
}

func (d *drive) gate(o Outcome) {
	d.t.Helper()
	r := d.q.Run
	d.send(GateStarted{Seq: r.Seq, Gate: r.Gate, PID: 7, Log: "log"})
	d.send(GateDone{Seq: r.Seq, Gate: r.Gate, Outcome: o, Code: map[Outcome]int{Fail: 1, Broken: 127, Infra: 137}[o], Took: time.Second, Log: "log", Tail: "tail"})
}

func (d *drive) publish() {
	d.t.Helper()
	in := d.q.Intent
	d.send(Published{Seq: d.q.Run.Seq, Old: in.Old, New: in.New})
}

func (d *drive) state(want State) {
	d.t.Helper()
	if d.q.State != want {
		d.t.Fatalf("state %q (%s), want %q", d.q.State, d.q.Reason, want)
	}
}

// got finds the effects of type T in the last output.
func got[T Effect](d *drive) []T {
	var ts []T
	for _, e := range d.out {
		if x, ok := e.(T); ok {
			ts = append(ts, x)
		}
	}
	return ts
}

func one[T Effect](d *drive) T {
	d.t.Helper()
	ts := got[T](d)
	if len(ts) != 1 {
		d.t.Fatalf("%d effects of %T, want 1, in %+v", len(ts), *new(T), d.out)
	}
	return ts[0]
}

func none[T Effect](d *drive) {
	d.t.Helper()
	if ts := got[T](d); len(ts) > 0 {
		d.t.Fatalf("unexpected %+v", ts)
	}
}

func TestLands(t *testing.T) {
	d := newDrive(t)
	d.cfg.Gates = append(d.cfg.Gates, Gate{Name: "lint", Run: "make lint"})
	d.submit("ma-1")
	b := one[Build](d)
	if diff := cmp.Diff(d.cfg.Gates, b.Gates); diff != "" {
		t.Fatal(diff)
	}
	d.built("B")
	d.state(Gating)
	if g := one[RunGate](d); g.Index != 0 || g.Commit != "B+ma-1/1" || g.Tree != "TB+ma-1/1" || g.Fresh || g.Timeout != unknownTimeout {
		t.Fatalf("%+v", g)
	}
	d.gate(Pass)
	if g := one[RunGate](d); g.Index != 1 {
		t.Fatalf("%+v", g)
	}
	d.gate(Pass)
	p := one[Publish](d)
	if p.Intent.Old != "B" || p.Intent.New != "B+ma-1/1" || d.q.Intent == nil {
		t.Fatalf("%+v", p)
	}
	d.state(Landing)
	d.publish()
	if s := one[Settle](d); s.Bead != "ma-1" || s.Commit != "B+ma-1/1" {
		t.Fatalf("%+v", s)
	}
	d.state(Idle)
	if d.q.Total != 1 || len(d.q.Entries) != 0 || d.q.Intent != nil || d.q.Target != "B+ma-1/1" || !Next(d.q, d.now, d.cfg).IsZero() {
		t.Fatalf("%+v", d.q)
	}
}

// fails gates a candidate red, and then the base with the given outcomes.
func fails(d *drive, base ...Outcome) {
	d.t.Helper()
	d.submit("ma-1")
	d.built("B")
	d.gate(Fail)
	for _, o := range base {
		if len(d.q.Run.Parts) != 0 {
			d.t.Fatalf("the base is not gated: %+v", d.q.Run)
		}
		d.gate(o)
	}
}

func TestRedCandidateOnGreenBase(t *testing.T) {
	d := newDrive(t)
	fails(d, Pass)
	d.built("B")
	if s := one[SendBack](d); s.Bead != "ma-1" || s.Log != "tail" || s.LogPath != "log" || s.StrikeOut || !strings.Contains(s.Why, `"test" failed: exit 1`) {
		t.Fatalf("%+v", s)
	}
	none[RunGate](d)
	d.state(Idle)
	if d.q.Bounced != 1 {
		t.Fatal(d.q.Bounced)
	}
}

func TestRedBaseBlamesNobody(t *testing.T) {
	d := newDrive(t)
	d.submit("ma-0")
	fails(d, Fail)
	d.state(MainRed)
	none[SendBack](d)
	if p := one[Problem](d); !strings.HasSuffix(p.Key, "main_red") {
		t.Fatalf("%+v", p)
	}
	if Position(d.q, "ma-1") != 2 || !Next(d.q, d.now, d.cfg).IsZero() {
		t.Fatal("entries must keep places and the queue must rest")
	}
	// A fix that is green lands, and the queue goes on.
	d.after(time.Minute, Submit{Entry{Bead: "ma-fix", N: 1, Priority: 0}})
	if b := one[Build](d); b.Parts[0].Bead != "ma-fix" {
		t.Fatalf("%+v", b)
	}
	d.state(MainRed)
	d.built("B")
	d.gate(Pass)
	d.publish()
	if g := one[ProblemGone](d); !strings.HasSuffix(g.Key, "main_red") {
		t.Fatalf("%+v", g)
	}
	if b := one[Build](d); b.Parts[0].Bead != "ma-0" {
		t.Fatalf("%+v", b)
	}
}

func TestFixThatFailsIsTriedOnce(t *testing.T) {
	d := newDrive(t)
	fails(d, Fail)
	d.after(time.Minute, Submit{Entry{Bead: "ma-fix", N: 1, Priority: 0}})
	d.built("B")
	d.gate(Fail)
	d.state(MainRed)
	none[Build](d)
	none[SendBack](d)
	d.after(time.Hour, Tick{})
	none[Build](d)
	d.q.Target = "C" // what the origin gained
	d.after(time.Second, Tick{})
	one[Build](d)
	d.state(Gating)
}

func TestEmptyTargetIsNotRed(t *testing.T) {
	d := newDrive(t)
	d.submit("ma-1")
	d.send(Built{Seq: d.q.Run.Seq, Base: "B", BaseTree: emptyTree1, Commit: "C", Tree: "T"})
	d.gate(Fail)
	one[SendBack](d)
}

func TestHangs(t *testing.T) {
	d := newDrive(t)
	d.submit("ma-1")
	d.built("B")
	d.gate(TimedUp)
	if g := one[RunGate](d); !g.Fresh || g.Index != 0 {
		t.Fatalf("the retry needs a fresh worktree: %+v", g)
	}
	if d.q.Entries[0].Hangs != 1 {
		t.Fatal(d.q.Entries[0].Hangs)
	}
	d.gate(TimedUp)
	d.gate(Pass) // the base
	d.built("B")
	if s := one[SendBack](d); !strings.Contains(s.Why, "hung twice") || s.LogPath != "log" {
		t.Fatalf("%+v", s)
	}
}

func TestNobodyIsBlamed(t *testing.T) {
	for _, tc := range []struct {
		name     string
		outcomes []Outcome
	}{
		{"broken", []Outcome{Broken, Broken}}, // the candidate, and the target
		{"infra twice", []Outcome{Infra, Infra, Infra, Infra}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := newDrive(t)
			d.submit("ma-1")
			d.built("B")
			for _, o := range tc.outcomes {
				d.state(Gating)
				d.gate(o)
			}
			d.state(Paused)
			none[SendBack](d)
			if p := one[Problem](d); !strings.HasSuffix(p.Key, "broken") || p.Hint == "" {
				t.Fatalf("%+v", p)
			}
			for _, again := range []Event{Resume{By: "me"}, Restart{By: "me"}} {
				e := *d
				e.send(again)
				one[Build](&e)
				one[ProblemGone](&e)
				e.state(Gating)
			}
			d.cfg.Gates = []Gate{{Name: "test", Run: "make check"}}
			d.send(Tick{}) // settings were corrected
			one[Build](d)
		})
	}
}

func TestUnaskedStopIsAnError(t *testing.T) {
	d := newDrive(t)
	d.submit("ma-1")
	for i := range 3 {
		d.built("B")
		d.gate(Stopped)
		if i < 2 {
			d.state(Idle)
			next := Next(d.q, d.now, d.cfg)
			if !next.After(d.now) {
				t.Fatal("no back-off")
			}
			d.now = next
			d.send(Tick{})
		}
	}
	d.state(Failed)
	none[SendBack](d)
}

func TestNoGates(t *testing.T) {
	d := newDrive(t)
	d.cfg.Gates = nil
	d.submit("ma-1")
	d.state(NoGates)
	none[Build](d)
	one[Problem](d)
	d.cfg.Ungated = true
	d.send(Tick{})
	if b := one[Build](d); len(b.Gates) != 0 {
		t.Fatalf("%+v", b)
	}
	one[ProblemGone](d)
	d.built("B")
	one[Publish](d)
	d.publish()
	one[Settle](d)
}

func TestThreeStrikes(t *testing.T) {
	d := newDrive(t)
	for n := 1; n <= 3; n++ {
		d.after(time.Hour, Submit{Entry{Bead: "ma-1", N: n, SentBack: n - 1}})
		if got := d.q.Entries[0].SubmittedAt; !got.Equal(start().Add(time.Hour)) {
			t.Fatalf("attempt %d lost its time: %s", n, got)
		}
		d.send(Built{Seq: d.q.Run.Seq, Conflict: &Conflict{Bead: "ma-1", N: n, Files: []string{"a.go"}, Detail: "both changed a.go"}})
		s := one[SendBack](d)
		if s.StrikeOut != (n == 3) || s.N != n || s.Why != "conflict with main in a.go" || s.Log != "both changed a.go" {
			t.Fatalf("%+v", s)
		}
	}
}

func TestPersons(t *testing.T) {
	d := newDrive(t)
	d.submit("ma-1", "ma-2")
	d.send(Hold{Bead: "ma-1", By: "me"})
	if b := one[Build](d); b.Parts[0].Bead != "ma-2" {
		t.Fatalf("%+v", b)
	}
	d.built("B")
	d.send(Drop{Bead: "ma-2"})
	one[StopGate](d)
	d.gate(Stopped)
	if d.q.Bounced != 1 { // by a person
		t.Error(d.q.Bounced)
	}
	none[Build](d)
	d.send(Release{Bead: "ma-1"})
	one[Build](d)
	d.built("B")
	d.send(Pause{By: "me", Reason: "lunch"})
	d.state(Paused)
	one[StopGate](d)
	d.gate(Stopped)
	none[Build](d)
	d.send(Restart{})
	d.state(Paused)
	d.send(Resume{By: "me"})
	d.built("B")
	d.gate(Pass)
	d.send(Drop{Bead: "ma-1"})
	d.state(Landing)
	d.publish()
	one[Settle](d)
}

// A hold and a pause of a person are stronger than those of an agent, whoever came first.
func TestAPersonsHoldAndPause(t *testing.T) {
	d := newDrive(t)
	d.send(Pause{By: "mayor"}, Pause{By: "me", Person: true}, Pause{By: "mayor"})
	d.submit("ma-1")
	d.send(Hold{Bead: "ma-1", By: "mayor"}, Hold{Bead: "ma-1", By: "me", Person: true}, Hold{Bead: "ma-1", By: "mayor"})
	d.send(Resume{By: "mayor"}, Release{Bead: "ma-1", By: "mayor"}, Restart{By: "mayor"})
	if e := d.q.Entries[0]; d.q.State != Paused || d.q.PausedBy != "me" || e.State != EntryHeld || e.HeldBy != "me" {
		t.Fatalf("%+v", d.q)
	}
	d.send(Resume{By: "me", Person: true}, Release{Bead: "ma-1", By: "me", Person: true})
	one[Build](d)
	d.send(Pause{By: "mayor"}, Hold{Bead: "ma-1", By: "mayor"})
	d.send(Release{Bead: "ma-1", By: "mayor"}, Resume{By: "mayor"})
	one[Build](d)
}

func TestApproval(t *testing.T) {
	d := newDrive(t)
	d.send(Submit{Entry{Bead: "ma-1", N: 1, AskFirst: true}})
	d.built("B")
	d.gate(Pass)
	if d.q.Entries[0].State != EntryApprove {
		t.Fatal(d.q.Entries[0].State)
	}
	d.send(Approve{Bead: "ma-1", By: "me"})
	d.built("B")
	none[RunGate](d) // this tree was gated
	one[Publish](d)
}

func TestSettingsChangeUnderAGate(t *testing.T) {
	changed := func() *drive {
		d := newDrive(t)
		d.submit("ma-1")
		d.built("B")
		d.cfg.Gates = []Gate{{Name: "test", Run: "make check"}}
		return d
	}
	d := changed()
	d.gate(Pass)
	none[Publish](d)
	one[Build](d)
	d = changed()
	d.send(GateDone{Seq: d.q.Run.Seq, Outcome: Pass}) // before any other event
	none[Publish](d)
	one[Build](d)
	d = changed()
	d.send(Tick{})
	one[StopGate](d)
}

func TestBaseThatHangsIsRed(t *testing.T) {
	d := newDrive(t)
	fails(d, TimedUp, TimedUp)
	d.state(MainRed)
	none[SendBack](d)
	if !strings.Contains(d.q.Reason, "(hung)") {
		t.Fatal(d.q.Reason)
	}
}

func TestConfirm(t *testing.T) {
	d := newDrive(t)
	d.cfg.Confirm = true
	fails(d, Pass)
	d.built("B")
	none[SendBack](d)
	if g := one[RunGate](d); !g.Fresh {
		t.Fatalf("%+v", g)
	}
	e := *d
	d.gate(Fail)
	one[SendBack](d)
	e.gate(Pass)
	one[Publish](&e)
}

func TestOrder(t *testing.T) {
	q := Queue{Entries: []Entry{
		{Bead: "older-p4", Priority: 4, SubmittedAt: start().Add(-1021 * time.Minute), State: EntryQueued},
		{Bead: "old-p4", Priority: 4, SubmittedAt: start().Add(-301 * time.Minute), State: EntryQueued},
		{Bead: "b-p1", Priority: 1, SubmittedAt: start(), State: EntryQueued},
		{Bead: "a-p1", Priority: 1, SubmittedAt: start(), State: EntryQueued},
		{Bead: "p0", Priority: 0, SubmittedAt: start().Add(time.Minute), State: EntryQueued},
		{Bead: "p2", Priority: 2, SubmittedAt: start(), State: EntryQueued, Needs: []beads.ID{"p3"}},
		{Bead: "p3", Priority: 3, SubmittedAt: start(), State: EntryQueued},
	}}
	var order []string
	for len(q.Entries) > 0 {
		i := runnable(q, Config{Ungated: true})
		order = append(order, string(q.Entries[i].Bead))
		q = clone(q)
		q.Entries = append(q.Entries[:i], q.Entries[i+1:]...)
	}
	if diff := cmp.Diff([]string{"older-p4", "p0", "old-p4", "a-p1", "b-p1", "p3", "p2"}, order); diff != "" {
		t.Fatal(diff)
	}
	circle := Queue{Entries: []Entry{
		{Bead: "a", State: EntryQueued, Needs: []beads.ID{"b"}}, {Bead: "b", State: EntryQueued, Needs: []beads.ID{"a"}},
	}}
	if runnable(circle, Config{Ungated: true}) < 0 {
		t.Fatal("a circle of needs stands for ever")
	}
}
