package tui

import (
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/charmbracelet/x/ansi"
	"pgregory.net/rapid"
)

// hard is text that terminals disagree about or that attacks them.
func hard() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		parts := rapid.SliceOf(rapid.OneOf(
			rapid.SampledFrom([]string{
				"登录", "한국어", "👨‍👩‍👧", "👍🏽", "⚠️", "❤️", "1️⃣", "🇳🇱", "e\u0301", "עברית", "العربية", "नमस्ते", "\u200d", "\ufe0f",
				"\x1b[31m", "\x1b]0;title\a", "\x9b2J", "\u202e", "\t", "\r\n", "\x00", "ａｂ", "a", " ", "…", "·", "\u00ad", "ｶﾞ", "🏳️‍🌈",
			}),
			rapid.String(),
		)).Draw(t, "parts")
		return strings.Join(parts, "")
	})
}

func TestCleanAgrees(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := clean(hard().Draw(t, "s"))
		for _, r := range s {
			if unicode.IsControl(r) || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
				t.Fatalf("%q has %U", s, r)
			}
		}
		if a, b := width(s), ansi.WcWidth.StringWidth(s); a != b {
			t.Fatalf("%q is %d cells by grapheme and %d by code point", s, a, b)
		}
	})
}

func TestCutAndPad(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, w := clean(hard().Draw(t, "s")), rapid.IntRange(0, 30).Draw(t, "w")
		if got := width(cut(s, w, "…")); got > w {
			t.Fatalf("cut(%q, %d) is %d cells", s, w, got)
		}
		for _, got := range []string{pad(s, w, "…"), padLeft(s, w, "~")} {
			if width(got) != w {
				t.Fatalf("pad(%q, %d) is %d cells: %q", s, w, width(got), got)
			}
		}
	})
}

func TestClip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := look{darkPalette(), unicodeSet()}
		w := rapid.IntRange(1, 60).Draw(t, "w")
		row := l.line(w, "").put("31", clean(hard().Draw(t, "a"))).put("", clean(hard().Draw(t, "b"))).end()
		if rowWidth(row) != w {
			t.Fatalf("row %q is %d cells, want %d", row, rowWidth(row), w)
		}
		from := rapid.IntRange(0, w).Draw(t, "from")
		to := rapid.IntRange(from, w).Draw(t, "to")
		if got := rowWidth(clip(row, from, to)); got != to-from {
			t.Fatalf("clip(%q, %d, %d) is %d cells", row, from, to, got)
		}
	})
}

func TestWrap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, w := clean(hard().Draw(t, "s")), rapid.IntRange(2, 30).Draw(t, "w")
		for _, row := range wrap(s, w) {
			if width(row) > w {
				t.Fatalf("wrap(%q, %d) has %q of %d cells", s, w, row, width(row))
			}
		}
	})
}

func TestFold(t *testing.T) {
	for _, c := range []struct {
		line string
		w    int
		want []string
	}{
		{"short", 10, []string{"short"}},
		{"NAME      STATE     WHAT IT SAYS", 24, []string{"NAME      STATE     WHAT", "  IT SAYS"}},
		{"  - one two three four", 12, []string{"  - one two", "    three", "    four"}},
		{"登录按钮登录按钮", 9, []string{"登录按钮", "  登录按", "  钮"}},
		{"", 5, []string{""}},
	} {
		if got := fold(c.line, c.w); !slices.Equal(got, c.want) {
			t.Errorf("fold(%q, %d) = %q, want %q", c.line, c.w, got, c.want)
		}
	}
}

// rowWidth is the width in cells of a styled row.
func rowWidth(row string) int {
	n := 0
	for len(row) > 0 {
		if row[0] == '\x1b' {
			row = row[escLen(row):]
			continue
		}
		text, w := nextCell(row)
		n += w
		row = row[len(text):]
	}
	return n
}

// TestALongPathBreaksBetweenItsParts: a name in it can be read, and copied.
func TestALongPathBreaksBetweenItsParts(t *testing.T) {
	got := strings.Join(wrap("log: /home/me/town/logs/refinery/gate-000003-target-echo.log.", 28), "|")
	if want := "log:|/home/me/town/logs/refinery/|gate-000003-target-echo.log."; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := strings.Join(wrap("abcdefgh", 3), "|"), "abc|def|gh"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
