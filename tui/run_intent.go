package tui

import (
	tea "charm.land/bubbletea/v2"

	"gastown/internal/api"
	"gastown/refinery"
)

// run does what an intent means on the board. It is the only switch over all of them.
func (m *model) run(in Intent) tea.Cmd {
	if m.move(in) {
		return nil
	}
	if in.ofRow() {
		m.lists[m.focus].chosen = true // as if the person had gone to it: it is the one that they speak of
	}
	switch in {
	case GoTerminal:
		m.backToMayor()
	case Attach:
		return m.attachSelected()
	case Open:
		return m.open()
	case Back:
		m.back()
	case Widen:
		m.full = !m.full
	case Redraw:
		m.term.forget()
		return tea.ClearScreen
	case Interrupt:
		return m.interrupt()
	case QuitDialog:
		m.push(&quitDialog{busy: m.facts.busy})
	case Help:
		m.push(newHelp(m))
	case ShowProblems:
		m.push(&problemsDialog{})
	case ShowEvents:
		m.push(newEvents())
	case ShowLog:
		return m.openLog()
	case ShowDiff:
		return m.openDiff()
	case ShowConvoys:
		m.push(newConvoys(m))
	case ShowCost:
		m.push(&costDialog{})
	case ZoomPane:
		m.zoom()
	case WidenMayor:
		return m.share(shareStep)
	case NarrowMayor:
		return m.share(-shareStep)
	case ScrollBack:
		m.scrollBack()
	case NextRig:
		m.nextRig()
	case Filter:
		m.openFilter()
	case CommandLine:
		m.push(m.newCommand())
	case NewBead:
		m.push(newBeadDialog(m))
	default:
		return m.act(in)
	}
	return nil
}

// ofRow reports whether an intent is about the selected row.
func (in Intent) ofRow() bool {
	switch in {
	case Open, Attach, ShowDiff, ShowWhy, ShowDeps, Assign, Kill, RestartAgent, Nudge, Revive, SetPriority, EditBead, RevertLanded, CopyID, HoldEntry, BounceEntry:
		return true
	}
	return false
}

// act does what changes the town.
func (m *model) act(in Intent) tea.Cmd {
	switch in {
	case RestartRefinery:
		return m.restartRefinery(m.rigMeant())
	case RestartAgent:
		return m.onPolecat("restart", m.askRestartAgent)
	case Assign:
		return m.assign()
	case Kill:
		return m.onPolecat("kill", m.openKill)
	case AnswerAsk:
		return m.answer()
	case Nudge:
		return m.nudge()
	case UndoLast:
		return m.undo()
	case Revive:
		return m.revive()
	case SetPriority:
		return m.onBead(m.setPriority)
	case HoldEntry:
		return m.onEntry(m.hold)
	case BounceEntry:
		return m.onEntry(m.bounce)
	case EditBead:
		return m.editBead()
	case RevertLanded:
		return m.revert()
	case CopyID:
		return m.copyID()
	case MarkBead:
		m.markSelected()
	case ShowDeps:
		return m.onBead(func(r beadRow) tea.Cmd { m.push(newDeps(m, r.bead.ID)); return nil })
	case ShowWhy:
		return m.onBead(m.why)
	case PauseTown:
		return m.cycleHalt()
	}
	return nil
}

// move answers the intents that move in lists and between panes.
func (m *model) move(in Intent) bool {
	switch in {
	case GoBeads, GoPolecats, GoRefinery, GoEvents:
		m.focusPane(paneID(in - GoBeads))
		return true
	case NextPane, Right:
		m.focusPane(m.nextPane(1))
		return true
	case PrevPane, Left:
		m.focusPane(m.nextPane(-1))
		return true
	}
	if in == Open || in == Back {
		return false
	}
	return m.lists[m.focus].move(in, m.rowKeys(m.focus), m.pageRows())
}

// focusPane focuses a pane; where events have none of their own, their list opens.
func (m *model) focusPane(id paneID) {
	if id == paneEvents && m.layout.event.w == 0 {
		m.push(newEvents())
		return
	}
	m.focusOn(id)
}

// nextPane cycles through the panes that there are.
func (m *model) nextPane(step int) paneID {
	n := int(panes)
	if m.layout.kind != wide {
		n--
	}
	return paneID((int(m.focus) + step + n) % n)
}

