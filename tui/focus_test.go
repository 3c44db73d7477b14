package tui

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/refinery"
)

// change changes the town.
func (p *player) change(f func(*api.View)) {
	p.t.Helper()
	v := *p.h.View()
	v.Beads, v.Status.Polecats, v.Refineries = slices.Clone(v.Beads), slices.Clone(v.Status.Polecats), slices.Clone(v.Refineries)
	v.Status.Problems = slices.Clone(v.Status.Problems)
	f(&v)
	p.h.set(&v)
	p.send(changedMsg{})
}

// TestWhatNeedsYouStaysInSight: a list that nobody acts on shows its top, wherever its cursor was left.
func TestWhatNeedsYouStaysInSight(t *testing.T) {
	h := sampleHost(120, 40)
	twoRigs(h, 83)
	p := drive(t, h, 120, 40)
	p.keys("ctrl+]", "G")
	if strings.Contains(p.screen(), "gt-c9d P2") {
		t.Fatal("the cursor is at the end, and the first row in sight")
	}
	key := p.m.lists[paneBeads].key
	p.keys("2")
	if !strings.Contains(p.screen(), "gt-c9d P2") {
		t.Errorf("another pane has the focus, and what asks is out of sight:\n%s", p.screen())
	}
	p.keys("1")
	if p.m.lists[paneBeads].key != key || strings.Contains(p.screen(), "gt-c9d P2") {
		t.Error("the cursor is not where it was left")
	}
	p.keys("m")
	if !strings.Contains(p.screen(), "gt-c9d P2") {
		t.Errorf("the person types, and what asks is out of sight:\n%s", p.screen())
	}
	p.keys("ctrl+]")
	if p.m.lists[paneBeads].key != key {
		t.Error("the cursor is not where it was left")
	}
}

// TestANewQuestionComesIntoSight: polecats that nobody looked at are shown from the top, what asks first.
func TestANewQuestionComesIntoSight(t *testing.T) {
	h := sampleHost(120, 40)
	v := sampleView()
	for i := range 12 {
		c := catSpec{name: fmt.Sprintf("cat%d", i), agent: "claude", bead: "gt-a1f", doing: "works", state: beads.Running, age: time.Hour, quiet: time.Second}.info()
		c.Attempt = i + 2
		v.Status.Polecats = append(v.Status.Polecats, c)
	}
	h.set(v)
	p := drive(t, h, 120, 40)
	p.keys("ctrl+]")
	p.change(func(v *api.View) {
		c := &v.Status.Polecats[len(v.Status.Polecats)-1]
		c.State, c.Question = beads.Asking, "may I?"
	})
	if !strings.Contains(p.screen(), "? cat11") {
		t.Errorf("who asks is not in sight:\n%s", p.screen())
	}
}

// TestTheCursorFollowsABeadThatIsClosed: a key after it aims at the bead that was looked at, which stays in sight.
func TestTheCursorFollowsABeadThatIsClosed(t *testing.T) {
	h := sampleHost(120, 40)
	twoRigs(h, 83)
	p := drive(t, h, 120, 40)
	p.keys("ctrl+]")
	p.m.show("gt-e12") // ready
	for _, s := range []beads.Status{beads.Submitted, beads.Closed} {
		p.change(func(v *api.View) {
			for i := range v.Beads {
				if v.Beads[i].ID == "gt-e12" {
					v.Beads[i].Status = s
				}
			}
		})
		if r, _ := p.m.selectedBead(); r.bead == nil || r.bead.ID != "gt-e12" || r.bead.Status != s {
			t.Errorf("%s: the cursor is on %s", s, p.m.lists[paneBeads].key)
		}
		if !strings.Contains(p.screen(), "gt-e12 P") {
			t.Errorf("%s: it is out of sight:\n%s", s, p.screen())
		}
	}
}

