package tui

import (
	"context"
	"errors"
	"io"
	"time"

	"gastown/internal/api"
	"gastown/internal/vt"
)

// MayorName is the name of the Mayor's terminal.
const MayorName = "mayor"

// Host is what the screen needs of the town.
type Host interface {
	api.Doer
	// View is the newest view, immutable. It is cheap and never blocks.
	View() *api.View
	// Changes gives a bell that holds at most one ring, rung after any change: a new view, or
	// a terminal that moved. The function ends the subscription.
	Changes() (<-chan struct{}, func())
	// Terminal is the live terminal of "mayor" or of an attempt, BEAD/N. The same terminal is the
	// same comparable value at each call; a restarted agent's is another one.
	Terminal(name string) (Terminal, bool)
}

// Terminal is one live agent terminal.
type Terminal interface {
	// Gen differs whenever the picture might.
	Gen() uint64
	Frame() vt.Frame
	// ScrollbackLine is a line that left the screen; 0 is the oldest.
	ScrollbackLine(i int) string
	// Send writes bytes as typed. The screen calls it from one goroutine, in order.
	Send(p []byte) error
	// Paste writes text as pasted, wrapped when the program asked for that.
	Paste(text string) error
	// Resize sets the size in cells of picture and program; the same size is no change.
	Resize(cols, rows int)
}

// Sizer is implemented by a Host that wants to know the left slot's size, so that agents
// started later begin with it.
type Sizer interface {
	SlotSize(cols, rows int)
}

// Size is a size in cells.
type Size struct{ Cols, Rows int }

// Screen is the terminal that a person looks at.
type Screen struct {
	In  io.Reader // required
	Out io.Writer // required
	// Env decides colours (TERM, COLORTERM, NO_COLOR, ...).
	Env []string
	// Cols and Rows are the size when Out is not a terminal; otherwise it is asked.
	Cols, Rows int
	// Sizes brings later sizes when Out is not a terminal. May be nil.
	Sizes <-chan Size
	// ASCII draws lines and marks in ASCII only; so does a screen whose environment or terminal wants it.
	ASCII bool
	// TownKeys lead from the terminal to the board and back, as keystrokes; nil is ctrl+]
	// and f9.
	TownKeys []string
	// Guard turns panics of the caller's goroutines into an end of the screen. May be nil.
	Guard *Guard
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Edit opens a text in the person's editor on this terminal, which the screen has given
	// back for that time, and returns it as it was saved. Nil: no editor can be started.
	Edit func(text string) (string, error)
	// EditFile opens a file below a directory the same way; one that leads out of it by a link is
	// refused. Nil: no editor can be started.
	EditFile func(dir, path string) error
	// Line performs a line of the : dialog as the shell does, and returns what it prints. Nil: only the
	// screen's own commands are there.
	Line func(ctx context.Context, d api.Doer, args []string) (string, error)
	// Options are the options of verbs, by the words of the verb.
	Options map[string][]Option
	// Usage is what follows the words of each verb, by them: "BEAD...".
	Usage map[string]string
	// Passing says that the town is deleted when the screen ends, as the demo's is.
	Passing bool
	// Version is shown in the wide status bar.
	Version string
}

// Option is one option of a verb: --agent, the value that follows it if there is one, and what it does.
type Option struct{ Name, Value, Help string }

// Quit is why the screen ended.
type Quit int

const (
	// Ended is an end from outside: the context was cancelled, the terminal went away, or an
	// error is returned beside it.
	Ended Quit = iota
	// Stop is the person's wish to stop all agents now; their work is kept.
	Stop
	// Drain is the person's wish to let agents finish, then stop.
	Drain
)

// Outcome is how a Run ended.
type Outcome struct{ Quit Quit }

// ErrPanic is wrapped by the error of a Run that a panic ended.
var ErrPanic = errors.New("the screen crashed")
