package tui

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"gastown/agents"
	"gastown/beads"
	"gastown/internal/api"
	"gastown/refinery"
)

// shownCats are the rows of the polecats pane: busy ones, then one line for the idle.
func (m *model) shownCats() (busy []catRow, idle []string) {
	for _, r := range m.facts.cats {
		if m.rig != "" && r.cat.Rig != m.rig && r.cat.Bead != "" {
			continue
		}
		if !m.passes(paneCats, r.cat.Name, string(r.cat.Bead), r.cat.Title, r.cat.Agent, string(r.cat.State), r.cat.Question, r.cat.Rig) {
			continue
		}
		if r.glyph == '.' {
			idle = append(idle, clean(r.cat.Name))
			continue
		}
		busy = append(busy, r)
	}
	return busy, idle
}

func (m *model) renderCats(w, h int) []string {
	focused := m.focused(paneCats)
	s := m.facts.view.Status
	count := fmt.Sprintf("%d/%d", m.facts.busy, s.Cap)
	if rows, _ := m.shownCats(); len(rows) < m.facts.busy {
		count = fmt.Sprintf("%d of %s", len(rows), count)
	}
	b := box{title: "2 POLECATS " + count + m.filterTail(paneCats), focused: focused}
	if cost, ok := m.spend(); ok {
		b.right = cost
	}
	if h := m.haltShown(); h != agents.Going {
		b.right, b.mark = haltWord(h), '='
	}
	b.foot = hints(m.keys, Attach, ShowDiff, Kill, Nudge, AnswerAsk, Revive, Assign, RestartAgent)
	m.asTab(&b, paneCats, w)
	b.body = m.catBody(w-2, h-2, focused)
	return m.box(b, w, h)
}

func (m *model) catBody(w, h int, focused bool) []string {
	busy, idle := m.shownCats()
	if len(busy) == 0 && len(idle) == 0 && m.filters[paneCats] != "" {
		return m.note(w, m.noMatch(paneCats), "Esc shows all polecats again.")
	}
	if len(busy) == 0 && len(idle) == 0 {
		return m.noCats(w)
	}
	c := m.catCols(w, busy)
	out := []string{m.catHeading(w, c)}
	full := h
	h--
	foot := 0
	if len(idle) > 0 {
		foot = 1
	}
	if len(busy) > h-foot {
		foot++
	}
	l := &m.lists[paneCats]
	fit := max(h-foot, 1)
	top := l.fit(len(busy), fit, m.acted(paneCats))
	last := min(top+fit, len(busy))
	for i := top; i < last; i++ {
		out = append(out, m.catLine(busy[i], w, c, focused && i == l.at))
	}
	if len(busy) > fit {
		out = append(out, m.hidden(w, top, len(busy)-last, ""))
	}
	if len(idle) > 0 {
		text := fmt.Sprintf("idle %d (%s)", len(idle), strings.Join(idle, ", "))
		out = append(out, m.line(w, "").put("", spaces(m.margin())).put(m.dim, ". ").put(m.dim, text).end())
	}
	if len(busy) > 0 && (focused || m.layout.kind == drawer) {
		strip := m.catStrip(busy[min(l.at, len(busy)-1)], w, full-len(out))
		for len(strip) > 0 && len(out)+len(strip) < full {
			out = append(out, spaces(w))
		}
		out = append(out, strip...)
	}
	return out
}

// noCats is what the pane says when nobody works.
func (m *model) noCats(w int) []string {
	head := "No polecats yet."
	if slices.ContainsFunc(m.facts.beads, func(r beadRow) bool { return r.last != nil }) {
		head = "No polecat is at work."
	}
	return m.note(w, head, "a on a ready bead (o) starts one; so does the Mayor when you ask.")
}

// catCols is the widths of the columns.
type catCols struct{ name, cli, id, now, diff, model, quiet, cost, up int }

func (m *model) catCols(w int, rows []catRow) catCols {
	c := catCols{name: 4, cli: 3, id: m.idCol(), diff: 4}
	for _, r := range rows {
		c.name = min(max(c.name, width(clean(r.cat.Name))), 10)
		c.cli = min(max(c.cli, width(clean(r.cat.Agent))), 8)
		c.diff = min(max(c.diff, width(diffOf(r.cat))), 11)
		if r.cat.CostUSD != nil && m.layout.kind == wide {
			c.cost = 5
		}
		if m.layout.kind == wide {
			c.model = min(max(c.model, width(clean(r.cat.Model))), 10)
		}
	}
	if c.model > 0 {
		c.model = max(c.model, 5)
	}
	if m.layout.kind == wide {
		c.quiet, c.up = 5, 4
	}
	rest := func() int {
		n := w - m.margin() - 2
		for _, x := range []int{c.name, c.cli, c.id, c.diff, c.model, c.quiet, c.cost, c.up} {
			if x > 0 {
				n -= x + 1
			}
		}
		return n
	}
	for _, x := range []*int{&c.model, &c.up, &c.cost, &c.quiet, &c.cli} {
		if rest() < least {
			*x = 0
		}
	}
	c.now = max(rest(), 6)
	return c
}

