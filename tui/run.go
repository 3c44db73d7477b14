package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/term"
)

const (
	// frameLimit is how many frames a second there are while something happens; see pulse.
	frameLimit = 60
	// bellGap is the least time between two looks at the town: half a frame, so that an echo
	// seldom waits for the frame after the next.
	bellGap = time.Second / frameLimit / 2
	// outboxLimit is how many writes to terminals may wait; a program that reads nothing
	// would keep them for ever.
	outboxLimit = 4096
	// endWait is how long the end of the screen waits for a write that hangs.
	endWait = time.Second
)

// reset ends every mode a crash could leave on; each is harmless when it is off already. It is
// written after an orderly end too: a frame that Bubble Tea draws before the first View hides
// the cursor of the main screen, and terminals that keep one cursor state a screen would leave
// it so.
const reset = "\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?2004l\x1b[?2026l\x1b[>4m\x1b[0m\x1b[?25h"

// Run shows the town on s until the person quits, ctx ends, or something panics. Whatever
// way it ends, the terminal is as it was before. A panic comes back as a *PanicError.
func Run(ctx context.Context, h Host, s Screen) (Outcome, error) {
	if s.In == nil || s.Out == nil {
		return Outcome{}, errors.New("screen: no terminal")
	}
	if s.Now == nil {
		s.Now = time.Now
	}
	s.ASCII = s.ASCII || wantsASCII(s.Env) != ""
	if s.Cols < 1 || s.Rows < 1 {
		s.Cols, s.Rows = 80, 24
	}
	if out, ok := s.Out.(term.File); ok && term.IsTerminal(out.Fd()) {
		if w, hgt, err := term.GetSize(out.Fd()); err == nil {
			s.Cols, s.Rows = w, hgt
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	guard := NewGuard()
	box := newOutbox()
	bell, done := newBell(ctx, h)
	defer done()

	profile := colorprofile.Env(s.Env)
	m := newModel(ports{
		ctx: ctx, host: h, now: s.Now, after: newAfter(ctx), post: box.put, bell: guardCmd(guard, bell),
		guard: func(c tea.Cmd) tea.Cmd { return guardCmd(guard, c) }, edit: s.Edit, file: s.EditFile, shell: s.Line, opts: s.Options, usage: s.Usage,
	}, s, profile)
	root := &root{m: m, guard: guard, pulse: &pulse{}}
	p := tea.NewProgram(root, programOptions(ctx, s, profile)...)
	root.pulse.program = p
	defer root.pulse.end()

	guard.Go("terminal writer", func() { box.run(ctx, func(name string, err error) { p.Send(sendErrMsg{name, err}) }) })
	guard.Go("screen size", func() { relaySizes(ctx, s.Sizes, p.Send) })
	guard.Go("watch", func() { watch(ctx, cancel, guard.Failed(), s.Guard) })

	_, err := p.Run()
	cancel()
	guard.waitFor(endWait)
	return m.result, finish(s.Out, err, guard.Err(), callerErr(s.Guard))
}

// SlotOf is the size that agents' terminals will have on a screen on the given terminal, so that
// those started before the screen begin with it; zero when it is no terminal.
func SlotOf(out term.File) Size {
	if !term.IsTerminal(out.Fd()) {
		return Size{}
	}
	cols, rows, err := term.GetSize(out.Fd())
	l := arrange(cols, rows)
	if err != nil || l.kind == tooSmall {
		return Size{}
	}
	return Size{l.slot.w, l.slot.h}
}

func callerErr(g *Guard) error {
	if g == nil {
		return nil
	}
	return g.Err()
}

// finish makes sure of the terminal's modes and decides what Run returns.
func finish(out io.Writer, err error, panics ...error) error {
	_, _ = io.WriteString(out, reset)
	for _, p := range panics {
		if p != nil {
			return p
		}
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, tea.ErrProgramPanic):
		return fmt.Errorf("%w: %w", ErrPanic, err)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.Is(err, io.EOF):
		return nil // asked to end from outside, or the terminal went away
	}
	return fmt.Errorf("screen: %w", err)
}

// programOptions leave signals to the caller's context, and panics in Update to root.
func programOptions(ctx context.Context, s Screen, profile colorprofile.Profile) []tea.ProgramOption {
	out := s.Out
	if in, ok := s.In.(term.File); !ok || !term.IsTerminal(in.Fd()) {
		out = &crWriter{w: s.Out} // Bubble Tea takes such a terminal to turn LF into CR LF
	}
	return []tea.ProgramOption{
		tea.WithContext(ctx), tea.WithInput(s.In), tea.WithOutput(out), tea.WithEnvironment(s.Env),
		tea.WithoutSignalHandler(), tea.WithFPS(frameLimit), tea.WithColorProfile(profile),
		tea.WithWindowSize(s.Cols, s.Rows),
	}
}

// watch ends the screen when a goroutine of it or of the caller panicked.
func watch(ctx context.Context, cancel func(), failed <-chan struct{}, caller *Guard) {
	var theirs <-chan struct{}
	if caller != nil {
		theirs = caller.Failed()
	}
	select {
	case <-ctx.Done():
	case <-failed:
		cancel()
	case <-theirs:
		cancel()
	}
}

func relaySizes(ctx context.Context, sizes <-chan Size, send func(tea.Msg)) {
	for {
		select {
		case <-ctx.Done():
			return
		case s, ok := <-sizes:
			if !ok {
				return
			}
			send(tea.WindowSizeMsg{Width: s.Cols, Height: s.Rows})
		}
	}
}

// newAfter makes the command for a message later, dropped when the screen ends.
func newAfter(ctx context.Context) func(time.Duration, tea.Msg) tea.Cmd {
	return func(d time.Duration, msg tea.Msg) tea.Cmd {
		return func() tea.Msg {
			timer := time.NewTimer(max(d, 0))
			defer timer.Stop()
			select {
			case <-ctx.Done():
				return nil
			case <-timer.C:
				return msg
			}
		}
	}
}

// newBell makes the command that waits for the next change, at most once a frame.
func newBell(ctx context.Context, h Host) (tea.Cmd, func()) {
	changes, done := h.Changes()
	return func() tea.Msg {
		gap := time.NewTimer(bellGap)
		defer gap.Stop()
		select {
		case <-ctx.Done():
			return nil
		case <-gap.C:
		}
		select {
		case <-ctx.Done():
			return nil
		case _, ok := <-changes:
			if !ok {
				return nil
			}
			return changedMsg{}
		}
	}, done
}

// guardCmd keeps a panic of a command.
func guardCmd(g *Guard, cmd tea.Cmd) tea.Cmd {
	if cmd == nil {
		return nil
	}
	return func() tea.Msg {
		defer g.Recover("command")
		return cmd()
	}
}

// root is the model with its panics kept: the screen ends, the terminal is restored, and Run
// returns the panic, instead of a stack on a terminal in raw mode.
type root struct {
	m     *model
	guard *Guard
	pulse *pulse
}

func (r *root) Init() tea.Cmd { return r.m.Init() }

func (r *root) Update(msg tea.Msg) (next tea.Model, cmd tea.Cmd) {
	next = r
	if r.guard.Err() != nil {
		return r, nil
	}
	defer r.guard.Recover("Update")
	switch msg.(type) {
	case tea.KeyPressMsg, tea.PasteMsg, tea.MouseMsg:
		r.pulse.keyed()
	}
	_, cmd = r.m.Update(msg)
	return r, cmd
}

func (r *root) View() (v tea.View) {
	r.pulse.beat()
	v = r.m.shown
	if r.guard.Err() != nil {
		return v
	}
	defer r.guard.Recover("View")
	return r.m.View()
}

// crWriter puts a CR before each LF that has none.
type crWriter struct {
	w    io.Writer
	last byte
}

func (c *crWriter) Write(p []byte) (int, error) {
	out := make([]byte, 0, len(p)+16)
	for _, b := range p {
		if b == '\n' && c.last != '\r' {
			out = append(out, '\r')
		}
		out = append(out, b)
		c.last = b
	}
	if _, err := c.w.Write(out); err != nil {
		return 0, err
	}
	return len(p), nil
}

// outbox writes to terminals in order, off the Update goroutine, whatever a write takes.
type outbox struct {
	mu   sync.Mutex
	jobs []job
	ring chan struct{}
	full bool
}

type job struct {
	name string
	f    func() error
}

var errOutboxFull = errors.New("takes no input; what was typed is dropped")

func newOutbox() *outbox { return &outbox{ring: make(chan struct{}, 1)} }

func (o *outbox) put(name string, f func() error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.jobs) >= outboxLimit {
		o.full = true
		return
	}
	o.jobs = append(o.jobs, job{name, f})
	select {
	case o.ring <- struct{}{}:
	default:
	}
}

func (o *outbox) run(ctx context.Context, failed func(string, error)) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-o.ring:
		}
		for _, j := range o.take() {
			if ctx.Err() != nil {
				return
			}
			if err := j.f(); err != nil && j.name != "" {
				failed(j.name, err)
			}
			if o.overflowed() {
				failed(j.name, errOutboxFull)
			}
		}
	}
}

func (o *outbox) take() []job {
	o.mu.Lock()
	defer o.mu.Unlock()
	jobs := o.jobs
	o.jobs = nil
	return jobs
}

func (o *outbox) overflowed() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	was := o.full
	o.full = false
	return was
}
