package tui

import (
	"strings"
	"time"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"

	"gastown/beads"
	"gastown/internal/vt"
)

const (
	wheelRows   = 3                      // how far one click of the wheel scrolls
	doubleClick = 400 * time.Millisecond // two clicks within it are one double click
	releaseWait = time.Second            // for the release of a click that ends the screen: not every terminal tells it
)

// pointer is what the mouse is doing.
type pointer struct {
	at      time.Time // of the last press
	x, y    int
	area    rect // in which text is selected; empty: nothing is
	toX     int
	toY     int
	drags   bool
	held    bool // the button is down
	forward bool // the press went to the program; so do motion and release
}

// selects reports whether text is being selected.
func (p *pointer) selects() bool { return p.drags && p.area.w > 0 }

// clicker is an overlay whose rows can be clicked: row is counted from its first.
type clicker interface {
	click(m *model, row, x int, again bool) tea.Cmd
}

// click focuses what was clicked, selects the row under the pointer, or runs the key that a
// label names.
func (m *model) click(msg tea.MouseClickMsg) tea.Cmd {
	x, y := msg.X, msg.Y
	again := m.now().Sub(m.mouse.at) < doubleClick && m.mouse.y == y && !m.mouse.drags
	m.mouse = pointer{at: m.now(), x: x, y: y, toX: x, toY: y, held: true}
	if again {
		m.mouse.at = time.Time{} // a third click begins anew
	}
	if m.forwardMouse(vt.MousePress, tea.Mouse(msg)) {
		m.mouse.forward = true
		return nil
	}
	if msg.Button != tea.MouseLeft {
		return nil
	}
	if cmd, ok := m.clickToast(x, y); ok {
		return cmd
	}
	if len(m.stack) > 0 {
		if _, ok := m.stack[len(m.stack)-1].(unseen); !ok {
			return m.clickDialog(x, y, again)
		}
		if m.layout.foot.has(x, y) {
			return m.pressLabel(m.layout.foot, x, y)
		}
		if m.scrolling() && m.layout.slot.has(x, y) {
			m.mouse.area = m.layout.slot
			return nil
		}
		m.pressKey("Enter") // what is not seen is left, and the click goes where it is
	}
	if id, r, ok := m.paneAt(x, y); ok {
		if m.mode == typing {
			m.setMode(inTown)
		}
		m.focusOn(id)
		m.mouse.area = r.inner()
		if y == r.y || y == r.y+r.h-1 {
			m.mouse.area = rect{}
			if id == paneRefinery && y == r.y && labelAt(m.textAt(r, y), x-r.x, m.charset) == "r restart" {
				return m.restartRefinery(m.shownRefinery()) // the one that this title speaks of
			}
			return m.pressLabel(r, x, y)
		}
		return m.clickRow(id, r, y, again)
	}
	if m.layout.foot.has(x, y) && m.mode == inTown {
		return m.pressLabel(m.layout.foot, x, y)
	}
	if y == 0 || y == m.layout.size.Rows-1 {
		return m.clickBar(x, y)
	}
	if !m.layout.left.has(x, y) {
		return nil
	}
	if l := m.layout.left; m.layout.bordered && y == l.y+l.h-1 {
		switch label := labelAt(m.textAt(l, y), x-l.x, m.charset); {
		case m.mode == inTown && (strings.HasPrefix(label, "m back") || strings.HasPrefix(label, "[ ")):
			return m.pressLabel(l, x, y)
		case strings.HasSuffix(label, "= board"):
			m.toggle()
			return nil
		}
	}
	if m.dead() && m.term.name == MayorName && strings.HasSuffix(labelAt(m.textAt(m.layout.slot, y), x-m.layout.slot.x, m.charset), "try again") {
		return m.restartMayor()
	}
	m.mouse.area = m.layout.slot
	if m.mode != typing {
		m.clearToast()
		m.setMode(typing)
	}
	return nil
}

