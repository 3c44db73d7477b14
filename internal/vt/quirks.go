package vt

import (
	"fmt"
	"reflect"
	"strings"
	"unsafe"

	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"
	xvt "github.com/charmbracelet/x/vt"
)

// What x/vt leaves out or does wrong and can be mended from outside. A handler registered later is asked first; it returns
// false to let x/vt's own go on.

// install registers our handlers and callbacks.
func (t *emulator) install(emu *xvt.Emulator) {
	s := &t.state
	emu.SetCallbacks(xvt.Callbacks{
		Bell:             func() { s.bells++ },
		CursorVisibility: func(on bool) { s.cursorVisible = on },
		EnableMode:       func(m ansi.Mode) { s.set[m] = true; t.moved(m) },
		DisableMode:      func(m ansi.Mode) { delete(s.set, m); t.moved(m) },
	})
	save := func() bool { s.wrapSaved = t.inside != nil && *t.inside.phantom; return false }
	restore := func() bool { t.wrap(s.wrapSaved); return false } // x/vt wraps after it if the last column was written before
	emu.RegisterEscHandler('7', save)
	emu.RegisterEscHandler('8', restore)
	answer := func(format string, args ...any) bool {
		_, _ = fmt.Fprintf(emu.InputPipe(), format, args...) // the same pipe as x/vt's own answers: one order
		return true
	}
	t.installQueries(emu, answer)
	t.installKeyboard(emu, answer)
	for _, cmd := range []int{0, 2} { // x/vt loses titles with a semicolon
		emu.RegisterOscHandler(cmd, func(data []byte) bool {
			_, title, _ := strings.Cut(unquoted(data), ";")
			s.title = safeTitle(title)
			return true
		})
	}
	emu.RegisterCsiHandler('J', func(p ansi.Params) bool { // x/vt clears the screen too
		if n, _, _ := p.Param(0, 0); n != 3 {
			return false
		}
		emu.ClearScrollback()
		return true
	})
	emu.RegisterCsiHandler('s', func(ansi.Params) bool { return save() })
	emu.RegisterCsiHandler('u', func(ansi.Params) bool { // x/vt has SCOSC only
		restore()
		if scr := screenOf(emu); scr != nil {
			scr.RestoreCursor()
		}
		return true
	})
	emu.RegisterCsiHandler(ansi.Command(0, ' ', 'q'), func(p ansi.Params) bool {
		n, _, _ := p.Param(0, 1)
		s.setShape(n)
		return false
	})
	emu.RegisterEscHandler('c', func() bool {
		*s = state{set: s.set, title: s.title, bells: s.bells, cursorVisible: true, blink: true}
		return false
	})
}

// wrap says whether the next character goes to the next row.
func (t *emulator) wrap(on bool) {
	if t.inside != nil {
		*t.inside.phantom = on
	}
}

// moved is called after a mode has changed: some of them put the cursor elsewhere, and x/vt keeps what it would have done
// in the old place.
func (t *emulator) moved(m ansi.Mode) {
	switch m {
	case ansi.ModeAltScreen, ansi.ModeAltScreenSaveCursor, ansi.ModeSaveCursor, ansi.DECMode(47):
		t.wrap(false)
	}
}

// installQueries answers what agents ask at their start and x/vt does not answer, or not well.
func (t *emulator) installQueries(emu *xvt.Emulator, answer func(string, ...any) bool) {
	emu.RegisterCsiHandler('n', func(p ansi.Params) bool {
		if n, _, _ := p.Param(0, 0); n == 5 {
			return answer("\x1b[0n")
		}
		return false
	})
	emu.RegisterCsiHandler(ansi.Command('?', '$', 'p'), func(p ansi.Params) bool {
		switch n, _, _ := p.Param(0, 0); n {
		case 2026: // tracked, see Frame.Sync
			if t.state.sync() {
				return answer("\x1b[?2026;1$y")
			}
			return answer("\x1b[?2026;2$y")
		case 2027: // graphemes are always measured whole
			return answer("\x1b[?2027;3$y")
		}
		return false
	})
	emu.RegisterCsiHandler(ansi.Command('>', 0, 'q'), func(ansi.Params) bool { return answer("\x1bP>|gastown\x1b\\") })
	emu.RegisterCsiHandler('t', func(p ansi.Params) bool {
		switch n, _, _ := p.Param(0, 0); n {
		case 14: // in pixels; cells are taken as 10x20
			return answer("\x1b[4;%d;%dt", emu.Height()*20, emu.Width()*10)
		case 16:
			return answer("\x1b[6;20;10t")
		case 18:
			return answer("\x1b[8;%d;%dt", emu.Height(), emu.Width())
		}
		return true
	})
	emu.RegisterOscHandler(4, func(data []byte) bool {
		var n int
		var rest string
		if _, err := fmt.Sscanf(string(data), "4;%d;%s", &n, &rest); err != nil || rest != "?" || n < 0 || n > 255 {
			return true // setting the palette is not supported
		}
		r, g, b, _ := emu.IndexedColor(n).RGBA()
		return answer("\x1b]4;%d;rgb:%04x/%04x/%04x\x1b\\", n, r, g, b)
	})
	emu.RegisterDcsHandler(ansi.Command(0, '$', 'q'), func(ansi.Params, []byte) bool { return answer("\x1bP0$r\x1b\\") })
	emu.RegisterDcsHandler(ansi.Command(0, '+', 'q'), func(ansi.Params, []byte) bool { return answer("\x1bP0+r\x1b\\") })
}

