package tui

import (
	"strings"

	tea "charm.land/bubbletea/v2"
)

// clickBar is a click on the first or the last row: each part of them leads to what it speaks of.
func (m *model) clickBar(x, y int) tea.Cmd {
	text := m.barPart(x, y)
	word := func(words ...string) bool {
		for _, w := range words {
			if strings.HasPrefix(text, w) {
				return true
			}
		}
		return false
	}
	switch {
	case strings.HasSuffix(text, "= board"), word("TYPE", "TOWN", "SCROLL", "FILTER", "PAUSED", "FROZEN"):
		m.toggle()
	case alarmLabel(text), strings.HasSuffix(text, " needs you"), strings.HasSuffix(text, " need you"), word("asks", "stalled", "wrong:"):
		return m.fromBar(ShowProblems)
	case word("refinery"), strings.HasSuffix(text, " landing"):
		return m.fromBar(GoRefinery)
	case word("cats", "polecats"):
		return m.fromBar(GoPolecats)
	case word("convoy"):
		return m.fromBar(ShowConvoys)
	case word("beads", ">", "=", "^", "o", "#", "+", "x"):
		return m.fromBar(GoBeads)
	case word("$", "~$") || strings.HasSuffix(text, " tok"):
		return m.fromBar(ShowCost)
	case word(":"):
		return m.fromBar(CommandLine)
	case word("?"):
		return m.fromBar(Help)
	}
	return nil
}

// fromBar runs an intent of the board, whatever the mode is.
func (m *model) fromBar(in Intent) tea.Cmd {
	if m.mode == typing {
		m.setMode(inTown)
	}
	return m.run(in)
}

// alarmLabel reports whether a part of a bar counts what needs the person: "!2", "?1".
func alarmLabel(s string) bool {
	return len(s) > 1 && (s[0] == '!' || s[0] == '?') && s[1] >= '0' && s[1] <= '9'
}

// barPart is the part of a bar under cell x: up to a mark between facts, or two blanks.
func (m *model) barPart(x, y int) string {
	var cells []string
	for row := m.textAt(rect{0, y, m.layout.size.Cols, 1}, y); row != ""; {
		g, w := nextCell(row)
		row = row[len(g):]
		cells = append(cells, g)
		for range w - 1 {
			cells = append(cells, "")
		}
	}
	if x < 0 || x >= len(cells) {
		return ""
	}
	part := func(i int) bool { // a part of a bar ends here
		alone := i > 0 && i+1 < len(cells) && cells[i-1] == " " && cells[i+1] == " "
		return alone && (cells[i] == m.dot || cells[i] == m.sep) || cells[i] == " " && (i+1 >= len(cells) || cells[i+1] == " ")
	}
	if part(x) {
		return ""
	}
	from, to := x, x+1
	for from > 0 && !part(from-1) {
		from--
	}
	for to < len(cells) && !part(to) {
		to++
	}
	return strings.TrimSpace(strings.Join(cells[from:to], ""))
}
