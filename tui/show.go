package tui

import (
	"slices"

	"gastown/beads"
)

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
	m.reveal(v.Show)
}

// showMade goes to a bead that the person has just made, once the view has it.
func (m *model) showMade() {
	if _, ok := m.facts.byID[m.made]; ok {
		m.focusOn(paneBeads)
		m.reveal(m.made)
		m.made = ""
	}
}

// reveal moves the board's cursor to a bead. What hides it goes.
func (m *model) reveal(id beads.ID) {
	key := string(id)
	if !slices.Contains(m.rowKeys(paneBeads), key) {
		m.filters[paneBeads], m.rig = "", ""
	}
	keys := m.rowKeys(paneBeads)
	m.lists[paneBeads].goTo(slices.Index(keys, key), keys)
}
