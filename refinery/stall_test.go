package refinery

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestShownAsHung(t *testing.T) {
	d := newDrive(t)
	d.submit("ma-1")
	d.built("B")
	d.send(GateStarted{Seq: d.q.Run.Seq, PID: 7})
	begun := d.now
	if next := Next(d.q, d.now, d.cfg); !next.Equal(begun.Add(5 * time.Minute)) {
		t.Fatal(next)
	}
	d.after(5*time.Minute, Tick{})
	d.state(Hung)
	one[Problem](d)
	if !d.q.Run.HungSince.Equal(d.now) {
		t.Fatal(d.q.Run.HungSince)
	}
	d.after(time.Minute, Tick{})
	none[Problem](d)
	none[StopGate](d)
	d.send(GateDone{Seq: d.q.Run.Seq, Outcome: Pass, Took: time.Second}) // it was alive
	one[ProblemGone](d)
	d.publish()

	d.q.Usual["test"] = 20 * time.Minute
	d.submit("ma-2")
	d.built("C")
	d.send(GateStarted{Seq: d.q.Run.Seq, PID: 7})
	for range 13 {
		d.after(3*time.Minute, Output{Seq: d.q.Run.Seq, At: d.now.Add(3 * time.Minute)})
		d.state(Gating)
	}
	d.after(3*time.Minute, Output{Seq: d.q.Run.Seq, At: d.now.Add(3 * time.Minute)})
	d.state(Hung) // prints for ever: twice its usual time
	d.gate(Pass)

	d.q.Usual["test"] = time.Second
	d.publish()
	d.submit("ma-3")
	d.built("D")
	d.send(GateStarted{Seq: d.q.Run.Seq, PID: 7})
	d.after(time.Minute, Output{Seq: d.q.Run.Seq, At: d.now.Add(time.Minute)})
	if g := d.q.Run.Timeout; g != time.Minute {
		t.Fatal(g)
	}
	d.after(15*time.Second, Tick{})
	if s := one[StopGate](d); !s.Quit {
		t.Fatalf("%+v", s) // no answer past the timeout
	}
	e := *d
	e.gate(TimedUp)
	if e.q.Entries[0].Hangs != 1 || e.q.Run == nil {
		t.Fatalf("%+v", e.q.Entries)
	}
	d.gate(Stopped) // the runner's own clock saw no such time go by: the machine slept
	if d.q.Entries[0].Hangs != 0 || len(d.q.Verdicts) != 2 {
		t.Fatalf("a night with the lid closed counts as a hang: %+v", d.q)
	}
	one[Build](d)
}

// A clock that is put right does not make the queue wait for hours.
func TestTheClockIsSetBack(t *testing.T) {
	d := newDrive(t)
	d.submit("ma-1")
	d.send(Built{Seq: d.q.Run.Seq, Err: "disk full"})
	if next := Next(d.q, d.now, d.cfg); !next.Equal(d.now.Add(time.Second)) {
		t.Fatal(next)
	}
	d.after(-2*time.Hour, Tick{})
	one[Build](d)
}

// A gate that fails and hangs in turn is red: it is not run for ever.
func TestAGateThatFailsAndHangs(t *testing.T) {
	for _, first := range []Outcome{Fail, TimedUp} {
		d := newBatch(t, true, "ma-1")
		d.built("B")
		d.gate(first)
		d.gate(map[Outcome]Outcome{Fail: TimedUp, TimedUp: Fail}[first])
		if s := one[SendBack](d); s.Bead != "ma-1" {
			t.Fatalf("%+v", s)
		}
	}
}

// A signal of long ago, on another tree, is no second one.
func TestSignalsOfTwoRuns(t *testing.T) {
	d := newBatch(t, true)
	d.send(Submit{Entry{Bead: "ma-1", N: 1, Priority: 2, AskFirst: true}})
	d.built("B")
	d.gate(Infra)
	d.gate(Pass)
	d.send(Approve{Bead: "ma-1"})
	d.q.Verdicts = nil
	d.built("B")
	d.gate(Infra)
	if g := one[RunGate](d); !g.Fresh {
		t.Fatalf("%+v", g)
	}
}

