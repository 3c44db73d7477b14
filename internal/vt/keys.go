package vt

import (
	"fmt"
	"strings"
	"unicode"

	uv "github.com/charmbracelet/ultraviolet"
)

// Mod is a set of modifier keys, bit for bit those of ultraviolet and so of Bubble Tea.
type Mod int

// The modifiers.
const (
	ModShift = Mod(uv.ModShift)
	ModAlt   = Mod(uv.ModAlt)
	ModCtrl  = Mod(uv.ModCtrl)
	ModMeta  = Mod(uv.ModMeta)
)

// Codes of keys that are no characters, the same as ultraviolet's and so as Bubble Tea's.
const (
	KeyUp        = uv.KeyUp
	KeyDown      = uv.KeyDown
	KeyRight     = uv.KeyRight
	KeyLeft      = uv.KeyLeft
	KeyInsert    = uv.KeyInsert
	KeyDelete    = uv.KeyDelete
	KeyPgUp      = uv.KeyPgUp
	KeyPgDown    = uv.KeyPgDown
	KeyHome      = uv.KeyHome
	KeyEnd       = uv.KeyEnd
	KeyF1        = uv.KeyF1 // F2 to F12 follow
	KeyF12       = uv.KeyF12
	KeyEnter     = uv.KeyEnter
	KeyTab       = uv.KeyTab
	KeyEscape    = uv.KeyEscape
	KeyBackspace = uv.KeyBackspace
	KeySpace     = uv.KeySpace
)

// Key is one key press.
type Key struct {
	Code rune   // a character without modifiers ('a', never 'A'), or one of the Key constants
	Text string // what it types; empty for shortcuts and function keys
	Mod  Mod
}

// Flags of the kitty keyboard protocol that change how a press is encoded.
const (
	kittyDisambiguate = 1
	kittyAll          = 8
)

// EncodeKey returns the bytes a terminal in these modes sends for k; nil for a key that sends nothing.
func EncodeKey(k Key, m Modes) []byte {
	if k.Code >= uv.KeyKpEnter && k.Code <= uv.KeyKpBegin {
		k = plainKeypad(k)
	}
	if seq := functionKey(k, m); seq != "" {
		return []byte(seq)
	}
	if k.Code > unicode.MaxRune && k.Text == "" {
		return nil // media keys and the like
	}
	if m.Kitty&(kittyDisambiguate|kittyAll) != 0 {
		if seq := kittyKey(k, m); seq != "" {
			return []byte(seq)
		}
	}
	return legacyKey(k, m)
}

// param is the modifier parameter of CSI sequences: 1 for none.
func (m Mod) param() int {
	n := 1
	for i, bit := range []Mod{ModShift, ModAlt, ModCtrl, ModMeta} {
		if m&bit != 0 {
			n += 1 << i
		}
	}
	return n
}

// functionKey encodes arrows, editing keys and F keys, which are the same in all protocols; "" for others.
func functionKey(k Key, m Modes) string {
	mod := k.Mod.param()
	if letter := letterOf(k.Code); letter != 0 {
		switch {
		case mod > 1:
			return fmt.Sprintf("\x1b[1;%d%c", mod, letter)
		case m.AppCursor:
			return "\x1bO" + string(letter)
		}
		return "\x1b[" + string(letter)
	}
	if k.Code >= KeyF1 && k.Code <= KeyF1+3 {
		letter := 'P' + (k.Code - KeyF1)
		switch {
		case mod > 1:
			return fmt.Sprintf("\x1b[1;%d%c", mod, letter)
		case m.Kitty != 0 && letter == 'R':
			return "\x1b[13~" // CSI R is a cursor report
		}
		return "\x1bO" + string(letter)
	}
	n := tilde(k.Code)
	switch {
	case n == 0:
		return ""
	case mod > 1:
		return fmt.Sprintf("\x1b[%d;%d~", n, mod)
	}
	return fmt.Sprintf("\x1b[%d~", n)
}

// letterOf returns the final letter of a cursor key, or 0.
func letterOf(code rune) rune {
	switch code {
	case KeyUp:
		return 'A'
	case KeyDown:
		return 'B'
	case KeyRight:
		return 'C'
	case KeyLeft:
		return 'D'
	case KeyHome:
		return 'H'
	case KeyEnd:
		return 'F'
	}
	return 0
}

// tilde returns the number of a CSI number ~ key, or 0.
func tilde(code rune) int {
	switch code {
	case KeyInsert:
		return 2
	case KeyDelete:
		return 3
	case KeyPgUp:
		return 5
	case KeyPgDown:
		return 6
	}
	if i := int(code - KeyF1); i >= 4 && i < 12 {
		return [...]int{15, 17, 18, 19, 20, 21, 23, 24}[i-4]
	}
	return 0
}