// clickDialog is a click on the dialog on top; one beside it leaves it.
func (m *model) clickDialog(x, y int, again bool) tea.Cmd {
	r := m.top
	if !r.has(x, y) {
		return m.pressKey("Esc")
	}
	if y == r.y+r.h-1 || y == r.y || strings.Contains(m.textAt(r, y), "[ Cancel ]") {
		return m.pressLabel(r, x, y)
	}
	m.mouse.area = r.inner()
	o := m.stack[len(m.stack)-1]
	if c, ok := o.(clicker); ok {
		return c.click(m, y-r.y-1, x-r.x-1, again)
	}
	if _, ok := o.(*quitDialog); ok { // its choices are rows that begin with their key
		if key, _, ok := strings.Cut(strings.TrimSpace(m.textAt(r.inner(), y)), "  "); ok && utf8.RuneCountInString(key) == 1 {
			return m.pressKey(key)
		}
	}
	return nil
}

// textAt is what row y shows within r.
func (m *model) textAt(r rect, y int) string {
	if y < 0 || y >= len(m.drawn) {
		return ""
	}
	return plainRow(clip(m.drawn[y], r.x, r.x+r.w))
}

// pressLabel runs the key that the label under x names: its first word.
func (m *model) pressLabel(r rect, x, y int) tea.Cmd {
	label := labelAt(m.textAt(r, y), x-r.x, m.charset)
	if strings.HasPrefix(label, "[ Cancel") {
		return m.pressKey("Esc")
	}
	key, _, _ := strings.Cut(label, " ")
	if key == "</>" { // two keys in one label: the one that is hit, else the second
		key = ">"
		if strings.HasPrefix(clip(plainRow(m.drawn[y]), x, m.layout.size.Cols), "<") {
			key = "<"
		}
	}
	return m.pressKey(key)
}

// labelAt is the text around cell x, up to a border or two blanks. "y  kill" is one label.
func labelAt(row string, x int, set charset) string {
	var cells []string
	for len(row) > 0 {
		g, w := nextCell(row)
		row = row[len(g):]
		cells = append(cells, g)
		for range w - 1 {
			cells = append(cells, "")
		}
	}
	if x < 0 || x >= len(cells) {
		return ""
	}
	gap := func(i int) bool {
		return i < 0 || i >= len(cells) || cells[i] == " " || strings.Contains(set.single.all()+set.double.all(), cells[i]) && cells[i] != ""
	}
	single := func(i int) bool { return i >= 0 && !gap(i) && gap(i-1) && gap(i+1) } // a key by itself
	from, to := x, x
	for from > 0 && !(gap(from-1) && gap(from-2) && !single(from-3)) {
		from--
	}
	for to < len(cells)-1 && !(gap(to+1) && gap(to+2) && !(single(to) && to+3 < len(cells) && !gap(to+3))) {
		to++
	}
	return strings.Trim(strings.Join(cells[from:to+1], ""), " "+set.single.h+set.double.h+set.single.v+set.double.v)
}

// pressKey presses the key that a label names; other words do nothing.
func (m *model) pressKey(name string) tea.Cmd {
	k := tea.Key{}
	switch name {
	case "Enter":
		k.Code = tea.KeyEnter
	case "Esc":
		k.Code = tea.KeyEscape
	case "Tab":
		k.Code = tea.KeyTab
	case "Space":
		k.Code, k.Text = tea.KeySpace, " "
	case "PgDn":
		k.Code = tea.KeyPgDown
	default:
		if c, ok := strings.CutPrefix(name, "Ctrl-"); ok && len(c) == 1 {
			k.Code, k.Mod = rune(strings.ToLower(c)[0]), tea.ModCtrl
			break
		}
		r, n := utf8.DecodeRuneInString(name)
		if n == 0 || n != len(name) {
			return nil
		}
		k.Code, k.Text = r, name
	}
	if m.isTownKey(k) {
		m.toggle()
		return nil
	}
	return m.boardKey(k)
}

