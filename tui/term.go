package tui

import (
	tea "charm.land/bubbletea/v2"

	"gastown/internal/vt"
)

// termPane is the left slot: whose terminal it shows and the last picture of it.
type termPane struct {
	name   string // the polecat's, or MayorName
	key    string // what the host calls it by: the attempt, BEAD/N, or MayorName
	live   bool
	from   Terminal
	frame  vt.Frame
	had    bool // there is a picture
	scroll int  // rows back in the scrollback
	raw    []string
	rows   []string // raw, settled
}

// forget drops what was drawn, so that it is drawn anew.
func (p *termPane) forget() { p.raw, p.rows = nil, nil }

// attach shows another terminal.
func (p *termPane) attach(name, key string) {
	if p.key != key {
		*p = termPane{name: name, key: key}
	}
}

// take takes the newest picture. held says that the program is in the middle of an update, so
// that the old picture stays for a moment; changed, that the picture is another one.
func (p *termPane) take(t Terminal, ok, late bool) (held, changed bool) {
	if !ok {
		changed = p.live
		p.live, p.from = false, nil
		return false, changed
	}
	if p.live && p.from == t && p.had && t.Gen() == p.frame.Gen && !late {
		return false, false
	}
	f := t.Frame()
	if f.Sync && p.had && p.from == t && !late {
		return true, false
	}
	if p.scroll > 0 && p.from == t {
		p.scroll += max(f.Scrollback-p.frame.Scrollback, 0) // a scrolled-up pane stays put
	}
	if p.from != t {
		p.scroll = 0
	}
	p.live, p.from, p.frame, p.had = true, t, f, true
	p.scroll = min(p.scroll, f.Scrollback)
	return false, true
}

// lines is the picture, h rows of exactly w cells.
func (p *termPane) lines(w, h int) []string {
	raw := make([]string, 0, h)
	for i := range h {
		raw = append(raw, p.line(i, h))
	}
	out := make([]string, h)
	for i, s := range raw {
		if i < len(p.raw) && p.raw[i] == s && i < len(p.rows) {
			out[i] = p.rows[i]
			continue
		}
		out[i] = fitRow(settle(s), p.frame.Cols, w)
	}
	p.raw, p.rows = raw, out
	return out
}

// skip is how many rows of the picture are above a slot of h rows: of one that is taller, the rows around
// the cursor are seen.
func (p *termPane) skip(h int) int {
	skip := max(p.frame.Rows-h, 0)
	if skip > 0 && (p.frame.AltScreen || p.frame.Cursor.Y < skip) {
		skip = max(p.frame.Cursor.Y-h+1, 0)
	}
	return skip
}

// rowOf is the row of a slot of h rows in which a line of scrollback and picture is, counted from the oldest.
func (p *termPane) rowOf(line, h int) int { return line - p.frame.Scrollback - p.skip(h) + p.scroll }

// fits reports whether the program has the size of the slot.
func (p *termPane) fits(s Size) bool { return p.frame.Cols == s.Cols && p.frame.Rows == s.Rows }

// line is row i of h: of the scrollback, of the picture, or nothing.
func (p *termPane) line(i, h int) string {
	y := i + p.skip(h) - p.scroll
	if y < 0 {
		n := p.frame.Scrollback + y
		if n < 0 || p.from == nil {
			return ""
		}
		return p.from.ScrollbackLine(n)
	}
	if y >= len(p.frame.Lines) {
		return ""
	}
	return p.frame.Lines[y]
}

// fitRow is a row of cols cells cut or filled to w.
func fitRow(s string, cols, w int) string {
	if s == "" {
		return spaces(w)
	}
	if cols == w {
		return s
	}
	return clip(s, 0, w)
}

// cursor is where the program's cursor is in the slot, nil when it is hidden or not in view.
func (p *termPane) cursor(slot rect) *tea.Cursor {
	c := p.frame.Cursor
	if !p.live || !c.Visible || p.scroll > 0 {
		return nil
	}
	y := c.Y - p.skip(slot.h)
	if c.X >= slot.w || y < 0 || y >= slot.h {
		return nil
	}
	cur := tea.NewCursor(slot.x+c.X, slot.y+y)
	cur.Blink = c.Blink
	switch c.Shape {
	case vt.CursorUnderline:
		cur.Shape = tea.CursorUnderline
	case vt.CursorBar:
		cur.Shape = tea.CursorBar
	case vt.CursorBlock:
		cur.Shape = tea.CursorBlock
	}
	return cur
}

// back scrolls n rows back (or forward, negative) in the scrollback.
func (p *termPane) back(n int) {
	limit := p.frame.Scrollback
	if p.frame.AltScreen {
		limit = 0
	}
	p.scroll = min(max(p.scroll+n, 0), limit)
}
