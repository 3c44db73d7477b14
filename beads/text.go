package beads

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean is s as one line that is safe to print: escape sequences, control and bidi characters
// gone, line ends and tabs a space. Longer than limit characters it is cut, with an ellipsis; 0 means no limit.
func Clean(s string, limit int) string {
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
	for i := 0; i < len(s); {
		if n := escapeLen(s[i:]); n > 0 {
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

// escapeLen is the length of the escape sequence s begins with. One that does not end takes its
// introducer alone, so that it cannot swallow the text after it.
func escapeLen(s string) int {
	intro, body := 0, s
	switch {
	case strings.HasPrefix(s, "\x1b[") || strings.HasPrefix(s, "\x1b]") || strings.HasPrefix(s, "\x1bP") ||
		strings.HasPrefix(s, "\x1b_") || strings.HasPrefix(s, "\x1b^"):
		intro, body = 2, s[1:]
	case strings.HasPrefix(s, "\u009b"):
		intro, body = 2, "["+s[2:]
	case strings.HasPrefix(s, "\x1b"):
		return 1
	default:
		return 0
	}
	if body[0] == '[' {
		for i := 1; i < len(body); i++ {
			if c := body[i]; c >= 0x40 && c <= 0x7e {
				return len(s) - len(body) + i + 1
			} else if c < 0x20 || c > 0x3f {
				break
			}
		}
		return intro
	}
	bel, st := strings.IndexByte(s, '\a'), strings.Index(s, "\x1b\\")
	switch {
	case bel > 0 && (st < 0 || bel < st):
		return bel + 1
	case st > 0:
		return st + 2
	}
	return intro
}

func isBidi(r rune) bool {
	return r == '\u061c' || r == '\u200e' || r == '\u200f' || r == '\ufeff' ||
		r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
}
