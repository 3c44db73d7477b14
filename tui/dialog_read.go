package tui

import (
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"gastown/beads"
	"gastown/refinery"
)

// beadDialog is Enter: everything known about one bead.
type beadDialog struct {
	scroller
	id    beads.ID
	why   string
	state string // of the bead, when why was asked
}

func (d *beadDialog) scope() Scope    { return InDetail }
func (d *beadDialog) wantsText() bool { return false }

func (d *beadDialog) receive(f fetchedMsg) {
	if f.key != "why "+string(d.id) {
		return
	}
	d.why = clean(f.text)
	if f.err != nil {
		text, _ := explain(f.err)
		d.why = "(cannot say: " + clean(text) + ")"
	}
}

// changed implements watcher: what is said about a bead is asked again when it has got on.
func (d *beadDialog) changed(m *model) tea.Cmd {
	r, ok := m.beadByID(string(d.id))
	now := r.state()
	if !ok || now == d.state {
		return nil
	}
	d.state = now
	return m.askWhy(d.id)
}

func (d *beadDialog) handle(m *model, ev event) (verdict, tea.Cmd) {
	switch ev.intent {
	case NextItem:
		return consumed, d.step(m, 1)
	case PrevItem:
		return consumed, d.step(m, -1)
	case Open:
		return closed, nil
	case Assign, Kill, Attach, SetPriority, RestartAgent, Revive, AnswerAsk, CopyID, Nudge, EditBead:
		m.show(d.id)
		return closed, m.run(ev.intent)
	case ShowDiff, ShowDeps, ShowWhy, ShowLog, RestartRefinery, RevertLanded: // they lie over this one, which stays
		m.show(d.id)
		return consumed, m.run(ev.intent)
	}
	if d.move(ev.intent) {
		return consumed, nil
	}
	return ignored, nil
}

// step goes to the next bead of the board.
func (d *beadDialog) step(m *model, by int) tea.Cmd {
	rows := m.shownBeads()
	for i, r := range rows {
		if r.bead.ID == d.id && i+by >= 0 && i+by < len(rows) {
			d.id, d.why, d.state, d.scroller = rows[i+by].bead.ID, "", rows[i+by].state(), scroller{}
			m.show(d.id)
			return m.askWhy(d.id)
		}
	}
	return nil
}

// show selects a bead on the board.
func (m *model) show(id beads.ID) {
	m.focusOn(paneBeads)
	l := &m.lists[paneBeads]
	l.key, l.chosen = string(id), true
	l.follow(m.rowKeys(paneBeads), true)
}

func (d *beadDialog) draw(m *model, w, h int) face {
	f := face{title: "BEAD " + clean(string(d.id))}
	f.foot = append(hintsIn(m.keys, InDetail, ShowDiff, Assign, Kill, Attach, Nudge, AnswerAsk, NextItem, EditBead, SetPriority, ShowDeps, ShowLog), "Esc")
	r, ok := m.beadByID(string(d.id))
	if !ok {
		f.rows = []string{m.text(w, "", "This bead is no more.")}
		return f
	}
	for i, o := range m.shownBeads() {
		if o.bead.ID == d.id {
			f.right = fmt.Sprintf("%d of %d", i+1, len(m.shownBeads()))
		}
	}
	var rows []string
	title := clean(r.bead.Title)
	if width(f.title)+2+width(title)+3+width(f.right)+4 <= w {
		f.title += "  " + title
	} else {
		for _, s := range wrap(title, w-2) {
			rows = append(rows, m.text(w, "1", s))
		}
	}
	f.rows = d.window(append(rows, m.beadFacts(w, r, d.why)...), h)
	return f
}

func (m *model) beadFacts(w int, r beadRow, why string) []string {
	b := r.bead
	dot := " " + m.dot + " "
	head := m.line(w, "").put("", " ").put("", fmt.Sprintf("P%d %s%s", b.Priority, clean(string(b.Type)), dot)).
		put(m.glyph(r.glyph), string(r.glyph)).put(m.words(r.glyph), " "+lately(r.word, m.clock.Sub(r.since)))
	if len(b.Labels) > 0 {
		head.put(m.dim, dot+"labels "+clean(strings.Join(b.Labels, ", ")))
	}
	rows := []string{head.end()}
	add := func(label, text string, st sty) { rows = append(rows, m.fact(w, label, text, st)...) }
	add("made", strings.TrimSuffix(m.stamp(b.CreatedAt)+" by "+clean(b.CreatedBy), " by "), m.dim)
	if r.last != nil || r.cat != nil {
		add("who", m.workLine(r), "")
	}
	if a := r.last; a != nil && a.Base != "" {
		add("branch", clean(a.Branch)+" from "+short(a.Base), "")
	}
	about := []string{string(b.ID), b.Rig}
	if r.cat != nil {
		about = append(about, r.cat.Name)
	}
	reason := m.here(b.Reason, about...)
	why = m.here(why, about...)
	if why == "" || !strings.Contains(why, reason) {
		add("needs you", reason, m.words('?'))
	}
	add("why", why, map[bool]sty{true: m.words('?')}[reason != ""])
	for _, o := range b.Overlaps {
		st := sty("")
		if o.Conflict {
			st = m.yellow
		}
		add("overlap", clean(o.Text()), st)
	}
	if r.cat != nil && r.cat.Question != "" {
		how := "  (A answers)"
		if r.cat.AtTerminal != "" {
			how = "  (in its terminal: t)"
		}
		add("asks", clean(r.cat.Question)+how, m.words('?'))
	}
	if len(b.Dependencies) > 0 || len(m.unblocks(b.ID)) > 0 {
		rows = append(rows, spaces(w))
	}
	for _, dep := range b.Dependencies {
		add(map[bool]string{true: "needs", false: clean(string(dep.Type))}[dep.Type == beads.Blocks], m.depText(dep.DependsOn), "")
	}
	for _, id := range m.unblocks(b.ID) {
		add("blocks", m.depText(id), "")
	}
	rows = append(rows, m.attemptRows(w, r)...) // what was done is never below a long text of what is wished
	for _, t := range []struct{ label, text string }{
		{"what", b.Description}, {"accept", b.AcceptanceCriteria}, {"design", b.Design}, {"notes", b.Notes}, {"result", b.Result},
	} {
		if strings.TrimSpace(t.text) != "" {
			rows = append(rows, spaces(w))
			rows = append(rows, m.prose(w, t.label, t.text)...)
		}
	}
	for i, c := range b.Comments {
		if i == 0 {
			rows = append(rows, spaces(w))
		}
		rows = append(rows, m.prose(w, "said", m.stamp(c.CreatedAt)+" "+clean(c.Author)+": "+c.Text)...)
	}
	return rows
}

