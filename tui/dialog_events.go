package tui

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"gastown/beads"
)

// eventsDialog is e: what happened, the newest at the end. It can be narrowed to events with
// certain words; Enter jumps to the bead of the selected one.
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

// shown are the events that pass the filter, and the place of the selected one.
func (d *eventsDialog) shown(m *model) ([]beads.Event, int) {
	all := m.facts.view.Events
	words := strings.Fields(strings.ToLower(d.filter.String()))
	if len(words) > 0 {
		var some []beads.Event
		for _, e := range all {
			text := strings.ToLower(e.Kind + " " + string(e.Bead) + " " + e.Rig + " " + eventWho(e) + " " + eventDetail(e))
			ok := true
			for _, w := range words {
				ok = ok && strings.Contains(text, w)
			}
			if ok {
				some = append(some, e)
			}
		}
		all = some
	}
	at := len(all) - 1
	if !d.follow {
		for at > 0 && all[at].Seq > d.seq {
			at--
		}
	}
	return all, at
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
			return consumed, tea.SetClipboard(all[at].At.Local().Format("15:04:05") + " " + eventWho(all[at]) + " " + eventDetail(all[at]))
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
	d.follow = to >= len(all)-1
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
		d.follow, d.seq = i == len(all)-1, all[i].Seq
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
	d.page = max(h, 1)
	if d.typing {
		f.rows = append(f.rows, d.filter.draw(m, w, "only with ", true))
		d.page--
	}
	if len(all) == 0 {
		what := "Nothing has happened yet."
		if d.filter.String() != "" {
			what = "No event has these words. Esc shows all."
		}
		f.rows = append(f.rows, m.note(w, what)...)
		return f
	}
	d.top = max(min(at-d.page/2, len(all)-d.page), 0)
	for i := d.top; i < min(d.top+d.page, len(all)); i++ {
		e, base, pointer := all[i], sty(""), " "
		if i == at {
			base, pointer = m.picked, m.marker
		}
		mark := eventMark(e.Kind)
		n := m.line(w, base).put(m.accent, pointer).put(m.dim, e.At.Local().Format("15:04:05")).put("", " ")
		n.put(m.words(mark), string(mark)).put("", " ").cell(m.dim, eventWho(e), 9).put("", eventDetail(e))
		f.rows = append(f.rows, n.end())
	}
	return f
}

func eventDetail(e beads.Event) string {
	text := clean(e.Text)
	if text == "" {
		text = clean(e.Kind + " " + string(e.Bead))
	}
	if e.Reason != "" {
		text += " (" + clean(e.Reason) + ")"
	}
	if e.Actor != "" && e.Actor != eventWho(e) {
		text += " by " + clean(e.Actor)
	}
	return text
}