// TestFilterSelectsTheFirstMatch: whatever was selected before; Esc takes all back, also the rig and the zoom.
func TestFilterSelectsTheFirstMatch(t *testing.T) {
	h := sampleHost(120, 40)
	twoRigs(h, 83)
	p := drive(t, h, 120, 40)
	p.keys("ctrl+]", "down", "down", "/")
	p.typeText("session")
	if got := p.m.lists[paneBeads].key; got != "gt-b2c" {
		t.Errorf("%s is selected, want the first that matches", got)
	}
	if !strings.Contains(p.screen(), "▸ > gt-b2c") {
		t.Errorf("the list is not in sight:\n%s", p.screen())
	}
	p.keys("esc")
	if p.m.filters[paneBeads] != "" || p.m.lists[paneBeads].key == "gt-b2c" {
		t.Error("Esc does not take the filter back")
	}
	p.keys("/")
	p.typeText("nothing")
	p.keys("enter", "f", "f")
	if !strings.Contains(p.screen(), "Nothing matches nothing in site.") {
		t.Errorf("it does not say where nothing is:\n%s", p.screen())
	}
	p.wait(toastFor)
	p.keys("2", "z", "esc")
	if p.m.full || p.m.focus != paneCats {
		t.Error("Esc does not leave the zoom first")
	}
	p.wait(toastFor)
	p.keys("esc")
	if p.m.rig != "" {
		t.Error("Esc does not show all rigs")
	}
	p.wait(toastFor)
	p.keys("esc", "esc")
	if p.m.filters[paneBeads] != "" || p.m.focus != paneBeads {
		t.Error("Esc does not take the filter back")
	}
}

// TestFilterIsOfTheFocusedPane: polecats and the queue are narrowed where they are, the board stays as it is.
func TestFilterIsOfTheFocusedPane(t *testing.T) {
	p := drive(t, sampleHost(120, 40), 120, 40)
	p.keys("ctrl+]", "2", "/")
	p.typeText("nux")
	p.keys("enter")
	if busy, _ := p.m.shownCats(); len(busy) != 1 || busy[0].cat.Name != "nux" || len(p.m.shownBeads()) != 17 {
		t.Errorf("%d polecats, %d beads", len(busy), len(p.m.shownBeads()))
	}
	p.keys("x", "y")
	p.wantCall("polecat.kill {Name:gt-b2c/1")
	p.keys("3", "/")
	p.typeText("encrypt")
	p.keys("enter", "space")
	p.wantCall("queue.hold {Bead:gt-a0d}")
}

// TestAStalledPolecatIsAnAlarm: in front of those that work, with what helps; R starts it again at once.
func TestAStalledPolecatIsAnAlarm(t *testing.T) {
	p := drive(t, sampleHost(200, 60), 200, 60)
	p.change(func(v *api.View) {
		v.Status.Problems = nil
		for i := range v.Status.Polecats {
			v.Status.Polecats[i].Stalled = v.Status.Polecats[i].Name == "nux"
		}
	})
	p.keys("ctrl+]")
	for _, want := range []string{"! stalled   gt-b2c", "R restart agent", "silent 1m"} {
		if !strings.Contains(p.screen(), want) {
			t.Errorf("no %q:\n%s", want, p.screen())
		}
	}
}

// TestTheBarCountsTheList: what the status bar and the header warn of is what ! lists.
func TestTheBarCountsTheList(t *testing.T) {
	p := drive(t, sampleHost(120, 40), 120, 40)
	p.change(func(v *api.View) {
		v.Status.Problems = []api.Problem{
			{Key: "refinery/myapp", Who: "refinery myapp", Rig: "myapp", Level: "hung"},
			{Key: "approve/gt-a0e", Who: "gt-a0e", Bead: "gt-a0e", Level: "asks"},
			{Key: "asks/gt-c9d", Who: "slit", Bead: "gt-c9d", Level: "asks"},
		}
	})
	p.keys("ctrl+]")
	for _, want := range []string{" TOWN │ ?2 !1 │", " · 3 need you"} {
		if !strings.Contains(p.screen(), want) {
			t.Errorf("no %q: something else is counted:\n%s", want, p.screen())
		}
	}
}

