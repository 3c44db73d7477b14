package tui

import (
	"fmt"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
)

// spot finds a text on the screen.
func (p *player) spot(text string) (x, y int) {
	p.t.Helper()
	p.m.View()
	for y, row := range p.m.drawn {
		plain := plainRow(row)
		if i := strings.Index(plain, text); i >= 0 {
			return width(plain[:i]), y
		}
	}
	p.t.Fatalf("%q is not on the screen:\n%s", text, plainRow(strings.Join(p.m.drawn, "\n")))
	return 0, 0
}

// clickOn clicks the beginning of a text.
func (p *player) clickOn(text string) {
	p.t.Helper()
	x, y := p.spot(text)
	p.send(tea.MouseClickMsg{X: x, Y: y, Button: tea.MouseLeft}, tea.MouseReleaseMsg{X: x, Y: y, Button: tea.MouseLeft})
	p.wait(time.Second)
}

func (p *player) doubleClickOn(text string) {
	p.t.Helper()
	x, y := p.spot(text)
	for range 2 {
		p.send(tea.MouseClickMsg{X: x, Y: y, Button: tea.MouseLeft}, tea.MouseReleaseMsg{X: x, Y: y, Button: tea.MouseLeft})
	}
	p.wait(time.Second)
}

// TestByMouseAlone: watch, open, kill, reassign, restart, diff, attach and quit without a key.
func TestByMouseAlone(t *testing.T) {
	h := diffHost(120, 40)
	p := drive(t, h, 120, 40)
	p.clickOn("gt-a1f P1")
	if p.m.mode != inTown || p.m.lists[paneBeads].key != "gt-a1f" {
		t.Fatalf("selected %s", p.m.lists[paneBeads].key)
	}
	p.clickOn("gt-a1f P1")
	if len(p.m.stack) != 0 {
		t.Fatal("two slow clicks are no double click")
	}
	p.doubleClickOn("gt-a1f P1")
	p.wantDialog("BEAD gt-a1f")
	p.clickOn("Esc")
	p.clickOn("x kill")
	p.wantDialog("KILL POLECAT toast?")
	p.clickOn("[ Cancel ]")
	p.wantNo("polecat.kill")
	p.clickOn("x kill")
	p.clickOn("kill and keep work")
	p.wantCall("polecat.kill {Name:gt-a1f/1")
	p.clickOn("a assign")
	p.clickOn("ace ")
	p.clickOn("Enter reassign")
	p.wantCall("polecat.reassign {Name:gt-a1f/1 To:ace")
	p.clickOn("r restart")
	p.wantCall("refinery.restart {Name:myapp}")
	p.clickOn("d diff")
	p.clickOn("http.Error")
	p.clickOn("c remark")
	p.wantDialog("your remark on internal/auth/callback.go:43")
	p.clickOn("Esc cancel")
	p.clickOn("state.go   ")
	p.wantDialog("▸ state.go")
	p.clickOn("Esc")
	p.m.focus = paneBeads
	p.clickOn("gt-c9d P2")
	p.clickOn("t terminal")
	if p.m.mode != typing || p.m.term.name != "slit" {
		t.Errorf("attached %s", p.m.term.name)
	}
	p.clickOn("TYPE slit")
	if p.m.mode != inTown {
		t.Fatal("a click on the mode does not change it")
	}
	p.clickOn("m back to the Mayor")
	if p.m.mode != typing || p.m.term.name != MayorName {
		t.Errorf("at %s, mode %v", p.m.term.name, p.m.mode)
	}
	p.clickOn("TYPE mayor")
	p.clickOn("? help")
	p.wantDialog("KEYS")
	p.clickOn("quit (asks)")
	p.clickOn("stop all now")
	if !p.quit {
		t.Error("a click on the row of a choice does not take it")
	}
}

// TestAQuitByMouseWaitsForTheRelease: after the end nobody would read that, and the shell would take it for text.
func TestAQuitByMouseWaitsForTheRelease(t *testing.T) {
	press := func() (p *player, x, y int) {
		p = drive(t, sampleHost(120, 40), 120, 40)
		p.keys("ctrl+]", "q")
		x, y = p.spot("stop all now")
		p.send(tea.MouseClickMsg{X: x, Y: y, Button: tea.MouseLeft})
		if p.quit {
			t.Error("it ends with the button down")
		}
		return p, x, y
	}
	p, x, y := press()
	p.send(tea.MouseReleaseMsg{X: x, Y: y, Button: tea.MouseLeft})
	if !p.quit || p.m.result.Quit != Stop {
		t.Errorf("quit %v, %v", p.quit, p.m.result)
	}
	p, _, _ = press()
	p.wait(releaseWait) // of a terminal that tells no release
	if !p.quit || p.m.result.Quit != Stop {
		t.Errorf("quit %v, %v", p.quit, p.m.result)
	}
}

