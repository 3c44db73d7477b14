package tui

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/internal/fault"
	"gastown/refinery"
)

func TestErrorsStayUntilAKey(t *testing.T) {
	h := sampleHost(120, 40)
	h.do = func(string, any) (any, error) {
		return nil, fault.New(fault.Refused, "slit is starting").WithHint("try again in a second")
	}
	p := drive(t, h, 120, 40)
	p.keys("ctrl+]", "R", "y")
	p.wait(time.Minute)
	p.wantToast("slit is starting (try again in a second)")
	p.keys("down")
	if p.m.toast.text != "" {
		t.Errorf("still %q", p.m.toast.text)
	}
}

// TestHungCountsFromTheFirstSecond: an age of "now" would say nothing, and a gate that talks is
// not called silent.
func TestHungCountsFromTheFirstSecond(t *testing.T) {
	h := sampleHost(120, 40)
	r := &h.view.Refineries[0]
	r.Since = ago(6 * time.Second)
	r.Run.LastOutput = ago(11 * time.Second)
	p := drive(t, h, 120, 40)
	for _, want := range []string{"HUNG 7s", "test: no output for 12s"} {
		if !strings.Contains(p.screen(), want) {
			t.Errorf("no %q:\n%s", want, p.screen())
		}
	}
	r.Run.Talks = true
	p.m.dirty = true
	if want := "test: still running after 13m"; !strings.Contains(p.screen(), want) {
		t.Errorf("no %q:\n%s", want, p.screen())
	}
}

// TestWhatWasSlungSaysSo at every width: who slings twelve beads to three polecats sees which are on their way.
func TestWhatWasSlungSaysSo(t *testing.T) {
	for _, size := range [][2]int{{200, 60}, {120, 40}, {80, 24}} {
		h := sampleHost(size[0], size[1])
		for i := range h.view.Beads {
			if b := &h.view.Beads[i]; b.ID == "gt-e12" {
				b.Sling = &beads.Sling{}
			}
		}
		p := drive(t, h, size[0], size[1])
		p.keys("ctrl+]")
		for row := range strings.Lines(p.screen()) {
			if strings.Contains(row, "gt-e12") && !strings.Contains(row, "next") {
				t.Errorf("%dx%d: %s", size[0], size[1], row)
			}
		}
	}
}

func TestAttachAndBack(t *testing.T) {
	p := drive(t, sampleHost(120, 40), 120, 40)
	p.keys("ctrl+]", "t", "h", "i")
	if got := p.h.terms["slit"].typed(); got != "hi" {
		t.Errorf("slit got %q", got)
	}
	if !strings.Contains(p.screen(), "POLECAT slit") {
		t.Error("the slot does not say whose terminal it is")
	}
	p.keys("ctrl+]", "m", "y")
	if got := p.h.terms[MayorName].typed(); got != "y" {
		t.Errorf("the Mayor got %q", got)
	}
}

func TestDeadMayor(t *testing.T) {
	h := sampleHost(120, 40)
	delete(h.terms, MayorName)
	h.view.Mayor = api.MayorInfo{State: "failed", Agent: "claude", Why: "exit status 1", Last: []string{"\x1b[31mnot logged in"}}
	h.view.Agents = []api.AgentChoice{{Spec: "gemini", Usual: true, Missing: "gemini"}, {Spec: "codex"}, {Spec: "worker", Own: true}}
	p := drive(t, h, 120, 40)
	if p.m.mode != inTown {
		t.Error("the screen opens where nothing can be typed to")
	}
	for _, want := range []string{"not logged in", "exit status 1", "m, then Enter: try again", ":mayor agent scripted works at once", "Also here: codex.", "MAYOR claude ended"} {
		if !strings.Contains(p.screen(), want) {
			t.Errorf("the screen does not say %q", want)
		}
	}
	p.wait(toastFor)
	if p.m.toast.text != "" {
		t.Errorf("events stay covered by %q", p.m.toast.text)
	}
	p.keys("m", "x")
	p.wantToast("no Mayor to read this")
	p.keys("enter")
	p.wantCall("mayor.restart")
	for _, act := range []func(){
		func() { p.keys("ctrl+]"); p.clickOn("try again") },
		func() { p.keys("ctrl+]", "!", "R") },
	} {
		p.h.calls = nil
		p.change(func(v *api.View) {
			v.Status.Problems = []api.Problem{{Key: "mayor", Who: "mayor", What: "does not run", Level: "failed"}}
		})
		act()
		p.wantCall("mayor.restart")
		p.m.mode = typing
	}
	p.keys("ctrl+]", "!", "enter")
	if p.m.mode != typing || p.m.term.name != MayorName {
		t.Error("Enter on the problem does not go to the Mayor")
	}
}

