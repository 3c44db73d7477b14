package tui

import (
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"gastown/agents"
	"gastown/beads"
	"gastown/internal/api"
	"gastown/refinery"
)

// focused reports whether a pane of the board has the focus.
func (m *model) focused(id paneID) bool {
	return m.mode == inTown && m.focus == id && m.onBoard()
}

// onBoard reports whether nothing lies over the board.
func (m *model) onBoard() bool { return m.filtering() || len(m.stack) == 0 }

// compose draws the whole screen.
func (m *model) compose() tea.View {
	v := tea.View{AltScreen: true, MouseMode: tea.MouseModeCellMotion, WindowTitle: m.title()}
	rows := m.screenRows()
	for i, o := range m.stack {
		if _, ok := o.(unseen); ok {
			if y := m.layout.foot.y; m.layout.foot.h > 0 {
				rows[y] = o.draw(m, m.layout.size.Cols, 1).rows[0]
			}
			continue
		}
		d := m.dialog(o, i == len(m.stack)-1)
		m.top = rect{d.x, d.y, d.w, len(d.rows)}
		rows = m.lay(rows, d)
	}
	v.SetContent(strings.Join(m.mark(m.layToast(rows)), "\n"))
	if m.mode == typing && len(m.stack) == 0 {
		v.Cursor = m.term.cursor(m.layout.slot)
	}
	return v
}

// title is the window's: what needs the person, then the town.
func (m *model) title() string {
	t := "gastown"
	if rigs := m.facts.view.Status.Rigs; len(rigs) == 1 {
		t += " " + clean(rigs[0].Name)
	}
	return cut(alarmText(m.facts)+t, 60, "")
}

func alarmText(f *facts) string {
	out := ""
	if f.asks > 0 {
		out += "?" + itoa(f.asks) + " "
	}
	if f.bad > 0 {
		out += "!" + itoa(f.bad) + " "
	}
	return out
}

func (m *model) screenRows() []string {
	l := m.layout
	switch l.kind {
	case tooSmall:
		rows := blankRows(l.size.Cols, max(l.size.Rows, 1))
		if l.size.Cols > 0 && l.size.Rows > 0 {
			rows[0] = m.line(l.size.Cols, "").put("", "gastown"+" "+alarmText(m.facts)).end()
		}
		return rows
	case listOnly:
		return m.listRows()
	case drawer:
		return m.drawerRows()
	case split, wide:
	}
	if m.zoomed() {
		return m.zoomRows()
	}
	rows := make([]string, 0, l.size.Rows)
	rows = append(rows, m.header())
	left := m.renderLeft(l.left.w, l.left.h)
	right := append(m.renderBeads(l.beads.w, l.beads.h), m.renderCats(l.cats.w, l.cats.h)...)
	low := m.renderRefinery(l.refinery.w, l.refinery.h)
	if l.event.w > 0 {
		events := m.renderEvents(l.event.w, l.event.h)
		for i := range low {
			low[i] += events[i]
		}
	}
	right = append(right, low...)
	for i := range left {
		rows = append(rows, left[i]+right[i])
	}
	return append(rows, m.footRow(), m.statusBar())
}

// zoomRows is one pane over the whole window, with the columns that fit there.
func (m *model) zoomRows() []string {
	kept := m.layout.kind
	m.layout.kind = wide
	body := m.boardTab(m.layout.size.Cols, m.layout.size.Rows-3)
	m.layout.kind = kept
	return append(append([]string{m.header()}, body...), m.footRow(), m.statusBar())
}

// drawerRows is the layout of small windows: the terminal, and in TOWN the board over it.
func (m *model) drawerRows() []string {
	l := m.layout
	rows := append([]string{m.header()}, m.slotRows(l.slot.w, l.slot.h)...)
	if m.mode == inTown && !m.scrolling() { // who scrolls reads the terminal
		r := l.beads
		if m.full {
			r = l.left
		}
		rows = m.lay(rows, placed{r.x, r.y, r.w, m.boardTab(r.w, r.h)})
	}
	return append(rows, m.footRow(), m.statusBar())
}

