package tui

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"gastown/beads"
	"gastown/internal/api"
	"gastown/internal/fault"
)

// picture is the whole screen as text, messages and dialogs on it.
func (p *player) picture() string {
	p.m.dirty = true
	p.m.View()
	return plainRow(strings.Join(p.m.drawn, "\n"))
}

func (p *player) wantSeen(want string) {
	p.t.Helper()
	if !strings.Contains(p.picture(), want) {
		p.t.Errorf("%q is not seen:\n%s", want, p.picture())
	}
}

// TestMessagesAreReadInFull: what does not fit one row gets more of them, at every size.
func TestMessagesAreReadInFull(t *testing.T) {
	const text = "killed capable; si-006 is ready again. Its work is kept in refs/gt/rescue/si-006/1 and comes back with v, or by itself with its next attempt"
	for _, size := range []Size{{59, 15}, {80, 24}, {120, 40}, {200, 60}} {
		p := drive(t, sampleHost(size.Cols, size.Rows), size.Cols, size.Rows)
		p.keys("ctrl+]")
		p.m.say(text, '+')
		seen := ""
		for _, row := range strings.Split(p.picture(), "\n")[p.m.told.y : p.m.told.y+p.m.told.h] {
			seen += " " + row
		}
		if got := strings.Join(strings.Fields(seen), " "); got != "+ "+text {
			t.Errorf("%v: %q", size, got)
		}
	}
}

// TestLongAnswersOpenInADialog, where they can be scrolled and copied.
func TestLongAnswersOpenInADialog(t *testing.T) {
	h := sampleHost(80, 24)
	h.prints = strings.Repeat("It waits for gt-a1f. ", 30) + "The end."
	p := drive(t, h, 80, 24)
	p.keys("ctrl+]")
	p.keys(strings.Split(": w h y space g t - c 9 d enter", " ")...)
	p.wantDialog("The end.")
}

// TestWhatCanBeUndoneIsSaid for as long as u works, whatever else is said.
func TestWhatCanBeUndoneIsSaid(t *testing.T) {
	for _, size := range []Size{{59, 15}, {80, 24}, {120, 40}, {200, 60}} {
		h := sampleHost(size.Cols, size.Rows)
		p := drive(t, h, size.Cols, size.Rows)
		p.keys("ctrl+]")
		v := *h.View()
		v.Undo, v.UndoUntil = "sling of gt-e12", p.clock.now().Add(30*time.Second)
		h.set(&v)
		p.send(changedMsg{})
		p.m.say("toast takes gt-e12", '+')
		p.wantSeen("u undo: sling of gt-e12 (30s)")
		p.wantSeen("toast takes gt-e12")
		p.wait(10 * time.Second)
		p.wantSeen("u undo: sling of gt-e12 (20s)")
		p.wait(25 * time.Second)
		if strings.Contains(p.picture(), "u undo:") {
			t.Errorf("%v: it is too late to undo:\n%s", size, p.picture())
		}
	}
}

// TestNewsStayBesideTheUndo: the newest event is read in full while u works, and who is stopped is said.
func TestNewsStayBesideTheUndo(t *testing.T) {
	h := sampleHost(120, 40)
	p := drive(t, h, 120, 40)
	p.keys("ctrl+]")
	p.change(func(v *api.View) {
		v.Undo, v.UndoUntil = "reassign of gt-a1f, which stops rust", p.clock.now().Add(28*time.Second)
		v.Events = append(slices.Clone(v.Events), beads.Event{Kind: beads.EvSubmitted, At: p.clock.now(), Bead: "gt-b2c", Text: "nux submitted gt-b2c with 3 commits"})
	})
	p.wantSeen("u undo: reassign of gt-a1f, which stops rust (28s)")
	p.wantSeen("nux submitted gt-b2c with 3 commits")
}

// TestHaltSaysHowToGoOn: what P does next stands at the foot while the town is halted.
func TestHaltSaysHowToGoOn(t *testing.T) {
	h := sampleHost(80, 24)
	p := drive(t, h, 80, 24)
	p.keys("ctrl+]")
	v := *h.View()
	v.Status.Paused = true
	h.set(&v)
	p.send(changedMsg{})
	p.wantSeen("P freezes, again goes on")
	v.Status.Frozen = true
	p.m.dirty = true
	p.wantSeen("P goes on")
	p.clickOn("P goes on")
	p.wantCall("resume {Name:}")
}

// TestAClickTakesAMessageAway that waits for a key: the keys below it are wanted.
func TestAClickTakesAMessageAway(t *testing.T) {
	p := drive(t, sampleHost(80, 24), 80, 24)
	p.keys("ctrl+]")
	p.m.fail("something went wrong", "")
	p.wantSeen("went wrong")
	p.clickOn("gt-a1f")
	p.wantSeen("Enter open")
	p.m.fail("a very wrong thing", "")
	p.wantSeen("very wrong")
	p.clickOn("very wrong")
	p.wantSeen("Enter open")
	if len(p.m.stack) != 0 {
		t.Error("a word of a message was taken for a key")
	}
	p.send(tea.PasteMsg{Content: "xrayx\n"})
	p.clickOn("Esc drops it")
	if got := p.h.terms[MayorName].typed(); got != "" || p.m.typed.offer != "" {
		t.Errorf("typed %q, offered %q", got, p.m.typed.offer)
	}
	p.send(tea.PasteMsg{Content: "xrayx"})
	p.clickOn("m gives it")
	if got := p.h.terms[MayorName].typed(); got != "paste:xrayx" {
		t.Errorf("typed %q", got)
	}
}

// TestFirstHintIsSaidOnce a start.
func TestFirstHintIsSaidOnce(t *testing.T) {
	h := sampleHost(80, 24)
	h.view.Starts = 1
	p := drive(t, h, 80, 24)
	p.keys("ctrl+]")
	p.wantToast("Arrows move")
	p.keys("ctrl+]", "ctrl+]")
	if p.m.toast.text != "" {
		t.Errorf("said again: %q", p.m.toast.text)
	}
}

// TestErrorsAreReadInFull, their hint too.
func TestErrorsAreReadInFull(t *testing.T) {
	p := drive(t, sampleHost(80, 24), 80, 24)
	p.keys("ctrl+]")
	p.run(p.m.call("sling gt-e12", func(context.Context, api.Doer) (string, error) {
		return "", fault.Refusedf("it waits for gt-a1f, which toast works on since 14:01, and for gt-b2c, which nux works on").
			WithHint("look at what holds it up with D, or take the dependency away: gastown bead dep remove gt-e12 gt-a1f")
	}))
	p.wantSeen("dep remove gt-e12 gt-a1f)")
}
