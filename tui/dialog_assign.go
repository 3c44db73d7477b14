package tui

import (
	"fmt"

	tea "charm.land/bubbletea/v2"

	"gastown/beads"
	"gastown/internal/api"
)

// assignDialog is a: to whom a bead goes, and with which agent. From one who works on it, it asks: that one is stopped.
type assignDialog struct {
	bead    beads.ID
	title   string
	from    *api.PolecatInfo // nil: nobody had it when this was asked
	choices []assignee
	first   int // row of the first that is shown, as last drawn
	at      list
	fields  [fieldsOfAssign]input
	field   int // what is typed to; 0: the list
}

// The fields of the dialog beside its list.
const (
	assignModel = iota + 1
	assignNote
	fieldsOfAssign
)

// assignee is one row of the choices.
type assignee struct {
	name, says string
	polecat    string // it goes to this one
	agent      string // with this one; empty: as the bead or the town says
	takes      string // the agent that a model can be named for; empty: none can
	resume     string // BEAD/N: it goes on from what that kept
	nobody     bool
	cancel     bool // nothing happens
}

func newAssign(m *model, r beadRow) *assignDialog {
	d := &assignDialog{fields: [fieldsOfAssign]input{assignNote: {lines: true}}, bead: r.bead.ID, title: clean(r.bead.Title), from: r.cat}
	add := func(a assignee) { d.choices = append(d.choices, a) }
	if d.from != nil {
		add(assignee{name: "Cancel", cancel: true, says: clean(d.from.Name) + " goes on"})
	}
	if d.from == nil && r.last != nil && r.last.Kept(&r.bead.Bead) {
		add(assignee{name: "go on", resume: r.last.Key(), says: fmt.Sprintf("from what %s did in try %d: %s", clean(r.last.Polecat), r.last.N, m.changeText(r.last, nil))})
	}
	usual := assignee{name: "any", says: "any free polecat, or a new one"}
	if len(d.choices) > 0 && d.choices[0].resume != "" {
		usual.says += ", from the start"
	}
	agents := m.facts.view.Agents
	if r.bead.Agent != "" {
		usual.says += ", with " + clean(r.bead.Agent)
	} else if len(agents) > 0 && agents[0].Usual {
		if usual.says += ", with " + clean(agents[0].Spec); agents[0].Missing != "" {
			usual.says = clean(agents[0].Spec) + ", the usual agent, is not installed: choose another"
		} else if agents[0].Models {
			usual.takes = agents[0].Spec
		}
	}
	add(usual)
	for _, c := range m.facts.cats {
		if c.glyph == '.' {
			add(assignee{name: c.cat.Name, polecat: c.cat.Name, says: "idle, free now"})
		}
	}
	for _, a := range agents {
		if !a.Usual || r.bead.Agent != "" {
			c := assignee{name: a.Spec, agent: a.Spec, says: clean(a.Says)}
			if a.Models {
				c.takes = a.Spec
			}
			add(c)
		}
	}
	if d.from != nil {
		add(assignee{name: "nobody", nobody: true, says: "it waits as x killed; the work so far is kept"})
	}
	return d
}
func (d *assignDialog) decides() bool   { return d.from != nil }
func (d *assignDialog) scope() Scope    { return InReassign }
func (d *assignDialog) wantsText() bool { return d.field != 0 }

func (d *assignDialog) keys() []string {
	out := make([]string, len(d.choices))
	for i := range out {
		out[i] = itoa(i)
	}
	return out
}

// has reports whether there is a field for the selected choice.
func (d *assignDialog) has(field int) bool {
	to := d.choices[d.at.at]
	switch field {
	case assignModel:
		return to.takes != ""
	case assignNote:
		return d.from != nil
	}
	return true
}

// draft implements writer.
func (d *assignDialog) draft(m *model) (string, []*input) {
	if d.over(m) != "" {
		return "", nil
	}
	return "assign " + string(d.bead), []*input{&d.fields[assignModel], &d.fields[assignNote]}
}

// next goes to the next field, or back to the list.
func (d *assignDialog) next() {
	if d.choices[d.at.at].cancel {
		d.at.goTo(d.at.at+1, d.keys()) // what is written is for somebody
	}
	for d.field = (d.field + 1) % fieldsOfAssign; !d.has(d.field); {
		d.field = (d.field + 1) % fieldsOfAssign
	}
}