// listRows is the layout of tiny windows: the board's tab or the terminal, never both.
func (m *model) listRows() []string {
	l := m.layout
	w, h := l.slot.w, l.slot.h
	var body []string
	if m.mode == typing {
		body = m.slotRows(w, h)
	} else {
		switch m.focus {
		case paneCats:
			body = m.catBody(w, h, true)
		case paneRefinery:
			body = m.refineryBody(w, h, true)
		case paneBeads, paneEvents, panes:
			body = m.beadBody(m.shownBeads(), w, h, len(m.stack) == 0)
		}
	}
	for len(body) < h {
		body = append(body, spaces(w))
	}
	rows := append([]string{m.statusBar()}, body[:h]...)
	return append(rows, m.footRow())
}

// boardTab is the pane that the drawer shows.
func (m *model) boardTab(w, h int) []string {
	switch m.focus {
	case paneCats:
		return m.renderCats(w, h)
	case paneRefinery:
		return m.renderRefinery(w, h)
	case paneEvents:
		return m.renderEvents(w, h)
	case paneBeads, panes:
	}
	return m.renderBeads(w, h)
}

// renderLeft is the left slot with its border.
func (m *model) renderLeft(w, h int) []string {
	b := box{title: m.leftTitle(), focused: m.mode == typing && len(m.stack) == 0}
	switch mayor := m.term.name == MayorName; {
	case mayor && m.dead():
		b.foot = []string{"m, then Enter, starts it"}
	case mayor:
		b.foot = append([]string{"m or " + m.townKey() + " to type here"}, hints(m.keys, ScrollBack)...)
	case m.dead():
		b.foot = []string{"m back to the Mayor", "t on its bead: the log"}
	default:
		b.foot = append([]string{m.townKey() + " to type here", "m back to the Mayor"}, hints(m.keys, ScrollBack)...)
	}
	if m.mode == typing {
		b.foot = []string{m.typingHint()}
	}
	if m.term.scroll > 0 {
		b.right, b.mark = itoa(m.term.scroll)+" rows back", '='
	} else if f := m.term.frame; m.term.live && !m.term.fits(m.slotSize()) {
		b.right = fmt.Sprintf("cut, it has %dx%d", f.Cols, f.Rows)
	}
	b.body = m.slotRows(w-2, h-2)
	return m.box(b, w, h)
}

func (m *model) typingHint() string {
	if m.term.scroll > 0 {
		return fmt.Sprintf("%d rows back %s PgUp PgDn scroll, another key = live", m.term.scroll, m.dot)
	}
	if what := m.deadWord(); what != "" {
		return what + " " + m.dot + " " + m.townKeyText() + " = board"
	}
	to := ""
	if m.term.name != MayorName {
		to = " to " + clean(m.term.name)
	}
	return "TYPING" + to + " " + m.dot + " " + m.townKeyText() + " = board"
}

func (m *model) leftTitle() string {
	t, state := "", ""
	if m.dead() {
		state = " ended"
	}
	if m.term.name == MayorName {
		t = strings.TrimSpace("MAYOR " + clean(m.facts.view.Mayor.Agent))
		if m.facts.view.Mayor.State == "none" {
			state = ""
		}
		return t + state
	}
	t = "POLECAT " + clean(m.term.name)
	if c := m.catByKey(m.term.key); c != nil {
		return strings.TrimSpace(t + " " + clean(c.Agent) + " " + clean(string(c.Bead)))
	}
	id, _, _ := strings.Cut(m.term.key, "/")
	return t + " " + clean(id) + state
}

// dead reports whether the program of the left slot does not run, and is not about to.
func (m *model) dead() bool {
	starts := m.term.name == MayorName && m.facts.view.Mayor.State == "starting"
	return !m.term.live && !starts
}

// deadWord is who is not there to be typed to, "" while somebody is.
func (m *model) deadWord() string {
	switch {
	case !m.dead():
		return ""
	case m.term.name == MayorName:
		return "NO MAYOR"
	}
	return clean(m.term.name) + " ENDED"
}

