package refinery

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"gastown/beads"
)

// newBatch is a queue with these beads, taken as one batch on a target known green
// or not.
func newBatch(t *testing.T, green bool, ids ...string) *drive {
	t.Helper()
	d := newDrive(t)
	d.cfg.Batch, d.cfg.Confirm = true, true
	if green {
		d.q.Verdicts = []Verdict{{Tree: "TB", Key: d.q.Key(d.cfg.Gates), Outcome: Pass, Runs: 1, At: d.now}}
	}
	d.send(Pause{})
	d.submit(ids...)
	d.send(Resume{})
	return d
}

// chain answers the build in progress with all its parts.
func (d *drive) chain(base string) {
	d.t.Helper()
	r := d.q.Run
	d.q.Target = base
	ev := Built{Seq: r.Seq, Base: base, BaseTree: "T" + base, Commit: base}
	for _, p := range r.Parts {
		ev.Commit += "+" + string(p.Bead)
		ev.Parts = append(ev.Parts, Part{Bead: p.Bead, N: p.N, Tip: p.Tip, Commit: ev.Commit})
	}
	ev.Tree = "T" + ev.Commit
	d.send(ev)
}

func (d *drive) running() string {
	var s []string
	if d.q.Run != nil {
		for _, p := range d.q.Run.Parts {
			s = append(s, string(p.Bead))
		}
	}
	return strings.Join(s, " ")
}

func TestBatchSize(t *testing.T) {
	for rate, want := range map[float64]int{0: 32, .005: 32, .02: 32, .025: 27, .03: 8, .05: 8, .1: 7, .2: 3, .3: 2, .5: 1, .9: 1, 1: 1} {
		if got := batchSize(rate); got != want {
			t.Errorf("rate %v: %d, want %d", rate, got, want)
		}
	}
	m := &machine{}
	if m.q.Rate() != priorRate {
		t.Error("no prior")
	}
	for range 40 {
		m.judged(0)
	}
	if r := m.q.Rate(); r < .012 || r > .014 { // .1 * .95^40
		t.Error(r)
	}
	m.judged(1)
	if r := m.q.Rate(); r < .06 || r > .065 {
		t.Error(r)
	}
}

func TestBatchLandsInOneTransaction(t *testing.T) {
	d := newBatch(t, true, "ma-1", "ma-2", "ma-3")
	d.chain("B")
	if g := one[RunGate](d); g.Bead != "" || len(g.Batch) != 3 {
		t.Fatalf("%+v", g)
	}
	if why := WhyNot(d.q, "ma-2", d.now); !strings.HasPrefix(why, `gate "test" of ma-2 and 2 more has been running`) {
		t.Fatal(why)
	}
	d.gate(Pass)
	d.publish()
	var commits []string
	for _, s := range got[Settle](d) {
		commits = append(commits, s.Commit)
	}
	if got := strings.Join(commits, " "); got != "B+ma-1 B+ma-1+ma-2 B+ma-1+ma-2+ma-3" || len(d.q.Entries) != 0 || d.q.Total != 3 {
		t.Fatal(got)
	}
}

// A batch that does not pass is halved, whatever the way it did not, and only a red
// bead that stands alone is blamed.
func TestBatchIsHalved(t *testing.T) {
	for _, tc := range []struct {
		name  string
		fails []Outcome // of the batch
		alone []Outcome // of ma-3 alone
		back  bool
		state State
	}{
		{"red", []Outcome{Fail}, []Outcome{Fail, Fail}, true, Gating},
		{"hung", []Outcome{TimedUp}, []Outcome{TimedUp, TimedUp}, true, Gating},
		{"infra", []Outcome{Infra, Infra}, []Outcome{Infra, Infra}, false, Gating},
		{"broken", []Outcome{Broken}, []Outcome{Broken}, false, Gating},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := newBatch(t, true, "ma-1", "ma-2", "ma-3", "ma-4")
			d.chain("B")
			for _, o := range tc.fails {
				d.gate(o)
			}
			none[SendBack](d)
			if d.running() != "ma-1 ma-2" || d.q.Run.Of != 4 {
				t.Fatalf("%q, of %d", d.running(), d.q.Run.Of)
			}
			d.chain("B")
			if why := WhyNot(d.q, "ma-1", d.now); !strings.Contains(why, "half of 4 that are red together") {
				t.Fatal(why)
			}
			d.gate(Pass)
			d.publish()
			if len(got[Settle](d)) != 2 || d.running() != "ma-3" {
				t.Fatalf("%q", d.running())
			}
			d.chain("B+ma-1+ma-2")
			for _, o := range tc.alone {
				if d.q.Run.Phase != PhaseGate {
					t.Fatalf("%+v", d.q.Run)
				}
				d.gate(o)
			}
			d.state(tc.state)
			var back []beads.ID
			for _, e := range d.all {
				if s, ok := e.(SendBack); ok {
					back = append(back, s.Bead)
				}
			}
			if tc.back != slices.Equal(back, []beads.ID{"ma-3"}) {
				t.Fatal(back)
			}
			if d.running() != "ma-4" {
				t.Fatalf("the queue does not go on: %q", d.running())
			}
		})
	}
}

