package tui

import (
	"slices"

	tea "charm.land/bubbletea/v2"

	"gastown/beads"
)

// depsDialog is D: what a bead needs, and what waits for it, as two trees.
type depsDialog struct {
	id   beads.ID
	rows []depRow
	at   list
}

// depRow is one line: a heading, or a bead at a depth.
type depRow struct {
	head  string
	id    beads.ID
	depth int
	again bool // its branch is drawn above already
}

const deepest = 12 // levels drawn; a chain that is longer is seen by opening a bead of it

func newDeps(m *model, id beads.ID) *depsDialog {
	d := &depsDialog{}
	d.aim(m, id)
	return d
}

// aim shows the trees of a bead.
func (d *depsDialog) aim(m *model, id beads.ID) {
	d.id = id
	d.look(m)
	d.at = list{}
	first := slices.IndexFunc(d.rows, func(r depRow) bool { return r.id != "" }) // not a heading
	d.at.goTo(max(first, 0), d.keys())
}

// look draws the trees from the newest view.
func (d *depsDialog) look(m *model) {
	needs := map[beads.ID][]beads.ID{}
	blocks := map[beads.ID][]beads.ID{}
	for _, r := range m.facts.beads {
		for _, dep := range r.bead.Dependencies {
			if dep.Type == beads.Blocks {
				needs[r.bead.ID] = append(needs[r.bead.ID], dep.DependsOn)
				blocks[dep.DependsOn] = append(blocks[dep.DependsOn], r.bead.ID)
			}
		}
	}
	d.rows = nil
	d.branch("needs", needs)
	d.branch("waited for by", blocks)
}

func (d *depsDialog) branch(head string, edges map[beads.ID][]beads.ID) {
	if len(edges[d.id]) == 0 {
		d.rows = append(d.rows, depRow{head: head + ": nothing"})
		return
	}
	d.rows = append(d.rows, depRow{head: head})
	seen := map[beads.ID]bool{d.id: true}
	var walk func(id beads.ID, depth int)
	walk = func(id beads.ID, depth int) {
		for _, next := range edges[id] {
			again := seen[next] && len(edges[next]) > 0
			d.rows = append(d.rows, depRow{id: next, depth: depth, again: again})
			if !seen[next] && depth < deepest {
				seen[next] = true
				walk(next, depth+1)
			}
		}
	}
	walk(d.id, 0)
}

func (d *depsDialog) scope() Scope    { return InList }
func (d *depsDialog) wantsText() bool { return false }
func (d *depsDialog) longer() bool    { return d.at.longer() }

// changed implements watcher.
func (d *depsDialog) changed(m *model) tea.Cmd {
	d.look(m)
	d.at.follow(d.keys(), true)
	return nil
}

// keys are the rows by number and bead: a bead may stand in both trees.
func (d *depsDialog) keys() []string {
	out := make([]string, len(d.rows))
	for i, r := range d.rows {
		out[i] = itoa(i) + " " + string(r.id)
	}
	return out
}

func (d *depsDialog) handle(m *model, ev event) (verdict, tea.Cmd) {
	was := d.at.at
	if d.at.move(ev.intent, d.keys(), 10) {
		d.offHeading(d.at.at < was)
		return consumed, nil
	}
	id := d.id
	if d.at.at < len(d.rows) && d.rows[d.at.at].id != "" {
		id = d.rows[d.at.at].id
	}
	switch ev.intent {
	case Open:
		m.show(id)
		return closed, m.openBead(id)
	case ShowDeps:
		d.aim(m, id)
		return consumed, nil
	case ShowDiff, Assign, Kill, Attach, EditBead:
		m.show(id)
		return closed, m.run(ev.intent)
	}
	return ignored, nil
}

// offHeading moves the cursor from a heading to the nearest bead, in the direction it came in if there is one.
func (d *depsDialog) offHeading(up bool) {
	by := map[bool]int{true: -1, false: 1}[up]
	for _, step := range []int{by, -by} {
		for i := d.at.at; i >= 0 && i < len(d.rows); i += step {
			if d.rows[i].id != "" {
				d.at.goTo(i, d.keys())
				return
			}
		}
	}
}

// click implements clicker.
func (d *depsDialog) click(m *model, row, _ int, again bool) tea.Cmd {
	if i := d.at.top + row; i >= 0 && i < len(d.rows) && d.rows[i].id != "" {
		d.at.goTo(i, d.keys())
		if again {
			return m.toOverlay(event{intent: Open, key: tea.Key{Code: tea.KeyEnter}})
		}
	}
	return nil
}

func (d *depsDialog) draw(m *model, w, h int) face {
	f := face{title: "DEPENDENCIES of " + clean(string(d.id)), foot: []string{"Enter open", "D turn to it", "d diff", "a assign", "Esc"}}
	if r, ok := m.beadByID(string(d.id)); ok {
		f.title += "  " + clean(r.bead.Title)
	}
	top := d.at.fit(len(d.rows), max(h, 1), true)
	for i := top; i < min(top+max(h, 1), len(d.rows)); i++ {
		f.rows = append(f.rows, d.line(m, w, i))
	}
	return f
}

func (d *depsDialog) line(m *model, w, i int) string {
	x := d.rows[i]
	base, mark := sty(""), " "
	if i == d.at.at && x.id != "" {
		base, mark = m.picked, m.marker
	}
	n := m.line(w, base).put(m.accent, " "+mark+" ")
	if x.id == "" {
		return n.put("1", x.head).end()
	}
	n.put("", spaces(2*x.depth+2))
	r, ok := m.beadByID(string(x.id))
	if !ok {
		return n.put(m.dim, clean(string(x.id))+" is not in this town").end()
	}
	n.put(m.glyph(r.glyph), string(r.glyph)).put("", " ").cell(m.idStyle(r), clean(string(x.id)), max(m.facts.wide.id, 6))
	if x.again {
		return n.put(m.dim, "(see above)").end()
	}
	room := max(n.left-20, 8)
	return n.cell(m.textOf(r), clean(r.bead.Title), room).put(m.words(r.glyph), r.word).put(m.dim, "  "+r.who).end()
}