// slotRows is the inside of the left slot: the terminal, or why there is none.
func (m *model) slotRows(w, h int) []string {
	if m.term.live {
		rows := m.term.lines(w, h)
		if d, ok := m.over().(*scrollMode); ok && d.hit >= 0 {
			if y := m.term.rowOf(d.hit, h); y >= 0 && y < h {
				rows = slices.Clone(rows) // they are kept
				rows[y] = m.paint("7", plainRow(rows[y]))
			}
		}
		return rows
	}
	rows := m.deadTerminal(w, h)
	for len(rows) < h {
		rows = append(rows, spaces(w))
	}
	return rows[:h]
}

// deadTerminal says why there is nothing to type to, and what to do, where the board does not cover it.
func (m *model) deadTerminal(w, h int) []string {
	seen := w
	if m.layout.kind == drawer && m.mode == inTown && !m.full {
		seen = min(m.layout.beads.x, w)
	}
	rows := m.whyDead(seen)
	for i := range rows {
		rows[i] += spaces(w - seen)
	}
	if m.term.name != MayorName {
		rows = append(m.lastPicture(w, h-len(rows)), rows...)
	}
	return rows
}

// lastPicture is the end of what a program had on its terminal when it ended, at most h rows.
func (m *model) lastPicture(w, h int) []string {
	rows := slices.Clone(m.term.lines(w, max(len(m.term.frame.Lines), 1))) // more is appended to them
	for len(rows) > 0 && strings.TrimSpace(plainRow(rows[len(rows)-1])) == "" {
		rows = rows[:len(rows)-1]
	}
	return rows[max(len(rows)-max(h, 0), 0):]
}

func (m *model) whyDead(w int) []string {
	if m.term.name != MayorName {
		why := m.outcome(m.term.name, m.term.key)
		if why == "" {
			why = clean(m.term.name) + " has no terminal now"
		}
		keys := "m goes back to the Mayor."
		if m.mode == typing {
			keys = m.townKey() + " then " + keys
		}
		return m.note(w, why+".", keys)
	}
	mayor := m.facts.view.Mayor
	if mayor.State == "starting" {
		return m.note(w, "The Mayor is starting. What you type is kept for it.")
	}
	var rows []string
	for _, s := range mayor.Last {
		rows = append(rows, m.line(w, "").put(m.dim, clean(s)).end())
	}
	head := "The Mayor is not running."
	if mayor.State == "none" || mayor.Agent == "" {
		head = "There is no Mayor: no agent is chosen."
	}
	rows = append(rows, m.note(w, head, m.here(mayor.Why))...)
	rows = append(rows, m.note(w, m.otherMayors()+" The board works without a Mayor.")...)
	do := "Enter: try again"
	if m.mode == inTown {
		do = "m, then " + do
	}
	return append(rows, spaces(w), m.line(w, "").put("", "  ").put(m.accent.and("1"), do).end())
}

// otherMayors says which agents there are to choose from; the built-in one always is, and commands of the person's own
// are made to work on beads.
func (m *model) otherMayors() string {
	var here []string
	for _, a := range m.facts.view.Agents {
		if !a.Own && a.Missing == "" && a.Spec != "scripted" && a.Spec != m.facts.view.Mayor.Agent {
			here = append(here, clean(a.Spec))
		}
	}
	text := ":mayor agent scripted works at once, without a model: it plans specs, slings and answers."
	if m.facts.view.Mayor.Agent == "scripted" {
		text = ":mayor agent NAME chooses another."
	}
	if len(here) > 0 {
		text += " Also here: " + strings.Join(here, ", ") + "."
	}
	return text
}

