package tui

import (
	"slices"

	tea "charm.land/bubbletea/v2"
)

// How big agents' terminals are. A window that grows gives them its size at once. One that shrinks does not: a program
// that is told of less room forgets what it had on screen, and the window may well grow again. Its picture is cut until
// somebody types into it.

// slotSize is the size of the left slot.
func (m *model) slotSize() Size { return Size{m.layout.slot.w, m.layout.slot.h} }

func (m *model) debounce() tea.Cmd {
	m.timers.resize++
	return m.after(resizeDelay, resizeMsg(m.timers.resize))
}

// settleSize gives every terminal the size of the left slot, if that really changed and leaves none less room.
func (m *model) settleSize() tea.Cmd {
	slot := m.slotSize()
	if slot == m.timers.settled || m.layout.kind == tooSmall {
		return nil
	}
	m.timers.settled = slot
	if s, ok := m.host.(Sizer); ok {
		m.post("", func() error { s.SlotSize(slot.Cols, slot.Rows); return nil })
	}
	clear(m.sized)
	return tea.Batch(m.fitTerminals(), m.picture(false))
}

// fitTerminals sizes the terminals that were not looked at since the slot has its size.
func (m *model) fitTerminals() tea.Cmd {
	names := []string{MayorName}
	for _, c := range m.facts.cats {
		if c.cat.Terminal {
			names = append(names, c.cat.Name)
		}
	}
	slot := m.timers.settled
	if slot.Cols < 1 || slot.Rows < 1 {
		return nil
	}
	for name := range m.sized {
		if !slices.Contains(names, name) {
			delete(m.sized, name)
		}
	}
	for _, name := range names {
		t, ok := m.host.Terminal(name)
		if !ok || m.sized[name] == t {
			continue
		}
		m.sized[name] = t
		if f := t.Frame(); f.Cols <= slot.Cols && f.Rows <= slot.Rows && (Size{f.Cols, f.Rows}) != slot {
			m.post(name, func() error { t.Resize(slot.Cols, slot.Rows); return nil })
		}
	}
	return nil
}

// claim gives the terminal that is typed into the size in which it is seen.
func (m *model) claim() {
	slot, t := m.slotSize(), m.term.from
	if t == nil || m.term.fits(slot) || m.layout.kind == tooSmall {
		return
	}
	if f := t.Frame(); (Size{f.Cols, f.Rows}) == slot {
		return // the picture is on its way
	}
	m.post(m.term.name, func() error { t.Resize(slot.Cols, slot.Rows); return nil })
}
