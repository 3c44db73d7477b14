package tui

import (
	"cmp"
	"slices"
)

// focusOn makes a pane the one that keys act on. The one before shows its top again.
func (m *model) focusOn(id paneID) {
	if id != m.focus {
		m.lists[m.focus].top = 0
	}
	m.focus = id
}

// acted reports whether keys act on a pane's rows: there the cursor is, or is as soon as a dialog is gone.
func (m *model) acted(id paneID) bool { return m.mode == inTown && m.focus == id }

// followRows finds the selected rows of all panes again. In a merge queue, which has an order of its own, nobody's
// choice is the row that needs a person most.
func (m *model) followRows() {
	for id := range m.lists {
		l := &m.lists[id]
		l.follow(m.rowKeys(paneID(id)), m.acted(paneID(id)))
		if rows := m.shownMRs(); paneID(id) == paneRefinery && !l.chosen && !m.acted(paneRefinery) && len(rows) > 0 {
			worst := slices.MinFunc(rows, func(a, b mrRow) int { return cmp.Compare(rank(a.glyph), rank(b.glyph)) })
			l.key = string(worst.mr.Bead)
			l.at = slices.Index(m.rowKeys(paneRefinery), l.key)
		}
	}
}

// back is Esc on the board: it takes back the newest thing that narrows the view.
func (m *model) back() {
	switch {
	case m.toast.text != "":
		m.clearToast()
	case len(m.marks) > 0:
		clear(m.marks)
	case m.filters[m.focus] != "":
		m.setFilter(m.focus, "")
	case m.full:
		m.full = false
	case m.rig != "":
		m.setRig("")
	case m.focus != paneBeads:
		m.focusOn(paneBeads)
	default:
		for id := range m.filters {
			m.setFilter(paneID(id), "")
		}
	}
}