// What has no verdict is nobody's fault. Where the gate runs on the target, the one it does not
// run on stands aside; the others go on.
func TestWhoBreaksTheGateStandsAside(t *testing.T) {
	for _, c := range []struct {
		name     string
		outcomes []Outcome
		why      string
	}{
		{"cannot run", []Outcome{Broken}, `gate "test" runs on main, but with this change it cannot run (exit 127): tail`},
		{"killed", []Outcome{Infra, Infra}, `gate "test" runs on main, but with this change it was ended from outside twice (exit 137): tail`},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newBatch(t, true, "ma-1", "ma-2")
			d.after(time.Second, Hold{Bead: "ma-2"})
			d.built("B")
			for _, o := range c.outcomes {
				d.gate(o)
			}
			e := d.q.Entries[0]
			if e.State != EntryHeld || e.Why != c.why || e.Hint == "" {
				t.Fatalf("%+v", e)
			}
			if p := one[Problem](d); !strings.Contains(p.Text, "ma-1: gate") || p.Hint != e.Hint {
				t.Fatalf("%+v", p)
			}
			none[SendBack](d)
			d.after(time.Second, Release{Bead: "ma-2"})
			d.built("B")
			for _, o := range c.outcomes {
				d.gate(o)
			}
			// The second one in a row: is it the gate after all?
			if g := one[RunGate](d); g.Bead != "" || g.Tree != "TB" || !g.Fresh {
				t.Fatalf("%+v", g)
			}
			broken := *d
			for _, o := range c.outcomes {
				broken.gate(o)
			}
			broken.state(Paused)
			d.gate(Pass)
			d.built("B")
			for _, o := range c.outcomes {
				d.gate(o)
			}
			if e := d.q.Entries[1]; e.State != EntryHeld || d.q.Run != nil {
				t.Fatalf("%+v", e)
			}
			d.after(time.Second, Release{Bead: "ma-1"})
			if e := d.q.Entries[0]; e.Why != "" || e.Hint != "" {
				t.Fatalf("%+v", e)
			}
			one[Build](d)
		})
	}
}

// A test that crashes is red: it was not killed by anybody.
func TestACrashIsRed(t *testing.T) {
	d := newBatch(t, true, "ma-1", "ma-2")
	d.send(Hold{Bead: "ma-2"})
	d.built("B")
	crash := func() {
		d.send(GateDone{Seq: d.q.Run.Seq, Gate: d.q.Run.Gate, Outcome: Infra, Code: 139, Took: time.Second, Log: "log", Tail: "tail"})
	}
	crash()
	crash()
	if s := one[SendBack](d); s.Bead != "ma-1" || s.Why != `gate "test" crashed twice: exit 139, signal 11` || s.Log != "tail" {
		t.Fatalf("%+v", s)
	}
	d.after(time.Second, Release{Bead: "ma-2"})
	d.q.Verdicts = nil
	d.built("B")
	crash()
	crash()
	if g := one[RunGate](d); g.Bead != "" {
		t.Fatalf("%+v", g)
	}
	crash()
	crash()
	d.state(MainRed)
}

// A hang counts for the tree it was seen on: the next one has its own retry.
func TestHangsOfTwoTreesAreNotOneHungTwice(t *testing.T) {
	d := newDrive(t)
	d.submit("ma-1")
	d.built("B")
	d.gate(TimedUp)
	d.send(Restart{By: "x"})
	d.gate(Stopped)
	d.q.Target = "C" // what the origin gained
	d.built("C")
	d.gate(TimedUp)
	if g := one[RunGate](d); !g.Fresh || g.Commit != "C+ma-1/1" {
		t.Fatalf("%+v", g)
	}
	none[SendBack](d)
}

func TestHungEndsWithOutput(t *testing.T) {
	d := newDrive(t)
	d.cfg.Gates[0].Silence = time.Minute
	d.q.Usual = map[string]time.Duration{"test": time.Hour}
	d.submit("ma-1")
	d.built("B")
	d.after(time.Minute, Tick{})
	d.state(Hung)
	d.after(time.Second, Output{Seq: d.q.Run.Seq, At: d.now.Add(time.Second)})
	d.state(Gating)
	one[ProblemGone](d)
}

