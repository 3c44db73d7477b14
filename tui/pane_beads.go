package tui

import (
	"fmt"
	"strings"

	"gastown/beads"
	"gastown/internal/api"
)

// shownBeads are the board's rows that pass the filter.
func (m *model) shownBeads() []beadRow {
	if m.filters[paneBeads] == "" && m.rig == "" {
		return m.facts.beads
	}
	var out []beadRow
	for _, r := range m.facts.beads {
		if m.rig != "" && r.bead.Rig != m.rig {
			continue
		}
		if m.passes(paneBeads, string(r.bead.ID), r.bead.Title, r.word, r.who, string(r.bead.Rig)) {
			out = append(out, r)
		}
	}
	return out
}

// passes reports whether each word of a pane's filter is in one of the texts.
func (m *model) passes(id paneID, texts ...string) bool {
	all := strings.ToLower(strings.Join(texts, "\n"))
	for _, word := range strings.Fields(strings.ToLower(m.filters[id])) {
		if !strings.Contains(all, word) {
			return false
		}
	}
	return true
}

// beadCols is the widths of the board's columns; 0: there is none.
type beadCols struct{ state, rig, id, prio, title, who, cli, deps, waits, cost, tok int }

// least is what a column that says much is left before others, which say less, go; roomy is that of a
// title on a wide board.
const least, roomy = 18, 25

// beadCols is what fits into w cells. A column in which no bead has anything is left out; where the
// title has too little room, those go that say least.
func (m *model) beadCols(w int) beadCols {
	f := m.facts.wide
	c := beadCols{id: m.idCol(), prio: 2, who: min(max(f.who, 5), 8)}
	col := func(need, from, most int) int {
		if need == 0 {
			return 0
		}
		return min(max(need, from), most)
	}
	switch m.layout.kind {
	case wide:
		c.state, c.cli, c.waits = 9, col(f.cli, 3, 8), col(f.waits, 9, 16)
		c.cost, c.tok = col(f.cost, 4, 5), col(f.tok, 3, 5)
		if len(m.facts.view.Status.Rigs) > 1 {
			c.rig = col(f.rig, 3, 8)
		}
	case split:
		c.deps = col(f.deps, 4, 4)
	case listOnly:
		c.prio = 0
	case drawer, tooSmall:
	}
	rest := func() int {
		n := w - m.margin() - 2 - 4 // mark and age
		for _, x := range []int{c.state, c.rig, c.id, c.prio, c.who, c.cli, c.deps, c.waits, c.cost, c.tok} {
			if x > 0 {
				n -= x + 1
			}
		}
		return n - 1
	}
	enough := least
	if m.layout.kind == wide {
		enough = roomy
	}
	for _, x := range []*int{&c.tok, &c.cost, &c.cli, &c.rig, &c.deps, &c.state} {
		if rest() < min(enough, f.title) {
			*x = 0
		}
	}
	if spare := rest() - f.title; c.waits > 0 && spare > 0 {
		c.waits += max(min(spare, f.waits-c.waits), 0)
	}
	c.title = max(rest(), 4)
	return c
}

// idCol is how many cells the ids of beads get.
func (m *model) idCol() int { return min(max(m.facts.wide.id, 6), 13) }

// renderBeads draws the board into w x h cells with its border.
func (m *model) renderBeads(w, h int) []string {
	rows := m.shownBeads()
	focused := m.focused(paneBeads)
	title := fmt.Sprintf("1 BEADS %d", len(m.facts.beads))
	if m.filters[paneBeads] != "" || m.rig != "" {
		title = fmt.Sprintf("1 BEADS %d of %d", len(rows), len(m.facts.beads))
	}
	if m.rig != "" {
		title += "  only " + clean(m.rig)
	}
	title += m.filterTail(paneBeads)
	if n := len(m.marks); n > 0 {
		title += fmt.Sprintf("  %d marked", n)
	}
	b := box{title: title, right: "/ filter", focused: focused}
	b.foot = hintsIn(m.keys, InBeads, Open, ShowDiff, Assign, Kill, NewBead, MarkBead, m.rigHint(), SetPriority, EditBead, ShowDeps, ShowWhy)
	m.asTab(&b, paneBeads, w)
	b.body = m.beadBody(rows, w-2, h-2, focused)
	return m.box(b, w, h)
}

func (m *model) beadBody(rows []beadRow, w, h int, focused bool) []string {
	if len(rows) == 0 {
		return m.emptyBoard(w)
	}
	strip := m.beadStrip(w, h)
	h -= len(strip)
	c := m.beadCols(w)
	var out []string
	if m.layout.kind != listOnly {
		out = append(out, m.beadHeading(w, c))
		h--
	}
	full := len(out) + h
	l := &m.lists[paneBeads]
	fit := h
	if len(rows) > h {
		fit--
	}
	top := l.fit(len(rows), fit, m.acted(paneBeads))
	last := min(top+fit, len(rows))
	for i := top; i < last; i++ {
		out = append(out, m.beadLine(rows[i], w, c, focused && i == l.at))
	}
	if len(rows) > h {
		tail := ""
		if m.layout.kind != drawer {
			tail = m.counts(order)
		}
		out = append(out, m.hidden(w, top, len(rows)-last, tail))
	}
	for len(strip) > 0 && len(out) < full {
		out = append(out, spaces(w))
	}
	return append(out, strip...)
}

