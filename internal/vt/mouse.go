package vt

import "fmt"

// MouseAction is what a mouse did.
type MouseAction int

// The actions.
const (
	MousePress MouseAction = iota
	MouseRelease
	MouseMove // with a button held
)

// Buttons as terminals number them.
const (
	MouseLeft      = 0
	MouseMiddle    = 1
	MouseRight     = 2
	MouseWheelUp   = 64
	MouseWheelDown = 65
)

// Mouse is one event at a cell counted from 0.
type Mouse struct {
	Action MouseAction
	Button int
	X, Y   int
	Mod    Mod
}

// mostX10 is the last cell that the old encoding can name: a byte, less 32 and the origin.
const mostX10 = 255 - 32 - 1

// EncodeMouse returns the bytes a terminal in these modes sends for ev; nil when the program did
// not ask for it.
func EncodeMouse(ev Mouse, m Modes) []byte {
	if !m.Mouse || ev.X < 0 || ev.Y < 0 || ev.Action == MouseMove && !m.MouseMotion || ev.Action == MouseRelease && ev.Button >= MouseWheelUp {
		return nil
	}
	code := ev.Button
	for _, mod := range []struct {
		is  Mod
		bit int
	}{{ModShift, 4}, {ModAlt, 8}, {ModCtrl, 16}} {
		if ev.Mod&mod.is != 0 {
			code |= mod.bit
		}
	}
	if ev.Action == MouseMove {
		code |= 32
	}
	if m.MouseSGR {
		final := 'M'
		if ev.Action == MouseRelease {
			final = 'm'
		}
		return fmt.Appendf(nil, "\x1b[<%d;%d;%d%c", code, ev.X+1, ev.Y+1, final)
	}
	if ev.X > mostX10 || ev.Y > mostX10 {
		return nil
	}
	if ev.Action == MouseRelease {
		code |= 3 // which button it was cannot be said
	}
	return []byte{0x1b, '[', 'M', byte(code + 32), byte(ev.X + 33), byte(ev.Y + 33)}
}