// Why it counts as hung is told as it is: one that fell silent does not "still run".
func TestWhyItIsHung(t *testing.T) {
	for _, c := range []struct {
		name   string
		output []time.Duration // after the start
		want   string
	}{
		{"silent from the start", nil, `gate "test": no output for 5m0s`},
		{"silent after a line", []time.Duration{2 * time.Second}, `gate "test": no output for 4m58s`},
		{"talks for ever", []time.Duration{time.Minute, 2 * time.Minute, 4*time.Minute + 50*time.Second}, `gate "test": still running after 5m0s`},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDrive(t)
			d.submit("ma-1")
			d.built("B")
			d.send(GateStarted{Seq: d.q.Run.Seq, PID: 7})
			begun := d.now
			for _, at := range c.output {
				d.now = begun.Add(at)
				d.send(Output{Seq: d.q.Run.Seq, At: d.now})
				d.state(Gating)
			}
			d.now = begun.Add(5 * time.Minute)
			d.send(Tick{})
			d.state(Hung)
			if d.q.Reason != c.want || d.q.Run.Talks != strings.Contains(c.want, "still") {
				t.Errorf("%q, talks %v; want %q", d.q.Reason, d.q.Run.Talks, c.want)
			}
		})
	}
}

func TestRestart(t *testing.T) {
	d := newDrive(t)
	d.submit("ma-1", "ma-2")
	d.built("B")
	d.gate(TimedUp)
	entries := clone(d.q).Entries
	d.send(Restart{By: "me"})
	d.state(Restarting)
	if s := one[StopGate](d); !s.Quit || s.Seq != d.q.Run.Seq {
		t.Fatalf("%+v", s)
	}
	d.gate(Stopped)
	if b := one[Build](d); b.Parts[0].Bead != "ma-1" {
		t.Fatalf("%+v", b)
	}
	if diff := cmp.Diff(entries, d.q.Entries); diff != "" {
		t.Fatalf("restart changed entries: %s", diff)
	}
	d.built("B")
	if g := one[RunGate](d); !g.Fresh {
		t.Fatal("restart needs a fresh worktree")
	}
	d.send(Restart{})
	d.after(10*time.Second, Tick{}) // the gate does not end
	d.state(Failed)
	d.send(Restart{})
	one[Build](d)
}

func TestBuildAnswers(t *testing.T) {
	t.Run("already in", func(t *testing.T) {
		d := newDrive(t)
		d.submit("ma-1")
		d.send(Built{Seq: d.q.Run.Seq, Base: "B", AlreadyIn: "ma-1", Commit: "B"})
		if s := one[Settle](d); !s.AlreadyIn || d.q.Total != 0 {
			t.Fatalf("%+v", s)
		}
	})
	t.Run("missing", func(t *testing.T) {
		d := newDrive(t)
		d.submit("ma-1", "ma-2")
		d.send(Built{Seq: d.q.Run.Seq, Base: "B", Missing: "ma-1", Err: "commit tip-ma-1 is gone"})
		one[Problem](d)
		if b := one[Build](d); b.Parts[0].Bead != "ma-2" {
			t.Fatalf("%+v", b)
		}
		if why := WhyNot(d.q, "ma-1", d.now); why != "ma-1 is held: commit tip-ma-1 is gone." {
			t.Fatal(why)
		}
	})
	t.Run("errors", func(t *testing.T) {
		d := newDrive(t)
		d.submit("ma-1")
		for range 2 {
			d.send(Built{Seq: d.q.Run.Seq, Err: "disk full"})
			none[Build](d)
			d.now = Next(d.q, d.now, d.cfg)
			d.send(Tick{})
			one[Build](d)
		}
		d.send(Built{Seq: d.q.Run.Seq, Err: "disk full"})
		d.state(Failed)
		if !strings.Contains(d.q.Reason, "disk full") {
			t.Fatal(d.q.Reason)
		}
		d.after(time.Hour, Tick{})
		none[Build](d)
		d.send(Restart{})
		one[Build](d)
	})
	t.Run("no answer", func(t *testing.T) {
		d := newDrive(t)
		d.submit("ma-1")
		for d.q.State != Failed {
			next := Next(d.q, d.now, d.cfg)
			if next.IsZero() {
				t.Fatal("stuck")
			}
			d.now = next
			d.send(Tick{})
		}
	})
}

