package refinery

import (
	"strings"
	"testing"
)

// builtUpstream answers a build of the origin's tip.
func (d *drive) builtUpstream(base string) {
	d.t.Helper()
	d.q.Target = base
	r := d.q.Run
	d.send(Built{Seq: r.Seq, Base: base, BaseTree: "T" + base, Commit: base + "<" + r.Upstream, Tree: "T" + base + "<" + r.Upstream})
}

func origin(tip string) OriginAt {
	return OriginAt{Tip: tip, From: "origin/main", Commits: 2, Known: "k"}
}

func TestUpstreamIsGatedAndGoesFirst(t *testing.T) {
	d := newDrive(t)
	d.q.Target = "m1"
	d.submit("b1")
	d.built("m1")
	d.send(origin("o1")) // the run under way goes on
	if len(got[StopGate](d)) != 0 {
		t.Fatal("a gate was stopped")
	}
	d.gate(Pass)
	d.publish()
	d.submit("b2")
	if b := d.q.Run; b == nil || b.Upstream != "o1" || len(b.Parts) != 0 {
		t.Fatalf("%+v", b)
	}
	d.builtUpstream("m2")
	if why := WhyNot(d.q, "b2", d.now); !strings.Contains(why, "origin") {
		t.Error(why)
	}
	d.gate(Pass)
	in := d.q.Intent
	if in == nil || in.Upstream != "o1" || in.New != "m2<o1" {
		t.Fatalf("%+v", in)
	}
	d.publish()
	if took := got[TookIn](d); len(took) != 1 || took[0].Tip != "o1" || d.q.Target != "m2<o1" || d.q.Upstream != nil {
		t.Fatalf("%+v, queue %+v", took, d.q)
	}
	if d.q.Run == nil || d.q.Run.Parts[0].Bead != "b2" {
		t.Fatalf("%+v", d.q.Run)
	}
}

func TestRedUpstreamBlamesNobodyAndTheQueueGoesOn(t *testing.T) {
	d := newDrive(t)
	d.cfg.Confirm = true
	d.q.Target = "m1"
	d.send(origin("o1"))
	d.builtUpstream("m1")
	d.gate(Fail)
	d.gate(Fail) // confirmed in a fresh worktree
	if u := d.q.Upstream; u == nil || !strings.Contains(u.Why, `origin/main at o1 is red: gate "test" fails`) || len(got[SendBack](d)) > 0 {
		t.Fatalf("%+v", d.q)
	}
	if ps := got[Problem](d); len(ps) != 1 || !strings.Contains(ps[0].Text, "is red") {
		t.Fatalf("%+v", ps)
	}
	d.state(Idle)
	d.submit("b1")
	d.built("m1")
	d.gate(Pass)
	d.publish() // on another target it is tried again, once nothing else is to do
	if d.q.Run == nil || d.q.Run.Upstream != "o1" {
		t.Fatalf("%+v", d.q.Run)
	}
	d.builtUpstream("m1+b1/1")
	d.gate(Fail)
	d.gate(Fail)
	d.send(Tick{})
	if d.q.Run != nil || d.q.Undelivered() == "" {
		t.Fatalf("%+v", d.q.Run)
	}
	d.send(Resume{By: "you"})
	if d.q.Run == nil {
		t.Fatal("resume does not try it again")
	}
	d.send(origin("o2")) // a repair over there: the run goes on, and the repair is next
	d.builtUpstream("m1+b1/1")
	d.gate(Fail)
	d.gate(Fail)
	if d.q.Run == nil || d.q.Run.Upstream != "o2" {
		t.Fatalf("%+v", d.q.Run)
	}
}

func TestUpstreamConflict(t *testing.T) {
	d := newDrive(t)
	d.q.Target = "m1"
	d.send(origin("o1"))
	d.send(Built{Seq: d.q.Run.Seq, Base: "m1", BaseTree: "Tm1", Conflict: &Conflict{Files: []string{"a.go"}}})
	if u := d.q.Upstream; u.Why != "origin/main at o1 does not merge with main: conflict in a.go" || d.q.Run != nil {
		t.Fatalf("%+v", u)
	}
	d.send(OriginAt{}) // a bead merged it
	if len(got[ProblemGone](d)) != 1 || d.q.Upstream != nil {
		t.Fatalf("%+v", d.out)
	}
}

func TestABranchOfTheOriginThatIsGoneAsks(t *testing.T) {
	gone := OriginAt{From: "origin/main", Known: "o1", Rewritten: true}
	for _, choice := range []UpstreamChoice{TakeTheirs, KeepOurs} {
		d := newDrive(t)
		d.q.Target = "m1"
		d.send(gone)
		d.submit("b1")
		d.state(Paused)
		if !strings.Contains(d.q.Reason, "origin/main is gone: it was at o1") || d.q.Undelivered() != "origin/main is gone" {
			t.Errorf("%q, %q", d.q.Reason, d.q.Undelivered())
		}
		d.send(Choose{Choice: choice, By: "you"})
		if d.q.Run == nil || len(d.q.Run.Parts) != 1 {
			t.Errorf("%s: the queue does not go on: %+v", choice, d.q.Run)
		}
		if left := d.q.Undelivered(); (left == "") != (choice == TakeTheirs) {
			t.Errorf("%s: %q", choice, left)
		}
	}
	d := newDrive(t)
	d.q.Target = "m1"
	d.send(gone, OriginAt{}) // put back
	d.state(Idle)
	if d.q.Upstream != nil {
		t.Errorf("%+v", d.q.Upstream)
	}
}

