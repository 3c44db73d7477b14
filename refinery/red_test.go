package refinery

import (
	"strings"
	"testing"
	"time"
)

// redMain is a queue with a bead in it whose target is red.
func redMain(t *testing.T) *drive {
	t.Helper()
	d := newDrive(t)
	d.cfg.Confirm = true
	d.submit("ma-1")
	d.built("B")
	d.gate(Fail) // the candidate
	d.gate(Fail) // the target
	d.gate(Fail) // once more
	d.state(MainRed)
	return d
}

func TestARedMainIsFiledOnce(t *testing.T) {
	d := redMain(t)
	if f := one[FileRed](d); f.Gate != "test" || f.Commit != "B" || f.Tree != "TB" || f.Log != "tail" || f.LogPath != "log" || !strings.Contains(f.Why, "exit 1") {
		t.Fatalf("%+v", f)
	}
	d.send(Resume{}) // gated again, red again
	d.built("B")
	for d.q.State != MainRed {
		d.gate(Fail)
		none[FileRed](d)
	}
	d.q.Target = "C" // what the origin gained, still red
	d.send(Tick{})
	d.built("C")
	for d.q.State != MainRed {
		d.gate(Fail)
	}
	if f := one[FileRed](d); f.Commit != "C" {
		t.Fatalf("%+v", f)
	}
}

func TestMainThatIsGreenAgainIsTold(t *testing.T) {
	d := redMain(t)
	d.send(Resume{})
	d.built("B")
	d.gate(Fail)
	d.gate(Pass) // the target passes now
	one[RedGone](d)
	if d.q.RedTree != "" {
		t.Fatal(d.q.RedTree)
	}
}

func TestARedMainIsConfirmedAfterARestart(t *testing.T) {
	d := newDrive(t)
	d.cfg.Confirm = true
	d.submit("ma-1")
	d.built("B")
	d.gate(Fail) // the candidate
	d.gate(Fail) // the target; its confirming run is lost with the host
	d.send(Restarted{Target: "B"})
	d.built("B")
	none[FileRed](d)
	if g := one[RunGate](d); g.Bead != "" || !g.Fresh {
		t.Fatalf("%+v", g)
	}
	d.gate(Pass) // it was a flake
	one[Build](d)
}

func TestTheFixOfARedMain(t *testing.T) {
	d := redMain(t)
	d.after(time.Minute, Submit{Entry{Bead: "ma-fix", N: 1, Priority: 3, Fix: true}})
	d.built("B")
	d.gate(Fail)
	none[SendBack](d) // not before it was confirmed
	d.gate(Fail)
	if s := one[SendBack](d); s.Bead != "ma-fix" || s.Gate != "test" || s.Log != "tail" || !strings.Contains(s.Why, "still red") {
		t.Fatalf("%+v", s)
	}
	d.state(MainRed)
	d.after(time.Minute, Submit{Entry{Bead: "ma-fix", N: 2, Priority: 3, Fix: true}})
	d.built("B")
	d.gate(Pass)
	d.publish()
	last := ""
	for _, e := range d.out {
		switch e.(type) {
		case Settle:
			last = "settled"
		case RedGone:
			if last != "settled" {
				t.Fatalf("the end is told before the fix is settled: %+v", d.out)
			}
		}
	}
	one[RedGone](d)
	if b := one[Build](d); b.Parts[0].Bead != "ma-1" {
		t.Fatalf("%+v", b)
	}
}

func TestRejectByAPerson(t *testing.T) {
	d := newDrive(t)
	d.send(Submit{Entry{Bead: "ma-1", N: 3, Priority: 2, SentBack: 2, AskFirst: true}})
	d.built("B")
	d.send(Reject{Bead: "ma-1", By: "ada", Person: true, Text: "not so"}) // while its gate runs
	s := one[SendBack](d)
	if s.By != "ada" || s.Log != "not so" || s.StrikeOut || s.N != 3 {
		t.Fatalf("%+v", s)
	}
	one[StopGate](d)
	d.send(GateDone{Seq: d.q.Run.Seq, Outcome: Stopped})
	d.state(Idle)
	if first := d.q.First["ma-1"]; !first.Equal(start()) {
		t.Fatal("it lost its place in time")
	}
	d.submit("ma-2")
	d.built("B")
	d.gate(Pass)
	d.send(Reject{Bead: "ma-2", By: "ada"}) // too late
	none[SendBack](d)
	d.publish()
	one[Settle](d)
}

