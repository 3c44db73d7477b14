package run

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"gastown/internal/proc"
	"gastown/internal/vt"
)

const (
	// readSize is the most that is read at once. The kernel hands out at most 4 KiB of a terminal; a larger buffer
	// costs only memory.
	readSize = 16 << 10
	// drainLimit is how long output may still come after the tree is gone. The terminal then has no writer and ends at
	// once, unless a foreign process was handed it.
	drainLimit = time.Second
)

// Options says what to run. It is read by Start only.
type Options struct {
	Name     string    // for errors
	Spec     proc.Spec // PTY and Output are set by Start
	Size     proc.Size // first size of terminal and emulator
	Log      string    // path of a file for the raw output, see Log; empty: none
	OnChange func()    // called after output, from one goroutine; calls that would queue up are merged into one
}

// Session is one agent program under a terminal. All methods may be called from any goroutine.
type Session struct {
	name     string
	proc     *proc.Proc
	term     vt.Terminal
	input    *queue
	log      *logFile
	onChange func()
	started  time.Time
	first    atomic.Int64 // UnixNano of the first output; 0: none yet
	last     atomic.Int64
	changed  chan struct{} // holds one: the doorbell of onChange
	ended    chan struct{} // closed after the last output
	done     chan struct{}

	resizing sync.Mutex
}

// Start starts the program. Its owner waits for Done; Stop makes it come. What failed is told as by [proc.Start].
func Start(o Options) (*Session, error) {
	log, err := openLog(o.Log)
	if err != nil {
		return nil, fmt.Errorf("start %q: %w", o.Name, err)
	}
	s := &Session{
		name: o.Name, input: newQueue(), log: log, onChange: o.OnChange,
		changed: make(chan struct{}, 1), ended: make(chan struct{}), done: make(chan struct{}),
	}
	size := proc.Size{Cols: max(o.Size.Cols, 1), Rows: max(o.Size.Rows, 1)}
	s.term = vt.New(size.Cols, size.Rows, vt.Options{
		Reply: func(p []byte) { _ = s.input.push(p) }, // a program that floods us with queries and reads no answers loses them
	})
	o.Spec.PTY, o.Spec.Output = &size, nil
	s.started = time.Now()
	if s.proc, err = proc.Start(o.Spec); err != nil {
		_ = s.term.Close()
		_ = log.close()
		return nil, fmt.Errorf("start %q: %w", o.Name, err)
	}
	go s.supervise()
	return s, nil
}

// supervise owns the session's goroutines and ends them in order: program, reader, writer, doorbell.
func (s *Session) supervise() {
	defer close(s.done)
	var reader, others sync.WaitGroup
	reader.Go(s.read)
	others.Go(func() { s.input.drain(s.proc.PTY()) })
	others.Go(s.ring)

	<-s.proc.Done()
	drained := make(chan struct{})
	go func() {
		reader.Wait()
		close(drained)
	}()
	limit := time.NewTimer(drainLimit)
	defer limit.Stop()
	select {
	case <-drained:
	case <-limit.C:
	}
	_ = s.proc.Close() // ends a read and a write that still wait
	<-drained
	s.input.close()
	close(s.ended)
	others.Wait()
	_ = s.term.Close()
	_ = s.log.close()
}

// read feeds the emulator until the terminal ends.
func (s *Session) read() {
	buf := make([]byte, readSize)
	for {
		n, err := s.proc.PTY().Read(buf)
		if n > 0 {
			now := time.Now().UnixNano()
			s.first.CompareAndSwap(0, now)
			s.last.Store(now)
			_, _ = s.term.Write(buf[:n]) // open until this goroutine has ended
			s.log.write(buf[:n])
			s.touch()
		}
		if err != nil { // EIO is the end of a terminal
			return
		}
	}
}

// touch rings the doorbell; it is rung once however often it is touched before somebody answers.
func (s *Session) touch() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// ring answers the doorbell until the end, and once more for the end.
func (s *Session) ring() {
	if s.onChange == nil {
		return
	}
	for {
		select {
		case <-s.changed:
			s.onChange()
		case <-s.ended:
			s.onChange()
			return
		}
	}
}

// Terminal is the session's emulator. It stays readable after the end. Not to be resized or closed but by the session.
func (s *Session) Terminal() vt.Terminal { return s.term }

// Proc is the session's process tree.
func (s *Session) Proc() *proc.Proc { return s.proc }

// Done is closed when the tree is gone, all its output is in the emulator and every goroutine has ended.
func (s *Session) Done() <-chan struct{} { return s.done }

// Exit says how the program ended. It is valid after Done.
func (s *Session) Exit() proc.Exit { return s.proc.Exit() }

// Started is when the program was started.
func (s *Session) Started() time.Time { return s.started }

// FirstOutput is when the program first printed; zero: not yet.
func (s *Session) FirstOutput() time.Time { return nanoTime(s.first.Load()) }

// LastOutput is when the program last printed; zero: never.
func (s *Session) LastOutput() time.Time { return nanoTime(s.last.Load()) }

func nanoTime(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns)
}

// Send queues p as typed input and does not wait for the program to read it. All of p is taken, or none: [ErrFull] when
// the program does not read, [ErrEnded] when it is gone. p may be reused.
func (s *Session) Send(p []byte) error {
	if err := s.input.push(append([]byte(nil), p...)); err != nil {
		return fmt.Errorf("send to %q: %w", s.name, err)
	}
	return nil
}

// Paste queues text as a paste, wrapped if the program asked for that. It fails as Send does.
func (s *Session) Paste(text string) error {
	return s.Send(vt.EncodePaste(text, s.term.Modes().BracketedPaste))
}

// Resize changes emulator and terminal together, if the size differs at all: the program gets one SIGWINCH for it.
func (s *Session) Resize(cols, rows int) {
	cols, rows = max(cols, 1), max(rows, 1)
	s.resizing.Lock()
	defer s.resizing.Unlock()
	s.term.Resize(cols, rows) // first, so that what the program draws for the new size meets it
	_ = s.proc.Resize(proc.Size{Cols: cols, Rows: rows})
	s.touch()
}

// Stop ends the tree: SIGTERM to the program, SIGKILL to everything after grace. It returns when Done is closed, or with
// ctx's error; the tree is killed then too.
func (s *Session) Stop(ctx context.Context, grace time.Duration) error {
	if err := s.proc.Stop(ctx, proc.StopPlan{First: syscall.SIGTERM, Grace: grace}); err != nil {
		return fmt.Errorf("stop %q: %w", s.name, err)
	}
	select {
	case <-s.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stop %q: %w", s.name, ctx.Err())
	}
}

// Tail returns the last n lines of plain text, scrollback included, blank lines at the end left out.
func (s *Session) Tail(n int) []string { return s.term.History(n) }