// prose is text of several lines behind a label.
func (m *model) prose(w int, label, text string) []string {
	var rows []string
	for _, s := range strings.Split(strings.TrimSpace(beads.CleanText(text)), "\n") {
		s = cleanLine(s)
		got := m.fact(w, label, s, "")
		if len(got) == 0 {
			got = []string{spaces(w)}
		}
		rows, label = append(rows, got...), ""
	}
	return rows
}

func (m *model) depText(id beads.ID) string {
	if r, ok := m.beadByID(string(id)); ok {
		return string(r.glyph) + " " + clean(string(id)) + " " + clean(r.bead.Title)
	}
	return clean(string(id))
}

// attemptRows is the history of tries, the newest first, with why each ended.
func (m *model) attemptRows(w int, r beadRow) []string {
	var rows []string
	for i := len(r.bead.Attempts) - 1; i >= 0; i-- {
		a := r.bead.Attempts[i]
		if i == len(r.bead.Attempts)-1 {
			rows = append(rows, spaces(w))
		}
		dot := " " + m.dot + " "
		live := r.cat
		if live != nil && live.Attempt != a.N {
			live = nil
		}
		text := strings.Join([]string{clean(a.Polecat) + " (" + clean(a.Preset) + ")", clean(string(a.State)), m.span(a), m.changeText(a, live)}, dot)
		if a.Tip != "" {
			text += dot + "tip " + short(a.Tip)
		}
		if a.Merge != "" {
			text += dot + "landed " + short(a.Merge)
		}
		rows = append(rows, m.fact(w, "try "+itoa(a.N), text, "")...)
		if len(a.Gates) > 0 {
			rows = append(rows, m.gateRow(w, a.Gates))
		}
		if text := a.Proof.Text(); text != "" {
			st := m.yellow
			if a.Proof.Outcome == beads.ProofRed {
				st = m.green
			}
			rows = append(rows, m.fact(w, "proof", text, st)...)
		}
		if a.Why != "" {
			rows = append(rows, m.fact(w, "", m.here(a.Why), m.yellow)...)
		}
		if a.Log != "" {
			rows = append(rows, m.excerpt(w, a.Log, 8)...)
		}
	}
	return rows
}

// span is when an attempt was worked on.
func (m *model) span(a *beads.Attempt) string {
	end := a.EndedAt
	if end.IsZero() {
		end = a.SubmittedAt
	}
	switch {
	case end.IsZero():
		return "since " + m.stamp(a.CreatedAt)
	case end.Sub(a.CreatedAt) < time.Minute:
		return m.stamp(a.CreatedAt) + ", for " + exact(end.Sub(a.CreatedAt))
	}
	return m.stamp(a.CreatedAt) + " to " + m.stamp(end)
}

// stamp is a time of day, with the date when it was another one.
func (m *model) stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	if t, now := t.Local(), m.clock.Local(); t.YearDay() != now.YearDay() || t.Year() != now.Year() {
		return t.Format("Jan 2 15:04")
	}
	return clock(t)
}

// gateRow is what the Refinery ran on an attempt.
func (m *model) gateRow(w int, gates []beads.GateRun) string {
	n := m.line(w, "").put("", spaces(12)).put(m.dim, "gates ")
	for _, g := range gates {
		mark := byte('!')
		switch refinery.Outcome(g.Outcome) {
		case refinery.Pass:
			mark = '+'
		case refinery.Stopped:
			mark = '.'
		}
		n.put("", clean(g.Gate)+" ").put(m.words(mark), string(mark)).put(m.dim, " "+exact(g.Took)+"   ")
	}
	return n.end()
}

// excerpt is the last n lines of a log.
func (m *model) excerpt(w int, log string, n int) []string {
	lines := strings.Split(strings.TrimRight(beads.CleanText(log), "\n"), "\n")
	lines = lines[max(len(lines)-n, 0):]
	rows := make([]string, 0, len(lines))
	for _, s := range lines {
		s = cleanLine(s)
		rows = append(rows, m.line(w, "").put("", spaces(12)).put(m.border, m.sep+" ").put(m.dim, s).end())
	}
	return rows
}
