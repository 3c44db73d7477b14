package vt

import (
	"strings"
	"testing"

	"github.com/clipperhouse/displaywidth"
)

func TestInsideOfXVTIsAsExpected(t *testing.T) {
	if term := open(t, 10, 2); term.inside == nil || screens(term.emu) == nil {
		t.Fatal("x/vt has changed inside: marks, wide characters and saved cursors are shown wrongly")
	}
}

// What is written is what is seen, with as many columns as it takes.
func TestMarksStayWithTheirCharacter(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"acute on ASCII", "Cafe\u0301 e\u0301tude", "Cafe\u0301 e\u0301tude"},
		{"two marks", "a\u0308\u0323b", "a\u0308\u0323b"},
		{"after a colour", "e\x1b[31m\u0301x", "e\u0301x"},
		{"at the end", "cafe\u0301", "cafe\u0301"},
		{"on a wide character", "日\x1b[m\u0301x", "日\u0301x"},
		{"keycap", "1\ufe0f\u20e3x", "1\ufe0f\u20e3x"},
		{"heart with VS16", "❤\ufe0fx", "❤\ufe0fx"},
		{"family", "👨\u200d👩\u200d👧x", "👨\u200d👩\u200d👧x"},
		{"flag", "🇳🇱x🇩🇪", "🇳🇱x🇩🇪"},
		{"rainbow flag", "🏳\ufe0f\u200d🌈x", "🏳\ufe0f\u200d🌈x"},
		{"Devanagari", "नमस्ते x", "नमस्ते x"},
		{"Thai", "ที่นี่ x", "ที่นี่ x"},
		{"Hebrew points", "שָׁלוֹם x", "שָׁלוֹם x"},
		{"no character to belong to", "\u0301x", "x"},
		{"joiner after ASCII", "a\u200d💻", "a💻"},
		{"marks in a title", "\x1b]0;e\u0301\x07x", "x"},
		{"a flood", "e" + strings.Repeat("\u0301", 500) + "x", "e" + strings.Repeat("\u0301", 31) + "x"},
		{"a flood on a wide one", "日" + strings.Repeat("\u0301", 500) + "x", "日" + strings.Repeat("\u0301", 30) + "x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, most := range []int{len(c.in), 1} { // in one write, and byte by byte
				term := open(t, 30, 2)
				for p := c.in; p != ""; {
					n := min(most, len(p))
					write(t, term, p[:n])
					p = p[n:]
				}
				if got := term.Text()[0]; got != c.want {
					t.Errorf("in writes of %d: %q, want %q", most, got, c.want)
				}
				if x, want := term.Frame().Cursor.X, displaywidth.String(c.want); x != want {
					t.Errorf("cursor in column %d, want %d", x, want)
				}
				checkFrame(t, term, 30, 2)
			}
		})
	}
}

// The bytes of a character never end a control string: nothing of a title is printed, and what comes after the string is.
func TestTextInControlStrings(t *testing.T) {
	const text = "✳ Claude “Ünï” └─ 码 ▜"
	for _, begin := range []string{"\x1b]0;", "\x1b]2;", "\x1b]8;;http://x/", "\x1b]7501;", "\x1bPq", "\x1bP+q", "\x1b_G", "\x1b^", "\x1bX"} {
		for _, end := range []string{"\x07", "\x1b\\", "\u009c"} {
			if end == "\x07" && begin[1] != ']' {
				continue // ends titles only
			}
			in := begin + text + end + "x└é\x1b[1D!"
			for _, most := range []int{len(in), 1} {
				term := open(t, 30, 2)
				for p := in; p != ""; {
					n := min(most, len(p))
					write(t, term, p[:n])
					p = p[n:]
				}
				if got := term.Text(); got[0] != "x└!" || got[1] != "" {
					t.Errorf("%q ended by %q, in writes of %d: printed %q", begin, end, most, got)
				}
				if title := term.Frame().Title; (begin == "\x1b]0;" || begin == "\x1b]2;") && title != text {
					t.Errorf("%q ended by %q, in writes of %d: title %q", begin, end, most, title)
				}
			}
		}
	}
}

// A wide character that has no room goes to the next row; one that fills the row is not overwritten.
func TestWideCharactersAtTheEdge(t *testing.T) {
	for _, c := range []struct {
		name, in string
		cols     int
		want     [3]string
	}{
		{"even", "登录按钮x", 4, [3]string{"登录", "按钮", "x"}},
		{"odd", "登录按钮x", 5, [3]string{"登录", "按钮x", ""}},
		{"after ASCII", "abc登录", 4, [3]string{"abc", "登录", ""}},
		{"mark on the last column", "abcde\u0301f", 5, [3]string{"abcde\u0301", "f", ""}},
		{"keycap without room", "abc1\ufe0f\u20e3d", 4, [3]string{"abc1\u20e3", "d", ""}},
		{"keycap that fills the row", "ab1\ufe0f\u20e3d", 4, [3]string{"ab1\ufe0f\u20e3", "d", ""}},
		{"line feed after a full row", "登录\r\nx", 4, [3]string{"登录", "x", ""}},
		{"no wrapping", "\x1b[?7labc登", 4, [3]string{"abc", "", ""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			term := open(t, c.cols, 3)
			write(t, term, c.in)
			if got := [3]string(term.Text()); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
			checkFrame(t, term, c.cols, 3)
		})
	}
}
