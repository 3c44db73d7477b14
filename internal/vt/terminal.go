package vt

import "image/color"

// Terminal is one emulated terminal. All methods may be called from any goroutine; none of them blocks on a program or on
// a reader of replies.
type Terminal interface {
	// Write feeds what the program printed. It always takes all of p; the only error is os.ErrClosed after Close. A
	// character or grapheme may be split between two writes.
	Write(p []byte) (int, error)
	// Resize changes the size in cells, never below 1x1. The same size is no change. When rows are taken away, those
	// above the cursor go to the scrollback, so that the cursor's row stays.
	Resize(cols, rows int)
	// Frame returns the picture as of now. It shares nothing that changes later. It is cheap if nothing was written since
	// the last call, and renders only the rows that differ otherwise.
	Frame() Frame
	// RenderLine returns row y of Frame().Rows; "" out of range.
	RenderLine(y int) string
	// ScrollbackLine returns a line that left the main screen, rendered like a row at the present width; 0 is the oldest,
	// "" out of range.
	ScrollbackLine(i int) string
	// Text returns the rows as plain text without trailing blanks.
	Text() []string
	// History returns the last n lines of scrollback and screen as plain text, blank lines at the end left out.
	History(n int) []string
	// Gen counts changes: it differs whenever Frame might.
	Gen() uint64
	// Modes returns what the program asked of its input, for EncodeKey and EncodePaste.
	Modes() Modes
	// SetColors says which default colors queries are answered with; nil leaves one as it is.
	SetColors(foreground, background, cursor color.Color)
	// Panics counts how often the emulator had to be made anew.
	Panics() int
	// Close ends the delivery of replies and waits for it: not to be called from Reply. The picture stays readable.
	Close() error
}

// CursorShape is how the program wants its cursor drawn.
type CursorShape int

// The shapes of DECSCUSR.
const (
	CursorBlock CursorShape = iota
	CursorUnderline
	CursorBar
)

// Cursor is the place where the program's next character goes, in cells from the top left.
type Cursor struct {
	X, Y    int
	Visible bool
	Shape   CursorShape
	Blink   bool
}

// Frame is one immutable picture.
type Frame struct {
	Cols, Rows int
	Lines      []string // one per row: SGR and graphemes, exactly Cols wide, ends with a reset
	Cursor     Cursor
	Title      string // without controls, at most 256 runes
	Gen        uint64
	AltScreen  bool
	Modes      Modes
	Sync       bool // inside a synchronized update (mode 2026): better not shown yet
	Scrollback int  // lines that left the main screen, see ScrollbackLine
	Bells      int  // bells rung so far
}

// Modes is what the program asked of its input.
type Modes struct {
	AppCursor      bool  // arrows as SS3
	BracketedPaste bool  // pastes are wrapped
	Focus          bool  // wants CSI I and CSI O
	Mouse          bool  // any mouse tracking
	MouseMotion    bool  // wants motion too: 1002 or 1003
	MouseSGR       bool  // mouse reports as CSI <
	Kitty          uint8 // flags of the kitty keyboard protocol; 0: off
	ModifyOther    uint8 // xterm's modifyOtherKeys; 0: off
}

// DefaultScrollback is how many lines are kept that left the main screen.
const DefaultScrollback = 2000

// Options are the optional parts of New.
type Options struct {
	Scrollback int // lines; 0: DefaultScrollback
	// Reply receives the emulator's answers to queries, in order, from a goroutine of its own, outside all locks. It owns
	// the slice. When it blocks, later answers wait, and are dropped once 64 wait. Nil: answers are dropped.
	Reply func([]byte)
}
