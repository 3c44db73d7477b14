package tui

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"gastown/agents"
	"gastown/internal/api"
	"gastown/refinery"
)

// renderRefinery draws the merge queues. Its title always says the state and how to restart.
func (m *model) renderRefinery(w, h int) []string {
	focused := m.focused(paneRefinery)
	b := box{title: "3 REFINERY", right: "r restart", keep: true, focused: focused}
	if f := m.shownRefinery(); f != nil {
		word, mark := refineryWord(f, m.clock)
		if mark != '.' {
			word = string(mark) + " " + word
		}
		if len(m.facts.view.Refineries) > 1 && (mark != '.' || len(f.Queue) > 0 || m.rig != "") {
			word = clean(f.Rig) + " " + word
		}
		if f.Ungated {
			word += "  UNGATED"
		}
		if h := m.haltOf(f.Rig).With(m.haltOf("")); h != agents.Going { // the queue itself goes on
			word += "  rig " + haltWord(h)
		}
		if mark == '>' || mark == '.' {
			mark = 0
		}
		b.state = part{word, m.words(mark)}
		if mark != '?' { // a restart helps nobody's yes
			b.mark = mark
		}
	}
	b.title += m.filterTail(paneRefinery)
	b.foot = hints(m.keys, ShowLog, ShowDiff, BounceEntry, HoldEntry, ShowWhy)
	if slices.ContainsFunc(m.shownMRs(), func(r mrRow) bool { return r.mr.State == refinery.EntryApprove }) {
		b.foot = append([]string{"A land it"}, b.foot...)
	}
	if at, rows := m.lists[paneRefinery].at, m.shownMRs(); at < len(rows) {
		b.foot = asRelease(b.foot, rows[at].mr)
	}
	m.asTab(&b, paneRefinery, w)
	b.body = m.refineryBody(w-2, h-2, focused)
	return m.box(b, w, h)
}

// asRelease is the hints with what Space does to a merge request that is held.
func asRelease(foot []string, e *api.QueueEntry) []string {
	if i := slices.Index(foot, "Space hold"); i >= 0 && e.State == refinery.EntryHeld {
		foot[i] = "Space release"
	}
	return foot
}

// shownRefinery is the one that the title speaks of: of the rig that is shown alone, else the
// one that needs a person most.
func (m *model) shownRefinery() *api.RefineryInfo {
	for i := range m.facts.view.Refineries {
		if r := &m.facts.view.Refineries[i]; m.rig != "" && r.Rig == m.rig {
			return r
		}
	}
	return m.facts.worst
}

func (m *model) refineryBody(w, h int, focused bool) []string {
	if len(m.facts.view.Refineries) == 0 {
		return m.note(w, "No rig, so nothing to merge.")
	}
	var out []string
	rows := m.shownMRs()
	var note []string
	if len(rows) == 0 {
		note = wrap(m.emptyQueue(), w-m.margin()-1)
	}
	room := h - len(note)
	if len(rows) > 0 {
		room = h - 1 - min(len(rows), 4)
	}
	tail := m.refineryTail(w, max(room, 0))
	if len(rows) > 0 {
		c := m.mrCols(w)
		out = append(out, m.mrHeading(w, c))
		room := max(h-1-len(tail), 1)
		fit := room
		if len(rows) > room {
			fit = max(room-1, 1)
		}
		l := &m.lists[paneRefinery]
		top := l.fit(len(rows), fit, m.acted(paneRefinery))
		last := min(top+fit, len(rows))
		for i := top; i < last; i++ {
			out = append(out, m.mrLine(rows[i], w, c, focused && i == l.at))
		}
		if len(rows) > fit {
			out = append(out, m.hidden(w, top, len(rows)-last, ""))
		}
	} else {
		for _, s := range note {
			out = append(out, m.line(w, "").put("", spaces(m.margin())).put(m.dim, s).end())
		}
	}
	return append(out, tail...)
}

func (m *model) emptyQueue() string {
	if m.filters[paneRefinery] != "" {
		return m.noMatch(paneRefinery) + " Esc shows the whole queue again."
	}
	var last time.Time
	for _, r := range m.facts.view.Refineries {
		for _, l := range r.Landed {
			if l.At.After(last) {
				last = l.At
			}
		}
	}
	if !last.IsZero() {
		return "Nothing queued. Last landed " + clock(last) + "."
	}
	all := func(is func(api.RefineryInfo) bool) bool {
		return !slices.ContainsFunc(m.facts.view.Refineries, func(r api.RefineryInfo) bool { return (m.rig == "" || r.Rig == m.rig) && !is(r) })
	}
	next := "is tested, and lands"
	switch {
	case all(func(r api.RefineryInfo) bool { return r.State == refinery.NoGates }):
		next = "and waits for a gate"
	case all(func(r api.RefineryInfo) bool { return r.Ungated }):
		next = "and lands untested"
	}
	return "Nothing queued. A polecat's finished work comes here, " + next + "."
}

// mrCols is the widths of the queue's columns. Gates are named where there is room, else by a letter.
type mrCols struct {
	id, title, gates, n int
	named               bool
}