// TestOnlyAWindowResizes: focus, attach, drawer and dialogs never resize an agent.
func TestOnlyAWindowResizes(t *testing.T) {
	h := sampleHost(80, 24)
	p := drive(t, h, 80, 24)
	p.keys("ctrl+]", "t", "ctrl+]", "x", "esc", "2", "tab", "m", "ctrl+]", "?", "esc", "z", "z", "c", "esc", "d", "esc", "[", "k", "esc", "$", "esc", "L", "esc", "e", "esc")
	var want []Size
	for name, term := range h.terms {
		if !reflect.DeepEqual(term.resized, want) {
			t.Errorf("%s was resized %v, want %v", name, term.resized, want)
		}
	}
	for w := 161; w < 201; w++ {
		p.send(tea.WindowSizeMsg{Width: w, Height: 40})
		p.wait(10 * time.Millisecond)
	}
	p.wait(time.Second)
	p.send(tea.WindowSizeMsg{Width: 200, Height: 40})
	p.wait(time.Second)
	want = append(want, Size{84, 35})
	for name, term := range h.terms {
		if !reflect.DeepEqual(term.resized, want) {
			t.Errorf("%s was resized %v, want %v", name, term.resized, want)
		}
	}
	if want = append([]Size{{80, 21}}, want...); !reflect.DeepEqual(h.slots, want) {
		t.Errorf("the host was told %v, want %v", h.slots, want)
	}
}

// TestNothingNewNothingDrawn: a ring without a change does not draw.
func TestNothingNewNothingDrawn(t *testing.T) {
	p := drive(t, sampleHost(120, 40), 120, 40)
	p.m.View()
	p.send(changedMsg{})
	if p.m.dirty {
		t.Error("a ring without a change made the screen dirty")
	}
	_, _ = p.h.terms["nux"].Write([]byte("hidden"))
	_, cmd := p.m.Update(changedMsg{})
	p.run(cmd)
	if p.m.dirty {
		t.Error("a hidden terminal made the screen dirty")
	}
	_, _ = p.h.terms[MayorName].Write([]byte("seen"))
	p.m.Update(changedMsg{})
	if !p.m.dirty {
		t.Error("the shown terminal moved and nothing is drawn")
	}
}

func TestSelectionFollowsTheBead(t *testing.T) {
	h := sampleHost(120, 40)
	p := drive(t, h, 120, 40)
	p.keys("ctrl+]", "down", "down")
	if got := p.m.lists[paneBeads].key; got != "gt-a1f" {
		t.Fatalf("selected %s", got)
	}
	v := sampleView()
	for i := range v.Beads {
		if v.Beads[i].ID == "gt-a1f" {
			v.Beads[i].Status = beads.Submitted
		}
	}
	h.set(v)
	p.send(changedMsg{})
	if r, ok := p.m.selectedBead(); !ok || r.bead.ID != "gt-a1f" {
		t.Errorf("selected %v after the bead moved", r.bead)
	}
}

func TestQuit(t *testing.T) {
	for key, want := range map[string]Quit{"s": Stop, "d": Drain} {
		p := drive(t, sampleHost(120, 40), 120, 40)
		p.keys("ctrl+]", "q", "enter")
		if p.quit {
			t.Fatal("Enter quit")
		}
		p.keys("q", key)
		if !p.quit || p.m.result.Quit != want {
			t.Errorf("%s: quit %v, outcome %v", key, p.quit, p.m.result)
		}
	}
	p := drive(t, sampleHost(120, 40), 120, 40)
	p.keys("ctrl+]", "ctrl+c")
	p.wantToast("once more")
	p.keys("ctrl+c")
	if len(p.m.stack) != 1 {
		t.Error("Ctrl-C twice opened no dialog")
	}
}