func (m *model) emptyBoard(w int) []string {
	switch {
	case m.filters[paneBeads] != "":
		return m.note(w, m.noMatch(paneBeads), "Esc shows all beads again.")
	case len(m.facts.view.Status.Rigs) == 0:
		return m.note(w, "No rig yet.", "A rig is a repository the town works on; :rig add NAME PATH adds one. Or tell the Mayor (m).")
	}
	if m.offering() {
		return m.offerRows(w)
	}
	return m.note(w, "No beads yet.", "Type to the Mayor (m), or press n.", "A bead is one task; a polecat works on one at a time.")
}

func (m *model) beadHeading(w int, c beadCols) string {
	return m.heading(w, func(n *line) {
		n.put("", "S ").cell("", "STATE", c.state).cell("", "RIG", c.rig)
		n.cell("", "ID", c.id).cell("", "P", c.prio).cell("", "TITLE", c.title).cell("", "WHO", c.who)
		n.cell("", "CLI", c.cli).cell("", "DEPS", c.deps).cell("", "WAITS FOR", c.waits).num("", "COST", c.cost).num("", "TOK", c.tok)
		n.right("", "AGE")
	})
}

func (m *model) beadLine(r beadRow, w int, c beadCols, selected bool) string {
	b, n := r.bead, m.row(w, selected)
	tag, st := " ", sty("")
	if m.marks[b.ID] {
		tag, st = m.tag, m.accent.and("1")
	}
	deps := ""
	if r.deps > 0 {
		deps = itoa(r.deps)
	}
	who := r.who
	if c.state == 0 && r.word == "next" && who == "-" { // there is no other column to say that it was slung
		who = r.word
	}
	cost, tok := spent(r.last)
	n.put(m.glyph(r.glyph), string(r.glyph)).put(st, tag)
	n.cell(m.words(r.glyph), r.word, c.state).cell(m.dim, clean(b.Rig), c.rig)
	n.cell(m.idStyle(r), clean(string(b.ID)), c.id).cell(m.dim, "P"+itoa(b.Priority), c.prio)
	n.cell(m.textOf(r), clean(b.Title), c.title).cell(m.whoStyle(r), who, c.who)
	n.cell(m.dim, r.cli, c.cli).num(m.dim, deps, c.deps).cell(m.dim, r.waits, c.waits).num(m.dim, cost, c.cost).num(m.dim, tok, c.tok)
	return n.right(m.dim, age(m.clock.Sub(r.since))).end()
}

func (m *model) textOf(r beadRow) sty {
	switch r.glyph {
	case '+', '.', '#':
		return m.dim
	case '?', '!':
		return "1"
	}
	return ""
}

func (m *model) idStyle(r beadRow) sty {
	if r.glyph == '+' || r.glyph == '.' || r.glyph == '#' {
		return m.dim
	}
	return m.cyan
}

func (m *model) whoStyle(r beadRow) sty {
	switch r.glyph {
	case '>', '?', '!', '=':
		return ""
	}
	return m.dim
}

// spent is what an attempt cost, where its agent says.
func spent(a *beads.Attempt) (cost, tok string) {
	if a == nil {
		return "", ""
	}
	if a.CostUSD != nil {
		cost = fmt.Sprintf("%.2f", *a.CostUSD)
	}
	if a.Tokens != nil {
		tok = tokens(*a.Tokens)
	}
	return cost, tok
}

// counts is the board in one line: >2 =1 ^2 o3 #3 +4, of the given marks.
func (m *model) counts(marks string) string {
	var parts []string
	for i := range len(marks) {
		if n := m.facts.count[marks[i]]; n > 0 && marks[i] != '.' {
			parts = append(parts, string(marks[i])+itoa(n))
		}
	}
	return strings.Join(parts, " ")
}

// workLine says who works on a bead and what there is to show for it.
func (m *model) workLine(r beadRow) string {
	dot := " " + m.dot + " "
	text := r.word
	if r.cat != nil {
		text = clean(r.cat.Name) + "/" + clean(r.cat.Agent)
	} else if r.waits != "" && r.bead.Reason == "" { // a reason has a row of its own
		text += ": " + r.waits
	}
	if a := r.last; a != nil {
		if r.cat == nil {
			text = clean(a.Polecat) + "/" + clean(a.Preset) + dot + text
		}
		text += dot + m.changeText(a, r.cat)
	}
	return text
}

// changeText is what an attempt has to show; with its polecat, as of now.
func (m *model) changeText(a *beads.Attempt, c *api.PolecatInfo) string {
	var commits, files, add, del, dirty int
	if c != nil {
		commits, files, add, del, dirty = c.Commits, c.Files, c.Added, c.Removed, c.Dirty
	} else {
		commits, files, add, del, dirty = a.Commits, a.Files, a.Added, a.Removed, a.Dirty
	}
	parts := []string{beads.Count(commits, "commit")}
	if files > 0 || add > 0 || del > 0 {
		parts = append(parts, fmt.Sprintf("%s +%d -%d", beads.Count(files, "file"), add, del))
	}
	if dirty > 0 {
		parts = append(parts, beads.Count(dirty, "file")+" uncommitted")
	}
	if commits == 0 && len(parts) == 1 {
		switch {
		case c != nil || a.Rescue == "":
			return "nothing changed"
		case a.Carried > 0:
			return "nothing new, " + beads.Count(a.Carried, "commit") + " from before kept"
		}
		return "work kept"
	}
	return strings.Join(parts, " "+m.dot+" ")
}

// unblocks are the beads that wait for id.
func (m *model) unblocks(id beads.ID) []beads.ID {
	var out []beads.ID
	for _, r := range m.facts.beads {
		for _, on := range r.bead.BlockedBy {
			if on == id {
				out = append(out, r.bead.ID)
			}
		}
	}
	return out
}

func joinIDs(ids []beads.ID) string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = clean(string(id))
	}
	return strings.Join(out, " ")
}