func TestPublishErrorKeepsTheIntent(t *testing.T) {
	d := newDrive(t)
	d.submit("ma-1")
	d.built("B")
	d.gate(Pass)
	d.send(PublishErr{Seq: d.q.Run.Seq, Err: "disk full"})
	if d.q.Intent == nil {
		t.Fatal("intent is gone")
	}
	d.now = Next(d.q, d.now, d.cfg)
	d.send(Tick{})
	if p := one[Publish](d); p.Intent.New != "B+ma-1/1" || p.Seq != d.q.Run.Seq {
		t.Fatalf("%+v", p)
	}
	if why := WhyNot(d.q, "ma-1", d.now); d.q.State != Landing || !strings.HasSuffix(d.q.Reason, "disk full") || !strings.Contains(why, "tried again after: land on main: disk full") {
		t.Errorf("%s: %q, %q", d.q.State, d.q.Reason, why)
	}
	d.publish()
	one[Settle](d)
	if d.q.Reason != "" {
		t.Errorf("after it landed: %q", d.q.Reason)
	}
}

func TestHostRestart(t *testing.T) {
	landing := func(t *testing.T) *drive {
		d := newDrive(t)
		d.submit("ma-1")
		d.built("B")
		d.gate(Pass)
		return d
	}
	t.Run("settles", func(t *testing.T) {
		d := landing(t)
		d.send(Restarted{Target: "Z", IntentDone: true})
		one[Settle](d)
	})
	t.Run("redoes", func(t *testing.T) {
		d := landing(t)
		d.send(Restarted{Target: "B"})
		one[Publish](d)
		d.publish()
		one[Settle](d)
	})
	t.Run("drops", func(t *testing.T) {
		d := landing(t)
		d.send(Restarted{Target: "C"}) // others moved it
		none[Settle](d)
		d.state(Failed)
		if d.q.Intent != nil {
			t.Fatal("intent kept")
		}
	})
	t.Run("cannot look", func(t *testing.T) {
		d := landing(t)
		d.send(Restarted{Err: "repository is not there"})
		d.state(Failed)
		if d.q.Intent == nil {
			t.Fatal("intent is gone")
		}
		d.send(Restart{})
		one[Publish](d)
	})
	t.Run("forgets a run", func(t *testing.T) {
		d := newDrive(t)
		d.submit("ma-1")
		d.built("B")
		want := clone(d.q).Entries
		d.send(Restarted{Target: "B"})
		one[Build](d)
		if diff := cmp.Diff(want, d.q.Entries); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestAnyEventInAnyState(t *testing.T) {
	evs := []Event{nil, Submit{}, Hold{}, Release{}, Approve{}, Ask{}, Drop{}, Pause{}, Resume{}, Restart{}, Tick{}, TargetMoved{}, Restarted{},
		Built{}, Built{Seq: 1}, GateStarted{Seq: 1}, Output{Seq: 1}, GateDone{Seq: 1}, Published{Seq: 1}, PublishLost{Seq: 1}, PublishErr{Seq: 1}}
	states := []Queue{{}}
	for _, p := range []Phase{PhaseBuild, PhaseGate, PhaseLand, "?"} {
		states = append(states, Queue{Seq: 1, Run: &Run{Seq: 1, Phase: p}}, Queue{Seq: 1, Run: &Run{Seq: 1, Phase: p, Gate: 9, Parts: []Part{{Bead: "x"}}, Stopping: true}})
	}
	for _, q := range states {
		for _, ev := range evs {
			for _, cfg := range []Config{{}, {Gates: []Gate{{Name: "g"}}}} {
				next, _ := Step(q, ev, start(), cfg)
				Next(next, start(), cfg)
			}
		}
	}
}
