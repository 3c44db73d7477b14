package tui

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"gastown/beads"
)

// eventsDialog is e: what happened, the newest first. It can be narrowed to events with certain words; Enter
// jumps to the bead of the selected one, which is told in full.
type eventsDialog struct {
	follow bool
	seq    uint64 // of the selected event when it does not follow
	page   int
	top    int // first shown
	filter input
	typing bool
}

func newEvents() *eventsDialog { return &eventsDialog{follow: true} }

func (d *eventsDialog) scope() Scope    { return InEventList }
func (d *eventsDialog) wantsText() bool { return d.typing }
func (d *eventsDialog) broad() bool     { return true }

// shown are the events that pass the filter, the newest first, and the place of the selected one.
func (d *eventsDialog) shown(m *model) ([]beads.Event, int) {
	words := strings.Fields(strings.ToLower(d.filter.String()))
	var all []beads.Event
	for _, e := range slices.Backward(m.facts.view.Events) {
		text := strings.ToLower(e.Kind + " " + string(e.Bead) + " " + e.Rig + " " + eventWho(e) + " " + m.eventDetail(e))
		if !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, w) }) {
			all = append(all, e)
		}
	}
	at := 0
	if !d.follow {
		for at < len(all)-1 && all[at].Seq > d.seq {
			at++
		}
	}
	return all, min(at, len(all)-1)
}

func (d *eventsDialog) handle(m *model, ev event) (verdict, tea.Cmd) {
	if d.typing {
		switch ev.key.Code {
		case tea.KeyEnter, tea.KeyKpEnter:
			d.typing = false
		case tea.KeyEscape:
			d.typing = false
			d.filter.set("")
		default:
			d.filter.edit(ev)
		}
		return consumed, nil
	}
	all, at := d.shown(m)
	switch ev.intent {
	case Find:
		d.typing = true
		return consumed, nil
	case Follow:
		d.follow = true
		return consumed, nil
	case Back:
		if d.filter.String() != "" {
			d.filter.set("")
			return consumed, nil
		}
		return closed, nil
	case CopyID:
		if at >= 0 {
			m.say("copied the event", '+')
			return consumed, tea.SetClipboard(all[at].At.Local().Format("15:04:05") + " " + eventWho(all[at]) + " " + m.eventDetail(all[at]))
		}
		return consumed, nil
	case Open:
		if at < 0 || all[at].Bead == "" {
			return closed, nil
		}
		if _, ok := m.beadByID(string(all[at].Bead)); !ok {
			m.refuse("bead " + clean(string(all[at].Bead)) + " is no more")
			return consumed, nil
		}
		m.show(all[at].Bead)
		return closed, nil
	}
	to := at
	switch ev.intent {
	case Up:
		to--
	case Down:
		to++
	case PageUp:
		to -= max(d.page-1, 1)
	case PageDown:
		to += max(d.page-1, 1)
	case Top:
		to = 0
	case Bottom:
		to = len(all) - 1
	default:
		return ignored, nil
	}
	to = max(min(to, len(all)-1), 0)
	d.follow = to == 0
	if to < len(all) {
		d.seq = all[to].Seq
	}
	return consumed, nil
}

// click implements clicker.
func (d *eventsDialog) click(m *model, row, _ int, again bool) tea.Cmd {
	all, _ := d.shown(m)
	if d.typing {
		row--
	}
	if i := d.top + row; row >= 0 && i < len(all) {
		d.follow, d.seq = i == 0, all[i].Seq
		if again {
			return m.toOverlay(event{intent: Open})
		}
	}
	return nil
}

func (d *eventsDialog) draw(m *model, w, h int) face {
	f := face{title: "EVENTS", grow: true}
	f.foot = append(hintsIn(m.keys, InEventList, Open, Find, Follow, CopyID), "Esc")
	all, at := d.shown(m)
	if d.follow {
		f.right = "following"
	}
	if words := d.filter.String(); words != "" && !d.typing {
		f.title += " with " + words
	}
	if d.typing {
		f.rows = append(f.rows, d.filter.draw(m, w, "only with ", true))
	}
	if len(all) == 0 {
		what := "Nothing has happened yet."
		if d.filter.String() != "" {
			what = "No event has these words. Esc shows all."
		}
		f.rows = append(f.rows, m.note(w, what)...)
		return f
	}
	if h >= leastEvents {
		f.keep = m.eventInFull(w, all[at])
	}
	d.page = max(h-len(f.rows)-len(f.keep), 1)
	d.top = max(min(at-d.page/2, len(all)-d.page), 0)
	for i := d.top; i < min(d.top+d.page, len(all)); i++ {
		e, base, pointer := all[i], sty(""), " "
		if i == at {
			base, pointer = m.picked, m.marker
		}
		mark, who := eventMark(e.Kind), eventWho(e)
		n := m.line(w, base).put(m.accent, pointer).put(m.dim, e.At.Local().Format("15:04:05")).put("", " ")
		n.put(m.words(mark), string(mark)).put("", " ").cell(m.dim, who, 9).put("", afterName(m.eventDetail(e), who))
		f.rows = append(f.rows, n.end())
	}
	for len(f.rows) < h-len(f.keep) {
		f.rows = append(f.rows, spaces(w))
	}
	return f
}

// eventInFull is the selected event with all its words, in rows that do not change with it.
func (m *model) eventInFull(w int, e beads.Event) []string {
	const most = 3
	rows := []string{m.ruleRow(w)}
	for _, s := range wrap(m.stamp(e.At)+" "+eventWho(e)+": "+afterName(m.eventDetail(e), eventWho(e)), w-2) {
		rows = append(rows, m.text(w, "", s))
	}
	for len(rows) <= most {
		rows = append(rows, spaces(w))
	}
	return rows[:most+1]
}

// afterName is a text without the name that it begins with.
func afterName(text, name string) string {
	if rest, ok := strings.CutPrefix(text, name); ok && name != "" {
		if trimmed := strings.TrimLeft(rest, ": "); trimmed != rest {
			return trimmed
		}
	}
	return text
}

// eventDetail is eventWords with the reason, and who did it where that is somebody else.
func (m *model) eventDetail(e beads.Event) string {
	text := m.eventWords(e)
	if why := clean(e.Reason); why != "" && !strings.Contains(text, why) {
		text += " (" + why + ")"
	}
	return text
}
