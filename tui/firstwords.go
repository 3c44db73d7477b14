package tui

import "strconv"

// firstWords are three sentences that an empty town offers for the Mayor's prompt. A spec is named where there is one.
func (m *model) firstWords() []string {
	spec := clean(m.facts.view.Spec)
	switch scripted := m.facts.view.Mayor.Agent == "scripted"; { // the built-in Mayor knows these
	case scripted && spec != "":
		return []string{"look at " + spec, "what's going on?", "help"}
	case scripted:
		return []string{"help", "what's going on?", "what are the polecats working on?"}
	}
	first := "Ask me what I want to build, and plan it."
	if spec != "" {
		first = "Look at " + spec + " and plan it."
	}
	return []string{
		first,
		"Propose three small beads for a start.",
		"What can I ask you here?",
	}
}

// offering reports whether the sentences are offered: nothing was asked for yet, and there is a
// Mayor to ask.
func (m *model) offering() bool {
	v := m.facts.view
	return len(v.Beads) == 0 && len(v.Status.Rigs) > 0 && m.focus == paneBeads && m.filters[paneBeads] == "" && m.mayorLive()
}

func (m *model) mayorLive() bool {
	_, ok := m.host.Terminal(MayorName)
	return ok
}

// sayFirst answers 1, 2, 3 and Enter while sentences are offered: one is typed into the Mayor's
// prompt. It is never sent: the person reads it there, changes it, and presses Enter.
func (m *model) sayFirst(key string, in Intent) bool {
	if !m.offering() {
		return false
	}
	l := &m.first
	switch in {
	case Up, Down:
		*l = min(max(*l+map[Intent]int{Up: -1, Down: 1}[in], 0), len(m.firstWords())-1)
		return true
	case Open:
		key = strconv.Itoa(*l + 1)
	}
	n, err := strconv.Atoi(key)
	if err != nil || n < 1 || n > len(m.firstWords()) {
		return false
	}
	m.backToMayor()
	m.claim()
	m.sendText(m.firstWords()[n-1])
	return true
}

// offerRows are the sentences on the empty board.
func (m *model) offerRows(w int) []string {
	how := "One of these is typed for you, and you send it:"
	if m.mode == typing {
		how = m.townKey() + ", then 1, 2 or 3, types one of these for you, and you send it:"
	}
	rows := m.note(w, "No beads yet. A bead is one task; a polecat works on one at a time.", "Tell the Mayor what you want. "+how)
	rows = append(rows, spaces(w))
	for i, s := range m.firstWords() {
		n := m.line(w, "")
		if i == m.first && m.focused(paneBeads) {
			n = m.line(w, m.picked)
		}
		rows = append(rows, n.put("", "  ").put(m.accent.and("1"), itoa(i+1)).put("", "  ").put("", s).end())
	}
	return append(rows, m.note(w, "n writes a bead yourself.")...)
}

// townHint is what the first starts say of the board.
func (m *model) townHint() {
	if v := m.facts.view; v.Starts > 0 && v.Starts <= hintStarts && m.toast.text == "" && !m.hinted {
		m.hinted = true
		m.toast = toast{text: "Arrows move, Enter opens, Tab changes the pane, ? all keys, m the Mayor.", sticky: true, seq: m.toast.seq + 1}
	}
}

// hintStarts is for how many starts of a town hints are shown.
const hintStarts = 5
