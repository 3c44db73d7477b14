package refinery

import (
	"strings"
	"testing"
)

// A target that others moved is built on by nobody, whatever is asked, until it was put back.
func TestATargetThatOthersMovedWaitsToBePutBack(t *testing.T) {
	seen := map[string]func(d *drive, at string){
		"by a look":    func(d *drive, at string) { d.send(TargetMoved{Commit: at, Known: "m1"}) },
		"by a build":   func(d *drive, at string) { d.send(Built{Seq: d.q.Run.Seq, Base: at, Err: "it is not at m1"}) },
		"at a restart": func(d *drive, at string) { d.send(Restarted{Target: at}) },
		"by a landing": func(d *drive, at string) {
			d.built("m1")
			d.gate(Pass)
			d.send(PublishLost{Seq: d.q.Run.Seq, Now: at})
		},
		"while a gate runs": func(d *drive, at string) {
			d.built("m1")
			d.send(TargetMoved{Commit: at, Known: "m1"})
			d.gate(Stopped)
		},
	}
	for how, see := range seen {
		for _, at := range []string{"m2", Gone} {
			t.Run(how+"/"+at, func(t *testing.T) {
				d := newDrive(t)
				d.q.Target = "m1"
				d.submit("b1")
				see(d, at)
				for _, ev := range []Event{Tick{}, Restart{By: "x"}, Resume{By: "x"}, Restarted{Target: at}, TargetMoved{Commit: at, Known: "m1"}, Tick{}} {
					d.send(ev)
					d.state(Failed)
					if d.q.Target != "m1" || d.q.Run != nil || d.q.Intent != nil || !d.q.Moved() {
						t.Fatalf("after %T: %+v", ev, d.q)
					}
				}
				back := *d
				back.send(TargetMoved{Commit: "m1", Known: "m1"})
				one[Build](&back)
				d.send(Restarted{Target: "m1"})
				one[Build](d)
			})
		}
	}
}

// What was seen before or in the middle of a landing says nothing about the target after it.
func TestALookThatIsLateStopsNothing(t *testing.T) {
	d := newDrive(t)
	d.q.Target = "m1"
	d.submit("b1", "b2")
	d.built("m1")
	d.gate(Pass)
	d.send(TargetMoved{Commit: d.q.Intent.New, Known: "m1"}) // our own landing
	d.state(Landing)
	d.publish()
	d.send(TargetMoved{Commit: "m1", Known: "m1"})
	d.state(Gating)
}

func TestGatesThatGoWhileTheOriginIsBuilt(t *testing.T) {
	d := newDrive(t)
	d.q.Target = "m1"
	d.send(origin("o1"))
	d.cfg.Gates = nil
	d.builtUpstream("m1")
	if d.q.Intent != nil || len(got[Publish](d)) > 0 {
		t.Fatalf("published without a gate in a rig that is not ungated: %+v", d.q.Intent)
	}
	d.state(NoGates)
}

func TestABusyOriginStarvesNobody(t *testing.T) {
	d := newDrive(t)
	d.q.Target = "m1"
	d.submit("b1")
	d.built("m1")
	d.submit("b2")
	d.send(origin("o1"))
	d.gate(Pass)
	d.publish()
	landed := 0
	for i := range 4 { // it gains again and again, each time while its gate runs
		r := d.q.Run
		switch {
		case r == nil:
			t.Fatalf("it stands: %+v", d.q)
		case r.Upstream == "":
			landed++
			d.built(d.q.Target)
		default:
			d.builtUpstream(d.q.Target)
			d.send(origin("o" + strings.Repeat("x", i+2)))
		}
		d.gate(Pass)
		d.publish()
	}
	if landed != 1 || len(d.q.Entries) != 0 {
		t.Fatalf("b2 did not get a turn: %+v", d.q.Entries)
	}
}

func TestARigThatLeavesTheForge(t *testing.T) {
	d := newDrive(t)
	d.cfg.Forge = true
	d.q.Target = "m1"
	d.submit("b1")
	d.built("m1")
	d.gate(Pass)
	d.send(Proposed{Bead: "b1", N: 1, URL: "https://forge/1"})
	d.cfg.Forge = false
	d.send(Tick{})
	if d.q.Run == nil || d.q.Entries[0].PR != "" {
		t.Fatalf("it waits for a forge that nobody asks any more: %s", WhyNot(d.q, "b1", d.now))
	}
	if r := got[Retract](d); len(r) != 1 || r[0].Bead != "b1" {
		t.Fatalf("its pull request stays open over there: %+v", d.out)
	}
	d.built("m1") // its tree is known green
	d.publish()
	if len(d.q.Entries) != 0 {
		t.Fatalf("%+v", d.q)
	}
}

// TestAResumeDoesNotPutBack what others moved, and does not say so.
func TestAResumeDoesNotPutBack(t *testing.T) {
	d := newDrive(t)
	d.q.Target = "m1"
	d.send(TargetMoved{Commit: "zz", Known: "m1"})
	d.out = nil
	d.send(Resume{By: "you", Person: true})
	if ns := got[Note](d); d.q.State != Failed || len(ns) > 0 {
		t.Errorf("%s, told %+v", d.q.State, ns)
	}
}
