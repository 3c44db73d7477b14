package refinery

import (
	"strings"
	"testing"
)

func TestOnlyAPersonAcceptsATargetThatOthersMoved(t *testing.T) {
	for _, again := range []func(accept bool) Event{
		func(accept bool) Event { return Restart{By: "x", Accept: accept} },
		func(accept bool) Event { return Resume{By: "x", Accept: accept} },
	} {
		d := newDrive(t)
		d.cfg.Sole = true
		d.q.Target = "m1"
		d.submit("b1")
		d.send(Built{Seq: d.q.Run.Seq, Base: "m2", BaseTree: "Tm2", Commit: "c", Tree: "Tc", Parts: []Part{{Bead: "b1", N: 1, Commit: "c"}}})
		d.state(Failed)
		d.send(again(false))
		d.state(Failed)
		if d.q.Target != "m1" || d.q.Run != nil || !d.q.Moved() {
			t.Fatalf("an agent took over a target that no gate saw: %+v", d.q)
		}
		d.send(again(true))
		if d.q.Moved() || d.q.Run == nil {
			t.Fatalf("a person's word is not taken: %+v", d.q)
		}
	}
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
	if n := got[Note](d); len(n) == 0 || !strings.Contains(n[0].Text, "https://forge/1 stays open") {
		t.Fatalf("%+v", n)
	}
	d.built("m1") // its tree is known green
	d.publish()
	if len(d.q.Entries) != 0 {
		t.Fatalf("%+v", d.q)
	}
}
