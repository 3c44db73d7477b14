package vt

import (
	"image/color"
	"io"
	"os"
	"sync"

	uv "github.com/charmbracelet/ultraviolet"
	xvt "github.com/charmbracelet/x/vt"
)

const (
	chunk      = 64 << 10 // most bytes fed under one lock: a reader waits at most some milliseconds
	replyQueue = 64       // answers waiting for a slow Reply; a program asks about 20 at its start
	titleLimit = 256      // runes
	carryLimit = 256      // bytes of an unfinished grapheme held back
	maxSide    = 4096     // cells; memory is cols x rows x 112 bytes
)

// emulator is a Terminal on x/vt. The lock guards everything below it.
type emulator struct {
	opts    Options
	replies chan []byte
	ended   sync.WaitGroup

	mu     sync.Mutex
	emu    *xvt.Emulator
	inside *inside // of emu
	state  state
	carry  []byte // end of the last write: a grapheme that may go on
	gen    uint64
	panics int
	closed bool
	colors [3]color.Color

	frame Frame     // last picture
	rows  []uv.Line // the cells it was made from
	drawn bool      // frame is valid
}

// New returns a terminal of the given size, at least 1x1. Its owner calls Close.
func New(cols, rows int, opts Options) Terminal {
	if opts.Scrollback <= 0 {
		opts.Scrollback = DefaultScrollback
	}
	t := &emulator{opts: opts, replies: make(chan []byte, replyQueue)}
	t.emu = t.build(clampSide(cols), clampSide(rows))
	t.ended.Go(t.deliver)
	return t
}

func clampSide(n int) int { return min(max(n, 1), maxSide) }

// build makes the inner emulator and the goroutine that drains its replies; x/vt writes them to a pipe without a buffer.
func (t *emulator) build(cols, rows int) *xvt.Emulator {
	emu := xvt.NewEmulator(cols, rows)
	emu.SetScrollbackSize(t.opts.Scrollback)
	dropAltScrollback(emu)
	t.state, t.inside = newState(), insideOf(emu)
	t.install(emu)
	t.applyColors(emu)
	t.ended.Go(func() {
		buf := make([]byte, 4096)
		for {
			n, err := emu.Read(buf)
			if n > 0 {
				select {
				case t.replies <- append([]byte(nil), buf[:n]...):
				default: // nobody listens: a query must not stop the program's output
				}
			}
			if err != nil {
				return
			}
		}
	})
	return emu
}

// deliver hands replies on until Close.
func (t *emulator) deliver() {
	for p := range t.replies {
		if p == nil {
			return
		}
		if t.opts.Reply != nil {
			t.opts.Reply(p)
		}
	}
}

// Write implements Terminal.
func (t *emulator) Write(p []byte) (int, error) {
	for n := 0; n < len(p); {
		part := p[n:min(n+chunk, len(p))]
		t.mu.Lock()
		if t.closed {
			t.mu.Unlock()
			return n, os.ErrClosed
		}
		t.feed(part)
		t.gen++
		t.mu.Unlock()
		n += len(part)
	}
	return len(p), nil
}

// feed writes p after what was held back, and holds back a grapheme at its end that may go on in the next write.
func (t *emulator) feed(p []byte) {
	if len(t.carry) > 0 {
		p = append(t.carry, p...)
		t.carry = nil
	}
	cut := len(p) - unfinished(p)
	t.advance(p[:cut])
	t.carry = append([]byte(nil), p[cut:]...)
}

// settle writes what was held back: somebody looks.
func (t *emulator) settle() {
	if len(t.carry) == 0 || t.closed {
		return
	}
	// An unfinished character stays: the bytes that complete it are on their way.
	cut := len(t.carry) - incomplete(t.carry)
	p := t.carry[:cut]
	t.carry = t.carry[cut:]
	t.advance(p)
}

// advance is the one place that calls into x/vt's parser. A panic there costs the screen, not the program.
func (t *emulator) advance(p []byte) {
	if len(p) == 0 {
		return
	}
	defer func() {
		if recover() != nil {
			t.rebuild()
		}
	}()
	t.print(valid(p))
}

// rebuild replaces an emulator that panicked: a blank screen of the same size, with the history and the modes kept, as the
// program does not know and will not set them again.
func (t *emulator) rebuild() {
	t.panics++
	old, kept := t.emu, t.state
	closePipe(old)
	t.emu = t.build(old.Width(), old.Height())
	for _, line := range old.Scrollback().Lines() {
		t.emu.Scrollback().Push(line)
	}
	if old.IsAltScreen() {
		_, _ = t.emu.Write([]byte("\x1b[?1049h"))
	}
	t.state = kept
	t.drawn = false
}

// Resize implements Terminal.
func (t *emulator) Resize(cols, rows int) {
	cols, rows = clampSide(cols), clampSide(rows)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || cols == t.emu.Width() && rows == t.emu.Height() {
		return
	}
	t.settle()
	t.gen++
	defer func() {
		if recover() != nil {
			t.rebuild()
			t.emu.Resize(cols, rows)
		}
	}()
	if above := t.emu.CursorPosition().Y + 1 - rows; above > 0 {
		scrollOff(t.emu, above)
	}
	t.emu.Resize(cols, rows)
}

// Gen implements Terminal.
func (t *emulator) Gen() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.gen
}

// Modes implements Terminal.
func (t *emulator) Modes() Modes {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.state.modes()
}

// Panics implements Terminal.
func (t *emulator) Panics() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.panics
}

// SetColors implements Terminal.
func (t *emulator) SetColors(foreground, background, cursor color.Color) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, c := range []color.Color{foreground, background, cursor} {
		if c != nil {
			t.colors[i] = c
		}
	}
	t.applyColors(t.emu)
}

func (t *emulator) applyColors(emu *xvt.Emulator) {
	for i, set := range []func(color.Color){
		emu.SetDefaultForegroundColor, emu.SetDefaultBackgroundColor, emu.SetDefaultCursorColor,
	} {
		if t.colors[i] != nil {
			set(t.colors[i])
		}
	}
}

// Close implements Terminal.
func (t *emulator) Close() error {
	t.mu.Lock()
	if t.closed {
		t.mu.Unlock()
		return nil
	}
	t.settle()
	t.closed = true
	closePipe(t.emu)
	t.mu.Unlock()
	t.replies <- nil // the end mark; there is room as soon as Reply returns
	t.ended.Wait()
	return nil
}

// closePipe ends the goroutine that drains emu. emu.Close would do it too, but writes a flag that emu.Read reads.
func closePipe(emu *xvt.Emulator) {
	if c, ok := emu.InputPipe().(io.Closer); ok {
		_ = c.Close()
	}
}
