package tui

import (
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"pgregory.net/rapid"

	"gastown/internal/api"
)

// anyAnswers are plausible answers of a town, so that dialogs have something to show.
func anyAnswers(h *fakeHost) func(string, any) (any, error) {
	return func(verb string, _ any) (any, error) {
		switch verb {
		case api.GetDiff.Name():
			return sampleDiff(), nil
		case api.PolecatPreview.Name():
			return samplePreview(h), nil
		case api.RefineryLog.Name():
			return api.Peeked{Text: "one\n\ttwo \x1b[31mred\n登录\n", From: "logs/x"}, nil
		case api.GetStatus.Name():
			return h.View().Status, nil
		}
		return nil, nil
	}
}

// TestAnyInput: whatever is typed, clicked, pasted or resized in whatever order, nothing
// panics, every row is exactly as wide as the screen, and quitting is always asked about.
func TestAnyInput(t *testing.T) {
	keys := []string{
		"ctrl+]", "f9", "enter", "esc", "tab", "shift+tab", "up", "down", "left", "right", "pgdown", "backspace", "space", "ctrl+c",
		"1", "2", "3", "4", "m", "r", "R", "a", "A", "x", "y", "u", "U", "v", "t", "d", "N", "n", "p", "/", ":", "?", "!", "e", "c", "C", "$",
		"L", "P", "z", "+", "_", "[", "]", "f", "o", "b", "D", "P", "g", "G", "q", ">", "<", "j", "k", "登", "é",
	}
	rapid.Check(t, func(rt *rapid.T) {
		cols, rows := rapid.IntRange(1, 210).Draw(rt, "cols"), rapid.IntRange(1, 70).Draw(rt, "rows")
		h := sampleHost(cols, rows)
		defer h.close() // there are hundreds of runs
		switch rapid.IntRange(0, 3).Draw(rt, "town") {
		case 1:
			twoRigs(h, 83)
		case 2:
			emptyTown(h)
		case 3:
			noMayor(h)
		}
		h.do = anyAnswers(h)
		p := drive(t, h, cols, rows)
		for range rapid.IntRange(1, 25).Draw(rt, "events") {
			at := func(what string, most int) int { return rapid.IntRange(0, max(most, 0)).Draw(rt, what) }
			switch at("kind", 9) {
			case 0:
				p.send(tea.MouseClickMsg{X: at("x", cols), Y: at("y", rows), Button: tea.MouseLeft})
			case 1:
				p.send(tea.MouseMotionMsg{X: at("x", cols), Y: at("y", rows), Button: tea.MouseLeft})
				p.send(tea.MouseReleaseMsg{X: at("x", cols), Y: at("y", rows), Button: tea.MouseLeft})
			case 2:
				p.send(tea.MouseWheelMsg{X: at("x", cols), Y: at("y", rows), Button: rapid.SampledFrom([]tea.MouseButton{tea.MouseWheelUp, tea.MouseWheelDown}).Draw(rt, "wheel")})
			case 3:
				cols, rows = rapid.IntRange(1, 210).Draw(rt, "cols"), rapid.IntRange(1, 70).Draw(rt, "rows")
				p.send(tea.WindowSizeMsg{Width: cols, Height: rows})
			case 4:
				p.send(tea.PasteMsg{Content: rapid.SampledFrom([]string{"xrayx\n", "登录", "", "a b\tc\x1b[31m"}).Draw(rt, "paste")})
			default:
				p.send(pressOf(rapid.SampledFrom(keys).Draw(rt, "key")))
			}
			p.wait(400 * time.Millisecond)
			if p.quit {
				return // only after the dialog: s, d or a click on them
			}
			if len(p.m.drawn) != max(rows, 1) {
				rt.Fatalf("%d rows on a screen of %d", len(p.m.drawn), rows)
			}
			for y, row := range p.m.mark(p.m.drawn) {
				if w := rowWidth(row); w != cols {
					rt.Fatalf("row %d is %d cells wide, want %d: %q", y, w, cols, row)
				}
			}
		}
	})
}
