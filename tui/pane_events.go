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

// eventWho is who an event is about or by.
func eventWho(e beads.Event) string {
	switch {
	case e.Polecat != "":
		return clean(e.Polecat)
	case strings.HasPrefix(e.Kind, "refinery."):
		return "refinery"
	}
	return clean(e.Actor)
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
	n.put(m.words(mark), string(mark)).put("", " ").put("", eventText(e))
	return n.end()
}

// eventText is an event in one line; who comes first unless the text says it.
func eventText(e beads.Event) string {
	text, who := clean(e.Text), eventWho(e)
	if text == "" {
		text = clean(e.Kind + " " + string(e.Bead))
	}
	if who != "" && !strings.HasPrefix(text, who) {
		return who + ": " + text
	}
	return text
}

// ticker is the newest events in one line of w cells.
func (m *model) ticker(w int) string {
	n := m.line(w, "")
	events := m.facts.view.Events
	if len(events) == 0 {
		return n.put(m.dim, "  nothing has happened yet").end()
	}
	for i := len(events) - 1; i >= 0 && i >= len(events)-4; i-- {
		text := eventText(events[i])
		need := 2 + 5 + 3 + width(text) + 1
		if need > n.left && i < len(events)-1 {
			break
		}
		mark := eventMark(events[i].Kind)
		n.put("", "  ").put(m.dim, clock(events[i].At)+" ").put(m.words(mark), string(mark)).put(m.dim, " "+text).put("", " ")
	}
	return n.end()
}