// installKeyboard tracks which keyboard protocol the program wants.
func (t *emulator) installKeyboard(emu *xvt.Emulator, answer func(string, ...any) bool) {
	s := &t.state
	emu.RegisterCsiHandler(ansi.Command('?', 0, 'u'), func(ansi.Params) bool { return answer("\x1b[?%du", s.kitty()) })
	emu.RegisterCsiHandler(ansi.Command('>', 0, 'u'), func(p ansi.Params) bool {
		n, _, _ := p.Param(0, 0)
		s.pushKitty(n)
		return true
	})
	emu.RegisterCsiHandler(ansi.Command('<', 0, 'u'), func(p ansi.Params) bool {
		n, _, _ := p.Param(0, 1)
		s.popKitty(max(n, 1))
		return true
	})
	emu.RegisterCsiHandler(ansi.Command('=', 0, 'u'), func(p ansi.Params) bool {
		flags, _, _ := p.Param(0, 0)
		how, _, _ := p.Param(1, 1)
		s.changeKitty(flags, how)
		return true
	})
	emu.RegisterCsiHandler(ansi.Command('>', 0, 'm'), func(p ansi.Params) bool {
		if what, _, _ := p.Param(0, 0); what == 4 {
			n, _, _ := p.Param(1, 0)
			s.modifyOther = uint8(min(n, 2))
		}
		return true
	})
}

// scrollOff moves the top n rows out, into the scrollback if it is the main screen's. It works on cells and not through
// the parser, which may be in the middle of a sequence.
func scrollOff(emu *xvt.Emulator, n int) {
	height, width := emu.Height(), emu.Width()
	for y := range height {
		row := rowOf(emu, y)
		if y < n && !emu.IsAltScreen() {
			emu.Scrollback().Push(row)
		}
		if y >= n {
			copy(rowOf(emu, y-n), row)
		}
	}
	for y := max(height-n, 0); y < height; y++ {
		for x := range width {
			emu.SetCell(x, y, nil)
		}
	}
}

// rowOf returns the cells of row y as they lie in emu; nil out of range. x/vt gives out single cells only, by pointers
// into the row's slice; to copy 112 bytes a cell out one by one would be most of the cost of a frame.
func rowOf(emu *xvt.Emulator, y int) uv.Line {
	first := emu.CellAt(0, y)
	if first == nil {
		return nil
	}
	return unsafe.Slice(first, emu.Width())
}

// dropAltScrollback takes the history of the alternate screen away: nobody can see it, it holds 10,000 lines, and there
// is no other way to it.
func dropAltScrollback(emu *xvt.Emulator) {
	if s := screens(emu); s != nil {
		s[1].SetScrollback(nil)
	}
}

// screenOf returns the active screen, or nil if x/vt has changed inside.
func screenOf(emu *xvt.Emulator) *xvt.Screen {
	s := screens(emu)
	switch {
	case s == nil:
		return nil
	case emu.IsAltScreen():
		return &s[1]
	}
	return &s[0]
}

// screens returns x/vt's two screens, a private field; nil if it is no longer there. A test fails then.
func screens(emu *xvt.Emulator) *[2]xvt.Screen {
	f := reflect.ValueOf(emu).Elem().FieldByName("scrs")
	if !f.IsValid() || f.Type() != reflect.TypeFor[[2]xvt.Screen]() {
		return nil
	}
	return (*[2]xvt.Screen)(unsafe.Pointer(f.UnsafeAddr()))
}
