package tui

import "strings"

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

// The shades follow Okabe and Ito, moved until each has a contrast of 4.5 on its background.
func darkPalette() palette {
	return palette{
		blue: "38;2;108;182;255", orange: "38;2;240;160;80", red: "38;2;244;112;103", yellow: "38;2;218;185;73",
		cyan: "38;2;86;200;200", green: "38;2;124;198;124", magenta: "38;2;211;138;211",
		dim: "38;2;139;148;158", border: "38;2;84;92;102", accent: "38;2;108;182;255",
		picked: "48;2;38;46;60", strip: "48;2;32;37;45",
		town: "1;38;2;16;20;26;48;2;108;182;255", typing: "1;38;2;16;20;26;48;2;124;198;124",
	}
}

func lightPalette() palette {
	return palette{
		blue: "38;2;11;98;196", orange: "38;2;170;78;0", red: "38;2;192;38;23", yellow: "38;2;130;100;0",
		cyan: "38;2;11;114;133", green: "38;2;37;115;37", magenta: "38;2;150;50;175",
		dim: "38;2;100;108;120", border: "38;2;170;178;188", accent: "38;2;11;98;196",
		picked: "48;2;221;232;247", strip: "48;2;232;236;241",
		town: "1;38;2;255;255;255;48;2;11;98;196", typing: "1;38;2;255;255;255;48;2;37;115;37",
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

// charset is what is drawn beside text.
type charset struct {
	single, double frameSet
	marker         string // beside the selected row
	more           string // at the end of a cut text
	dot            string // between facts
	sep            string // between parts of the status bar
	rule           string
}

func unicodeSet() charset {
	return charset{
		single: frameSet{"┌", "┐", "└", "┘", "─", "│"},
		double: frameSet{"╔", "╗", "╚", "╝", "═", "║"},
		marker: "▸", more: "…", dot: "·", sep: "│", rule: "─",
	}
}

func asciiSet() charset {
	return charset{
		single: frameSet{"+", "+", "+", "+", "-", "|"},
		double: frameSet{"#", "#", "#", "#", "=", "#"},
		marker: "*", more: "~", dot: ",", sep: "|", rule: "-",
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