func TestFilter(t *testing.T) {
	p := drive(t, sampleHost(120, 40), 120, 40)
	p.keys("ctrl+]", "/", "o", "a", "u", "t", "h", "enter")
	if n := len(p.m.shownBeads()); n != 3 {
		t.Errorf("%d beads pass, want 3", n)
	}
	p.keys("esc")
	if n := len(p.m.shownBeads()); n != 17 {
		t.Errorf("%d beads after Esc", n)
	}
}

func TestSendErrorIsShown(t *testing.T) {
	p := drive(t, sampleHost(120, 40), 120, 40)
	p.send(sendErrMsg{MayorName, errors.New("closed")})
	p.wantToast("mayor: closed")
}

func TestWheelScrollsBack(t *testing.T) {
	h := sampleHost(120, 40)
	for range 100 {
		_, _ = h.terms[MayorName].Write([]byte("an old line\r\n"))
	}
	p := drive(t, h, 120, 40)
	p.send(changedMsg{})
	p.send(tea.MouseWheelMsg{X: 5, Y: 5, Button: tea.MouseWheelUp})
	if p.m.term.scroll != 3 || !strings.Contains(p.screen(), "3 rows back") {
		t.Errorf("scrolled %d rows", p.m.term.scroll)
	}
	_, _ = h.terms[MayorName].Write([]byte("more\r\n"))
	p.send(changedMsg{})
	if p.m.term.scroll != 4 {
		t.Errorf("a scrolled pane moved: %d rows back, want 4", p.m.term.scroll)
	}
	p.keys("a")
	if p.m.term.scroll != 0 {
		t.Error("a key did not return to the live picture")
	}
}

func TestClick(t *testing.T) {
	p := drive(t, sampleHost(120, 40), 120, 40)
	p.send(tea.MouseClickMsg{X: 70, Y: 5, Button: tea.MouseLeft})
	if p.m.mode != inTown || p.m.lists[paneBeads].key != "gt-a1f" {
		t.Errorf("mode %d, selected %s", p.m.mode, p.m.lists[paneBeads].key)
	}
	p.send(tea.MouseClickMsg{X: 70, Y: 5, Button: tea.MouseLeft})
	if len(p.m.stack) != 1 {
		t.Error("a second click did not open the bead")
	}
	p.wait(time.Second)
	p.keys("esc")
	p.send(tea.MouseClickMsg{X: 5, Y: 5, Button: tea.MouseLeft})
	if p.m.mode != typing {
		t.Error("a click on the terminal does not type")
	}
}

func TestEmptyTown(t *testing.T) {
	p := drive(t, newFakeHost(&api.View{Status: api.Status{Cap: 3, Rigs: []api.StatusRig{{Name: "myapp", Branch: "main"}}},
		Refineries: []api.RefineryInfo{{Rig: "myapp", RefineryState: api.RefineryState{State: refinery.Idle}}}}), 120, 40)
	p.keys("ctrl+]")
	for _, want := range []string{"No beads yet.", "Type to the Mayor (m), or press n.", "No polecats yet.", "Nothing queued."} {
		if !strings.Contains(p.screen(), want) {
			t.Errorf("an empty town does not say %q", want)
		}
	}
	p.keys("enter", "x", "a", "t", "v", "A", "L", "y", "p", "space", "G", "down")
	p.wantCall("refinery.log")
}

// TestAgeIsOfTheState: an edit, as of the priority, makes a bead that waits no younger.
func TestAgeIsOfTheState(t *testing.T) {
	since := time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC)
	for _, status := range []beads.Status{beads.NeedsYou, beads.Deferred, beads.Open} {
		b := api.Bead{Bead: beads.Bead{ID: "a-1", Status: status, StatusSince: since, CreatedAt: since, UpdatedAt: since.Add(time.Hour), Rejections: 1}}
		if r := beadFacts(&b, nil, nil, nil); !r.since.Equal(since) {
			t.Errorf("%s since %s, want %s", status, r.since, since)
		}
	}
}
