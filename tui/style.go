package tui

import (
	"strings"

	"charm.land/lipgloss/v2"
)

// sty is the parameters of an SGR sequence, such as "1;38;2;240;160;80"; empty is plain.
type sty string

// and is both styles.
func (s sty) and(t sty) sty {
	switch {
	case s == "":
		return t
	case t == "":
		return s
	}
	return s + ";" + t
}

// palette is the colours of one kind of terminal. Colour is never the only sign.
type palette struct {
	blue, orange, red, yellow, cyan, green, magenta sty
	dim                                             sty // what may be overlooked
	border                                          sty // of a pane without focus
	accent                                          sty // of the focused pane
	picked                                          sty // background of the selected row
	strip                                           sty // background of the status bar
	town                                            sty // mode mark TOWN
	typing                                          sty // mode mark TYPE
}

// pen is a Lip Gloss style as the parameters that our rows are joined from: a row is built
// once from its parts, without measuring it again.
func pen(s lipgloss.Style) sty {
	const mark = "x"
	out := s.Render(mark)
	i := strings.Index(out, mark)
	return sty(strings.TrimSuffix(strings.TrimPrefix(out[:max(i, 0)], "\x1b["), "m"))
}

// ink is a colour of text, paper one of the background, badge a bold word on a ground.
func ink(hex string) sty   { return pen(lipgloss.NewStyle().Foreground(lipgloss.Color(hex))) }
func paper(hex string) sty { return pen(lipgloss.NewStyle().Background(lipgloss.Color(hex))) }
func badge(text, ground string) sty {
	return pen(lipgloss.NewStyle().Bold(true).Foreground(lipgloss.Color(text)).Background(lipgloss.Color(ground)))
}

// The shades follow Okabe and Ito, moved until each has a contrast of 4.5 on its background.
func darkPalette() palette {
	return palette{
		blue: ink("#6cb6ff"), orange: ink("#f0a050"), red: ink("#f47067"), yellow: ink("#dab949"),
		cyan: ink("#56c8c8"), green: ink("#7cc67c"), magenta: ink("#d38ad3"),
		dim: ink("#9099a3"), border: ink("#545c66"), accent: ink("#6cb6ff"),
		picked: paper("#262e3c"), strip: paper("#20252d"),
		town: badge("#10141a", "#6cb6ff"), typing: badge("#10141a", "#7cc67c"),
	}
}

func lightPalette() palette {
	return palette{
		blue: ink("#0b62c4"), orange: ink("#aa4e00"), red: ink("#c02617"), yellow: ink("#826400"),
		cyan: ink("#0b7285"), green: ink("#257325"), magenta: ink("#9632af"),
		dim: ink("#5e6672"), border: ink("#aab2bc"), accent: ink("#0b62c4"),
		picked: paper("#dde8f7"), strip: paper("#e8ecf1"),
		town: badge("#ffffff", "#0b62c4"), typing: badge("#ffffff", "#257325"),
	}
}

// ansiPalette uses the terminal's own 16 colours.
func ansiPalette() palette {
	return palette{
		blue: "94", orange: "1;33", red: "91", yellow: "33", cyan: "36", green: "32", magenta: "35",
		dim: "90", border: "90", accent: "94", picked: "1", town: "1;7", typing: "1;7",
	}
}

// plainPalette has no colours (NO_COLOR, TERM=dumb).
func plainPalette() palette {
	return palette{orange: "1", red: "1", dim: "", accent: "1", picked: "1", town: "1;7", typing: "1;7"}
}

// glyph is the style of a state's mark.
func (p palette) glyph(g byte) sty {
	switch g {
	case '>':
		return p.blue
	case '?':
		return p.orange.and("1")
	case '!':
		return p.red.and("7")
	case '=':
		return p.yellow
	case '^':
		return p.cyan
	case '+':
		return p.green
	case 'x':
		return p.magenta
	case '#', '.':
		return p.dim
	}
	return ""
}

// words is like glyph for the text beside a mark: never reversed.
func (p palette) words(g byte) sty {
	if g == '!' {
		return p.red
	}
	return p.glyph(g)
}

// frameSet is the characters of one kind of border.
type frameSet struct{ tl, tr, bl, br, h, v string }

// all is the characters of the set.
func (f frameSet) all() string { return f.tl + f.tr + f.bl + f.br + f.h + f.v }

// charset is what is drawn beside text.
type charset struct {
	single, double frameSet
	marker         string // beside the selected row
	tag            string // on a marked row
	more           string // at the end of a cut text
	dot            string // between facts
	sep            string // between parts of the status bar
	rule           string
}

func frameOf(b lipgloss.Border) frameSet {
	return frameSet{b.TopLeft, b.TopRight, b.BottomLeft, b.BottomRight, b.Top, b.Left}
}

func unicodeSet() charset {
	return charset{
		single: frameOf(lipgloss.NormalBorder()),
		double: frameOf(lipgloss.DoubleBorder()),
		marker: "▸", tag: "*", more: "…", dot: "·", sep: "│", rule: "─",
	}
}

func asciiSet() charset {
	return charset{
		single: frameSet{"+", "+", "+", "+", "-", "|"},
		double: frameSet{"#", "#", "#", "#", "=", "#"},
		marker: "*", tag: "@", more: "~", dot: ",", sep: "|", rule: "-",
	}
}

// look is everything that decides how things are drawn.
type look struct {
	palette
	charset
}

// line builds one row of exactly w cells. Text given to it must be clean.
type line struct {
	b    strings.Builder
	left int // cells still free
	base sty // under every text of the row
	look *look
}

func (l *look) line(w int, base sty) *line { return &line{left: max(w, 0), base: base, look: l} }

// put appends s, cut to what is free.
func (n *line) put(st sty, s string) *line {
	if n.left <= 0 || s == "" {
		return n
	}
	s = cut(s, n.left, n.look.more)
	n.left -= width(s)
	n.raw(st, s)
	return n
}

// cell appends s in exactly w cells, then one blank if there is room.
func (n *line) cell(st sty, s string, w int) *line {
	if w <= 0 {
		return n
	}
	return n.put(st, pad(s, min(w, n.left), n.look.more)).put("", " ")
}

// num is cell with the text at the right end.
func (n *line) num(st sty, s string, w int) *line {
	if w <= 0 {
		return n
	}
	return n.put(st, padLeft(s, min(w, n.left), n.look.more)).put("", " ")
}

// right fills so that s ends at the end of the row; s is dropped when there is no room for it.
func (n *line) right(st sty, s string) *line {
	w := width(s)
	if w > n.left {
		return n
	}
	return n.put("", spaces(n.left-w)).put(st, s)
}

// join ends the row with one that is as wide as what is left.
func (n *line) join(row string) string { return n.b.String() + row }

func (n *line) raw(st sty, s string) {
	st = n.base.and(st)
	if st == "" {
		n.b.WriteString(s)
		return
	}
	n.b.WriteString("\x1b[" + string(st) + "m" + s + "\x1b[m")
}

// end is the row, filled up.
func (n *line) end() string {
	if n.left > 0 {
		n.raw("", spaces(n.left))
		n.left = 0
	}
	return n.b.String()
}
