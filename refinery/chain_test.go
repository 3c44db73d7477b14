package refinery

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gastown/beads"
)

// convoy is a drive with beads of one convoy in the queue, the first of them proposed.
func convoy(t *testing.T, ids ...string) *drive {
	d := newDrive(t)
	d.cfg.Forge, d.cfg.Confirm = true, true
	d.q.Target = "m1"
	for _, id := range ids {
		d.send(Submit{Entry{Bead: beads.ID(id), N: 1, Title: "t", Tip: "tip-" + id, Priority: 2, Convoy: "c"}})
	}
	d.onChain("m1")
	d.gate(Pass)
	return d
}

// onChain answers the build in progress, with what it is built on.
func (d *drive) onChain(base string) {
	d.t.Helper()
	r := d.q.Run
	d.q.Target = base
	ev := Built{Seq: r.Seq, Base: base, BaseTree: "T" + base}
	c := base
	for _, p := range r.Under {
		c += "+" + string(p.Bead)
		ev.Under = append(ev.Under, Part{Bead: p.Bead, N: p.N, Commit: c, Tree: "T" + c})
	}
	p := r.Parts[0]
	c += "+" + string(p.Bead)
	ev.Commit, ev.Tree, ev.Parts = c, "T"+c, []Part{{Bead: p.Bead, N: p.N, Commit: c, Tree: "T" + c, Change: "x"}}
	d.send(ev)
}

// shown is the convoy's chain as beads and commits.
func (d *drive) shown() string {
	var out []string
	for _, e := range d.q.Chain("c") {
		out = append(out, string(e.Bead)+" "+e.Chain[len(e.Chain)-1].Commit)
	}
	return strings.Join(out, ", ")
}

func (d *drive) wantShown(want string) {
	d.t.Helper()
	if got := d.shown(); got != want {
		d.t.Fatalf("the chain is %q, want %q", got, want)
	}
}

func TestAConvoysEntriesAreGatedOnEachOther(t *testing.T) {
	d := convoy(t, "b1", "b2", "b3")
	d.wantShown("b1 m1+b1")
	if b := one[Build](d); len(b.Under) != 1 || b.Under[0].Bead != "b1" || b.Parts[0].Bead != "b2" {
		t.Fatalf("%+v", b)
	}
	d.onChain("m1")
	d.gate(Pass)
	d.onChain("m1")
	if g := one[RunGate](d); g.Commit != "m1+b1+b2+b3" || g.Bead != "b3" {
		t.Fatalf("%+v", g)
	}
	d.gate(Pass)
	d.wantShown("b1 m1+b1, b2 m1+b1+b2, b3 m1+b1+b2+b3")
	d.send(ForgeMerged{Parts: []Part{{Bead: "b1", N: 1, Commit: "m1+b1"}, {Bead: "b2", N: 1, Commit: "m1+b1+b2"}, {Bead: "b3", N: 1}}, Commit: "f"})
	s := got[Settle](d)
	if len(s) != 3 || s[0].Commit != "m1+b1" || s[2].Commit != "f" || len(d.q.Entries) != 0 {
		t.Fatalf("%+v", s)
	}
}

func TestABeadOutsideOfTheConvoyStandsAlone(t *testing.T) {
	d := convoy(t, "b1")
	d.submit("x1")
	if b := one[Build](d); len(b.Under) != 0 || len(b.Others) != 1 {
		t.Fatalf("%+v", b)
	}
}

func TestWhoIsRedOnAGreenChainIsBlamed(t *testing.T) {
	d := convoy(t, "b1", "b2")
	d.onChain("m1")
	d.gate(Fail)
	d.gate(Fail)
	if s := one[SendBack](d); s.Bead != "b2" || s.Gate != "test" {
		t.Fatalf("%+v", s)
	}
	d.wantShown("b1 m1+b1")
}

// TestAChainThatWentRedUnderItsNext: the target moved, and what was proposed is red on it.
func TestAChainThatWentRedUnderItsNext(t *testing.T) {
	d := convoy(t, "b1", "b2", "b3")
	d.onChain("m1")
	d.gate(Pass)
	d.onChain("m2")
	d.gate(Fail) // b3 on b1 and b2; who of them?
	if r := d.q.Run; r == nil || r.Commit != "m2+b1+b2" {
		t.Fatalf("%+v", r)
	}
	d.gate(Fail)
	if r := d.q.Run; r == nil || r.Commit != "m2+b1" {
		t.Fatalf("%+v", r)
	}
	d.gate(Pass)
	d.wantShown("b1 m2+b1, b2 m1+b1+b2")
	d.onChain("m2")
	if r := d.q.Run; r == nil || r.Commit != "m2+b1+b2" || len(got[SendBack](d)) > 0 {
		t.Fatalf("b2 is blamed on one run: %+v", r)
	}
	d.gate(Fail)
	if s := one[SendBack](d); s.Bead != "b2" {
		t.Fatalf("%+v", s)
	}
	d.onChain("m2")
	if g := one[RunGate](d); g.Commit != "m2+b1+b3" {
		t.Fatalf("%+v", g)
	}
	d.gate(Pass)
	d.wantShown("b1 m2+b1, b3 m2+b1+b3")
}

// TestAChainThatBreaksTheGate: nobody is blamed, and only who breaks it stands aside.
func TestAChainThatBreaksTheGate(t *testing.T) {
	d := convoy(t, "b1", "b2")
	d.onChain("m2")
	d.gate(Broken)
	if r := d.q.Run; r == nil || r.Commit != "m2+b1" {
		t.Fatalf("%+v", r)
	}
	d.gate(Pass)
	d.onChain("m2")
	d.gate(Broken)
	if e := d.q.Entries[index(d.q, "b2")]; e.State != EntryHeld || e.Why == "" {
		t.Fatalf("%+v", e)
	}
	d.wantShown("b1 m2+b1")
}

