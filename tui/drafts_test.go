package tui

import (
	"errors"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"gastown/internal/api"
	"gastown/internal/fault"
)

// TestADraftOutlivesItsDialog: what was written and not sent is there again, however the dialog went.
func TestADraftOutlivesItsDialog(t *testing.T) {
	for _, c := range []struct{ open, call string }{
		{"n", "bead.create {Title:half a"}, {"A", "polecat.answer {Name:gt-c9d/1 Text:half a"}, {"N", "polecat.nudge {Name:gt-c9d/1 Text:half a"},
		{"a tab", "polecat.reassign {Name:gt-c9d/1 To: Agent: Note:half a"},
	} {
		for _, leave := range []string{"esc", "ctrl+c", "ctrl+]"} {
			if c.open == "a tab" && leave == "ctrl+c" {
				continue // there it is a key of the list
			}
			p := drive(t, sampleHost(120, 40), 120, 40)
			p.keys("ctrl+]")
			p.keys(strings.Fields(c.open)...)
			p.typeText("half a")
			p.keys(leave)
			p.wantToast("is not sent, and kept")
			if leave == "ctrl+]" {
				p.keys("ctrl+]")
			}
			p.keys(strings.Fields(c.open)...)
			p.wantDialog("half a")
			p.keys("enter")
			p.wantCall(c.call)
			p.keys(strings.Fields(c.open)...)
			if strings.Contains(p.dialog(), "half a") {
				t.Errorf("%s, left by %s: what was sent is there again", c.open, leave)
			}
		}
	}
}

// TestADraftOutlivesARefusal: the town may refuse what was written; it is not to be written again.
func TestADraftOutlivesARefusal(t *testing.T) {
	h := sampleHost(120, 40)
	h.do = func(verb string, _ any) (any, error) {
		if verb == api.BeadCreate.Name() {
			return nil, fault.Usagef("there are several rigs")
		}
		return nil, nil
	}
	p := drive(t, h, 120, 40)
	p.keys("ctrl+]", "n", "d", "o", "tab", "i", "t", "enter")
	p.wantToast("what you wrote is kept")
	p.keys("n")
	p.wantDialog("title   do")
	p.wantDialog("what    it")
}

// TestARemarkOutlivesItsDiff: one that is being written is kept with its line.
func TestARemarkOutlivesItsDiff(t *testing.T) {
	p := drive(t, diffHost(120, 40), 120, 40)
	p.keys("ctrl+]")
	p.m.show("gt-a1f")
	p.keys("d", "c", "w", "h", "y", "ctrl+]", "ctrl+]", "d", "c")
	p.wantDialog("why")
	p.keys("enter", "j", "c")
	if d, ok := p.m.over().(*diffDialog); !ok || d.note.String() != "" {
		t.Error("it is there on another line too")
	}
}

// TestAPasteKeepsItsLines: where a text may have several; a title is one line, and the rest what is to be done.
func TestAPasteKeepsItsLines(t *testing.T) {
	script := "run this:\n```sh\n\tmake it\n```\n"
	p := drive(t, sampleHost(120, 40), 120, 40)
	p.keys("ctrl+]", "A")
	p.send(tea.PasteMsg{Content: script})
	p.wantDialog("4 lines")
	p.keys("enter")
	p.wantCall("polecat.answer {Name:gt-c9d/1 Text:run this:\n```sh\n    make it\n```")
	p.keys("n")
	p.send(tea.PasteMsg{Content: "Mend it\nfirst this\nthen that\n"})
	p.keys("tab", "tab")
	p.typeText("ok")
	p.keys("ctrl+j")
	p.typeText("all")
	p.keys("enter")
	p.wantCall("bead.create {Title:Mend it Description:first this\nthen that Priority:<nil> Type: Accept:ok\nall")
	p.keys("/")
	p.send(tea.PasteMsg{Content: "a\nb"})
	if got := p.m.filters[paneBeads]; got != "a b" {
		t.Errorf("the filter is %q", got)
	}
}

// TestAnswerInTheEditor: a long answer is written there, and comes back into the dialog to be sent.
func TestAnswerInTheEditor(t *testing.T) {
	p := drive(t, sampleHost(120, 40), 120, 40)
	p.keys("ctrl+]", "A", "n", "o", "ctrl+o")
	p.wantToast("no editor")
	d, ok := p.m.over().(*promptDialog)
	if !ok {
		t.Fatalf("on top: %T", p.m.over())
	}
	p.send(writtenMsg{d: d, err: errors.New("gone")})
	p.wantToast("editor: gone")
	p.send(writtenMsg{d: d, text: "no,\nbecause\n"})
	p.keys("enter")
	p.wantCall("polecat.answer {Name:gt-c9d/1 Text:no,\nbecause")
}
