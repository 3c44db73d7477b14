package tui

import (
	"slices"
	"strings"
	"testing"
	"time"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/refinery"
)

// slitGoesOn changes the town: slit's attempt at gt-c9d ends, and another polecat of that name is at work on gt-e12.
func (p *player) slitGoesOn(how beads.AttemptState, why string) {
	p.t.Helper()
	v := *p.h.View()
	v.Status.Polecats, v.Beads = slices.Clone(v.Status.Polecats), slices.Clone(v.Beads)
	for i := range v.Status.Polecats {
		if c := &v.Status.Polecats[i]; c.Name == "slit" {
			c.Bead, c.Attempt = "gt-e12", 1
			c.Question = "another question?"
		}
	}
	for i := range v.Beads {
		if b := &v.Beads[i]; b.ID == "gt-c9d" {
			a := *b.Attempts[0]
			a.State, a.Why = how, why
			b.Attempts, b.Status = []*beads.Attempt{&a}, beads.Open
		}
	}
	p.h.set(&v)
	p.send(changedMsg{})
}

// TestADialogBelongsToOneAttempt: once that has ended, no answer to it acts on whoever has the name by then.
func TestADialogBelongsToOneAttempt(t *testing.T) {
	for _, c := range []struct{ open, answer, verb string }{
		{"x", "y", "polecat.kill"},
		{"a", "down enter", "polecat.reassign"},
		{"N", "h i enter", "polecat.nudge"},
		{"A", "y e s enter", "polecat.answer"},
		{"space x", "y", "polecat.kill {Name:gt-e12"},
		{"N h o", "ctrl+t", "polecat.nudge"},
	} {
		t.Run(c.open, func(t *testing.T) {
			p := drive(t, sampleHost(120, 40), 120, 40)
			p.keys("ctrl+]")
			p.keys(strings.Fields(c.open)...)
			p.slitGoesOn(beads.Lost, "exit 3")
			if c.verb != "polecat.kill {Name:gt-e12" {
				p.wantDialog("slit ended without done: exit 3")
			}
			p.keys(strings.Fields(c.answer)...)
			p.wantNo(c.verb)
			if got := p.h.terms["slit"].typed(); got != "" || p.m.mode == typing {
				t.Errorf("slit's next attempt got %q, mode %v", got, p.m.mode)
			}
		})
	}
}

// TestAnAnswerIsToOneQuestion: the same attempt may ask something else by the time the person has written.
func TestAnAnswerIsToOneQuestion(t *testing.T) {
	p := drive(t, sampleHost(120, 40), 120, 40)
	p.keys("ctrl+]", "A", "y", "e", "s")
	v := *p.h.View()
	v.Status.Polecats = slices.Clone(v.Status.Polecats)
	for i := range v.Status.Polecats {
		if c := &v.Status.Polecats[i]; c.Name == "slit" {
			c.Question = "shall I delete it all?"
		}
	}
	p.h.set(&v)
	p.send(changedMsg{})
	p.wantDialog("slit asks that no more")
	p.wantDialog("yes")
	p.keys("enter")
	p.wantNo("polecat.answer")
}

// TestAQueueDialogBelongsToOneAttempt: bounce and the yes are for what was seen, restart for the gate that ran.
func TestAQueueDialogBelongsToOneAttempt(t *testing.T) {
	change := func(p *player, f func(*api.RefineryInfo)) {
		v := *p.h.View()
		v.Refineries = slices.Clone(v.Refineries)
		r := &v.Refineries[0]
		r.Queue = slices.Clone(r.Queue)
		run := *r.Run
		r.Run = &run
		f(r)
		p.h.set(&v)
		p.send(changedMsg{})
	}
	p := drive(t, sampleHost(120, 40), 120, 40)
	p.keys("ctrl+]", "3", "b")
	change(p, func(r *api.RefineryInfo) { r.Queue[0].Attempt = 2 })
	p.wantDialog("has left the queue")
	p.keys("y")
	p.wantNo("queue.drop")

	change(p, func(r *api.RefineryInfo) { r.State = refinery.Gating })
	p.keys("r")
	p.wantDialog("RESTART THE REFINERY?")
	change(p, func(r *api.RefineryInfo) { r.Run.Seq++ })
	p.wantDialog("What ran is through")
	p.keys("y")
	p.wantNo("refinery.restart")

	change(p, func(r *api.RefineryInfo) {
		r.Queue[0].State, r.Queue[0].Green = refinery.EntryApprove, &refinery.Candidate{Tree: "4b825dc"}
	})
	p.keys("A")
	p.wantDialog("LAND gt-a0e?")
	change(p, func(r *api.RefineryInfo) { r.Queue[0].Green = &refinery.Candidate{Tree: "another"} })
	p.wantDialog("does not wait for that yes any more")
	p.keys("y")
	p.wantNo("queue.approve")
}