func (d *assignDialog) handle(m *model, ev event) (verdict, tea.Cmd) {
	switch {
	case enters(ev.key):
		if d.over(m) != "" {
			return closed, nil
		}
		cmd := d.commit(m)
		if cmd != nil {
			m.sent(d)
		}
		return closed, cmd
	case ev.key.Code == tea.KeyTab:
		d.next()
		return consumed, nil
	case ev.key.Code == tea.KeyEscape:
		return closed, nil
	}
	if d.field != 0 {
		d.fields[d.field].edit(ev)
		return consumed, nil
	}
	if d.at.move(ev.intent, d.keys(), len(d.choices)) {
		return consumed, nil
	}
	return ignored, nil
}

// click implements clicker.
func (d *assignDialog) click(m *model, row, _ int, again bool) tea.Cmd {
	if i := d.at.top + row - d.first; row >= d.first && i < len(d.choices) {
		d.field = 0
		d.at.goTo(i, d.keys())
		if again {
			return m.toOverlay(event{key: tea.Key{Code: tea.KeyEnter}})
		}
	}
	return nil
}

func (d *assignDialog) commit(m *model) tea.Cmd {
	to, agent := d.choices[d.at.at], d.choices[d.at.at].agent
	if model := d.fields[assignModel].String(); model != "" && to.takes != "" {
		agent = to.takes + ":" + model
	}
	switch {
	case to.cancel:
		return nil
	case to.resume != "":
		return m.reviveWork(d.bead, to.resume)
	case d.from == nil:
		return m.sling(api.SlingReq{Beads: []beads.ID{d.bead}, Polecat: to.polecat, Agent: agent})
	}
	return m.reassign(api.ReassignReq{Name: catKey(d.from), To: to.polecat, Agent: agent, Note: d.fields[assignNote].String(), Nobody: to.nobody})
}

// over says why there is nothing to choose any more: who had the bead has ended, or somebody took it.
func (d *assignDialog) over(m *model) string {
	if d.from != nil {
		return m.outcome(d.from.Name, catKey(d.from))
	}
	if r, ok := m.beadByID(string(d.bead)); ok && r.cat != nil {
		return clean(r.cat.Name) + " works on it by now"
	}
	return ""
}

func (d *assignDialog) draw(m *model, w, h int) face {
	f := face{title: "ASSIGN " + clean(string(d.bead)) + "  " + d.title}
	f.foot = []string{"Enter assign", "Esc cancel"}
	if why := d.over(m); why != "" {
		f.rows, f.foot = m.note(w, why+".", "a on the board asks again."), []string{"Esc"}
		return f
	}
	dot := " " + m.dot + " "
	var below []string
	if d.has(assignModel) || d.from != nil {
		below = append(below, spaces(w))
	}
	if d.has(assignModel) {
		f.foot = []string{"Enter assign", "Tab model", "Esc cancel"}
		below = append(below, d.fields[assignModel].draw(m, w, "model, if not its usual  ", d.field == assignModel))
	}
	if c := d.from; c != nil {
		f.title, f.right = "RE"+f.title, "default: Cancel"
		f.foot = []string{"Enter reassign", "Tab note", "Esc cancel"}
		from := fmt.Sprintf("from %s (%s)%s%s%s%s", clean(c.Name), clean(c.Agent), dot, lately(clean(string(c.State)), m.clock.Sub(c.Since)), dot, m.changeText(nil, c))
		for _, s := range wrap(from, w-2) {
			f.rows = append(f.rows, m.text(w, "", s))
		}
		f.rows = append(f.rows, spaces(w))
		below = append(below, d.fields[assignNote].draw(m, w, "note for the next  ", d.field == assignNote), spaces(w))
		below = append(below, m.fact(w, "keeps", "commits and uncommitted files; the next attempt starts from them", "")...)
		below = append(below, m.fact(w, "then", clean(c.Name)+" is stopped", "")...)
	}
	f.rows = append(f.rows, m.line(w, m.dim).put("", "   ").cell("", "TO", 12).end())
	d.first = len(f.rows)
	fit := max(h-len(f.rows)-len(below), 1)
	top := d.at.fit(len(d.choices), fit, true)
	for i := top; i < min(top+fit, len(d.choices)); i++ {
		c, n := d.choices[i], m.line(w, "")
		if i == d.at.at && d.field == 0 {
			n = m.line(w, m.picked).put(m.accent, " "+m.marker+" ")
		} else {
			n.put("", "   ")
		}
		f.rows = append(f.rows, n.cell("", clean(c.name), 12).put(m.dim, c.says).end())
	}
	f.rows = append(f.rows, below...)
	return f
}
