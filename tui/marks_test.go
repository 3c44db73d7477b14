package tui

import (
	"strings"
	"testing"
	"time"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/internal/fault"
)

// count is how often a verb was called.
func (p *player) count(verb string) int { return strings.Count(p.h.asked(), verb+" {") }

func TestMarksActTogether(t *testing.T) {
	for _, c := range []struct {
		key, yes string
		verbs    map[string]int
		asks     string
	}{
		{"a", "y", map[string]int{"polecat.reassign": 2, "sling": 1}, "ASSIGN 3 BEADS?"},
		{"x", "y", map[string]int{"polecat.kill": 2}, "KILL 2 POLECATS?"},
		{"p", "0", map[string]int{"bead.update": 3}, "SET THE PRIORITY OF 3 BEADS?"},
		{"R", "y", map[string]int{"polecat.restart": 2}, "RESTART 2 POLECATS?"},
	} {
		t.Run(c.key, func(t *testing.T) {
			p := drive(t, sampleHost(120, 40), 120, 40)
			p.keys("ctrl+]", "space", "space") // slit's and rust's
			p.m.show("gt-e12")
			p.keys("space")
			if len(p.m.marked()) != 3 || !strings.Contains(p.screen(), "3 marked") {
				t.Fatalf("%d marked:\n%s", len(p.m.marked()), p.screen())
			}
			p.send(pressOf(c.key))
			p.wait(100 * time.Millisecond)
			p.send(pressOf(c.yes)) // the dialog is deaf at first
			p.wait(time.Second)
			if len(p.m.stack) != 1 {
				t.Fatalf("%d dialogs", len(p.m.stack))
			}
			rows := plainRow(strings.Join(p.m.dialog(p.m.stack[0], true).rows, "\n"))
			for _, want := range []string{c.asks, "default: Cancel", "gt-c9d", "gt-d04", "gt-e12"} {
				if !strings.Contains(rows, want) {
					t.Errorf("the dialog does not say %q:\n%s", want, rows)
				}
			}
			p.keys("enter") // Cancel
			for verb := range c.verbs {
				p.wantNo(verb)
			}
			p.keys(c.key, c.yes)
			for verb, n := range c.verbs {
				if got := p.count(verb); got != n {
					t.Errorf("%s was called %d times, want %d: %s", verb, got, n, p.h.asked())
				}
			}
			if len(p.m.marks) > 0 {
				t.Error("the marks stay after the action")
			}
			if c.key == "R" {
				return
			}
			if acts := actions(p.h); len(acts) != 1 || acts["0"] {
				t.Errorf("one undo takes back: %v", acts)
			}
		})
	}
}

// actions are the action numbers that were given to verbs.
func actions(h *fakeHost) map[string]bool {
	out := map[string]bool{}
	for _, s := range strings.Split(h.asked(), "Action:")[1:] {
		n, _, _ := strings.Cut(s, "}")
		out[n] = true
	}
	return out
}

func TestMarksFollowTheirBeads(t *testing.T) {
	h := sampleHost(120, 40)
	p := drive(t, h, 120, 40)
	p.keys("ctrl+]")
	p.m.show("gt-a1f")
	p.keys("space")
	p.m.show("gt-e12")
	p.keys("space", "y")
	p.wantToast("copied 2 ids")
	if len(p.m.marks) != 2 {
		t.Error("a copy drops the marks")
	}
	v := sampleView()
	for i := range v.Beads {
		if v.Beads[i].ID == "gt-a1f" {
			v.Beads[i].Status = beads.NeedsYou
		}
	}
	v.Beads = append(v.Beads[:7:7], v.Beads[8:]...) // without gt-e12
	h.set(v)
	p.send(changedMsg{})
	if m := p.m.marked(); len(m) != 1 || m[0].bead.ID != "gt-a1f" || m[0].bead.Status != beads.NeedsYou {
		t.Errorf("marked: %+v", m)
	}
	for _, ascii := range []bool{false, true} {
		p.m.ascii = ascii
		p.m.dress()
		want := map[bool]string{false: "?*gt-a1f", true: "?@gt-a1f"}[ascii]
		if !strings.Contains(p.screen(), want) {
			t.Errorf("no %q on the screen:\n%s", want, p.screen())
		}
	}
	// In the other panes keys mean their row, and Space means hold.
	p.keys("esc", "3", "space")
	p.wantCall("queue.hold")
	if len(p.m.marks) != 1 {
		t.Errorf("%d marks", len(p.m.marks))
	}
	p.keys("1", "esc", "esc")
	if len(p.m.marks) != 0 {
		t.Error("Esc keeps the marks")
	}
	p.m.show("gt-c9d")
	p.keys("x")
	if _, ok := p.m.stack[0].(*killDialog); !ok {
		t.Errorf("x without marks opens %T", p.m.stack[0])
	}
}

