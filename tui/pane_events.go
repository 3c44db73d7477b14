package tui

import (
	"strings"

	"gastown/beads"
)

// eventMark is the mark of an event, by what it is about.
func eventMark(kind string) byte {
	switch kind {
	case beads.EvNeedsYou, beads.EvAsked:
		return '?'
	case beads.EvHung, beads.EvStalled, beads.EvLost, beads.EvProblem, beads.EvNotDelivered:
		return '!'
	case beads.EvRejected, beads.EvKilled:
		return 'x'
	case beads.EvLanded, beads.EvDeliveredTo, beads.EvBeadClosed:
		return '+'
	case beads.EvSubmitted, beads.EvQueueChanged, beads.EvGateStarted, beads.EvGateDone:
		return '^'
	case beads.EvPaused, beads.EvTownPaused, beads.EvTownFrozen, beads.EvLimited:
		return '='
	case beads.EvClaimed, beads.EvStarted, beads.EvResumed, beads.EvRestarted, beads.EvTownResumed, beads.EvUnlimited, beads.EvAwake, beads.EvAnswered:
		return '>'
	case beads.EvBeadCreated, beads.EvBeadSlung, beads.EvBeadReopened:
		return 'o'
	}
	return '.'
}

// eventWho is who did it: a person or the Mayor, else the polecat that it is about, else a part of the town.
func eventWho(e beads.Event) string {
	switch actor := clean(e.Actor); {
	case actor != "" && actor != "host" && actor != "refinery" && e.Polecat != e.Actor:
		return actor
	case e.Polecat != "":
		return clean(e.Polecat)
	case strings.HasPrefix(e.Kind, "refinery."):
		return "refinery"
	default:
		return actor
	}
}

func (m *model) renderEvents(w, h int) []string {
	focused := m.focused(paneEvents)
	b := box{title: "4 EVENTS", right: "e all", focused: focused, foot: hints(m.keys, Open)}
	l := &m.lists[paneEvents]
	events := m.facts.view.Events
	if len(events) == 0 {
		b.body = m.note(w-2, "Nothing has happened yet.")
		return m.box(b, w, h)
	}
	top := l.fit(len(events), h-2, m.acted(paneEvents))
	for i := top; i < min(top+h-2, len(events)); i++ {
		b.body = append(b.body, m.eventLine(events[len(events)-1-i], w-2, focused && i == l.at))
	}
	return m.box(b, w, h)
}

func (m *model) eventLine(e beads.Event, w int, selected bool) string {
	base := sty("")
	if selected {
		base = m.picked
	}
	mark := eventMark(e.Kind)
	n := m.line(w, base).put("", " ").put(m.dim, clock(e.At)).put("", " ")
	n.put(m.words(mark), string(mark)).put("", " ").put("", m.eventText(e))
	return n.end()
}

// eventText is an event in one line; who comes first unless the text says it.
func (m *model) eventText(e beads.Event) string {
	text := m.eventWords(e)
	if who := eventWho(e); who != "" && nameAt(text, e) == "" {
		return who + ": " + text
	}
	return text
}

// eventWords is the text of an event, with the bead and, where there are several, the rig that it is about.
func (m *model) eventWords(e beads.Event) string {
	text, bead, rig := clean(e.Text), clean(string(e.Bead)), clean(e.Rig)
	if text == "" {
		text = clean(e.Kind)
	}
	if bead != "" && !strings.Contains(text, bead) {
		if name := nameAt(text, e); name != "" {
			return name + " (" + bead + ")" + text[len(name):]
		}
		return bead + " " + text
	}
	if bead == "" && len(m.facts.view.Status.Rigs) > 1 && !strings.Contains(text, rig) {
		return rig + ": " + text
	}
	return text
}

// nameAt is the name that the text of an event begins with: of who did it, or of the polecat.
func nameAt(text string, e beads.Event) string {
	for _, name := range []string{eventWho(e), clean(e.Polecat)} {
		if name != "" && strings.HasPrefix(text, name) {
			return name
		}
	}
	return ""
}

// ticker is the newest events in one line of w cells.
func (m *model) ticker(w int) string {
	n := m.line(w, "")
	events := m.facts.view.Events
	if len(events) == 0 {
		return n.put(m.dim, "  nothing has happened yet").end()
	}
	for i := len(events) - 1; i >= 0 && i >= len(events)-4; i-- {
		text := m.eventText(events[i])
		need := 2 + 5 + 3 + width(text) + 1
		if need > n.left && i < len(events)-1 {
			break
		}
		mark := eventMark(events[i].Kind)
		n.put("", "  ").put(m.dim, clock(events[i].At)+" ").put(m.words(mark), string(mark)).put(m.dim, " "+text).put("", " ")
	}
	return n.end()
}
