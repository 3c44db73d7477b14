package tui

import (
	"strings"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
	"github.com/clipperhouse/displaywidth"

	"gastown/beads"
)

// width is the one width function: cells of a text without escape codes.
func width(s string) int {
	if isASCII(s) {
		return len(s)
	}
	return displaywidth.String(s)
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// clean is foreign text as one line that is safe to print and that every terminal gives the
// same width.
func clean(s string) string { return settle(beads.Clean(s, 0)) }

// cleanLine is clean for a line of code or of a log: its indentation stays.
func cleanLine(s string) string {
	s = beads.CleanText(strings.ReplaceAll(s, "\t", "    "))
	return settle(strings.ReplaceAll(s, "\n", " "))
}

// settle replaces the graphemes whose width depends on the terminal (joined emoji, skin
// tones, presentation selectors, keycaps) by their first character and blanks, so that
// columns stay aligned whether the terminal counts graphemes or code points. Escape codes in
// s are kept.
func settle(s string) string {
	if isASCII(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	before := ""
	for len(s) > 0 {
		if s[0] == '\x1b' {
			n := escLen(s)
			b.WriteString(s[:n])
			s = s[n:]
			continue
		}
		text, w := nextCell(s)
		s = s[len(text):]
		if len(text) > 1 {
			text = agreed(before, text, w)
		}
		b.WriteString(text)
		before = text
	}
	return b.String()
}

// agreed is a grapheme of w cells, made plain where its width depends on the terminal or on
// its neighbours; what has no width is dropped.
func agreed(before, g string, w int) string {
	if w == 0 {
		return ""
	}
	if ansi.WcWidth.StringWidth(g) != w {
		g = plainest(g, w)
	}
	if width(" "+g+" ") != w+2 || before != "" && width(before+g) != width(before)+w {
		return strings.Repeat("?", w)
	}
	return g
}

// plainest is the first character of a grapheme, padded to w cells.
func plainest(g string, w int) string {
	_, n := utf8.DecodeRuneInString(g)
	first := g[:n]
	fw := displaywidth.String(first)
	if fw < 1 || fw > w || ansi.WcWidth.StringWidth(first) != fw {
		return strings.Repeat("?", w)
	}
	return first + strings.Repeat(" ", w-fw)
}

// escLen is the length of the CSI or OSC sequence that s begins with; 1 if it is none.
func escLen(s string) int {
	if len(s) < 2 {
		return 1
	}
	switch s[1] {
	case '[':
		for i := 2; i < len(s); i++ {
			if s[i] >= 0x40 && s[i] <= 0x7e {
				return i + 1
			}
		}
	case ']':
		for i := 2; i < len(s); i++ {
			if s[i] == '\a' {
				return i + 1
			}
			if s[i] == '\x1b' && i+1 < len(s) && s[i+1] == '\\' {
				return i + 2
			}
		}
	}
	return 1
}

// cut is s without escape codes, at most w cells wide, with mark at the end of a cut text.
func cut(s string, w int, mark string) string {
	if w <= 0 {
		return ""
	}
	if width(s) <= w {
		return s
	}
	keep := w - width(mark)
	if keep < 0 {
		keep, mark = w, ""
	}
	if isASCII(s) {
		return s[:keep] + mark
	}
	used, end := 0, 0
	for g := displaywidth.StringGraphemes(s); g.Next(); {
		if used+g.Width() > keep {
			break
		}
		used += g.Width()
		end += len(g.Value())
	}
	return s[:end] + mark
}

// pad is s cut or filled with blanks to exactly w cells.
func pad(s string, w int, mark string) string {
	s = cut(s, w, mark)
	return s + spaces(w-width(s))
}

// padLeft is pad with the text at the right end.
func padLeft(s string, w int, mark string) string {
	s = cut(s, w, mark)
	return spaces(w-width(s)) + s
}

const blanks = "                                                                                                    "

func spaces(n int) string {
	switch {
	case n <= 0:
		return ""
	case n <= len(blanks):
		return blanks[:n]
	}
	return strings.Repeat(" ", n)
}

// clip is a styled row cut to the columns [from, to), filled with blanks where a wide
// character lies across an edge or the row is short.
func clip(row string, from, to int) string {
	if to <= from {
		return ""
	}
	var b strings.Builder
	x, open := 0, false
	for len(row) > 0 {
		if row[0] == '\x1b' {
			n := escLen(row)
			b.WriteString(row[:n]) // styles before the left edge count too
			open = true
			row = row[n:]
			continue
		}
		text, w := nextCell(row)
		row = row[len(text):]
		switch {
		case x >= to:
		case x >= from && x+w <= to:
			b.WriteString(text)
		case x+w > from:
			b.WriteString(spaces(min(x+w, to) - max(x, from)))
		}
		x += w
		if x >= to {
			break
		}
	}
	if open {
		b.WriteString("\x1b[m")
	}
	b.WriteString(spaces(to - max(x, from)))
	return b.String()
}

func nextCell(s string) (string, int) {
	if s[0] < utf8.RuneSelf && (len(s) == 1 || s[1] < utf8.RuneSelf) {
		return s[:1], 1
	}
	g := displaywidth.StringGraphemes(s)
	if !g.Next() {
		return s[:1], 0
	}
	return g.Value(), g.Width()
}

// plainRow is a styled row as text.
func plainRow(row string) string {
	if !strings.Contains(row, "\x1b") {
		return row
	}
	var b strings.Builder
	for len(row) > 0 {
		if row[0] == '\x1b' {
			row = row[escLen(row):]
			continue
		}
		end := strings.IndexByte(row, '\x1b')
		if end < 0 {
			end = len(row)
		}
		b.WriteString(row[:end])
		row = row[end:]
	}
	return b.String()
}
