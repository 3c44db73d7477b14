package tui

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"gastown/internal/api"
)

// problemsDialog is !: what needs the person, with the one thing to do about each.
type problemsDialog struct{ at list }

func (d *problemsDialog) scope() Scope    { return InList }
func (d *problemsDialog) wantsText() bool { return false }
func (d *problemsDialog) longer() bool    { return d.at.longer() }

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
	if i := d.at.top + row - 1; row > 0 && i < len(keys) {
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
	f := face{title: "PROBLEMS " + itoa(len(ps))}
	f.foot = append(hints(m.keys, Open, RestartRefinery, AnswerAsk, Nudge, ShowDiff, ShowLog, Kill), "Esc")
	if len(ps) == 0 {
		f.rows = m.note(w, "Nothing needs you. Healthy things never show in this list.")
		return f
	}
	d.at.follow(problemKeys(ps), true)
	who, what := 8, w-4-2-9-6-25
	f.rows = append(f.rows, m.line(w, m.dim).put("", "   S ").cell("", "WHO", who).cell("", "WHAT", what).
		num("", "SINCE", 5).cell("", "DO THIS", 24).end())
	fit := h - 1
	top := d.at.fit(len(ps), fit, true)
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
		for _, s := range wrap(clean(p.Who)+": "+sentence(clean(p.What))+" "+clean(p.Do), w-2) {
			f.rows = append(f.rows, m.text(w, m.dim, s))
		}
	}
	return f
}

// sentence is a text that ends as one.
func sentence(s string) string {
	if s == "" || strings.ContainsRune(".?!", rune(s[len(s)-1])) || strings.HasSuffix(s, "…") {
		return s
	}
	return s + "."
}