// The last one of a red set is known red by its tree, without a run of its own.
func TestRestOfARedBatchIsKnownRed(t *testing.T) {
	d := newBatch(t, true, "ma-1", "ma-2")
	d.chain("B")
	d.gate(Fail)
	d.chain("B")
	d.gate(Pass)
	d.publish()
	d.chain("B+ma-1")
	if g := one[RunGate](d); !g.Fresh || g.Bead != "ma-2" {
		t.Fatalf("%+v", g) // only to confirm
	}
	e := *d
	d.gate(Fail)
	one[SendBack](d)
	if len(d.q.Flakes) != 0 {
		t.Fatal(d.q.Flakes)
	}
	e.gate(Pass)
	none[SendBack](&e)
	one[Publish](&e)
	if f := e.q.Flakes; len(f) != 1 || f[0].Gate != "test" || f[0].Beads[0] != "ma-2" || f[0].Log != "log" {
		t.Fatalf("%+v", f)
	}
}

func TestRedBaseUnderABatch(t *testing.T) {
	d := newBatch(t, false, "ma-1", "ma-2", "ma-3")
	d.chain("B")
	d.gate(Fail)
	if d.running() != "ma-1" {
		t.Fatal(d.running())
	}
	d.chain("B")
	d.gate(Fail)
	if len(d.q.Run.Parts) != 0 {
		t.Fatalf("the base is not gated before blame: %+v", d.q.Run)
	}
	e := *d
	d.gate(Fail)
	d.gate(Fail)
	d.state(MainRed)
	none[SendBack](d)
	if len(d.q.Entries) != 3 {
		t.Fatal(d.q.Entries)
	}
	e.gate(Fail) // a base that only flakes stops nothing
	if g := one[RunGate](&e); !g.Fresh {
		t.Fatalf("%+v", g)
	}
	e.gate(Pass)
	e.state(Gating)
	if e.running() != "ma-1" || len(e.q.Flakes) != 1 {
		t.Fatalf("%q %+v", e.running(), e.q.Flakes)
	}
}

func TestBrokenGateUnderABatchIsTriedOnTheTarget(t *testing.T) {
	d := newBatch(t, false, "ma-1", "ma-2")
	d.chain("B")
	d.gate(Broken)
	if g := one[RunGate](d); g.Tree != "TB" {
		t.Fatalf("%+v", g)
	}
	d.gate(Broken)
	d.state(Paused)
	none[SendBack](d)
}

func TestWhoGoesAlone(t *testing.T) {
	d := newBatch(t, true)
	d.send(Pause{})
	d.submit("ma-1", "ma-2")
	d.send(Submit{Entry{Bead: "ma-3", N: 3, Priority: 2, SentBack: 2}})
	d.submit("ma-4", "ma-5")
	d.send(Submit{Entry{Bead: "ma-6", N: 1, Priority: 0}})
	d.send(Resume{})
	for _, want := range []string{"ma-6", "ma-1 ma-2", "ma-3", "ma-4 ma-5"} {
		if d.running() != want {
			t.Fatalf("%q, want %q", d.running(), want)
		}
		base := d.q.Target
		if base == "" {
			base = "B"
		}
		d.chain(base)
		d.gate(Pass)
		d.publish()
	}
}

