package tui

import (
	"fmt"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
)

// hostile are titles that attack a terminal, or the columns of a screen.
func hostile() []string {
	return []string{
		"\u202eright to left\u202c \u2066isolated\u2069 \u200f\u061c", "\x1b[2J\x1b[H\x1b[31mred\x1b]52;c;aGk=\x07\x1b]0;title\x07", "tab\there\tand\there",
		"e" + strings.Repeat("\u0301", 400), strings.Repeat("\u200b\u200d\u2060\ufeff", 100) + "zero", "\x9b31m\u009b31m\x90q\x9c", "cr\rlf\nvt\vff\fbs\b\b\bdel\x7f",
		strings.Repeat("登", 300), strings.Repeat("👨\u200d👩\u200d👧", 60), strings.Repeat("🇳", 99), "x" + strings.Repeat("\ufe0f", 99) + "\u20e3", "ﷺ\u0600\u0e33\u3164\u00ad", "",
	}
}

// straight fails unless every row fits both kinds of terminals, those that count graphemes
// and those that count code points, and unless every pane's border stands where it belongs.
func straight(t *testing.T, m *model, rows []string) {
	t.Helper()
	l := m.layout
	for y, row := range rows {
		if w := rowWidth(row); w > l.size.Cols {
			t.Errorf("row %d is %d cells wide, the screen %d: %q", y, w, l.size.Cols, row)
		}
		if w := ansi.WcWidth.StringWidth(plainRow(row)); w > l.size.Cols {
			t.Errorf("row %d is %d cells wide where code points count, the screen %d: %q", y, w, l.size.Cols, row)
		}
	}
	frame := m.single.all() + m.double.all() + "├┤┬┴┼╟╢"
	panes := map[string]rect{"beads": l.beads, "polecats": l.cats, "refinery": l.refinery, "events": l.event}
	if l.bordered {
		panes["left"] = l.left
	}
	if l.kind == listOnly || l.kind == drawer && m.mode != inTown {
		return // no borders
	}
	if l.kind == drawer { // one pane, in the beads' place
		panes = map[string]rect{"drawer": l.beads}
	}
	for name, r := range panes {
		for y := r.y; r.w > 0 && y < r.y+r.h; y++ {
			for _, x := range []int{r.x, r.x + r.w - 1} {
				if m.told.has(x, y) {
					continue // a message lies over the foot
				}
				if at := clip(plainRow(rows[y]), x, x+1); !strings.Contains(frame, at) || at == "" {
					t.Errorf("%s: %q and no border in column %d of row %d: %q", name, at, x, y, plainRow(rows[y]))
				}
			}
		}
	}
}

// No row is longer than the terminal, and no cell of one pane is in another, at any size, in any
// layout, whatever titles and agents say.
func TestPanesStayInTheirPlaces(t *testing.T) {
	for _, size := range []Size{{200, 60}, {160, 50}, {120, 40}, {100, 30}, {80, 24}, {60, 16}, {59, 15}} {
		for name, town := range map[string]func(*fakeHost){
			"sample": func(*fakeHost) {}, "hard": hardTown, "two rigs": func(h *fakeHost) { twoRigs(h, 83) }, "empty": emptyTown, "hostile": hostileTown,
		} {
			for _, look := range []string{"colours", "NO_COLOR", "ascii"} {
				t.Run(fmt.Sprintf("%dx%d/%s/%s", size.Cols, size.Rows, name, look), func(t *testing.T) {
					h := sampleHost(size.Cols, size.Rows)
					town(h)
					p := drive(t, h, size.Cols, size.Rows)
					switch look {
					case "NO_COLOR":
						p.m.palette = plainPalette()
					case "ascii":
						p.m.charset = asciiSet()
					}
					for _, key := range []string{"ctrl+]", "2", "3", "1"} {
						p.send(pressOf(key))
						p.m.dirty = true
						straight(t, p.m, strings.Split(p.m.View().Content, "\n"))
					}
				})
			}
		}
	}
}

func hostileTown(h *fakeHost) {
	v := sampleView()
	for i, title := range hostile() {
		v.Beads[i].Title, v.Beads[i].Description = title, title
	}
	for i := range v.Status.Polecats {
		v.Status.Polecats[i].Question = hostile()[i]
	}
	h.set(v)
}

