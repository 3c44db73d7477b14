package tui

import "slices"

// showAsked moves the board's cursor to the bead that somebody asked to be shown, once for
// each asking. What hides it goes; the focus stays where the person has it.
func (m *model) showAsked() {
	v := m.facts.view
	if v.ShowGen == m.showGen {
		return
	}
	m.showGen = v.ShowGen
	if _, ok := m.facts.byID[v.Show]; !ok {
		return
	}
	key := string(v.Show)
	if !slices.Contains(m.rowKeys(paneBeads), key) {
		m.filters[paneBeads], m.rig = "", ""
	}
	keys := m.rowKeys(paneBeads)
	m.lists[paneBeads].goTo(slices.Index(keys, key), keys)
}