func TestMarksTellWhatFailed(t *testing.T) {
	h := sampleHost(120, 40)
	h.do = func(verb string, req any) (any, error) {
		if r, ok := req.(api.KillReq); ok && r.Name == "gt-d04/1" {
			return nil, fault.Refusedf("it is being stopped already")
		}
		return nil, nil
	}
	p := drive(t, h, 120, 40)
	p.keys("ctrl+]", "space", "space", "space", "x", "y")
	if p.count("polecat.kill") != 3 {
		t.Errorf("asked %s", h.asked())
	}
	p.wantToast("killed 2 polecats, not gt-d04: it is being stopped already")
}

func TestMarksWithNothingToDo(t *testing.T) {
	p := drive(t, sampleHost(80, 24), 80, 24)
	p.keys("ctrl+]", "G", "space", "x")
	p.wantToast("kill: none of 1 marked bead (gt-9bc: no polecat works on it)")
	p.keys("y")
	p.wantNo("polecat.kill")
	p.keys("esc", "q", "esc")
	if len(p.m.marks) != 1 {
		t.Errorf("%d marks", len(p.m.marks))
	}
}

func TestPauseFreezeResume(t *testing.T) {
	h := sampleHost(120, 40)
	p := drive(t, h, 120, 40)
	set := func(paused, frozen, rigPaused, rigFrozen bool) {
		v := sampleView()
		v.Status.Paused, v.Status.Frozen = paused, frozen
		v.Status.Rigs[0].Paused, v.Status.Rigs[0].Frozen = rigPaused, rigFrozen
		v.Status.Rigs = append(v.Status.Rigs, api.StatusRig{Name: "site", Branch: "main"})
		if frozen || rigFrozen {
			v.Status.Polecats[0].Frozen = true
		}
		h.set(v)
		p.send(changedMsg{})
	}
	wants := func(texts ...string) {
		t.Helper()
		for _, want := range texts {
			if !strings.Contains(p.screen(), want) {
				t.Errorf("no %q on the screen:\n%s", want, p.screen())
			}
		}
	}
	set(false, false, false, false)
	p.keys("ctrl+]", "P")
	p.wantCall("pause {Name:}")
	set(true, false, false, false)
	wants(" PAUSED │", "2 POLECATS 5/6 ─", "rig PAUSED")
	p.keys("P")
	p.wantCall("freeze {Name:}")
	set(true, true, false, false)
	wants(" FROZEN │", "= toast claude gt-a1f frozen")
	p.keys("P")
	p.wantCall("resume {Name:}")
	set(false, false, false, false)
	p.keys("f", "P") // one rig
	p.wantCall("pause {Name:myapp}")
	set(false, false, true, false)
	wants(" PAUSED │", "myapp PAUSED")
	p.keys("P")
	p.wantCall("freeze {Name:myapp}")
	set(false, false, true, true)
	wants(" FROZEN │", "myapp FROZEN", "rig FROZEN")
	p.keys("P")
	p.wantCall("resume {Name:myapp}")
	p.keys(":", "f", "r", "e", "e", "z", "e", "enter")
	if p.count("freeze") != 3 {
		t.Errorf("asked %s", h.asked())
	}

	// Nothing is typed to a program that stands still.
	p.m.term.attach("toast", "gt-a1f/1")
	p.m.picture(true)
	p.m.setMode(typing)
	p.wait(time.Second)
	p.keys("h", "enter")
	p.m.paste("more")
	if got := h.terms["toast"].typed(); got != "" {
		t.Errorf("toast got %q", got)
	}
	p.wantToast("frozen and reads nothing")
}

func TestDependencies(t *testing.T) {
	h := sampleHost(120, 40)
	v := sampleView()
	for i := range v.Beads {
		if v.Beads[i].ID == "gt-a1f" {
			v.Beads[i].Dependencies = []beads.Dependency{{IssueID: "gt-a1f", DependsOn: "gt-9c1", Type: beads.Blocks}, {IssueID: "gt-a1f", DependsOn: "gt-f22", Type: beads.Blocks}}
		}
	}
	h.set(v) // a circle too: gt-f22 needs gt-a1f
	p := drive(t, h, 120, 40)
	p.keys("ctrl+]")
	p.m.show("gt-a1f")
	p.keys("D")
	rows := plainRow(strings.Join(p.m.dialog(p.m.stack[0], true).rows, "\n"))
	for _, want := range []string{"DEPENDENCIES of gt-a1f", "needs", "+ gt-9c1", "waited for by", "# gt-f20", "(see above)"} {
		if !strings.Contains(rows, want) {
			t.Errorf("the dialog does not say %q:\n%s", want, rows)
		}
	}
	d0, _ := p.m.stack[0].(*depsDialog)
	for _, key := range []string{"G", "g", "down", "down", "down", "up", "up", "up", "up"} {
		p.keys(key)
		if d0.rows[d0.at.at].id == "" {
			t.Errorf("%s stops on a heading", key)
		}
	}
	p.keys("g", "D") // of gt-9c1
	if d, ok := p.m.stack[0].(*depsDialog); !ok || d.id != "gt-9c1" {
		t.Fatalf("on top: %+v", p.m.stack[0])
	}
	p.keys("G", "enter")
	if d, ok := p.m.stack[0].(*beadDialog); !ok || d.id != "gt-f22" && d.id != "gt-a1f" {
		t.Errorf("Enter opens %+v", p.m.stack)
	}
}
