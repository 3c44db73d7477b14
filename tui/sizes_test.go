package tui

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
)

func (p *player) window(cols, rows int) {
	p.send(tea.WindowSizeMsg{Width: cols, Height: rows})
	p.wait(time.Second)
}

// TestAWindowThatShrinksTellsNobody: what agents have on screen is cut, not lost, until somebody types into it.
func TestAWindowThatShrinksTellsNobody(t *testing.T) {
	h := sampleHost(120, 40)
	mayor := h.terms[MayorName]
	_, _ = fmt.Fprintf(mayor, "\r\n%s the end of a long line", strings.Repeat("x", 40))
	p := drive(t, h, 120, 40)
	p.send(changedMsg{})
	before := p.picture()
	p.keys("ctrl+]")
	var want []Size
	for _, s := range []Size{{20, 5}, {59, 15}, {80, 24}, {100, 30}} {
		p.window(s.Cols, s.Rows)
	}
	p.wantSeen("cut, it has 62x35")
	p.window(120, 40)
	p.keys("ctrl+]")
	if after := p.picture(); after != before {
		t.Errorf("the picture has changed:\n%s\nbefore:\n%s", after, before)
	}
	for name, term := range h.terms {
		if !reflect.DeepEqual(term.resized, want) {
			t.Errorf("%s was resized %v, want %v", name, term.resized, want)
		}
	}
	p.window(100, 30)
	p.keys("a", "b")
	if want = append(want, Size{51, 25}); !reflect.DeepEqual(mayor.resized, want) {
		t.Errorf("typed into: resized %v, want %v", mayor.resized, want)
	}
	if got := h.terms["toast"].resized; len(got) != 0 {
		t.Errorf("nobody typed to toast: resized %v", got)
	}
	if got, want := h.slots, []Size{{62, 35}, {20, 3}, {59, 13}, {80, 21}, {51, 25}, {62, 35}, {51, 25}}; !reflect.DeepEqual(got, want) {
		t.Errorf("agents that start get %v, want %v", got, want)
	}
}

// TestACutPictureIsAimedAt: its cursor and the mouse are where they are seen.
func TestACutPictureIsAimedAt(t *testing.T) {
	h := sampleHost(120, 40)
	_, _ = h.terms[MayorName].Write([]byte("\x1b[?1002h\x1b[?1006h\x1b[35;1Hlast row\x1b[35;3H"))
	p := drive(t, h, 120, 40)
	p.window(100, 30)
	x, y := p.spot("last row")
	if c := p.m.term.cursor(p.m.layout.slot); c == nil || c.X != x+2 || c.Y != y {
		t.Errorf("the cursor is at %v, want %d,%d", c, x+2, y)
	}
	p.send(tea.MouseClickMsg{X: x, Y: y, Button: tea.MouseLeft})
	if got, want := h.terms[MayorName].typed(), "\x1b[<0;1;35M"; got != want {
		t.Errorf("the program got %q, want %q", got, want)
	}
}

// TestScrollModeCoversNothing: at every size it shows the terminal, the board goes away for that time.
func TestScrollModeCoversNothing(t *testing.T) {
	for _, size := range []Size{{80, 24}, {120, 40}} {
		h := sampleHost(size.Cols, size.Rows)
		long := strings.Repeat("wide ", 10)
		for i := range 200 {
			_, _ = fmt.Fprintf(h.terms[MayorName], "%d %s end\r\n", i, long)
		}
		p := drive(t, h, size.Cols, size.Rows)
		p.send(changedMsg{})
		p.keys("ctrl+]", "[", "pgup", "k")
		p.wantSeen(long + " end")
		p.keys("/", "9", "8", " ", "w", "enter")
		p.wantSeen("98 " + long + " end")
		y := 0
		for i, row := range strings.Split(p.m.View().Content, "\n") {
			if strings.Contains(row, "\x1b[7m98 wide") {
				y = i
			}
		}
		if y < size.Rows/4 || y > size.Rows*3/4 {
			t.Errorf("%v: the line that was found is marked in row %d", size, y)
		}
		p.keys("N")
		if d, _ := p.m.over().(*scrollMode); d == nil || !strings.Contains(p.m.history()[d.hit], "198 wide") {
			t.Errorf("%v: N does not find the next one", size)
		}
		p.keys("esc")
		p.wantSeen("1 BEADS")
	}
}

// TestScrolledByTheWheel: keys scroll on or go back to what is live; none reaches a program whose prompt is not seen.
func TestScrolledByTheWheel(t *testing.T) {
	for _, size := range []Size{{80, 24}, {120, 40}, {59, 15}} {
		h := sampleHost(size.Cols, size.Rows)
		for range 100 {
			_, _ = h.terms[MayorName].Write([]byte("an old line\r\n"))
		}
		p := drive(t, h, size.Cols, size.Rows)
		p.send(changedMsg{})
		p.send(tea.MouseWheelMsg{X: 5, Y: 5, Button: tea.MouseWheelUp})
		p.wantSeen("3 rows back")
		if strings.Contains(p.picture(), "TYPING") {
			t.Errorf("%v: it says TYPING:\n%s", size, p.picture())
		}
		p.keys("up")
		if p.m.term.scroll != 4 {
			t.Errorf("%v: %d rows back", size, p.m.term.scroll)
		}
		p.keys("enter")
		if p.m.term.scroll != 0 || h.terms[MayorName].typed() != "" {
			t.Errorf("%v: %d rows back, typed %q", size, p.m.term.scroll, h.terms[MayorName].typed())
		}
		p.keys("enter")
		if h.terms[MayorName].typed() != "\r" {
			t.Errorf("%v: typed %q", size, h.terms[MayorName].typed())
		}
	}
}