func TestP0EndsAGateWithMuchLeft(t *testing.T) {
	for elapsed, ends := range map[time.Duration]bool{time.Minute: true, 6 * time.Minute: false} {
		d := newBatch(t, true)
		d.q.Usual = map[string]time.Duration{"test": 10 * time.Minute}
		d.submit("ma-1", "ma-2")
		d.chain("B")
		d.after(elapsed, Submit{Entry{Bead: "ma-9", N: 1, Priority: 0}})
		if stops := got[StopGate](d); (len(stops) == 1) != ends {
			t.Fatalf("after %s: %+v", elapsed, stops)
		}
		if ends {
			d.gate(Stopped)
			if d.running() != "ma-9" {
				t.Fatal(d.running())
			}
		}
	}
}

func TestNewcomersStayApartFromARedSet(t *testing.T) {
	d := newBatch(t, true, "ma-1", "ma-2", "ma-3", "ma-4")
	d.chain("B")
	d.gate(Fail)
	d.chain("B")
	d.after(-2*time.Hour, Submit{Entry{Bead: "ma-0", N: 1, Priority: 2}}) // due before the others
	d.gate(Fail)                                                          // ma-1, ma-2
	if d.running() != "ma-0" {
		t.Fatal(d.running())
	}
	d.chain("B")
	d.gate(Pass)
	d.publish()
	if d.running() != "ma-1" { // of the red set ma-1, ma-2
		t.Fatal(d.running())
	}
}

func TestCutBatch(t *testing.T) {
	d := newBatch(t, true, "ma-1", "ma-2", "ma-3")
	r := d.q.Run
	d.send(Built{Seq: r.Seq, Base: "B", BaseTree: "TB", Commit: "C", Tree: "TC", Parts: []Part{{Bead: "ma-1", N: 1, Commit: "C"}}})
	if d.running() != "ma-1" || d.q.Entries[1].State != EntryQueued {
		t.Fatalf("%q %+v", d.running(), d.q.Entries[1])
	}
	d.gate(Pass)
	d.publish()
	if d.running() != "ma-2 ma-3" {
		t.Fatal(d.running())
	}
	for i, parts := range [][]Part{nil, {{Bead: "ma-3", N: 1}}, {{Bead: "ma-2", N: 2}}, {{Bead: "ma-2", N: 1}, {Bead: "ma-3", N: 1}, {Bead: "ma-4", N: 1}}} {
		e := *d
		e.send(Built{Seq: e.q.Run.Seq, Base: "C", BaseTree: "TC", Commit: "X", Tree: "TX", Parts: parts})
		if e.q.Run != nil || e.q.LastErr == "" {
			t.Errorf("%d: parts %v are taken", i, parts)
		}
	}
}

func TestDependencyWithinABatch(t *testing.T) {
	d := newBatch(t, true)
	d.send(Pause{})
	d.submit("ma-1")
	d.send(Submit{Entry{Bead: "ma-2", N: 1, Priority: 2, Needs: []beads.ID{"ma-1"}}}, Submit{Entry{Bead: "ma-0", N: 1, Priority: 2, Needs: []beads.ID{"ma-3"}}})
	d.submit("ma-3")
	d.send(Resume{})
	if d.running() != "ma-1 ma-2 ma-3" { // ma-0 comes before what it waits for
		t.Fatal(d.running())
	}
}

func TestWaitsForTheBeadItContains(t *testing.T) {
	d := newBatch(t, true, "ma-1", "ma-2")
	d.send(Built{Seq: d.q.Run.Seq, Base: "B", BaseTree: "TB", Waits: &Waits{Bead: "ma-1", On: "ma-2"}})
	if d.running() != "ma-2" {
		t.Fatal(d.running())
	}
	if why := WhyNot(d.q, "ma-1", d.now); !strings.Contains(why, "waits for ma-2") {
		t.Fatal(why)
	}
}

