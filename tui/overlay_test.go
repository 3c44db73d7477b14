package tui

import (
	"fmt"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"gastown/internal/api"
)

// everyDialog are the keys that open each of them on the sample's board.
func everyDialog() []string {
	return []string{"enter", "x", "a", "q", "?", "!", "e", "L", ":", "n", "A", "d", "N", "c", "$", "D", "p", "/"}
}

// smallSizes are those where the least fits, then the usual ones.
func smallSizes() []Size {
	return []Size{{20, 5}, {40, 10}, {59, 15}, {60, 16}, {80, 24}, {120, 40}, {200, 60}}
}

func dialogHost(cols, rows int) *fakeHost {
	h := sampleHost(cols, rows)
	h.do = anyAnswers(h)
	return h
}

// TestEveryDialogCanBeLeftByMouse: its way out is seen at every size and can be clicked; so can the place beside it.
func TestEveryDialogCanBeLeftByMouse(t *testing.T) {
	for _, size := range smallSizes() {
		for _, key := range everyDialog() {
			t.Run(fmt.Sprintf("%dx%d/%s", size.Cols, size.Rows, key), func(t *testing.T) {
				p := drive(t, dialogHost(size.Cols, size.Rows), size.Cols, size.Rows)
				p.keys("ctrl+]", key)
				if len(p.m.stack) != 1 {
					t.Fatalf("it opens %d dialogs", len(p.m.stack))
				}
				p.clickOn("Esc")
				if len(p.m.stack) != 0 {
					t.Errorf("a click on Esc leaves it open:\n%s", p.dialog())
				}
				p.m.stack = nil
				p.keys(key)
				if p.m.top.w >= size.Cols && p.m.top.y == 0 {
					return // there is no place beside it
				}
				if key == "/" {
					p.clickOn("gt-d04") // the row, and the filter stays
					if len(p.m.stack) != 0 || p.m.lists[paneBeads].key != "gt-d04" {
						t.Error("the row below the filter is not clicked")
					}
					return
				}
				p.send(tea.MouseClickMsg{X: 0, Y: size.Rows - 1, Button: tea.MouseLeft})
				if p.m.top.has(0, size.Rows-1) != (len(p.m.stack) == 1) {
					t.Error("a click beside leaves it open")
				}
			})
		}
	}
}

// TestQuestionsShowTheirButtons at every size; what does not fit is scrolled to.
func TestQuestionsShowTheirButtons(t *testing.T) {
	for _, size := range smallSizes() {
		for key, last := range map[string]string{"x": "v revives the work later", "q": "uncommitted work are kept"} {
			p := drive(t, dialogHost(size.Cols, size.Rows), size.Cols, size.Rows)
			p.keys("ctrl+]", key)
			p.m.View()
			p.wantDialog("[ Cancel ]")
			if size.Rows < 10 {
				continue
			}
			seen := ""
			for range 20 {
				seen += p.dialog()
				p.keys("pgdown")
			}
			if seen = strings.Join(strings.Fields(strings.NewReplacer("║", " ").Replace(seen)), " "); !strings.Contains(seen, last) {
				t.Errorf("%v: %s never shows %q:\n%s", size, key, last, p.dialog())
			}
			p.wantDialog("[ Cancel ]")
		}
	}
}

// TestMoreIsSaid: a dialog that has more than it shows says how to see it, until the end is reached.
func TestMoreIsSaid(t *testing.T) {
	h := sampleHost(80, 24)
	h.view.Beads[0].Description = strings.Repeat("One more wish.\n", 60)
	p := drive(t, h, 80, 24)
	p.keys("ctrl+]", "enter")
	p.wantDialog("PgDn more  Esc")
	p.clickOn("PgDn more")
	p.keys("G")
	if strings.Contains(p.dialog(), "PgDn more") {
		t.Errorf("there is no more:\n%s", p.dialog())
	}
}

// TestLongQuestionIsReadInFull where a polecat asks more than the screen has rows.
func TestLongQuestionIsReadInFull(t *testing.T) {
	h := sampleHost(59, 15)
	h.view.Status.Polecats[2].Question = strings.Repeat("Which of these ports shall it be? ", 40) + "The end."
	p := drive(t, h, 59, 15)
	p.keys("ctrl+]", "A")
	p.wantDialog("PgDn more")
	for range 10 {
		p.keys("pgdown")
	}
	p.wantDialog("The end.")
	p.keys("n", "o", "enter")
	p.wantCall(api.PolecatAnswer.Name() + " {Name:gt-c9d/1 Text:no")
	p.wait(time.Second)
}