// kittyKey encodes k as CSI u where the protocol asks for it; "" where the old form stays.
func kittyKey(k Key, m Modes) string {
	all := m.Kitty&kittyAll != 0
	plain := k.Mod&^ModShift == 0
	switch k.Code {
	case KeyEscape:
	case KeyEnter, KeyTab, KeyBackspace:
		if k.Mod == 0 && !all {
			return ""
		}
	default:
		if plain && !all { // a character that types itself
			return ""
		}
	}
	if k.Code > unicode.MaxRune { // several runes at once: an input method
		return ""
	}
	if k.Mod == 0 {
		return fmt.Sprintf("\x1b[%du", k.Code)
	}
	return fmt.Sprintf("\x1b[%d;%du", unicode.ToLower(k.Code), k.Mod.param())
}

// legacyKey encodes k as terminals did before there were protocols.
func legacyKey(k Key, m Modes) []byte {
	alt := ""
	if k.Mod&(ModAlt|ModMeta) != 0 {
		alt = "\x1b"
	}
	switch k.Code {
	case KeyEnter:
		switch {
		case m.ModifyOther > 0 && k.Mod != 0:
			return fmt.Appendf(nil, "\x1b[27;%d;13~", k.Mod.param())
		case k.Mod != 0: // what agents take as "new line, do not send"
			return []byte("\x1b\r")
		}
		return []byte("\r")
	case KeyTab:
		if k.Mod&ModShift != 0 {
			return []byte(alt + "\x1b[Z")
		}
		return []byte(alt + "\t")
	case KeyEscape:
		return []byte(alt + "\x1b")
	case KeyBackspace:
		if k.Mod&ModCtrl != 0 {
			return []byte(alt + "\b")
		}
		return []byte(alt + "\x7f")
	}
	if k.Mod&ModCtrl != 0 {
		if c, ok := control(k.Code); ok {
			return append([]byte(alt), c)
		}
	}
	text := k.Text
	if text == "" && k.Code > 0 && k.Code <= unicode.MaxRune {
		text = string(k.Code)
		if k.Mod&ModShift != 0 {
			text = strings.ToUpper(text)
		}
	}
	if text == "" {
		return nil
	}
	return []byte(alt + text)
}

// control returns the C0 control that Ctrl and code give.
func control(code rune) (byte, bool) {
	switch {
	case code >= 'a' && code <= 'z':
		return byte(code) & 0x1f, true
	case code >= '@' && code <= '_':
		return byte(code) & 0x1f, true
	case code == ' ', code == '2':
		return 0, true
	case code >= '3' && code <= '7': // ESC to 0x1f, as on a VT220
		return byte(code-'3') + 0x1b, true
	case code == '8', code == '?':
		return 0x7f, true
	case code == '/', code == '-':
		return 0x1f, true
	}
	return 0, false
}

// plainKeypad turns a keypad key into the one it stands for.
func plainKeypad(k Key) Key {
	switch c := k.Code; {
	case c == uv.KeyKpEnter:
		k.Code = KeyEnter
	case c >= uv.KeyKpEqual && c <= uv.KeyKp9:
		k.Code = rune("=*+,-./0123456789"[c-uv.KeyKpEqual])
	case c == uv.KeyKpUp:
		k.Code = KeyUp
	case c == uv.KeyKpDown:
		k.Code = KeyDown
	case c == uv.KeyKpLeft:
		k.Code = KeyLeft
	case c == uv.KeyKpRight:
		k.Code = KeyRight
	case c == uv.KeyKpPgUp:
		k.Code = KeyPgUp
	case c == uv.KeyKpPgDown:
		k.Code = KeyPgDown
	case c == uv.KeyKpHome:
		k.Code = KeyHome
	case c == uv.KeyKpEnd:
		k.Code = KeyEnd
	case c == uv.KeyKpInsert:
		k.Code = KeyInsert
	case c == uv.KeyKpDelete:
		k.Code = KeyDelete
	}
	return k
}

// EncodePaste returns text as a paste: line ends as CR, wrapped in ESC[200~ and ESC[201~ if the program asked for it.
// Escape characters and other controls but tab are removed, so that the text can neither end the paste nor press keys.
func EncodePaste(text string, bracketed bool) []byte {
	text = strings.ReplaceAll(text, "\r\n", "\r")
	text = strings.ReplaceAll(text, "\n", "\r")
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\t' && r != '\r' {
			return -1
		}
		return r
	}, text)
	if !bracketed {
		return []byte(text)
	}
	return []byte("\x1b[200~" + text + "\x1b[201~")
}