func (m *model) pageRows() int {
	r := [...]rect{m.layout.beads, m.layout.cats, m.layout.refinery, m.layout.event}[m.focus]
	return max(r.h-4, 1)
}

// rowKeys are the keys of a pane's rows, in order.
func (m *model) rowKeys(id paneID) []string {
	var out []string
	switch id {
	case paneBeads:
		for _, r := range m.shownBeads() {
			out = append(out, string(r.bead.ID))
		}
	case paneCats:
		busy, _ := m.shownCats()
		for _, r := range busy {
			out = append(out, r.cat.Name)
		}
	case paneRefinery:
		for _, r := range m.shownMRs() {
			out = append(out, string(r.mr.Bead))
		}
	case paneEvents:
		events := m.facts.view.Events
		for i := len(events) - 1; i >= 0; i-- {
			out = append(out, itoa(int(events[i].Seq)))
		}
	case panes:
	}
	return out
}

// selectedBead is the bead of the selected row of the focused pane.
func (m *model) selectedBead() (beadRow, bool) {
	id := m.lists[m.focus].key
	switch m.focus {
	case paneCats:
		c, ok := m.selectedCat()
		if !ok {
			return beadRow{}, false
		}
		id = string(c.Bead)
	case paneEvents:
		id = ""
		events := m.facts.view.Events
		if i := len(events) - 1 - m.lists[paneEvents].at; i >= 0 && i < len(events) {
			id = string(events[i].Bead)
		}
	case paneBeads, paneRefinery, panes:
	}
	return m.beadByID(id)
}

func (m *model) beadByID(id string) (beadRow, bool) {
	for _, r := range m.facts.beads {
		if string(r.bead.ID) == id {
			return r, true
		}
	}
	return beadRow{}, false
}

// selectedCat is the polecat of the selected row, or the one that works on its bead.
func (m *model) selectedCat() (*api.PolecatInfo, bool) {
	if m.focus == paneCats {
		for _, r := range m.facts.cats {
			if r.cat.Name == m.lists[paneCats].key {
				return r.cat, true
			}
		}
		return nil, false
	}
	if r, ok := m.selectedBead(); ok && r.cat != nil {
		return r.cat, true
	}
	return nil, false
}

// backToMayor is m: type to the Mayor.
func (m *model) backToMayor() {
	m.term.attach(MayorName, MayorName)
	m.picture(true)
	m.setMode(typing)
}

// attachSelected is t: the polecat's terminal takes the left slot. Where nobody works any more it is what the newest
// attempt left.
func (m *model) attachSelected() tea.Cmd {
	c, ok := m.selectedCat()
	if r, _ := m.selectedBead(); r.last != nil && !r.last.State.Live() {
		return m.showEnded(r.last)
	}
	if !ok {
		m.refuse("no polecat works here; a starts one")
		return nil
	}
	m.attach(c)
	return nil
}

// attach shows a polecat's terminal in the left slot, to be typed to; false: there is none.
func (m *model) attach(c *api.PolecatInfo) bool {
	if _, live := m.host.Terminal(catKey(c)); !live {
		m.refuse(clean(c.Name) + " has no terminal now")
		return false
	}
	m.term.attach(c.Name, catKey(c))
	m.picture(true)
	m.setMode(typing)
	return true
}

// open is Enter on a row.
func (m *model) open() tea.Cmd {
	r, ok := m.selectedBead()
	if !ok {
		return nil
	}
	if m.focus == paneRefinery {
		return m.openLog()
	}
	return m.openBead(r.bead.ID)
}

// interrupt is Ctrl-C on the board: a hint first, the quit dialog the second time.
func (m *model) interrupt() tea.Cmd {
	now := m.now()
	if now.Sub(m.typed.ctrlC) < ctrlCWindow {
		m.push(&quitDialog{busy: m.facts.busy})
		return nil
	}
	m.typed.ctrlC = now
	m.say("Ctrl-C once more (or q) to quit", '.')
	return nil
}

// needsAsking reports a Refinery that is at work within its limits.
func needsAsking(s refinery.State) bool { return s == refinery.Gating || s == refinery.Landing }
