package tui

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"gastown/beads"
	"gastown/internal/api"
)

// problemsDialog is !: what needs the person, with the one thing to do about each.
type problemsDialog struct{ at list }

func (d *problemsDialog) scope() Scope    { return InList }
func (d *problemsDialog) wantsText() bool { return false }

func problemKeys(ps []api.Problem) []string {
	out := make([]string, len(ps))
	for i, p := range ps {
		out[i] = p.Key
	}
	return out
}

func (d *problemsDialog) handle(m *model, ev event) (verdict, tea.Cmd) {
	ps := m.facts.view.Status.Problems
	keys := problemKeys(ps)
	d.at.follow(keys)
	if d.at.move(ev.intent, keys, 10) {
		return consumed, nil
	}
	switch ev.intent {
	case Open, RestartRefinery, Kill, Assign, Attach, AnswerAsk, RestartAgent, Revive:
	default:
		return ignored, nil
	}
	if len(ps) == 0 {
		return closed, nil
	}
	p := ps[d.at.at]
	switch {
	case p.Bead != "":
		m.show(p.Bead)
	case p.Rig != "":
		m.focus = paneRefinery
	}
	if ev.intent == Open {
		return closed, nil
	}
	return closed, m.run(ev.intent)
}

func problemMark(level string) byte {
	switch level {
	case "asks":
		return '?'
	case "hung", "failed":
		return '!'
	case "wait":
		return '='
	}
	return '.'
}

func (d *problemsDialog) draw(m *model, w, h int) face {
	ps := m.facts.view.Status.Problems
	f := face{title: "PROBLEMS " + itoa(len(ps))}
	f.foot = append(hints(m.keys, Open, RestartRefinery, AnswerAsk, Kill), "Esc")
	if len(ps) == 0 {
		f.rows = m.note(w, "Nothing needs you. Healthy things never show in this list.")
		return f
	}
	d.at.follow(problemKeys(ps))
	who, what := 8, w-4-2-9-6-25
	f.rows = append(f.rows, m.line(w, m.dim).put("", "   S ").cell("", "WHO", who).cell("", "WHAT", what).
		num("", "SINCE", 5).cell("", "DO THIS", 24).end())
	fit := h - 1
	top := d.at.fit(len(ps), fit)
	for i := top; i < min(top+fit, len(ps)); i++ {
		p, base, mark := ps[i], sty(""), " "
		if i == d.at.at {
			base, mark = m.picked, m.marker
		}
		g := problemMark(p.Level)
		n := m.line(w, base).put(m.accent, " "+mark+" ").put(m.glyph(g), string(g)).put("", " ")
		n.cell("", clean(p.Who), who).cell("", clean(p.What), what).num(m.dim, age(m.clock.Sub(p.Since)), 5)
		f.rows = append(f.rows, n.put(m.dim, clean(p.Do)).end())
	}
	if p := ps[d.at.at]; len(f.rows)+3 < h {
		f.rows = append(f.rows, spaces(w))
		for _, s := range wrap(clean(p.Who)+": "+clean(p.What)+". "+clean(p.Do), w-2) {
			f.rows = append(f.rows, m.text(w, m.dim, s))
		}
	}
	return f
}

// eventsDialog is e: what happened, the newest at the end.
type eventsDialog struct {
	scroller
	follow bool
}

func (d *eventsDialog) scope() Scope    { return InList }
func (d *eventsDialog) wantsText() bool { return false }

func (d *eventsDialog) handle(_ *model, ev event) (verdict, tea.Cmd) {
	if ev.intent == Open {
		return closed, nil
	}
	if d.move(ev.intent) {
		d.follow = d.top >= d.rows-d.page
		return consumed, nil
	}
	return ignored, nil
}

func (d *eventsDialog) draw(m *model, w, h int) face {
	f := face{title: "EVENTS", grow: true, foot: []string{"g G ends", "Esc"}}
	events := m.facts.view.Events
	d.rows, d.page = len(events), max(h, 0)
	if d.follow {
		d.top, f.right = d.rows, "following"
	}
	d.clamp()
	if len(events) == 0 {
		f.rows = m.note(w, "Nothing has happened yet.")
	}
	for _, e := range events[d.top:min(d.top+d.page, len(events))] {
		mark := eventMark(e.Kind)
		n := m.line(w, "").put("", " ").put(m.dim, e.At.Local().Format("15:04:05")).put("", " ")
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

// helpDialog is ?: the key table, searchable.
type helpDialog struct {
	scroller
	find input
	keys []binding
}

func newHelp(keys []binding) *helpDialog { return &helpDialog{keys: keys} }

func (d *helpDialog) scope() Scope    { return InList }
func (d *helpDialog) wantsText() bool { return true }

func (d *helpDialog) handle(m *model, ev event) (verdict, tea.Cmd) {
	switch ev.key.Code {
	case tea.KeyEscape, tea.KeyEnter, tea.KeyKpEnter:
		return closed, nil
	}
	if ev.key.Keystroke() == "ctrl+c" {
		return closed, nil
	}
	if ev.text == "" && d.move(lookup(m.keys, keyName(ev.key))) {
		return consumed, nil
	}
	if ev.text == "?" && len(d.find.String()) == 0 {
		return closed, nil
	}
	if d.find.edit(ev) {
		d.top = 0
	}
	return consumed, nil
}

func (d *helpDialog) draw(m *model, w, h int) face {
	f := face{title: "KEYS  (type to search)", grow: true, foot: []string{"PgDn more", "Esc close"}}
	want := strings.ToLower(d.find.String())
	var rows []string
	if want == "" {
		rows = append(rows,
			m.line(w, "").put("", " ").put("1", "TYPE").put("", "  every key goes to the agent, but "+m.townKeyText()+": the board").end(),
			m.line(w, "").put("", " ").put("1", "TOWN").put("", "  single letters act on the board; m goes back to the Mayor").end(),
			m.text(w, m.dim, "The first word of the status bar and the double border say which."),
			m.text(w, m.dim, "Where Ctrl-] is hard to type, Ctrl-5 sends the same byte; [keys] in town.toml"),
			m.text(w, m.dim, "chooses another."), spaces(w))
	}
	for _, b := range d.keys {
		keys := strings.Join(b.keys, " ")
		if want != "" && !strings.Contains(strings.ToLower(keys+" "+b.help+" "+b.scope.String()), want) {
			continue
		}
		n := m.line(w, "").put("", "   ").cell(m.accent, keys, 14).cell("", b.help, w-3-15-17)
		rows = append(rows, n.put(m.dim, b.scope.String()).end())
	}
	for _, c := range commands() {
		if want == "" || strings.Contains(strings.ToLower(":"+c.name+" "+c.help), want) {
			n := m.line(w, "").put("", "   ").cell(m.accent, ":"+c.usage(), 24).put("", c.help)
			rows = append(rows, n.end())
		}
	}
	f.rows = append(f.rows, d.find.draw(m, w, "find: ", true), spaces(w))
	f.rows = append(f.rows, d.window(rows, h-2)...)
	return f
}
