package vt

import (
	"slices"
	"strings"

	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"
)

// Frame implements Terminal.
func (t *emulator) Frame() Frame {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.draw()
	return t.frame
}

// RenderLine implements Terminal.
func (t *emulator) RenderLine(y int) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.draw()
	if y < 0 || y >= len(t.frame.Lines) {
		return ""
	}
	return t.frame.Lines[y]
}

// ScrollbackLine implements Terminal.
func (t *emulator) ScrollbackLine(i int) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	line := t.emu.Scrollback().Line(i)
	if i < 0 || i >= t.emu.ScrollbackLen() {
		return ""
	}
	return renderRow(line, t.emu.Width())
}

// Text implements Terminal.
func (t *emulator) Text() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.settle()
	out := make([]string, t.emu.Height())
	for y := range out {
		out[y] = plainRow(rowOf(t.emu, y), t.emu.Width())
	}
	return out
}

// History implements Terminal.
func (t *emulator) History(n int) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.settle()
	old, height, width := t.emu.ScrollbackLen(), t.emu.Height(), t.emu.Width()
	if t.emu.IsAltScreen() {
		old = 0 // what is above belongs to another screen
	}
	var out []string // newest first
	for i := old + height - 1; i >= 0 && len(out) < n; i-- {
		var s string
		if i >= old {
			s = plainRow(rowOf(t.emu, i-old), width)
		} else {
			line := t.emu.Scrollback().Line(i)
			s = plainRow(line, max(width, len(line)))
		}
		if s != "" || len(out) > 0 {
			out = append(out, s)
		}
	}
	slices.Reverse(out)
	return out
}

// draw brings t.frame up to date. Rows whose cells are the same keep their string.
func (t *emulator) draw() {
	t.settle()
	if t.drawn && t.frame.Gen == t.gen {
		return
	}
	cols, height := t.emu.Width(), t.emu.Height()
	lines := make([]string, height) // a fresh slice: the old one is in somebody's frame
	rows := make([]uv.Line, height)
	same := t.drawn && t.frame.Cols == cols
	for y := range height {
		row := rowOf(t.emu, y)
		if same && y < len(t.rows) && slices.Equal(row, t.rows[y]) {
			lines[y], rows[y] = t.frame.Lines[y], t.rows[y]
			continue
		}
		lines[y], rows[y] = renderRow(row, cols), slices.Clone(row)
	}
	pos := t.emu.CursorPosition()
	t.rows, t.drawn = rows, true
	t.frame = Frame{
		Cols: cols, Rows: height, Lines: lines, Gen: t.gen,
		Cursor: Cursor{
			X: min(max(pos.X, 0), cols-1), Y: min(max(pos.Y, 0), height-1),
			Visible: t.state.cursorVisible, Shape: t.state.shape, Blink: t.state.blink,
		},
		Title: t.state.title, AltScreen: t.emu.IsAltScreen(), Modes: t.state.modes(), Sync: t.state.sync(),
		Scrollback: t.emu.ScrollbackLen(), Bells: t.state.bells,
	}
}

// cell is one grapheme of a row that may be shown.
type cell struct {
	text  string
	width int
	style *uv.Style
}

// cells calls yield for what to show of row, left to right; the widths add up to exactly cols.
func cells(row uv.Line, cols int, yield func(cell)) {
	var none uv.Style
	blank := cell{text: " ", width: 1, style: &none}
	before := " "
	for x := 0; x < cols; {
		if x >= len(row) {
			yield(blank)
			before = " "
			x++
			continue
		}
		c := &row[x]
		text, width := printable(c.Content)
		claimed := max(c.Width, 1) // columns x/vt thinks it has
		if width == 0 || width > claimed || x+width > cols || joins(before, text) {
			text, width = " ", 1
		}
		yield(cell{text: text, width: width, style: &c.Style})
		before = text
		x += width
		for ; width < claimed && x < min(cols, len(row)) && row[x].Width == 0; width++ {
			yield(cell{text: " ", width: 1, style: &c.Style})
			before = " "
			x++
		}
	}
}

// renderRow returns row as SGR and graphemes, exactly cols wide, with a reset at its end.
func renderRow(row uv.Line, cols int) string {
	var b strings.Builder
	b.Grow(cols + 32)
	var pen uv.Style
	cells(row, cols, func(c cell) {
		if *c.style != pen {
			b.WriteString(sgr(c.style))
			pen = *c.style
		}
		b.WriteString(c.text)
	})
	b.WriteString(ansi.ResetStyle)
	return b.String()
}

// plainRow returns row's text without trailing blanks.
func plainRow(row uv.Line, cols int) string {
	var b strings.Builder
	cells(row, cols, func(c cell) { b.WriteString(c.text) })
	return strings.TrimRight(b.String(), " ")
}

// sgr returns the sequence that makes style the pen, whatever the pen was.
func sgr(style *uv.Style) string {
	if style.IsZero() {
		return ansi.ResetStyle
	}
	return "\x1b[0;" + strings.TrimPrefix(style.String(), "\x1b[")
}