func TestRewrittenOriginStopsTheQueueWithAChoice(t *testing.T) {
	for _, choice := range []UpstreamChoice{TakeTheirs, KeepOurs} {
		d := newDrive(t)
		d.q.Target = "m1"
		d.submit("b1")
		d.built("m1")
		ev := origin("o1")
		ev.Rewritten = true
		d.send(ev)
		if len(got[StopGate](d)) != 1 {
			t.Fatal("the gate goes on")
		}
		d.gate(Stopped)
		d.state(Paused)
		if !strings.Contains(d.q.Hint, "gastown rig fetch app --accept") || !strings.Contains(WhyNot(d.q, "b1", d.now), "was rewritten") {
			t.Fatalf("%q %q", d.q.Hint, WhyNot(d.q, "b1", d.now))
		}
		d.send(Resume{}, Restart{}, Tick{}, ev)
		if d.q.Run != nil || !d.q.Upstream.Asks() {
			t.Fatal("only the choice ends it")
		}
		d.send(Choose{Choice: choice, By: "you"})
		if choice == KeepOurs {
			if d.q.Run == nil || d.q.Run.Parts[0].Bead != "b1" || !strings.Contains(d.q.Undelivered(), "ours is kept") {
				t.Fatalf("%+v", d.q)
			}
			ev.Tip = "o2"
			d.send(ev)
			if d.q.Upstream.Asks() {
				t.Fatal("asked again")
			}
			continue
		}
		d.builtUpstream("m1")
		d.gate(Pass)
		d.publish()
		if len(got[TookIn](d)) != 1 || d.q.Target != "m1<o1" {
			t.Fatalf("%+v", d.q)
		}
	}
}

func TestTheForgeIsFollowedWhateverTheGateSays(t *testing.T) {
	d := newDrive(t)
	d.q.Target = "m1"
	ev := origin("o1")
	ev.Follow = true
	d.send(ev)
	d.builtUpstream("m1")
	d.gate(Fail)
	d.publish()
	d.state(MainRed)
	if d.q.Target != "m1<o1" || !strings.Contains(d.q.Reason, "fails on main itself") {
		t.Fatalf("%+v", d.q)
	}
	ev.Tip = "o2"
	d.send(ev) // the repair lifts it
	d.builtUpstream("m1<o1")
	d.gate(Pass)
	d.publish()
	d.state(Idle)
}

func TestUpstreamAcrossARestart(t *testing.T) {
	for _, done := range []bool{false, true} {
		d := newDrive(t)
		d.q.Target = "m1"
		d.send(origin("o1"))
		d.builtUpstream("m1")
		d.gate(Pass)
		target := "m1"
		if done {
			target = "m1<o1"
		}
		d.send(Restarted{Target: target, IntentDone: done})
		if done {
			if len(got[TookIn](d)) != 1 || d.q.Intent != nil {
				t.Fatalf("%+v", d.q)
			}
			continue
		}
		if p := got[Publish](d); len(p) != 1 || p[0].Intent.Upstream != "o1" {
			t.Fatalf("%+v", d.out)
		}
	}
}

func TestAGreenEntryGoesToTheForge(t *testing.T) {
	d := newDrive(t)
	d.cfg.Forge, d.cfg.Batch = true, true
	d.q.Target = "m1"
	d.submit("b1", "b2")
	for range 2 {
		d.built("m1")
		d.gate(Pass)
	}
	if d.q.Run != nil || d.q.Intent != nil || d.q.Entries[0].State != EntryPR || d.q.Entries[1].State != EntryPR {
		t.Fatalf("%+v", d.q)
	}
	d.send(Restarted{Target: "m1"}, Proposed{Bead: "b1", N: 1, URL: "https://forge/1"}, ForgeMerged{Parts: []Part{{Bead: "b1", N: 2}}, Commit: "x"})
	if why := WhyNot(d.q, "b1", d.now); why != "b1 waits for the forge to merge https://forge/1." {
		t.Error(why)
	}
	d.send(ForgeMerged{Parts: []Part{{Bead: "b1", N: 1}}, Commit: "f1"})
	if s := one[Settle](d); s.Bead != "b1" || s.Commit != "f1" || d.q.Total != 1 {
		t.Fatalf("%+v", s)
	}
	d.submit("b3") // is being gated while the other comes back
	d.send(ForgeReturned{Bead: "b2", N: 1, Why: "its pull request was closed", Log: "no"})
	if s := one[SendBack](d); s.Bead != "b2" || s.Log != "no" || d.q.Run == nil || d.q.Run.Parts[0].Bead != "b3" {
		t.Fatalf("%+v, run %+v", s, d.q.Run)
	}
}
