package tui

import (
	"fmt"
	"strings"

	"gastown/internal/api"
)

// Below a list the selected row is told in more words than its columns hold. How many rows that takes
// does not depend on the row, so that the list stays where it is.
const (
	stripHeight  = 5  // with the rule above
	narrowStrip  = 6  // where a title needs two rows
	stripAtLeast = 16 // rows of a pane that has one
)

// stripRows are a rule and texts below it, height rows in all. The first text may take two rows, the last
// what is left.
func (m *model) stripRows(w, height int, texts []part) []string {
	rows := []string{m.ruleRow(w)}
	room := w - m.margin() - 1
	for i, t := range texts {
		left := height - len(rows) - (len(texts) - 1 - i)
		most := 1
		switch i {
		case 0:
			most = min(2, left)
		case len(texts) - 1:
			most = left
		}
		lines := wrap(t.text, room)
		if len(lines) > most && most > 0 {
			lines[most-1] = cut(strings.Join(lines[most-1:], " "), room, m.more)
		}
		for _, s := range lines[:max(min(len(lines), most), 0)] {
			rows = append(rows, m.line(w, "").put("", spaces(m.margin())).put(t.st, s).end())
		}
	}
	for len(rows) < height {
		rows = append(rows, spaces(w))
	}
	return rows[:height]
}

// beadStrip is about the selected bead, where there is room for it.
func (m *model) beadStrip(w, h int) []string {
	r, ok := m.selectedBead()
	if !ok || h < stripAtLeast {
		return nil
	}
	switch m.layout.kind {
	case wide:
		return m.stripRows(w, stripHeight, m.beadTexts(r))
	case drawer:
		return m.stripRows(w, narrowStrip, m.beadTexts(r))
	case split, listOnly, tooSmall:
	}
	return nil
}

func (m *model) beadTexts(r beadRow) []part {
	b := r.bead
	dot := " " + m.dot + " "
	head := clean(string(b.ID)) + " " + clean(b.Title)
	if m.layout.kind == wide {
		head += dot + fmt.Sprintf("P%d", b.Priority) + dot + clean(string(b.Type))
	}
	out := []part{{head, "1"}, {m.workLine(r), ""}}
	var needs []string
	if r.glyph == '?' || r.glyph == '!' {
		needs = append(needs, "you")
	}
	if len(b.BlockedBy) > 0 {
		needs = append(needs, joinIDs(b.BlockedBy))
	}
	var deps []string
	if len(needs) > 0 {
		deps = append(deps, "needs "+strings.Join(needs, " and "))
	}
	if un := m.unblocks(b.ID); len(un) > 0 {
		deps = append(deps, "unblocks "+joinIDs(un))
	}
	out = append(out, part{orWord(strings.Join(deps, dot), "needs nothing"), m.dim})
	last := ""
	switch {
	case r.cat != nil && r.cat.Question != "":
		last = "asks: " + clean(r.cat.Question)
	case b.Reason != "":
		last = m.here(b.Reason, string(b.ID), b.Rig)
	case r.word == "killed" && r.waits != "":
		last = "its work is kept: v goes on from it, and so does a"
	case r.glyph == 'x' && r.waits != "":
		last = "came back: " + r.waits
	case len(b.Overlaps) > 0:
		last = "overlap: " + clean(b.Overlaps[0].Text())
	case b.AcceptanceCriteria != "":
		last = "accept: " + clean(b.AcceptanceCriteria)
	case b.Description != "":
		last = clean(b.Description)
	}
	return append(out, part{last, m.dim})
}

// catStrip is about the selected polecat: what it asks or does is cut in its column. h is how many rows
// the list leaves.
func (m *model) catStrip(r catRow, w, h int) []string {
	const least = 5
	if h < least {
		return nil
	}
	p, dot := r.cat, " "+m.dot+" "
	facts := m.changeText(nil, p)
	if !p.Quiet.IsZero() {
		facts += dot + "quiet for " + lasting(m.clock.Sub(p.Quiet))
	}
	head := strings.TrimSpace(clean(string(p.Bead)) + " " + clean(m.titleOf(p)))
	return m.stripRows(w, min(h, 9), []part{{head, "1"}, {facts, m.dim}, {m.doing(r), m.words(r.glyph)}})
}

func (m *model) titleOf(p *api.PolecatInfo) string {
	if i, ok := m.facts.byID[p.Bead]; ok {
		return m.facts.beads[i].bead.Title
	}
	return p.Title
}

// asTab makes a pane one of the drawer's tabs: its border names the keys of the others, and the way on.
func (m *model) asTab(b *box, id paneID, w int) {
	if m.layout.kind != drawer {
		return
	}
	b.foot = hints(m.keys, GoTerminal, NextPane, Widen)
	long := []string{"1 beads", fmt.Sprintf("2 polecats %d", m.facts.busy), fmt.Sprintf("3 queue %d", len(m.facts.mrs))}
	short := []string{"1 beads", fmt.Sprintf("2 cats %d", m.facts.busy), long[2]}
	keys := []string{"1", "2", "3"}
	title, own := width(b.title), ""
	if b.state.text != "" {
		title += 2 + width(b.state.text)
	}
	if b.keep {
		own = b.right
	}
	for i, tabs := range [][]string{long, short, keys} {
		between := "  "
		if i == 2 {
			between = " " + m.sep + " " // two keys with blanks between them would be one label
		}
		text := strings.Join(append(append([]string{}, tabs[:id]...), tabs[id+1:]...), between)
		if own != "" {
			text += between + own
		}
		if title+width(text)+3+3+2+1 <= w {
			b.right = text
			return
		}
	}
}