func (m *model) mrCols(w int) mrCols {
	c := mrCols{id: m.idCol(), n: 1, named: m.layout.kind == wide}
	for {
		c.gates = 5
		for _, r := range m.shownMRs() {
			c.gates = min(max(c.gates, width(m.gatesCell(r, c.named))), map[bool]int{true: 36, false: 20}[c.named])
			c.n = max(c.n, len(itoa(r.mr.Position)))
		}
		c.title = w - m.margin() - (c.n + 1) - 2 - (c.id + 1) - (c.gates + 1) - 5
		if !c.named || c.title >= least {
			c.title = max(c.title, 6)
			return c
		}
		c.named = false
	}
}

func (m *model) mrHeading(w int, c mrCols) string {
	return m.heading(w, func(n *line) {
		n.cell("", "#", c.n).put("", "S ").cell("", "BEAD", c.id).cell("", "TITLE", c.title)
		n.cell("", "GATES", c.gates).right("", "WAIT")
	})
}

func (m *model) mrLine(r mrRow, w int, c mrCols, selected bool) string {
	n := m.row(w, selected)
	n.cell(m.dim, itoa(r.mr.Position), c.n).put(m.glyph(r.glyph), string(r.glyph)).put("", " ")
	n.cell(m.cyan, clean(string(r.mr.Bead)), c.id).cell("", clean(r.mr.Title), c.title)
	m.putGates(n, r, c)
	return n.right(m.dim, age(m.clock.Sub(r.mr.Queued))).end()
}

// gateMarks are a merge request's gates with a mark each.
func gateMarks(r mrRow) (names []string, marks []byte) {
	done := map[string]refinery.Outcome{}
	for _, g := range r.mr.Gates {
		done[g.Gate] = g.Outcome
	}
	for _, name := range r.info.Gates {
		mark := byte('.')
		switch out, ok := done[name]; {
		case ok && out == refinery.Pass, r.mr.State == refinery.EntryApprove:
			mark = '+'
		case ok && out != refinery.Stopped:
			mark = '!'
		case r.mr.Phase == name && r.glyph == '!':
			mark = '!'
		case r.mr.Phase == name:
			mark = '>'
		}
		names, marks = append(names, clean(name)), append(marks, mark)
	}
	return names, marks
}

// gatesCell is the GATES column as text: b+ v+ t! l.
func (m *model) gatesCell(r mrRow, named bool) string {
	switch {
	case r.mr.State == refinery.EntryHeld:
		return "held"
	case r.info.Ungated && len(r.info.Gates) == 0 && r.mr.State != refinery.EntryApprove:
		return "none"
	}
	if m.layout.kind == wide && r.mr.State == refinery.EntryQueued && len(r.mr.Gates) == 0 {
		return "waiting"
	}
	names, marks := gateMarks(r)
	parts := make([]string, len(names))
	for i, name := range names {
		parts[i] = m.gateName(name, named) + string(marks[i])
	}
	if r.mr.State == refinery.EntryApprove {
		parts = append(parts, "yes?")
	}
	return strings.Join(parts, " ")
}

// gateName is a gate's name, or its first letter.
func (m *model) gateName(name string, named bool) string {
	if named {
		return cut(name, 12, m.more)
	}
	return cut(name, 1, "")
}

// putGates is gatesCell with each mark in its colour.
func (m *model) putGates(n *line, r mrRow, c mrCols) {
	text := m.gatesCell(r, c.named)
	if r.mr.State == refinery.EntryHeld || len(r.info.Gates) == 0 || text == "waiting" || width(text) > c.gates {
		n.cell(m.dim, text, c.gates)
		return
	}
	names, marks := gateMarks(r)
	for i, name := range names {
		if i > 0 {
			n.put("", " ")
		}
		n.put(m.dim, m.gateName(name, c.named)).put(m.words(marks[i]), string(marks[i]))
	}
	if r.mr.State == refinery.EntryApprove {
		n.put("", " ").put(m.words('?'), "yes?")
	}
	n.put("", spaces(c.gates-width(text)+1))
}

// refineryTail is what is said below the queue: each rig's state where there are several, the gate that
// runs, then what landed; at most h rows, the most urgent first.
func (m *model) refineryTail(w, h int) []string {
	var urgent, calm []string
	pad := m.margin()
	say := func(to *[]string, st sty, text string) {
		lines := wrap(text, w-pad-1)
		if text != strings.TrimSpace(text) || text == "" { // output of a gate: its columns count
			lines = []string{text}
		}
		for _, s := range lines {
			*to = append(*to, m.line(w, "").put("", spaces(pad)).put(st, s).end())
		}
	}
	var landed []api.LandedBead
	for i := range m.facts.view.Refineries {
		r := &m.facts.view.Refineries[i]
		if m.rig != "" && r.Rig != m.rig {
			continue
		}
		count := fmt.Sprintf("landed %d %s bounced %d%s", r.Total, m.dot, r.Bounced, m.undelivered(r.Rig))
		if m.layout.kind == drawer && r.Bounced == 0 { // a row is short there
			count = fmt.Sprintf("landed %d%s", r.Total, m.undelivered(r.Rig))
		}
		if len(m.facts.view.Refineries) > 1 {
			word, mark := refineryWord(r, m.clock)
			st := m.words(mark)
			if mark == '.' {
				st = m.dim
			}
			say(&urgent, st, clean(r.Rig)+": "+word+" "+m.dot+" "+count)
		} else {
			say(&calm, m.dim, count)
		}
		for _, p := range m.liveGate(r) {
			say(&urgent, p.st, p.text)
		}
		landed = append(landed, r.Landed...)
	}
	if row := m.landed(landed, w); row != "" {
		calm = append(calm, row)
	}
	out := urgent
	if len(out) > 0 && len(calm) > 0 && len(out)+len(calm) < h {
		out = append(out, spaces(w))
	}
	out = append(out, calm...)
	if len(out) < h && len(out) > 0 && len(m.facts.mrs) > 0 {
		out = append([]string{spaces(w)}, out...)
	}
	return out[:min(len(out), h)]
}