func TestWhatWasBuiltOnOneThatLeftIsBuiltAnew(t *testing.T) {
	for name, leave := range map[string]Event{
		"sent back": ForgeReturned{Bead: "b2", N: 1, Why: "ada asks", By: "ada"},
		"held":      Hold{Bead: "b2", By: "you"},
		"dropped":   Drop{Bead: "b2", By: "you"},
		"conflicts": ForgeStale{Bead: "b2", N: 1},
	} {
		t.Run(name, func(t *testing.T) {
			d := convoy(t, "b1", "b2", "b3", "b4")
			for range 2 {
				d.onChain("m1")
				d.gate(Pass)
			}
			d.onChain("m1") // b4 is being gated
			d.send(leave)
			if len(got[StopGate](d)) != 1 {
				t.Fatalf("what is built on it is gated on: %+v", d.out)
			}
			d.wantShown("b1 m1+b1")
			d.gate(Stopped)
			want := "m1+b1+b3"
			if name == "conflicts" { // it conflicts with what main is by now: so do those after it, perhaps
				want = "m2+b1+b2"
			}
			d.onChain(want[:2])
			if g := one[RunGate](d); g.Commit != want {
				t.Errorf("%+v", g)
			}
		})
	}
}

func TestAYesIsForABeadOfAConvoyAlone(t *testing.T) {
	d := convoy(t, "b1")
	d.send(Submit{Entry{Bead: "b2", N: 1, Title: "t", Tip: "tip-b2", Priority: 2, Convoy: "c", AskFirst: true}})
	d.onChain("m1")
	d.gate(Pass)
	g := d.q.Entries[index(d.q, "b2")].Green
	if g == nil || g.Base != "m1+b1" || g.Commit != "m1+b1+b2" {
		t.Fatalf("%+v", g)
	}
	d.after(time.Second, Approve{Bead: "b2", By: "you"})
	d.onChain("m1")
	d.wantShown("b1 m1+b1, b2 m1+b1+b2")
}

// TestWhatTheForgeIsShown: whatever happens, a convoy's chain has exactly the beads that are
// proposed, in their order, and a tree that passed.
func TestWhatTheForgeIsShown(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := newDrive(t)
		d.cfg.Forge, d.cfg.Confirm, d.q.Target = true, true, "m1"
		tries, passed, main := map[beads.ID]int{}, map[string]bool{}, 1
		bead := func() beads.ID { return rapid.SampledFrom([]beads.ID{"b1", "b2", "b3", "b4"}).Draw(rt, "bead") }
		for range rapid.IntRange(1, 60).Draw(rt, "events") {
			d.now = d.now.Add(time.Minute)
			id := bead()
			e := Entry{Bead: id, N: tries[id]}
			if i := index(d.q, id); i >= 0 {
				e = d.q.Entries[i]
			}
			switch rapid.IntRange(0, 10).Draw(rt, "event") {
			case 0, 1:
				if index(d.q, id) < 0 {
					tries[id]++
					d.send(Submit{Entry{Bead: id, N: tries[id], Title: "t", Tip: "tip", Priority: 2, Convoy: "c"}})
				}
			case 2:
				d.send(ForgeReturned{Bead: id, N: e.N, Why: "x", By: "ada"})
			case 3:
				d.send(Hold{Bead: id, By: "you"})
			case 4:
				d.send(Release{Bead: id, By: "you"})
			case 5:
				d.send(Drop{Bead: id, By: "you"})
			case 6:
				d.send(ForgeStale{Bead: id, N: e.N})
			case 7:
				var parts []Part
				for _, c := range d.q.Chain("c") {
					parts = append(parts, Part{Bead: c.Bead, N: c.N})
				}
				main++
				d.send(ForgeMerged{Parts: parts, Commit: "f"}, Tick{})
			default:
				switch r := d.q.Run; {
				case r == nil:
					d.send(Tick{})
				case r.Phase == PhaseBuild:
					d.onChain("m" + strconv.Itoa(main))
				case r.Stopping:
					d.gate(Stopped)
				default:
					o := rapid.SampledFrom([]Outcome{Pass, Pass, Fail}).Draw(rt, "outcome")
					passed[r.Tree] = passed[r.Tree] || o == Pass
					d.gate(o)
				}
			}
			chain := d.q.Chain("c")
			if len(chain) == 0 {
				continue
			}
			parts, want := chain[len(chain)-1].Chain, ""
			last := parts[len(parts)-1].Commit
			for k, c := range chain {
				if c.Place != k+1 {
					rt.Fatalf("places of %s", d.shown())
				}
				want += "+" + string(c.Bead)
			}
			if _, has, _ := strings.Cut(last, "+"); "+"+has != want || !passed["T"+last] {
				rt.Fatalf("%s is shown, which has %s and passed: %v", want, last, passed["T"+last])
			}
		}
	})
}

// TestAChainThatIsBuiltEndsWithTheForge: what was built on a proposed entry would land that, too.
func TestAChainThatIsBuiltEndsWithTheForge(t *testing.T) {
	d := convoy(t, "b1", "b2")
	d.onChain("m1")
	d.wantShown("b1 m1+b1")
	d.cfg.Forge = false
	d.send(Tick{})
	if r := d.q.Run; r == nil || !r.Stopping {
		t.Fatalf("its gate goes on: %+v", r)
	}
	d.gate(Stopped)
	if r := d.q.Run; r == nil || len(r.Under) > 0 {
		t.Errorf("the next run: %+v", r)
	}
}
