package tui

import tea "charm.land/bubbletea/v2"

// filterBar is /: the focused pane narrows with each key, its first match under the cursor. It is drawn in the row of
// toasts, so that it covers nothing of the list.
type filterBar struct {
	in  input
	id  paneID
	was list // where the cursor was before
}

// filtering reports whether a filter is being typed.
func (m *model) filtering() bool {
	_, ok := m.over().(*filterBar)
	return ok
}

// openFilter narrows the focused pane; of events, in their own list.
func (m *model) openFilter() {
	if m.focus == paneEvents {
		d := newEvents()
		d.typing = true
		m.push(d)
		return
	}
	d := &filterBar{id: m.focus, was: m.lists[m.focus]}
	d.in.set(m.filters[m.focus])
	m.push(d)
}

func (d *filterBar) unseen()         {}
func (d *filterBar) scope() Scope    { return InInput }
func (d *filterBar) wantsText() bool { return true }

func (d *filterBar) handle(m *model, ev event) (verdict, tea.Cmd) {
	keys := m.rowKeys(d.id)
	switch ev.key.Code {
	case tea.KeyEnter, tea.KeyKpEnter:
		return closed, nil
	case tea.KeyEscape:
		return closed, d.cancel(m)
	case tea.KeyDown:
		m.lists[d.id].move(Down, keys, 1)
		return consumed, nil
	case tea.KeyUp:
		m.lists[d.id].move(Up, keys, 1)
		return consumed, nil
	}
	if ev.key.Keystroke() == "ctrl+c" {
		return closed, d.cancel(m)
	}
	before := d.in.String()
	d.in.edit(ev)
	if text := d.in.String(); text != before {
		m.setFilter(d.id, text)
		m.lists[d.id].goTo(0, m.rowKeys(d.id))
	}
	return consumed, nil
}

// cancel shows all again, the cursor where it was.
func (d *filterBar) cancel(m *model) tea.Cmd {
	m.lists[d.id] = d.was
	m.setFilter(d.id, "")
	return nil
}

func (d *filterBar) draw(m *model, w, _ int) face {
	hint := "Enter keeps it  Esc shows all "
	if w < 2*len(hint) {
		hint = "Esc "
	}
	return face{rows: []string{d.in.draw(m, w-len(hint), "/", true) + m.line(len(hint), m.dim).put("", hint).end()}}
}

// setFilter narrows a pane to the rows with certain words, or with "" no longer.
func (m *model) setFilter(id paneID, text string) {
	if m.filters[id] != text {
		m.filters[id] = text
		m.followRows()
	}
}

// filterTail is a pane's filter as its title says it.
func (m *model) filterTail(id paneID) string {
	if m.filters[id] == "" {
		return ""
	}
	return "  /" + clean(m.filters[id])
}

// noMatch says that a filter leaves nothing, and where it looked.
func (m *model) noMatch(id paneID) string {
	where := ""
	if m.rig != "" {
		where = " in " + clean(m.rig)
	}
	return "Nothing matches " + clean(m.filters[id]) + where + "."
}
