package vt

import "github.com/charmbracelet/x/ansi"

// state is what a program told its terminal besides what is on the screen.
type state struct {
	set           map[ansi.Mode]bool // modes that are on
	title         string
	cursorVisible bool
	shape         CursorShape
	blink         bool
	bells         int
	stack         []uint8 // kitty keyboard flags, the last one counts
	modifyOther   uint8
	wrapSaved     bool // with the cursor: the next character goes to the next row
}

// kittyDepth is the longest stack of keyboard flags, as in kitty; a deeper push loses the oldest.
const kittyDepth = 16

func newState() state {
	return state{set: make(map[ansi.Mode]bool), cursorVisible: true, blink: true}
}

func (s *state) modes() Modes {
	motion := s.set[ansi.ModeMouseButtonEvent] || s.set[ansi.ModeMouseAnyEvent]
	return Modes{
		AppCursor:      s.set[ansi.ModeCursorKeys],
		BracketedPaste: s.set[ansi.ModeBracketedPaste],
		Focus:          s.set[ansi.ModeFocusEvent],
		Mouse:          motion || s.set[ansi.ModeMouseX10] || s.set[ansi.ModeMouseNormal] || s.set[ansi.ModeMouseHighlight],
		MouseMotion:    motion,
		MouseSGR:       s.set[ansi.ModeMouseExtSgr],
		Kitty:          s.kitty(),
		ModifyOther:    s.modifyOther,
	}
}

func (s *state) sync() bool { return s.set[ansi.ModeSynchronizedOutput] }

func (s *state) kitty() uint8 {
	if len(s.stack) == 0 {
		return 0
	}
	return s.stack[len(s.stack)-1]
}

// kittyMask holds the five flags of the protocol.
const kittyMask = 31

func (s *state) pushKitty(flags int) {
	if len(s.stack) == kittyDepth {
		s.stack = s.stack[1:]
	}
	s.stack = append(s.stack, uint8(flags&kittyMask))
}

func (s *state) popKitty(n int) { s.stack = s.stack[:max(len(s.stack)-n, 0)] }

// changeKitty sets (1), adds (2) or takes away (3) flags.
func (s *state) changeKitty(flags, how int) {
	now, f := s.kitty(), uint8(flags&kittyMask)
	switch how {
	case 2:
		f |= now
	case 3:
		f = now &^ f
	}
	s.popKitty(1)
	s.pushKitty(int(f))
}

// setShape takes the parameter of DECSCUSR: odd ones blink, 0 is 1.
func (s *state) setShape(n int) {
	n = max(n, 1)
	if n > 6 {
		return
	}
	s.shape, s.blink = CursorShape((n-1)/2), n%2 == 1
}
