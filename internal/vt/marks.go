package vt

import (
	"bytes"
	"reflect"
	"unicode/utf8"
	"unsafe"

	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/ansi/parser"
	xvt "github.com/charmbracelet/x/vt"
	"github.com/clipperhouse/displaywidth"
)

// graphemeLimit is the most bytes one cell holds; a family of four with skin tones has 41. What piles up beyond it is dropped.
const graphemeLimit = 64

// inside are private fields of x/vt's emulator that there is no other way to.
type inside struct {
	phantom *bool // the last column is written, and the next character goes to the next row
	state   *byte // of the parser after the last write
	modes   *ansi.Modes
}

// insideOf returns nil if x/vt has changed inside; a test fails then.
func insideOf(emu *xvt.Emulator) *inside {
	v := reflect.ValueOf(emu).Elem()
	phantom, state, modes := v.FieldByName("atPhantom"), v.FieldByName("lastState"), v.FieldByName("modes")
	if !phantom.IsValid() || !state.IsValid() || !modes.IsValid() || phantom.Kind() != reflect.Bool || state.Kind() != reflect.Uint8 ||
		modes.Type() != reflect.TypeFor[ansi.Modes]() {
		return nil
	}
	return &inside{
		phantom: (*bool)(unsafe.Pointer(phantom.UnsafeAddr())),
		state:   (*byte)(unsafe.Pointer(state.UnsafeAddr())),
		modes:   (*ansi.Modes)(unsafe.Pointer(modes.UnsafeAddr())),
	}
}

// printing reports whether a character written now would be shown, and is no part of a sequence.
func (i *inside) printing() bool { return *i.state == parser.GroundState }

// quoted returns what to write of a grapheme outside of printed text. The byte 9C of a character ends a control string for
// x/vt: of a title such as "✳ Claude Code" the rest would be printed. In titles and the like it is written as
// stringByte, which is no part of UTF-8; see unquoted. In APC, PM and SOS strings, which nothing reads, any character
// would end the string and is left out.
func (i *inside) quoted(grapheme []byte) []byte {
	switch *i.state {
	case parser.OscStringState, parser.DcsStringState, parser.SosStringState, parser.PmStringState, parser.ApcStringState:
	default:
		return grapheme
	}
	switch {
	case string(grapheme) == "\u009c": // the terminator itself, as a character
		return []byte("\x1b\\")
	case *i.state == parser.OscStringState || *i.state == parser.DcsStringState:
		return bytes.ReplaceAll(grapheme, []byte{0x9c}, []byte{stringByte})
	}
	return nil
}

// unquoted returns the text that quoted changed.
func unquoted(data []byte) string {
	return string(bytes.ReplaceAll(data, []byte{stringByte}, []byte{0x9c}))
}

const stringByte = 0xff

func (i *inside) wraps() bool { return i.modes.IsSet(ansi.ModeAutoWrap) }

// print writes valid UTF-8 to x/vt. x/vt prints an ASCII character at once, so that a mark after it becomes a cell of its
// own, which the next character overwrites; it loses wide characters at the right edge; and within a control string it
// takes bytes of characters for the string's end. Runs of non-ASCII characters are therefore looked at here.
func (t *emulator) print(p []byte) {
	if t.inside == nil {
		_, _ = t.emu.Write(p) // it fails only when closed, which it never is
		return
	}
	begun := 0 // of what is not written yet
	for i := 0; i < len(p); {
		if p[i] < utf8.RuneSelf {
			i++
			continue
		}
		end := i
		for end < len(p) && p[end] >= utf8.RuneSelf {
			end++
		}
		_, _ = t.emu.Write(p[begun:i])
		begun = i
		if run := p[i:end]; !t.inside.printing() || !plain(run) {
			t.printRun(run)
			begun = end
		}
		i = end
	}
	if begun < len(p) {
		_, _ = t.emu.Write(p[begun:])
	}
}

// printRun writes a run of non-ASCII characters, grapheme by grapheme.
func (t *emulator) printRun(run []byte) {
	for g := displaywidth.BytesGraphemes(run); g.Next(); {
		if !t.inside.printing() { // a title, say
			_, _ = t.emu.Write(t.inside.quoted(g.Value()))
			continue
		}
		if clings(g.Value()) {
			for _, mark := range string(g.Value()) {
				t.fold(mark)
			}
			continue
		}
		cols, x := t.emu.Width(), t.emu.CursorPosition().X
		double := g.Width() == 2 && cols > 1 && t.inside.wraps()
		if double && x == cols-1 {
			*t.inside.phantom = true // no room: it goes to the next row
		}
		fills := double && x == cols-2
		_, _ = t.emu.Write(g.Value())
		if fills {
			*t.inside.phantom = true
		}
	}
}

// fold adds a mark to the character left of the cursor.
func (t *emulator) fold(mark rune) {
	pos := t.emu.CursorPosition()
	x := pos.X - 1
	if *t.inside.phantom {
		x = pos.X
	}
	c := t.emu.CellAt(x, pos.Y)
	for ; x > 0 && c != nil && c.Width == 0; c = t.emu.CellAt(x, pos.Y) {
		x-- // the second half of a wide character
	}
	if c == nil || c.Content == "" || len(c.Content)+utf8.RuneLen(mark) > graphemeLimit {
		return
	}
	text := c.Content + string(mark)
	g := displaywidth.StringGraphemes(text)
	if !g.Next() || len(g.Value()) != len(text) {
		return // it belongs to nothing that is there
	}
	cols := t.emu.Width()
	switch w := g.Width(); {
	case w == c.Width:
		c.Content = text // in place: the cell lies in its row
	case w == 2 && c.Width == 1 && x+2 <= cols: // a keycap grows
		t.emu.SetCell(x, pos.Y, &uv.Cell{Content: text, Width: w, Style: c.Style, Link: c.Link})
		if x+2 == cols {
			*t.inside.phantom = t.inside.wraps()
			return
		}
		_, _ = t.emu.Write([]byte("\x1b[C"))
	}
}

// clings reports whether a grapheme at the start of a run would belong to an ASCII character before it.
func clings(grapheme []byte) bool {
	r, n := utf8.DecodeRune(grapheme)
	return r >= firstMark && joins("a", string(grapheme[:n]))
}

// firstMark is the lowest character that may belong to the one before it.
const firstMark = 0x300

// plain reports whether no character of run is wide or a mark: Latin letters, dashes, quotes, lines, blocks, dots.
func plain(run []byte) bool {
	for i := 0; i < len(run); {
		r, n := utf8.DecodeRune(run[i:])
		switch {
		case r < firstMark, r >= 0x2010 && r <= 0x2027, r >= 0x2500 && r <= 0x259f, r >= 0x2800 && r <= 0x28ff:
		default:
			return false
		}
		i += n
	}
	return true
}