// TestNothingIsHeardOnceTheScreenIsLeft: what comes before the button's release does nothing any more.
func TestNothingIsHeardOnceTheScreenIsLeft(t *testing.T) {
	p := drive(t, sampleHost(120, 40), 120, 40)
	p.keys("ctrl+]", "q")
	x, y := p.spot("stop all now")
	p.send(tea.MouseClickMsg{X: x, Y: y, Button: tea.MouseLeft})
	before := p.screen()
	p.keys("q", "d")
	p.send(tea.PasteMsg{Content: "text"}, tea.MouseWheelMsg{X: x, Y: y, Button: tea.MouseWheelDown}, pressOf("ctrl+]"))
	if p.quit || p.m.result.Quit != Stop || p.m.mode != inTown || p.screen() != before {
		t.Errorf("quit %v, %v, mode %v\n%s", p.quit, p.m.result, p.m.mode, p.screen())
	}
	p.wantNothing()
	p.send(tea.MouseReleaseMsg{X: x, Y: y, Button: tea.MouseLeft})
	if !p.quit || p.m.result.Quit != Stop {
		t.Errorf("quit %v, %v", p.quit, p.m.result)
	}
}

// TestTheBarsAndTheUndoAreClicked: what needs the person in the first and the last row, the command line, and
// the offer of an undo.
func TestTheBarsAndTheUndoAreClicked(t *testing.T) {
	h := diffHost(120, 40)
	p := drive(t, h, 120, 40)
	p.clickOn("?1 !2")
	p.wantDialog("PROBLEMS")
	p.keys("esc")
	p.clickOn(": cmd")
	if len(p.m.stack) != 1 {
		t.Fatal("a click on : cmd opens no command line")
	}
	p.keys("esc")
	v := *h.View()
	v.Undo, v.UndoUntil = "kill of toast", p.clock.now().Add(30*time.Second)
	h.set(&v)
	p.send(changedMsg{})
	p.clickOn("u undo: kill of toast")
	p.wantCall("undo")
}

// TestLabelNamesNoKey: a click between labels, or on a word that is no key, does nothing.
func TestLabelAt(t *testing.T) {
	set := unicodeSet()
	row := "╚═ Enter open  d diff  </> next  Esc ═════ r restart ═╝"
	for at, want := range map[int]string{3: "Enter open", 11: "Enter open", 15: "d diff", 20: "d diff", 24: "</> next", 33: "Esc", 45: "r restart"} {
		if got := labelAt(row, at, set); got != want {
			t.Errorf("at %d: %q, want %q", at, got, want)
		}
	}
	buttons := "║   [ Cancel ]    y  kill and keep work     ║"
	for at, want := range map[int]string{6: "[ Cancel ]", 18: "y  kill and keep work", 25: "y  kill and keep work"} {
		if got := labelAt(buttons, at, set); got != want {
			t.Errorf("at %d: %q, want %q", at, got, want)
		}
	}
	if got := labelAt("", 3, set); got != "" {
		t.Errorf("nothing is %q", got)
	}
}

func TestDragCopiesWithinThePane(t *testing.T) {
	h := sampleHost(120, 40)
	p := drive(t, h, 120, 40)
	p.send(changedMsg{})
	x, y := p.spot("I made a convoy")
	p.send(tea.MouseClickMsg{X: x, Y: y, Button: tea.MouseLeft})
	p.send(tea.MouseMotionMsg{X: 119, Y: y + 1, Button: tea.MouseLeft})
	if !strings.Contains(strings.Join(p.m.mark(p.m.screenRows()), "\n"), "\x1b[7m") {
		t.Error("the selection is not shown")
	}
	_, cmd := p.m.Update(tea.MouseReleaseMsg{X: 119, Y: y + 1, Button: tea.MouseLeft})
	copied := ""
	p.each(cmd, func(msg tea.Msg) { copied += fmt.Sprint(msg) })
	want := "I made a convoy \"auth-revamp\" with 13 beads. The order is\n  session table -> callback route -> UI. Three are ready now:"
	if copied != want {
		t.Errorf("copied %q, want %q", copied, want)
	}
	p.wantToast("copied 2 lines")
}

// each runs a command and shows what comes of it to f.
func (p *player) each(cmd tea.Cmd, f func(tea.Msg)) {
	if cmd == nil {
		return
	}
	switch msg := cmd().(type) {
	case tea.BatchMsg:
		for _, c := range msg {
			p.each(c, f)
		}
	default:
		f(msg)
	}
}

// TestMouseOfTheProgram: a program that asked for the mouse gets press, motion and release in
// its own cells; one that did not gets nothing.
func TestMouseOfTheProgram(t *testing.T) {
	h := sampleHost(120, 40)
	p := drive(t, h, 120, 40)
	play := func() {
		p.send(tea.MouseClickMsg{X: 5, Y: 6, Button: tea.MouseLeft}, tea.MouseMotionMsg{X: 6, Y: 6, Button: tea.MouseLeft},
			tea.MouseReleaseMsg{X: 6, Y: 6, Button: tea.MouseLeft}, tea.MouseWheelMsg{X: 6, Y: 6, Button: tea.MouseWheelUp})
	}
	play()
	if got := h.terms[MayorName].typed(); got != "" {
		t.Errorf("a program that did not ask got %q", got)
	}
	p.m.term.back(-100)
	_, _ = h.terms[MayorName].Write([]byte("\x1b[?1002h\x1b[?1006h"))
	p.send(changedMsg{})
	play()
	if got, want := h.terms[MayorName].typed(), "\x1b[<0;5;5M\x1b[<32;6;5M\x1b[<0;6;5m\x1b[<64;6;5M"; got != want {
		t.Errorf("the program got %q, want %q", got, want)
	}
}

