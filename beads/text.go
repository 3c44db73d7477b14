package beads

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean is s as one line that is safe to print: escape sequences, control and bidi characters
// gone, line ends and tabs a space. Longer than limit characters it is cut, with an ellipsis; 0 means no limit.
func Clean(s string, limit int) string {
	if most := cleanSlack + cleanShare*limit; limit > 0 && len(s) > most {
		s = s[:most] // what is cut anyway is not read
	}
	s = strings.TrimSpace(strip(s, false))
	if limit <= 0 || utf8.RuneCountInString(s) <= limit {
		return s
	}
	n := 0
	for i := range s {
		if n == limit-1 {
			return strings.TrimRight(s[:i], " ") + "…"
		}
		n++
	}
	return s
}

// Count is a number and its noun.
func Count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return strconv.Itoa(n) + " " + noun
}

// Of a text that is cut to n characters so many bytes are looked at: the longest characters,
// and room for the escape sequences between them.
const (
	cleanShare = 16
	cleanSlack = 1 << 10
)

// CleanText is Clean for text of several lines: line ends and tabs stay. \r\n and \r become \n.
func CleanText(s string) string {
	return strip(strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n"), true)
}

func strip(s string, lines bool) string {
	if plain(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	ends := terminators{s: s}
	for i := 0; i < len(s); {
		if n := escapeLen(s, i, &ends); n > 0 {
			i += n
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		i += n
		switch {
		case r == '\n' || r == '\t':
			if lines {
				b.WriteRune(r)
			} else {
				b.WriteByte(' ')
			}
		case r == '\r', r == '\u2028', r == '\u2029':
			b.WriteByte(' ')
		case unicode.IsControl(r), isBidi(r):
		default:
			b.WriteRune(r) // an invalid byte is U+FFFD by now
		}
	}
	return b.String()
}

func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// escapeLen is the length of the escape sequence at s[i]. One that does not end on its line
// takes its introducer alone, so that it cannot swallow the text after it.
func escapeLen(s string, i int, ends *terminators) int {
	rest := s[i:]
	intro, kind := 0, byte(0)
	switch {
	case strings.HasPrefix(rest, "\u009b"):
		intro, kind = 2, '['
	case rest[0] != 0x1b:
		return 0
	case len(rest) == 1:
		return 1
	default:
		intro, kind = 2, rest[1]
	}
	switch kind {
	case '[':
		return intro + csiLen(rest[intro:])
	case ']', 'P', '_', '^', 'X':
		if end := ends.after(i + intro); end > 0 {
			return end - i
		}
		return intro
	case '(', ')', '*', '+', '-', '.', '/', '#', '%', ' ': // charset and the like: one byte more
		if len(rest) > 2 && rest[2] > ' ' && rest[2] <= '~' {
			return 3
		}
		return 1
	}
	return 1
}

// csiLen is the length of parameters and final byte of a control sequence; 0 if it has none.
func csiLen(body string) int {
	for i := range len(body) {
		switch c := body[i]; {
		case c >= 0x40 && c <= 0x7e:
			return i + 1
		case c < 0x20 || c > 0x3f:
			return 0
		}
	}
	return 0
}

// terminators finds the ends of operating system commands and the like. It reads the text
// once however often it is asked, because hostile text may hold an introducer every two bytes.
type terminators struct {
	s    string
	from int // everything before it was read
	end  int // of the first terminator at or after the last question; 0: none on that line
	nl   int // where that line ends
}

// after is the index behind the first BEL or ST at or after i on its line, or 0.
func (t *terminators) after(i int) int {
	if i < t.from && (t.end == 0 && i <= t.nl || t.end > i) {
		return t.end
	}
	t.end = 0
	for j := max(i, 0); j < len(t.s); j++ {
		switch {
		case t.s[j] == '\n':
			t.from, t.nl = j+1, j
			return 0
		case t.s[j] == '\a':
			t.from, t.end, t.nl = j+1, j+1, len(t.s)
			return t.end
		case t.s[j] == 0x1b && j+1 < len(t.s) && t.s[j+1] == '\\':
			t.from, t.end, t.nl = j+2, j+2, len(t.s)
			return t.end
		}
	}
	t.from, t.nl = len(t.s)+1, len(t.s)
	return 0
}

func isBidi(r rune) bool {
	return r == '\u061c' || r == '\u200e' || r == '\u200f' || r == '\ufeff' ||
		r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
}