// liveGate says what the Refinery does right now and, when it cannot go on, why and what helps.
func (m *model) liveGate(r *api.RefineryInfo) []part {
	var out []part
	dot := " " + m.dot + " "
	if run := r.Run; run != nil && run.Phase == refinery.PhaseGate && run.Gate >= 0 && run.Gate < len(r.Gates) {
		gate, st := clean(r.Gates[run.Gate]), sty("")
		text := gate + ": running " + exact(m.clock.Sub(run.PhaseSince))
		if usual := r.Usual[r.Gates[run.Gate]]; usual > 0 {
			text += " of ~" + exact(usual)
		}
		if r.State == refinery.Hung {
			text, st = gate+": "+m.stuck(run), m.red
		}
		if run.PID > 0 {
			text += fmt.Sprintf("%spid %d", dot, run.PID)
		}
		if s := m.stepText(r); s != "" {
			out = append(out, part{s, m.yellow})
		}
		out = append(out, part{text, st})
		out = append(out, m.gateTail(r)...)
		if r.State == refinery.Hung && m.layout.kind == wide {
			out = append(out, part{"", ""}, part{"r stops the gate's process tree; the order stays, and it runs again from a clean worktree", m.dim})
		}
		return out
	}
	if r.Reason != "" {
		out = append(out, part{m.here(r.Reason, r.Rig), m.yellow})
	}
	if r.Hint != "" {
		out = append(out, part{m.here(r.Hint, r.Rig), m.dim})
	}
	return out
}

// stuck says why a gate counts as hung.
func (m *model) stuck(run *refinery.Run) string {
	if run.Talks {
		return "still running after " + lasting(m.clock.Sub(run.PhaseSince))
	}
	since := run.LastOutput
	if since.IsZero() {
		since = run.PhaseSince
	}
	return "no output for " + lasting(m.clock.Sub(since))
}

// stepText is the batch or the half of one that is tested, and when it lands if it is green.
func (m *model) stepText(r *api.RefineryInfo) string {
	text := clean(r.Step)
	for i := range r.Queue {
		e := &r.Queue[i]
		if lands := m.expected(e, r); e.State == refinery.EntryGating && lands != "" && text != "" {
			return text + " " + m.dot + " " + lands
		}
	}
	return text
}

// expected is when a merge request lands if all goes as usual; "" where that is not known, or does not come true.
func (m *model) expected(e *api.QueueEntry, r *api.RefineryInfo) string {
	left := e.Expected.Sub(m.clock)
	if e.Expected.IsZero() || left <= 0 || r.State == refinery.Hung || e.State == refinery.EntryHeld || e.State == refinery.EntryApprove {
		return ""
	}
	return "lands in ~" + exact(left)
}

// tailLines is how many lines of a running gate the wide pane shows.
const tailLines = 6

// gateTail is the newest output of the running gate: several lines where there is room.
func (m *model) gateTail(r *api.RefineryInfo) []part {
	n := len(r.Tail)
	if n == 0 {
		return nil
	}
	if m.layout.kind != wide {
		return []part{{"last line: " + clean(r.Tail[n-1]), m.dim}}
	}
	var out []part
	for _, s := range r.Tail[max(n-tailLines, 0):] {
		out = append(out, part{"  " + cleanLine(s), m.dim})
	}
	return out
}

func (m *model) undelivered(rig string) string {
	for _, r := range m.facts.view.Status.Rigs {
		if r.Name == rig && r.Undelivered > 0 {
			return fmt.Sprintf(" %s %d landed, not delivered", m.dot, r.Undelivered)
		}
	}
	return ""
}

// landed is a row with the newest landings that fit; "" when there are none.
func (m *model) landed(all []api.LandedBead, w int) string {
	if len(all) == 0 {
		return ""
	}
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b api.LandedBead) int { return b.At.Compare(a.At) })
	n := m.line(w, "").put("", spaces(m.margin()))
	for _, l := range all {
		id := clean(string(l.Bead))
		if 5+3+width(id) > n.left {
			break
		}
		n.put(m.dim, clock(l.At)).put(m.green, " + ").put(m.dim, id).put("", "  ")
	}
	return n.end()
}