func TestClickOnAFirstSentence(t *testing.T) {
	p := drive(t, emptyHost(120, 40), 120, 40)
	p.keys("ctrl+]")
	p.clickOn("Propose three")
	if got := p.h.terms[MayorName].typed(); got != "Propose three small beads for a start." {
		t.Errorf("typed %q", got)
	}
	p = drive(t, emptyHost(80, 24), 80, 24)
	p.keys("ctrl+]")
	p.clickOn("No beads yet.")
	if got := p.h.terms[MayorName].typed(); got != "" {
		t.Errorf("a click on a text typed %q", got)
	}
}

// TestBarsLeadToWhatTheySpeakOf, at every width and in both modes.
func TestBarsLeadToWhatTheySpeakOf(t *testing.T) {
	type place struct{ text, dialog string }
	for _, c := range []struct {
		size   Size
		places []place
	}{
		{Size{200, 60}, []place{{"asks 1 stalled", "PROBLEMS"}, {"stalled 2", "PROBLEMS"}, {"3 need you", "PROBLEMS"}, {"? help", "KEYS"}, {": cmd", "COMMAND"}, {"convoy auth", "CONVOY"}, {"$4.12 │", "COST"}}},
		{Size{120, 40}, []place{{"?1 !2", "PROBLEMS"}, {"? help", "KEYS"}, {"convoy auth", "CONVOY"}}},
		{Size{80, 24}, []place{{"?1 !2", "PROBLEMS"}, {"!2 │", "PROBLEMS"}, {"$4.12", "COST"}}},
		{Size{59, 15}, []place{{"?1 !2", "PROBLEMS"}, {"$4.12", "COST"}}},
	} {
		for _, place := range c.places {
			p := drive(t, sampleHost(c.size.Cols, c.size.Rows), c.size.Cols, c.size.Rows)
			p.keys("ctrl+]")
			p.clickOn(place.text)
			if !strings.Contains(p.dialog(), place.dialog) {
				t.Errorf("%v: a click on %q opens %q", c.size, place.text, p.dialog())
			}
		}
		p := drive(t, sampleHost(c.size.Cols, c.size.Rows), c.size.Cols, c.size.Rows)
		p.clickOn("TYPE mayor")
		if p.m.mode != inTown {
			t.Fatalf("%v: the mode is not clicked", c.size)
		}
		p.clickOn("refinery HUNG")
		if p.m.focus != paneRefinery {
			t.Errorf("%v: the refinery of the bar is not clicked", c.size)
		}
		p.clickOn("TOWN")
		if p.m.mode != typing {
			t.Errorf("%v: the mode is not clicked", c.size)
		}
		if c.size.Cols != 59 {
			p.clickOn("F9) = board")
			if p.m.mode != inTown {
				t.Errorf("%v: the hint is not clicked", c.size)
			}
		}
	}
}

// TestRowsOfDialogsAreClicked: what a key selects in a dialog, a click does too.
func TestRowsOfDialogsAreClicked(t *testing.T) {
	p := drive(t, diffHost(120, 40), 120, 40)
	p.keys("ctrl+]", "c")
	p.doubleClickOn("gt-a1f Add OAuth")
	p.wantDialog("BEAD gt-a1f")
	x, y := p.spot("</> next")
	p.send(tea.MouseClickMsg{X: x + 2, Y: y, Button: tea.MouseLeft})
	p.wantDialog("BEAD gt-b2c")
	p.wait(time.Second)
	p.clickOn("</> next")
	p.wantDialog("BEAD gt-a1f")
	p.clickOn("Esc")

	p.keys(":")
	p.clickOn("restart refinery")
	p.wantCall("refinery.restart")
	p.keys(":")
	p.clickOn("sling [BEAD]")
	p.wantDialog(":sling ")
	p.clickOn("Esc")

	p.clickOn("n new")
	p.keys("a")
	p.clickOn("accept  ")
	p.keys("b")
	p.clickOn("what    ")
	p.keys("c")
	p.clickOn("Enter create")
	p.wantCall("bead.create {Title:a Description:c Priority:<nil> Type: Accept:b")

	p.keys("p")
	p.clickOn("4  lowest")
	p.wantCall("bead.update {Bead:gt-")
	p.keys("space", "space", "p")
	p.wait(time.Second)
	p.clickOn("0  highest")
	p.wantToast("changed 2 beads")
}