func TestExpected(t *testing.T) {
	d := newDrive(t)
	d.cfg.Gates = append(d.cfg.Gates, Gate{Name: "lint", Run: "lint"})
	d.submit("ma-1", "ma-2", "ma-3")
	if _, ok := Expected(d.q, "ma-1", d.now, d.cfg); ok {
		t.Fatal("known before any gate ran")
	}
	d.q.Usual = map[string]time.Duration{"test": 40 * time.Second, "lint": 10 * time.Second}
	d.built("B")
	d.send(GateStarted{Seq: d.q.Run.Seq, PID: 7})
	d.now = d.now.Add(12 * time.Second)
	for i, want := range []time.Duration{38 * time.Second, 88 * time.Second, 138 * time.Second} {
		if at, ok := Expected(d.q, d.q.Entries[i].Bead, d.now, d.cfg); !ok || at.Sub(d.now) != want {
			t.Errorf("%s: %s %v", d.q.Entries[i].Bead, at.Sub(d.now), ok)
		}
	}
	d.cfg.Batch = true
	if at, ok := Expected(d.q, "ma-3", d.now, d.cfg); !ok || at.Sub(d.now) != 88*time.Second {
		t.Errorf("in a batch: %s %v", at.Sub(d.now), ok)
	}
	d.after(5*time.Minute, Tick{})
	d.state(Hung)
	if _, ok := Expected(d.q, "ma-1", d.now, d.cfg); ok {
		t.Error("known while its gate hangs")
	}
	if why := WhyNot(d.q, "ma-1", d.now); why != "the gate of ma-1 looks hung: no output for 5m12s." {
		t.Error(why)
	}
	d.send(Pause{})
	if _, ok := Expected(d.q, "ma-3", d.now, d.cfg); ok {
		t.Error("known while paused")
	}
}

func TestFullBeginsNothing(t *testing.T) {
	d := newDrive(t)
	d.cfg.Full = true
	d.submit("ma-1")
	none[Build](d)
	d.state(Idle)
	if why := WhyNot(d.q, "ma-1", d.now); !strings.Contains(why, "another rig") || !Next(d.q, d.now, d.cfg).IsZero() {
		t.Fatal(why)
	}
	d.cfg.Full = false
	if at := Next(d.q, d.now, d.cfg); !at.Equal(d.now) {
		t.Fatal(at)
	}
	d.send(Tick{})
	one[Build](d)
	d.cfg.Full = true // what has begun goes on
	d.built("B")
	d.gate(Pass)
	d.publish()
	one[Settle](d)
}

// A verdict of the target is believed while nothing but the tree can have changed.
func TestNobodyIsBlamedOnAnOldVerdict(t *testing.T) {
	green := func(t *testing.T) *drive { // B is green as of now
		d := newDrive(t)
		d.cfg.Confirm = true
		d.submit("ma-0")
		d.built("A")
		d.gate(Pass)
		d.publish()
		return d
	}
	red := func(d *drive) { // the candidate and its confirming run
		d.built(d.q.Target)
		d.q.Run.BaseTree = "T" + d.q.Target
		d.gate(Fail)
	}
	t.Run("young", func(t *testing.T) {
		d := green(t)
		d.after(time.Minute)
		d.submit("ma-1")
		red(d)
		d.gate(Fail)
		one[SendBack](d)
	})
	t.Run("old, and what the gate uses broke", func(t *testing.T) {
		d := green(t)
		d.after(time.Hour)
		d.submit("ma-1")
		red(d)
		if g := one[RunGate](d); g.Bead != "" || !g.Fresh || g.Tree != "T"+d.q.Target {
			t.Fatalf("%+v", g)
		}
		d.gate(Fail)
		d.gate(Fail)
		none[SendBack](d)
		d.state(MainRed)
		if !strings.Contains(d.q.Reason, "it passed there 1h0m0s before, so look at what it uses") {
			t.Error(d.q.Reason)
		}
	})
	t.Run("old, and still true", func(t *testing.T) {
		d := green(t)
		d.after(time.Hour)
		d.submit("ma-1")
		red(d)
		d.gate(Pass) // the target
		red(d)       // known, so its confirming run
		if s := one[SendBack](d); s.Bead != "ma-1" {
			t.Fatalf("%+v", s)
		}
	})
	t.Run("two in a row", func(t *testing.T) {
		d := green(t)
		d.after(time.Minute)
		d.submit("ma-1", "ma-2")
		red(d)
		d.gate(Fail)
		if s := one[SendBack](d); s.Bead != "ma-1" {
			t.Fatalf("%+v", s)
		}
		red(d)
		if g := one[RunGate](d); g.Bead != "" || g.Tree != "T"+d.q.Target {
			t.Fatalf("the second is blamed without a look at the target: %+v", g)
		}
		d.gate(Fail)
		d.gate(Fail)
		d.state(MainRed)
	})
}
