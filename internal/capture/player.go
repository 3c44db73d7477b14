package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	agentrun "gastown/agents/run"
	"gastown/internal/proc"
)

const (
	// again is after how long keys are typed again whose effect is not seen: the screen drops what comes too soon
	// after a dialog opened.
	again = 2 * time.Second
	// grace is what a program gets to end by itself.
	grace = 5 * time.Second
)

// player is the program on a terminal of ours, which it takes for a person's.
type player struct {
	s    *agentrun.Session
	ring chan struct{} // something was printed
}

// play starts the program in the studio; its owner calls close.
func (s *studio) play(cols, rows int, args ...string) (*player, error) {
	p := &player{ring: make(chan struct{}, 1)}
	exe, err := filepath.EvalSymlinks(s.exe)
	if err != nil {
		return nil, err
	}
	p.s, err = agentrun.Start(agentrun.Options{
		Name: "gastown", Size: proc.Size{Cols: cols, Rows: rows}, OnChange: p.changed,
		Spec: proc.Spec{Argv: append([]string{exe}, args...), Dir: s.dir, Env: s.env},
	})
	return p, err
}

func (p *player) changed() {
	select {
	case p.ring <- struct{}{}:
	default:
	}
}

// until types keys, waits for a picture and returns its rows.
func (p *player) until(ctx context.Context, keys, what string, ok func(rows []string) bool) ([]string, error) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		rows := p.s.Terminal().Text()
		if ok(rows) {
			return rows, nil
		}
		select {
		case <-p.ring:
		case <-timer.C:
			if err := p.s.Send([]byte(keys)); err != nil {
				return nil, err
			}
			timer.Reset(again)
		case <-p.s.Done():
			return nil, fmt.Errorf("waiting for %s: the program has ended:\n%s", what, strings.Join(rows, "\n"))
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("waiting for %s: the screen shows\n%s", what, strings.Join(rows, "\n")), ctx.Err())
		}
	}
}

func (p *player) resize(cols, rows int) { p.s.Resize(cols, rows) }

// close ends the program and all that it started.
func (p *player) close() {
	_ = p.s.Stop(context.Background(), grace) // it ends in any case
	<-p.s.Done()
}
