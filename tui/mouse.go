package tui

import (
	"fmt"

	tea "charm.land/bubbletea/v2"
)

// wheelRows is how far one click of the wheel scrolls.
const wheelRows = 3

// click focuses what was clicked and selects the row under the pointer.
func (m *model) click(msg tea.MouseClickMsg) tea.Cmd {
	if len(m.stack) > 0 || msg.Button != tea.MouseLeft {
		return nil
	}
	x, y := msg.X, msg.Y
	if id, r, ok := m.paneAt(x, y); ok {
		if m.mode == typing {
			m.setMode(inTown)
		}
		same := m.focus == id
		m.focus = id
		return m.clickRow(id, r, y, same)
	}
	if !m.layout.left.has(x, y) {
		return nil
	}
	if m.mode != typing {
		m.clearToast()
		m.setMode(typing)
		return nil
	}
	m.forwardMouse(0, x, y, true)
	return nil
}

// paneAt is the pane of the board under a point, and its rectangle.
func (m *model) paneAt(x, y int) (paneID, rect, bool) {
	l := m.layout
	switch l.kind {
	case split, wide:
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

// clickRow selects the row at y; a second click on the selected one opens it.
func (m *model) clickRow(id paneID, r rect, y int, same bool) tea.Cmd {
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
	l := &m.lists[id]
	keys := m.rowKeys(id)
	i := l.top + y - first
	if y < first || i >= len(keys) {
		return nil
	}
	again := same && i == l.at
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
		l.goTo(l.at+step*wheelRows, m.rowKeys(id))
		return nil
	}
	if m.layout.left.has(msg.X, msg.Y) {
		m.wheelTerminal(step, msg.X, msg.Y)
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
func (m *model) wheelTerminal(step, x, y int) {
	f := m.term.frame
	button := 64
	if step > 0 {
		button = 65
	}
	switch {
	case !m.term.live:
	case f.Modes.Mouse:
		m.forwardMouse(button, x, y, false)
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

// forwardMouse gives a click to a program that asked for the mouse.
func (m *model) forwardMouse(button, x, y int, release bool) {
	f := m.term.frame
	slot := m.layout.slot
	if !m.term.live || !f.Modes.Mouse || !f.Modes.MouseSGR || !slot.has(x, y) {
		return
	}
	cx, cy := x-slot.x+1, y-slot.y+1
	seq := fmt.Sprintf("\x1b[<%d;%d;%dM", button, cx, cy)
	if release {
		seq += fmt.Sprintf("\x1b[<%d;%d;%dm", button, cx, cy)
	}
	m.sendText(seq)
}

func (m *model) sendText(s string) {
	if t := m.term.from; t != nil {
		m.post(m.term.name, func() error { return t.Send([]byte(s)) })
	}
}