// TestAWideBarSaysWhatIsWrong: a Mayor that does not run is nothing that is stalled.
func TestAWideBarSaysWhatIsWrong(t *testing.T) {
	mayor, rust := api.Problem{Key: "mayor", Who: "mayor", Level: "failed"}, api.Problem{Key: "rust", Who: "rust", Level: "hung"}
	for want, ps := range map[string][]api.Problem{
		" │ wrong: mayor │ ":                              {mayor},
		" │ stalled 1 wrong: mayor │ ":                    {mayor, rust},
		" │ wrong: mayor, refinery myapp, 1 more │ beads": {mayor, {Key: "refinery/myapp", Who: "refinery myapp", Level: "failed"}, {Key: "settings", Who: "town.toml", Level: "failed"}},
	} {
		p := drive(t, sampleHost(200, 60), 200, 60)
		p.change(func(v *api.View) { v.Status.Problems = ps })
		p.keys("ctrl+]")
		if !strings.Contains(p.screen(), want) {
			t.Errorf("no %q:\n%s", want, p.screen())
		}
		p.clickOn(strings.Trim(want, " │beads"))
		p.wantDialog("PROBLEMS")
	}
}

// TestABeadThatNeedsYouSaysSo: below the list too.
func TestABeadThatNeedsYouSaysSo(t *testing.T) {
	p := drive(t, sampleHost(200, 60), 200, 60)
	p.keys("ctrl+]")
	for id, want := range map[string]string{"gt-c9d": "needs you · unblocks gt-f22", "gt-f20": "needs gt-a1f gt-e11", "gt-e12": "needs nothing"} {
		p.m.show(beads.ID(id))
		if !strings.Contains(p.screen(), want) {
			t.Errorf("%s: no %q:\n%s", id, want, p.screen())
		}
	}
}

// TestAnEmptyQueueSaysWhatComes: without gates nothing lands, and with nothing to test nothing is tested.
func TestAnEmptyQueueSaysWhatComes(t *testing.T) {
	for want, info := range map[string]api.RefineryInfo{
		"comes here, is tested, and lands.": {},
		"comes here, and waits for a gate.": {RefineryState: api.RefineryState{State: refinery.NoGates}},
		"comes here, and lands untested.":   {Ungated: true},
	} {
		p := drive(t, emptyHost(200, 60), 200, 60)
		p.change(func(v *api.View) { info.Rig = "myapp"; v.Refineries = []api.RefineryInfo{info} })
		if got := p.m.emptyQueue(); !strings.HasSuffix(got, want) {
			t.Errorf("it says %q, want %q", got, want)
		}
	}
}

// TestTheFilterIsAsWideAsTheScreen: on the narrowest too, where there is no room for what its keys do.
func TestTheFilterIsAsWideAsTheScreen(t *testing.T) {
	p := drive(t, sampleHost(80, 28), 80, 28)
	p.keys("ctrl+]", "/", "x")
	if !p.m.filtering() {
		t.Fatal("/ does not filter")
	}
	for cols := 1; cols <= 80; cols++ {
		p.send(tea.WindowSizeMsg{Width: cols, Height: 28})
		for y, row := range p.m.mark(p.m.drawn) {
			if w := rowWidth(row); w != cols {
				t.Errorf("row %d is %d cells wide, want %d: %q", y, w, cols, row)
			}
		}
	}
}

// TestTheCursorStaysWithWhatAKeyWasAbout, also where nobody moved it, and while its polecat's terminal is typed to.
func TestTheCursorStaysWithWhatAKeyWasAbout(t *testing.T) {
	p := drive(t, sampleHost(120, 40), 120, 40)
	p.keys("ctrl+]")
	if got := p.m.lists[paneBeads].key; got != "gt-c9d" {
		t.Fatalf("the cursor is on %s", got)
	}
	p.keys("t")
	p.slitGoesOn(beads.Lost, "exit 3")
	p.keys("ctrl+]")
	if got := p.m.lists[paneBeads].key; got != "gt-c9d" {
		t.Errorf("back on the board the cursor is on %s", got)
	}
}
