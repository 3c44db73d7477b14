package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"gastown/internal/proc"
	"gastown/internal/vt"
)

// The window of a person.
const (
	windowCols = 200
	windowRows = 60
)

// showWithin bounds what is waited for on a screen: a hundred times what is usual.
const showWithin = 15 * time.Second

// player is a program under a terminal of ours, which it takes for a person's.
type player struct {
	p      *proc.Proc
	screen vt.Terminal
	begun  time.Time
	ended  sync.WaitGroup
	ring   chan struct{} // something was written

	mu    sync.Mutex
	bytes int       // written so far
	last  time.Time // when the last of them were read
}

// play starts a program. Its owner calls close.
func play(c proc.Cmd) (*player, error) {
	p := &player{begun: time.Now(), ring: make(chan struct{}, 1)}
	var err error
	p.p, err = proc.Start(proc.Spec{Argv: c.Argv, Dir: c.Dir, Env: c.Env, PTY: &proc.Size{Cols: windowCols, Rows: windowRows}})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", strings.Join(shown(c.Argv), " "), err)
	}
	p.screen = vt.New(windowCols, windowRows, vt.Options{Reply: func(b []byte) { _, _ = p.p.PTY().Write(b) }}) // fails when it has ended
	p.ended.Go(p.read)
	return p, nil
}

// read keeps the picture up to date. The time is taken before the picture is made.
func (p *player) read() {
	buf := make([]byte, 64<<10)
	for {
		n, err := p.p.PTY().Read(buf)
		at := time.Now()
		_, _ = p.screen.Write(buf[:n]) // always takes all
		p.mu.Lock()
		p.bytes += n
		p.last = at
		p.mu.Unlock()
		select {
		case p.ring <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

// written is how many bytes the program has written, and when the last ones came.
func (p *player) written() (n int, last time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.bytes, p.last
}

// press types.
func (p *player) press(keys string) error {
	_, err := p.p.PTY().Write([]byte(keys))
	return err
}

// until waits for a picture, and returns when its last byte was read.
func (p *player) until(ctx context.Context, what string, ok func(rows []string) bool) (time.Time, error) {
	limit := time.NewTimer(showWithin)
	defer limit.Stop()
	for {
		_, at := p.written()
		if ok(p.screen.Text()) {
			return at, nil
		}
		select {
		case <-p.ring:
		case <-p.p.Done():
			return at, fmt.Errorf("it ended before it showed %s: %s", what, p.lastRow())
		case <-limit.C:
			return at, fmt.Errorf("it does not show %s in %s: %s", what, showWithin, p.lastRow())
		case <-ctx.Done():
			return at, ctx.Err()
		}
	}
}

// lastRow is the lowest row with something in it, for an error.
func (p *player) lastRow() string {
	for _, row := range slices.Backward(p.screen.Text()) {
		if row = strings.TrimSpace(row); row != "" {
			return row
		}
	}
	return "nothing"
}

// shows waits for a text, and returns how long after the start it was seen.
func (p *player) shows(ctx context.Context, text string) (time.Duration, error) {
	at, err := p.until(ctx, text, func(rows []string) bool { return strings.Contains(strings.Join(rows, "\n"), text) })
	return at.Sub(p.begun), err
}

// quiet waits until nothing was written for a while.
func (p *player) quiet(ctx context.Context, d time.Duration) error {
	limit := time.NewTimer(showWithin + d)
	defer limit.Stop()
	for {
		_, last := p.written()
		timer := time.NewTimer(max(d-time.Since(last), time.Millisecond))
		select {
		case <-timer.C:
			if _, now := p.written(); now == last {
				return nil
			}
		case <-limit.C:
			timer.Stop()
			return errors.New("it does not stop writing")
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}

// close ends the program and all that it started.
func (p *player) close() {
	_ = p.p.Stop(context.Background(), proc.StopPlan{First: syscall.SIGTERM, Grace: proc.DefaultGrace}) // it ends in any case
	<-p.p.Done()
	_ = p.p.Close() // it has ended
	p.ended.Wait()
	_ = p.screen.Close()
}
