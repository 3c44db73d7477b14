package tui

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"gastown/internal/api"
)

// problemsDialog is !: what needs the person, with the one thing to do about each.
type problemsDialog struct {
	at  list
	per int // rows of each, as last drawn
}

func (d *problemsDialog) scope() Scope    { return InList }
func (d *problemsDialog) wantsText() bool { return false }
func (d *problemsDialog) longer() bool    { return d.at.longer() }
func (d *problemsDialog) broad() bool     { return true }

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
	d.at.follow(keys, true)
	if d.at.move(ev.intent, keys, 10) {
		return consumed, nil
	}
	switch ev.intent {
	case Open, RestartRefinery, Kill, Assign, Attach, AnswerAsk, RestartAgent, Revive, Nudge, ShowDiff, ShowLog:
	default:
		return ignored, nil
	}
	if len(ps) == 0 {
		return closed, nil
	}
	return closed, m.onProblem(ps[d.at.at], ev.intent)
}

// onProblem goes to what a problem is about, and does there what the key means: to its bead, or to its own rig.
func (m *model) onProblem(p api.Problem, in Intent) tea.Cmd {
	info := m.refineryOf(p.Rig)
	switch {
	case p.Key == "mayor":
		if in == RestartAgent {
			return m.restartMayor()
		}
		m.backToMayor()
		return nil
	case p.Bead != "":
		m.show(p.Bead)
	case info == nil:
	case in == RestartRefinery:
		return m.restartRefinery(info)
	case in == ShowLog:
		return m.logOf(info, "")
	default:
		m.showRig(info)
	}
	if in == Open {
		return nil
	}
	return m.run(in)
}

// showRig goes to the merge queue of a rig: to what it tests, or to its first row.
func (m *model) showRig(info *api.RefineryInfo) {
	m.focusOn(paneRefinery)
	m.filters[paneRefinery] = ""
	if m.rig != "" {
		m.rig = info.Rig
	}
	e := firstInLine(info.Queue)
	if e == nil && len(info.Queue) > 0 {
		e = &info.Queue[0]
	}
	if e != nil {
		keys := m.rowKeys(paneRefinery)
		m.lists[paneRefinery].goTo(slices.Index(keys, string(e.Bead)), keys)
	}
}

// click implements clicker.
func (d *problemsDialog) click(m *model, row, _ int, again bool) tea.Cmd {
	keys := problemKeys(m.facts.view.Status.Problems)
	if i := d.at.top + (row-1)/max(d.per, 1); row > 0 && i < len(keys) {
		d.at.goTo(i, keys)
		if again {
			return m.toOverlay(event{intent: Open})
		}
	}
	return nil
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
	f := face{title: "PROBLEMS " + itoa(len(ps)), foot: []string{"Esc"}}
	if len(ps) == 0 {
		f.rows = m.note(w, "Nothing needs you. Healthy things never show in this list.")
		return f
	}
	f.foot = append(hints(m.keys, Open, RestartRefinery, AnswerAsk, Nudge, ShowDiff, ShowLog, Kill), "Esc")
	d.at.follow(problemKeys(ps), true)
	f.keep = d.inFull(m, w, ps[d.at.at])
	who, do := 3, 7
	for _, p := range ps {
		who, do = max(who, width(clean(p.Who))), max(do, width(m.wayOut(p)))
	}
	who = min(who, 16)
	what := w - 5 - (who + 1) - 6 - (min(do, w/3) + 2)
	d.per = 1
	if what < 2*least { // what it is gets a row of its own
		d.per, what = 2, 0
	}
	f.rows = append(f.rows, m.line(w, m.dim).put("", "   S ").cell("", "WHO", who).cell("", "WHAT", what).
		num("", "SINCE", 5).put("", "DO THIS").end())
	fit := max((h-1-len(f.keep))/d.per, 1)
	top := d.at.fit(len(ps), fit, true)
	for i := top; i < min(top+fit, len(ps)); i++ {
		p, base, mark := ps[i], sty(""), " "
		if i == d.at.at {
			base, mark = m.picked, m.marker
		}
		g := problemMark(p.Level)
		n := m.line(w, base).put(m.accent, " "+mark+" ").put(m.glyph(g), string(g)).put("", " ")
		n.cell("", clean(p.Who), who).cell("", clean(p.What), what).num(m.dim, age(m.clock.Sub(p.Since)), 5)
		f.rows = append(f.rows, n.put("", m.wayOut(p)).end())
		if d.per > 1 {
			f.rows = append(f.rows, m.line(w, base).put("", "     ").put(m.dim, clean(p.What)).end())
		}
	}
	return f
}

// wayOut is what helps with a problem, in the screen's own keys.
func (m *model) wayOut(p api.Problem) string {
	return m.here(p.Do, string(p.Bead), p.Who, p.Rig)
}

// inFull is the selected problem with all its words.
func (d *problemsDialog) inFull(m *model, w int, p api.Problem) []string {
	const most = 5
	rows := []string{spaces(w)}
	text := clean(p.Who) + ": " + sentence(clean(p.What)) + " " + m.wayOut(p)
	for _, s := range wrap(text, w-2) {
		rows = append(rows, m.text(w, m.dim, s))
	}
	return rows[:min(len(rows), most)]
}

// sentence is a text that ends as one.
func sentence(s string) string {
	if s == "" || strings.ContainsRune(".?!", rune(s[len(s)-1])) || strings.HasSuffix(s, "…") {
		return s
	}
	return s + "."
}