// drag selects text, or goes to a program that asked for motion.
func (m *model) drag(msg tea.MouseMotionMsg) {
	if m.mouse.forward {
		m.forwardMouse(vt.MouseMove, tea.Mouse(msg))
		return
	}
	if msg.Button != tea.MouseLeft || m.mouse.area.w == 0 {
		return
	}
	a := m.mouse.area
	m.mouse.toX = min(max(msg.X, a.x), a.x+a.w-1)
	m.mouse.toY = min(max(msg.Y, a.y), a.y+a.h-1)
	m.mouse.drags = m.mouse.drags || m.mouse.toX != m.mouse.x || m.mouse.toY != m.mouse.y
}

// drop ends a selection: what is selected is copied.
func (m *model) drop(msg tea.MouseReleaseMsg) tea.Cmd {
	m.mouse.held = false
	if m.mouse.forward {
		m.mouse.forward = false
		m.forwardMouse(vt.MouseRelease, tea.Mouse(msg))
		return nil
	}
	if !m.mouse.selects() {
		return nil
	}
	var out []string
	m.eachSelected(func(y, from, to int) {
		out = append(out, strings.TrimRight(plainRow(clip(m.drawn[y], from, to)), " "))
	})
	m.mouse = pointer{}
	text := strings.Trim(strings.Join(out, "\n"), "\n")
	if text == "" {
		return nil
	}
	m.say("copied "+beads.Count(strings.Count(text, "\n")+1, "line"), '+')
	return tea.SetClipboard(text)
}

// eachSelected gives the selected columns of each row, as text flows: within the area only.
func (m *model) eachSelected(f func(y, from, to int)) {
	p := m.mouse
	x0, y0, x1, y1 := p.x, p.y, p.toX, p.toY
	if y1 < y0 || y1 == y0 && x1 < x0 {
		x0, y0, x1, y1 = x1, y1, x0, y0
	}
	for y := y0; y <= y1 && y < len(m.drawn); y++ {
		from, to := p.area.x, p.area.x+p.area.w
		if y == y0 {
			from = x0
		}
		if y == y1 {
			to = x1 + 1
		}
		if y >= 0 && from < to {
			f(y, from, to)
		}
	}
}

// mark shows what is selected.
func (m *model) mark(rows []string) []string {
	m.drawn = rows
	if !m.mouse.selects() {
		return rows
	}
	out := append([]string(nil), rows...)
	cols := m.layout.size.Cols
	m.eachSelected(func(y, from, to int) {
		out[y] = clip(rows[y], 0, from) + "\x1b[7m" + plainRow(clip(rows[y], from, to)) + "\x1b[m" + clip(rows[y], to, cols)
	})
	return out
}

// paneAt is the pane of the board under a point, and its rectangle.
func (m *model) paneAt(x, y int) (paneID, rect, bool) {
	l := m.layout
	switch l.kind {
	case split, wide:
		if m.zoomed() {
			r := rect{0, 1, l.size.Cols, l.size.Rows - 3}
			return m.focus, r, r.has(x, y)
		}
		for id, r := range [...]rect{l.beads, l.cats, l.refinery, l.event} {
			if r.has(x, y) {
				return paneID(id), r, true
			}
		}
	case drawer, listOnly:
		r := l.beads
		if m.full {
			r = l.left
		}
		if m.mode == inTown && r.has(x, y) {
			return m.focus, r, true
		}
	case tooSmall:
	}
	return 0, rect{}, false
}