func (m *model) catHeading(w int, c catCols) string {
	return m.heading(w, func(n *line) {
		n.put("", "S ").cell("", "NAME", c.name).cell("", "CLI", c.cli).cell("", "MODEL", c.model)
		n.cell("", "BEAD", c.id).cell("", "NOW", c.now).num("", "DIFF", c.diff)
		n.num("", "QUIET", c.quiet).num("", "COST", c.cost).num("", "UP", c.up)
	})
}

func (m *model) catLine(r catRow, w int, c catCols, selected bool) string {
	p, n := r.cat, m.row(w, selected)
	n.put(m.glyph(r.glyph), string(r.glyph)).put("", " ")
	n.cell("", clean(p.Name), c.name).cell(m.dim, clean(p.Agent), c.cli).cell(m.dim, clean(p.Model), c.model)
	n.cell(m.cyan, clean(string(p.Bead)), c.id)
	st := sty("")
	if r.glyph != '>' {
		st = m.words(r.glyph)
	}
	n.cell(st, m.doing(r), c.now).num(m.dim, diffOf(p), c.diff)
	quiet, cost := "-", ""
	if !p.Quiet.IsZero() {
		quiet = age(m.clock.Sub(p.Quiet))
	}
	if p.CostUSD != nil {
		cost = fmt.Sprintf("%.2f", *p.CostUSD)
	}
	return n.num(m.dim, quiet, c.quiet).num(m.dim, cost, c.cost).num(m.dim, age(m.clock.Sub(p.Since)), c.up).end()
}

// diffOf is a polecat's change so far.
func diffOf(p *api.PolecatInfo) string {
	switch {
	case p.Added == 0 && p.Removed == 0 && p.Dirty > 0: // git does not know them yet
		return beads.Count(p.Dirty, "file")
	case p.Added == 0 && p.Removed == 0:
		return "-"
	}
	return fmt.Sprintf("+%d -%d", p.Added, p.Removed)
}

// doing is the NOW column: what is known, never a guess.
func (m *model) doing(r catRow) string {
	p := r.cat
	quiet := time.Duration(0)
	if !p.Quiet.IsZero() {
		quiet = m.clock.Sub(p.Quiet)
	}
	if p.Frozen {
		return "frozen"
	}
	switch p.State {
	case beads.Asking:
		return "asks: " + clean(p.Question)
	case beads.Limited:
		return "limit" + m.until(p)
	case beads.Starting:
		return "starting"
	case beads.Running:
		switch {
		case r.glyph == '!':
			return "silent " + age(max(quiet, time.Minute))
		case quiet >= quietAfter:
			return "quiet " + age(quiet)
		case slices.ContainsFunc(p.Overlaps, func(o refinery.Overlap) bool { return o.Conflict }):
			i := slices.IndexFunc(p.Overlaps, func(o refinery.Overlap) bool { return o.Conflict })
			return clean(p.Overlaps[i].Text())
		case p.Doing != "":
			return clean(p.Doing)
		}
		return "working"
	}
	return clean(string(p.State))
}

// until is when a polecat's limit ends, if that is known.
func (m *model) until(p *api.PolecatInfo) string {
	if i, ok := m.facts.byID[p.Bead]; ok {
		if a := m.facts.beads[i].last; a != nil && !a.LimitedUntil.IsZero() {
			return " til " + clock(a.LimitedUntil)
		}
	}
	for _, l := range m.facts.view.Status.Limits {
		if l.Agent == p.Agent {
			return " til " + clock(l.Until)
		}
	}
	return ""
}

// spend is what the polecats cost, where their agents say.
func (m *model) spend() (string, bool) {
	sum, tok, priced, counted := 0.0, int64(0), false, false
	for _, r := range m.facts.beads {
		for _, a := range r.bead.Attempts {
			if a.CostUSD != nil {
				sum, priced = sum+*a.CostUSD, true
			}
			if a.Tokens != nil {
				tok, counted = tok+*a.Tokens, true
			}
		}
	}
	switch {
	case priced:
		return fmt.Sprintf("$%.2f", sum), true
	case counted && tok > 0:
		return tokens(tok) + " tok", true
	}
	return "", false
}
