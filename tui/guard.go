package tui

import (
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

// PanicError is a recovered panic with the stack it happened on.
type PanicError struct {
	Where string
	Value any
	Stack []byte
}

// Error implements error.
func (e *PanicError) Error() string { return fmt.Sprintf("panic in %s: %v", e.Where, e.Value) }

// Unwrap makes errors.Is(err, ErrPanic) true.
func (e *PanicError) Unwrap() error { return ErrPanic }

// Guard keeps the first panic of any goroutine started through it. A Run that has it ends
// with the terminal restored and returns that panic as its error.
type Guard struct {
	once   sync.Once
	failed chan struct{}
	err    *PanicError
	wait   sync.WaitGroup
}

// NewGuard returns a guard that has seen nothing.
func NewGuard() *Guard { return &Guard{failed: make(chan struct{})} }

// Go runs f in a goroutine; a panic in it is kept instead of ending the process with a
// broken terminal. where names the goroutine in the error.
func (g *Guard) Go(where string, f func()) {
	g.wait.Go(func() {
		defer g.Recover(where)
		f()
	})
}

// Recover is to be deferred; it keeps the panic under way, if there is one.
func (g *Guard) Recover(where string) {
	if v := recover(); v != nil {
		g.fail(where, v)
	}
}

// Failed is closed after the first panic.
func (g *Guard) Failed() <-chan struct{} { return g.failed }

// Err is the first panic, nil if there was none.
func (g *Guard) Err() error {
	select {
	case <-g.failed:
		return g.err
	default:
		return nil
	}
}

// Wait waits for the goroutines started with Go.
func (g *Guard) Wait() { g.wait.Wait() }

// waitFor is Wait, but no longer than d.
func (g *Guard) waitFor(d time.Duration) {
	ended := make(chan struct{})
	go func() {
		g.wait.Wait()
		close(ended)
	}()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ended:
	case <-timer.C:
	}
}

func (g *Guard) fail(where string, v any) {
	g.once.Do(func() {
		g.err = &PanicError{Where: where, Value: v, Stack: debug.Stack()}
		close(g.failed)
	})
}
