package tui

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"gastown/beads"
)

// shareStep is by how many columns + and _ move the border of the left slot.
const shareStep = 4

// share moves the border between the terminal and the board. Agents get the new size once the
// person has stopped moving it.
func (m *model) share(by int) tea.Cmd {
	if m.layout.kind != split && m.layout.kind != wide {
		m.refuse("the board lies over the terminal here; > widens it")
		return nil
	}
	before := m.layout.left.w
	m.extra += by
	m.resize(m.layout.size)
	if m.layout.left.w == before {
		m.extra -= by
		m.refuse("no further")
		return nil
	}
	return m.debounce()
}

// zoom shows the focused pane alone, and back.
func (m *model) zoom() { m.full = !m.full }

// zoomed reports whether one pane takes the whole window now.
func (m *model) zoomed() bool {
	return m.full && m.mode == inTown && (m.layout.kind == split || m.layout.kind == wide)
}

// nextRig narrows the board to one rig after the other, then shows all again.
func (m *model) nextRig() {
	rigs := m.facts.view.Status.Rigs
	if len(rigs) < 2 {
		m.refuse("there is one rig only")
		return
	}
	next := ""
	for i, r := range rigs {
		if m.rig == "" && i == 0 || i > 0 && rigs[i-1].Name == m.rig {
			next = r.Name
			break
		}
	}
	m.setRig(next)
}

// setRig shows one rig's rows only, or with "" those of all.
func (m *model) setRig(name string) {
	m.rig = name
	m.followRows()
	if name == "" {
		m.say("all rigs", '.')
		return
	}
	m.say("only "+clean(name)+"; f goes on to the next, Esc shows all", '.')
}

// rigHint is the hint for several rigs; none where there is one.
func (m *model) rigHint() Intent {
	if len(m.facts.view.Status.Rigs) > 1 {
		return NextRig
	}
	return None
}

// shownMRs are the rows of the queues that are shown.
func (m *model) shownMRs() []mrRow {
	if m.rig == "" && m.filters[paneRefinery] == "" {
		return m.facts.mrs
	}
	var out []mrRow
	for _, r := range m.facts.mrs {
		if (m.rig == "" || r.info.Rig == m.rig) && m.passes(paneRefinery, string(r.mr.Bead), r.mr.Title, string(r.mr.State), r.mr.Polecat, r.info.Rig) {
			out = append(out, r)
		}
	}
	return out
}

// scrollMode is [: keys scroll the terminal in the left slot. Nothing is drawn over it.
type scrollMode struct {
	find search
	hit  int // the line that was found, counted from the oldest; -1: none
}

// unseen is an overlay that takes keys and draws nothing.
type unseen interface{ unseen() }

func (d *scrollMode) unseen()         {}
func (d *scrollMode) scope() Scope    { return InScroll }
func (d *scrollMode) wantsText() bool { return d.find.typing }

func (m *model) scrollBack() {
	if !m.term.live {
		m.refuse("no terminal is here")
		return
	}
	if m.term.frame.AltScreen {
		m.refuse("this program has the whole screen and keeps no lines to scroll to")
		return
	}
	m.push(&scrollMode{hit: -1})
}

func (d *scrollMode) handle(m *model, ev event) (verdict, tea.Cmd) {
	page := max(m.layout.slot.h-1, 1)
	if d.find.typing {
		if d.find.key(ev); !d.find.typing {
			d.seek(m, 0)
		}
		return consumed, nil
	}
	switch ev.intent {
	case Up:
		m.term.back(1)
	case Down:
		m.term.back(-1)
	case PageUp:
		m.term.back(page)
	case PageDown:
		m.term.back(-page)
	case Top:
		m.term.back(m.term.frame.Scrollback)
	case Bottom:
		m.term.back(-m.term.scroll)
	case Find:
		d.find.begin()
	case FindNext:
		d.seek(m, -1)
	case FindPrev:
		d.seek(m, 1)
	case CopyID:
		text := m.slotText()
		m.say("copied "+beads.Count(strings.Count(text, "\n")+1, "line"), '+')
		return consumed, tea.SetClipboard(text)
	case Back, Open, QuitDialog, GoTerminal:
		m.term.scroll = 0
		if ev.intent == GoTerminal {
			m.setMode(typing)
		}
		return closed, nil
	default:
		return consumed, nil
	}
	return consumed, nil
}

// seek goes to the nearest line above (or below) that has the words.
func (d *scrollMode) seek(m *model, by int) {
	all := m.history()
	from := len(all) - 1 - m.term.scroll
	switch {
	case by == 0:
		from, by = from+1, -1 // what is seen first, then what is older
	case d.hit >= 0:
		from = d.hit
	}
	d.hit = d.find.in(all, from, by)
	if d.find.miss || d.find.words.String() == "" {
		d.hit = -1
		if d.find.miss {
			m.refuse("not found: " + d.find.words.String())
		}
		return
	}
	m.term.scroll = 0
	m.term.back(len(all) - 1 - d.hit - m.layout.slot.h/2) // in the middle: what is around it is wanted too
}

// history is scrollback and picture as text, the oldest first.
func (m *model) history() []string {
	f := m.term.frame
	out := make([]string, 0, f.Scrollback+f.Rows)
	for i := range f.Scrollback {
		out = append(out, plainRow(m.term.from.ScrollbackLine(i)))
	}
	for _, s := range f.Lines {
		out = append(out, plainRow(s))
	}
	return out
}

// slotText is what the left slot shows, as text.
func (m *model) slotText() string {
	rows := m.term.lines(m.layout.slot.w, m.layout.slot.h)
	out := make([]string, len(rows))
	for i, s := range rows {
		out[i] = strings.TrimRight(plainRow(s), " ")
	}
	return strings.TrimRight(strings.Join(out, "\n"), "\n")
}

// draw says what is typed, in the row of toasts: the terminal itself stays in sight.
func (d *scrollMode) draw(m *model, w, _ int) face {
	if d.find.typing {
		return face{rows: []string{d.find.draw(m, w)}}
	}
	return face{rows: []string{m.line(w, "").put("", " ").put(m.accent, "SCROLL").
		put(m.dim, "  j k PgUp PgDn g G  / find  n N  y copy  Esc back to the board").end()}}
}
