package tui

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"gastown/beads"
	"gastown/internal/api"
)

// killDialog is x: what would be kept and lost is shown before anything stops.
type killDialog struct {
	guarded
	name string
	key  string           // of the attempt that is meant
	seen *api.KillPreview // nil until it came
	why  string           // why it did not
}

// openKill asks first, and finds out what the kill would do.
func (m *model) openKill(c *api.PolecatInfo) tea.Cmd {
	key := catKey(c)
	m.push(&killDialog{name: c.Name, key: key})
	ctx, host := m.ctx, m.host
	return m.guard(func() tea.Msg {
		k, err := api.PolecatPreview.Do(ctx, host, api.NameReq{Name: key})
		return fetchedMsg{key: "kill " + key, value: k, err: err}
	})
}

func (d *killDialog) receive(f fetchedMsg) {
	if f.key != "kill "+d.key {
		return
	}
	if f.err != nil {
		d.why, _ = explain(f.err)
		return
	}
	if k, ok := f.value.(api.KillPreview); ok {
		d.seen = &k
	}
}

func (d *killDialog) scope() Scope    { return InKill }
func (d *killDialog) wantsText() bool { return false }

func (d *killDialog) handle(m *model, ev event) (verdict, tea.Cmd) {
	switch ev.intent {
	case Yes:
		if m.catByKey(d.key) == nil {
			return closed, nil
		}
		return closed, m.kill(d.name, d.key)
	case Open:
		return closed, nil
	}
	return ignored, nil
}

func (d *killDialog) draw(m *model, w, _ int) face {
	f := face{title: "KILL POLECAT " + clean(d.name) + "?", right: "default: Cancel", foot: []string{"Esc or Enter cancel"}}
	c := m.catByKey(d.key)
	if c == nil {
		f.rows = m.note(w, m.outcome(d.name, d.key)+".", "There is nothing to kill any more.")
		return f
	}
	dot := " " + m.dot + " "
	title := c.Title
	if r, ok := m.beadByID(string(c.Bead)); ok {
		title = r.bead.Title
	}
	head := fmt.Sprintf("bead %s %s%s%s %s", clean(string(c.Bead)), clean(title), dot, clean(string(c.State)), age(m.clock.Sub(c.Since)))
	if c.CostUSD != nil {
		head += fmt.Sprintf("%s$%.2f spent", dot, *c.CostUSD)
	}
	f.rows = append(f.rows, m.text(w, "", head), spaces(w))
	long := func(label, text string) {
		const col = 19
		for i, s := range wrap(text, w-col-2) {
			if i > 0 {
				label = ""
			}
			f.rows = append(f.rows, m.line(w, "").put("", " ").cell(m.dim, label, col-2).put("", s).end())
		}
	}
	if d.seen != nil {
		c = &d.seen.PolecatInfo
	}
	long("would be kept", keptText(c, d.seen))
	long("would be lost", d.lostText())
	long("will be stopped", d.processText(c))
	long("bead becomes", "o ready; its next attempt can go on from what was kept")
	f.rows = append(f.rows, spaces(w), m.buttons(w, "y  kill and keep work"), spaces(w),
		m.text(w, m.dim, "u undoes this for 30 seconds; v revives the work later."))
	return f
}

// keptText is what survives: commits, and uncommitted files by name where they are known.
func keptText(c *api.PolecatInfo, seen *api.KillPreview) string {
	var parts []string
	if c.Dirty > 0 {
		text := plural(c.Dirty, "uncommitted file") + " as a rescue ref"
		if seen != nil && len(seen.Uncommitted) > 0 {
			text += " (" + some(seen.Uncommitted, 4) + ")"
		}
		parts = append(parts, text)
	}
	if c.Commits > 0 {
		parts = append(parts, plural(c.Commits, "commit")+" on "+clean(c.Branch))
	}
	if len(parts) == 0 {
		return "nothing changed so far" + branchText(c)
	}
	text := strings.Join(parts, ", ")
	if c.Files > 0 {
		text += fmt.Sprintf("; %s +%d -%d in all", plural(c.Files, "file"), c.Added, c.Removed)
	}
	return text
}