// TestTheLeftSlotBelongsToOneAttempt: what is typed for one never reaches the next of that name.
func TestTheLeftSlotBelongsToOneAttempt(t *testing.T) {
	p := drive(t, sampleHost(120, 40), 120, 40)
	p.keys("ctrl+]", "t", "h", "i")
	p.slitGoesOn(beads.Delivered, "")
	p.wait(time.Second)
	p.keys("r", "m", "enter")
	p.send(pressOf("x"))
	if got := p.h.terms["slit"].typed(); got != "hi" {
		t.Errorf("slit got %q", got)
	}
}

// TestAnEndedPolecatIsSeenToTheEnd: its last lines stay with how it ended, and what is typed is answered.
func TestAnEndedPolecatIsSeenToTheEnd(t *testing.T) {
	for _, size := range []Size{{120, 40}, {80, 24}, {59, 15}} {
		p := drive(t, sampleHost(size.Cols, size.Rows), size.Cols, size.Rows)
		_, _ = p.h.terms["slit"].Write([]byte("panic: out of ideas\r\n"))
		p.send(changedMsg{})
		p.keys("ctrl+]", "t")
		p.slitGoesOn(beads.Lost, "exit 3")
		for _, want := range []string{"panic: out of ideas", "slit ended without done: exit 3", "slit ENDED"} {
			if !strings.Contains(p.screen(), want) {
				t.Errorf("%v: no %q:\n%s", size, want, p.screen())
			}
		}
		p.m.tick()
		if n := strings.Count(p.screen(), "slit ended without done"); n != 1 {
			t.Errorf("%v: it is said %d times:\n%s", size, n, p.screen())
		}
		for _, no := range []string{"TYPING to slit", "TYPE slit"} {
			if strings.Contains(p.screen(), no) {
				t.Errorf("%v: it says %q:\n%s", size, no, p.screen())
			}
		}
		p.keys("h")
		p.wantToast("slit has ended and reads nothing")
		p.keys("ctrl+]", "m")
		if p.m.term.name != MayorName || p.m.mode != typing {
			t.Errorf("%v: m goes to %s", size, p.m.term.name)
		}
	}
}

// TestWhatAnEndedPolecatLeft: t on its bead shows that, of the newest try, and the left slot does not stay with an older one.
func TestWhatAnEndedPolecatLeft(t *testing.T) {
	for _, size := range []Size{{120, 40}, {80, 24}, {59, 15}} {
		h := sampleHost(size.Cols, size.Rows)
		h.do = func(verb string, req any) (any, error) {
			if verb == "polecat.log" {
				return api.Peeked{Text: strings.Repeat("earlier\n", 99) + "fatal: " + req.(api.PeekReq).Name + "\n"}, nil
			}
			return nil, nil
		}
		p := drive(t, h, size.Cols, size.Rows)
		_, _ = h.terms["slit"].Write([]byte("panic: out of ideas\r\n"))
		p.send(changedMsg{})
		p.keys("ctrl+]", "t", "ctrl+]")
		p.slitGoesOn(beads.Lost, "exit 3")
		for _, no := range []string{"Ctrl-] to type here", "scroll"} {
			if size.Cols == 120 && strings.Contains(p.screen(), no) {
				t.Errorf("%v: it says %q:\n%s", size, no, p.screen())
			}
		}
		p.m.show("gt-c9d")
		p.keys("t")
		if size.Cols == 120 { // its last picture is in sight
			p.wantDialog("SLIT gt-c9d, TRY 1, ENDED")
			p.wantDialog("fatal: gt-c9d/1")
			p.wantDialog("slit ended without done: exit 3.") // a reason that says so itself is said alone
			if got := endText(&beads.Attempt{State: beads.Lost, Why: "ended without gastown done (exit 3)"}, beadRow{}); got != "ended without gastown done (exit 3)" {
				t.Errorf("it says %q", got)
			}
			p.keys("esc")
		} else if !strings.Contains(p.screen(), "panic: out of ideas") || p.m.mode != typing {
			t.Errorf("%v: t shows\n%s", size, p.screen())
		} else {
			p.keys("ctrl+]")
		}
		// Another try came and went.
		p.change(func(v *api.View) {
			for i := range v.Beads {
				if b := &v.Beads[i]; b.ID == "gt-c9d" {
					b.Attempts = append(b.Attempts, &beads.Attempt{Bead: b.ID, N: 2, Polecat: "ace", State: beads.Lost, Why: "exit 4"})
				}
			}
		})
		p.m.show("gt-c9d")
		if p.m.term.key != "gt-c9d/2" {
			t.Errorf("%v: the left slot stays with %s", size, p.m.term.key)
		}
		p.keys("t")
		p.wantDialog("fatal: gt-c9d/2")
		p.wantDialog("ace ended without done: exit 4.")
		p.keys("esc")
		p.m.show("gt-e12")
		p.keys("t") // who works is typed to
		if p.m.term.key != "gt-e12/1" || p.m.mode != typing {
			t.Errorf("%v: t goes to %s", size, p.m.term.key)
		}
	}
}