// header is the first row.
func (m *model) header() string {
	w := m.layout.size.Cols
	if m.layout.kind == drawer && m.mode == typing {
		n := m.line(w, "").put("", " ").put("1", m.leftTitle())
		hint := m.typingHint()
		gap := (w - width(hint)) / 2
		used := w - n.left
		n.put("", spaces(max(gap-used, 2))).put(m.accent, hint)
		return n.right(m.dim, clock(m.clock)+" ").end()
	}
	s := m.facts.view.Status
	n := m.line(w, "").put("", " ")
	if m.layout.kind != drawer {
		n.put("1", "gastown").put(m.dim, " "+m.dot+" ")
	}
	switch len(s.Rigs) {
	case 0:
		n.put("", "no rig yet")
	case 1:
		m.putRig(n, s.Rigs[0])
	default:
		n.put("", beads.Count(len(s.Rigs), "rig"))
		if m.layout.kind == wide {
			for i, r := range s.Rigs {
				n.put(m.dim, map[bool]string{true: ": ", false: ", "}[i == 0])
				m.putRig(n, r)
			}
		}
	}
	if text := m.haltedRigs(); text != "" {
		n.put("", "  ").put(m.yellow, text)
	}
	m.putProgress(n)
	return n.right(m.dim, clock(m.clock)+" ").end()
}

func (m *model) putRig(n *line, r api.StatusRig) {
	n.put("1", clean(r.Name))
	if m.layout.kind != drawer {
		n.put(m.dim, " "+clean(r.Branch)+" "+short(r.Main))
	}
}

// putProgress says how far the convoy (or the whole board) is, and what is on its way.
func (m *model) putProgress(n *line) {
	name, done, total := m.progress()
	cells := map[kind]int{drawer: 8, split: 12, wide: 24}[m.layout.kind]
	if total > 0 {
		full := cells * done / total
		n.put("", "   ").put("", name+" [").put(m.green, strings.Repeat("#", full))
		n.put(m.dim, strings.Repeat(".", cells-full)).put("", "] "+itoa(done)+"/"+itoa(total))
	}
	if m.layout.kind == drawer {
		n.put("", "   ")
		m.putAlarms(n)
		if f := m.facts.worst; f != nil {
			word, mark := refineryWord(f, m.clock)
			n.put("", "  ").put(m.words(mark), "refinery "+word)
		}
		return
	}
	if k := m.facts.count['^']; k > 0 {
		n.put(m.dim, " "+m.dot+" ").put("", itoa(k)+" landing")
	}
	if k := m.facts.asks + m.facts.bad; k > 0 {
		n.put(m.dim, " "+m.dot+" ").put(m.words('?'), itoa(k)+map[bool]string{true: " needs you", false: " need you"}[k == 1])
	}
	if m.facts.worst != nil && m.facts.worst.State == refinery.Hung {
		n.put(m.dim, " "+m.dot+" ").put(m.words('!'), "refinery HUNG")
	}
	if h := m.haltOf(""); h != agents.Going {
		n.put(m.dim, " "+m.dot+" ").put(m.yellow, haltWord(h))
	}
}

// progress is the running convoy's, else the board's.
func (m *model) progress() (name string, done, total int) {
	for _, c := range m.facts.view.Convoys {
		if c.State == "launched" && c.Closed < c.Total {
			name = clean(c.Name)
			if m.layout.kind != drawer {
				name = "convoy " + name
			}
			return name, c.Closed, c.Total
		}
	}
	c := m.facts.view.Status.Beads
	return "beads", c.Closed, c.Open + c.Working + c.Submitted + c.NeedsYou + c.Deferred + c.Closed
}

// putAlarms writes ?1 !2.
func (m *model) putAlarms(n *line) {
	if m.facts.asks > 0 {
		n.put(m.words('?'), "?"+itoa(m.facts.asks))
	}
	if m.facts.asks > 0 && m.facts.bad > 0 {
		n.put("", " ")
	}
	if m.facts.bad > 0 {
		n.put(m.words('!').and("1"), "!"+itoa(m.facts.bad))
	}
}

// placed is a block of rows at a place on the screen.
type placed struct {
	x, y, w int
	rows    []string
}

// lay puts a block over rows; what it covers is cut at its edges.
func (m *model) lay(rows []string, p placed) []string {
	cols := m.layout.size.Cols
	for i, s := range p.rows {
		y := p.y + i
		if y < 0 || y >= len(rows) {
			continue
		}
		rows[y] = clip(rows[y], 0, p.x) + s + clip(rows[y], p.x+p.w, cols)
	}
	return rows
}