func TestWhoseLandingIsRefusedStandsAside(t *testing.T) {
	d := newBatch(t, true, "ma-1", "ma-2")
	d.chain("B")
	d.gate(Pass)
	d.send(PublishRefused{Seq: d.q.Run.Seq, Why: "ma-2/1 would undo what landed in a.go"})
	none[Settle](d)
	if d.q.Intent != nil || d.running() != "ma-1" {
		t.Fatalf("%+v", d.q)
	}
	d.chain("B")
	d.gate(Pass)
	d.publish()
	d.chain("B+ma-1")
	d.send(PublishRefused{Seq: d.q.Run.Seq, Why: "ma-2/1 would undo what landed in a.go"})
	if e := d.q.Entries[0]; e.State != EntryHeld || !strings.Contains(e.Why, "would undo") || d.q.Intent != nil {
		t.Fatalf("%+v", d.q)
	}
	d.submit("ma-3")
	d.state(Gating)
	d.send(Release{Bead: "ma-2"})
	if e := d.q.Entries[0]; e.State != EntryQueued || e.Why != "" {
		t.Fatalf("%+v", e)
	}
}

func TestToolsArePartOfAVerdict(t *testing.T) {
	d := newBatch(t, true, "ma-1")
	d.chain("B")
	d.gate(Pass)
	d.send(PublishErr{Seq: d.q.Run.Seq, Err: "lost contact"})
	d.q.Intent = nil
	d.after(2*time.Second, Tick{})
	e := *d
	d.chain("B")
	one[Publish](d) // known green
	e.cfg.Tools = Tools{"/usr/bin/go": "1.99"}
	e.send(Tick{})
	e.chain("B") // asked for before the change: built anew
	e.chain("B")
	one[RunGate](&e)
	gates := []Gate{{Name: "test", Run: "x"}}
	keys := map[string]bool{}
	for _, q := range []Queue{{}, {Tools: Tools{"go": "1"}}, {Tools: Tools{"go": "2"}}, {Tools: Tools{"go": "2", "cc": "1"}}, {Tools: Tools{"gc": "o2"}}} {
		keys[q.Key(gates)] = true
	}
	if len(keys) != 5 {
		t.Fatal(keys)
	}
}

// A gate that installs the tool it uses comes to a verdict all the same, green or red.
func TestAGateThatMakesItsTool(t *testing.T) {
	for _, o := range []Outcome{Pass, Fail} {
		t.Run(string(o), func(t *testing.T) {
			d := newBatch(t, false, "ma-1")
			made := 0
			install := func() {
				made++
				d.cfg.Tools = Tools{"/usr/bin/go": "1.26", "/home/me/bin/tool": fmt.Sprint(made)}
			}
			install()
			d.send(Tick{})
			runs := 0
			for ; d.q.Run != nil && runs < 20; runs++ {
				if d.q.Run.Phase == PhaseBuild {
					d.chain("B")
				}
				if d.q.Run != nil && d.q.Run.Phase == PhaseLand {
					d.publish()
				}
				if d.q.Run == nil || d.q.Run.Phase != PhaseGate {
					continue
				}
				d.after(time.Second, GateStarted{Seq: d.q.Run.Seq, Gate: d.q.Run.Gate, PID: 7})
				install()
				d.send(Tick{})
				none[StopGate](d)
				if len(d.q.Run.Parts) == 0 {
					d.gate(Pass) // the target
				} else {
					d.gate(o)
				}
			}
			var settled, back, told int
			for _, e := range d.all {
				switch e := e.(type) {
				case Settle:
					settled++
				case SendBack:
					back++
				case Note:
					if strings.Contains(e.Text, "change /home/me/bin/tool while they run") {
						told++
					}
				}
			}
			if want := map[Outcome]string{Pass: "1 0 0", Fail: "0 1 1"}[o]; fmt.Sprint(settled, back, told) != want || d.q.Run != nil {
				t.Fatalf("settled, sent back, told: %d %d %d, want %s, after %d steps; %+v", settled, back, told, want, runs, d.q.Run)
			}
			d.cfg.Tools = Tools{"/usr/bin/go": "1.27", "/home/me/bin/tool": "x"}
			was := d.q.Key(d.cfg.Gates)
			d.send(Tick{})
			if d.q.Key(d.cfg.Gates) == was {
				t.Error("another go is not seen")
			}
		})
	}
}