// The same on the real program, with an agent that prints the same into its own terminal.
func TestHostileTextOnTheRealProgram(t *testing.T) {
	for _, size := range []Size{{200, 60}, {120, 40}, {80, 24}, {59, 15}} {
		t.Run(fmt.Sprintf("%dx%d", size.Cols, size.Rows), func(t *testing.T) {
			h := sampleHost(size.Cols, size.Rows)
			hostileTown(h)
			s, _ := perform(t, h, size.Cols, size.Rows, nil)
			s.await(" TYPE mayor ")
			if _, err := io.WriteString(h.terms[MayorName].Terminal, strings.Join(hostile(), "\r\n")+"\r\nthe end"); err != nil {
				t.Fatal(err)
			}
			h.ring()
			s.await("the end")
			s.press("\x1d")
			s.await(" TOWN ")
			m := fixedModel(h, size.Cols, size.Rows)
			m.mode = inTown
			straight(t, m, s.outer.Text())
			s.mu.Lock()
			defer s.mu.Unlock()
			for _, bad := range []string{"\u202e", "\u2066", "\u200f", "\x1b]52", "\x9b", "\u009b", "\x07title", "]0;title", "\ufeff", "\u200b"} {
				if strings.Contains(s.raw.String(), bad) {
					t.Errorf("%q reached the person's terminal", bad)
				}
			}
		})
	}
}

// The text of a screen without colours is that of one with them.
func TestNoColorSaysTheSame(t *testing.T) {
	for _, size := range []Size{{200, 60}, {120, 40}, {80, 24}, {59, 15}} {
		t.Run(fmt.Sprintf("%dx%d", size.Cols, size.Rows), func(t *testing.T) {
			var texts []string
			for _, env := range [][]string{plainEnv(), append(plainEnv(), "NO_COLOR=1")} {
				s, _ := perform(t, sampleHost(size.Cols, size.Rows), size.Cols, size.Rows, func(sc *Screen) { sc.Env = env })
				s.await(" TYPE mayor ")
				s.press("\x1d")
				s.await(" TOWN ")
				texts = append(texts, s.text())
			}
			if texts[0] != texts[1] {
				t.Errorf("with colours:\n%s\nwithout:\n%s", texts[0], texts[1])
			}
		})
	}
}

// What is written can be read on dark and on light backgrounds, on the selected row too; WCAG
// asks for 4.5, and for 3 of what is no text.
func TestContrast(t *testing.T) {
	for _, c := range []struct {
		name    string
		palette palette
		grounds []string
	}{
		{"dark", darkPalette(), []string{"48;2;0;0;0", "48;2;30;30;30", string(darkPalette().picked), string(darkPalette().strip)}},
		{"light", lightPalette(), []string{"48;2;255;255;255", "48;2;250;248;240", string(lightPalette().picked), string(lightPalette().strip)}},
	} {
		p := c.palette
		for name, ink := range map[string]sty{
			"blue": p.blue, "orange": p.orange, "red": p.red, "yellow": p.yellow, "cyan": p.cyan, "green": p.green, "magenta": p.magenta, "dim": p.dim, "accent": p.accent,
		} {
			for _, ground := range c.grounds {
				if got := contrast(t, string(ink), ground); got < 4.45 {
					t.Errorf("%s: %s on %s has a contrast of %.2f", c.name, name, ground, got)
				}
			}
		}
	}
}

func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	x, y := luminance(t, a), luminance(t, b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// luminance is WCAG's, of an SGR colour.
func luminance(t *testing.T, sgr string) float64 {
	t.Helper()
	var kind int
	var rgb [3]float64
	if _, err := fmt.Sscanf(sgr, "%d;2;%f;%f;%f", &kind, &rgb[0], &rgb[1], &rgb[2]); err != nil {
		t.Fatalf("%q: %v", sgr, err)
	}
	for i, c := range rgb {
		if c /= 255; c <= 0.04045 {
			rgb[i] = c / 12.92
		} else {
			rgb[i] = math.Pow((c+0.055)/1.055, 2.4)
		}
	}
	return 0.2126*rgb[0] + 0.7152*rgb[1] + 0.0722*rgb[2]
}
