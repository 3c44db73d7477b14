package tui

import (
	"strconv"
	"strings"
)

// box is a bordered pane: rows of exactly w cells. Body rows must be w-2 wide; missing ones
// are blank.
type box struct {
	title, right string // in the top border
	state        part   // after the title
	mark         byte   // colours right
	keep         bool   // right is seen whatever it costs the title
	foot         []string
	footRight    string
	focused      bool
	body         []string
}

func (l *look) box(b box, w, h int) []string {
	if w < 2 || h < 2 {
		return blankRows(w, h)
	}
	set, edge, head := l.single, l.border, sty("")
	if b.focused {
		set, edge, head = l.double, l.accent, sty("1")
	}
	rows := make([]string, 0, h)
	room := w - 2 - 3
	if b.keep && width(b.right)+8 <= room {
		room -= width(b.right) + 4
	}
	title := []part{{cut(b.title, room, l.more), head}}
	if left := room - width(b.title) - 2; b.state.text != "" && left > 0 {
		title = append(title, part{"  " + cut(b.state.text, left, l.more), b.state.st})
	}
	rows = append(rows, l.edge(set.tl, set.h, set.tr, edge, w, title, part{b.right, l.words(b.mark)}))
	side := l.paint(edge, set.v)
	for i := range h - 2 {
		body := ""
		if i < len(b.body) {
			body = b.body[i]
		} else {
			body = spaces(w - 2)
		}
		rows = append(rows, side+body+side)
	}
	room = w - 2 - 3
	if b.footRight != "" {
		room -= width(b.footRight) + 4
	}
	foot := fitHints(b.foot, room)
	return append(rows, l.edge(set.bl, set.h, set.br, edge, w, []part{{foot, l.dim}}, part{b.footRight, l.dim}))
}

type part struct {
	text string
	st   sty
}

// edge is a border row with a text at each end; the one at the right is left out where both do not fit.
func (l *look) edge(left, fill, right string, st sty, w int, a []part, b part) string {
	var out strings.Builder
	room := w - 2
	out.WriteString(l.paint(st, left))
	if a[0].text != "" && room > 4 {
		out.WriteString(l.paint(st, fill) + " ")
		room -= 3
		for _, p := range a {
			text := cut(p.text, room, l.more)
			out.WriteString(l.paint(p.st, text))
			room -= width(text)
		}
		out.WriteString(" ")
	}
	tail := ""
	if b.text != "" && width(b.text)+4 <= room {
		tail = " " + l.paint(b.st, b.text) + " " + l.paint(st, fill)
		room -= width(b.text) + 3
	}
	out.WriteString(l.paint(st, strings.Repeat(fill, max(room, 0))))
	out.WriteString(tail)
	out.WriteString(l.paint(st, right))
	return out.String()
}

func (l *look) paint(st sty, s string) string {
	if st == "" || s == "" {
		return s
	}
	return "\x1b[" + string(st) + "m" + s + "\x1b[m"
}

// fitHints joins as many hints as fit into w cells.
func fitHints(hints []string, w int) string {
	out := ""
	for _, h := range hints {
		next := h
		if out != "" {
			next = out + "  " + h
		}
		if width(next) > w {
			break
		}
		out = next
	}
	return out
}

// ruleRow is a row that parts two blocks.
func (m *model) ruleRow(w int) string {
	return m.line(w, "").put(m.border, strings.Repeat(m.rule, max(w, 0))).end()
}

func blankRows(w, h int) []string {
	rows := make([]string, max(h, 0))
	for i := range rows {
		rows[i] = spaces(w)
	}
	return rows
}

// note is rows of dim text, wrapped, below an empty row: what an empty pane says.
func (l *look) note(w int, texts ...string) []string {
	rows := []string{spaces(w)}
	for _, t := range texts {
		for _, s := range wrap(t, w-4) {
			rows = append(rows, l.line(w, "").put("", "  ").put(l.dim, s).end())
		}
	}
	return rows
}

// wrap breaks clean text at blanks into rows of at most w cells, and a word that is longer than that where a part of a path ends.
func wrap(s string, w int) []string {
	if w < 1 {
		return nil
	}
	var rows []string
	row := ""
	for _, word := range strings.Fields(s) {
		for width(word) > w {
			if row != "" {
				rows, row = append(rows, row), ""
			}
			head := cut(word, w, "")
			if head == "" {
				break
			}
			if i := strings.LastIndexByte(head, '/') + 1; i > 1 { // the parts of a path stay whole
				head = head[:i]
			}
			rows, word = append(rows, head), word[len(head):]
		}
		switch {
		case row == "":
			row = word
		case width(row)+1+width(word) <= w:
			row += " " + word
		default:
			rows, row = append(rows, row), word
		}
	}
	if row != "" {
		rows = append(rows, row)
	}
	return rows
}

// fold breaks a clean line of w cells and more at blanks, as it is: columns stay, and what is broken off
// is indented below.
func fold(s string, w int) []string {
	const deeper = "  "
	var rows []string
	indent := s[:len(s)-len(strings.TrimLeft(s, " "))] + deeper
	for width(s) > w && width(indent) < w/2 {
		head := cut(s, w, "")
		if i := strings.LastIndexByte(head, ' '); i > len(indent) && s[len(head):] != "" && s[len(head)] != ' ' {
			head = head[:i]
		}
		if len(head) <= len(indent) {
			break
		}
		rows = append(rows, head)
		s = indent + strings.TrimLeft(s[len(head):], " ")
	}
	return append(rows, s)
}

// row starts a selectable row: a margin with the marker on the selected one.
func (m *model) row(w int, selected bool) *line {
	base, mark := sty(""), " "
	if selected {
		base, mark = m.picked, m.marker
	}
	n := m.line(w, base)
	if m.layout.kind != drawer && m.layout.kind != listOnly {
		n.put("", " ")
	}
	n.put(m.accent, mark)
	if m.layout.kind != listOnly {
		n.put("", " ")
	}
	return n
}

// heading is the row of column names.
func (m *model) heading(w int, fill func(*line)) string {
	n := m.line(w, m.dim).put("", spaces(m.margin()))
	fill(n)
	return n.end()
}

// hidden is the row that says what of a list is not shown.
func (m *model) hidden(w, above, below int, tail string) string {
	n := m.line(w, "").put("", spaces(m.margin()))
	switch {
	case above > 0 && below > 0:
		n.put(m.dim, itoa(above)+" above, "+itoa(below)+" below")
	case above > 0:
		n.put(m.dim, itoa(above)+" above")
	default:
		n.put(m.dim, "+"+itoa(below)+" more")
	}
	if tail != "" {
		n.put("", "   ").put(m.dim, tail)
	}
	return n.end()
}

func (m *model) margin() int {
	switch m.layout.kind {
	case drawer:
		return 2
	case listOnly:
		return 1
	}
	return 3
}

func itoa(n int) string { return strconv.Itoa(n) }
