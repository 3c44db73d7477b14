package vt

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/clipperhouse/displaywidth"
)

// unfinished returns how many bytes at the end of p to hold back: the last grapheme of a run of non-ASCII characters, which
// the next bytes may lengthen (x/vt ends a grapheme where a write ends), and an incomplete character.
func unfinished(p []byte) int {
	start := len(p)
	for start > 0 && p[start-1] >= utf8.RuneSelf {
		start--
	}
	run := p[start:]
	whole := run[:len(run)-incomplete(run)]
	last := 0
	for g := displaywidth.BytesGraphemes(whole); g.Next(); {
		last = len(g.Value())
	}
	n := len(run) - len(whole) + last
	if n > carryLimit {
		return len(run) - len(whole)
	}
	return n
}

// incomplete returns how many bytes at the end of p are the start of a character whose rest is missing.
func incomplete(p []byte) int {
	for n := 1; n <= min(utf8.UTFMax-1, len(p)); n++ {
		if b := p[len(p)-n]; utf8.RuneStart(b) {
			if b >= utf8.RuneSelf && !utf8.FullRune(p[len(p)-n:]) {
				return n
			}
			return 0
		}
	}
	return 0
}

// valid returns p with every byte that is no UTF-8 as U+FFFD. x/vt would take such bytes for C1 controls, or swallow the
// character after them.
func valid(p []byte) []byte {
	if utf8.Valid(p) {
		return p
	}
	out := make([]byte, 0, len(p)+16)
	for len(p) > 0 {
		r, n := utf8.DecodeRune(p)
		out = utf8.AppendRune(out, r)
		p = p[n:]
	}
	return out
}

// printable returns what of a cell's content may be shown, and its width; "" when nothing is.
func printable(content string) (string, int) {
	if len(content) == 1 {
		if content[0] >= ' ' && content[0] < 0x7f {
			return content, 1
		}
		return "", 0
	}
	clean := strings.Map(func(r rune) rune {
		if hidden(r) {
			return -1
		}
		return r
	}, content)
	if len(clean) > graphemeLimit {
		clean = strings.ToValidUTF8(clean[:graphemeLimit], "")
	}
	clean = strings.TrimSuffix(clean, zwj) // it would join the next cell
	g := displaywidth.StringGraphemes(clean)
	if !g.Next() {
		return "", 0
	}
	s, w := g.Value(), g.Width()
	if r, n := utf8.DecodeRuneInString(s); n == len(s) && r >= 0x1f1e6 && r <= 0x1f1ff {
		return string('A' + r - 0x1f1e6), 1 // half a flag: two in a row would become one
	}
	if w < 1 || w > 2 || joins(" ", s) || joins(s, " ") {
		return "", 0 // nothing, or something that clings to its neighbour: a mark without a base
	}
	return s, w
}

const zwj = "\u200d"

// hidden reports runes that never leave the emulator: controls, line separators, bidirectional controls, byte order marks,
// broken encodings.
func hidden(r rune) bool {
	switch {
	case unicode.IsControl(r),
		r == 0x061c, r == 0x200e, r == 0x200f, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, // bidi
		r == 0x2028, r == 0x2029, r == 0xfeff, r >= 0xfff9 && r <= 0xfffb,
		r >= 0xd800 && r <= 0xdfff:
		return true
	}
	return false
}

// joins reports whether b, shown right after a, would become part of a's grapheme.
func joins(a, b string) bool {
	if a[len(a)-1] < utf8.RuneSelf && b[0] < utf8.RuneSelf {
		return false
	}
	g := displaywidth.StringGraphemes(a + b)
	return g.Next() && len(g.Value()) != len(a)
}

// safeTitle strips a title of everything that is not shown and cuts it.
func safeTitle(s string) string {
	var b strings.Builder
	n := 0
	for _, r := range s {
		if r == utf8.RuneError || hidden(r) {
			continue
		}
		if n++; n > titleLimit {
			break
		}
		b.WriteRune(r)
	}
	return b.String()
}