// clickRow selects the row at y; a double click opens it.
func (m *model) clickRow(id paneID, r rect, y int, again bool) tea.Cmd {
	first := r.y + 2 // border and heading
	if id == paneEvents {
		first--
	}
	if m.layout.kind == listOnly {
		first = r.y
		if id != paneBeads {
			first++
		}
	}
	if id == paneBeads && m.offering() {
		if words := strings.Fields(m.textAt(r.inner(), y)); len(words) > 1 {
			m.sayFirst(words[0], None)
		}
		return nil
	}
	l := &m.lists[id]
	keys := m.rowKeys(id)
	i := l.top + y - first
	if y < first || i >= len(keys) {
		return nil
	}
	again = again && i == l.at
	l.goTo(i, keys)
	if again {
		return m.open()
	}
	return nil
}

// wheel scrolls what is under the pointer.
func (m *model) wheel(msg tea.MouseWheelMsg) tea.Cmd {
	step := 0
	switch msg.Button {
	case tea.MouseWheelUp:
		step = -1
	case tea.MouseWheelDown:
		step = 1
	default:
		return nil
	}
	if n := len(m.stack); n > 0 {
		return m.wheelOverlay(step)
	}
	if id, _, ok := m.paneAt(msg.X, msg.Y); ok {
		l := &m.lists[id]
		if m.acted(id) {
			l.goTo(l.at+step*wheelRows, m.rowKeys(id))
		} else {
			l.top += step * wheelRows
		}
		return nil
	}
	if m.layout.left.has(msg.X, msg.Y) {
		m.wheelTerminal(step, tea.Mouse(msg))
	}
	return nil
}

func (m *model) wheelOverlay(step int) tea.Cmd {
	key := tea.Key{Code: tea.KeyDown}
	if step < 0 {
		key.Code = tea.KeyUp
	}
	var cmds []tea.Cmd
	for range wheelRows {
		if len(m.stack) > 0 {
			cmds = append(cmds, m.toOverlay(event{intent: lookup(m.keys, keyName(key)), key: key}))
		}
	}
	return tea.Batch(cmds...)
}

// wheelTerminal scrolls back in our scrollback, unless the program asked for the mouse or
// runs on the alternate screen, which has none: then it gets the wheel, or arrows.
func (m *model) wheelTerminal(step int, at tea.Mouse) {
	f := m.term.frame
	switch {
	case !m.term.live:
	case f.Modes.Mouse:
		m.forwardMouse(vt.MousePress, at)
	case f.AltScreen:
		seq := "\x1b[A"
		if f.Modes.AppCursor {
			seq = "\x1bOA"
		}
		if step > 0 {
			seq = seq[:2] + "B"
		}
		m.sendText(seq + seq + seq)
	default:
		m.term.back(-step * wheelRows)
	}
}

// forwardMouse gives an event in the slot to a program that asked for the mouse, and reports
// whether it did.
func (m *model) forwardMouse(action vt.MouseAction, at tea.Mouse) bool {
	slot := m.layout.slot
	wheel := at.Button == tea.MouseWheelUp || at.Button == tea.MouseWheelDown
	if m.mode != typing && !wheel || len(m.stack) > 0 || !m.term.live || m.term.scroll > 0 || !slot.has(at.X, at.Y) {
		return false
	}
	ev := vt.Mouse{Action: action, X: at.X - slot.x, Y: at.Y - slot.y + m.term.skip(slot.h), Mod: vt.Mod(at.Mod)}
	switch at.Button {
	case tea.MouseLeft:
		ev.Button = vt.MouseLeft
	case tea.MouseMiddle:
		ev.Button = vt.MouseMiddle
	case tea.MouseRight:
		ev.Button = vt.MouseRight
	case tea.MouseWheelUp:
		ev.Button = vt.MouseWheelUp
	case tea.MouseWheelDown:
		ev.Button = vt.MouseWheelDown
	default:
		return false
	}
	seq := vt.EncodeMouse(ev, m.term.frame.Modes)
	if len(seq) > 0 {
		m.sendText(string(seq))
	}
	return m.term.frame.Modes.Mouse
}

func (m *model) sendText(s string) {
	if t := m.term.from; t != nil {
		m.post(m.term.name, func() error { return t.Send([]byte(s)) })
	}
}