// some is the first n names, and how many more there are.
func some(names []string, n int) string {
	out := make([]string, 0, n)
	for _, s := range names[:min(n, len(names))] {
		out = append(out, clean(s))
	}
	text := strings.Join(out, " ")
	if more := len(names) - n; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

func (d *killDialog) lostText() string {
	switch {
	case d.why != "":
		return "only files that git ignores (cannot name them: " + clean(d.why) + ")"
	case d.seen == nil:
		return "looking ..."
	case len(d.seen.Ignored) == 0:
		return "nothing: there is no file that git ignores"
	}
	return "what git ignores: " + some(d.seen.Ignored, 8)
}

func branchText(c *api.PolecatInfo) string {
	if c.Branch == "" {
		return ""
	}
	return "; branch " + clean(c.Branch)
}

func (d *killDialog) processText(c *api.PolecatInfo) string {
	if d.seen == nil || len(d.seen.Processes) == 0 {
		return clean(c.Agent) + " and what it started"
	}
	names := make([]string, 0, len(d.seen.Processes))
	for _, p := range d.seen.Processes {
		names = append(names, clean(p.Name)+" "+itoa(p.PID))
	}
	n := len(names)
	const most = 6
	text := strings.Join(names[:min(n, most)], ", ")
	if n > most {
		text += " ..."
	}
	return text + " (" + map[bool]string{true: "1 process", false: itoa(n) + " processes"}[n == 1] + ")"
}

// assignDialog is a: to whom a bead goes. From one who works on it, it asks: that one is stopped.
type assignDialog struct {
	bead    beads.ID
	title   string
	from    *api.PolecatInfo // nil: nobody had it when this was asked
	choices []assignee
	at      list
	note    input
	writing bool
}

// assignee is one row of the choices.
type assignee struct {
	name, state, says string
	nobody            bool
	cancel            bool // nothing happens
}

func newAssign(m *model, r beadRow) *assignDialog {
	d := &assignDialog{bead: r.bead.ID, title: clean(r.bead.Title), from: r.cat}
	if d.from != nil {
		d.choices = append(d.choices, assignee{cancel: true, state: "-", says: clean(d.from.Name) + " goes on"})
	}
	d.choices = append(d.choices, assignee{state: "-", says: "any free polecat, or a new one"})
	for _, c := range m.facts.cats {
		if c.glyph == '.' {
			d.choices = append(d.choices, assignee{name: c.cat.Name, state: ". idle", says: "free now"})
		}
	}
	if d.from != nil {
		d.choices = append(d.choices, assignee{nobody: true, state: "-", says: "back to ready; the work so far is kept"})
	}
	return d
}

func (d *assignDialog) decides() bool   { return d.from != nil }
func (d *assignDialog) scope() Scope    { return InReassign }
func (d *assignDialog) wantsText() bool { return d.writing }

func (d *assignDialog) keys() []string {
	out := make([]string, len(d.choices))
	for i := range out {
		out[i] = itoa(i)
	}
	return out
}

func (d *assignDialog) handle(m *model, ev event) (verdict, tea.Cmd) {
	switch ev.key.Code {
	case tea.KeyTab:
		d.writing = !d.writing && d.from != nil
		if d.writing && d.choices[d.at.at].cancel {
			d.at.goTo(d.at.at+1, d.keys()) // a note is for somebody
		}
		return consumed, nil
	case tea.KeyEnter, tea.KeyKpEnter:
		if d.over(m) != "" {
			return closed, nil
		}
		return closed, d.commit(m)
	case tea.KeyEscape:
		return closed, nil
	}
	if d.writing {
		d.note.edit(ev)
		return consumed, nil
	}
	if d.at.move(ev.intent, d.keys(), len(d.choices)) {
		return consumed, nil
	}
	return ignored, nil
}

// click implements clicker.
func (d *assignDialog) click(m *model, row, _ int, again bool) tea.Cmd {
	first := 1
	if d.from != nil {
		first = 3
	}
	if i := row - first; i >= 0 && i < len(d.choices) {
		d.writing = false
		d.at.goTo(i, d.keys())
		if again {
			return m.toOverlay(event{key: tea.Key{Code: tea.KeyEnter}})
		}
	}
	return nil
}

func (d *assignDialog) commit(m *model) tea.Cmd {
	to := d.choices[d.at.at]
	if to.cancel {
		return nil
	}
	if d.from == nil {
		return m.sling(d.bead, to.name)
	}
	return m.reassign(api.ReassignReq{Name: catKey(d.from), To: to.name, Note: d.note.String(), Nobody: to.nobody})
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

func (d *assignDialog) draw(m *model, w, _ int) face {
	f := face{title: "ASSIGN " + clean(string(d.bead)) + "  " + d.title}
	f.foot = []string{"Enter assign", "Esc cancel"}
	if why := d.over(m); why != "" {
		f.rows, f.foot = m.note(w, why+".", "a on the board asks again."), []string{"Esc"}
		return f
	}
	dot := " " + m.dot + " "
	if c := d.from; c != nil {
		f.title, f.right = "RE"+f.title, "default: Cancel"
		f.foot = []string{"Enter reassign", "Tab note", "Esc cancel"}
		f.rows = append(f.rows, m.text(w, "", fmt.Sprintf("from %s (%s)%s%s %s%s%s, %d uncommitted", clean(c.Name), clean(c.Agent), dot,
			clean(string(c.State)), age(m.clock.Sub(c.Since)), dot, fmt.Sprintf("%s +%d -%d", plural(c.Files, "file"), c.Added, c.Removed), c.Dirty)),
			spaces(w))
	}
	f.rows = append(f.rows, m.line(w, m.dim).put("", "   ").cell("", "NAME", 10).cell("", "STATE", 8).end())
	for i, c := range d.choices {
		n, name := m.line(w, ""), c.name
		if i == d.at.at && !d.writing {
			n = m.line(w, m.picked)
			n.put(m.accent, " "+m.marker+" ")
		} else {
			n.put("", "   ")
		}
		if name == "" {
			name = "any"
		}
		switch {
		case c.cancel:
			name = "Cancel"
		case c.nobody:
			name = "nobody"
		}
		f.rows = append(f.rows, n.cell("", clean(name), 10).cell(m.dim, c.state, 8).put(m.dim, c.says).end())
	}
	if d.from != nil {
		f.rows = append(f.rows, spaces(w), d.note.draw(m, w, "note for the next  ", d.writing), spaces(w))
		f.rows = append(f.rows, m.fact(w, "keeps", "commits and uncommitted files; the next attempt starts from them", "")...)
		f.rows = append(f.rows, m.fact(w, "then", clean(d.from.Name)+" is stopped", "")...)
	}
	return f
}
